"""Shapes and rows: the kernel says what a flood fill says, and rows of letters are found where they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import lettered

from bailee.deid.dicom.lettering import MOST_SHAPES, Line, lines, page, shapes_of

pytest_plugins = ["tests.support.sanitized"]


def filled(mask):
    """Find shapes by flood fill: (left, top, right, bottom, pixels), in reading order."""
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    found = []
    for first in sorted(left):
        if first not in left:
            continue
        left.discard(first)
        waiting, shape = [first], []
        while waiting:
            y, x = waiting.pop()
            shape.append((y, x))
            for near in ((y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
                if near in left:
                    left.discard(near)
                    waiting.append(near)
        ys, xs = [y for y, _ in shape], [x for _, x in shape]
        found.append([min(xs), min(ys), max(xs) + 1, max(ys) + 1, len(shape)])
    return found


@given(st.integers(1, 24), st.integers(1, 24), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_the_kernel_finds_what_a_flood_fill_finds(height, width, seed, share):
    mask = np.random.default_rng(seed).random((height, width)) < share
    assert shapes_of(mask).tolist() == filled(mask)


def test_noise_of_too_many_shapes_is_given_up():
    mask = np.zeros((600, 600), bool)
    mask[::2, ::2] = True
    assert mask.sum() > MOST_SHAPES
    assert len(shapes_of(mask)) == 0


def test_the_kernel_reads_and_writes_within_bounds(sanitized):
    done = sanitized("shapes_fuzz.py")
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("ground", lettered.GROUNDS)
def test_rows_of_letters_are_found_over_any_background(ground):
    made = lettered.lettered(3, ground=ground, size=16, contrast="high")
    black = np.zeros(made.pixels.shape, bool)
    for row in lines(made.pixels):
        black[row.top - 2 : row.bottom + 2, max(row.left - 8, 0) : row.right + 8] = True
    assert made.hidden(black) == len(made.boxes)


def test_deep_and_signed_pixels_are_seen_as_well_as_bytes():
    made = lettered.lettered(3, ground="anatomy", size=16, contrast="high")
    deep = (made.pixels.astype(np.int32) * 256 - 32768).astype(np.int16)
    for frame in (made.pixels, deep):
        black = np.zeros(made.pixels.shape, bool)
        for row in lines(frame):
            black[row.top - 2 : row.bottom + 2, max(row.left - 8, 0) : row.right + 8] = True
        assert made.hidden(black) == len(made.boxes)


def test_rows_are_laid_out_on_a_page_without_touching():
    rows = [Line(0, 0, width, 10, 3, np.ones((10, width), bool)) for width in (30, 400, 800, 20)]
    paper, places = page(rows)
    taken = np.zeros(paper.shape, int)
    for left, top, right, bottom in places:
        assert (paper[top:bottom, left:right] < 40).mean() > 0.8
        taken[top:bottom, left:right] += 1
    assert taken.max() == 1
    assert paper[taken == 0].min() == 255
