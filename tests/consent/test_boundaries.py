"""Edges: the day a child comes of age, one person under two ids, two agents who disagree, the dead."""

import json
from typing import Any

import pyarrow as pa
import pytest
from tests.consent.test_fhir import ACME, PERMIT, consent
from tests.support.consents import ASK, item, rule, snapshot

from bailee.consent.bulk import decide_patients
from bailee.consent.directives import directives_from_fhir, directives_from_rules
from bailee.consent.evaluate import decide, decide_patient
from bailee.consent.facts import births_of, item_of
from bailee.consent.labels import built_in_sensitivity
from bailee.consent.merges import directives_in, follow_links, links_of
from bailee.consent.moments import stretch
from bailee.consent.proxies import majority_ms
from bailee.core.clock import ms_from_iso
from bailee.core.grants import FOREVER_MS, Window
from bailee.records.batches import RECORDS

ALWAYS_ON = Window(0, FOREVER_MS)
GUARDIAN = {"performer": [{"reference": "RelatedPerson/mother"}], "dateTime": "2020-01-01"}


def permitted(table: pa.Table, at: str | int, *patients: str, needs_permit: bool = True) -> list[bool]:
    at_ms = ms_from_iso(at) if isinstance(at, str) else at
    given = snapshot(needs_permit=needs_permit, in_force=ALWAYS_ON)
    return decide_patients(pa.array(patients or ["p1"]), table, ASK, given, at_ms).column("permitted").to_pylist()


def directives(*consents: dict[str, Any], birth: str | None = None) -> pa.Table:
    births = {"p1": birth} if birth else {}
    contents = [json.dumps(one).encode() for one in consents]
    return directives_from_fhir(contents, patients=pa.array(["p1"] * len(contents)), births=births)


def test_a_guardians_permission_ends_when_the_child_turns_18() -> None:
    table = directives(consent(PERMIT, None, **GUARDIAN), birth="2009-03-01")
    assert permitted(table, "2027-02-28T23:59:59.999Z") == [True]
    assert permitted(table, "2027-03-01") == [False]


def test_a_guardians_refusal_does_not_end() -> None:
    table = directives(consent({"type": "deny"}, None, **GUARDIAN), birth="2009-03-01")
    assert permitted(table, "2030-01-01", needs_permit=False) == [False]


def test_a_guardians_permission_of_somebody_of_unknown_age_is_none() -> None:
    assert permitted(directives(consent(PERMIT, None, **GUARDIAN)), "2021-01-01") == [False]


def test_the_guardian_of_an_adult_may_permit() -> None:
    assert permitted(directives(consent(PERMIT, None, **GUARDIAN), birth="1950-01-01"), "2021-01-01") == [True]


def test_the_patients_own_signature_beside_the_guardians_counts() -> None:
    both = {**GUARDIAN, "performer": [*GUARDIAN["performer"], {"reference": "Patient/p1"}]}  # type: ignore[misc]
    assert permitted(directives(consent(PERMIT, None, **both), birth="2009-03-01"), "2030-01-01") == [True]


@pytest.mark.parametrize(
    "birth, day",
    [("2008-02-29", "2026-03-01"), ("2010-02-28", "2028-02-28"), ("2009", "2027-01-01"), ("2009-06", "2027-06-01")],
)
def test_the_eighteenth_birthday(birth: str, day: str) -> None:
    assert majority_ms(birth) == ms_from_iso(day)


def test_a_refusal_follows_to_the_other_id_of_a_merged_person() -> None:
    table = directives_from_rules([("old", rule("deny")), ("other", rule("permit"))])
    merged = follow_links(table, [("new", "old", True)])
    assert permitted(merged, 50, "old", "new", "other", needs_permit=False) == [False, False, True]
    assert permitted(table, 50, "old", "new", needs_permit=False) == [False, True]  # unmerged


def test_of_a_merged_person_the_refusal_wins() -> None:
    table = directives_from_rules([("old", rule("deny")), ("new", rule("permit"))])
    assert permitted(follow_links(table, [("new", "old", True)]), 50, "old", "new") == [False, False]


def test_an_uncertain_link_carries_refusals_and_no_permissions() -> None:
    table = directives_from_rules([("a", rule("permit")), ("b", rule("deny"))])
    linked = follow_links(table, [("a", "c", False), ("b", "d", False), ("d", "e", False)])
    assert permitted(linked, 50, "a", "c") == [True, False]
    assert permitted(linked, 50, "b", "d", "e", needs_permit=False) == [False, False, False]


def test_links_are_read_from_patients() -> None:
    record = {
        "id": "new",
        "link": [
            {"other": {"reference": "Patient/old"}, "type": "replaces"},
            {"other": {"reference": "RelatedPerson/x"}, "type": "seealso"},
        ],
    }
    assert list(links_of([json.dumps(record).encode(), b"{", b"[]", b'{"id":"x","link":[3]}'])) == [
        ("new", "old", True)
    ]
    assert births_of([("a", b'{"birthDate":"2001"}'), ("b", b"{"), ("c", b'{"birthDate":3}'), ("d", b"[]")]) == {
        "a": "2001"
    }


