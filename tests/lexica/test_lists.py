"""The word lists: what stands in them, how quickly they load, what their sources are."""

from pathlib import Path

import pytest

from bailee.core.errors import Invalid
from bailee.deid.notes import lexica
from bailee.deid.notes.lexica import Category, fold, load


@pytest.fixture(scope="module")
def masks():
    return lexica.words().masks()


@pytest.mark.parametrize(
    ("word", "category"),
    [
        ("smith", Category.FAMILY), ("garcia", Category.FAMILY), ("nguyen", Category.FAMILY), ("okonkwo", Category.FAMILY),
        ("kowalski", Category.FAMILY), ("muller", Category.FAMILY), ("patel", Category.FAMILY), ("yazzie", Category.FAMILY),
        ("maria", Category.GIVEN), ("mohammed", Category.GIVEN), ("xiomara", Category.GIVEN), ("olga", Category.GIVEN),
        ("boston", Category.CITY), ("sevilla", Category.CITY), ("nantes", Category.CITY), ("koln", Category.CITY),
        ("texas", Category.REGION), ("tx", Category.REGION_CODE), ("france", Category.COUNTRY),
        ("the", Category.FUNCTION), ("und", Category.FUNCTION), ("patient", Category.ROLE), ("march", Category.MONTH),
        ("marzo", Category.MONTH), ("fevrier", Category.MONTH), ("marz", Category.MONTH), ("parkinson", Category.EPONYM),
        ("foley", Category.EPONYM), ("metformin", Category.DRUG), ("brca", Category.GENE), ("mmhg", Category.MEASURE),
        ("table", Category.COMMON_EN), ("dolor", Category.COMMON_ES), ("douleur", Category.COMMON_FR),
        ("schmerzen", Category.COMMON_DE), ("pneumonia", Category.MEDICAL), ("calle", Category.STREET_BEFORE),
        ("street", Category.STREET_AFTER), ("hospital", Category.FACILITY), ("herr", Category.TITLE),
    ],
)  # fmt: skip
def test_a_word_has_its_category(masks, word, category):
    assert masks[word] & category


def test_a_word_may_be_several_things(masks):
    assert masks["will"] & Category.FUNCTION
    assert masks["will"] & (Category.GIVEN | Category.NICKNAME)


def test_words_are_folded_letters(masks):
    assert all(fold(word) == word for word in list(masks)[::997])
    assert not any(" " in word for word in list(masks)[::97])


def test_phrases_have_marks_or_blanks():
    found = lexica.phrases().masks()
    assert found["san francisco"] & Category.CITY
    assert found["new york"] & Category.REGION


@pytest.mark.parametrize(
    ("written", "kept"), [("Núñez", "nunez"), ("Straße", "strasse"), ("ŁUKASZ", "lukasz"), ("O’Brien", "o'brien")]
)
def test_folding_drops_case_and_accents(written, kept):
    assert fold(written) == kept


def test_hand_written_lists_keep_their_order():
    assert lexica.listed(Category.MONTH)[:2] == ["januar", "janner"]


def test_an_unknown_heading_is_refused_with_its_line(tmp_path, monkeypatch):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "odd.txt").write_text("# note\n[ODDITY]\na, b\n")
    monkeypatch.setattr(load, "HERE", tmp_path)
    with pytest.raises(Invalid, match=r"odd\.txt, line 2"):
        lexica.listed(Category.MONTH)


def test_the_lists_stay_small():
    folder = Path(load.__file__).parent
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 3_000_000


def test_every_outside_source_names_its_licence():
    table = (Path(load.__file__).parent / "SOURCES.md").read_text()
    rows = [row.split("|") for row in table.splitlines() if row.startswith("|")][2:]
    assert len(rows) == 12
    assert all(len(row) == 6 and row[4].strip() for row in rows)
