"""Charts: read from records with the people, places and numbers around a patient, and from folders."""

import json

import numpy as np
import pyarrow as pa
import pytest

from bailee.core.errors import Invalid, UserError
from bailee.deid.notes.chart import charts_from_columns
from bailee.deid.notes.chart.folder import read_charts
from bailee.deid.notes.chart.records import charts_from_records, directory_from_records
from bailee.records.batches import RECORDS, RawBatch

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"given": ["Ana"], "family": "Ruiz"}, {"text": "Ana Ruiz Soto", "use": "maiden"}],
    "birthDate": "1961-03-02",
    "telecom": [{"system": "phone", "value": "617-555-0123"}, {"system": "email", "value": "ana@example.org"}],
    "address": [{"line": ["1 Elm Way"], "city": "Salem", "postalCode": "01970"}],
    "identifier": [{"value": "MRN-1234567"}],
    "contact": [{"name": {"given": ["Leo"], "family": "Ruiz"}, "telecom": [{"value": "617-555-0199"}]}],
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName", "valueString": "Soto"}],
    "generalPractitioner": [{"reference": "Practitioner/d1", "display": "Dr. Ada Poe"}],
}
DOCTOR = {
    "resourceType": "Practitioner",
    "id": "d1",
    "name": [{"given": ["Ada"], "family": "Poe"}],
    "identifier": [{"value": "9999900001"}],
}
OTHER = {"resourceType": "Practitioner", "id": "d2", "name": [{"given": ["Zed"], "family": "Quux"}]}
ROLE = {
    "resourceType": "PractitionerRole",
    "id": "r1",
    "practitioner": {"reference": "Practitioner/d1"},
    "organization": {"reference": "Organization/o1"},
}
ORGANIZATION = {"resourceType": "Organization", "id": "o1", "name": "Salem Clinic"}
ENCOUNTER = {
    "resourceType": "Encounter",
    "id": "e1",
    "subject": {"reference": "Patient/p1", "display": "Mrs. Ana Ruiz"},
    "participant": [{"individual": {"reference": "PractitionerRole/r1"}}],
    "serviceProvider": {"reference": "Organization?identifier=x|55501", "display": "Elsewhere Hospital"},
    "type": [{"coding": [{"display": "Checkup"}]}],
}


def raw(*resources):
    shared = {"Practitioner", "PractitionerRole", "Organization"}
    rows = [
        (r["resourceType"], r["id"], None if r["resourceType"] in shared else "p1", json.dumps(r).encode())
        for r in resources
    ]
    columns = [pa.array(column, kind.type) for column, kind in zip(zip(*rows, strict=True), RECORDS, strict=True)]
    return RawBatch(pa.RecordBatch.from_arrays(columns, schema=RECORDS))


def values(charts, chart=0):
    return set(charts.values_of(chart))


def test_a_chart_holds_the_patient_relatives_and_numbers():
    assert values(charts_from_records(raw(PATIENT))) == {
        ("name-given", "Ana"),
        ("name-family", "Ruiz"),
        ("name-full", "Ana Ruiz Soto"),
        ("date-birth", "1961-03-02"),
        ("phone", "617-555-0123"),
        ("email", "ana@example.org"),
        ("street", "1 Elm Way"),
        ("city", "Salem"),
        ("postal-code", "01970"),
        ("id", "MRN-1234567"),
        ("relative-given", "Leo"),
        ("relative-family", "Ruiz"),
        ("relative-family", "Soto"),
        ("phone", "617-555-0199"),
        ("clinician-full", "Dr. Ada Poe"),
    }


def test_a_chart_holds_those_whom_its_records_point_to_and_nobody_else():
    found = values(charts_from_records(raw(ENCOUNTER), directory_from_records(raw(DOCTOR, OTHER, ROLE, ORGANIZATION))))
    assert {("clinician-family", "Poe"), ("organization", "Salem Clinic"), ("id", "9999900001")} <= found
    assert {("name-full", "Mrs. Ana Ruiz"), ("organization", "Elsewhere Hospital")} <= found
    assert ("clinician-family", "Quux") not in found
    assert "Checkup" not in {value for _, value in found}


def test_shared_records_of_the_batch_serve_where_no_directory_is_given():
    assert ("clinician-family", "Poe") in values(charts_from_records(raw(ENCOUNTER, DOCTOR, ROLE)))


def test_charts_tell_the_number_of_a_patient():
    charts = charts_from_records(raw(PATIENT))
    assert charts.number_of(pa.array(["p1", "p2", None])).tolist() == [0, -1, -1]


