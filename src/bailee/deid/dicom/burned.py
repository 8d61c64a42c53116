"""Text burned into images: found by rows of letters and a reader, blacked out in every frame, looked for again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from bailee.core.errors import Invalid
from bailee.deid.dicom.lettering import Grey, Line, lines, page
from bailee.deid.dicom.pixels import Box, Image, Pixels, blacked_out, blacken, shown

MOST_FRAMES: Final = 8  # of one object that are looked at, evenly spread
MOST_ROUNDS: Final = 3
# How sure the reader must be (of 100) of a word of so many letters or digits. Measured: benchmarks/dicom.py.
USUAL: Final = ((80, 2), (60, 3), (35, 5))
CERTAIN: Final = ((90, 4),)
NEIGHBOUR_LETTERS: Final = 5  # a row of so many, close to a row of words and like it, is text as well


class Word(Protocol):
    """A word that a reader found. Units: pixels of the page; `sure` 0 to 100."""

    left: int
    top: int
    right: int
    bottom: int
    sure: float
    letters: int


Reader = Callable[[Grey], Sequence[Any]]


@dataclass
class Look:
    """What looking at an image gave: boxes blacked out, and in how many frames text stood."""

    boxes: list[Box] = field(default_factory=list)
    frames: int = 0


def boxes_of(
    frame: npt.NDArray[Any], read: Reader, *, thorough: bool = True, sure: tuple[tuple[int, int], ...] = USUAL
) -> list[Box]:
    """Find the text of one frame: rows in which a word is read, whole, and rows beside them that look alike.

    Shape: [height, width] or [height, width, 3] → boxes within the frame.
    """
    rows = lines(frame, thorough=thorough)
    if not rows:
        return []
    paper, places = page(rows)
    words = [word for word in read(paper) if any(word.sure >= least and word.letters >= few for least, few in sure)]
    found = {
        number
        for word in words
        for number, (left, top, right, bottom) in enumerate(places)
        if word.left < right and word.right > left and word.top < bottom and word.bottom > top
    }
    return sorted({_box(rows[number], frame.shape[:2]) for number in _with_neighbours(rows, found)})


def _with_neighbours(rows: list[Line], found: set[int]) -> set[int]:
    """Add rows just above or below, as high and as far to one side: lines of one block of text."""
    known, waiting = set(found), list(found)
    while waiting:
        row = rows[waiting.pop()]
        for number, other in enumerate(rows):
            if number not in known and other.letters >= NEIGHBOUR_LETTERS and _are_of_a_block(row, other):
                known.add(number)
                waiting.append(number)
    return known


def _are_of_a_block(row: Line, other: Line) -> bool:
    height, another = row.bottom - row.top, other.bottom - other.top
    apart = max(other.top - row.bottom, row.top - other.bottom)
    aligned = abs(row.left - other.left) <= height or abs(row.right - other.right) <= height
    beside = min(row.right, other.right) <= max(row.left, other.left)
    return aligned and not beside and apart <= 1.5 * height and max(height, another) <= 1.5 * min(height, another)


def _box(row: Line, shape: Sequence[int]) -> Box:
    """Tell where a row lies in its frame, with room for what belongs to it."""
    height = row.bottom - row.top
    beside, above = round(0.8 * height), max(2, height // 4)
    left, right = max(row.left - beside, 0), min(row.right + beside, shape[1])
    return left, max(row.top - above, 0), right, min(row.bottom + above, shape[0])


def look(image: Image, read: Reader, *, thorough: bool = True) -> Look:
    """Find all text of an image, in up to MOST_FRAMES of its frames, until none is left where boxes are black.

    Not `thorough`: for kinds of images that hardly ever bear text; where some is found, the image is looked at thoroughly.
    Raises: Invalid if words are still read with certainty after MOST_ROUNDS rounds.
    """
    done = Look()
    frames = [image.frame(index) for index in _spread(image.frames)]
    for turn in range(MOST_ROUNDS + 1):
        sure = USUAL if turn < MOST_ROUNDS else CERTAIN
        fresh = [
            boxes_of(
                shown(image, blacken(image, frame, colours, done.boxes), colours),
                read,
                thorough=thorough or bool(done.boxes),
                sure=sure,
            )
            for frame, colours in frames
        ]
        texts = sum(map(bool, fresh))
        if not texts:
            return done
        done.frames = max(done.frames, texts)
        done.boxes = sorted({*done.boxes, *(box for boxes in fresh for box in boxes)})
    raise Invalid(
        "an image in which text is still read after it was blacked out", remedy="Look at it, or leave it out."
    )


def without_text(image: Image, found: Look) -> Pixels:
    """Black out what was found, in every frame, not only in those that were looked at."""
    return blacked_out(image, dict.fromkeys(range(image.frames), found.boxes))


def _spread(count: int) -> list[int]:
    if count <= MOST_FRAMES:
        return list(range(count))
    return sorted({round(place) for place in np.linspace(0, count - 1, MOST_FRAMES).tolist()})
