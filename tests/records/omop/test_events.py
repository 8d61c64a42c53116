"""Records become rows of the table that their concept belongs to, and nothing is lost without a reason."""

from datetime import UTC, date, datetime

import pytest
from tests.support.omop import (
    AS_OF,
    ICD10CM,
    LOINC,
    PATIENT,
    RXNORM,
    SNOMED,
    UCUM,
    concept,
    key,
    made,
    record,
    vocabulary,
)

DAY = "2020-02-03T04:05:06-05:00"
VISIT = {
    "resourceType": "Encounter",
    "id": "v",
    "status": "finished",
    "class": {"code": "IMP"},
    "subject": {"reference": "Patient/p"},
    "period": {"start": "2020-02-03", "end": "2020-02-09"},
}
AT_VISIT = {"encounter": {"reference": "Encounter/v"}}
DIABETES = record("Condition", code=concept((ICD10CM, "E11.9")), onsetDateTime=DAY)


def test_a_condition_without_a_vocabulary_keeps_its_code():
    rows, counts = made(DIABETES, VISIT)
    assert rows["condition_occurrence"] == [
        {
            "condition_occurrence_id": key("Condition/1"),
            "person_id": key("Patient/p"),
            "condition_concept_id": 0,
            "condition_start_date": date(2020, 2, 3),
            "condition_start_datetime": datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC),
            "condition_type_concept_id": 32817,
            "condition_source_value": "E11.9",
            "condition_source_concept_id": 0,
        }
    ]
    assert counts["Condition"] == {"condition_occurrence": 1}


def test_a_condition_is_mapped_to_its_standard_concept():
    words = vocabulary(("ICD10CM\tE11.9", 45561952, 201826, "Condition", None))
    rows, _ = made(DIABETES, words=words)
    (row,) = rows["condition_occurrence"]
    assert (row["condition_concept_id"], row["condition_source_concept_id"]) == (201826, 45561952)


def test_a_condition_whose_concept_is_an_observation_goes_there():
    words = vocabulary(("ICD10CM\tE11.9", 1, 4000000, "Observation", None))
    rows, counts = made(DIABETES, words=words)
    assert "condition_occurrence" not in rows
    assert rows["observation"][0]["observation_source_value"] == "E11.9"
    assert counts["Condition"] == {"observation": 1}


def test_a_code_with_two_standard_concepts_makes_two_rows():
    words = vocabulary(
        ("ICD10CM\tE11.9", 1, 201826, "Condition", None), ("ICD10CM\tE11.9", 1, 4000001, "Procedure", None)
    )
    rows, counts = made(DIABETES, words=words)
    assert rows["condition_occurrence"][0]["condition_occurrence_id"] == key("Condition/1")
    assert rows["procedure_occurrence"][0]["procedure_occurrence_id"] == key("Condition/1#1")
    assert sum(counts["Condition"].values()) == 1


def test_the_first_code_that_maps_is_taken():
    words = vocabulary(("SNOMED\t44054006", 201826, 201826, "Condition", None))
    both = record(
        "Condition", code=concept(("urn:ours", "x"), (ICD10CM, "E11"), (SNOMED, "44054006")), onsetDateTime=DAY
    )
    (row,) = made(both, words=words)[0]["condition_occurrence"]
    assert row["condition_source_value"] == "44054006"
    (row,) = made(both)[0]["condition_occurrence"]
    assert row["condition_source_value"] == "E11"


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"verificationStatus": concept(("s", "refuted"))}, "refuted"),
        ({"verificationStatus": concept(("s", "entered-in-error"))}, "entered-in-error"),
        ({"code": {"text": "sugar"}}, "no-code"),
        ({"onsetDateTime": "in spring"}, "no-date"),
        ({"subject": {"reference": "Patient/other"}}, "no-person"),
    ],
)
def test_what_cannot_be_a_row_is_counted_by_reason(changes, reason):
    rows, counts = made(DIABETES | changes)
    assert "condition_occurrence" not in rows
    assert counts["Condition"] == {reason: 1}