def test_charts_do_not_show_values():
    charts = charts_from_records(raw(PATIENT))
    assert "Ruiz" not in repr(charts) + repr(charts.forms)


def test_blank_values_and_repeats_are_left_out():
    charts = charts_from_columns(2, [1, 1, 0, 1], ["city"] * 4, ["Salem", "Salem", " ", None])
    assert (charts.chart.tolist(), charts.value.to_pylist()) == ([1], ["Salem"])


@pytest.mark.parametrize(
    "columns", [([2], ["city"], ["Salem"]), ([0], ["town"], ["Salem"]), ([0, 0], ["city"], ["Salem"])]
)
def test_columns_that_do_not_fit_are_refused_without_showing_values(columns):
    with pytest.raises(Invalid) as refused:
        charts_from_columns(1, *columns)
    assert "Salem" not in str(refused.value)


def test_a_folder_of_records_gives_charts_by_note(tmp_path):
    note = {"resourceType": "DocumentReference", "id": "n1", "subject": {"reference": "Patient/p1"}}
    (tmp_path / "a.ndjson").write_text(json.dumps(PATIENT) + "\n\n" + json.dumps(note) + "\n")
    other = PATIENT | {"id": "p2", "name": [{"family": "Kaplan"}]}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": other}, {"resource": DOCTOR}, {}]}
    (tmp_path / "b.json").write_text(json.dumps(bundle))
    folder = read_charts(tmp_path)
    first, second, none = folder.chart_of(["n1", "p2", "n9"]).tolist()
    assert ("name-given", "Ana") in values(folder.charts, first)
    assert ("name-family", "Kaplan") in values(folder.charts, second)
    assert none == -1


def test_a_folder_with_one_patient_serves_every_note(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(PATIENT))
    assert read_charts(tmp_path).chart_of(["any", "note"]).tolist() == [0, 0]


def test_a_folder_of_lists_gives_charts_by_note(tmp_path):
    line = {"id": "n1", "identifiers": [{"kind": "name-full", "value": "Ana Ruiz"}]}
    (tmp_path / "a.jsonl").write_text(json.dumps(line))
    folder = read_charts(tmp_path)
    assert folder.chart_of(["n1", "n2"]).tolist() == [0, -1]
    assert values(folder.charts) == {("name-full", "Ana Ruiz")}


BAD = {
    "a.ndjson": '{"resourceType":"Patient","id":"p"}\n{"resourceType":',
    "a.json": "[1]",
    "a.jsonl": '{"id":"n","identifiers":[{"kind":"town","value":"Secretville"}]}',
    "b.jsonl": '{"id":"n"}',
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_in_a_folder_is_named_by_file_and_not_by_value(tmp_path, name):
    (tmp_path / name).write_text(BAD[name])
    with pytest.raises(Invalid, match=name) as refused:
        read_charts(tmp_path)
    assert "Secretville" not in str(refused.value)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(UserError):
        read_charts(tmp_path)


def test_numbers_of_charts_are_int32():
    assert charts_from_columns(1, [0], ["city"], ["Salem"]).chart.dtype == np.int32


def test_a_chart_holds_what_linked_records_of_the_same_person_hold():
    records = [
        patient("p", given="Ana", family="Ruiz", link=["q"]),
        patient("q", given="Anna", family="Vela", link=[]),
        patient("r", given="Ann", family="Soto", link=["q"]),
        patient("s", given="Eva", family="Poe", link=[]),
    ]
    columns = list(zip(*records, strict=True))
    raw = RawBatch(
        pa.RecordBatch.from_arrays(
            [pa.array(column, field.type) for column, field in zip(columns, RECORDS, strict=True)], schema=RECORDS
        )
    )
    charts = charts_from_records(raw)
    names = {
        charts.patients[number].as_py(): {value for kind, value in charts.values_of(number) if kind == "name-family"}
        for number in range(charts.count)
    }
    one = {"Ruiz", "Vela", "Soto"}
    assert names == {"p": one, "q": one, "r": one, "s": {"Poe"}}
    asked = charts_from_records(raw, patients=pa.array(["p", "s"]))
    assert {value for kind, value in asked.values_of(0) if kind == "name-family"} == one
    assert asked.patients.to_pylist() == ["p", "s"]


def patient(name, *, given, family, link):
    links = [{"other": {"reference": f"Patient/{other}"}, "type": "replaces"} for other in link]
    record = {"resourceType": "Patient", "id": name, "name": [{"given": [given], "family": family}], "link": links}
    return ("Patient", name, name, json.dumps(record).encode())
