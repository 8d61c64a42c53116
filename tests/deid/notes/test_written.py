"""Notes that were written for training: their marks can be read, and what is drawn from them keeps its marks."""

import sys
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "scripts"))

from notes_written import FOLDER, LABELS, Written, notes_of, redrawn, tokenised, written  # noqa: E402

LANGUAGES = ("en", "es", "fr", "de")


def marked_words(text, spans, label):
    return [text[start:end] for start, end, name in spans if name == label]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_written_note_can_be_read(language):
    notes = written(language)
    assert len(notes) > 100
    for text, spans in notes:
        assert text
        assert all(0 <= start < end <= len(text) for start, end, _ in spans)
        assert all(one[1] <= two[0] for one, two in pairwise(spans))
        assert {label for *_, label in spans} <= set(LABELS.values())


def test_every_language_has_a_folder_of_its_own():
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(LANGUAGES)


def test_marks_are_taken_out_and_told_in_code_points():
    (text, spans), (other, none) = notes_of("Señora {N:Ana Peña} on {D:3/4}\n====\nno one\n", "x")
    assert text == "Señora Ana Peña on 3/4"
    assert spans == [(7, 15, "NAME"), (19, 22, "DATE")]
    assert (other, none) == ("no one", [])


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("fine\n====\n{Q:what}", "note at line 3: unknown mark Q"),
        ("{N:open", "does not close"),
        ("{N:Ana {D:3/4}}", "does not close"),
    ],
)
def test_a_broken_mark_is_told_with_its_line(source, problem):
    with pytest.raises(ValueError, match=problem):
        list(notes_of(source, "x"))


def test_numbers_months_and_places_in_marks_are_drawn_anew():
    text = "Ana in Quorkville, MRN 4471203, seen March 3, 2021; BP 120/80 in March."
    spans = [(7, 17, "LOCATION"), (23, 30, "ID"), (37, 50, "DATE")]
    drawn = [redrawn(text, spans, Random(seed), "en") for seed in range(40)]
    assert len({marked_words(*each, "ID")[0] for each in drawn}) > 20
    assert all(len(marked_words(*each, "ID")[0]) == 7 for each in drawn)
    assert len({marked_words(*each, "DATE")[0].split()[0] for each in drawn}) > 4
    assert len({marked_words(*each, "LOCATION")[0] for each in drawn}) > 3
    assert all(each[0].endswith("; BP 120/80 in March.") for each in drawn)


def test_what_is_drawn_keeps_its_marks_in_order_and_apart():
    rng = Random(7)
    hand = Written("en", written("en"))
    for _ in range(300):
        text, spans = hand.draw(rng)
        assert all(text[start:end].strip() for start, end, _ in spans)
        assert all(one[1] <= two[0] for one, two in pairwise(spans))


def test_marks_are_swapped_for_what_other_notes_mark_in_such_a_place():
    notes = [
        ("Works at Pacheco Tire.", [(9, 21, "ORGANIZATION")]),
        ("payee is keybank, claim 3w7", [(9, 16, "ORGANIZATION"), (24, 27, "ID")]),
        ("sent by THE TEAMSTERS HALL", [(8, 26, "ORGANIZATION")]),
        ("account 4471", [(8, 12, "ID")]),
    ]
    hand, rng = Written("en", notes), Random(3)
    drawn = [hand.swapped(text, list(spans), rng) for _ in range(200) for text, spans in notes]
    employers = {marked_words(*each, "ORGANIZATION")[0] for each in drawn if each[0].startswith("Works at")}
    assert employers == {"Pacheco Tire", "keybank"}
    assert {marked_words(*each, "ORGANIZATION")[0] for each in drawn if each[0].startswith("payee")} == {
        "pacheco tire",
        "keybank",
    }
    assert {each[0] for each in drawn if each[0].startswith("account")} == {"account 4471"}
    assert all(each[0].endswith("claim 3w7") for each in drawn if each[0].startswith("payee"))


def test_a_tokenised_note_has_blanks_around_its_marks_and_none_in_its_spans_edges():
    text, spans = tokenised("5-HT(2A) at St. Luke's, (MRN 4-71)", [(12, 22, "FACILITY"), (29, 33, "ID")])
    assert text == "5 - HT ( 2A ) at St . Luke ' s , ( MRN 4 - 71 )"
    assert [text[start:end] for start, end, _ in spans] == ["St . Luke ' s", "4 - 71"]
