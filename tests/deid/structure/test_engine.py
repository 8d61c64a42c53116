"""The compiled engine does what the slow model does, however the records are cut into batches."""

import hashlib
import json
import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import json_model, plans
from tests.support.oracle import Oracle, read_json

from bailee.core.errors import Invalid
from bailee.deid.structure.engine import Engine
from bailee.deid.structure.people import People
from bailee.deid.structure.plan import Action
from bailee.deid.structure.tally import Dropped, Refusal, Status, total

ZIP3 = frozenset({"021", "999"})
KEYS = {"ids_key": b"i" * 32, "hash_key": b"h" * 32}
NAMES = list(plans.PEOPLE)


def cleaned_text(text, patient):
    return None if "remove" in text else f"{text}<{patient}>"


def cleaned_attachment(value, patient):
    return {"of": patient, "keys": sorted(value)} if len(value) != 1 else None


def method(name, value, patient):
    return None if name == "drop" else {"of": patient, "is": value}


def _patients(rows):
    return [NAMES[row] if row >= 0 else None for row in rows]


def clean_texts(texts, rows):
    assert pa.types.is_string(texts.type)
    return pa.array(map(cleaned_text, texts.to_pylist(), _patients(rows)), pa.string())


def _json(function):
    def clean(values, rows):
        results = map(function, map(read_json, values.to_pylist()), _patients(rows))
        return pa.array([None if result is None else json.dumps(result, indent=1) for result in results], pa.string())

    return clean


def methods(name, values, rows):
    return _json(lambda value, patient: method(name, value, patient))(values, rows)


CALLBACKS = {"clean_text": clean_texts, "clean_attachment": _json(cleaned_attachment), "method": methods}


def engine(plan=None, **changes):
    return Engine(plan or plans.plan(**changes), zip3=ZIP3, **KEYS)


def run(records, patients, *, of=None, **changes):
    return (of or engine(**changes)).deidentify(plans.raw_batch(records, patients), plans.people(), **CALLBACKS)


def written(batch):
    return [record.decode() for record in batch.rows.column("json").to_pylist()]


def model(record, patient, **changes):
    oracle = Oracle(
        plans.plan(**changes),
        zip3=ZIP3,
        clean_text=cleaned_text,
        clean_attachment=cleaned_attachment,
        method=method,
        **KEYS,
    )
    return oracle.deidentify(read_json(record), patient, plans.PEOPLE)


PATIENTS = st.sampled_from([*NAMES, None])
META = '{"security": [{"code": "X"}]}'


@given(plans.RECORDS_OF_ALL_KINDS, PATIENTS, st.booleans(), st.sampled_from(["", META]))
@settings(max_examples=150)
def test_the_engine_agrees_with_the_model(record, patient, keeps, meta):
    changes = {"keeps_other_patients": keeps, "meta": meta}
    expected = model(record, patient, **changes)
    batch, tally = run([record], [patient], **changes)
    assert [read_json(text) for text in written(batch)] == (
        [expected.resource] if expected.resource is not None else []
    )
    assert (tally.statuses[0] == Status.OK) == (not expected.refused)
    assert {rule: count for rule, count in enumerate(tally.rules[:, 2].tolist()) if count} == dict(expected.removed)
    by_node = {}
    for dropped, count in tally.dropped.items():
        by_node[dropped.node] = by_node.get(dropped.node, 0) + count
    assert by_node == dict(expected.unknown)


@given(plans.RECORDS_OF_ALL_KINDS, PATIENTS)
@settings(max_examples=60)
def test_what_is_written_is_one_strict_line(record, patient):
    for text in written(run([record], [patient])[0]):
        json_model.read(text.encode())
        assert "\n" not in text


BATCHES = st.lists(st.tuples(plans.RECORDS_OF_ALL_KINDS, PATIENTS), max_size=4)


@given(BATCHES, st.integers(0, 4))
@settings(max_examples=25)
def test_cutting_a_batch_changes_nothing(rows, at):
    whole, tally = run(*columns(rows))
    parts = [run(*columns(part)) for part in (rows[:at], rows[at:])]
    assert pa.Table.from_batches([part.rows for part, _ in parts]).equals(pa.Table.from_batches([whole.rows]))
    summed = total(part for _, part in parts)
    assert (summed.rules == tally.rules).all()
    assert (summed.dropped, summed.refused) == (tally.dropped, tally.refused)


@given(BATCHES)
@settings(max_examples=25)
def test_reversing_a_batch_reverses_the_output(rows):
    assert written(run(*columns(rows[::-1]))[0]) == written(run(*columns(rows))[0])[::-1]


def columns(rows):
    return [record for record, _ in rows], [patient for _, patient in rows]


def test_a_slice_of_a_batch_is_treated_like_a_batch():
    records = [f'{{"resourceType":"Observation","id":"o{n}","text":"t{n}"}}' for n in range(6)]
    whole, _ = run(records, ["p1"] * 6)
    raw = plans.raw_batch(records, ["p1"] * 6)
    part, _ = engine().deidentify(type(raw)(raw.rows.slice(2, 3)), plans.people(), **CALLBACKS)
    assert written(part) == written(whole)[2:5]


def test_a_pickled_engine_writes_the_same_bytes():
    records = ['{"resourceType":"Observation","id":"x","hash":"y","when":"2020-02-28"}']
    again = pickle.loads(pickle.dumps(engine()))
    assert written(run(records, ["p1"], of=again)[0]) == written(run(records, ["p1"])[0])


