"""What became of a field's value before: values come again and again, and what becomes of most depends on nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bailee.deid.formats.passages import Passage
from bailee.deid.formats.tally import FormatTally
from bailee.deid.hl7v2.places import Draft
from bailee.deid.hl7v2.plan import Node

MOST: Final = 30_000  # values that are remembered
_MARK: Final = re.compile("\x01(\\d+):")


@dataclass(frozen=True, repr=False)
class Known:
    """What leaves of a value; its texts are cleaned anew for each patient. Marks in `text` count from 0."""

    text: str
    passages: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]  # pieces, glue
    rules: tuple[tuple[tuple[str, str], int], ...]
    dropped: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, text: str, passages: Sequence[Passage], first: int, tally: FormatTally) -> Known:
        """Keep what a field became; its passages are those from number `first` on."""
        if passages:
            text = _MARK.sub(lambda found: f"\x01{int(found[1]) - first}:", text)
        held = tuple((tuple(each.pieces), tuple(each.glue)) for each in passages)
        return cls(text, held, tuple(tally.rules.items()), tuple(tally.dropped.items()))

    def again(self, draft: Draft, row: int, tally: FormatTally) -> str:
        """Do the same in another message."""
        for rule, count in self.rules:
            tally.rules[rule] += count
        for where, count in self.dropped:
            tally.dropped[where] += count
        if not self.passages:
            return self.text
        first = len(draft.passages)
        for pieces, glue in self.passages:
            draft.open(Passage(row, pieces=list(pieces), glue=list(glue)))
        return _MARK.sub(lambda found: f"\x01{int(found[1]) + first}:", self.text)


class Memo:
    """Values by field, up to a number; then it begins anew."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Known] = {}

    def __repr__(self) -> str:
        return f"Memo({len(self._known)})"

    def get(self, node: Node, raw: str) -> Known | None:
        """Give what became of a value in a field; None if it is new."""
        return self._known.get((node.path, raw))

    def put(self, node: Node, raw: str, known: Known) -> None:
        """Remember what became of a value."""
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[node.path, raw] = known
