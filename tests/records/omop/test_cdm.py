"""The tables have the CDM's fields, and only finished tables leave."""

import hashlib

import pyarrow as pa
import pytest

from bailee.records.omop.cdm import finish, schema, tables
from bailee.records.omop.rules import columns_of, rules

# Of the lines "table.field type required" of OMOP CDM 5.4, as another transcription has them (PyPI: omop-cdm 0.7.0).
FIELDS_SHA256 = "dec7b26965213cf5ebe5803d24384a98c5d92dc32d2b9c10e3c77d74f0c9f254"


def test_the_fields_are_those_of_the_cdm():
    lines = [
        f"{table}.{field.name} {field.type}{' required' if field.required else ''}"
        for table, fields in tables().items()
        for field in fields
    ]
    assert len(lines) == 296
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == FIELDS_SHA256


@pytest.mark.parametrize("table", tables())
def test_keys_and_what_points_to_one_are_wide(table):
    for field in tables()[table]:
        if field.target:
            assert field.target in tables()
            assert field.arrow == pa.int64()
        if field.name.endswith("concept_id"):
            assert field.arrow == pa.int32()


def test_every_rule_fills_a_table_of_the_cdm():
    for rule in rules().values():
        assert set(columns_of(rule.table)) <= set(schema(rule.table).names)


def test_a_finished_table_is_sorted_cut_and_whole():
    columns = {"location_id": pa.array([7, 3]), "city": pa.array(["é" * 60, "Rochester"])}
    table = finish("location", columns, 2)
    assert table.schema.equals(schema("location"))
    assert table["location_id"].to_pylist() == [3, 7]
    assert table["city"].to_pylist() == ["Rochester", "é" * 50]
    assert table["state"].null_count == 2


def test_a_required_field_cannot_be_null():
    with pytest.raises(ValueError, match="person_id"):
        finish("death", {"death_date": pa.array([0], pa.date32())}, 1)
