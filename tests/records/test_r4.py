"""The R4 tables: complete, consistent, quick."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from bailee.records import r4

SHARED = Path(os.environ.get("BAILEE_SHARED", Path(__file__).parents[3] / "shared"))
EXAMPLES = SHARED / "data" / "hl7_fhir_r4_examples"


def test_r4_has_146_resource_types():
    assert len(r4.resource_types()) == 146


def test_every_element_has_a_type_that_the_tables_know():
    known = set(r4.owners())
    strangers = {e.type for name in known for e in r4.children(name).values()} - known
    assert strangers == set()


def test_every_required_code_set_is_listed_and_not_empty():
    bound = {e.codes for name in r4.owners() for e in r4.children(name).values() if e.codes}
    assert all(r4.code_set(name) for name in bound)
    assert len(bound) > 150


@pytest.mark.parametrize(
    ("system", "code"),
    [
        ("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
        ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB"),
        ("http://terminology.hl7.org/CodeSystem/v2-0203", "MR"),
        ("http://unitsofmeasure.org", "mg/dL"),
        ("urn:ietf:bcp:47", "en-US"),
        ("urn:iso:std:iso:3166", "US"),
    ],
)
def test_the_codes_of_published_systems_are_known(system, code):
    assert system in r4.systems()
    assert code in r4.system_codes(system)


def test_a_packages_own_additions_to_the_definitions_are_left_out():
    assert "project" not in r4.children("Meta")
    assert "associatedParty" not in r4.children("ResearchStudy")
    assert "usageContext" in r4.children("EvidenceVariable.characteristic")


def test_a_resource_has_the_members_of_every_resource_first():
    members = list(r4.children("Patient"))
    assert members[:8] == [
        "id", "meta", "implicitRules", "language", "text", "contained", "extension", "modifierExtension",
    ]  # fmt: skip


def test_a_choice_is_one_element_per_type():
    choices = {name: e.type for name, e in r4.children("Patient").items() if e.choice == "deceased"}
    assert choices == {"deceasedBoolean": "boolean", "deceasedDateTime": "dateTime"}


def test_an_extension_may_hold_any_of_the_fifty_open_types():
    assert sum(e.choice == "value" for e in r4.children("Extension").values()) == 50


def test_a_content_reference_recurs_into_its_owner():
    assert r4.element("Questionnaire.item", "item").type == "Questionnaire.item"


def test_a_path_is_followed_through_backbones_and_data_types():
    assert [e.type for e in r4.elements_at("Patient.contact.name.family")] == ["Patient.contact", "HumanName", "string"]


@pytest.mark.parametrize("path", ["Patient.nmae", "Patient.name.famly", "Patent.name", "Patient.name.family.value"])
def test_a_path_that_does_not_exist_is_refused(path):
    with pytest.raises(KeyError):
        r4.elements_at(path)


def test_modifiers_repeats_and_targets_are_told():
    assert r4.element("Patient", "active").modifier
    assert r4.element("Patient", "name").repeats
    assert r4.element("Observation", "subject").targets == ("Device", "Group", "Location", "Patient")


def test_patient_paths_lead_to_references_that_may_be_patients():
    for name in r4.resource_types():
        for path in r4.patient_paths(name):
            end = r4.elements_at(f"{name}.{path}")[-1]
            assert end.type == "Reference", (name, path)
            assert not end.targets or {"Patient", "Resource"} & set(end.targets), (name, path)


@pytest.mark.parametrize(
    ("resource_type", "first"),
    [
        ("Observation", "subject"),
        ("Claim", "patient"),
        ("Coverage", "beneficiary"),
        ("ResearchSubject", "individual"),
        ("Appointment", "participant.actor"),
        ("Task", "for"),
    ],
)
def test_the_surest_tie_to_the_patient_comes_first(resource_type, first):
    assert r4.patient_paths(resource_type)[0] == first


def test_search_parameters_speak_of_their_own_type():
    birthdate = r4.search_parameters("Patient")["birthdate"]
    assert (birthdate.kind, birthdate.expression) == ("date", "Patient.birthDate")
    assert r4.search_parameters("Patient")["_id"].expression == "Resource.id"
    for name in r4.resource_types():
        for parameter in r4.search_parameters(name).values():
            assert re.match(rf"\(*({name}|Resource|DomainResource)\b", parameter.expression), parameter


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the HL7 examples are not here: set BAILEE_SHARED")
def test_every_hl7_example_uses_only_members_that_the_tables_know():
    strangers = set()
    for file in sorted(EXAMPLES.glob("*.json")):
        document = json.loads(file.read_bytes())
        if isinstance(document, dict) and document.get("resourceType") in r4.resource_types():
            strangers |= set(_strangers(document, document["resourceType"]))
    assert strangers == set()


def _strangers(thing: dict, owner: str):
    for key, value in thing.items():
        if key == "resourceType" or key.startswith("_"):
            continue
        found = r4.element(owner, key)
        if found is None:
            yield f"{owner}.{key}"
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                inner = item["resourceType"] if found.type == "Resource" else found.type
                yield from _strangers(item, inner)
