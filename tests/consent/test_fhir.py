"""FHIR R4 Consents as rules: what each part means, and that what is not understood keeps its patient out."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.consents import ASK, ITEM, ask, grant, item

from bailee.consent.directives import directives_from_fhir
from bailee.consent.evaluate import Snapshot, decide
from bailee.consent.fhir import rules_from_consent
from bailee.consent.labels import built_in_sensitivity
from bailee.consent.rules import Item
from bailee.core.grants import Ask

TERMS = "http://terminology.hl7.org/CodeSystem/"
ACT, CONF = TERMS + "v3-ActCode", TERMS + "v3-Confidentiality"


def consent(provision: dict[str, Any] | None = None, policy: str | None = "OPTIN", **parts: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": "Consent",
        "id": "c1",
        "status": "active",
        "scope": {"coding": [{"system": TERMS + "consentscope", "code": "patient-privacy"}]},
        "patient": {"reference": "Patient/p1"},
    }
    if policy:
        made["policyRule"] = {"coding": [{"system": ACT, "code": policy}]}
    if provision is not None:
        made["provision"] = provision
    return {**made, **parts}


def answer(made: Any, record: Item = ITEM, asked: Ask = ASK, at_ms: int = 50, **changes: Any) -> bool:
    content = made if isinstance(made, bytes) else json.dumps(made).encode()
    found = rules_from_consent(content, built_in_sensitivity(), patient="p1")
    snapshot = Snapshot(grants={"a1": grant(**changes)}, rules={"p1": found.rules})
    return decide("p1", record, asked, snapshot, at_ms).permit


def coding(system: str, *codes: str) -> list[dict[str, str]]:
    return [{"system": TERMS + system, "code": code} for code in codes]


def concepts(system: str, *codes: str) -> list[dict[str, Any]]:
    return [{"coding": coding(system, code)} for code in codes]


DENY = {"type": "deny"}
PERMIT = {"type": "permit"}
OTHER = {"actor": [{"reference": {"reference": "Organization/other"}}]}
ACME = {"actor": [{"reference": {"reference": "https://ehr.example/fhir/Organization/acme"}}]}

READINGS = [
    # what the Consent says, whether the record leaves where no permission is needed, and where one is
    (consent(None, "OPTIN"), True, True),
    (consent(None, "OPTOUT"), False, False),
    (consent(DENY, None), False, False),
    (consent(PERMIT, None), True, True),
    (consent({**DENY, **OTHER}), True, True),
    (consent({**DENY, **ACME}), False, False),
    (consent({**DENY, **OTHER}, None), True, False),
    (consent({**PERMIT, **OTHER}, None), True, False),
    (consent({**PERMIT, **ACME}, None), True, True),
    (consent({**PERMIT, **ACME}, "OPTOUT"), True, True),
    (consent({**PERMIT, **OTHER}, "OPTOUT"), False, False),
    (consent({**DENY, **OTHER}, "OPTOUT"), False, False),
    (consent({**DENY, "purpose": coding("v3-ActReason", "HRESCH")}), False, False),
    (consent({**DENY, "purpose": coding("v3-ActReason", "HMARKT")}), True, True),
    (consent({**DENY, "purpose": coding("v3-ActReason", "CLINTRCH")}), False, False),  # the ask includes it
    (consent({**PERMIT, "purpose": coding("v3-ActReason", "CLINTRCH")}, None), True, False),  # the ask is broader
    (consent({**DENY, "purpose": coding("v3-ActReason", "NEW")}), False, False),  # unknown: widened
    (consent({**PERMIT, "purpose": coding("v3-ActReason", "NEW")}, "OPTOUT"), False, False),  # unknown: dropped
    (consent({**DENY, "action": concepts("consentaction", "disclose")}), False, False),
    (consent({**DENY, "action": concepts("consentaction", "collect")}), True, True),
    (consent({**PERMIT, "action": concepts("consentaction", "collect")}, None), True, False),
    (consent({**DENY, "class": [{"system": "http://hl7.org/fhir/resource-types", "code": "Condition"}]}), False, False),
    (consent({**DENY, "class": [{"system": "http://hl7.org/fhir/resource-types", "code": "Procedure"}]}), True, True),
    (consent({**DENY, "code": [{"coding": [{"system": "s", "code": "2"}]}]}), False, False),  # mentioned in it
    (consent({**PERMIT, "code": [{"coding": [{"system": "s", "code": "2"}]}]}, None), True, False),  # not what it is
    (consent({**PERMIT, "code": [{"coding": [{"system": "s", "code": "1"}]}]}, None), True, True),
    (consent({**DENY, "code": [{"text": "diabetes"}]}), False, False),  # only words: widened
    (consent({**DENY, "securityLabel": [{"system": CONF, "code": "R"}]}), True, True),
    (consent({**DENY, "securityLabel": [{"system": CONF, "code": "L"}]}), False, False),  # N is above L
    (consent({**PERMIT, "securityLabel": [{"system": CONF, "code": "N"}]}, None), True, True),
    (consent({**PERMIT, "securityLabel": [{"system": CONF, "code": "L"}]}, None), True, False),
    (consent({**DENY, "dataPeriod": {"start": "1970-01-01"}}), False, False),
    (consent({**DENY, "dataPeriod": {"end": "1969"}}), True, True),
    (consent({**PERMIT, "dataPeriod": {"end": "1969"}}, None), True, False),
    (consent({**DENY, "data": [{"meaning": "instance", "reference": {"reference": "Condition/c1"}}]}), False, False),
    (consent({**DENY, "data": [{"meaning": "instance", "reference": {"reference": "Condition/c2"}}]}), True, True),
    (consent({**DENY, "data": [{"meaning": "dependents", "reference": {"reference": "Encounter/e1"}}]}), False, False),
    (consent({**DENY, "data": [{"meaning": "related", "reference": {"reference": "Encounter/e1"}}]}), True, True),
    (consent({**DENY, "data": [{"meaning": "kin", "reference": {"reference": "Encounter/e9"}}]}), False, False),
    (consent({**DENY, "data": [{"meaning": "instance", "reference": {"display": "that one"}}]}), False, False),
    (consent({**DENY, "actor": [{"role": {"text": "nurse"}}]}), False, False),  # an actor without a name
    (consent({**DENY, "period": {"end": "1969-12-31"}}), True, False),
    (consent({**DENY, "period": {"start": "1970-01-02"}}), True, False),
    (consent({"period": {"start": "1970-01-01", "end": "1970-01-01"}}), True, True),
    (consent({"period": {"end": "1969"}}), True, False),
    (consent(OTHER), True, False),  # two readings: no permission rests on it, and others are refused nothing here
    (consent(ACME), False, False),  # two readings: what it names is refused
    (consent(OTHER, "OPTOUT"), False, False),
    (consent(None, None), False, False),  # neither policy nor provision
    (consent({**OTHER}, None), False, False),
    (consent({**DENY, "surprise": 1}), False, False),
    (consent({**PERMIT, "surprise": 1}, None), False, False),
    (consent({"type": "maybe"}), False, False),
    (consent({**PERMIT, "modifierExtension": [{"url": "x"}]}), False, False),
    (consent(PERMIT, modifierExtension=[{"url": "x"}]), False, False),
    (consent(PERMIT, status="unheard-of"), False, False),
    (consent(PERMIT, status=None), False, False),
    (consent(PERMIT, scope={"coding": [{"system": TERMS + "consentscope", "code": "new"}]}), False, False),
    (consent(DENY, scope={"coding": [{"system": TERMS + "consentscope", "code": "treatment"}]}), True, False),
    (consent(PERMIT, None, scope={"coding": [{"system": TERMS + "consentscope", "code": "research"}]}), True, True),
    *((consent(DENY, status=status), True, False) for status in ("draft", "proposed", "rejected", "inactive")),
]


@pytest.mark.parametrize("made, without, needing", READINGS)
def test_what_a_consent_lets_leave(made: dict[str, Any], without: bool, needing: bool) -> None:
    assert answer(made) is without
    assert answer(made, needs_permit=True) is needing


def test_a_research_consent_permits_research_and_nothing_else() -> None:
    made = consent(PERMIT, None, scope={"coding": [{"system": TERMS + "consentscope", "code": "research"}]})
    changes = {"needs_permit": True, "purposes": frozenset({"HRESCH", "HMARKT"})}
    assert answer(made, **changes)
    assert not answer(made, asked=ask(purposes=frozenset({"HRESCH", "HMARKT"})), **changes)


def test_exceptions_go_to_any_depth_and_a_refusal_wins_among_siblings() -> None:
    condition = [{"system": "http://hl7.org/fhir/resource-types", "code": "Condition"}]
    deep: dict[str, Any] = {"type": "permit", "class": condition}
    for effect in ("deny", "permit") * 6:
        deep = {"type": effect, "class": condition, "provision": [deep]}
    assert answer(consent(deep), needs_permit=True)
    assert answer(consent({**DENY, "provision": [{"type": "permit", "class": condition}]}), needs_permit=True)
    siblings = [
        {"type": "permit", "class": condition},
        {"type": "deny", "code": [{"coding": [{"system": "s", "code": "2"}]}]},
    ]
    assert not answer(consent({**DENY, "provision": siblings}))
    assert not answer(consent({**PERMIT, "provision": siblings}))


def test_nesting_beyond_reason_keeps_the_patient_out() -> None:
    deep: dict[str, Any] = {"type": "permit"}
    for _ in range(40):
        deep = {"type": "permit", "provision": [deep]}
    assert not answer(consent(deep))


def test_a_sensitivity_label_covers_records_by_their_codes() -> None:
    made = consent({**DENY, "securityLabel": [{"system": ACT, "code": "HIV"}]})
    assert answer(made)
    assert not answer(made, item(labels=frozenset({"category:hiv", "confidentiality:R"})))
    assert not answer(made, item(labels=None))


def test_a_permission_of_normal_data_is_none_of_sensitive_data() -> None:
    made = consent({**PERMIT, "securityLabel": [{"system": CONF, "code": "N"}]}, None)
    assert not answer(made, item(labels=frozenset({"category:hiv", "confidentiality:N"})), needs_permit=True)


def test_a_specially_protected_kind_needs_a_permission_that_names_it() -> None:
    record = item(labels=frozenset({"category:substance-use", "confidentiality:R"}))
    special = {"special": frozenset({"substance-use"})}
    assert not answer(consent(PERMIT, None), record, **special)
    named = consent({**PERMIT, "securityLabel": [{"system": ACT, "code": "SUD"}]}, None)
    assert answer(named, record, **special)
    assert not answer(named, item(labels=None), **special)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"resourceType":"Patient"}',
        b'{"resourceType":"Consent","resourceType":"Consent"}',
        b"\xff",
    ],
)
def test_what_is_no_consent_keeps_the_patient_out(content: bytes) -> None:
    assert not answer(content)
    table = directives_from_fhir([content])
    assert table.num_rows == 1


PATHS = [
    ("provision",),
    ("provision", "actor"),
    ("provision", "purpose"),
    ("provision", "class"),
    ("provision", "code"),
    ("provision", "securityLabel"),
    ("provision", "action"),
    ("provision", "period"),
    ("provision", "dataPeriod"),
    ("provision", "data"),
    ("provision", "provision"),
    ("policyRule",),
    ("scope",),
    ("status",),
]
GARBAGE: list[Any] = [
    "x",
    3,
    1.5,
    True,
    ["x"],
    {"x": "y"},
    [[]],
    {"coding": "x"},
    {"start": 5},
    [{"coding": [3]}],
    [None],
]


@pytest.mark.parametrize("path", PATHS, ids="/".join)
@pytest.mark.parametrize("garbage", GARBAGE, ids=repr)
def test_garbling_any_part_of_a_refusal_never_lets_leave(path: tuple[str, ...], garbage: Any) -> None:
    made = consent({**DENY, **ACME})
    target = made if len(path) == 1 else made["provision"]
    assert not answer(made)
    target[path[-1]] = garbage
    assert not answer(made)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=3) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(
                    ["type", "provision", "actor", "coding", "code", "system", "reference", "period", "start"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_provision_whatsoever_breaks_the_reader(provision: Any) -> None:
    found = rules_from_consent(json.dumps(consent(provision)).encode(), built_in_sensitivity())
    assert found.patient == "p1"


def test_hl7s_own_examples_are_read(shared: Path) -> None:
    files = sorted((shared / "hl7_fhir_r4_examples").glob("Consent-*.json"))
    readings = [rules_from_consent(file.read_bytes(), built_in_sensitivity()) for file in files]
    assert len(readings) == 12
    assert [reading.fault for reading in readings] == [""] * 12
    assert all(reading.patient for reading in readings)