def test_ids_are_keyed_hashes_of_type_and_id():
    batch, _ = run(['{"resourceType":"Observation","reference":["Observation/x","#a"],"id":"x"}'], [None])
    expected = hashlib.blake2b(b"Observation/x", key=KEYS["ids_key"], digest_size=32).hexdigest()
    assert batch.rows.column("id").to_pylist() == [expected]
    assert read_json(written(batch)[0])["reference"][0] == f"Observation/{expected}"
    assert batch.rows.column("type").to_pylist() == ["Observation"]
    assert batch.rows.column("patient").to_pylist() == [None]


def test_a_patient_gets_the_pseudonym_everywhere():
    batch, _ = run(
        ['{"resourceType":"Patient","id":"p1"}', '{"resourceType":"Observation","reference":"Patient/p1"}'],
        ["p1", "p1"],
    )
    assert batch.rows.column("patient").to_pylist() == ["a" * 64] * 2
    assert batch.rows.column("id").to_pylist() == ["a" * 64, ""]
    assert read_json(written(batch)[1])["reference"] == "Patient/" + "a" * 64


def test_output_far_larger_than_the_input_is_written_whole_and_counted_once():
    big = "x" * 200_000
    record = '{"resourceType":"Observation","constant":[1,2,3],"gone":"a","nobody":1}'
    constant = plans.step(Action.CONSTANT, argument=json.dumps(big))
    nodes = (plans.Node(name="Thing", steps=plans.THING | {"constant": constant}), *plans.NODES[1:])
    batch, tally = run([record] * 5, [None] * 5, nodes=nodes)
    assert [read_json(text)["constant"] for text in written(batch)] == [[big] * 3] * 5
    assert tally.rules[Action.CONSTANT].tolist() == [0, 15, 0]
    assert tally.rules[Action.REMOVE].tolist() == [0, 0, 5]
    assert sum(tally.dropped.values()) == 5


def test_many_values_are_handed_out_once_each_patient():
    asked = []

    def clean(texts, rows):
        asked.append(len(texts))
        return texts

    record = json.dumps({"resourceType": "Observation", "text": ["same"] * 3000})
    callbacks = CALLBACKS | {"clean_text": clean}
    batch, _ = engine().deidentify(plans.raw_batch([record] * 4, ["p1", "p1", "p2", None]), plans.people(), **callbacks)
    assert asked == [3]
    assert [len(read_json(text)["text"]) for text in written(batch)] == [3000] * 4


def test_refused_records_say_why_and_leave_nothing():
    records = [
        '{"resourceType":"Observation","modifierExtension":[{"url":"http://x"}],"text":"secret","keep":1}',
        '{"resourceType":"Nothing"}',
        '{"keep":1}',
        '{"resourceType":"Observation","keep":1',
        '{"resourceType":"Observation","keep":1}',
    ]
    batch, tally = run(records, [None] * 5)
    assert written(batch) == ['{"resourceType":"Observation","keep":1}']
    assert tally.statuses.tolist() == [Status.MODIFIER, Status.TYPE, Status.TYPE, Status.MALFORMED, Status.OK]
    assert Refusal(Status.MODIFIER, "Observation", "rule.DESCEND") in tally.refused
    assert "ends in the middle" in " ".join(map(str, tally.refused))


def test_a_name_that_fhir_does_not_have_is_not_told():
    _, tally = run(['{"resourceType":"Observation","Ann Smith":1,"birthDate":"x"}'], [None])
    assert tally.dropped == {Dropped("Observation", "Thing", "?"): 1, Dropped("Observation", "Thing", "birthDate"): 1}


@pytest.mark.parametrize("answer", ["{", "", "{} {}"])
def test_a_cleaner_that_gives_no_json_is_an_error(answer):
    callbacks = CALLBACKS | {"clean_attachment": lambda values, _: pa.array([answer] * len(values), pa.string())}
    with pytest.raises(Invalid):
        engine().deidentify(
            plans.raw_batch(['{"resourceType":"Observation","attachment":{}}'], [None]), plans.people(), **callbacks
        )


def test_a_cleaner_that_loses_values_is_an_error():
    callbacks = CALLBACKS | {"clean_text": lambda texts, _: texts[:0]}
    with pytest.raises(Invalid):
        engine().deidentify(
            plans.raw_batch(['{"resourceType":"Observation","text":"x"}'], [None]), plans.people(), **callbacks
        )


def test_a_record_of_an_unknown_patient_is_an_error():
    with pytest.raises(Invalid):
        run(['{"resourceType":"Observation"}'], ["p3"])


def test_an_empty_batch_gives_an_empty_batch():
    batch, tally = run([], [])
    assert len(batch) == tally.records == 0


@pytest.mark.parametrize(
    "ids, pseudonyms",
    [(["a", "a"], ["x", "y"]), (["a"], ["not an id"]), (["a"], [None]), ([None], ["x"]), (["a", "b"], ["x"])],
)
def test_a_faulty_table_of_patients_is_refused(ids, pseudonyms):
    def build():
        columns = pa.array(ids, pa.string()), pa.array(pseudonyms, pa.string())
        table = People(*columns, np.zeros(len(ids), np.int32), np.zeros(len(ids), np.bool_))
        engine().deidentify(plans.raw_batch([], []), table, **CALLBACKS)

    with pytest.raises(Invalid):
        build()


def test_a_key_of_another_length_is_refused():
    with pytest.raises(Invalid):
        Engine(plans.plan(), ids_key=b"short", hash_key=b"h" * 32)


def test_representations_show_no_content():
    assert repr(engine()) == "Engine(test)"
    assert repr(plans.people()) == "People(3)"
