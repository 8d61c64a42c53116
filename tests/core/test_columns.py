"""Columns as buffers, and the keyed hash against its published vectors."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailee.core.columns import buffer_of, column_of, gather, keyed_hashes, lines

KINDS = [pa.string(), pa.large_string()]


@pytest.mark.parametrize("kind", KINDS)
@given(values=st.lists(st.text()), skip=st.integers(0, 3))
def test_a_slice_of_a_column_keeps_its_values(kind, values, skip):
    column = pa.array(values, kind)[skip:]
    content, offsets = buffer_of(column)
    again = column_of(content, offsets, pa.large_string())
    assert again.to_pylist() == values[skip:]


def test_siphash_gives_the_published_128_bit_vectors():
    key = bytes(range(16))
    content = np.arange(64, dtype=np.uint8)
    expected = {
        0: "a3817f04ba25a8e66df67214c7550293",
        1: "da87c1d86b99af44347659119b22fc45",
        8: "3b62a9ba6258f5610f83e264f31497b4",
    }
    for size, digest in expected.items():
        assert keyed_hashes(content, np.array([0, size]), key)[0].tobytes().hex() == digest


@st.composite
def slices(draw):
    content = draw(st.binary(max_size=60))
    pairs = draw(
        st.lists(st.tuples(st.integers(0, len(content)), st.integers(0, len(content))).map(sorted), max_size=8)
    )
    start, end = np.array(pairs, np.int64).reshape(-1, 2).T
    return content, start, end


@given(case=slices())
def test_slices_are_gathered_in_their_order(case):
    content, start, end = case
    expected = [content[low:high] for low, high in zip(start, end, strict=True)]
    out, offsets = gather(np.frombuffer(content, np.uint8), start, end)
    assert [bytes(out[low:high]) for low, high in pairwise(offsets)] == expected
    assert lines(np.frombuffer(content, np.uint8), start, end).tobytes() == b"".join(each + b"\n" for each in expected)


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (0, 4), (2, 1)])
def test_a_slice_outside_its_buffer_is_not_read(start, end):
    for cut in (gather, lines):
        with pytest.raises((AssertionError, ValueError)):
            cut(np.zeros(3, np.uint8), np.array([0, start]), np.array([3, end]))
