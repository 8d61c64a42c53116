"""The built-in tables: codes of the right shape, diseases below diseases, and adding never lets more leave."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.consents import ASK, grant, rule

from bailee.agreements.diseases import built_in_diseases
from bailee.consent.evaluate import Snapshot, decide
from bailee.consent.facts import item_of
from bailee.consent.labels import ACT_CODE, Category, Sensitivity, built_in_sensitivity, label_tokens

TABLE = built_in_sensitivity()
CODES = [(one.name, *code.split("|", 1), False) for one in TABLE.categories.values() for code in sorted(one.codes)] + [
    (one.name, *code.split("|", 1), True) for one in TABLE.categories.values() for code in one.prefixes
]
ICD_10 = re.compile(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?")
ICD_10_STEM = re.compile(r"[A-Z]\d([0-9A-Z](\.[0-9A-Z]{0,4})?)?")
ICD_9 = re.compile(r"(V\d\d|E\d{3}|\d{3})(\.\d{1,2})?")
ICD_9_STEM = re.compile(r"(V\d\d|E\d\d\d?|\d{3})(\.\d{0,2})?")
SYSTEMS = {
    "http://hl7.org/fhir/sid/icd-10-cm": "icd-10",
    "http://hl7.org/fhir/sid/icd-10": "icd-10",
    "http://hl7.org/fhir/sid/icd-9-cm": "icd-9",
    "http://snomed.info/sct": "sct",
    "http://loinc.org": "loinc",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
}
TURNED = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]  # Verhoeff's permutation


def _times(a: int, b: int) -> int:
    """Multiply in the group of the pentagon's symmetries: 0 to 4 turn it, 5 to 9 turn it over."""
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
    return 5 + (a - b) % 5 if b < 5 else (a - b) % 5


def is_snomed(code: str) -> bool:
    """Tell whether a code has the form of a SNOMED CT identifier: 6 to 18 digits and Verhoeff's check digit."""
    total = 0
    for place, digit in enumerate(reversed(code)):
        value = int(digit)
        for _ in range(place % 8):
            value = TURNED[value]
        total = _times(total, value)
    return bool(re.fullmatch(r"[1-9]\d{5,17}", code)) and total == 0


