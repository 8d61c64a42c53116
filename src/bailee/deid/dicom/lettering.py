"""Where an image may bear text: rows of letter-sized shapes, found at several brightnesses; whether they are text, OCR says."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bailee.core.kernels import address, library

Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Shapes = npt.NDArray[np.int32]  # left, top, right, bottom, pixels of each

LEVELS: Final = (230, 190, 150, 110)  # of 255: what is brighter is looked at, then what is darker in the reverse
LEAST_HEIGHT, MOST_HEIGHT = 5, 96  # of a letter. Units: pixels
MOST_SHAPES: Final = 60_000  # of one level: more is noise, in which nothing can be told
MOST_LETTERS: Final = 4_000
MOST_LINES: Final = 120  # of one image, the longest first
LEAST_LETTERS: Final = 2
EVEN: Final = 2.0  # a row is not taller than so many of its letters: noise that hangs together is
LINE_HEIGHT: Final = 32  # of a line where OCR reads it
GAP: Final = 10
MOST_OF_IT: Final = (1, 99)  # percentiles
PAGE_WIDTH: Final = 1600


@dataclass(frozen=True, repr=False)
class Line:
    """A row of shapes as it lies in the image, and how it looks: letters true."""

    left: int
    top: int
    right: int
    bottom: int
    letters: int
    look: Mask

    def __repr__(self) -> str:
        return f"Line({self.left}, {self.top}, {self.right}, {self.bottom})"


def greys(frame: npt.NDArray[Any], *, thorough: bool = True) -> Iterator[Grey]:
    """Give a frame as grey pictures: its whole range, the range of most of it; of colours the strongest and the weakest.

    Shape: numbers[height, width] or [height, width, 3] → uint8[height, width] each.
    """
    if frame.ndim == 3:
        yield _stretched(frame.max(axis=2), frame.min(), frame.max())
        if thorough:
            yield _stretched(frame.min(axis=2), frame.min(), frame.max())
        return
    yield _stretched(frame, frame.min(), frame.max())
    if thorough:
        yield _stretched(frame, *np.percentile(frame, MOST_OF_IT))


def _stretched(frame: npt.NDArray[Any], low: Any, high: Any) -> Grey:
    low, high = float(low), float(high)  # as small whole numbers their difference could overflow
    if high <= low:
        return np.zeros(frame.shape, np.uint8)
    return np.asarray(np.clip((frame.astype(np.float32) - low) * (255 / (high - low)), 0, 255), np.uint8)


def lines(frame: npt.NDArray[Any], *, thorough: bool = True) -> list[Line]:
    """Find rows that may be text, the longest first; the same row is found at several brightnesses, and kept each time.

    Not `thorough`: only rows of a few letters in tones far from what is behind, which is how machines write.
    """
    least, levels = (LEAST_LETTERS, LEVELS) if thorough else (LEAST_LETTERS + 1, LEVELS[2:3])
    pictures = greys(frame, thorough=thorough)
    found = [line for grey in pictures for mask in _masks(grey, levels) for line in _lines_of(mask, least)]
    found.sort(key=lambda line: (-line.letters, line.top, line.left, line.right))
    return _different(found)[:MOST_LINES]


def _masks(grey: Grey, levels: tuple[int, ...]) -> Iterator[Mask]:
    for picture in (grey, 255 - grey):
        for level in levels:
            mask = picture >= level
            if 0 < np.count_nonzero(mask) < mask.size * 0.6:
                yield mask


def shapes_of(mask: Mask) -> Shapes:
    """Find the shapes of pixels that touch. Shape: bool[height, width] → int32[n, 5]; none if there are too many."""
    height, width = mask.shape
    boxes = np.zeros((MOST_SHAPES, 5), np.int32)
    parents = np.empty(mask.size, np.int32)
    pixels = np.ascontiguousarray(mask, np.uint8)
    kernel = library().shapes_find
    kernel.restype = ctypes.c_int64
    sizes = [ctypes.c_int64(height), ctypes.c_int64(width)]
    count = kernel(address(pixels), *sizes, address(parents), address(boxes), ctypes.c_int64(MOST_SHAPES))
    return boxes[:count] if 0 <= count <= MOST_SHAPES else boxes[:0]


def _lines_of(mask: Mask, least: int) -> list[Line]:
    shapes = shapes_of(mask)
    width, height = shapes[:, 2] - shapes[:, 0], shapes[:, 3] - shapes[:, 1]
    letter = (height >= LEAST_HEIGHT) & (height <= min(MOST_HEIGHT, mask.shape[0] // 3)) & (width <= 8 * height)
    letter &= (shapes[:, 4] >= LEAST_HEIGHT) & (shapes[:, 4] * 12 >= width * height)
    letters = shapes[letter]
    if not least <= len(letters) <= MOST_LETTERS:
        return []
    rows = _rows(letters)
    found = []
    for number in np.flatnonzero(np.bincount(rows) >= least).tolist():
        row = letters[rows == number]
        left, top = (int(row[:, column].min()) for column in (0, 1))
        right, bottom = (int(row[:, column].max()) for column in (2, 3))
        if right - left > bottom - top and bottom - top <= EVEN * np.median(row[:, 3] - row[:, 1]):
            found.append(Line(left, top, right, bottom, len(row), mask[top:bottom, left:right]))
    return found


def _rows(letters: Shapes) -> npt.NDArray[np.int64]:
    """Number the row of each letter: neighbours of like height, at like height, less than two heights apart."""
    order = np.argsort(letters[:, 0], kind="stable")
    left, top, right, bottom = (letters[order, column].astype(np.int64) for column in range(4))
    height, middle = bottom - top, (top + bottom) / 2
    row = np.arange(len(letters))
    for at in range(len(letters)):
        until = int(np.searchsorted(left, right[at] + 1.6 * height[at], side="right"))
        near = slice(at + 1, until)
        taller, lower = np.maximum(height[near], height[at]), np.minimum(height[near], height[at])
        like = (np.abs(middle[near] - middle[at]) < 0.45 * taller) & (taller <= 2.2 * lower)
        joined = np.unique(row[near][like])
        if len(joined):
            row[np.isin(row, joined)] = row[at]
    numbered = np.empty(len(letters), np.int64)
    numbered[order] = np.unique(row, return_inverse=True)[1]
    return numbered


def _different(found: list[Line]) -> list[Line]:
    """Leave out rows that look the same at another level."""
    seen: set[tuple[int, ...]] = set()
    kept = []
    for line in found:
        key = (line.left, line.top, line.right, line.bottom, int(np.count_nonzero(line.look)) * 20 // line.look.size)
        if key not in seen:
            seen.add(key)
            kept.append(line)
    return kept


def page(rows: list[Line]) -> tuple[Grey, list[tuple[int, int, int, int]]]:
    """Lay rows out on a white page, dark, all of one height, and tell the place of each: left, top, right, bottom."""
    looks = [_scaled(row.look) for row in rows]
    places, x, y = [], GAP, GAP
    for look in looks:
        if x > GAP and x + look.shape[1] + GAP > PAGE_WIDTH:
            x, y = GAP, y + LINE_HEIGHT + 2 * GAP
        places.append((x, y, x + look.shape[1], y + LINE_HEIGHT))
        x += look.shape[1] + 4 * GAP
    width = max([PAGE_WIDTH, *(place[2] + GAP for place in places)])
    paper = np.full((y + LINE_HEIGHT + GAP, width), 255, np.uint8)
    for look, (left, top, right, bottom) in zip(looks, places, strict=True):
        paper[top:bottom, left:right] = look
    return paper, places


def _scaled(look: Mask) -> Grey:
    """Draw a row at the height that OCR reads best, edges smoothed."""
    height, width = look.shape
    wide = max(round(width * LINE_HEIGHT / height), 1)
    ink = np.pad(look.astype(np.float32), 1)
    y = (np.arange(LINE_HEIGHT) + 0.5) * height / LINE_HEIGHT + 0.5
    x = (np.arange(wide) + 0.5) * width / wide + 0.5
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    down, across = (y - top)[:, None], (x - left)[None, :]
    upper = ink[top][:, left] * (1 - across) + ink[top][:, left + 1] * across
    lower = ink[top + 1][:, left] * (1 - across) + ink[top + 1][:, left + 1] * across
    return np.asarray(255 - 255 * (upper * (1 - down) + lower * down), np.uint8)
