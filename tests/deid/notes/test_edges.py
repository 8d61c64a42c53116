"""Where the model's finds begin and end."""

import numpy as np
import pyarrow as pa
import pytest

from bailee.deid.notes.edges import plain, trimmed
from bailee.deid.notes.find import find
from bailee.deid.notes.found import DATE, LABELS, NAME, Spans
from bailee.deid.notes.fusion import Canvas
from bailee.deid.notes.lexicon import lexicon
from bailee.deid.notes.model import OUTSIDE, Tags
from bailee.deid.notes.text import Text

UNIT = 256
IN_NAME = 1 + NAME


def tagged(note: str, margins: list[float]) -> list[bool]:
    """Which tokens stay when all are tagged as one name with these margins, in nats."""
    text = Text(pa.array([note], pa.large_string()))
    assert len(text.tokens) == len(margins)
    tags = Tags(np.full(len(margins), IN_NAME, np.int8), (np.array(margins) * UNIT).astype(np.int16))
    state = trimmed(text.tokens, lexicon().of(text), tags, UNIT)
    assert set(state.tolist()) <= {OUTSIDE, IN_NAME}
    return (state == IN_NAME).tolist()


def test_an_ordinary_word_beside_a_name_is_no_part_of_it():
    assert tagged("Solveig had called", [19, -2.7, -2.2]) == [True, False, False]


def test_an_age_beside_a_name_is_no_part_of_it():
    assert tagged("Oyelaran, 67F", [7, -2.3, -3, -2.1]) == [True, False, False, False]


def test_the_next_sentence_is_no_part_of_a_name():
    assert tagged("Petrossian. Client had", [7, -7, 1.5, -3]) == [True, False, False, False]


@pytest.mark.parametrize("note", ["Dr. Young", "van der Berg", "St. Clair"])
def test_titles_particles_and_abbreviations_hold_a_name_together(note):
    text = Text(pa.array([note], pa.large_string()))
    assert all(tagged(note, [5, *[-0.5] * (len(text.tokens) - 1)])[: len(text.tokens) - 1])


def test_what_the_model_is_sure_of_stays():
    assert tagged("she had called", [0.5, 0.5, 0.5]) == [True, True, True]


def test_a_span_of_ordinary_words_only_is_not_cut_to_nothing():
    assert tagged("had called", [-0.5, -0.5]) == [True, True]


@pytest.mark.parametrize(
    "note",
    [
        "LMP 7/29, hCG 1,204 and well.",
        "Referral made 4/15, intake worker called.",
        "Follow-up 2/20 at 10:40 in clinic.",
    ],
)
def test_a_day_and_a_month_are_a_date_where_the_model_does_not_deny_it(note):
    found = find(pa.array([note], pa.large_string()), language="en")
    assert DATE in found.label.tolist()


@pytest.mark.parametrize(
    "note", ["Strength 5/5 in all limbs.", "Pain 7/10 today.", "MoCA 21/30, GCS 14/15.", "Take 1/2 tab twice."]
)
def test_a_score_is_no_date(note):
    found = find(pa.array([note], pa.large_string()), language="en")
    assert [LABELS[label] for label in found.label.tolist()] == []


def test_a_guess_without_a_word_that_could_be_a_name_is_a_plain_one():
    text = Text(pa.array(["Airbags were seen, T8 and Halvorsen with Grace"], pa.large_string()))
    folded = bytes(text.folded).decode().lower()
    spans = [(folded.index(word.lower()), len(word)) for word in ("were", "t8", "halvorsen", "grace")]
    found = Spans.of([at for at, _ in spans], [at + size for at, size in spans], NAME)
    answer = plain(Canvas.blank(text), lexicon().of(text), found).tolist()
    assert answer == [True, True, False, False]
