"""Texts that stand in pieces, between delimiters, tags or lines, but are read as one: a name may go over an end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

# Passages with the number of the patient of each in them → their pieces, cleaned; None for one that may not leave.
CleanPassages = Callable[[Sequence["Passage"]], list[list[str] | None]]


@dataclass(repr=False)
class Passage:
    """One text in pieces. `glue[i]` stands between pieces i and i + 1 while it is read."""

    row: int  # whose: a number of the batch's persons
    pieces: list[str] = field(default_factory=list)
    glue: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Passage({len(self.pieces)} pieces)"

    def add(self, piece: str, glue: str = "\n") -> int:
        """Append a piece; give its number."""
        if self.pieces:
            self.glue.append(glue)
        self.pieces.append(piece)
        return len(self.pieces) - 1

    def text(self) -> str:
        """Give the text as it is read."""
        return self.pieces[0] if len(self.pieces) == 1 else "".join(piece + glue for piece, glue in self._glued())

    def places(self) -> list[tuple[int, int]]:
        """Tell where each piece stands in the text. Units: code points."""
        places, at = [], 0
        for piece, glue in self._glued():
            places.append((at, at + len(piece)))
            at += len(piece) + len(glue)
        return places

    def _glued(self) -> list[tuple[str, str]]:
        return list(zip(self.pieces, [*self.glue, ""], strict=bool(self.pieces)))
