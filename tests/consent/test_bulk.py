"""P5: the decisions for millions are the single decisions, row by row."""

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.consents import ASK, MOMENTS, grant, grants, rule, rules

from bailee.consent.bulk import decide_patients
from bailee.consent.directives import (
    DIRECTIVES,
    body_of,
    directives_from_rules,
    orphans,
    rule_of,
    rules_from_directives,
)
from bailee.consent.evaluate import Snapshot, decide, decide_patient
from bailee.consent.records import decide_records, items_of, with_rules
from bailee.consent.rules import Rule
from bailee.core.errors import Denied, Invalid
from bailee.records.batches import RECORDS

NAMES = ["p1", "p2", "p3", "p4"]
SAID = st.lists(st.tuples(st.sampled_from(NAMES[:3]), rules()), max_size=6)
HOUSE = st.lists(rules(nested=False), max_size=1)


def _snapshot(said: list[tuple[str, Rule]], house: list[Rule], changes: dict[str, Any]) -> Snapshot:
    by_patient = {name: tuple(one for whose, one in said if whose == name) for name in NAMES}
    return Snapshot(grants={"a1": grant(**changes)}, rules=by_patient, house=tuple(house))


@given(SAID, HOUSE, grants(), MOMENTS, st.lists(st.sampled_from([*NAMES, None, ""]), max_size=8))
def test_p5_patients_in_bulk_are_patients_one_by_one(
    said: list[tuple[str, Rule]], house: list[Rule], changes: dict[str, Any], at_ms: int, wanted: list[str | None]
) -> None:
    one_by_one = _snapshot(said, house, changes)
    answers = decide_patients(pa.array(wanted, pa.string()), directives_from_rules(said), ASK, one_by_one, at_ms)
    expected = [decide_patient(name or "", ASK, one_by_one, at_ms) for name in wanted]
    assert answers.column("permitted").to_pylist() == [answer.permit for answer in expected]
    reasons = [None if answer.permit else list(answer.reasons) for answer in expected]
    assert answers.column("reasons").to_pylist() == reasons


HIV = {"system": "http://snomed.info/sct", "code": "86406008"}


def _record(type_: str, number: int, patient: str | None, **parts: Any) -> dict[str, Any]:
    content = {"resourceType": type_, "id": f"{type_.lower()}{number}", **parts}
    return {"type": type_, "id": content["id"], "patient": patient, "json": json.dumps(content).encode()}


PARTS = st.fixed_dictionaries(
    {},
    optional={
        "code": st.sampled_from([{"coding": [{"system": "s", "code": code}]} for code in "123"] + [{"coding": [HIV]}]),
        "encounter": st.just({"reference": "Encounter/e1"}),
        "recordedDate": st.sampled_from(["1970-01-01", "1970-01-01T00:00:00.150Z", "not a date", 3]),
        "meta": st.sampled_from(
            [{"security": [{"system": "x", "code": "y"}]}, {"security": ["x"]}, "x", {"security": [{"system": "x"}]}]
        ),
        "hasMember": st.just([{"reference": "Condition/condition1"}]),
    },
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["Condition", "Observation", "Claim", "Patient", "Organization"]),
        st.sampled_from([*NAMES, None]),
        PARTS,
    ),
    max_size=7,
)


@given(SAID, HOUSE, grants(), MOMENTS, ROWS)
def test_p5_records_in_bulk_are_records_one_by_one(
    said: list[tuple[str, Rule]], house: list[Rule], changes: dict[str, Any], at_ms: int, drawn: Any
) -> None:
    rows = [_record(type_, number, patient, **parts) for number, (type_, patient, parts) in enumerate(drawn)]
    batch = pa.RecordBatch.from_pylist(rows, schema=RECORDS)
    table, bare = directives_from_rules(said), _snapshot([], house, changes)
    answers = decide_records(batch, table, ASK, bare, at_ms)
    full = with_rules(bare, batch, range(len(rows)), table)
    for row, item, permitted, reasons in zip(
        rows, items_of(batch, range(len(rows)), full), *answers.to_pydict().values(), strict=True
    ):
        expected = decide(row["patient"], item, ASK, full, at_ms)
        assert permitted is expected.permit
        assert reasons == (None if expected.permit else list(expected.reasons))


