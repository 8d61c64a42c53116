"""The compiled engine and the slow model agree on the shipped profiles: on made resources and on real ones."""

from __future__ import annotations

import json
import random
from functools import cache

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import plans
from tests.support.filled import VARIANTS, WRONG, filled, leaks, scattered
from tests.support.oracle import Oracle, read_json, write_json
from tests.support.shared_records import EXAMPLES, patient_of, shared_records

from bailee.deid.profiles.compile import shipped_plan
from bailee.deid.profiles.profile import profile_names
from bailee.deid.structure.engine import Engine
from bailee.deid.structure.zip3 import zip3_table
from bailee.records import r4

KEYS = {"ids_key": b"i" * 32, "hash_key": b"h" * 32}
PATIENTS = [*plans.PEOPLE, None]


def cleaned(text, patient):
    return None if len(text) % 7 == 3 else f"{text[:5]}<{patient}>"


def attachment(value, patient):
    return {"title": str(patient), "contentType": "text/plain"} if len(value) % 3 else None


@cache
def engine(profile):
    return Engine(shipped_plan(profile), zip3=zip3_table().whitelist(), **KEYS)


def compiled(profile, records, patients):
    def patients_at(rows):
        names = list(plans.PEOPLE)
        return [names[row] if row >= 0 else None for row in rows]

    def texts(column, rows):
        return pa.array(map(cleaned, column.to_pylist(), patients_at(rows)), pa.string())

    def attachments(column, rows):
        done = map(attachment, map(read_json, column.to_pylist()), patients_at(rows))
        return pa.array([None if value is None else json.dumps(value) for value in done], pa.string())

    batch = plans.raw_batch(records, patients)
    done, tally = engine(profile).deidentify(
        batch, plans.people(), clean_text=texts, clean_attachment=attachments, method=lambda _, values, __: values
    )
    written = iter(done.rows.column("json").to_pylist())
    return [read_json(next(written)) if status == 0 else None for status in tally.statuses]


def model(profile, records, patients, text=cleaned):
    oracle = Oracle(
        shipped_plan(profile),
        zip3=zip3_table().whitelist(),
        clean_text=text,
        clean_attachment=attachment,
        method=lambda _, value, __: value,
        **KEYS,
    )
    return [
        oracle.deidentify(read_json(record), patient, plans.PEOPLE).resource
        for record, patient in zip(records, patients, strict=True)
    ]


def agree(profile, records, patients):
    for fast, slow in zip(compiled(profile, records, patients), model(profile, records, patients), strict=True):
        assert fast == slow


@pytest.mark.parametrize("profile", profile_names())
def test_on_every_type_with_every_member(profile):
    variants = range(VARIANTS) if profile == "safe-harbor" else (WRONG,)
    records = [write_json(filled(name, variant)) for name in r4.resource_types()[::3] for variant in variants]
    agree(profile, records, [PATIENTS[number % 4] for number in range(len(records))])


@pytest.mark.parametrize("profile", profile_names())
def test_on_any_string_anywhere(profile):
    source = random.Random(20)
    records = [json.dumps(scattered(source, name)) for name in r4.resource_types() for _ in range(4)]
    agree(profile, records, [source.choice(PATIENTS) for _ in records])


@given(st.randoms(use_true_random=False), st.sampled_from(PATIENTS), st.sampled_from(profile_names()))
@settings(max_examples=80, deadline=None)
def test_on_whatever_can_be_made_from_the_r4_definitions(source, patient, profile):
    agree(profile, [json.dumps(scattered(source))], [patient])


@given(st.randoms(use_true_random=False), st.sampled_from(PATIENTS))
@settings(max_examples=150, deadline=None)
def test_no_text_passes_safe_harbor_but_through_the_notes_engine(source, patient):
    done = model("safe-harbor", [json.dumps(scattered(source))], [patient], text=lambda *_: "[cleaned]")
    assert leaks(done) == []


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the shared examples are not here: set BAILEE_SHARED")
@pytest.mark.parametrize("profile", profile_names())
def test_on_the_shared_records(profile):
    records = [record for _, record in shared_records(each=40)]
    patients = ["p1" if patient_of(record) else None for record in records]
    agree(profile, [json.dumps(record) for record in records], patients)
