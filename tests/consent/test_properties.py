"""P1 to P10: what holds for every set of rules, record, ask and moment."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.consents import ASK, GRANT, ITEM, MOMENTS, ask, grants, item, items, rule, rules, snapshot

from bailee.consent import evaluate
from bailee.consent.directives import rule_of
from bailee.consent.evaluate import Snapshot, decide, decide_patient
from bailee.consent.rules import Item, Rule, outcome
from bailee.core.decisions import PERMIT
from bailee.core.errors import Invalid
from bailee.core.grants import Ask, Grant

SETS = st.lists(rules(), max_size=4)
CASE = st.tuples(SETS, items(), grants(), MOMENTS)


def _permits(drawn: tuple[list[Rule], Item, dict[str, Any], int], *more: Rule, at_ms: int | None = None) -> bool:
    said, record, changes, moment = drawn
    return decide("p1", record, ASK, snapshot(*said, *more, **changes), moment if at_ms is None else at_ms).permit


@given(CASE)
def test_p1_the_order_of_rules_does_not_matter(drawn: Any) -> None:
    said, record, changes, moment = drawn
    answers = {
        msgspec.json.encode(decide("p1", record, ASK, snapshot(*order, **changes), moment))
        for order in itertools.islice(itertools.permutations(said), 6)
    }
    assert len(answers) == 1


@given(CASE, rules(effects=("deny",), nested=False))
def test_p2_a_further_refusal_never_permits(drawn: Any, refusal: Rule) -> None:
    if _permits(drawn, refusal):
        assert _permits(drawn)


@given(CASE, rules(effects=("permit",), nested=False))
def test_p3_a_further_permission_never_refuses(drawn: Any, permission: Rule) -> None:
    if _permits(drawn):
        assert _permits(drawn, permission)


@given(CASE, st.sampled_from(["codes", "mentions", "labels", "happened", "refers_to", "referred_by"]))
def test_p4_what_becomes_unknown_never_permits(drawn: Any, part: str) -> None:
    said, record, changes, moment = drawn
    if _permits((said, msgspec.structs.replace(record, **{part: None}), changes, moment)):
        assert _permits(drawn)


@given(CASE)
def test_p6_the_same_snapshot_ask_and_moment_give_the_same_bytes(drawn: Any) -> None:
    said, record, changes, moment = drawn
    first, again = (
        msgspec.json.encode(decide("p1", record, msgspec.structs.replace(ASK), snapshot(*said, **changes), moment))
        for _ in range(2)
    )
    assert first == again


@given(CASE)
def test_p7_a_permit_names_live_permissions_and_no_refusal_matches(drawn: Any) -> None:
    said, record, changes, moment = drawn
    answer = decide("p1", record, ASK, snapshot(*said, **changes), moment)
    effects = {(one.id, found.effect) for one in said if (found := outcome(one, ASK, record, moment)) is not None}
    if answer.permit:
        assert "deny" not in {effect for _, effect in effects}
        assert {(name, "permit") for name in answer.rules} <= effects
        assert answer.rules or not changes["needs_permit"]
    else:
        assert PERMIT not in answer.reasons
        assert answer.details


@pytest.mark.parametrize(
    "effect, at_ms, permitted",
    [
        (effect, at_ms, (50 <= at_ms < 100) is (effect == "permit"))
        for effect in ("permit", "deny")
        for at_ms in (49, 50, 99, 100)
    ],
)
def test_p8_a_window_holds_its_start_and_not_its_end(effect: str, at_ms: int, permitted: bool) -> None:
    window = rule(effect, not_before=50, not_after=100)
    assert decide("p1", ITEM, ASK, snapshot(window, needs_permit=effect == "permit"), at_ms).permit is permitted


@pytest.mark.parametrize("at_ms, permitted", [(9, False), (10, True), (999, True), (1000, False)])
def test_p8_an_agreement_holds_its_start_and_not_its_end(at_ms: int, permitted: bool) -> None:
    assert decide("p1", ITEM, ASK, snapshot(), at_ms).permit is permitted


GARBAGE = [None, "", 0, 1.5, float("nan"), True, b"x", [], {}, {"x": float("nan")}, object(), frozenset({1}), (1,), "?"]
GARBLED_ASKS = [(name, value) for name in ASK.__struct_fields__ for value in GARBAGE]


@pytest.mark.parametrize("name, value", GARBLED_ASKS)
def test_p9_every_garbled_part_of_an_ask_refuses(name: str, value: Any) -> None:
    harmless = (name in {"request", "request_sha256"} and type(value) is str) or (name, value) == (
        "profile_sha256",
        "?",
    )
    garbled = Ask(**{**{field: getattr(ASK, field) for field in ASK.__struct_fields__}, name: value})
    answer = decide("p1", ITEM, garbled, snapshot(), 50)
    assert answer.permit is harmless  # the grant needs no request and pins no version of the profile


@pytest.mark.parametrize(
    "name",
    [
        "agreement",
        "agreement_sha256",
        "signed_sha256",
        "in_force",
        "purposes",
        "types",
        "recipients",
        "regions",
        "identifiability",
        "profile",
        "route",
        "route_holds",
        "board",
        "special",
        "leaves_out",
    ],
)
@pytest.mark.parametrize("value", [None, 0, 1.5, float("nan"), "?", object()], ids=lambda value: type(value).__name__)
def test_p9_every_garbled_part_of_a_grant_refuses(name: str, value: Any) -> None:
    fields = {field: getattr(GRANT, field) for field in GRANT.__struct_fields__}
    if name == "route" and value == "?":
        return  # any name of a route is a route
    garbled = Snapshot(grants={"a1": Grant(**{**fields, name: value})}, rules={})
    assert not decide("p1", ITEM, ASK, garbled, 50).permit


@pytest.mark.parametrize("at_ms", [None, "50", 50.0, float("nan"), True, -1])
def test_p9_a_time_that_is_none_refuses(at_ms: Any) -> None:
    assert decide("p1", ITEM, ASK, snapshot(), at_ms).reasons == ("E-CLOCK",)


@pytest.mark.parametrize("subject", [None, "", 1, b"p1", "p2", ("p1",)])
def test_p9_a_subject_that_is_not_the_records_refuses(subject: Any) -> None:
    assert not decide(subject, ITEM, ASK, snapshot(), 50).permit


@pytest.mark.parametrize("patients", [(), ("p2",), ("p1", "p2")])
def test_p9_a_record_of_nobody_else_or_two_refuses(patients: tuple[str, ...]) -> None:
    assert decide("p1", item(patients=patients), ASK, snapshot(), 50).reasons == ("E-UNMAPPED",)


@pytest.mark.parametrize("whole", [None, "x", 1, {}])
def test_p9_no_record_no_ask_no_snapshot_refuses(whole: Any) -> None:
    assert decide("p1", whole, ASK, snapshot(), 50).reasons == ("E-INPUT",)
    assert decide("p1", ITEM, whole, snapshot(), 50).reasons == ("E-INPUT",)
    assert decide("p1", ITEM, ASK, whole, 50).reasons == ("E-INPUT",)
    assert not decide_patient(whole, ASK, snapshot(), 50).permit or whole == "x"


@pytest.mark.parametrize(
    "name", ["reference", "type", "patients", "codes", "mentions", "labels", "happened", "refers_to"]
)
@pytest.mark.parametrize("value", [1, 1.5, float("nan"), b"x", [], {}, frozenset({1}), (1,), ("x", 2)], ids=repr)
def test_p9_a_garbled_record_cannot_be_made(name: str, value: Any) -> None:
    with pytest.raises(Invalid):
        item(**{name: value})


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "[]",
        '{"id":"-","effect":"permit"}',
        '{"id":"-","effect":"allow","layer":"patient"}',
        '{"id":"-","effect":"permit","layer":"patient","effect":"permit"}',
        '{"id":"-","effect":"permit","layer":"patient","not_after":NaN}',
        '{"id":"-","effect":"permit","layer":"patient","purposes":[1]}',
        '{"id":"-","effect":"permit","layer":"patient","purposes":[""]}',
        '{"id":"-","effect":"permit","layer":"patient","surprise":1}',
        '{"id":"-","effect":"permit","layer":"law"}',
        '{"id":"","effect":"permit","layer":"patient"}',
        '{"id":"-","effect":"permit","layer":"patient","identifiability":["sort-of"]}',
    ],
)
def test_p9_a_rule_that_cannot_be_read_refuses(body: str) -> None:
    unreadable = rule_of(body)
    assert unreadable.code == "E-INPUT"
    assert not decide("p1", ITEM, ASK, snapshot(unreadable), 50).permit


@pytest.mark.parametrize(
    "words",
    [{"effect": "allow"}, {"layer": "god"}, {"not_before": 1.5}, {"purposes": {"HRESCH"}}, {"codes": frozenset({1})}],
)
def test_p9_a_rule_outside_of_the_vocabulary_cannot_be_made(words: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        Rule(**{"id": "x", "effect": "permit", "layer": "patient", **words})


def test_p10_an_error_inside_refuses(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("CANARY-INSIDE")

    monkeypatch.setattr(evaluate, "outcome", broken)
    answer = decide("p1", ITEM, ASK, snapshot(rule("permit")), 50)
    assert answer.reasons == ("E-INTERNAL",)
    assert "CANARY" not in caplog.text
    assert "refuses" in caplog.text


@given(CASE)
def test_a_refused_patient_has_no_permitted_record(drawn: Any) -> None:
    said, record, changes, moment = drawn
    given_rules = snapshot(*said, **changes)
    if not decide_patient("p1", ASK, given_rules, moment).permit:
        assert not decide("p1", record, ASK, given_rules, moment).permit


@given(SETS, items(), MOMENTS)
def test_the_hospitals_permission_is_not_the_patients(said: list[Rule], record: Item, moment: int) -> None:
    house = tuple(msgspec.structs.replace(one, layer="admin") for one in said)
    assert not decide("p1", record, ASK, snapshot(house=house, needs_permit=True), moment).permit


@given(CASE)
def test_cutting_the_ask_down_to_one_type_never_permits_another(drawn: Any) -> None:
    said, record, changes, moment = drawn
    narrow = ask(types=frozenset({"Patient"}))
    answer = decide("p1", record, narrow, snapshot(*said, **changes), moment)
    assert not answer.permit or record.type == "Patient"
