"""Methods on single values, from bytes to bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailee.deid.dicom import codes, values


@pytest.mark.parametrize(
    ("vr", "text", "days", "expected"),
    [
        ("DA", "20200301", 1, "20200302"),
        ("DA", "20200301", -1, "20200229"),
        ("DA", "2020.03.01", 0, "20200301"),
        ("DA", "20200230", 1, None),
        ("DA", "Doe", 1, None),
        ("DA", "20200301\\19991231", 1, "20200302\\20000101"),
        ("DA", "00010101", -1, None),
        ("DT", "20200301101112.123456+0200", 1, "20200302101112.123456+0200"),
        ("DT", "20200301", 31, "20200401"),
        ("DT", "202003", 31, "202004"),
        ("DT", "2020", -1, "2019"),
        ("DT", "2020-03-01", 1, None),
        ("TM", "101112.5", 40, "101112.5"),
        ("TM", "10:11:12", 40, "101112"),
        ("TM", "2511", 40, None),
        ("TM", "ten", 40, None),
    ],
)
def test_dates_move_by_whole_days_and_keep_their_precision(vr, text, days, expected):
    done = values.times(vr, text.encode(), days)
    assert done == (None if expected is None else expected.encode())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("089Y", "089Y"),
        ("090Y", "090Y"),
        ("104Y", "090Y"),
        ("018M", "018M"),
        ("Y104", None),
        ("104", None),
        ("10YY", None),
    ],
)
def test_ages_above_89_become_90(text, expected):
    assert values.age(text.encode(), fold=True) == (expected and expected.encode())
    assert values.age(b"104Y", fold=False) == b"104Y"


@pytest.mark.parametrize(
    ("vr", "vm", "raw", "expected"),
    [
        ("DS", "1", b"1.50 ", b"1.50"),
        ("DS", "3", b"1\\2\\-3e4", b"1\\2\\-3e4"),
        ("DS", "1", b"1\\2", None),
        ("DS", "1", b"Doe", None),
        ("DS", "1", b"1" * 17, None),
        ("IS", "1", b"-12", b"-12"),
        ("IS", "1", b"1.5", None),
        ("US", "1", b"\x01\x00", b"\x01\x00"),
        ("US", "1", b"\x01\x00\x02\x00", None),
        ("US", "1", b"\x01", None),
        ("US", "1-n", b"QXWENDELIN", None),
        ("FD", "1", b"JOHN DOE", None),
    ],
)
def test_numbers_are_numbers_and_as_many_as_belong_there(vr, vm, raw, expected):
    assert values.numbers(vr, vm, raw, little=True) == expected


def test_big_endian_numbers_are_turned():
    assert values.numbers("US", "2", b"\x01\x02\x03\x04", little=False) == b"\x02\x01\x04\x03"
    assert values.numbers("AT", "1", b"\x00\x08\x00\x10", little=False) == b"\x08\x00\x10\x00"
    assert values.numbers("FD", "1", bytes(range(8)), little=False) == bytes(reversed(range(8)))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"ORIGINAL\\PRIMARY\\AXIAL", b"ORIGINAL\\PRIMARY\\AXIAL"),
        (b"ORIGINAL\\PRIMARY\\MILLER", b"ORIGINAL\\PRIMARY\\"),
        (b"MILLER", None),
        (b"F ", b"F"),
        (b"", None),
    ],
)
def test_coded_values_are_known_terms(raw, expected):
    assert values.coded(raw) == expected


@given(st.text(max_size=70), st.binary(min_size=32, max_size=32))
def test_uids_are_valid_and_depend_on_the_key(text, key):
    uid = values.keyed_uid(key, text)
    assert uid == values.keyed_uid(key, text) != values.keyed_uid(key[::-1] + b"x", text)
    assert uid.startswith("2.25.")
    assert len(uid) <= 64
    number = int(uid[5:])
    assert number >> 76 & 0xF == 8
    assert number >> 62 & 0x3 == 2
    assert number < 2**128


def test_uids_of_the_standard_stay_and_others_are_mapped():
    raw = b"1.2.840.10008.5.1.4.1.1.2\\1.2.3\0"
    assert values.uids(raw, lambda text: f"2.25.{len(text)}") == b"1.2.840.10008.5.1.4.1.1.2\\2.25.5"


@pytest.mark.parametrize(
    ("scheme", "code", "public"),
    [
        ("DCM", "121071", True),
        ("SCT", "103339001", True),
        ("SCT", "Doe Jane", False),
        ("LN", "11488-4", True),
        ("UCUM", "mm", True),
        ("UCUM", "Doe", False),
        ("99SITE", "121071", False),
        ("", "121071", False),
    ],
)
def test_codes_of_public_terminologies_stay(scheme, code, public):
    assert codes.is_public(scheme, code) is public


def test_the_standards_own_words_for_a_code_are_known():
    assert codes.is_meaning("DCM", "121071", "Finding")
    assert not codes.is_meaning("DCM", "121071", "Finding of Jane Doe")
