"""Leaks: planted values are seen, clean texts are not accused, and estimates agree with what was planted."""

import numpy as np
import pyarrow as pa
import pytest

from bailee.core.errors import Invalid
from bailee.deid.notes import leaks
from bailee.deid.notes.chart import charts_from_columns

ROWS = [
    ("name-given", "Anneliese"),
    ("name-family", "Núñez-Smithers"),
    ("clinician-full", "Dr. Stephen Brown"),
    ("relative-given", "Zev"),
    ("date-birth", "1961-03-02"),
    ("phone", "+1 (617) 555-0123"),
    ("id", "MRN-48291"),
    ("id", "123-45-6789"),
    ("email", "anne@example.net"),
    ("street", "12 Kilback Street"),
    ("city", "Great Falls"),
    ("facility", "Beverly Memorial Hospital"),
]
CHARTS = charts_from_columns(1, [0] * len(ROWS), [kind for kind, _ in ROWS], [value for _, value in ROWS])


def survives(text):
    return bool(leaks.survivors(pa.array([text]), CHARTS, np.zeros(1, np.int32))[0])


PLANTED = [
    "seen with anneliese today",
    "NUNEZ",
    "Nu\u0301n\u0303ez",
    "Smi\u200bthers",
    "Smi-\n thers",
    "Ｓｍｉｔｈｅｒｓ",
    "Dr. Brown agrees",
    "her son Zev",
    "DOB 3/2/1961",
    "born 2 March 1961",
    "March 2nd, 1961",
    "1961-03-02T10:00",
    "02.03.61",
    "617 555 0123",
    "(617)555-0123",
    "mrn48291",
    "SSN 123 45 6789",
    "mail ANNE@example.net",
    "at Kilback",
    "from Beverly",
]


@pytest.mark.parametrize("text", PLANTED)
def test_a_planted_value_is_seen(text):
    assert survives(f"The patient is well. {text}. No pain.")


CLEAN = [
    "Brown discharge, brown stool, Brown-Sequard",
    "great falls risk, memorial hospital, street",
    "[NAME] born [DATE], zevalin given",
    "12/14/2020, potassium 4.8, 617 mg, 555",
    "",
]


@pytest.mark.parametrize("text", CLEAN)
def test_a_clean_text_is_not_accused(text):
    assert not survives(text)


def test_only_the_own_chart_counts_and_nulls_hold_nothing():
    texts = pa.array(["Anneliese", "Anneliese", None])
    assert leaks.survivors(texts, CHARTS, np.array([0, -1, 0], np.int32)).tolist() == [True, False, False]


def test_two_finders_estimate_what_both_missed():
    estimate = leaks.missed_by_two(81, 9, 9)  # 90 % each, independent: of 100, one is missed
    assert estimate.found == 99
    assert 0.5 < estimate.missed < 1.5
    assert estimate.low < estimate.missed < estimate.high
    assert estimate.least_recall < estimate.recall < 1


def test_three_independent_finders_estimate_what_all_missed():
    chances, total = (0.9, 0.8, 0.7), 100_000
    counts = {}
    for mask in range(1, 8):
        share = 1.0
        for at, chance in enumerate(chances):
            share *= chance if mask >> at & 1 else 1 - chance
        counts[mask] = round(total * share)
    estimate = leaks.missed_by_all(counts, 3)
    assert estimate.missed == pytest.approx(total * 0.1 * 0.2 * 0.3, rel=0.25)


def test_finders_that_see_alike_are_allowed_for():
    """Half of the identifiers are easy (99 % each), half hard (40 % each): independence would promise far too little."""
    counts = dict.fromkeys(range(1, 8), 0)
    for share in (0.99, 0.4):
        for mask in counts:
            hits = mask.bit_count()
            counts[mask] += round(50_000 * share**hits * (1 - share) ** (3 - hits))
    missed = 50_000 * 0.6**3
    assert leaks.missed_by_all(counts, 3).missed == pytest.approx(missed, rel=0.3)
    assert leaks.missed_by_two(counts[3] + counts[7], counts[1] + counts[5], counts[2] + counts[6]).missed < missed


@pytest.mark.parametrize(("leaking", "reviewed", "high"), [(0, 300, 0.009936), (1, 300, 0.018431), (10, 100, 0.176223)])
def test_the_bound_of_a_reviewed_sample_is_exact(leaking, reviewed, high):
    low, upper = leaks.clopper_pearson(leaking, reviewed)
    assert upper == pytest.approx(high, abs=2e-6)
    assert low <= leaking / reviewed <= upper


def test_impossible_counts_are_refused():
    with pytest.raises(Invalid):
        leaks.clopper_pearson(2, 1)
    with pytest.raises(Invalid):
        leaks.missed_by_two(-1, 0, 0)
    with pytest.raises(Invalid):
        leaks.missed_by_all({8: 1}, 3)
