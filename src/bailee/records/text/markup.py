"""Text out of HTML, XHTML narrative and C-CDA documents. Entities of a document type are never followed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

_BLOCK: Final = re.compile(
    r"(?i)<(?=(?:br|hr|/?(?:p|div|tr|li|ul|ol|dl|dt|dd|h[1-6]|table|section|article|header|footer|blockquote|pre|title|body))\b)"
)
_CELL: Final = re.compile(r"(?i)<(?=/t[dh]\b)")
_SPACES: Final = re.compile(r"[ \t\xa0]*\n[ \t\xa0]*")
_LINES: Final = re.compile(r"\n{3,}")
_CDA: Final = "{urn:hl7-org:v3}"
_LINE_TAGS: Final = frozenset(
    {"br", "paragraph", "item", "tr", "caption", "list", "table", "thead", "tbody", "p", "div", "li", "content_end"}
)


class NotMarkup(ValueError):
    """A document that cannot be read; says nothing of its content."""


def text_from_html(source: str) -> str:
    """Give the text of HTML, hidden elements too; scripts, styles and comments fall away. Blocks part lines, cells tabs."""
    from selectolax.lexbor import LexborHTMLParser

    spaced = _CELL.sub("\t<", _BLOCK.sub("\n<", source.replace("\x00", "")))
    tree = LexborHTMLParser(spaced)
    tree.strip_tags(["script", "style", "template", "noscript"])
    root = tree.root
    return tidy(root.text(deep=True) if root is not None else "")


def tidy(text: str) -> str:
    """Drop blanks at line ends and more than one empty line."""
    return _LINES.sub("\n\n", _SPACES.sub("\n", text)).strip()


def text_from_xml(content: bytes) -> str:
    """Give the text of a C-CDA document's sections, or of XHTML.

    Raises: NotMarkup for what does not parse, has a document type, or is another kind of document.
    """
    root = _parse(content)
    if root.tag == f"{_CDA}ClinicalDocument":
        return tidy("\n\n".join(_sections(root)))
    if root.tag in {"{http://www.w3.org/1999/xhtml}html", "{http://www.w3.org/1999/xhtml}div", "html", "div"}:
        return tidy("".join(_pieces(root)))
    raise NotMarkup


def _parse(content: bytes) -> Any:
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        raise NotMarkup from None
    if root.getroottree().docinfo.doctype:
        raise NotMarkup
    return root


def _sections(root: Any) -> Iterator[str]:
    for section in root.iter(f"{_CDA}section"):
        title, text = section.find(f"{_CDA}title"), section.find(f"{_CDA}text")
        if title is not None:
            yield "".join(title.itertext()).strip()
        if text is not None:
            yield "".join(_pieces(text))


def body_of(content: bytes) -> tuple[str, str] | None:
    """Give media type and base64 text of a C-CDA document whose body is not XML; None for all others."""
    root = _parse(content)
    body = root.find(f"{_CDA}component/{_CDA}nonXMLBody/{_CDA}text")
    if body is None or body.get("representation") != "B64":
        return None
    return str(body.get("mediaType", "")), "".join(body.itertext())


def _pieces(root: Any) -> Iterator[str]:
    """Walk without recursion: a hostile document may be as deep as the parser lets it."""
    from lxml import etree

    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = etree.QName(element).localname.lower() if isinstance(element.tag, str) else ""
        if event == "start":
            yield "\n" if name in _LINE_TAGS else ""
            yield element.text or ""
        else:
            yield "\t" if name in {"td", "th"} else "\n" if name in _LINE_TAGS else ""
            if element is not root:
                yield element.tail or ""
