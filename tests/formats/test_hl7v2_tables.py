"""Our tables of HL7 v2 say what another library's say, field by field."""

import importlib

import pytest

from bailee.records.hl7v2.tables import codes, data_types, segments

pytest.importorskip("hl7apy", reason="another library's tables: pip install hl7apy")
SAME = {"CE": "CWE", "TS": "DTM", "CF": "CWE", "varies": "VARIES"}


def told(version):
    for name, segment in importlib.import_module(f"hl7apy.{version}.segments").SEGMENTS.items():
        for key, leaf, bounds, _ in segment[1] if segment else ():
            if leaf is not None and bounds[1] != 0:
                yield name, int(key.rpartition("_")[2]), leaf[2], bounds


def test_every_field_of_the_newest_version_is_there_with_its_type():
    fields = list(told("v2_8_2"))
    assert len(fields) > 2000
    for name, number, kind, bounds in fields:
        ours = segments()[name][number]
        assert ours.type == SAME.get(kind, kind) or kind is None or "_SIMPLE" in kind
        assert ours.required == bool(bounds[0])
        assert ours.repeats == (bounds[1] != 1)


def test_every_field_of_the_older_version_is_there():
    missing = [(name, number) for name, number, _, _ in told("v2_5_1") if number not in segments().get(name, {})]
    assert missing == []


def test_every_component_is_there():
    for key in importlib.import_module("hl7apy.v2_8_2.datatypes").DATATYPES:
        owner, _, number = key.rpartition("_")
        if number.isdigit() and owner not in SAME and "SIMPLE" not in owner:
            assert int(number) in data_types()[owner], key


def test_no_table_has_a_code_that_stands_for_others():
    assert not {"...", "…", ""} & set().union(*codes().values())
