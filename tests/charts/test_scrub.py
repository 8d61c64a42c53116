"""Scrubbing: what was found is replaced, all else is untouched, and places map back to the original."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bailee.core.errors import Invalid
from bailee.core.keys import AgreementKeys, Secret
from bailee.deid.notes import match
from bailee.deid.notes.chart import charts_from_columns
from bailee.deid.notes.found import DATE, NAME, Found, found_from_spans
from bailee.deid.notes.scrub import Subjects, scrub
from bailee.deid.notes.text import Text

KEYS = AgreementKeys.of(Secret(bytes(range(32))), "dua-1")
ROOTS = [bytes([number]) * 16 for number in range(3)]


def found_of(*spans, notes=1):
    note, start, end, label = (np.array(column) for column in zip(*spans, strict=True)) if spans else [np.zeros(0)] * 4
    columns = [note.astype(np.int32), start.astype(np.int32), end.astype(np.int32), label.astype(np.int8)]
    return Found(*columns, np.zeros(len(note), np.int32), np.zeros(notes, np.int8))


def scrubbed(texts, found, method="tag", **how):
    return scrub(pa.array(texts), found, method=method, **how)


def test_tags_stand_where_identifiers_stood():
    done = scrubbed(["Ana Ruiz, 3/2/20."], found_of((0, 0, 8, NAME), (0, 10, 16, DATE)))
    assert done.texts.to_pylist() == ["[NAME], [DATE]."]


def test_removal_leaves_the_rest():
    done = scrubbed(["Ana Ruiz, seen"], found_of((0, 0, 8, NAME)), method="remove")
    assert done.texts.to_pylist() == [", seen"]


def test_places_are_code_points():
    done = scrubbed(["x", "😀é Núñez fue 王"], found_of((1, 3, 8, NAME), notes=2))
    assert done.texts.to_pylist() == ["x", "😀é [NAME] fue 王"]


def test_nulls_stay_null_and_slices_are_read_in_place():
    texts = pa.array(["left out", None, "Ana came", ""]).slice(1)
    done = scrub(texts, found_of((1, 0, 3, NAME), notes=3), method="tag")
    assert done.texts.to_pylist() == [None, "[NAME] came", ""]


def test_a_note_without_a_patient_gets_tags():
    done = scrubbed(
        ["Ana Ruiz"],
        found_of((0, 0, 8, NAME)),
        "surrogate",
        subjects=Subjects.of(KEYS, [], shift=True),
        subject_of=np.array([-1], np.int32),
    )
    assert done.texts.to_pylist() == ["[NAME]"]


@pytest.mark.parametrize(
    "spans", [[(0, 4, 9, NAME), (0, 6, 8, NAME)], [(0, 5, 99, NAME)], [(0, 5, 2, NAME)], [(1, 0, 1, NAME)]]
)
def test_spans_that_do_not_fit_are_refused(spans):
    with pytest.raises(Invalid):
        scrubbed(["Ana Ruiz was"], found_of(*spans))


def test_surrogates_need_patients():
    with pytest.raises(Invalid):
        scrubbed(["Ana"], found_of((0, 0, 3, NAME)), "surrogate")


NOTES = [
    "Ana Ruiz (DOB 3/2/1961) seen by Dr. Poe.",
    "RUIZ, ANA: call 617-555-0123.",
    "Poe and ana ruiz met.",
    "A. Ruiz on 2 March 1961",
]
ROWS = [
    ("name-given", "Ana"),
    ("name-family", "Ruiz"),
    ("clinician-family", "Poe"),
    ("phone", "6175550123"),
    ("date-birth", "1961-03-02"),
]


def released(texts, patients):
    rows = [(chart, kind, value) for chart in range(3) for kind, value in ROWS]
    charts = charts_from_columns(3, *zip(*rows, strict=True))
    notes, owner = Text(pa.array(texts, pa.large_string())), np.array(patients, np.int32)
    spans = match.find(notes, charts, owner)
    found = found_from_spans(notes, spans, np.zeros(len(spans), np.int32), np.zeros(len(texts), np.int8))
    return scrub(pa.array(texts), found, Subjects.of(KEYS, ROOTS, shift=True, charts=charts), owner).texts.to_pylist()


def test_the_same_patient_has_the_same_surrogates_in_every_note_and_batch():
    whole = released(NOTES * 2, [0] * 4 + [1] * 4)
    assert whole[:4] == [text for note in NOTES for text in released([note], [0])]
    assert whole[4:] == released(NOTES, [1] * 4)
    assert whole[:4] != whole[4:]
    given_name = whole[0].split()[0]
    assert given_name.lower() in whole[2]
    assert given_name.upper() in whole[1]


def test_a_name_over_a_line_end_is_one_name():
    texts = pa.array(["Ana\n  Ruiz was"])
    found = found_of((0, 0, 3, NAME), (0, 6, 10, NAME))
    charts = charts_from_columns(1, [0] * 2, ["name-given", "name-family"], ["Ana", "Ruiz"])
    subjects = Subjects.of(KEYS, ROOTS[:1], shift=True, charts=charts)
    done = scrub(texts, found, subjects, np.zeros(1, np.int32))
    whole = scrub(pa.array(["Ana Ruiz was"]), found_of((0, 0, 8, NAME)), subjects, np.zeros(1, np.int32))
    assert done.texts[0].as_py().replace("\n  ", " ") == whole.texts[0].as_py()
    assert done.texts[0].as_py()[done.new_start[1] : done.new_end[1]] == whole.texts[0].as_py().split()[1]


def test_a_date_over_a_line_end_is_one_date():
    found = found_of((0, 3, 6, DATE), (0, 7, 21, DATE))
    subjects = Subjects([b"k" * 32], shift_days=np.array([3], np.int32))
    done = scrub(pa.array(["on the\n1st of June 20"]), found, subjects, np.zeros(1, np.int32))
    assert done.texts[0].as_py() == "on the\n4th of June 20"
    years = scrub(pa.array(["on the\n1st of June 20"]), found, Subjects([b"k" * 32]), np.zeros(1, np.int32))
    assert years.texts[0].as_py() == "on 2020\n"


def test_nothing_of_the_chart_is_left():
    text = " ".join(released(NOTES, [0, 1, 2, 0])).lower()
    assert not [value for value in ("ana", "ruiz", "poe", "555-0123", "1961-03-02", "3/2/1961") if f" {value}" in text]


TEXT = st.text(st.sampled_from("ab é王😀\u0301"), max_size=30)


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=5), st.data())
def test_places_map_back_exactly(texts, data):
    spans = []
    for note, text in enumerate(texts):
        cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
        spans += [(note, a, b, NAME) for a, b in zip(cuts[::2], cuts[1::2], strict=False) if a < b]
    found = found_of(*spans, notes=len(texts))
    done = scrubbed(texts, found)
    for note, text in enumerate(texts):
        new = done.texts[note].as_py()
        expected, last = "", 0
        for _, a, b, _ in [span for span in spans if span[0] == note]:
            expected, last = expected + text[last:a] + "[NAME]", b
        assert new == expected + text[last:]
        covered = {place for n, a, b, _ in spans if n == note for place in range(a, b)}
        for place in set(range(len(text))) - covered:
            assert new[done.released_of(note, place)] == text[place]
            assert done.original_of(note, done.released_of(note, place)) == place
