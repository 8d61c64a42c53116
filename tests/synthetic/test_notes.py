"""Claims about synthetic notes: spans exact, reproducible, varied, in every language."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from bailee.core.errors import UserError
from bailee.synthetic import spoken
from bailee.synthetic.grammar import Grammar, Invalid, shape
from bailee.synthetic.notes import EXTRA_LABELS, LABELS, LANGUAGES, kinds, note, notes
from bailee.synthetic.people import names, person
from bailee.synthetic.story import cast_of
from bailee.synthetic.wear import edited


@pytest.mark.parametrize("language", LANGUAGES)
def test_spans_lie_in_order_inside_the_text_with_known_labels(language):
    for written in notes(400, seed=3, language=language, difficulty=1.0):
        position = 0
        for start, end, label in written.spans:
            assert position <= start < end <= len(written.text)
            assert label in LABELS + EXTRA_LABELS
            assert any(sign.isalnum() for sign in written.text[start:end])
            position = end


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_can_be_written_and_carries_its_language(language):
    for kind in kinds(language):
        written = note(Random(kind), language=language, kind=kind, difficulty=0)
        assert (written.kind, written.language) == (kind, language)
        assert len(written.text) > 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_seed_gives_the_same_notes_and_another_seed_does_not(language):
    first = [(n.text, n.spans) for n in notes(30, seed=1, language=language)]
    again = [(n.text, n.spans) for n in notes(30, seed=1, language=language)]
    other = [(n.text, n.spans) for n in notes(30, seed=2, language=language)]
    assert first == again
    assert first != other


def test_a_note_depends_on_its_position_and_not_on_those_before_it():
    whole = [n.text for n in notes(20, seed=9)]
    tail = [n.text for n in notes(5, seed=9, start=15)]
    assert whole[15:] == tail


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_label_is_met(language):
    seen = Counter(label for n in notes(600, seed=5, language=language) for _, _, label in n.spans)
    assert set(seen) >= set(LABELS) - {"OTHER"}


def test_the_patient_is_marked_wherever_the_name_stands():
    for seed in range(200):
        members = cast_of(Random(seed), "en")
        written = note(Random(seed), kind="referral", members=members, difficulty=0)
        covered = {i for start, end, _ in written.spans for i in range(start, end)}
        full = members.patient.full()
        at = written.text.find(full)
        while at >= 0:
            assert set(range(at, at + len(full))) - covered <= {at + len(members.patient.given)}
            at = written.text.find(full, at + 1)


def test_ages_over_89_are_gold_and_lower_ones_are_not():
    ages = [
        (n.text[a:b], label)
        for n in notes(500, seed=8, difficulty=0)
        for a, b, label in n.spans
        if label.startswith("AGE")
    ]
    assert {label for age, label in ages if age.isdigit() and int(age) > 89} == {"AGE"}
    assert {label for age, label in ages if age.isdigit() and int(age) <= 89} == {"AGE_UNDER_90"}


def test_an_unknown_language_is_refused():
    with pytest.raises(UserError, match="no synthetic notes"):
        next(notes(1, seed=1, language="xx"))


def test_edits_move_spans_and_keep_changes_inside_them():
    text, spans = edited("I am Ann Lee.", [(5, 8, "NAME"), (9, 12, "NAME")], [(1, 2, ""), (6, 7, "NN"), (8, 9, "\n> ")])
    assert [text[a:b] for a, b, _ in spans] == ["ANNn", "Lee"]


def test_a_shape_fills_digits_and_letters():
    filled = shape("A-99@%&", Random(1))
    assert filled[:2] == "A-"
    assert filled[2:4].isdigit()
    assert filled[4].isupper()
    assert filled[5].islower()


def test_a_template_that_names_nothing_is_refused_with_its_place():
    with pytest.raises(Invalid, match="rule a"):
        Grammar([("file.txt", "% a\nsee {nowhere}")], {})


def test_a_template_whose_braces_do_not_match_is_refused():
    with pytest.raises(Invalid, match="braces"):
        Grammar([("file.txt", "% a\nsee {b")], {})


def test_names_of_every_culture_are_listed_without_blanks_around():
    for lists in names().values():
        assert set(lists) == {"f", "m", "l"}
        assert all(name == name.strip() and name for values in lists.values() for name in values)


def test_a_person_shows_no_name_when_printed():
    someone = person(Random(3), "en")
    assert someone.family not in repr(someone)


@pytest.mark.parametrize("said, value", [("ninety-nine", 99), ("seventy", 70), ("eleven", 11), ("four", 4)])
def test_numbers_are_said_as_people_say_them(said, value):
    assert spoken.number(value) == said


def test_places_in_order_are_said_as_people_say_them():
    assert [spoken.ordinal(n) for n in (1, 2, 3, 4, 12, 20, 21, 30, 31)] == [
        "first", "second", "third", "fourth", "twelfth", "twentieth", "twenty-first", "thirtieth", "thirty-first",
    ]  # fmt: skip


def test_a_choice_that_offers_a_rule_s_name_as_text_is_refused():
    with pytest.raises(Invalid, match="offers"):
        Grammar([("file.txt", "% a\n{b.c|d}\n% b.c\ntext")], {})
