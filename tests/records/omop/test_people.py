"""Patients, those who treat them and where, their notes and their payers."""

from base64 import b64encode
from datetime import date

import pytest
from tests.support.omop import AS_OF, LOINC, PATIENT, concept, key, made, record

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
OMB = "urn:oid:2.16.840.1.113883.6.238"


def category(name, *codes):
    parts = [{"url": "ombCategory", "valueCoding": {"system": OMB, "code": code}} for code in codes]
    detailed = [{"url": "detailed", "valueCoding": {"system": OMB, "code": "2108-9"}}]
    return {"url": f"{US_CORE}{name}", "extension": [*detailed, *parts, {"url": "text", "valueString": "said"}]}


def person(**members):
    return made(everybody=(PATIENT | members,))[0]["person"][0]


def test_a_person_has_race_and_ethnicity_by_their_categories():
    row = person(extension=[category("race", "2106-3"), category("ethnicity", "2186-5")])
    assert (row["race_concept_id"], row["race_source_value"]) == (8527, "2106-3")
    assert (row["ethnicity_concept_id"], row["ethnicity_source_value"]) == (38003564, "2186-5")
    assert row["gender_concept_id"] == 8532


def test_a_person_of_two_races_has_no_race_concept():
    assert person(extension=[category("race", "2106-3", "2028-9")])["race_concept_id"] == 0


def test_sex_at_birth_comes_before_administrative_gender():
    row = person(extension=[{"url": f"{US_CORE}birthsex", "valueCode": "M"}])
    assert (row["gender_concept_id"], row["gender_source_value"]) == (8507, "M")
    assert person(gender="other")["gender_concept_id"] == 0


@pytest.mark.parametrize(
    "born, parts", [("1970", (1970, None, None)), ("1970-05", (1970, 5, None)), ("1970-05-17", (1970, 5, 17))]
)
def test_a_birth_is_as_exact_as_it_was_released(born, parts):
    row = person(birthDate=born)
    assert (row["year_of_birth"], row.get("month_of_birth"), row.get("day_of_birth")) == parts
    assert "birth_datetime" not in row


def test_the_dead_have_a_day_of_death_or_none():
    rows, _ = made(everybody=(PATIENT | {"deceasedDateTime": "2020"}, PATIENT | {"id": "q", "deceasedBoolean": True}))
    assert rows["death"] == [
        {"person_id": key("Patient/p"), "death_date": date(2020, 1, 1), "death_type_concept_id": 32817}
    ]
    assert len(rows["person"]) == 2


def test_a_home_is_a_location_and_a_state_in_words_is_none():
    home = {"city": "Rochester", "state": "MN", "postalCode": "55904-1234", "country": "US"}
    rows, _ = made(everybody=(PATIENT | {"address": [home, {"city": "Elsewhere"}]},))
    (place,) = rows["location"]
    assert (place["city"], place["state"], place["zip"]) == ("Rochester", "MN", "559041234")
    assert rows["person"][0]["location_id"] == place["location_id"] == key("Patient/p")
    rows, _ = made(everybody=(PATIENT | {"address": [{"state": "Minnesota"}]},))
    assert "state" not in rows["location"][0]


def test_whoever_treats_is_a_provider_with_specialty_and_site():
    clinic = {"resourceType": "Organization", "id": "o", "type": [concept(("t", "prov"))], "address": [{"state": "MN"}]}
    insurer = {"resourceType": "Organization", "id": "i", "type": [concept(("t", "pay"))]}
    doctor = {"resourceType": "Practitioner", "id": "d", "gender": "male"}
    role = {
        "resourceType": "PractitionerRole",
        "id": "r",
        "practitioner": {"reference": "Practitioner/d"},
        "organization": {"reference": "Organization/o"},
        "specialty": [concept(("http://nucc.org/provider-taxonomy", "208600000X"))],
    }
    orphan = role | {"id": "s", "practitioner": {"reference": "Practitioner/gone"}, "organization": {}}
    visit = {
        "resourceType": "Encounter", "id": "v", "subject": {"reference": "Patient/p"}, "period": {"start": "2020"},
        "participant": [{"individual": {"reference": "PractitionerRole/r"}}],
        "serviceProvider": {"reference": "Organization/o"},
    }  # fmt: skip
    rows, counts = made(clinic, insurer, doctor, role, orphan, visit)
    by_id = {row["provider_id"]: row for row in rows["provider"]}
    assert set(by_id) == {key("Practitioner/d"), key("PractitionerRole/s")}
    treating = by_id[key("Practitioner/d")]
    assert (treating["specialty_source_value"], treating["gender_concept_id"]) == ("208600000X", 8507)
    assert treating["care_site_id"] == key("Organization/o")
    assert rows["visit_occurrence"][0]["provider_id"] == key("Practitioner/d")
    assert rows["visit_occurrence"][0]["care_site_id"] == key("Organization/o")
    assert [row["care_site_id"] for row in rows["care_site"]] == [key("Organization/o")]
    assert counts["Organization"] == {"care_site": 1, "no-table": 1}
    assert counts["PractitionerRole"] == {"in-another-row": 1, "provider": 1}