def test_a_record_without_a_date_has_the_day_of_its_visit():
    undated = record("Procedure", code=concept((SNOMED, "1")), status="completed", **AT_VISIT)
    (row,) = made(undated, VISIT)[0]["procedure_occurrence"]
    assert row["procedure_date"] == date(2020, 2, 3)
    assert row["visit_occurrence_id"] == key("Encounter/v")


def test_a_visit_that_was_not_released_is_not_pointed_to():
    orphan = DIABETES | AT_VISIT
    assert "visit_occurrence_id" not in made(orphan)[0]["condition_occurrence"][0]


def test_a_part_of_a_visit_is_its_detail_and_its_rows_know_both():
    ward = VISIT | {"id": "w", "partOf": {"reference": "Encounter/v"}}
    bed = VISIT | {"id": "b", "partOf": {"reference": "Encounter/w"}}
    seen = DIABETES | {"encounter": {"reference": "Encounter/b"}}
    rows, counts = made(VISIT, ward, bed, seen)
    assert [row["visit_occurrence_id"] for row in rows["visit_occurrence"]] == [key("Encounter/v")]
    parents = {row["visit_detail_id"]: row.get("parent_visit_detail_id") for row in rows["visit_detail"]}
    assert parents == {key("Encounter/w"): None, key("Encounter/b"): key("Encounter/w")}
    assert {row["visit_occurrence_id"] for row in rows["visit_detail"]} == {key("Encounter/v")}
    (row,) = rows["condition_occurrence"]
    assert (row["visit_occurrence_id"], row["visit_detail_id"]) == (key("Encounter/v"), key("Encounter/b"))
    assert counts["Encounter"] == {"visit_occurrence": 1, "visit_detail": 2}


def test_visits_within_each_other_stand_alone():
    one, two = (VISIT | {"id": own, "partOf": {"reference": f"Encounter/{other}"}} for own, other in ("ab", "ba"))
    rows, _ = made(one, two)
    assert len(rows["visit_occurrence"]) == 2
    assert not rows["visit_detail"]


@pytest.mark.parametrize(
    "changes, end",
    [
        ({}, date(2020, 2, 9)),
        ({"period": {"start": "2020-02-03"}}, date(2020, 2, 3)),
        ({"period": {"start": "2020-02-03"}, "status": "in-progress"}, AS_OF),
        ({"period": {"start": "2020-02-03"}, "status": "in-progress", "class": {"code": "AMB"}}, date(2020, 2, 3)),
    ],
)
def test_a_visit_has_an_end(changes, end):
    assert made(VISIT | changes)[0]["visit_occurrence"][0]["visit_end_date"] == end


def test_a_planned_visit_did_not_happen():
    rows, counts = made(VISIT | {"status": "planned"})
    assert counts["Encounter"] == {"planned": 1}
    assert not rows["visit_occurrence"]


def test_a_blood_pressure_is_two_measurements():
    panel = record(
        "Observation",
        code=concept((LOINC, "85354-9")),
        effectiveDateTime="2020-02-03",
        component=[
            {"code": concept((LOINC, code)), "valueQuantity": {"value": value, "code": "mm[Hg]", "system": UCUM}}
            for code, value in (("8480-6", 120), ("8462-4", 80))
        ],
    )
    rows, counts = made(panel)
    by_id = {row["measurement_id"]: row for row in rows["measurement"]}
    assert set(by_id) == {key("Observation/1/0"), key("Observation/1/1")}
    systolic = by_id[key("Observation/1/0")]
    assert (systolic["measurement_source_value"], systolic["value_as_number"]) == ("8480-6", 120.0)
    assert (systolic["unit_concept_id"], systolic["unit_source_value"]) == (8876, "mm[Hg]")
    assert counts["Observation"] == {"measurement": 1}


def test_a_laboratory_result_keeps_number_operator_range_and_unit():
    result = record(
        "Observation",
        code=concept((LOINC, "2160-0")),
        category=[concept(("c", "laboratory"))],
        effectiveDateTime="2020",
        valueQuantity={"value": 0.50, "comparator": "<", "unit": "mg/dL"},
        referenceRange=[{"low": {"value": 0.5}, "high": {"value": 4.5}}],
    )
    (row,) = made(result)[0]["measurement"]
    assert row["measurement_date"] == date(2020, 1, 1)
    assert "measurement_datetime" not in row
    assert row["measurement_type_concept_id"] == 32856
    assert (row["operator_concept_id"], row["value_as_number"]) == (4171756, 0.5)
    assert (row["range_low"], row["range_high"], row["unit_concept_id"]) == (0.5, 4.5, 8840)


