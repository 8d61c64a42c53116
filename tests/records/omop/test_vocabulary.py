"""Codes become concepts by the site's vocabulary, and by the few built-in ones."""

import pyarrow as pa
import pytest
from tests.support.omop import vocabulary

from bailee.records.omop.vocabulary import Vocabulary, constant, keys_of

WORDS = vocabulary(
    ("ICD10CM\tE11.9", 45561952, 201826, "Condition", None),
    ("ICD10CM\tZ23", 45595799, 4000000, "Observation", None),
    ("ICD10CM\tZ23", 45595799, 4000001, "Procedure", None),
    ("SNOMED\t99", 5, 0, "", None),
)


def test_a_code_is_found_with_all_its_standard_concepts():
    found = WORDS.find(pa.array(["ICD10CM\tZ23", "ICD10CM\tnone", "SNOMED\t99"]))
    assert found.at.tolist() == [0, 0, 2]
    assert found.standard.to_pylist() == [4000000, 4000001, 0]
    assert found.domain.to_pylist() == ["Observation", "Procedure", ""]


def test_without_a_vocabulary_nothing_is_found():
    assert len(Vocabulary().find(pa.array(["ICD10CM\tE11.9"])).at) == 0
    assert Vocabulary().standard("ICD10CM\tE11.9") == 0


def test_what_is_asked_is_held_to_the_code_and_not_to_its_hash():
    forged = WORDS.lookup.set_column(1, "key", pa.array(["other"] * 4, pa.large_string()))
    assert len(Vocabulary(forged).find(pa.array(["ICD10CM\tE11.9"])).at) == 0


@pytest.mark.parametrize(
    "code, written",
    [
        ("0777-3105-02", "00777310502"),
        ("50090-481-00", "50090048100"),
        ("50090-0481-1", "50090048101"),
        ("50090-0481-10", "50090048110"),
        ("00777310502", "00777310502"),
    ],
)
def test_a_hyphenated_drug_code_is_written_in_eleven_digits(code, written):
    system = pa.array(["http://hl7.org/fhir/sid/ndc"])
    assert keys_of(system, pa.array([code])).to_pylist() == [f"NDC\t{written}"]


def test_a_system_that_the_cdm_does_not_know_names_no_code():
    assert keys_of(pa.array(["urn:ours", None]), pa.array(["1", "2"])).to_pylist() == [None, None]


def test_built_in_concepts_are_zero_for_other_words_and_null_for_none():
    assert constant("gender", pa.array(["M", "F", "other", None])).to_pylist() == [8507, 8532, 0, None]
