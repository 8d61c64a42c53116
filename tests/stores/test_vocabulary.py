"""A site's vocabulary is read from Athena's files, and what is not of their form is refused with its line."""

import pyarrow as pa
import pytest

from bailee.core.errors import Invalid, UserError
from bailee.stores.home import Configuration, create_home
from bailee.stores.vocabulary import load_vocabulary, loaded_vocabulary, open_vocabulary

CONCEPT = """\
concept_id\tconcept_name\tdomain_id\tvocabulary_id\tconcept_class_id\tstandard_concept\tconcept_code\tvalid_start_date\tvalid_end_date\tinvalid_reason
45600000\tFamily history of "it"\tObservation\tICD10CM\tCode\t\tZ82.4\t19700101\t20991231\t
4167217\tFamily history\tObservation\tSNOMED\tFinding\tS\t416471007\t19700101\t20991231\t
134057\tHeart\tCondition\tSNOMED\tFinding\tS\t49601007\t19700101\t20991231\t
7\tGone\tCondition\tICD10CM\tCode\t\tX00\t19700101\t20000101\tD
8\tOurs\tCondition\tLocal\tCode\tS\tours\t19700101\t20991231\t
"""
RELATIONSHIP = """\
concept_id_1\tconcept_id_2\trelationship_id\tvalid_start_date\tvalid_end_date\tinvalid_reason
45600000\t4167217\tMaps to\t19700101\t20991231\t
45600000\t134057\tMaps to value\t19700101\t20991231\t
7\t134057\tMaps to\t19700101\t20000101\tD
"""
VOCABULARY = """\
vocabulary_id\tvocabulary_name\tvocabulary_reference\tvocabulary_version\tvocabulary_concept_id
None\tOMOP\tOMOP\tv5.0 30-AUG-24\t44819096
"""


@pytest.fixture
def home(tmp_path):
    return create_home(tmp_path / "home", Configuration(hospital="h", origin="o"))


@pytest.fixture
def source(tmp_path):
    (tmp_path / "athena").mkdir()
    for name, content in (("CONCEPT", CONCEPT), ("CONCEPT_RELATIONSHIP", RELATIONSHIP), ("VOCABULARY", VOCABULARY)):
        (tmp_path / "athena" / f"{name}.csv").write_text(content)
    return tmp_path / "athena"


def test_a_vocabulary_maps_codes_and_answers(home, source):
    loaded = load_vocabulary(home, source)
    assert (loaded.version, loaded.codes, loaded.mapped) == ("v5.0 30-AUG-24", 4, 3)
    assert loaded_vocabulary(home) == loaded
    words = open_vocabulary(home, loaded.sha256, loaded.version)
    found = words.find(pa.array(["ICD10CM\tZ82.4", "ICD10CM\tX00", "Local\tours"]))
    assert found.at.tolist() == [0, 1]
    assert found.source.to_pylist() == [45600000, 7]
    assert found.standard.to_pylist() == [4167217, 0]
    assert found.value.to_pylist() == [134057, None]


def test_the_same_files_make_the_same_lookup_and_a_new_one_leaves_the_old(home, source):
    first = load_vocabulary(home, source)
    assert load_vocabulary(home, source) == first
    (source / "CONCEPT.csv").write_text(CONCEPT.replace("49601007", "56265001").replace("\n", "\r\n"))
    second = load_vocabulary(home, source)
    assert second.sha256 != first.sha256
    assert open_vocabulary(home, first.sha256, "").standard("SNOMED\t49601007") == 134057
    assert open_vocabulary(home, second.sha256, "").standard("SNOMED\t56265001") == 134057


def test_no_vocabulary_is_an_empty_one(home):
    assert loaded_vocabulary(home) is None
    assert open_vocabulary(home, "", "none").lookup.num_rows == 0
    with pytest.raises(UserError, match="gone"):
        open_vocabulary(home, "ab" * 32, "v1")


@pytest.mark.parametrize(
    "name, change, words",
    [
        ("CONCEPT", ("domain_id\t", ""), "CONCEPT.csv, line 1"),
        ("CONCEPT", ("134057\tHeart\t", "134057\t"), "CONCEPT.csv, line 4"),
        ("CONCEPT_RELATIONSHIP", ("\tMaps to value\t", "\t"), "CONCEPT_RELATIONSHIP.csv, line 3"),
    ],
)
def test_a_line_of_another_form_is_named(home, source, name, change, words):
    path = source / f"{name}.csv"
    path.write_text(path.read_text().replace(*change, 1))
    with pytest.raises(Invalid) as refused:
        load_vocabulary(home, source)
    assert words in str(refused.value)
    assert "Heart" not in str(refused.value)


def test_an_absent_file_and_a_bundle_without_use_are_told(home, source):
    (source / "CONCEPT.csv").write_text(CONCEPT.splitlines()[0] + "\n")
    with pytest.raises(Invalid, match="no code of a vocabulary"):
        load_vocabulary(home, source)
    (source / "CONCEPT_RELATIONSHIP.csv").unlink()
    with pytest.raises(UserError, match=r"no CONCEPT_RELATIONSHIP\.csv"):
        load_vocabulary(home, source)
