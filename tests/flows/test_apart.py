"""A text that cannot be cleaned stands alone: it is withheld, and the others are what they would be without it."""

import numpy as np
import pyarrow as pa
import pytest

from bailee.core.errors import Invalid
from bailee.deid.notes.chart.charts import charts_from_columns
from bailee.deid.notes.find import find
from bailee.deid.notes.scrub import scrub
from bailee.flows.release.apart import Cleaned, Rows, clean_apart

TEXTS = pa.array(
    [
        "Seen by Dr. Amelia Quorkson on 3/4/2021.",
        "Mr. Okonkwo went home.",
        "BP 120/80, no complaints.",
        "Called Mrs. Pelletier at 617-555-0134 twice.",
        "Plan: see Dr. Hargreaves next week.",
    ],
    pa.large_string(),
)


def crowded(patient: int) -> tuple[list[int], list[str], list[str]]:
    """A chart that cannot be looked for: more pairs of given and family name under one person than there is room for."""
    letters = [f"{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(400)]
    names = [f"Given{pair}" for pair in letters] + [f"Family{pair}" for pair in letters]
    return [patient] * 800, ["clinician-given"] * 400 + ["clinician-family"] * 400, names


def cleaner(broken: set[int]):
    rows = [crowded(patient) for patient in sorted(broken)]
    charts = charts_from_columns(
        len(TEXTS), *([each for column in columns for each in column] for columns in zip(*rows, strict=True))
    )

    def clean(rows: Rows) -> Cleaned:
        texts = TEXTS.take(pa.array(rows))
        found = find(texts, charts=charts, chart_of=rows.astype(np.int32), language="en")
        return scrub(texts, found, method="tag"), found

    return clean


@pytest.mark.parametrize("broken", [{0}, {2}, {4}, {1, 3}])
def test_only_the_texts_that_fail_are_withheld(broken):
    whole, _ = cleaner(broken)(np.array([row for row in range(len(TEXTS)) if row not in broken]))
    (scrubbed, found), failed = clean_apart(cleaner(broken), len(TEXTS))
    assert failed == len(broken)
    assert scrubbed.texts.to_pylist() == [
        None if row in broken else whole.texts.to_pylist()[row - sum(one < row for one in broken)]
        for row in range(len(TEXTS))
    ]
    assert len(found.language) == len(TEXTS)
    assert not set(found.note.tolist()) & broken
    assert np.all(np.diff(found.note) >= 0)


def test_spans_keep_their_texts_numbers():
    (scrubbed, found), _ = clean_apart(cleaner({0}), len(TEXTS))
    for note, start, end in zip(scrubbed.note.tolist(), scrubbed.new_start, scrubbed.new_end, strict=True):
        assert scrubbed.texts[note].as_py()[start:end].startswith("[")
    names = [
        TEXTS[note].as_py()[start:end] for note, start, end in zip(found.note, found.start, found.end, strict=True)
    ]
    assert "Okonkwo" in names
    assert "617-555-0134" in names


def test_a_fault_that_every_text_meets_is_not_the_texts_fault():
    with pytest.raises(Invalid, match="65,536 pairs"):
        clean_apart(cleaner(set(range(len(TEXTS)))), len(TEXTS))
