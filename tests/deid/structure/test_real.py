"""Every resource of the shared data, by every shipped profile: the compiled engine equals the slow model."""

import hashlib
import json

import pyarrow as pa
import pytest
from tests.support import plans, real
from tests.support.oracle import Oracle, Person, read_json

from bailee.deid.profiles.compile import shipped_plan
from bailee.deid.profiles.profile import profile_names
from bailee.deid.structure.engine import Engine
from bailee.deid.structure.tally import Status

ZIP3 = frozenset({"021", "010", "014"})
KEYS = {"ids_key": b"i" * 32, "hash_key": b"h" * 32}


def tagged(text):
    return f"cleaned {len(text)}" if len(text) % 7 else None


def person(number, name):
    return Person(hashlib.sha256(name.encode()).hexdigest(), number % 728 - 364 or 5, number % 5 == 0)


@pytest.fixture(scope="module")
def everything(shared):
    rows = list(real.resources(shared))
    names = sorted({patient for _, patient, _ in rows if patient})
    return rows, {name: person(number, name) for number, name in enumerate(names)}


def as_texts(function):
    return lambda values, _: pa.array([function(value) for value in values.to_pylist()], pa.string())


def attachment(text):
    return json.dumps({"title": "x", "size": str(len(json.loads(text)))})


@pytest.mark.parametrize("profile", profile_names())
def test_the_engine_equals_the_model_on_all_shared_data(everything, profile):
    rows, known = everything
    plan = shipped_plan(profile)
    callbacks = {
        "clean_text": as_texts(tagged),
        "clean_attachment": as_texts(attachment),
        "method": lambda name, values, _: pa.array([json.dumps(name)] * len(values), pa.string()),
    }
    raw = plans.raw_batch([text for _, _, text in rows], [patient for _, patient, _ in rows])
    batch, tally = Engine(plan, zip3=ZIP3, **KEYS).deidentify(raw, plans.people(known), **callbacks)
    oracle = Oracle(
        plan,
        zip3=ZIP3,
        clean_text=lambda text, _: tagged(text),
        clean_attachment=lambda value, _: {"title": "x", "size": str(len(value))},
        method=lambda name, *_: name,
        **KEYS,
    )
    records = iter(batch.rows.column("json").to_pylist())
    for (name, patient, text), status in zip(rows, tally.statuses.tolist()):
        expected = oracle.deidentify(read_json(text), patient, known)
        assert (status != Status.OK) == bool(expected.refused), name
        if not expected.refused:
            assert read_json(next(records)) == expected.resource, name
    assert next(records, None) is None
