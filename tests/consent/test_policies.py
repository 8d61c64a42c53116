"""Consents of a store decide as directives do: in bulk as one by one, and never more widely than the store itself says."""

from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.consents import ask, grant

from bailee.consent.bulk import decide_patients
from bailee.consent.directives import directives_from_rules, rules_from_directives
from bailee.consent.evaluate import Snapshot, decide, decide_patient
from bailee.consent.management import (
    AttributeDefinition,
    Consent,
    Policy,
    ResourceAttribute,
    UserDataMapping,
    evaluate,
    is_consented,
    narrowed,
)
from bailee.consent.policies import CLAIMS, CONSENTS, directives_from_store, rules_from_policies, words_of
from bailee.consent.rules import Item, Rule
from bailee.core.errors import Denied
from bailee.core.grants import FOREVER_MS

ASK = ask(aliases=frozenset({"acme", "Organization/acme"}), types=frozenset({"Patient", "Condition", "Observation"}))
ASKED = {"purpose": "HRESCH", "partner": "acme"}


def definition(category: Any, *values: str, **more: Any) -> AttributeDefinition:
    return AttributeDefinition(category=category, allowed_values=values, **more)


DEFINITIONS = {
    "purpose": definition("REQUEST", "HRESCH", "HMARKT"),
    "partner": definition("REQUEST", "acme", "other"),
    "colour": definition("REQUEST", "red"),
    "resource_type": definition("RESOURCE", "Condition", "Observation", "Lab"),
    "kind": definition("RESOURCE", "note", "lab"),
}
RULES = [
    "purpose == 'HRESCH'",
    "purpose == 'HMARKT'",
    "purpose != 'HMARKT'",
    "purpose == 'HRESCH' && partner in ['acme', 'other']",
    "partner == 'other'",
    "colour == 'red'",
    "colour == 'red' || purpose == 'HRESCH'",
    "colour == 'red' && purpose == 'HMARKT'",
]


def policy(rule: str = RULES[0], effect: Any = "PERMIT", **attributes: tuple[str, ...]) -> Policy:
    found = tuple(ResourceAttribute(attribute_definition_id=name, values=values) for name, values in attributes.items())
    return Policy(authorization_rule=rule, resource_attributes=found, effect=effect)


def said(*policies: Policy, mappings: tuple[UserDataMapping, ...] = (), **changes: Any) -> list[tuple[str, Any]]:
    rules = rules_from_policies(policies, msgspec.structs.replace(ASK, **changes), DEFINITIONS, mappings)
    return [(one.effect, sorted(one.classes | one.data)) for one in rules]


@pytest.mark.parametrize(
    "rule, permits, denies",
    [
        (RULES[0], True, True),
        (RULES[1], False, False),
        (RULES[2], True, True),
        (RULES[3], True, True),
        (RULES[4], False, False),
        (RULES[5], False, True),  # nobody knows the colour of an ask: no permission, and a refusal
        (RULES[6], True, True),
        (RULES[7], False, False),
    ],
)
def test_a_policy_holds_where_its_rule_does_and_what_is_unknown_refuses(rule: str, permits: bool, denies: bool) -> None:
    assert bool(said(policy(rule))) == permits
    assert bool(said(policy(rule, "DENY"))) == denies


def test_an_unknown_refusal_says_that_it_is_one() -> None:
    (found,) = rules_from_policies([policy(RULES[5], "DENY")], ASK, DEFINITIONS)
    assert found.code == "E-INPUT"


@pytest.mark.parametrize(
    "values, effect, expected",
    [
        (("Condition",), "PERMIT", [("permit", ["Condition"])]),
        (("Condition", "Lab"), "PERMIT", [("permit", ["Condition"])]),
        (("Lab",), "PERMIT", []),
        (("Condition",), "DENY", [("deny", ["Condition"])]),
        (("Condition", "Lab"), "DENY", [("deny", [])]),  # what a Lab is nobody knows: any record may be one
    ],
)
def test_the_attribute_resource_type_is_the_type_of_the_record(values: Any, effect: Any, expected: Any) -> None:
    assert said(policy(effect=effect, resource_type=values)) == expected


def test_other_attributes_permit_mapped_records_only_and_refuse_any() -> None:
    def mapping(data: str, kind: str, **more: Any) -> UserDataMapping:
        attribute = ResourceAttribute(attribute_definition_id="kind", values=(kind,))
        return UserDataMapping(data_id=data, user_id="p1", resource_attributes=(attribute,), **more)

    mappings = (
        mapping("Condition/1", "note"),
        mapping("Condition/2", "lab"),
        mapping("Condition/3", "note", archived_ms=1),
        mapping("data-4", "note"),
    )
    assert said(policy(kind=("note",)), mappings=mappings) == [("permit", ["instance:Condition/1"])]
    assert said(policy(kind=("note",))) == []
    assert said(policy(effect="DENY", kind=("note",)), mappings=mappings) == [("deny", [])]


