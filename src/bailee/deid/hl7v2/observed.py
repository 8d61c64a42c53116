"""OBX-5, whose type OBX-2 tells and whose unit OBX-6 tells; files in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bailee.records.hl7v2.escapes import Delimiters
from bailee.records.hl7v2.message import Segment
from bailee.records.text.reading import Unreadable, from_base64, read_text

_NAMES: Final = {"CE": "CWE", "CF": "CWE", "TS": "DTM"}
_READABLE: Final = frozenset({"TEXT", "TX", "FT", "ST", "PLAIN"})
MOST: Final = 16 << 20  # characters of a file that is read


@dataclass(frozen=True)
class Observed:
    """The type of an OBX's value, by today's name, and its unit."""

    type: str
    unit: str


@dataclass(frozen=True, repr=False)
class FileText:
    """What a file says, and whether it came in base 64."""

    text: str
    packed: bool


def observed(segment: Segment, marks: Delimiters) -> Observed:
    """Read the type and the unit of an OBX."""
    kind = segment.field(2).strip()
    unit = segment.field(6).split(marks.component)[0]
    return Observed(_NAMES.get(kind, kind), marks.unescape(unit))


def text_of_file(parts: list[str]) -> FileText | None:
    """Read the file of an ED if it is plain text. Shape: source, type, subtype, encoding, data."""
    if len(parts) != 5 or len(parts[4]) > MOST:
        return None
    kind, subtype, encoding, data = (part.strip() for part in parts[1:])
    if kind.upper() not in _READABLE or subtype.upper() not in {"", *_READABLE}:
        return None
    if encoding.upper() in {"", "A"}:
        return FileText(data, packed=False)
    if encoding.upper() != "BASE64":
        return None
    try:
        return FileText(read_text(from_base64(data), "text/plain"), packed=True)
    except Unreadable:
        return None
