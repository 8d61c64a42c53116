"""Identifiers over the end of a piece are replaced in each piece, and every piece keeps its place."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from bailee.deid.formats.passages import Passage
from bailee.deid.notes.found import NAME, Found
from bailee.deid.notes.pieces import cut_at_pieces, pieces_of
from bailee.deid.notes.scrub import scrub


def found_of(spans, notes=1):
    columns = [np.array([span[at] for span in spans], np.int32) for at in range(3)]
    label, finder = np.full(len(spans), NAME, np.int8), np.ones(len(spans), np.int32)
    return Found(*columns, label, finder, np.zeros(notes, np.int8))


def cleaned(pieces, glue, spans):
    passage = Passage(0, pieces=list(pieces), glue=list(glue))
    places = [passage.places()]
    found = cut_at_pieces(found_of(spans), places)
    return pieces_of(scrub(pa.array([passage.text()]), found, method="tag"), places)[0]


def test_a_name_over_two_lines_goes_from_both():
    assert cleaned(["seen by Jane", "Doe today"], ["\n"], [(0, 8, 16)]) == ["seen by [NAME]", "[NAME] today"]


def test_a_name_in_two_tags_goes_from_both():
    assert cleaned(["Ja", "ne", " was"], ["", ""], [(0, 0, 4)]) == ["[NAME]", "[NAME]", " was"]


def test_what_lies_between_pieces_is_in_none():
    assert cleaned(["a", "b"], [" | "], [(0, 1, 4)]) == ["a", "b"]


@st.composite
def pieced(draw):
    pieces = draw(st.lists(st.text("abé \n🙂", max_size=5), min_size=1, max_size=6))
    glue = draw(st.lists(st.sampled_from(["", " ", "\n", " | "]), min_size=len(pieces) - 1, max_size=len(pieces) - 1))
    whole = sum(map(len, pieces)) + sum(map(len, glue))
    cuts = sorted(draw(st.sets(st.integers(0, whole), max_size=6)))
    return pieces, glue, [(0, low, high) for low, high in zip(cuts[::2], cuts[1::2]) if low < high]


@given(pieced())
def test_each_piece_is_what_cleaning_it_alone_would_give(drawn):
    pieces, glue, spans = drawn
    places = Passage(0, pieces=list(pieces), glue=list(glue)).places()
    expected = []
    for piece, (start, end) in zip(pieces, places):
        out, at = "", start
        for _, first, last in spans:
            low, high = max(first, start), min(last, end)
            if low < high:
                out, at = out + piece[at - start : low - start] + "[NAME]", high
        expected.append(out + piece[at - start :])
    assert cleaned(pieces, glue, spans) == expected
