"""A document's bytes to a tree, and back. No document type, no entity, no network; a fragment gets the namespaces it lacks."""

from __future__ import annotations

import codecs
import re
from typing import Any, Final

from lxml import etree

from bailee.core.errors import Invalid
from bailee.records.cda.model import SDTC, V3, XSI, fragments, local_name

LARGEST: Final = 64 << 20
_ROOT: Final = re.compile(
    rb"<((?:[A-Za-z_][\w.-]*:)?[A-Za-z_][\w.-]*)((?:\s+[\w:.-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*\s*)(/?)>"
)
_BEFORE: Final = re.compile(rb"\s*(?:<\?[^>]*\?>\s*|<!--.*?-->\s*)*", re.DOTALL)
_FORBIDDEN: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_DECLARED: Final = re.compile(rb"\A\s*<\?xml[^>]*\?>")
_WIDE: Final = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"), (codecs.BOM_UTF8, "utf-8-sig"))
SPACES: Final = {None: V3, "sdtc": SDTC, "xsi": XSI}

Element = Any  # lxml has no types of its own


def tree_from_bytes(content: bytes) -> Element:
    """Read a document or a fragment of one; give its outermost element.

    Raises: Invalid if it is too large, not well-formed, has a document type, or is nothing that CDA has.
    """
    if len(content) > LARGEST:
        raise Invalid("a document of more than 64 MiB", remedy="Take out what it carries, such as images.")
    content = _narrow(content)
    if _FORBIDDEN.search(content):
        raise Invalid("a document with a document type or entities", remedy="Export it without <!DOCTYPE>.")
    content = _declared(content)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=False
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f", line {line}" if line else ""
        raise Invalid(
            f"XML that is not well-formed, too deep, or has a text of more than 10 MB{where}",
            remedy="Check it with an XML parser and export it again.",
        ) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Invalid("a document with a document type or entities", remedy="Export it without <!DOCTYPE>.")
    if local_name(root.tag) not in fragments():
        raise Invalid("XML that is no CDA document nor a part of one", remedy="CDA begins with <ClinicalDocument>.")
    return root


def looks_like_cda(head: bytes) -> bool:
    """Tell by its first bytes whether a file is a CDA document or a part of one."""
    head = _narrow(head)
    before = _BEFORE.match(head)
    found = re.match(rb"<(?:[\w.-]+:)?([\w.-]+)", head[before.end() :] if before else head)
    name = found[1].decode("ascii", "replace") if found else ""
    return name in fragments() or (not found and b"ClinicalDocument" in head)


def bytes_from_tree(root: Element) -> bytes:
    """Write a document as UTF-8, with its declaration."""
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return written + b"\n"


def _narrow(content: bytes) -> bytes:
    """Turn UTF-16 into UTF-8, so that what is looked for in bytes is seen."""
    for mark, codec in _WIDE:
        if content.startswith(mark):
            try:
                return _DECLARED.sub(b"", content.decode(codec).encode())
            except UnicodeError:
                return content
    return content


def _declared(content: bytes) -> bytes:
    """Declare the namespaces that a fragment uses without saying so."""
    before = _BEFORE.match(content)
    start = before.end() if before else 0
    found = _ROOT.match(content, start)
    if not found or b":" in found[1]:
        return content
    missing = b""
    if b"xmlns=" not in found[2]:
        missing += f' xmlns="{V3}"'.encode()
    for prefix, space in (("xsi", XSI), ("sdtc", SDTC)):
        if f"xmlns:{prefix}=".encode() not in found[2]:
            missing += f' xmlns:{prefix}="{space}"'.encode()
    at = found.end(1)
    return content[:at] + missing + content[at:]