def test_whole_charts_are_read_with_births_and_links() -> None:
    child = {"resourceType": "Patient", "id": "p1", "birthDate": "2009-03-01"}
    merged = {
        "resourceType": "Patient",
        "id": "p2",
        "link": [{"other": {"reference": "Patient/p1"}, "type": "replaces"}],
    }
    said = consent(PERMIT, None, **GUARDIAN)
    rows = [("Patient", "p1", "p1", child), ("Patient", "p2", "p2", merged), ("Consent", "c1", "p1", said)]
    columns = ("type", "id", "patient", "json")
    batch = pa.RecordBatch.from_pylist(
        [dict(zip(columns, (*row[:3], json.dumps(row[3]).encode()), strict=True)) for row in rows], schema=RECORDS
    )
    table = directives_in(batch)
    assert permitted(table, "2027-02-28", "p1", "p2") == [True, True]
    assert permitted(table, "2027-03-01", "p1", "p2") == [False, False]


def test_of_two_agents_who_disagree_the_refusal_wins() -> None:
    one = consent(PERMIT, None, id="c1", performer=[{"reference": "RelatedPerson/a"}, {"reference": "Patient/p1"}])
    other = consent({"type": "deny", **ACME}, None, id="c2", performer=[{"reference": "RelatedPerson/b"}])
    assert permitted(directives(one, other), 50) == [False]
    assert permitted(directives(other, one), 50) == [False]


def test_a_refusal_outlives_its_patient() -> None:
    dead = json.dumps({"resourceType": "Patient", "id": "p1", "deceasedDateTime": "1970-01-01"}).encode()
    record = item_of(dead, type_="Patient", id_="p1", patient="p1", sensitivity=built_in_sensitivity())
    assert record.patients == ("p1",)
    assert permitted(directives(consent({"type": "deny"}, None)), "2090-01-01", needs_permit=False) == [False]


@pytest.mark.parametrize(
    "text, begins, ends",
    [
        ("1970", 0, 365 * 86_400_000),
        ("1970-02", 31 * 86_400_000, 59 * 86_400_000),
        ("1972-02-29", 789 * 86_400_000, 790 * 86_400_000),
        ("1970-01-01T00:00:00Z", 0, 1000),
        ("1970-01-01T00:00:00.5Z", 500, 501),
        ("1970-01-01T01:00+01:00", 0, 60_000),
        ("1969-12", -31 * 86_400_000, 0),
    ],
)
def test_a_fhir_date_is_a_stretch(text: str, begins: int, ends: int) -> None:
    assert stretch(text) == (begins, ends)


@pytest.mark.parametrize("text", ["", "70", "1970-13", "1970-02-30", "1970-1-1", "yesterday", "1970-01-01T25:00Z"])
def test_what_is_no_fhir_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        stretch(text)


@pytest.mark.parametrize(
    "subject, kind, patients, reasons",
    [
        (None, "Organization", (), ("P-PERMIT",)),
        (None, "Organization", ("p1",), ("E-UNMAPPED",)),
        (None, "Condition", (), ("E-UNMAPPED",)),
        (None, "Condition", ("p1",), ("E-UNMAPPED",)),
        ("", "Condition", (), ("E-UNMAPPED",)),
        ("", "Condition", ("p1",), ("E-UNMAPPED",)),
        ("p1", "Condition", ("p2",), ("E-UNMAPPED",)),
        ("p1", "Condition", ("p1", "p2"), ("E-UNMAPPED",)),
        ("p1", "Condition", (), ("E-UNMAPPED",)),
        ("p1", "Condition", ("p1",), ("P-PERMIT",)),
        ("p1", "Claim", ("p1",), ("E-SCOPE-FIELD",)),
    ],
)
def test_a_record_is_one_patients_or_surely_nobodys(
    subject: str | None, kind: str, patients: tuple[str, ...], reasons: tuple[str, ...]
) -> None:
    assert decide(subject, item(type=kind, patients=patients), ASK, snapshot(), 50).reasons == reasons


@pytest.mark.parametrize(
    "at_ms, permits", [(9, False), (10, True), (999, True), (1000, False), (-1, False), (True, False)]
)
def test_a_decision_holds_in_the_window_of_its_grant_and_at_whole_moments(at_ms: int, permits: bool) -> None:
    assert decide("p1", item(), ASK, snapshot(), at_ms).permit is permits
    assert decide_patient("p1", ASK, snapshot(), at_ms).permit is permits


@pytest.mark.parametrize("name", ["subject", "item", "ask", "snapshot"])
def test_something_else_in_the_place_of_an_input_refuses(name: str) -> None:
    given: dict[str, Any] = {"subject": "p1", "item": item(), "ask": ASK, "snapshot": snapshot()} | {name: 7}
    assert not decide(*given.values(), at_ms=50).permit


HIV = item(labels=frozenset({"confidentiality:R", "category:hiv"}))


@pytest.mark.parametrize(
    "house, changes, reason",
    [
        ((rule("deny", "law-1", layer="law"),), {}, "E-DENY:law-1"),
        ((rule("deny", "house-1", layer="admin", classes=frozenset({"Condition"})),), {}, "E-DENY:house-1"),
        ((), {"needs_permit": True}, "E-NOCONSENT"),
        ((), {"special": frozenset({"hiv"})}, "E-SPECIAL"),
        ((), {"leaves_out": frozenset({"hiv"})}, "E-SCOPE-FIELD"),
    ],
)
def test_a_patient_who_said_nothing_is_still_under_the_house_and_the_agreement(
    house: Any, changes: Any, reason: str
) -> None:
    assert decide("p1", HIV, ASK, snapshot(), 50).permit
    assert decide("p1", HIV, ASK, snapshot(house=house, **changes), 50).reasons == (reason,)