def is_loinc(code: str) -> bool:
    """Tell whether a code has the form of a LOINC code: up to five digits and a check digit by the rule of ten."""
    if not re.fullmatch(r"\d{1,7}-\d", code):
        return False
    body, check = code.split("-")
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(body))]
    return (10 - sum(value // 10 + value % 10 for value in doubled) % 10) % 10 == int(check)


@pytest.mark.parametrize("name, system, code, is_prefix", CODES, ids=str)
def test_every_code_has_the_shape_of_its_system(name: str, system: str, code: str, is_prefix: bool) -> None:
    match SYSTEMS[system]:
        case "icd-10":
            assert (ICD_10_STEM if is_prefix else ICD_10).fullmatch(code)
        case "icd-9":
            assert (ICD_9_STEM if is_prefix else ICD_9).fullmatch(code)
        case "sct":
            assert is_snomed(code)
        case "loinc":
            assert is_loinc(code)
        case _:
            assert re.fullmatch(r"[1-9]\d{0,7}", code)
    assert not is_prefix or SYSTEMS[system].startswith("icd")


def test_the_checks_of_digits_can_fail() -> None:
    assert is_snomed("22298006")
    assert is_snomed("10939881000119105")
    assert not is_snomed("22298007")
    assert not is_snomed("22289006")
    assert is_loinc("2339-0")
    assert not is_loinc("2339-1")


@pytest.mark.parametrize(
    "system, code, category",
    [
        ("http://hl7.org/fhir/sid/icd-10-cm", "F10.20", "substance-use"),
        ("http://hl7.org/fhir/sid/icd-10-cm", "F11.10", "substance-use"),
        ("http://hl7.org/fhir/sid/icd-10-cm", "F19.99", "substance-use"),
        ("http://hl7.org/fhir/sid/icd-10-cm", "F17.210", None),  # tobacco: 42 CFR 2.11
        ("http://hl7.org/fhir/sid/icd-10-cm", "Z21", "hiv"),
        ("http://hl7.org/fhir/sid/icd-10-cm", "B20", "hiv"),
        ("http://hl7.org/fhir/sid/icd-10-cm", "O04.5", "reproductive"),
        ("http://hl7.org/fhir/sid/icd-10-cm", "N97.9", "reproductive"),
        ("http://hl7.org/fhir/sid/icd-10-cm", "F32.9", "mental-health"),
        ("http://hl7.org/fhir/sid/icd-10-cm", "T74.11XA", "violence"),
        ("http://hl7.org/fhir/sid/icd-10-cm", "D57.1", "genetic"),
        ("http://hl7.org/fhir/sid/icd-9-cm", "042", "hiv"),
        ("http://hl7.org/fhir/sid/icd-10-cm", "I10", None),
        ("http://www.nlm.nih.gov/research/umls/rxnorm", "6813", "substance-use"),
        ("http://www.nlm.nih.gov/research/umls/rxnorm", "68130", None),
    ],
)
def test_well_known_codes_belong_where_they_should(system: str, code: str, category: str | None) -> None:
    assert TABLE.categories_of([f"{system}|{code}"]) == ({category} if category else set())


NAMES = ("hiv", "substance-use")
SYSTEM = "http://hl7.org/fhir/sid/icd-10-cm"
CODE = st.sampled_from(["B20", "B21", "F10", "F11.1", "I10"])
TABLES = st.fixed_dictionaries(
    {
        name: st.tuples(st.frozensets(CODE, max_size=2), st.frozensets(st.sampled_from(["B2", "F1"]), max_size=1))
        for name in NAMES
    }
)


def table(parts: dict[str, Any]) -> Sensitivity:
    labels = {"hiv": "HIV", "substance-use": "SUD"}
    made = [
        Category(
            name=name,
            labels=frozenset({labels[name]}),
            codes=frozenset(f"{SYSTEM}|{code}" for code in codes),
            prefixes=tuple(f"{SYSTEM}|{stem}" for stem in sorted(stems)),
        )
        for name, (codes, stems) in parts.items()
    ]
    return Sensitivity(made, sha256="0" * 64)


def union(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {name: (one[name][0] | other[name][0], one[name][1] | other[name][1]) for name in NAMES}


@given(
    TABLES,
    TABLES,
    CODE,
    st.sampled_from([None, "HIV", "SUD"]),
    st.sampled_from([frozenset(), frozenset({"hiv"}), frozenset(NAMES)]),
    st.sampled_from([frozenset(), frozenset({"substance-use"})]),
    st.sampled_from([None, ("deny", "HIV"), ("deny", "R"), ("deny", "N"), ("permit", "R"), ("permit", None)]),
    st.booleans(),
)
def test_adding_to_the_table_never_lets_more_leave(
    small: dict[str, Any],
    more: dict[str, Any],
    code: str,
    label: str | None,
    special: Any,
    out: Any,
    said: Any,
    needs: bool,
) -> None:
    """Unless a patient's own permission names the category to which something was added: then that was the patient's word."""
    security = [{"system": ACT_CODE, "code": label}] if label else []
    record = {
        "resourceType": "Condition",
        "id": "c",
        "meta": {"security": security},
        "code": {"coding": [{"system": SYSTEM, "code": code}]},
    }

    def permits(parts: dict[str, Any]) -> bool:
        known = table(parts)
        item = item_of(json.dumps(record), type_="Condition", id_="c", patient="p1", sensitivity=known)
        rules = ()
        if said is not None:
            effect, word = said
            system = ACT_CODE if word == "HIV" else "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
            labels = label_tokens([(system, word)], known, effect=effect) if word else frozenset()
            rules = (rule(effect, labels=labels),)
        world = Snapshot(
            grants={"a1": grant(special=special, leaves_out=out, needs_permit=needs)},
            rules={"p1": rules},
            sensitivity=known,
        )
        return decide("p1", item, ASK, world, 50).permit

    assert permits(small) or not permits(union(small, more))


def test_every_disease_lies_below_disease() -> None:
    table = built_in_diseases()
    codes = list(table._parents)
    assert len(codes) > 50
    assert all("MONDO:0000001" in table.above(code) for code in codes)
    assert all(re.fullmatch(r"MONDO:\d{7}", code) for code in codes)
    assert table.lies_below("MONDO:0008170", ["MONDO:0004992"])
    assert not table.lies_below("MONDO:0004992", ["MONDO:0008170"])
