"""Spans that only blanks part are one identifier, such as a name over a line end: rewritten as one, put back in pieces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bailee.deid.notes.found import Found

Whole = npt.NDArray[np.int64]

WIDEST: Final = 8  # bytes of blanks
_BLANK: Final = np.isin(np.arange(256), list(b" \t\r\n"))


@dataclass(frozen=True, repr=False)
class Chains:
    """Shape: of_span int64[spans], the chain of each; first, last int64[chains], its spans; long: chains of several."""

    of_span: Whole
    first: Whole
    last: Whole
    long: Whole


def chains_of(content: npt.NDArray[np.uint8], found: Found, from_: Whole, to: Whole) -> Chains:
    """Join neighbouring spans of one note and label. Shape: byte places int64[spans], sorted."""
    joined = np.zeros(len(from_), np.bool_)
    gap = from_[1:] - to[:-1]
    joined[1:] = (found.note[1:] == found.note[:-1]) & (found.label[1:] == found.label[:-1]) & (gap <= WIDEST)
    for step in range(WIDEST):
        place = np.minimum(to[:-1] + step, len(content) - 1)
        joined[1:] &= (step >= gap) | _BLANK[content[place]]
    first = np.flatnonzero(~joined)
    last = np.append(first[1:], len(from_)) - 1 if len(first) else first
    return Chains(np.cumsum(~joined) - 1, first, last, np.flatnonzero(last > first))


def parted(original: str, made: str, parts: list[tuple[int, int]]) -> list[str]:
    r"""Cut what stands for a chain into what stands for its spans; `parts` are their places in the original, in bytes.

    Word goes for word; where the numbers of words differ, the first span takes all.
    Example:
        >>> parted("Ana\nRuiz", "Eva\nPoe", [(0, 3), (4, 8)])
        ['Eva', 'Poe']

    """
    whole = original.encode()
    if len(made.encode()) == len(whole) and _gaps(whole, parts) == _gaps(made.encode(), parts):
        return [made.encode()[start:end].decode("utf-8", "replace") for start, end in parts]
    counts = [len(whole[start:end].split()) for start, end in parts]
    words = re.split(r"(\s+)", made.strip())
    if sum(counts) != len(words[::2]):
        return [" ".join(words[::2]), *[""] * (len(parts) - 1)]
    out, at = [], 0
    for count in counts:
        out.append("".join(words[at : at + 2 * count - 1]))
        at += 2 * count
    return out


def _gaps(text: bytes, parts: list[tuple[int, int]]) -> list[Any]:
    return [text[before[1] : after[0]] for before, after in pairwise(parts)]
