"""The engine of the rules: what a table may say, what it refuses, and that no text makes it slow or wrong."""

import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.patterns.support import found

from bailee.core.errors import Invalid
from bailee.deid.notes.found import LABELS
from bailee.deid.notes.patterns import find, scan, table
from bailee.deid.notes.patterns.automaton import Automaton, compiled
from bailee.deid.notes.patterns.checks import CHECKS
from bailee.deid.notes.patterns.language import Atoms, Parser
from bailee.deid.notes.patterns.rules import table as read
from bailee.deid.notes.text import Text
from bailee.synthetic.notes import notes as synthetic


def test_every_rule_can_be_read_in_every_language():
    for language in ("en", "es", "fr", "de"):
        assert len(compiled(frozenset({language}), frozenset({"ages", "weekdays", "relative"})).rules) > 150


def test_every_named_check_exists():
    assert {rule.check for rule in table().rules if rule.check} <= set(CHECKS)


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("(a", "not closed"),
        ("a )", "opens"),
        ("$nothing", "no macro"),
        ("<oddity>", "no list"),
        ("* a", "work on"),
        ("«a", "not closed"),
    ],
)
def test_a_broken_pattern_is_refused_with_its_place(pattern, what):
    with pytest.raises(Invalid, match=what) as told:
        Parser(pattern, {}, Atoms(), "x.rules, line 3").parse()
    assert "line 3" in str(told.value)


def test_a_line_that_is_no_rule_is_refused_with_its_place(tmp_path):
    (tmp_path / "a.rules").write_text("# fine\n\nwrong NOTHING sure * = a\n")
    with pytest.raises(Invalid, match=r"a\.rules, line 3"):
        read(tmp_path)


def test_two_rules_of_one_name_are_refused(tmp_path):
    (tmp_path / "a.rules").write_text("one ID sure * = a\none ID sure * = b\n")
    with pytest.raises(Invalid, match="same name"):
        read(tmp_path)


def test_a_rule_only_speaks_its_languages():
    assert found("Il a 92 ans", "fr") == [("92 ans", "AGE")]
    assert found("am 3.5. gesehen", "de") == [("3.5.", "DATE")]
    assert found("vu 3.5. hier", "fr") == []


ANY = st.text(st.characters(codec="utf-8"), max_size=120)
NOTES = st.lists(st.one_of(ANY, st.text("12/.-:@ aA\nDr", max_size=80)), max_size=6)


@settings(max_examples=60, deadline=None)
@given(NOTES)
def test_finds_lie_within_their_note_sorted_and_apart(notes):
    text = Text(pa.array(notes, pa.string()))
    spans = find(text, "en")
    note = text.note_of(spans.start)
    assert (spans.start < spans.end).all()
    assert (spans.end <= text.at[note + 1]).all()
    assert (spans.start[1:] >= spans.end[:-1]).all()
    assert set(spans.label.tolist()) <= set(range(len(LABELS)))


@settings(max_examples=40, deadline=None)
@given(NOTES)
def test_a_note_is_read_alike_alone_and_among_others(notes):
    together = scan(Text(pa.array(notes, pa.string())), None)
    text = Text(pa.array(notes, pa.string()))
    note = text.note_of(together.found.start)
    for number, written in enumerate(notes):
        alone = find(Text(pa.array([written], pa.string())), None)
        mine = note == number
        assert (together.found.start[mine] - text.at[number]).tolist() == alone.start.tolist()
        assert together.found.label[mine].tolist() == alone.label.tolist()


@pytest.mark.parametrize("states", [64, 1000])
def test_a_small_room_gives_the_same_finds(monkeypatch, states):
    notes = pa.array(
        [f"Dr. Smith saw patient {i} on 3/{i}/2019, tel 555-123-{i:04d}, MRN {i * 7919:07d}" for i in range(1, 28)]
        + [note.text for note in synthetic(40, seed=5, difficulty=0.6)]
    )
    text = Text(notes)
    plenty = Automaton(frozenset({"en"}), frozenset()).run(text)
    monkeypatch.setattr("bailee.deid.notes.patterns.automaton.STATES", states)
    monkeypatch.setattr("bailee.deid.notes.patterns.automaton.POOL", 1 << 16)
    monkeypatch.setattr("bailee.deid.notes.patterns.automaton.SPARSE", 1 << 12)
    cramped = Automaton(frozenset({"en"}), frozenset())
    again = cramped.run(text)
    assert cramped._used[3] > 3
    assert all(np.array_equal(one, other) for one, other in zip(plenty, again, strict=True))


HOSTILE = {
    "one letter": "A" * 20000,
    "digits": "7" * 20000,
    "slashes": "1/2/" * 5000,
    "dashes": "1-" * 10000,
    "dots": "a." * 10000 + "@",
    "titles": "Dr. " * 5000,
    "capitals": "Aa " * 7000,
    "blanks": " " * 20000,
    "names": "John " * 4000,
    "colons": "Name: " * 3500,
    "brackets": "(" * 20000,
    "ids": "MRN " * 5000,
    "base64": "QUJDREVGR0hJSktM" * 1250,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_takes_a_linear_time(name):
    find(Text(pa.array(["warm"])), "en")
    text = Text(pa.array([HOSTILE[name]]))
    begun = time.process_time()
    find(text, "en")
    assert time.process_time() - begun < 0.5  # 20 kB; 40 kB a second would pass, the ordinary speed is some 20 MB
