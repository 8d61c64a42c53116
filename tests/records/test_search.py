"""A FHIR search finds the patients that it means, and what it does not understand is an error."""

import json

import pyarrow as pa
import pytest

from bailee.core.errors import UserError
from bailee.records.batches import RECORDS
from bailee.records.search import parse_search

SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"


def concept(*codings):
    return {"coding": [{"system": system, "code": code} for system, code in codings]}


def rows(*records):
    lines = [(r["resourceType"], "x", patient, json.dumps(r).encode()) for patient, r in records]
    return pa.RecordBatch.from_arrays([pa.array(c, f.type) for c, f in zip(zip(*lines), RECORDS)], schema=RECORDS)


CHARTS = rows(
    ("a", {"resourceType": "Patient", "id": "a", "gender": "female", "birthDate": "1950-03-01", "name": [{"family": "Núñez"}]}),
    ("b", {"resourceType": "Patient", "id": "b", "gender": "male", "birthDate": "1990"}),
    ("a", {"resourceType": "Condition", "code": concept(("local", "C"), (SNOMED, "254837009")), "onsetDateTime": "2019-05-02T08:00:00Z"}),
    ("b", {"resourceType": "Condition", "code": concept((SNOMED, "38341003")), "onsetPeriod": {"start": "2020-01-01", "end": "2020-02-01"}}),
    ("b", {"resourceType": "Observation", "code": concept((LOINC, "718-7")), "valueQuantity": {"value": 7.2, "code": "g/dL"}, "subject": {"reference": "Patient/b"}}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("Condition", {"a", "b"}),
        (f"Condition?code={SNOMED}|254837009", {"a"}),
        ("Condition?code=254837009", {"a"}),
        ("Condition?code=254837009,38341003", {"a", "b"}),
        (f"Condition?code={LOINC}|254837009", set()),
        (f"Condition?code={SNOMED}|", {"a", "b"}),
        ("Condition?code:not=254837009", {"b"}),
        ("Condition?onset-date=2019-05-02", {"a"}),
        ("Condition?onset-date=2019", {"a"}),
        ("Condition?onset-date=ge2020", {"b"}),
        ("Condition?onset-date=lt2020-01-01", {"a"}),
        ("Condition?code=254837009&onset-date=ge2020", set()),
        ("Condition?onset-date:missing=true", set()),
        ("Patient?gender=female", {"a"}),
        ("Patient?birthdate=lt1960-01-01", {"a"}),
        ("Patient?birthdate=1990", {"b"}),
        ("Patient?family=núñ", {"a"}),
        ("Patient?name:contains=ñe", {"a"}),
        ("Patient?_id=b", {"b"}),
        ("Patient?gender=male,female&_has:Condition:patient:code=38341003", {"b"}),
        ("Observation?value-quantity=gt7|http://unitsofmeasure.org|g/dL", {"b"}),
        ("Observation?value-quantity=7.2", {"b"}),
        ("Observation?value-quantity=7.3", set()),
        ("Observation?value-quantity=lt7.2", set()),
        ("Observation?patient=Patient/b", {"b"}),
        ("Observation?patient=b", {"b"}),
    ],
)
def test_a_search_finds_its_patients(search, expected):
    assert set(parse_search(search).patients(CHARTS).to_pylist()) == expected


@pytest.mark.parametrize(
    "search",
    [
        "Starship?code=1",
        "Condition?codes=1",
        "Condition?code:below=1",
        "Condition?onset-date=yesterday",
        "Observation?value-quantity=much",
        "Observation?code-value-quantity=1$2",
        "Patient?_has:Condition:asserter:code=1",
        "Condition?_has:Condition:patient:code=1",
    ],
)
def test_what_is_not_understood_is_an_error(search):
    with pytest.raises(UserError):
        parse_search(search)
