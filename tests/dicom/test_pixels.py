"""Pixels on their way out: what is no pixel goes, boxes are black in every frame, compressed frames stay whole."""

import io

import numpy as np
import pydicom
import pytest
from PIL import Image as Picture
from tests.support import dicom
from tests.support.dicom import NAME, put

from bailee.core.errors import Invalid
from bailee.deid.dicom.pixels import PIXELS, Undecodable, blacked_out, image_of, taken
from bailee.records.dicom.read import read

RLE, JPEG = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.50"


def image(dataset, syntax=dicom.EXPLICIT):
    opened = read(dicom.as_file(dataset, syntax=syntax))
    return image_of(opened.dataset, opened.syntax)


def again(dataset, pixels):
    """Read pixels as another program would."""
    for name, value in pixels.changed.items():
        setattr(dataset, name, value)
    del dataset[PIXELS[0]]
    element = pydicom.DataElement(PIXELS[0], pixels.vr, pixels.content)
    element.is_undefined_length = pixels.syntax != dicom.EXPLICIT
    dataset[PIXELS[0]] = element
    return pydicom.dcmread(io.BytesIO(dicom.as_file(dataset, syntax=pixels.syntax))).pixel_array


def test_what_follows_the_pixels_goes():
    pixels = np.arange(32 * 32, dtype=np.uint16).reshape(32, 32)
    dataset = dicom.image(pixels)
    put(dataset, PIXELS[0], "OW", pixels.tobytes() + NAME.encode())
    done = taken(image(dataset))
    assert done.content == pixels.tobytes()
    assert np.array_equal(again(dataset, done), pixels)


def test_pixels_cut_short_are_refused():
    dataset = dicom.image()
    put(dataset, PIXELS[0], "OB", bytes(1000))
    with pytest.raises(Invalid, match="cut short"):
        taken(image(dataset))


def test_bits_beside_the_stored_ones_are_cleared():
    stored = np.arange(1024, dtype=np.uint16).reshape(32, 32)
    dataset = dicom.image(stored | 0xF000)
    dataset.BitsStored, dataset.HighBit = 12, 11
    assert np.array_equal(again(dataset, taken(image(dataset))), stored)


def test_signs_and_padding_stay_when_bits_are_cleared():
    pixels = np.arange(-512, 512, dtype=np.int16).reshape(32, 32)
    pixels[0, 0] = -32768
    dataset = dicom.image(pixels)
    dataset.BitsStored, dataset.HighBit = 12, 11
    put(dataset, 0x00280120, "SS", b"\x00\x80")
    opened = read(dicom.as_file(dataset))
    assert opened.dataset.PixelPaddingValue == -32768
    done = np.frombuffer(taken(image_of(opened.dataset, opened.syntax)).content, np.int16)
    assert np.array_equal(done, pixels.reshape(-1))


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.2"])
def test_other_byte_orders_become_explicit_little_endian(syntax):
    pixels = np.arange(1024, dtype=np.uint16).reshape(32, 32)
    dataset = dicom.image(pixels)
    if syntax.endswith(".2.2"):
        dataset[PIXELS[0]] = pydicom.DataElement(PIXELS[0], "OW", pixels.byteswap().tobytes())
    done = taken(image(dataset, syntax))
    assert done.syntax == dicom.EXPLICIT
    assert np.array_equal(np.frombuffer(done.content, np.uint16).reshape(32, 32), pixels)


def test_boxes_are_black_in_every_frame_and_nothing_else_is():
    pixels = np.full((3, 32, 40), 200, np.uint8)
    pixels[:, 20:, :] = 50
    dataset = dicom.image(pixels)
    done = again(dataset, blacked_out(image(dataset), {frame: [(2, 3, 10, 9)] for frame in range(3)}))
    expected = pixels.copy()
    expected[:, 3:9, 2:10] = 50
    assert np.array_equal(done, expected)


def test_black_of_an_inverted_image_is_its_brightest_value():
    pixels = np.tile(np.arange(32, dtype=np.uint8), (32, 1))
    dataset = dicom.image(pixels, PhotometricInterpretation="MONOCHROME1")
    done = again(dataset, blacked_out(image(dataset), {0: [(0, 0, 4, 4)]}))
    assert (done[:4, :4] == 31).all()
    assert np.array_equal(done[4:], pixels[4:])


def test_colours_stay_colours():
    pixels = np.random.default_rng(1).integers(0, 255, (32, 32, 3)).astype(np.uint8)
    dataset = dicom.image(pixels)
    done = again(dataset, blacked_out(image(dataset), {0: [(5, 5, 9, 9)]}))
    assert (done[5:9, 5:9] == 0).all()
    assert np.array_equal(done[10:], pixels[10:])


def compressed(syntax, frames):
    dataset = dicom.image(frames)
    if syntax == RLE:
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = dicom.EXPLICIT
        dataset.compress(RLE, generate_instance_uid=False)
        return dataset
    files = []
    for frame in frames:
        file = io.BytesIO()
        Picture.fromarray(frame).save(file, "JPEG", quality=95, comment=NAME.encode())
        files.append(file.getvalue())
    element = pydicom.DataElement(PIXELS[0], "OB", pydicom.encaps.encapsulate(files))
    element.is_undefined_length = True
    dataset[PIXELS[0]] = element
    return dataset


def test_run_length_coded_pixels_become_plain_ones():
    frames = np.arange(2 * 32 * 32, dtype=np.uint16).reshape(2, 32, 32)
    dataset = compressed(RLE, frames)
    assert np.array_equal(again(dataset, taken(image(dataset, RLE))), frames)


def test_jpeg_frames_keep_their_coding_and_lose_their_comments():
    y, x = np.mgrid[:32, :32]
    frames = np.stack([y * 4 + x, x * 3 + 20]).astype(np.uint8)
    dataset = compressed(JPEG, frames)
    before = image(dataset, JPEG)
    assert NAME.encode() in bytes(before.dataset.PixelData)
    done = taken(before)
    assert done.syntax == JPEG
    assert NAME.encode() not in done.content
    expected = np.stack([before.frame(0)[0], before.frame(1)[0]])
    assert np.array_equal(again(dataset, done), expected)


def test_a_compression_that_cannot_be_read_here_is_told_apart_from_damage():
    dataset = compressed(JPEG, np.zeros((1, 32, 32), np.uint8))
    before = image_of(read(dicom.as_file(dataset, syntax="1.2.840.10008.1.2.4.106")).dataset, "1.2.840.10008.1.2.4.106")
    with pytest.raises(Undecodable):
        before.frame(0)


def test_an_image_that_says_it_is_huge_is_refused_before_it_is_made():
    dataset = dicom.image()
    dataset.Rows = dataset.Columns = 65535
    dataset.NumberOfFrames = 99999
    with pytest.raises(Invalid, match="too large"):
        image(dataset)


def test_maps_of_measured_values_stay():
    dataset = dicom.image()
    del dataset[PIXELS[0]]
    values = np.linspace(0, 1, 1024, dtype=np.float32)
    put(dataset, PIXELS[1], "OF", values.tobytes())
    dataset.BitsAllocated = 32
    done = taken(image(dataset))
    assert (done.tag, done.vr, done.content) == (PIXELS[1], "OF", values.tobytes())
