"""Tables have R4's columns, whatever the records hold, and show what the records say."""

import json

import numpy as np
import pyarrow as pa
import pytest

from bailee.records.flat import columns, flatten, schema
from bailee.records.r4 import resource_types


def table(kind, *records):
    lines = [json.dumps({"resourceType": kind} | record).encode() for record in records]
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in lines])]).astype(np.int64)
    patients = pa.array(["p"] * len(lines))
    return flatten(kind, np.frombuffer(b"".join(lines), np.uint8), offsets, patients)


@pytest.mark.parametrize("kind", resource_types())
def test_every_type_has_a_table_even_of_empty_records(kind):
    assert table(kind, {"id": "x"}).schema == schema(kind)
    assert len({column.name for column in columns(kind)}) == len(columns(kind))


def test_an_observation_shows_code_value_and_time():
    coding = [{"system": "http://loinc.org", "code": "718-7"}, {"system": "local", "code": "HGB"}]
    shown = table(
        "Observation",
        {
            "id": "x",
            "code": {"coding": coding},
            "valueQuantity": {"value": 7.50, "unit": "g/dL"},
            "effectiveDateTime": "2020",
            "category": [{"coding": [{"code": "laboratory"}]}],
            "component": [{"valueString": 'a "b"'}, {"valueInteger": 3}],
        },
        {"id": "y", "valueBoolean": True},
    ).to_pylist()
    assert shown[0]["code_code"] == "718-7"
    assert shown[0]["valueQuantity_value"] == 7.5
    assert shown[0]["category_code"] == "laboratory"
    assert json.loads(shown[0]["component"]) == [{"valueString": 'a "b"'}, {"valueInteger": 3}]
    assert (shown[1]["valueBoolean"], shown[1]["code_code"], shown[1]["component"]) == (True, None, None)


def test_a_number_that_is_none_is_empty():
    assert (
        table("Observation", {"valueQuantity": {"value": "7"}, "valueInteger": 1.5}).to_pylist()[0]["valueInteger"]
        is None
    )