@given(st.lists(st.tuples(st.sampled_from(NAMES), rules()), max_size=5))
def test_directives_read_back_the_same(said: list[tuple[str, Rule]]) -> None:
    back = list(rules_from_directives(directives_from_rules(said)))
    assert [(patient, body_of(one)) for patient, one in back] == [(patient, body_of(one)) for patient, one in said]
    windows = [(one.id, one.not_before, one.not_after) for _, one in said]
    assert [(one.id, one.not_before, one.not_after) for _, one in back] == windows


@given(rules())
def test_a_body_is_canonical(said: Rule) -> None:
    assert body_of(rule_of(body_of(said))) == body_of(said)


def test_the_same_form_signed_by_many_is_one_body() -> None:
    table = directives_from_rules([(f"p{n}", rule(name=f"c{n}", not_before=n)) for n in range(50)])
    assert len(table.column("body").combine_chunks().dictionary) == 1


def test_a_directive_of_nobody_stops_everything() -> None:
    table = directives_from_rules([(None, rule())])
    assert orphans(table) == 1
    with pytest.raises(Denied, match="name no patient"):
        decide_patients(pa.array(["p1"]), table, ASK, _snapshot([], [], {}), 50)


def test_an_unreadable_body_keeps_its_patient_out() -> None:
    table = directives_from_rules([("p1", rule("permit"))])
    damaged = table.set_column(4, DIRECTIVES.field("body"), pa.array(["{"]).dictionary_encode())
    answers = decide_patients(pa.array(["p1", "p2"]), damaged, ASK, _snapshot([], [], {}), 50)
    assert answers.column("reasons").to_pylist() == [["E-INPUT"], None]


def test_a_table_of_other_columns_is_refused() -> None:
    with pytest.raises(Invalid, match="other columns"):
        decide_patients(pa.array(["p1"]), pa.table({"x": [1]}), ASK, _snapshot([], [], {}), 50)


def test_an_empty_cohort_and_a_cohort_of_one() -> None:
    empty = DIRECTIVES.empty_table()
    assert decide_patients(pa.array([], pa.string()), empty, ASK, _snapshot([], [], {}), 50).num_rows == 0
    assert decide_patients(pa.array(["p1"]), empty, ASK, _snapshot([], [], {}), 50).column("permitted").to_pylist() == [
        True
    ]


def _charts() -> pa.RecordBatch:
    rows = [
        _record("Condition", 1, "p1"),
        _record("Condition", 2, "p1"),
        _record("Observation", 3, "p1", hasMember=[{"reference": "Condition/condition1"}]),
        _record("Observation", 4, "p2", hasMember=[{"reference": "Observation/absent"}]),
        _record("Condition", 5, "p2"),
    ]
    return pa.RecordBatch.from_pylist(rows, schema=RECORDS)


def test_a_refusal_of_a_record_and_what_it_refers_to_finds_them_in_the_chart() -> None:
    said = [("p1", rule(data=frozenset({"related:Observation/observation3"})))]
    answers = decide_records(_charts(), directives_from_rules(said), ASK, _snapshot([], [], {}), 50)
    assert answers.column("permitted").to_pylist() == [False, True, False, True, True]


def test_where_that_record_is_not_in_the_chart_everything_of_the_patient_is_refused() -> None:
    said = [("p2", rule(data=frozenset({"related:Observation/absent"})))]
    answers = decide_records(_charts(), directives_from_rules(said), ASK, _snapshot([], [], {}), 50)
    assert answers.column("permitted").to_pylist() == [True, True, True, False, False]


def test_a_refusal_of_a_record_and_what_refers_to_it() -> None:
    said = [("p1", rule(data=frozenset({"dependents:Condition/condition1"})))]
    answers = decide_records(_charts(), directives_from_rules(said), ASK, _snapshot([], [], {}), 50)
    assert answers.column("permitted").to_pylist() == [False, True, False, True, True]