def test_a_coded_answer_is_a_concept_and_a_free_one_is_text():
    words = vocabulary(("SNOMED\t8517006", 4310250, 4310250, "Observation", None))
    smoking = record("Observation", code=concept((LOINC, "72166-2")), effectiveDateTime="2020")
    coded, free, yes = (
        smoking | {"id": number} | value
        for number, value in (
            ("c", {"valueCodeableConcept": concept((SNOMED, "8517006"))}),
            ("f", {"valueString": "used to, long ago"}),
            ("y", {"valueBoolean": True}),
        )
    )
    rows, _ = made(coded, free, yes, words=words)
    by_id = {row["observation_id"]: row for row in rows["observation"]}
    assert by_id[key("Observation/c")]["value_as_concept_id"] == 4310250
    assert by_id[key("Observation/c")]["value_source_value"] == "8517006"
    assert by_id[key("Observation/f")]["value_as_string"] == "used to, long ago"
    assert by_id[key("Observation/y")]["value_as_concept_id"] == 4188539


def test_a_prescription_has_supply_and_an_end():
    order = record(
        "MedicationRequest",
        status="active",
        intent="order",
        medicationCodeableConcept=concept((RXNORM, "314076")),
        authoredOn="2020-02-03",
        dispenseRequest={
            "numberOfRepeatsAllowed": 2,
            "quantity": {"value": 30},
            "expectedSupplyDuration": {"value": 30, "code": "d"},
        },
        dosageInstruction=[{"text": "one a day", "route": concept((SNOMED, "26643006"))}],
    )
    (row,) = made(order)[0]["drug_exposure"]
    assert (row["drug_exposure_start_date"], row["drug_exposure_end_date"]) == (date(2020, 2, 3), date(2020, 3, 3))
    assert (row["refills"], row["quantity"], row["days_supply"], row["sig"]) == (2, 30.0, 30, "one a day")
    assert (row["route_source_value"], row["route_concept_id"]) == ("26643006", 0)
    assert row["drug_type_concept_id"] == 32838
    (row,) = made(order | {"authoredOn": "2020"})[0]["drug_exposure"]
    assert row["drug_exposure_end_date"] == date(2020, 1, 1)


def test_a_drug_that_is_a_record_of_its_own_or_contained_has_its_code():
    referring = record("MedicationAdministration", status="completed", effectiveDateTime="2020")
    drug = {"resourceType": "Medication", "id": "m", "code": concept((RXNORM, "1"))}
    within = {
        "contained": [drug | {"id": "n", "code": concept((RXNORM, "2"))}, drug | {"code": concept((RXNORM, "3"))}],
        "medicationReference": {"reference": "#m"},
    }
    rows, counts = made(
        drug, referring | {"medicationReference": {"reference": "Medication/m"}}, referring | {"id": "2"} | within
    )
    found = {row["drug_exposure_id"]: row["drug_source_value"] for row in rows["drug_exposure"]}
    assert found == {key("MedicationAdministration/1"): "1", key("MedicationAdministration/2"): "3"}
    assert counts["Medication"] == {"in-another-row": 1}


@pytest.mark.parametrize(
    "kind, changes, reason",
    [
        ("MedicationRequest", {"intent": "proposal"}, "planned"),
        ("MedicationRequest", {"doNotPerform": True}, "not-done"),
        ("MedicationAdministration", {"status": "not-done"}, "not-done"),
        ("Immunization", {"status": "not-done"}, "not-done"),
        ("Procedure", {"status": "preparation"}, "planned"),
        ("CarePlan", {}, "no-table"),
    ],
)
def test_what_did_not_happen_makes_no_row(kind, changes, reason):
    assert made(record(kind, **changes))[1][kind] == {reason: 1}


