"""Compressed frames without comments: the picture is the same, what came along is zeros."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, features
from tests.support.dicom import NAME

from bailee.core.errors import Invalid
from bailee.deid.dicom.streams import cleaned

PICTURE = Image.fromarray(np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8))


def jpeg(*, progressive: bool = False) -> bytes:
    file = io.BytesIO()
    PICTURE.save(file, "JPEG", comment=NAME.encode(), progressive=progressive, exif=_exif())
    return file.getvalue()


def _exif():
    exif = Image.Exif()
    exif[0x010E] = NAME
    return exif


def jpeg_2000() -> bytes:
    file = io.BytesIO()
    PICTURE.save(file, "JPEG2000", no_jp2=True, comment=NAME)
    return file.getvalue()


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.mark.parametrize("progressive", [False, True])
def test_comments_and_exif_go_and_the_picture_stays(progressive):
    frame = jpeg(progressive=progressive) + NAME.encode()
    assert frame.count(NAME.encode()) == 3
    done = cleaned(frame)
    assert NAME.encode() not in done
    assert len(done) == len(frame)
    assert np.array_equal(pixels(done), pixels(frame))


@pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow has no JPEG 2000")
def test_comments_of_jpeg_2000_go():
    frame = jpeg_2000() + NAME.encode()
    assert frame.count(NAME.encode()) == 2
    done = cleaned(frame)
    assert NAME.encode() not in done
    assert np.array_equal(pixels(done), pixels(frame))


def test_a_stream_of_another_kind_is_refused():
    with pytest.raises(Invalid, match="not known"):
        cleaned(b"\0\0\0\x0cjP  " + bytes(40))


@given(st.integers(2, 600), st.binary(max_size=8))
def test_damaged_streams_are_refused_or_come_out_as_long_as_they_came(cut, tail):
    for whole in (jpeg(), jpeg_2000()):
        frame = whole[:cut] + tail
        with contextlib.suppress(Invalid):
            assert len(cleaned(frame)) == len(frame)
