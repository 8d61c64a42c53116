"""Compiled hashing and dates agree with the standard library's."""

import ctypes
import hashlib
import re
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.oracle import first_day

from bailee.core.kernels import address, library


def packed(texts):
    offsets = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    return np.frombuffer(b"".join(texts) + b"\0", np.uint8).copy(), offsets


def hashed(key, texts):
    buffer, offsets = packed(texts)
    out = np.zeros(64 * len(texts), np.uint8)
    secret = np.frombuffer(key, np.uint8).copy()
    sizes = ctypes.c_int64(len(key)), ctypes.c_int64(len(buffer)), ctypes.c_int64(len(texts))
    assert (
        library().bailee_blake2b(
            address(secret), sizes[0], address(buffer), sizes[1], address(offsets), sizes[2], address(out)
        )
        == 0
    )
    return [bytes(out[64 * i : 64 * i + 64]).decode() for i in range(len(texts))]


@given(st.binary(min_size=1, max_size=64), st.lists(st.binary(max_size=300), min_size=1, max_size=5))
@example(b"k", [b"", b"a" * 127, b"a" * 128, b"a" * 129, b"a" * 256, b"a" * 257])
def test_blake2b_is_the_standard_librarys(key, texts):
    assert hashed(key, texts) == [hashlib.blake2b(text, key=key, digest_size=32).hexdigest() for text in texts]


def shifted(texts, days):
    encoded = [text.encode() for text in texts]
    buffer, offsets = packed(encoded)
    out, valid = buffer.copy(), np.zeros(len(texts), np.uint8)
    moved = np.array(days, np.int32)
    sizes = ctypes.c_int64(len(buffer)), ctypes.c_int64(len(texts))
    arrays = address(offsets), address(moved)
    assert library().bailee_dates_shift(address(buffer), sizes[0], *arrays, sizes[1], address(out), address(valid)) == 0
    cut = [bytes(out[a:b]).decode() for a, b in pairwise(offsets)]
    return [text if ok else None for text, ok in zip(cut, valid.tolist())]


SPAN = 4_000_000
DAYS = st.dates()
TAILS = st.sampled_from(
    [
        "",
        "T00:00:00Z",
        "T23:59:60.5-12:00",
        "T10:00",
        "T24:00:00Z",
        "T10:60:00Z",
        "T1:00:00Z",
        "T10:00:00+15:00",
        " ",
        "T",
        "T10:00:00.Z",
    ]
)


@given(DAYS, TAILS, st.sampled_from([4, 7, 10]), st.integers(-SPAN, SPAN))
@example(date(9999, 12, 31), "", 10, 1)
@example(date(1, 1, 1), "", 4, -1)
def test_a_shift_is_the_calendars(day, tail, length, days):
    text = day.isoformat()[:length] + (tail if length == 10 else "")
    start = first_day(text)
    try:
        expected = None if start is None else (start + timedelta(days=days)).isoformat()[: len(text)] + text[10:]
    except OverflowError:
        expected = None
    assert shifted([text], [days]) == [expected]


def test_every_day_of_four_centuries_moves_by_one():
    days = [date(1999, 1, 1) + timedelta(days=n) for n in range(146_098)]
    texts = [day.isoformat() for day in days]
    assert shifted(texts[:-1], [1] * (len(texts) - 1)) == texts[1:]
    assert shifted(texts[1:], [-1] * (len(texts) - 1)) == texts[:-1]


@given(st.text(alphabet="0123456789-T:.Z+", max_size=26))
def test_what_is_no_date_is_not_moved(text):
    expected = first_day(text)
    assert (shifted([text], [0])[0] is None) == (expected is None)
    assert expected is None or re.fullmatch(r"\d{4}.*", text)