def test_an_allergy_is_an_observation_about_its_substance():
    words = vocabulary(
        ("SNOMED\t419199007", 43530807, 43530807, "Observation", None),
        ("RxNorm\t1191", 1112807, 1112807, "Drug", None),
        ("SNOMED\t1003755004", 37119138, 37119138, "Observation", None),
    )
    aspirin = record("AllergyIntolerance", "a", code=concept((RXNORM, "1191")), recordedDate="2020")
    latex = record("AllergyIntolerance", "l", code=concept((SNOMED, "1003755004")), recordedDate="2020")
    rows, _ = made(aspirin, latex, words=words)
    by_id = {row["observation_id"]: row for row in rows["observation"]}
    about = by_id[key("AllergyIntolerance/a")]
    assert (about["observation_concept_id"], about["value_as_concept_id"]) == (43530807, 1112807)
    itself = by_id[key("AllergyIntolerance/l")]
    assert itself["observation_concept_id"] == 37119138
    assert "value_as_concept_id" not in itself
    assert "drug_exposure" not in rows


def test_each_illness_of_a_relative_is_an_observation():
    history = record(
        "FamilyMemberHistory",
        date="2019",
        condition=[{"code": concept((SNOMED, code))} for code in ("1", "2")],
    )
    rows, counts = made(history)
    assert sorted(row["observation_source_value"] for row in rows["observation"]) == ["1", "2"]
    assert {row["observation_concept_id"] for row in rows["observation"]} == {4167217}
    assert counts["FamilyMemberHistory"] == {"observation": 1}
    assert made(history | {"condition": []})[1]["FamilyMemberHistory"] == {"no-code": 1}


def test_a_device_is_exposed_by_its_use():
    device = {
        "resourceType": "Device",
        "id": "d",
        "patient": {"reference": "Patient/p"},
        "type": concept((SNOMED, "7")),
    }
    spare = device | {"id": "s"}
    use = record("DeviceUseStatement", device={"reference": "Device/d"}, timingDateTime="2020-02")
    rows, counts = made(device, spare, use)
    assert rows["device_exposure"][0]["device_source_value"] == "7"
    assert rows["device_exposure"][0]["device_exposure_start_date"] == date(2020, 2, 1)
    assert counts["Device"] == {"in-another-row": 1, "no-date": 1}


def test_a_specimen_has_its_site():
    taken = record(
        "Specimen",
        type=concept((SNOMED, "119297000")),
        collection={"collectedDateTime": "2020-02-03", "bodySite": concept((SNOMED, "368208006"))},
    )
    (row,) = made(taken)[0]["specimen"]
    assert (row["specimen_source_value"], row["anatomic_site_source_value"]) == ("119297000", "368208006")


def test_a_period_of_observation_spans_all_events():
    late = record("Procedure", code=concept((SNOMED, "1")), performedDateTime="2021-12-31")
    rows, _ = made(DIABETES, late, VISIT)
    (row,) = rows["observation_period"]
    assert (row["observation_period_start_date"], row["observation_period_end_date"]) == (
        date(2020, 2, 3),
        date(2021, 12, 31),
    )


def test_events_of_somebody_without_a_year_of_birth_stay_out_with_them():
    nobody = {name: value for name, value in PATIENT.items() if name != "birthDate"}
    rows, counts = made(DIABETES, VISIT, everybody=(nobody,))
    assert counts == {
        "Patient": {"no-birth-year": 1},
        "Condition": {"no-person": 1},
        "Encounter": {"no-person": 1},
    }
    assert not any(rows[table] for table in ("person", "condition_occurrence", "visit_occurrence", "location"))


def test_the_order_of_records_does_not_show():
    records = [
        VISIT,
        VISIT | {"id": "w", "partOf": {"reference": "Encounter/v"}},
        *(DIABETES | {"id": str(number)} | AT_VISIT for number in range(5)),
        *({"resourceType": "Practitioner", "id": str(number)} for number in range(4)),
        *(
            {"resourceType": "PractitionerRole", "id": str(n), "practitioner": {"reference": f"Practitioner/{n % 2}"}}
            | {"specialty": [concept(("http://nucc.org/provider-taxonomy", f"20860000{n}X"))]}
            for n in range(6)
        ),
    ]
    assert made(*records) == made(*reversed(records))
