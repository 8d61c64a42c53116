"""What was found in notes: spans with a label, as columns. Shows sizes only, never the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bailee.deid.notes.text import Text

LABELS: Final = ("NAME", "DATE", "AGE", "LOCATION", "ID", "CONTACT", "FACILITY", "ORGANIZATION", "OTHER")
NAME, DATE, AGE, LOCATION, ID, CONTACT, FACILITY, ORGANIZATION, OTHER = range(len(LABELS))

# Bits of a finder mask.
PATTERNS, MODEL, CHARTS, SPREAD, STRANGERS, SECOND = (1 << bit for bit in range(6))

# How sure a finder is: WEAK spans count at the operating point `strict` only, FAIR ones also at `balanced`, SURE always.
WEAK, FAIR, SURE = range(3)


@dataclass(frozen=True, repr=False)
class Spans:
    """One finder's finds, as places in `Text.folded`; any order, may overlap.

    Shape: start, end int64 (end exclusive, within one note), label int8 (index into LABELS), strength int8 (WEAK, FAIR, SURE).
    """

    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    label: npt.NDArray[np.int8]
    strength: npt.NDArray[np.int8]

    def __len__(self) -> int:
        """Count the spans."""
        return len(self.start)

    def __repr__(self) -> str:
        """Tell the size only."""
        return f"Spans({len(self)})"

    def take(self, which: npt.NDArray[Any]) -> Spans:
        """Give the spans that a mask or an index names."""
        return Spans(self.start[which], self.end[which], self.label[which], self.strength[which])

    @staticmethod
    def of(start: Any, end: Any, label: Any, strength: Any = FAIR) -> Spans:
        """Make spans of array-likes; a single label or strength counts for all."""
        begin = np.asarray(start, np.int64)
        return Spans(
            begin,
            np.asarray(end, np.int64),
            np.array(np.broadcast_to(np.asarray(label, np.int8), begin.shape)),
            np.array(np.broadcast_to(np.asarray(strength, np.int8), begin.shape)),
        )

    @staticmethod
    def join(parts: Sequence[Spans]) -> Spans:
        """Put the finds of several finders, or several rules, one after the other."""
        if not parts:
            return Spans.of([], [], [], [])
        return Spans(
            np.concatenate([part.start for part in parts]),
            np.concatenate([part.end for part in parts]),
            np.concatenate([part.label for part in parts]),
            np.concatenate([part.strength for part in parts]),
        )


@dataclass(frozen=True, repr=False)
class Found:
    """The answer of `find`: spans in code points of the original notes, by note and start, not overlapping.

    Shape: note, start, end int32 (end exclusive), label int8 (index into LABELS), finder int32 (bits: who found it),
    language int8[notes] (index into languages.LANGUAGES, -1: unsupported), so that a caller can withhold a note.
    """

    note: npt.NDArray[np.int32]
    start: npt.NDArray[np.int32]
    end: npt.NDArray[np.int32]
    label: npt.NDArray[np.int8]
    finder: npt.NDArray[np.int32]
    language: npt.NDArray[np.int8]

    def __len__(self) -> int:
        """Count the spans."""
        return len(self.start)

    def __repr__(self) -> str:
        """Tell the size only."""
        return f"Found({len(self)} spans in {len(self.language)} notes)"

    def first(self) -> npt.NDArray[np.int64]:
        """Tell where each note's spans begin. Shape: int64[notes + 1]."""
        return np.searchsorted(self.note, np.arange(len(self.language) + 1)).astype(np.int64)


def found_from_spans(text: Text, spans: Spans, finder: npt.NDArray[np.int32], language: npt.NDArray[np.int8]) -> Found:
    """Turn places into code points. The spans must be sorted and apart.

    Two spans may meet inside one code point that folds to several letters (a quarter sign is `1/4`): the first has it.
    """
    note = text.note_of(spans.start)
    start, end = text.points(note, spans.start, spans.end)
    start[1:] = np.where(note[1:] == note[:-1], np.maximum(start[1:], end[:-1]), start[1:])
    kept = np.flatnonzero(start < end)
    return Found(note[kept], start[kept], end[kept], spans.label[kept], finder[kept], language)
