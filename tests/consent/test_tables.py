"""The tables that a site edits or loads: purposes, sensitivity categories, registers."""

import pyarrow as pa
import pytest

from bailee.consent.facts import item_of
from bailee.consent.labels import built_in_sensitivity, sensitivity_from_text
from bailee.consent.purposes import KNOWN, PARENTS, above, covered_by, touched_by
from bailee.consent.registers import patients_from_register
from bailee.core.errors import Invalid

TABLE = built_in_sensitivity()
ICD = "http://hl7.org/fhir/sid/icd-10-cm"


def _item(content: str) -> frozenset[str] | None:
    return item_of(content, type_="Condition", id_="c", patient="p", sensitivity=TABLE).labels


def _condition(code: str, system: str = ICD, meta: str = "") -> str:
    return f'{{"resourceType":"Condition",{meta}"code":{{"coding":[{{"system":"{system}","code":"{code}"}}]}}}}'


@pytest.mark.parametrize(
    "code, categories",
    [
        ("F10.20", {"substance-use"}),
        ("F09", set()),
        ("B20", {"hiv"}),
        ("Z21", {"hiv"}),
        ("F32.1", {"mental-health"}),
        ("C50.9", set()),
        ("Z15.01", {"genetic"}),
        ("T74.11XA", {"violence"}),
    ],
)
def test_a_code_puts_a_record_into_its_category(code: str, categories: set[str]) -> None:
    found = _item(_condition(code))
    assert found is not None
    assert {word.removeprefix("category:") for word in found if word.startswith("category:")} == categories
    assert ("confidentiality:R" in found) is bool(categories)


def test_a_label_of_its_own_counts_and_replaces_the_level() -> None:
    system = "http://terminology.hl7.org/CodeSystem/v3-"
    meta = f'"meta":{{"security":[{{"system":"{system}ActCode","code":"PSY"}},{{"system":"{system}Confidentiality","code":"V"}}]}},'
    assert _item(_condition("C50", meta=meta)) == {"category:mental-health", "confidentiality:V"}


@pytest.mark.parametrize(
    "meta",
    ['"meta":"x",', '"meta":{"security":"x"},', '"meta":{"security":[{"system":"x"}]},', '"meta":{"security":[3]},'],
)
def test_labels_that_cannot_be_read_are_unknown(meta: str) -> None:
    assert _item(_condition("C50", meta=meta)) is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"resourceType":"Patient"}',
        '{"resourceType":"Condition","resourceType":"Condition"}',
        '{"resourceType":"Condition","x":' + "[" * 80 + "]" * 80 + "}",
    ],
)
def test_of_a_record_that_cannot_be_read_nothing_is_known(content: str) -> None:
    assert _item(content) is None


def test_the_pattern_finds_every_record_of_a_category() -> None:
    import pyarrow.compute as pc

    for name, category in TABLE.categories.items():
        pattern = TABLE.pattern([name])
        codes = [(code.partition("|")[0], code.partition("|")[2]) for code in category.codes]
        codes += [(one.partition("|")[0], one.partition("|")[2] + "9") for one in category.prefixes]
        texts = pa.array([_condition(code, system).encode() for system, code in codes], pa.large_binary())
        assert pc.all(pc.match_substring_regex(texts, pattern)).as_py() is not False
        for system, code in codes:
            labels = _item(_condition(code, system))
            assert labels is not None
            assert f"category:{name}" in labels
    escaped = pa.array([_condition("\\u004610").encode(), _condition("C50").encode()], pa.large_binary())
    assert pc.match_substring_regex(escaped, TABLE.pattern(["substance-use"])).to_pylist() == [True, False]


@pytest.mark.parametrize("text", ["Bad Name\tX\n", "\tsystem\tX\n", "name\tX\tY\n", "name\n", "name\tX\n\tsystem\n"])
def test_a_line_of_another_form_is_refused_with_its_number(text: str) -> None:
    with pytest.raises(Invalid, match=r"table\.txt, line"):
        sensitivity_from_text(text, name="table.txt")


def test_a_site_adds_a_category() -> None:
    table = sensitivity_from_text("# ours\nstate-protected\t\n\thttp://snomed.info/sct\t1 2*\n", name="t")
    assert table.categories_of({"http://snomed.info/sct|1"}) == {"state-protected"}
    assert table.categories_of({"http://snomed.info/sct|299"}) == {"state-protected"}
    assert table.categories_of({"http://snomed.info/sct|11"}) == frozenset()


def test_purposes_are_one_tree() -> None:
    assert set(PARENTS.values()) <= KNOWN
    for code in KNOWN:
        assert "PurposeOfUse" in above(code)
    assert covered_by(frozenset({"CLINTRCH"})) == {"CLINTRCH", "CLINTRCHNPC", "CLINTRCHPC", "PRECLINTRCH"}
    assert touched_by(frozenset({"CLINTRCH"})) >= {"CLINTRCHPC", "HRESCH", "PurposeOfUse"}
    assert "HMARKT" not in touched_by(frozenset({"CLINTRCH"}))
    assert touched_by(frozenset({"NEW"})) == KNOWN


@pytest.mark.parametrize(
    "text, patients",
    [
        ("patient\nb\na\nb\n", ["a", "b"]),
        ("a\n", ["a"]),
        ("\ufeffpatient\na", ["a"]),
        ("none\n", []),
        ("patient\nnone\n", []),
    ],
)
def test_a_register_is_read(text: str, patients: list[str]) -> None:
    assert patients_from_register(text, name="r").to_pylist() == patients


@pytest.mark.parametrize("text", ["", "a\n\nb\n", "a b\n", "CANARY;x\n", "é\n", "x" * 65])
def test_a_register_that_is_damaged_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        patients_from_register(text, name="r.csv")
    assert "r.csv" in str(caught.value)
    assert "CANARY" not in str(caught.value)
