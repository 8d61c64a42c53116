"""The rare methods do what their arguments say, the same for the same value, and refuse what they cannot take."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import plans

from bailee.core.errors import Invalid, UserError
from bailee.core.keys import AgreementKeys, Secret
from bailee.deid.profiles.compile import compile_profile
from bailee.deid.profiles.methods import Methods, check_argument, decrypted
from bailee.deid.profiles.profile import profile_from_text
from bailee.deid.structure.engine import Engine

KEYS = AgreementKeys.of(Secret(b"k" * 32), "a")
OTHER = AgreementKeys.of(Secret(b"k" * 32), "b")
PEOPLE = pa.array(["x" * 64, "y" * 64])


def done(named, *values, keys=KEYS, row=0):
    texts = pa.array([value if isinstance(value, str) else json.dumps(value) for value in values])
    return Methods(keys, PEOPLE)(named, texts, np.full(len(values), row, np.int32)).to_pylist()


@pytest.mark.parametrize(
    ("named", "value", "expected"),
    [
        ("mask:", '"abc"', '"***"'),
        ("mask:last 4", '"123456789"', '"*****6789"'),
        ("mask:first 2", '"é123"', '"é1**"'),
        ("mask:last 4", '"12"', '"12"'),
        ("mask:", "12", None),
        ("generalise:10", "37", "30"),
        ("generalise:10", "-3.5", "-10"),
        ("generalise:0.5", "1.74", "1.5"),
        ("generalise:10", '"37"', None),
        ("generalise:10", "1e3", None),
        ("generalise:prefix 3", '"02139"', '"021"'),
        ("generalise:prefix 3", "2139", None),
        ("encrypt:", "5", None),
        ("perturb:5", '"5"', None),
        ("perturb:5", "true", None),
    ],
)
def test_a_value_is_changed_or_does_not_leave(named, value, expected):
    assert done(named, value) == [expected]


def test_the_hospital_turns_an_encrypted_value_back_and_another_agreement_does_not():
    (text,) = done("encrypt:", '"MRN 4711 é"')
    assert decrypted(KEYS, json.loads(text)) == "MRN 4711 é"
    with pytest.raises(Invalid):
        decrypted(OTHER, json.loads(text))
    with pytest.raises(Invalid):
        decrypted(KEYS, "nonsense")


@given(st.decimals(-1000, 1000, places=2, allow_nan=False))
def test_noise_stays_within_its_span_and_keeps_the_places(value):
    (text,) = done("perturb:5", str(value))
    assert abs(float(text) - float(value)) <= 2.5 + 0.005
    assert len(text.partition(".")[2]) == 2
    assert (value >= 0) <= (float(text) >= 0)


def test_noise_in_percent_grows_with_the_value():
    assert abs(int(done("perturb:10%", "1000")[0]) - 1000) <= 50
    assert done("perturb:10%", "0") == ["0"]


def test_noise_is_the_same_for_a_value_of_a_patient_and_differs_between_patients_and_agreements():
    values = [str(number) + ".000" for number in range(50)]
    assert done("perturb:5", *values) == done("perturb:5", *reversed(values))[::-1]
    assert done("perturb:5", *values) != done("perturb:5", *values, row=1)
    assert done("perturb:5", *values) != done("perturb:5", *values, keys=OTHER)
    assert done("perturb:5", "5", row=-1) == done("perturb:5", "5", row=-1)


def test_a_substitute_comes_from_the_list_and_is_the_same_for_the_same_value():
    values = [f'"{number}"' for number in range(40)]
    chosen = done('substitute:["a", "b", "c"]', *values)
    assert set(chosen) == {'"a"', '"b"', '"c"'}
    assert chosen == done('substitute:["a", "b", "c"]', *values, row=1)


@pytest.mark.parametrize(
    ("method", "argument"),
    [
        ("mask", "middle 3"),
        ("generalise", ""),
        ("generalise", "0"),
        ("generalise", "prefix 0"),
        ("perturb", "-1"),
        ("perturb", "a lot"),
        ("substitute", "a"),
        ("substitute", "[]"),
        ("encrypt", "aes"),
        ("vanish", ""),
    ],
)
def test_an_argument_that_says_nothing_is_refused(method, argument):
    with pytest.raises(ValueError, match=method):
        check_argument(method, argument)


SITE = """
title = "Site"
identifiability = "safe-harbor"
summary = "Ours"
extends = "safe-harbor"
[[rules]]
method = "mask"
argument = "last 2"
why = "A lot, mostly hidden"
paths = ["Immunization.lotNumber"]
"""


def test_a_site_profile_with_a_rare_method_runs_in_the_engine():
    plan = compile_profile(profile_from_text(SITE, name="site")).plan
    batch, _ = Engine(plan, ids_key=b"i" * 32, hash_key=b"h" * 32).deidentify(
        plans.raw_batch(['{"resourceType":"Immunization","lotNumber":"AB12345"}'], ["p1"]),
        plans.people(),
        clean_text=lambda texts, _: texts,
        clean_attachment=lambda texts, _: texts,
        method=Methods(KEYS, pa.array([person.pseudonym for person in plans.PEOPLE.values()])),
    )
    assert json.loads(batch.rows.column("json")[0].as_py())["lotNumber"] == "*****45"


def test_a_site_profile_with_a_wrong_argument_names_the_line():
    text = SITE.replace("last 2", "some")
    with pytest.raises(UserError, match=r"mask says .*site\.toml:10"):
        compile_profile(profile_from_text(text, name="site"))
