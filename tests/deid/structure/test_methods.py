"""The rare methods: what they make of values, and that they depend on patient and value only."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailee.core.errors import Invalid
from bailee.core.keys import AgreementKeys, Secret
from bailee.deid.structure.methods import RareMethods

KEYS = AgreementKeys.of(Secret(bytes(range(32))), "dua")
METHODS = RareMethods(KEYS, [b"a" * 16, b"b" * 16])


def applied(name, value, patient=0, methods=METHODS):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    done = methods(name, pa.array([text.decode()]), np.array([patient], np.int32))[0].as_py()
    return None if done is None else json.loads(done)


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("mask:", "Ann-7 é", "***-* *"),
        ("mask:first 2", "617-555", "61*-***"),
        ("mask:last 4", "123456789", "*****6789"),
        ("mask:last 4", "12", "12"),
        ("mask:", 125, "***"),
        ("mask:", {"a": 1}, None),
        ("generalise:10", 87, 80),
        ("generalise:10", -3, -10),
        ("generalise:0.5", 1.74, 1.5),
        ("generalise:10", "87", None),
        ("generalise:month", "2020-05-17T10:00:00Z", "2020-05"),
        ("generalise:year", "2020", "2020"),
        ("generalise:month", "May 2020", None),
        ("generalise:first 3", "E11.9", "E11"),
        ("generalise:first 3", 119, None),
        ('substitute:"x"', "anything", "x"),
        ('substitute:{"a":"b","*":"other"}', "a", "b"),
        ('substitute:{"a":"b","*":"other"}', "z", "other"),
        ('substitute:{"a":"b"}', "z", None),
        ("perturb:0", 7, 7),
        ("perturb:5", "7", None),
    ],
)
def test_a_method_has_its_result(name, value, expected):
    assert applied(name, value) == expected


@pytest.mark.parametrize(
    "name",
    [
        "mask:middle",
        "generalise:",
        "generalise:-1",
        "generalise:x",
        "perturb:",
        "perturb:-5",
        "substitute:x",
        "scramble:",
        "encrypt:x",
        "",
    ],
)
def test_a_method_that_is_not_known_is_an_error(name):
    with pytest.raises(Invalid):
        applied(name, "x")


@given(st.decimals(-10_000, 10_000, places=2), st.integers(-1, 1))
def test_noise_stays_in_its_span_and_keeps_the_precision(value, patient):
    text = format(value, "f").encode()
    done = METHODS("perturb:5", pa.array([text.decode()]), np.array([patient], np.int32))[0].as_py()
    assert abs(float(done) - float(value)) <= 5.01
    assert len(done.partition(".")[2]) == len(format(value, "f").partition(".")[2])
    assert abs(applied("perturb:10%", text, patient) - float(value)) <= abs(float(value)) / 10 + 0.01


def test_noise_depends_on_the_patient_and_the_value_only():
    drawn = [applied("perturb:1000", 5000, patient) for patient in (0, 0, 1, -1)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3


def test_noise_reaches_both_sides():
    done = [applied("perturb:10", value) - value for value in range(200)]
    assert min(done) < -7
    assert max(done) > 7


@given(st.text(min_size=1))
def test_the_hospital_turns_an_encrypted_value_back(text):
    sealed = applied("encrypt:", text)
    assert METHODS.decrypted(sealed) == text
    assert sealed == applied("encrypt:", text, patient=1)


def test_another_agreement_cannot_turn_it_back():
    other = RareMethods(AgreementKeys.of(Secret(bytes(range(32))), "other"), [])
    with pytest.raises(Invalid):
        other.decrypted(applied("encrypt:", "Ann"))


@pytest.mark.parametrize("number", [b"1e999999", b"1e-999999", b"123456789012345678901234567890123"])
def test_a_number_out_of_all_bounds_does_not_leave(number):
    assert applied("perturb:5", number) is None
    assert applied("generalise:10", number) is None
