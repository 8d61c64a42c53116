"""Files that are damaged, or mean harm: refused with a sentence that says nothing of what is in them, and in time."""

import struct
import time
import tracemalloc
import zlib

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import dicom

from bailee.core.errors import BaileeError, Invalid
from bailee.deid.dicom.clean import Person, clean
from bailee.deid.dicom.identity import named_in
from bailee.deid.dicom.pixels import image_of, taken
from bailee.deid.dicom.profiles import dicom_profile
from bailee.deid.dicom.rules import Plan
from bailee.records.dicom.read import read
from bailee.records.dicom.sniff import is_dicom
from bailee.records.dicom.write import written

PLAN = Plan(dicom_profile("safe-harbor"))
WHOLE = dicom.as_file(dicom.image(PatientName=f"{dicom.NAME}^A", StudyDescription=dicom.NAME))


def treated(content: bytes) -> bytes | str:
    """Treat a file as the flow does; give what leaves, or why nothing does."""
    try:
        opened = read(content)
        named_in(opened.dataset)
        person = Person("P", "f" * 64, 1, lambda text: f"2.25.{len(text)}")
        done = clean(opened.dataset, PLAN, person, lambda texts: [None] * len(texts))
        image = image_of(opened.dataset, opened.syntax)
        if image is not None:
            taken(image)
        return written(done.dataset)
    except BaileeError as error:
        return str(error)


def element(tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr
    size = len(value) if length is None else length
    return (
        head
        + (b"\0\0" + struct.pack("<I", size) if vr in {b"SQ", b"OB", b"UT", b"UN"} else struct.pack("<H", size))
        + value
    )


def with_more(more: bytes) -> bytes:
    """Put bytes before the pixels of a file."""
    at = WHOLE.index(b"\xe0\x7f\x10\x00")
    return WHOLE[:at] + more + WHOLE[at:]


def test_the_file_itself_comes_through():
    assert isinstance(treated(WHOLE), bytes)


@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_cut_short_anywhere_is_refused_or_safe(cut):
    out = treated(WHOLE[:cut])
    assert dicom.NAME not in out if isinstance(out, str) else dicom.NAME.encode() not in out


@given(st.lists(st.tuples(st.integers(128, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_damaged_file_is_refused_or_safe(damage):
    content = bytearray(WHOLE)
    for at, value in damage:
        content[at] = value
    out = treated(bytes(content))
    # a name that damage moved into another attribute is not ours to know; a message never tells one
    assert isinstance(out, bytes) or dicom.NAME not in out


@given(st.binary(max_size=300))
def test_any_bytes_are_no_file_or_refused(content):
    assert isinstance(treated(bytes(128) + b"DICM" + content), str | bytes)
    is_dicom(content)


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("depth", [30, 1000])
def test_sequences_in_sequences(undefined, depth):
    inner = element(0x00080104, b"LO", b"QXWENDELIN")
    for _ in range(depth):
        if undefined:
            item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + inner + b"\xfe\xff\x0d\xe0\0\0\0\0"
            inner = element(0x00081140, b"SQ", item + b"\xfe\xff\xdd\xe0\0\0\0\0", 0xFFFFFFFF)
        else:
            inner = element(0x00081140, b"SQ", b"\xfe\xff\x00\xe0" + struct.pack("<I", len(inner)) + inner)
    at = WHOLE.index(b"\x10\x00\x10\x00PN")
    out = treated(WHOLE[:at] + inner + WHOLE[at:])
    if depth == 30:
        assert isinstance(out, bytes)
        assert b"QXWENDELIN" not in out
    else:
        assert "deep" in out


def test_lengths_that_are_not_there_take_no_memory():
    tracemalloc.start()
    out = treated(with_more(element(0x0040A160, b"UT", b"short", 0xFFFFFFF0)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(out, str)
    assert peak < 50_000_000


def test_a_sequence_without_its_end_is_refused():
    assert isinstance(
        treated(with_more(element(0x00400275, b"SQ", b"\xfe\xff\x00\xe0\xff\xff\xff\xff", 0xFFFFFFFF))), str
    )


def deflated(body: bytes) -> bytes:
    head = dicom.as_file(dicom.image())
    start = head.index(b"\x08\x00\x16\x00UI")
    head = head[:start].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99", 1)
    at = head.index(b"1.2.840.10008.1.2.1.99") - 2
    head = head[:at] + struct.pack("<H", 22) + head[at + 2 :]
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return head + packer.compress(body) + packer.flush()


def test_a_deflated_file_comes_through():
    body = WHOLE[WHOLE.index(b"\x08\x00\x16\x00UI") :]
    out = treated(deflated(body))
    assert isinstance(out, bytes), out
    assert dicom.NAME.encode() not in out


def test_a_deflated_bomb_is_refused_in_bounds():
    bomb = deflated(bytes(200 << 20))
    assert len(bomb) < 1 << 20
    start = time.monotonic()
    with pytest.raises(Invalid, match="unfolds to more than"):
        read(bomb, most=64 << 20)
    assert time.monotonic() - start < 30


def test_a_deflated_file_that_is_damaged_or_cut_is_refused():
    whole = deflated(WHOLE[WHOLE.index(b"\x08\x00\x16\x00UI") :])
    assert "cut short" in treated(whole[:-40])
    assert "damaged" in treated(whole[:-40] + b"\xff" * 40) or "cut short" in treated(whole[:-40] + b"\xff" * 40)


def test_a_character_set_that_does_not_exist_stops_nobody():
    dataset = dicom.image(StudyDescription="x")
    dicom.put(dataset, 0x00080005, "CS", "ISO_IR 999")
    dicom.put(dataset, 0x00081030, "LO", b"\xe4\xf6\xfc")
    assert isinstance(treated(dicom.as_file(dataset)), bytes)


def test_pydicom_says_nothing(capfd, caplog):
    content = bytearray(WHOLE)
    at = content.index(b"QXWENDELIN^A")
    content[at - 2 : at] = struct.pack("<H", 60000)
    treated(bytes(content))
    told = "".join(capfd.readouterr()) + caplog.text
    assert dicom.NAME not in told
    assert pydicom.__version__