@pytest.mark.parametrize(
    "changes, words",
    [
        ({}, {"purpose": "HRESCH", "partner": "acme"}),
        ({"purposes": frozenset({"HRESCH", "HMARKT"})}, {"purpose": "HMARKT HRESCH", "partner": "acme"}),
        ({"purposes": frozenset({"HRESCH", "TREAT"})}, {"partner": "acme"}),  # the store cannot say TREAT
        ({"aliases": frozenset({"unknown"})}, {"purpose": "HRESCH"}),
    ],
)
def test_an_ask_is_said_in_the_stores_words_or_not_at_all(changes: Any, words: dict[str, str]) -> None:
    found = words_of(msgspec.structs.replace(ASK, **changes), DEFINITIONS)
    assert {name: " ".join(exact) for name, (exact, _) in found.items()} == words


def test_a_refusal_of_a_wider_or_narrower_purpose_holds() -> None:
    definitions = {"purpose": definition("REQUEST", "HRESCH", "PurposeOfUse", "BIORCH", "HMARKT")}
    for purpose, denies in (("PurposeOfUse", True), ("BIORCH", True), ("HMARKT", False)):
        refusal, permission = policy(f"purpose == '{purpose}'", "DENY"), policy(f"purpose == '{purpose}'")
        assert bool(rules_from_policies([refusal], ASK, definitions)) == denies
        assert rules_from_policies([permission], ASK, definitions) == ()


POLICIES = st.builds(
    policy,
    st.sampled_from(RULES),
    st.sampled_from(["PERMIT", "DENY"]),
    **{"resource_type": st.just(("Condition",))},  # noqa: PIE804  # a strategy for each attribute
) | st.builds(policy, st.sampled_from(RULES), st.sampled_from(["PERMIT", "DENY"]))
BY_KIND = st.builds(lambda effect: policy(effect=effect, kind=("note",)), st.sampled_from(["PERMIT", "DENY"]))
USERS = ["p1", "p2", "u_3", "u_4", "p5"]
STATES = st.sampled_from([FOREVER_MS, FOREVER_MS, 50, 51])
KEPT = st.tuples(st.sampled_from(USERS), st.lists(POLICIES | BY_KIND, max_size=3).map(tuple) | st.none(), STATES)
CLAIMED = st.tuples(st.sampled_from(USERS), st.sampled_from(["p1", "p2", "p5", "p6"]), st.booleans())
MAPPINGS = [
    UserDataMapping(
        data_id="Condition/c1",
        user_id=user,
        resource_attributes=(ResourceAttribute(attribute_definition_id="kind", values=(kind,)),),
    )
    for user, kind in (("p1", "note"), ("p2", "lab"), ("u_3", "note"))
]


def of_user(user: str) -> list[UserDataMapping]:
    return [one for one in MAPPINGS if one.user_id == user]


def table(kept: list[Any]) -> pa.Table:
    policies = ["" if one is None else msgspec.json.encode(one).decode() for _, one, _ in kept]
    columns = [
        pa.array([f"c{number}" for number in range(len(kept))], pa.string()),
        pa.array([user for user, _, _ in kept], pa.string()),
        pa.array(policies, pa.string()).dictionary_encode(),
        pa.array([ends for _, _, ends in kept], pa.int64()),
    ]
    return pa.Table.from_arrays(columns, schema=CONSENTS)


def claims_table(claims: list[Any]) -> pa.Table:
    return pa.Table.from_arrays(
        [pa.array(list(one)) for one in zip(*claims)] if claims else [[], [], []], schema=CLAIMS
    )


def one_by_one(kept: list[Any], claims: list[Any]) -> list[tuple[str | None, Rule]]:
    """The slow way: consent by consent, patient by patient."""
    named = {user for user, _, _ in claims}
    live = {(user, patient) for user, patient, is_live in claims if is_live}
    owners = live | {(user, user) for user, _, _ in kept if user not in named and "_" not in user}
    found: list[tuple[str | None, Rule]] = []
    for number, (user, policies, ends) in enumerate(kept):
        rules = (
            (Rule(id="-", effect="deny", layer="patient", code="E-INPUT"),)
            if policies is None
            else rules_from_policies(policies, ASK, DEFINITIONS, of_user(user))
        )
        for rule in rules:
            patients: set[str | None] = set()
            if rule.effect == "deny":
                patients |= {patient for whose, patient, _ in claims if whose == user}
                patients |= {user} if "_" not in user else set()
                patients = patients or {None}
            else:
                mine = {patient for whose, patient in owners if whose == user}
                patients |= {one for one in mine if sum(patient == one for _, patient in owners) == 1}
            filled = msgspec.structs.replace(rule, id=f"s/c{number}", not_after=ends)
            found += [(patient, filled) for patient in patients]
    return found


