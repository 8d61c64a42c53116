"""One text that cannot be cleaned is withheld by itself: the others of its batch leave as they would without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bailee.core.errors import Invalid
from bailee.deid.notes.found import Found
from bailee.deid.notes.scrub import Scrubbed

Rows: TypeAlias = npt.NDArray[np.int64]
Cleaned: TypeAlias = tuple[Scrubbed, Found]
Clean: TypeAlias = Callable[[Rows], Cleaned]

# What a text can bring about that nobody foresaw. A missing model or a lack of memory is no text's fault, and stops the run.
FAULTS: Final = (Invalid, ArithmeticError, LookupError, ValueError, AssertionError)


def clean_apart(clean: Clean, count: int) -> tuple[Cleaned, int]:
    """Clean texts together; where that fails, by halves, until the one that fails stands alone and is withheld.

    Shape: `clean` takes row numbers → what was made of `count` texts, null for each that failed, and how many failed.
    Raises: what `clean` raises if no text of several passes: then the fault is not in the texts.
    Cost: nothing where all pass; otherwise the batch again for each halving.
    """
    rows = np.arange(count)
    try:
        return clean(rows), 0
    except FAULTS:
        if count < 2:
            raise
        done, failed = _halves(clean, rows)
        if failed == count:
            raise
        return done, failed


def _halves(clean: Clean, rows: Rows) -> tuple[Cleaned, int]:
    if len(rows) == 1:
        return _withheld(), 1
    parts, failed = [], 0
    for half in np.array_split(rows, 2):
        try:
            parts.append(clean(half))
        except FAULTS:
            done, more = _halves(clean, half)
            parts.append(done)
            failed += more
    return _joined(parts), failed


def _withheld() -> Cleaned:
    nothing = np.zeros(0, np.int32)
    found = Found(nothing, nothing, nothing, np.zeros(0, np.int8), nothing, np.zeros(1, np.int8))
    return Scrubbed(pa.nulls(1, pa.large_string()), nothing, nothing, nothing, nothing, nothing), found


def _joined(parts: list[Cleaned]) -> Cleaned:
    first = np.cumsum([0, *(len(scrubbed.texts) for scrubbed, _ in parts)])
    scrubbed = Scrubbed(
        pa.concat_arrays([each.texts for each, _ in parts]),
        _moved([each.note for each, _ in parts], first),
        *(
            np.concatenate([getattr(each, name) for each, _ in parts])
            for name in ("start", "end", "new_start", "new_end")
        ),
    )
    found = Found(
        _moved([each.note for _, each in parts], first),
        *(
            np.concatenate([getattr(each, name) for _, each in parts])
            for name in ("start", "end", "label", "finder", "language")
        ),
    )
    return scrubbed, found


def _moved(notes: list[npt.NDArray[np.int32]], first: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    return np.concatenate([note + np.int32(start) for note, start in zip(notes, first.tolist(), strict=False)])
