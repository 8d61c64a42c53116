"""Where cleaned texts go: a mark in a raw value for each piece of a passage, put right when the texts are there."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bailee.deid.formats.passages import Passage
from bailee.records.hl7v2.escapes import Delimiters

# Control characters that no message may have, so that no content passes for a mark.
_MARK: Final = re.compile("\x01(\\d+):(\\d+)(b?)\x02")


@dataclass(repr=False)
class Draft:
    """A message on its way out: its text with marks, and the passages that they stand for."""

    delimiters: Delimiters
    text: str = ""
    passages: list[Passage] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Draft({len(self.passages)} passages)"

    def open(self, passage: Passage) -> int:
        """Start a passage; give its number."""
        self.passages.append(passage)
        return len(self.passages) - 1

    def mark(self, number: int, piece: str, glue: str = "\n", *, packed: bool = False) -> str:
        """Add a piece to a passage; give the mark that stands for it. `packed`: it is written in base 64."""
        if not piece.strip():
            return "" if packed else self.delimiters.escape_text(piece)
        at = self.passages[number].add(piece, glue)
        return f"\x01{number}:{at}{'b' if packed else ''}\x02"

    def finished(self, cleaned: Sequence[list[str] | None]) -> str:
        """Put cleaned texts in their places; a passage that may not leave is nothing."""

        def put(found: re.Match[str]) -> str:
            pieces = cleaned[int(found[1])]
            text = "" if pieces is None else pieces[int(found[2])]
            return base64.b64encode(text.encode()).decode() if found[3] else self.delimiters.escape_text(text)

        return _MARK.sub(put, self.text)
