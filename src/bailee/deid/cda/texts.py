"""Texts of a document: titles and names of things, words of entries, narrative with its markup, files in its body."""

from __future__ import annotations

import re
from typing import Any, Final

from lxml import etree

from bailee.deid.cda.places import PACKED, TAIL, TEXT, Draft
from bailee.deid.formats.passages import Passage
from bailee.deid.formats.persons import Ids
from bailee.deid.formats.tally import FormatTally
from bailee.records.cda.model import V3, attribute_name, local_name
from bailee.records.cda.narrative import BLOCKS, ELEMENTS, IDS, LOOKS, REFERENCES, REMOVED
from bailee.records.text.reading import Unreadable, from_base64, read_text

_LOOKS: Final = {name: re.compile(pattern, re.ASCII) for name, pattern in LOOKS.items()}
_BINARY: Final = "B64"


class Texts:
    """Hands texts of one document out, and says where each piece goes."""

    def __init__(self, draft: Draft, row: int, ids: Ids, tally: FormatTally) -> None:
        self._draft, self._row, self._ids, self._tally = draft, row, ids, tally
        self._gap = ""

    def label(self, out: Any, source: Any) -> bool:
        """Hand out a short text: a title, what a drug or a device is called. One in parts is a person's name."""
        if any(isinstance(each.tag, str) for each in source):
            return False
        said = "".join(source.itertext(tag=etree.Element)) if len(source) else source.text or ""
        if not said.strip():
            return "nullFlavor" in out.attrib
        self._draft.put(self._open(), " ".join(said.split()), out, TEXT)
        return True

    def words(self, out: Any, source: Any) -> bool:
        """Hand out the words of an entry, or keep the link to the narrative that has them."""
        reference = next(
            (each for each in source if isinstance(each.tag, str) and local_name(each.tag) == "reference"), None
        )
        link = reference.get("value", "").strip() if reference is not None else ""
        if link.startswith("#") and len(link) > 1:
            etree.SubElement(out, f"{{{V3}}}reference").set("value", f"#{self._ids.name(link[1:])}")
        elif link:
            self._tally.dropped["a reference to something outside the document"] += 1
        said = (source.text or "") + "".join(each.tail or "" for each in source)
        if not said.strip():
            return len(out) > 0
        if source.get("representation", "TXT") == _BINARY or source.get("mediaType", "text/plain") != "text/plain":
            return self._read(out, source, said) or len(out) > 0
        self._draft.put(self._open(), said, out, TEXT)
        return True

    def file(self, out: Any, source: Any) -> bool:
        """Hand out a document's body if it is readable text; it leaves as plain text in base 64."""
        said = (source.text or "") + "".join(each.tail or "" for each in source)
        return bool(said.strip()) and self._read(out, source, said)

    def _read(self, out: Any, source: Any, said: str) -> bool:
        packed = source.get("representation", "TXT") == _BINARY
        try:
            content = from_base64(said) if packed else said.encode()
            text = read_text(content, source.get("mediaType", "text/plain"))
        except Unreadable as error:
            self._tally.dropped[f"a file that gives no text: {error.reason}"] += 1
            return False
        if not text.strip():
            return False
        out.set("mediaType", "text/plain")
        out.set("representation", _BINARY if packed else "TXT")
        self._draft.put(self._open(), text, out, PACKED if packed else TEXT)
        return True

    # ---- narrative --------------------------------------------------------------------------------------------------

    def narrative(self, out: Any, source: Any) -> bool:
        """Hand out a section's text as one passage, cell by cell, with its markup and the ids that entries point to."""
        number, self._gap = self._open(), ""
        self._markup(out, source)
        self._inner(out, source, number)
        return True

    def _inner(self, out: Any, source: Any, number: int) -> None:
        self._text(number, source.text, out, TEXT)
        last = None
        for child in source:
            name = local_name(child.tag) if isinstance(child.tag, str) else ""
            if name in ELEMENTS:
                last = etree.SubElement(out, f"{{{V3}}}{name}")
                self._markup(last, child)
                self._part(name)
                self._inner(last, child, number)
                self._part(name)
            else:
                self._tally.dropped[
                    "an image in a narrative" if name in REMOVED else "markup that a narrative does not have"
                ] += 1
            if child.tail:
                if last is None:
                    self._joined(number, child.tail, out)
                else:
                    self._after(number, child.tail, last)

    def _part(self, name: str) -> None:
        if name in BLOCKS:
            self._gap = "\n"

    def _text(self, number: int, text: str | None, element: Any, part: str) -> None:
        if not text:
            return
        if not text.strip():
            setattr(element, "text" if part == TEXT else "tail", text)
            self._gap = self._gap or " "
            return
        self._draft.put(number, text, element, part, self._gap)
        self._gap = ""

    def _after(self, number: int, text: str, element: Any) -> None:
        """Put what stands after an element; after one that was dropped, it goes on with what stands there already."""
        if element.tail or any(place.element is element and place.part == TAIL for place in self._draft.places[-1:]):
            self._spaced(number, text, element.getparent())
        else:
            self._text(number, text, element, TAIL)

    def _joined(self, number: int, text: str, out: Any) -> None:
        if out.text or any(place.element is out and place.part == TEXT for place in self._draft.places[-1:]):
            self._spaced(number, text, out)
        else:
            self._text(number, text, out, TEXT)

    def _spaced(self, number: int, text: str, out: Any) -> None:
        """Hold a text apart in an element of its own, which changes nothing in how it reads."""
        if text.strip():
            self._text(number, text, etree.SubElement(out, f"{{{V3}}}content"), TEXT)

    def _markup(self, out: Any, source: Any) -> None:
        for tag, value in source.attrib.items():
            name = attribute_name(tag)
            if name in IDS:
                out.set(name, self._ids.name(value))
            elif name in REFERENCES:
                out.set(name, " ".join(map(self._ids.name, value.split())))
            elif name in _LOOKS and _LOOKS[name].fullmatch(value):
                out.set(name, value)
            elif name == "href" and value.startswith("#") and len(value) > 1:
                out.set(name, f"#{self._ids.name(value[1:])}")
            else:
                self._tally.dropped["an attribute of a narrative"] += 1

    def _open(self) -> int:
        return self._draft.open(Passage(self._row))
