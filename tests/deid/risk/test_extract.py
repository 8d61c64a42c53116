"""Quasi-identifiers are read from records by their paths, one row a patient."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from bailee.core.errors import Denied, UserError
from bailee.deid.risk.extract import quasi_table
from bailee.deid.risk.gate import Thresholds, assess, require
from bailee.records.batches import RECORDS, DeidBatch

RECORDS_OF_TWO = [
    ("p1", {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1970",
            "address": [{"postalCode": "021"}, {"postalCode": "100"}, {"postalCode": "021"}]}),
    ("p1", {"resourceType": "Condition", "code": {"coding": [{"code": "b"}, {"code": "a"}]}}),
    ("p1", {"resourceType": "Condition", "code": {"coding": [{"code": "a"}]}}),
    ("p2", {"resourceType": "Patient", "id": "p2", "gender": "male"}),
    (None, {"resourceType": "Organization", "id": "o"}),
    ("p3", {"resourceType": "Observation", "status": "final"}),
]  # fmt: skip


def batch(rows):
    columns = [
        [record["resourceType"] for _, record in rows],
        [record.get("id", "x") for _, record in rows],
        [patient for patient, _ in rows],
        [json.dumps(record).encode() for _, record in rows],
    ]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, RECORDS.types, strict=True)]
    return DeidBatch(pa.RecordBatch.from_arrays(arrays, schema=RECORDS))


def test_one_row_a_patient_with_several_values_sorted_and_joined():
    table = quasi_table(
        batch(RECORDS_OF_TWO), ["Patient.gender", "Patient.address.postalCode", "Condition.code.coding.code"]
    )
    assert table.to_pylist() == [
        {"patient": "p1", "Patient.gender": "female", "Patient.address.postalCode": "021|100", "Condition.code.coding.code": "a|b"},
        {"patient": "p2", "Patient.gender": "male", "Patient.address.postalCode": None, "Condition.code.coding.code": None},
        {"patient": "p3", "Patient.gender": None, "Patient.address.postalCode": None, "Condition.code.coding.code": None},
    ]  # fmt: skip


@pytest.mark.parametrize("column", ["Patient.sex", "gender", "Patient", "HumanName.family", ""])
def test_a_column_that_is_no_path_is_refused(column):
    with pytest.raises(UserError, match="is no path of FHIR R4"):
        quasi_table(batch(RECORDS_OF_TWO), [column])


def test_an_extract_is_measured_from_its_records():
    rows = [
        (f"p{n}", {"resourceType": "Patient", "id": f"p{n}", "gender": "male" if n else "female"}) for n in range(12)
    ]
    table = quasi_table(batch(rows), ["Patient.gender"])
    report = assess(table, Thresholds(quasi=("Patient.gender",), k=5))
    assert (report.risk.smallest, report.risk.unique, report.risk.records) == (1, 1, 12)
    with pytest.raises(Denied, match="smallest class is 1, asked is 5 or more"):
        require(report)