@given(st.lists(KEPT, max_size=5), st.lists(CLAIMED, max_size=4, unique_by=lambda one: one[:2]))
def test_in_bulk_as_one_by_one(kept: list[Any], claims: list[Any]) -> None:
    bulk = directives_from_store("s", table(kept), claims_table(claims), ASK, DEFINITIONS, of_user)
    single = one_by_one(kept, claims)
    assert sorted(map(repr, set(rules_from_directives(bulk)))) == sorted(map(repr, set(single)))


@given(st.lists(KEPT, max_size=5), st.lists(CLAIMED, max_size=4, unique_by=lambda one: one[:2]), st.booleans())
def test_patients_are_decided_in_bulk_as_one_by_one(kept: list[Any], claims: list[Any], needs_permit: bool) -> None:
    directives = directives_from_store("s", table(kept), claims_table(claims), ASK, DEFINITIONS, of_user)
    names = ["p1", "p2", "p5", "p6", "p7"]
    single = [one for one in one_by_one(kept, claims) if one[0] is not None]
    rules = {name: tuple(rule for patient, rule in single if patient == name) for name in names}
    snapshot = Snapshot(grants={"a1": _grant(needs_permit)}, rules=rules)
    if directives.column("patient").null_count:
        with pytest.raises(Denied, match="name no patient"):
            decide_patients(pa.array(names), directives, ASK, snapshot, 50)
        return
    answers = decide_patients(pa.array(names), directives, ASK, snapshot, 50).column("permitted").to_pylist()
    assert answers == [decide_patient(name, ASK, snapshot, 50).permit for name in names]


@given(st.lists(POLICIES, max_size=3).map(tuple), st.sampled_from(["Condition", "Observation"]), STATES)
def test_where_permission_is_needed_a_record_leaves_if_the_store_says_so_itself(
    policies: tuple[Policy, ...], kind: str, ends: int
) -> None:
    """The store's own answer and the release's are two ways to the same."""
    consent = Consent(user_id="p1", policies=policies, consent_artifact="a", state="ACTIVE", expire_time_ms=ends)
    attribute = ResourceAttribute(attribute_definition_id="resource_type", values=(kind,))
    mapping = UserDataMapping(data_id=f"{kind}/1", user_id="p1", resource_attributes=(attribute,))
    store = is_consented(evaluate({"c": consent}, mapping, ASKED, 50).values())
    rules = tuple(
        msgspec.structs.replace(rule, id="c", not_after=ends)
        for rule in rules_from_policies(policies, ASK, DEFINITIONS)
    )
    record = Item(
        reference=f"{kind}/1", type=kind, patients=("p1",), codes=frozenset(), mentions=frozenset(),
        labels=frozenset({"confidentiality:N"}), happened=None, refers_to=frozenset(), referred_by=frozenset(),
    )  # fmt: skip
    found = decide("p1", record, ASK, Snapshot(grants={"a1": _grant(needs_permit=True)}, rules={"p1": rules}), 50)
    assert found.permit == store


@given(st.lists(POLICIES, min_size=1, max_size=3).map(tuple), st.sampled_from(["purpose", "partner"]))
def test_making_an_attribute_unknown_never_permits(policies: tuple[Policy, ...], name: str) -> None:
    less = {key: value for key, value in DEFINITIONS.items() if key != name}
    for needs_permit in (True, False):
        before, after = (
            decide_patient("p1", ASK, Snapshot(grants={"a1": _grant(needs_permit)}, rules={"p1": rules}), 50).permit
            for rules in (rules_from_policies(policies, ASK, known) for known in (DEFINITIONS, less))
        )
        assert before or not after


def test_defaults_of_consents_narrow_permissions_and_not_refusals() -> None:
    defaults = {
        **DEFINITIONS,
        "resource_type": definition("RESOURCE", "Condition", "Lab", consent_default_values=("Condition",)),
    }
    found = rules_from_policies([policy(), policy(effect="DENY")], ASK, defaults)
    assert [(one.effect, one.classes) for one in found] == [("permit", {"Condition"}), ("deny", set())]
    assert len(narrowed((policy(),), defaults)[0].resource_attributes) == 1


def test_each_distinct_set_of_policies_is_evaluated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counting(*arguments: Any) -> Any:
        calls.append(arguments)
        return rules_from_policies(*arguments)

    monkeypatch.setattr("bailee.consent.policies.rules_from_policies", counting)
    kept = [(f"p{number}", (policy(), policy(RULES[number % 4], "DENY")), FOREVER_MS) for number in range(400)]
    assert directives_from_store("s", table(kept), claims_table([]), ASK, DEFINITIONS, of_user).num_rows == 700
    assert len(calls) == 4


def _grant(needs_permit: bool) -> Any:
    return grant(needs_permit=needs_permit, types=ASK.types)


def test_directives_of_a_store_are_directives() -> None:
    kept = [("p1", (policy(effect="DENY"),), FOREVER_MS)]
    found = directives_from_store("s", table(kept), claims_table([]), ASK, DEFINITIONS, of_user)
    assert found.schema == directives_from_rules([]).schema
