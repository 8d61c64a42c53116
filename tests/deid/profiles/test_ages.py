"""Ages above 89 do not leave, however they are written; ages up to 89 do, as they are. ZIP codes are those of the USA."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from tests.support import plans

from bailee.deid.profiles.compile import compile_profile, shipped_plan
from bailee.deid.profiles.profile import profile_from_text
from bailee.deid.structure.engine import Engine
from bailee.deid.structure.people import People
from bailee.deid.structure.zip3 import zip3_table
from bailee.flows.release.people import ninety_or_more
from bailee.records.batches import RECORDS

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"


def released(record, *, profile="safe-harbor", plan=None):
    """Put one record of a patient through a profile; texts are removed."""
    people = People(pa.array(["p"]), pa.array(["0" * 64]), np.array([5], np.int32), np.array([False]))
    batch, _ = Engine(
        plan or shipped_plan(profile), ids_key=b"i" * 32, hash_key=b"h" * 32, zip3=zip3_table().whitelist()
    ).deidentify(
        plans.raw_batch([json.dumps(record)], ["p"]),
        people,
        clean_text=lambda texts, _: pa.nulls(len(texts), pa.string()),
        clean_attachment=lambda texts, _: pa.nulls(len(texts), pa.string()),
        method=lambda _, texts, __: texts,
    )
    return json.loads(batch.rows.column("json")[0].as_py())


def observed(code="30525-0", system=LOINC, **value):
    coding = [{"system": "http://local", "code": "age"}, {"system": system, "code": code}]
    record = {"resourceType": "Observation", "status": "final", "code": {"coding": coding}, **value}
    return {key: item for key, item in released(record).items() if key.startswith("value")}


@pytest.mark.parametrize("code", ["30525-0", "29553-5", "21612-7", "21611-9", "30972-4"])
@pytest.mark.parametrize("age, stays", [(0, 0), (89, 89), (90, 90), (91, 90), (104, 90)])
def test_the_answer_to_an_age_question_is_folded_at_90(code, age, stays):
    assert observed(code, valueInteger=age) == {"valueInteger": stays}


def test_any_other_whole_number_stays():
    assert observed("8867-4", valueInteger=180) == {"valueInteger": 180}


def test_the_code_is_found_behind_other_codings_and_under_other_systems():
    assert observed("424144002", "http://snomed.info/sct", valueInteger=95) == {"valueInteger": 90}


@pytest.mark.parametrize(
    "quantity, stays",
    [
        ({"value": 95}, 90),
        ({"value": 95, "unit": "yrs"}, 90),
        ({"value": 95, "unit": "years old"}, 90),
        ({"value": 95, "unit": "something"}, 90),
        ({"value": 95, "code": "a", "system": UCUM}, 90),
        ({"value": 89.5, "code": "a"}, 90),
        ({"value": 89, "code": "a"}, 89),
        ({"value": 500, "code": "mo", "system": UCUM}, 500),
        ({"value": 500, "unit": "months"}, 500),
        ({"value": 1079, "unit": "months"}, 1079),
        ({"value": 1080, "unit": "months"}, 1080),
        ({"value": 1100, "code": "mo"}, 1080),
        ({"value": 5000, "code": "wk"}, 4696),
        ({"value": 200, "unit": "days"}, 200),
        ({"value": 40000, "code": "d"}, 32872),
    ],
)
def test_an_age_in_any_unit_is_folded_at_90_years(quantity, stays):
    assert observed(valueQuantity=quantity)["valueQuantity"]["value"] == stays


def test_an_age_range_and_an_answer_of_a_component_are_folded_and_words_go():
    ages = {"low": {"value": 85}, "high": {"value": 95}}
    assert observed(valueRange=ages) == {"valueRange": {"low": {"value": 85}, "high": {"value": 90}}}
    assert observed(valueString="ninety-five") == {}
    code = {"coding": [{"system": LOINC, "code": "21612-7"}]}
    parts = [{"code": code, "valueInteger": 99}, {"code": {"text": "x"}, "valueInteger": 99}]
    done = released({"resourceType": "Observation", "status": "final", "code": {}, "component": parts})
    assert [part["valueInteger"] for part in done["component"]] == [90, 99]


@pytest.mark.parametrize("unit", ["yrs", "years", "year", "y", "yo", "years old", "a"])
def test_a_quantity_in_years_is_folded_whatever_it_measures_and_however_the_unit_is_written(unit):
    done = released({"resourceType": "Observation", "code": {}, "valueQuantity": {"value": 93, "unit": unit}})
    assert done["valueQuantity"]["value"] == 90


def test_a_quantity_in_another_unit_is_not():
    for quantity in ({"value": 120, "unit": "mmHg", "code": "mm[Hg]", "system": UCUM}, {"value": 120, "unit": "mg"}):
        done = released({"resourceType": "Observation", "code": {}, "valueQuantity": quantity})
        assert done["valueQuantity"]["value"] == 120


@pytest.mark.parametrize(
    "kind, key",
    [
        ("Condition", "onset"),
        ("Condition", "abatement"),
        ("AllergyIntolerance", "onset"),
        ("Procedure", "performed"),
        ("FamilyMemberHistory", "age"),
        ("FamilyMemberHistory", "deceased"),
    ],
)
def test_ages_of_onset_of_death_and_of_relatives_are_folded(kind, key):
    age = {"value": 97, "unit": "years", "code": "a", "system": UCUM}
    assert released({"resourceType": kind, f"{key}Age": age})[f"{key}Age"]["value"] == 90
    bare = {"low": {"value": 70}, "high": {"value": 97}}
    done = released({"resourceType": kind, f"{key}Range": bare})[f"{key}Range"]
    assert done == {"low": {"value": 70}, "high": {"value": 90}}
    infant = {"low": {"value": 95, "code": "d"}, "high": {"value": 1200, "unit": "months"}}
    done = released({"resourceType": kind, f"{key}Range": infant})[f"{key}Range"]
    assert (done["low"]["value"], done["high"]["value"]) == (95, 1080)


def test_a_relatives_age_in_words_goes_and_an_onset_within_a_condition_is_folded():
    condition = [{"code": {}, "onsetAge": {"value": 91}}]
    done = released({"resourceType": "FamilyMemberHistory", "ageString": "91", "condition": condition})
    assert "ageString" not in done
    assert done["condition"][0]["onsetAge"] == {"value": 90}


def test_a_limited_data_set_keeps_ages_as_they_are():
    record = {"resourceType": "Observation", "code": {"coding": [{"system": LOINC, "code": "30525-0"}]}}
    for value in ({"valueInteger": 104}, {"valueQuantity": {"value": 1299, "code": "mo"}}):
        done = released(record | value, profile="limited-data-set")
        assert {key: done[key] for key in value} == value


# ---- birth dates: whole years decide, since a year is all that would leave


@pytest.mark.parametrize(
    "birth, death, as_of, old",
    [
        ("1937-01-01", None, "2026-12-31", False),
        ("1936-12-31", None, "2026-01-01", True),
        ("1936-02-29", None, "2026-02-28", True),
        ("1936-02-29", None, "2025-12-31", False),
        ("1937", None, "2026-06-15", False),
        ("1936-12", None, "2026-06-15", True),
        ("1920-02-29", "2009-12-31", "2026-06-15", False),
        ("1920-02-29", "2010-01-01T00:00:00Z", "2026-06-15", True),
        ("soon", None, "2026-06-15", True),
    ],
)
def test_a_year_of_birth_stays_only_if_it_tells_of_nobody_of_90_or_more(birth, death, as_of, old):
    patient = {"resourceType": "Patient", "id": "p", "birthDate": birth} | (
        {"deceasedDateTime": death} if death else {}
    )
    values = [["Patient"], ["p"], ["p"], [json.dumps(patient).encode()]]
    columns = [pa.array(value, kind) for value, kind in zip(values, RECORDS.types, strict=True)]
    records = pa.RecordBatch.from_arrays(columns, schema=RECORDS)
    assert ninety_or_more(pa.array(["p"]), records, as_of=as_of).tolist() == [old]


# ---- ZIP codes


def zips(**address):
    done = released({"resourceType": "Patient", "id": "p", "address": [{"state": "MA", **address}]})
    return done["address"][0].get("postalCode")


@pytest.mark.parametrize("country", [{}, {"country": "US"}, {"country": "USA"}, {"country": "United States"}])
@pytest.mark.parametrize("code, stays", [("02139", "021"), ("02139-1234", "021"), ("05901", "000"), ("89301", "000")])
def test_three_digits_of_a_zip_code_of_the_usa_stay(country, code, stays):
    assert zips(postalCode=code, **country) == stays


@pytest.mark.parametrize("country", ["ES", "ESP", "Spain", "DE", "CA", "MX", "FR", "us-ish", "Estados Unidos"])
@pytest.mark.parametrize("code", ["28013", "02139", "021391234"])
def test_no_digit_of_a_foreign_postal_code_stays(country, code):
    assert zips(postalCode=code, country=country) is None


@pytest.mark.parametrize("code", ["K1A 0B1", "SW1A 1AA", "0213", "021", "1234 AB", "28013-12"])
def test_what_is_no_zip_code_does_not_stay_without_a_country(code):
    assert zips(postalCode=code) is None


ABROAD = """
title = "Abroad"
identifiability = "safe-harbor"
extends = "safe-harbor"
summary = "A hospital outside of the USA"
label = "PSEUDED"

[[rules]]
method = "remove"
why = "An address without a country is not of the USA here"
paths = ["Address.where(country='').postalCode"]
"""


def test_a_site_abroad_takes_an_address_without_a_country_for_its_own():
    plan = compile_profile(profile_from_text(ABROAD, name="abroad", file="abroad.toml")).plan
    addresses = [{"state": "MA", "postalCode": "28013"}, {"state": "MA", "postalCode": "02139", "country": "US"}]
    done = released({"resourceType": "Patient", "id": "p", "address": addresses}, plan=plan)["address"]
    assert [address.get("postalCode") for address in done] == [None, "021"]
