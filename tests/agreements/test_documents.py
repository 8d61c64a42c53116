"""Reading agreements: what is refused, where the error points, and what the hash covers."""

from pathlib import Path

import pytest
from tests.support.agreements import EXAMPLE, example_text

from bailee.agreements.documents import agreement_document, agreement_from_document, agreement_hash, read_agreement
from bailee.core.errors import Invalid, UserError

BAD = [
    ("format: bailee-agreement/1", "format: bailee-agreement/2", 2, "format"),
    ("kind: de-identified", "kind: nonsense", 27, "route.kind"),
    ("regime: opt-out", "regime: maybe", 66, "consent.regime"),
    ("regime: opt-out", "regimen: opt-out", 66, "unknown term `regimen`"),
    ("values: [US]", "values: [US]\n      foo: 3", 37, "unknown term `foo`"),
    ("[Patient, Enc", "[Pateint, Enc", 71, "resource type"),
    ("ends_on: 2028-04-01", "ends_on: 2020-04-01", 89, "ends before it begins"),
    ("ends_on: 2028-04-01", "ends_on: tomorrow", 89, "must be a day"),
    ("code: DUO:0000019", "code: DUO:0000017", 37, "not a modifier of DUO"),
    ("code: DUO:0000019", "code: DUO:0000021", 37, "the same modifier twice"),
    ("  diseases: [MONDO:0004992]", "  diseases: []", 32, "diseases belong to"),
    ("  - contact\n", "", 42, "contact must be prohibited"),
    ("training: true", "training: 1", 105, "must be bool"),
    ("days: 1095", "days: 0", 92, "must be int >= 1"),
    ("linkage:", "title: again\nlinkage:", 110, "the same term twice"),
    ("title: ", "title: !!python/object:os.system ", None, "tag"),
    ("title: ", "title: &a ", None, "anchor"),
    ("regions: [US]", "regions: [DE]", 101, "outside of the regions"),
    ("everyone: true", "everyone: false", 72, "exactly one of"),
    ("leaves_out: [psychotherapy]", "elements: {Claim: [id]}", 76, "not in scope"),
    ("leaves_out: [psychotherapy]", "elements: {Patient: [fish]}", 76, "not an element of Patient"),
    ("certificate: true", "certificate: false", 91, "certificate of destruction"),
    ("training: true", "training: false", 106, "weights leave"),
    ("identifiability: safe-harbor", "identifiability: identified", 27, "another route"),
    ("identifiability: safe-harbor", "identifiability: expert-determination", 26, "determination is missing"),
    ("identifiability: safe-harbor", "identifiability: limited-data-set", 27, "not de-identified"),
    ("expires_on: 2028-03-02", "expires_on: 2026-03-02", 85, "expires before it begins"),
    ("title: Earlier", "titles: Earlier", 4, "unknown term `titles`"),
    ("kind: de-identified", "kind: de-identified\n   x: : y", 28, "not YAML"),
    ("title: Earlier", "risk: {quasi: [Patient.sex]}\ntitle: Earlier", 4, "not an element of Patient"),
    ("title: Earlier", "risk: {quasi: [Condition.code]}\ntitle: Earlier", 4, "not an element of Patient"),
    ("title: Earlier", "risk: {quasi: [Patient.name]}\ntitle: Earlier", 4, "that has a value"),
    ("title: Earlier", "risk: {quasi: [Patient.gender, Patient.gender]}\ntitle: Earlier", 4, "the same element twice"),
    ("title: Earlier", "risk: {quasi: [Patient.gender], leave_out_percent: 60}\ntitle: Earlier", 4, "int <= 50"),
    (
        "title: Earlier",
        "risk: {quasi: [Patient.gender], sensitive: [{element: x}]}\ntitle: Earlier",
        4,
        "not an element",
    ),
    ("title: Earlier", "formats: [omop, omop]\ntitle: Earlier", 4, "a format twice"),
    ("title: Earlier", "formats: [csv]\ntitle: Earlier", 4, "vocabulary"),
    ("title: Earlier", "formats: []\ntitle: Earlier", 4, "of length"),
    ("title: Earlier", "formats: [omop]\nrisk: {quasi: [Patient.gender]}\ntitle: Earlier", 4, "compares each release"),
]


@pytest.mark.parametrize("right, wrong, line, words", BAD)
def test_a_bad_term_is_refused_with_its_line(right: str, wrong: str, line: int | None, words: str) -> None:
    assert right in example_text()
    with pytest.raises(Invalid) as caught:
        read_agreement(example_text().replace(right, wrong, 1), name="x.yaml")
    assert words in str(caught.value)
    if line is not None:
        assert f"x.yaml, line {line}" in str(caught.value)
    assert caught.value.remedy


def test_every_missing_term_is_refused() -> None:
    document = agreement_document(read_agreement(EXAMPLE))
    optional = {"profile_sha256", "board", "linkage", "request_needed", "risk", "formats"}
    for term in set(document) - optional:
        with pytest.raises(Invalid):
            agreement_from_document({key: value for key, value in document.items() if key != term})


def test_comments_and_layout_do_not_change_the_hash_and_terms_do() -> None:
    agreement = read_agreement(EXAMPLE)
    assert agreement_hash(read_agreement("# a note\n" + example_text() + "\n\n")) == agreement_hash(agreement)
    changed = read_agreement(example_text().replace("days: 1095", "days: 1096"))
    assert agreement_hash(changed) != agreement_hash(agreement)


def test_stored_terms_read_back_the_same() -> None:
    agreement = read_agreement(EXAMPLE)
    assert agreement_from_document(agreement_document(agreement)) == agreement


@pytest.mark.parametrize(
    "text", ["", "- a\n- b", "just text", "a: [", "\x00", "a: " + "[" * 5000, "? [a]\n: b", "1: 2"]
)
def test_what_is_not_a_mapping_of_terms_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        read_agreement(text, name="x.yaml")


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_agreement(tmp_path / "absent.yaml")
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(Invalid, match="UTF-8"):
        read_agreement(tmp_path / "x.yaml")


def test_an_error_never_quotes_the_value() -> None:
    with pytest.raises(Invalid) as caught:
        read_agreement(example_text().replace("regime: opt-out", "regime: CANARY-VALUE"))
    assert "CANARY" not in str(caught.value)
