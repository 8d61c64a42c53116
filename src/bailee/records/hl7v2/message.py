"""One message: segments and raw fields. Taken apart and put together it is the same text, however its lines end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bailee.core.errors import Invalid
from bailee.records.hl7v2.escapes import Delimiters

HEADERS: Final = frozenset({"MSH", "FHS", "BHS"})
_LINE: Final = re.compile(r"([^\r\n]*)([\r\n]*)")
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]")


@dataclass(slots=True, repr=False)
class Segment:
    """One segment. `fields[0]` is its name; `end` its line end; `number` counts the message's segments from 1."""

    name: str
    fields: list[str]
    end: str
    number: int

    def __repr__(self) -> str:
        return f"Segment({len(self.fields)} fields)"

    @property
    def first(self) -> int:
        """Give the number of the field at fields[1]: 2 in headers, whose field 1 is the delimiter itself."""
        return 2 if self.name in HEADERS else 1

    def field(self, number: int) -> str:
        """Give a raw field by its HL7 number; "" if it is not there."""
        at = number - self.first + 1
        return self.fields[at] if 0 < at < len(self.fields) else ""


@dataclass(slots=True, repr=False)
class Message:
    """A message, or one header or trailer of a batch."""

    delimiters: Delimiters
    segments: list[Segment]

    def __repr__(self) -> str:
        return f"Message({len(self.segments)} segments)"

    def text(self) -> str:
        """Put the message together."""
        mark = self.delimiters.field
        return "".join(mark.join(segment.fields) + segment.end for segment in self.segments)


def message_from_text(text: str, delimiters: Delimiters | None = None) -> Message:
    """Take a message apart. A line that starts no segment goes on with the last field of the one before.

    `delimiters` are those of the batch, for its trailers. Raises: Invalid if it has no header, delimiters that cannot
    be told apart, or control characters.
    """
    if _FORBIDDEN.search(text):
        raise Invalid("control characters in a message", remedy="Export it again; binary content has no place in it.")
    if text[:3] in HEADERS:
        delimiters = Delimiters.of(text[:16])
    if delimiters is None:
        raise Invalid("a message without a header", remedy="A message starts with MSH.")
    segments = []
    for number, (name, raw, end) in enumerate(_joined(text, delimiters.field), 1):
        segments.append(Segment(name, raw.split(delimiters.field), end, number))
    return Message(delimiters, segments)


def _joined(text: str, mark: str) -> list[tuple[str, str, str]]:
    """Cut text into (name, raw, line end), with lines that start no segment joined to what they go on with."""
    start = re.compile(rf"[A-Z][A-Z0-9]{{2}}(?:{re.escape(mark)}|\Z)")
    rows: list[tuple[str, list[str]]] = []
    for found in _LINE.finditer(text):
        line, end = found.groups()
        if start.match(line) or not rows:
            rows.append((line[:3], [line, end]))
        elif line or end:
            rows[-1][1].extend([line, end])
    return [(name, "".join(pieces[:-1]), pieces[-1]) for name, pieces in rows]