def attached(text):
    return {"attachment": {"contentType": "text/plain", "data": b64encode(text.encode()).decode()}}


def test_each_text_of_a_document_is_a_note():
    document = record(
        "DocumentReference",
        status="current",
        type=concept((LOINC, "11506-3")),
        date="2020-01-01T00:00:00Z",
        content=[attached("first, naïve"), attached("second")],
    )
    rows, counts = made(document)
    notes = {row["note_id"]: row for row in rows["note"]}
    assert notes[key("DocumentReference/1")]["note_text"] == "first, naïve"
    assert notes[key("DocumentReference/1/1")]["note_text"] == "second"
    assert notes[key("DocumentReference/1")]["note_source_value"] == "11506-3"
    assert "note_datetime" not in notes[key("DocumentReference/1")]
    assert counts["DocumentReference"] == {"note": 1}


def test_a_report_speaks_by_its_text_or_else_by_its_conclusion():
    report = record("DiagnosticReport", code=concept((LOINC, "11526-1")), effectiveDateTime="2020", conclusion="benign")
    texts = [row["note_text"] for row in made(report)[0]["note"]]
    assert texts == ["benign"]
    full = report | {"presentedForm": [attached("all of it")["attachment"]]}
    assert [row["note_text"] for row in made(full)[0]["note"]] == ["all of it"]
    del report["conclusion"]
    assert made(report)[1]["DiagnosticReport"] == {"no-text": 1}


def test_a_coverage_without_an_end_lasts_until_the_release():
    coverage = {
        "resourceType": "Coverage", "id": "c", "status": "active", "beneficiary": {"reference": "Patient/p"},
        "period": {"start": "2020-02-03"}, "type": concept(("t", "HIP")),
    }  # fmt: skip
    (row,) = made(coverage)[0]["payer_plan_period"]
    assert (row["payer_plan_period_start_date"], row["payer_plan_period_end_date"]) == (date(2020, 2, 3), AS_OF)
    assert row["payer_source_value"] == "HIP"


def test_a_settled_claim_is_the_cost_of_its_visit():
    visit = {"resourceType": "Encounter", "id": "v", "subject": {"reference": "Patient/p"}, "period": {"start": "2020"}}
    settled = {
        "resourceType": "ExplanationOfBenefit", "id": "e", "status": "active", "patient": {"reference": "Patient/p"},
        "item": [{"encounter": [{"reference": "Encounter/v"}]}],
        "total": [
            {"category": concept(("t", code)), "amount": {"value": value, "currency": "USD"}}
            for code, value in (("benefit", 80), ("submitted", 129.16))
        ],
        "payment": {"amount": {"value": 80.5, "currency": "USD"}},
    }  # fmt: skip
    rows, counts = made(visit, settled)
    (row,) = rows["cost"]
    assert (row["cost_event_id"], row["cost_domain_id"]) == (key("Encounter/v"), "Visit")
    assert (row["total_charge"], row["total_paid"], row["paid_by_payer"]) == (129.16, 80.5, 80.0)
    assert row["currency_concept_id"] == 44818668
    assert made(settled)[1]["ExplanationOfBenefit"] == {"no-visit": 1}
    assert counts["ExplanationOfBenefit"] == {"cost": 1}
