"""Text burned into images: found by rows of letters and a reader, blacked out in every frame, looked for again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from bailee.core.errors import Invalid
from bailee.deid.dicom.lettering import LINE_HEIGHT, Grey, Line, lines, page
from bailee.deid.dicom.pixels import Box, Image, Pixels, blacked_out, blacken, shown

MOST_FRAMES: Final = 8  # of one object that are looked at, evenly spread
MOST_ROUNDS: Final = 4
SURE, FAIRLY_SURE = 60, 35  # of 100: of words of two letters or digits, of words of four


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


def boxes_of(frame: npt.NDArray[Any], read: Reader) -> list[Box]:
    """Find the text of one frame. Shape: [height, width] or [height, width, 3] → boxes within the frame."""
    rows = lines(frame)
    if not rows:
        return []
    paper, places = page(rows)
    found = []
    for word in read(paper):
        if not is_word(word):
            continue
        for row, (left, top, right, bottom) in zip(rows, places, strict=True):
            if word.left < right and word.right > left and word.top < bottom and word.bottom > top:
                start, end = max(word.left, left) - left, min(word.right, right) - left
                found.append(_box(row, start, end, frame.shape[:2]))
    return sorted(set(found))


def is_word(word: Word) -> bool:
    """Tell whether a find counts: the surer it is, the shorter it may be."""
    return (word.sure >= SURE and word.letters >= 2) or (word.sure >= FAIRLY_SURE and word.letters >= 4)


def _box(row: Line, start: int, end: int, shape: Sequence[int]) -> Box:
    """Tell where part of a row lies in its frame, with room for a letter and a half on either side."""
    height = row.bottom - row.top
    scale, beside, above = height / LINE_HEIGHT, round(1.5 * height), max(2, height // 4)
    left, right = row.left + int(start * scale) - beside, row.left + int(end * scale) + 1 + beside
    return max(left, 0), max(row.top - above, 0), min(right, shape[1]), min(row.bottom + above, shape[0])


def look(image: Image, read: Reader) -> Look:
    """Find all text of an image, in up to MOST_FRAMES of its frames, until none is left where boxes are black.

    Raises: Invalid if text is still found after MOST_ROUNDS rounds.
    """
    done = Look()
    frames = [image.frame(index) for index in _spread(image.frames)]
    waiting = list(range(len(frames)))
    for _ in range(MOST_ROUNDS):
        fresh = {}
        for number in waiting:
            frame, colours = frames[number]
            seen = blacken(image, frame, colours, done.boxes)
            fresh[number] = boxes_of(shown(image, seen, colours), read)
        texts = [number for number, boxes in fresh.items() if boxes]
        if not texts:
            return done
        done.frames = max(done.frames, len(texts))
        done.boxes = sorted({*done.boxes, *(box for boxes in fresh.values() for box in boxes)})
        waiting = list(range(len(frames)))
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
