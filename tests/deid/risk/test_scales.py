"""Coarsened Patients stay FHIR, every step follows from the one before, and counting sees what was written."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.deid.risk.test_extract import batch

from bailee.core.errors import UserError
from bailee.deid.risk.choice import COUNT, add_up, choose, is_among
from bailee.deid.risk.extract import quasi_table
from bailee.deid.risk.lattice import Goal
from bailee.deid.risk.scales import coarsen_patient, levels_from_words, scale_of

BIRTH, ZIP, STATE = "Patient.birthDate", "Patient.address.postalCode", "Patient.address.state"
RACE = "Patient.extension.extension.valueCoding.code"


def steps(column, value):
    scale = scale_of(column)
    return [scale.coarsened(value, level) for level in range(len(scale.levels))]


@pytest.mark.parametrize(
    "column, value, expected",
    [
        (BIRTH, "1987-02-03", ["1987-02-03", "1987-02", "1987", "1985", "1980", "1980", ""]),
        (BIRTH, "1999", ["1999", "1999", "1999", "1995", "1990", "1980", ""]),
        (BIRTH, "soon", ["soon", "", "", "", "", "", ""]),
        (ZIP, "02139-1234", ["02139-1234", "02139", "0213", "021", "02", "0", ""]),
        (ZIP, "021", ["021", "021", "021", "021", "02", "0", ""]),
        ("Patient.gender", "male", ["male", ""]),
        ("Patient.deceasedDateTime", "2019-04-05T10:00:00Z", ["2019-04-05T10:00:00Z", "2019-04-05", "2019-04", "2019", "2015", "2010", "2000", ""]),
    ],
)  # fmt: skip
def test_a_value_has_its_steps(column, value, expected):
    assert steps(column, value) == expected


PATIENT = {
    "resourceType": "Patient",
    "id": "x",
    "birthDate": "1987-02-03",
    "_birthDate": {"extension": [{"url": "http://u", "valueDateTime": "1987-02-03T04:00:00Z"}]},
    "gender": "male",
    "address": [{"postalCode": "02139", "state": "MA"}, {"postalCode": "945"}],
    "maritalStatus": {"coding": [{"code": "M", "display": "Married"}], "text": "Married"},
    "extension": [
        {
            "url": "race",
            "extension": [
                {"url": "ombCategory", "valueCoding": {"code": "1"}},
                {"url": "text", "valueString": "White"},
            ],
        },
        {"url": "sex", "valueCode": "F"},
    ],
    "communication": [{"language": {"coding": [{"code": "en"}]}, "preferred": True}],
}


def coarse(**levels):
    names = {"birth": BIRTH, "zip": ZIP, "state": STATE, "race": RACE, "gender": "Patient.gender"}
    names |= {"marital": "Patient.maritalStatus.coding.code", "language": "Patient.communication.language.coding.code"}
    document = json.loads(json.dumps(PATIENT))
    return coarsen_patient(document, [(scale_of(names[name]), level) for name, level in levels.items()])


def test_a_band_of_years_is_its_first_year_and_extensions_of_the_date_go():
    done = coarse(birth=4)
    assert done["birthDate"] == "1980"
    assert "_birthDate" not in done


def test_what_is_removed_leaves_nothing_empty():
    done = coarse(zip=6, state=1, gender=1)
    assert not {"address", "gender"} & done.keys()
    assert coarse(zip=6)["address"] == [{"state": "MA"}]


def test_a_code_that_is_removed_takes_its_words_with_it():
    done = coarse(marital=1, race=1)
    assert "maritalStatus" not in done
    assert done["extension"] == [{"url": "sex", "valueCode": "F"}]


def test_a_part_that_fhir_requires_takes_its_whole_with_it():
    assert "communication" not in coarse(language=1)


@pytest.mark.parametrize("column", ["Patient.sex", "Condition.code.coding.code", "birthDate", "Patient"])
def test_only_elements_of_patient_have_a_scale(column):
    with pytest.raises(UserError, match="no element of Patient"):
        scale_of(column)


def test_levels_read_back_from_their_words():
    scales = [scale_of(BIRTH), scale_of(ZIP)]
    assert levels_from_words(scales, {BIRTH: "bands of 10 years"}) == {BIRTH: 4, ZIP: 0}


DATES = st.sampled_from(["1931-05-06", "1932-05", "1933", "1987-01-02", "1988-11-12", "2001", "x", ""])
CODES = st.lists(st.sampled_from(["02139", "02141-1234", "021", "000", "94501", "9"]), max_size=3)
PATIENTS = st.lists(st.tuples(DATES, CODES, st.sampled_from(["male", "female", ""])), min_size=1, max_size=12)
COLUMNS = (BIRTH, ZIP, "Patient.gender")


def patients(rows):
    made = []
    for number, (birth, codes, gender) in enumerate(rows):
        patient = {"resourceType": "Patient", "id": f"p{number}"}
        patient |= {"birthDate": birth} if birth else {}
        patient |= {"gender": gender} if gender else {}
        patient |= {"address": [{"postalCode": code} for code in codes]} if codes else {}
        made.append((f"p{number}", patient))
    return made


@given(PATIENTS, st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 1)))
def test_what_is_counted_at_a_level_is_what_is_written_at_it(rows, levels):
    made = patients(rows)
    scales = [scale_of(column) for column in COLUMNS]
    before = quasi_table(batch(made), COLUMNS)
    written = [(name, coarsen_patient(patient, list(zip(scales, levels, strict=True)))) for name, patient in made]
    after = quasi_table(batch(written), COLUMNS)
    for scale, level in zip(scales, levels, strict=True):
        assert scale.column_at(before[scale.column].combine_chunks(), level).to_pylist() == [
            value or "" for value in after[scale.column].to_pylist()
        ]


@given(PATIENTS, st.integers(0, 6), st.integers(0, 6))
def test_a_coarser_step_of_a_coarse_value_is_that_of_the_value(rows, one, two):
    column = quasi_table(batch(patients(rows)), (BIRTH,))[BIRTH].combine_chunks()
    scale, low, high = scale_of(BIRTH), min(one, two), max(one, two)
    assert scale.column_at(scale.column_at(column, low), high) == scale.column_at(column, high)


@given(PATIENTS, st.integers(1, 4), st.sampled_from([0.0, 0.2, 0.5]))
def test_choosing_from_counts_leaves_only_classes_that_are_large_enough(rows, k, suppression):
    table = quasi_table(batch(patients(rows)), COLUMNS).drop_columns(["patient"])
    ones = table.append_column(COUNT, pa.array([1] * table.num_rows, pa.int64()))
    counted = add_up([ones.slice(0, 3), ones.slice(3)], COLUMNS)
    assert sum(counted[COUNT].to_pylist()) == len(rows)
    scales = [scale_of(column) for column in COLUMNS]
    if k > len(rows):
        return
    choice, out = choose(counted, scales, Goal(k=k, suppression=suppression))
    gone = is_among(table, out)
    assert sum(gone.to_pylist()) == choice.suppressed <= suppression * len(rows)
    stays = table.filter(pa.compute.invert(gone))
    classes = {}
    at = [scale.column_at(stays[scale.column].combine_chunks(), choice.levels[scale.column]) for scale in scales]
    for row in zip(*(column.to_pylist() for column in at), strict=True):
        classes[row] = classes.get(row, 0) + 1
    assert min(classes.values(), default=k) >= k


def test_combinations_are_told_apart_whatever_their_values():
    table = pa.table({"a": ["x1:y", "x", None, ""], "b": ["", "1:y", "z", "z"]})
    assert is_among(table, table.slice(1, 1)).to_pylist() == [False, True, False, False]
    assert is_among(table, table.slice(2, 1)).to_pylist() == [False, False, True, True]
    assert is_among(table.slice(0, 0), table).to_pylist() == []
