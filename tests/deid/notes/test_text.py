import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bailee.core.errors import Invalid
from bailee.deid.notes import text as texts
from bailee.deid.notes.folding import fold
from bailee.deid.notes.text import Text, hash_words

HOSTILE = st.text(
    st.one_of(
        st.sampled_from("aZ9 .\n\r\t-'éÉßłÑ\u0301\u200b\u202e\u00adＡ９οаΑА½ﬁ\ufdfa王한\ufffd\U0001f9ec\U000e0041²ª"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=60,
)


def slow_tokens(reading: str) -> list[str]:
    """Cut as the kernel should: letters, digits, single marks, runs of line ends with the blanks after them."""
    rule = r"[\n\r\f\v][\n\r\f\v\x00-\x20\x7f]*|[0-9]+|[A-Za-z\u0080-\U0010ffff]+|[^\x00-\x20\x7fA-Za-z0-9\u0080-\U0010ffff]"
    return re.findall(rule, reading)


def token_texts(text: Text) -> list[str]:
    tokens = text.tokens
    return [bytes(text.folded[s:e]).decode() for s, e in zip(tokens.start, tokens.end, strict=True)]


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.lists(HOSTILE, max_size=5))
def test_folding_equals_folding_character_by_character(notes):
    text = Text(pa.array(notes, pa.large_string()))
    assert [text.reading(i) for i in range(len(notes))] == ["".join(map(fold, note)) for note in notes]


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.lists(HOSTILE, min_size=1, max_size=4))
def test_tokens_equal_the_slow_model(notes):
    text = Text(pa.array(notes, pa.string()))
    expected = [token for i in range(len(notes)) for token in slow_tokens(text.reading(i))]
    assert token_texts(text) == expected
    assert (hash_words(expected)[text.tokens.kind != 3] == text.tokens.hash[text.tokens.kind != 3]).all()


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.lists(HOSTILE, min_size=1, max_size=4))
def test_every_token_maps_back_to_the_characters_that_it_came_from(notes):
    text = Text(pa.array(notes, pa.large_string()))
    tokens = text.tokens
    start, end = text.points(tokens.note, tokens.start, tokens.end)
    for note, low, high, token in zip(tokens.note, start, end, token_texts(text), strict=True):
        assert 0 <= low < high <= len(notes[note])
        assert token in "".join(map(fold, notes[note][low:high]))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.lists(HOSTILE, min_size=1, max_size=4))
def test_places_take_points_back_around_what_they_cover(notes):
    text = Text(pa.array(notes, pa.large_string()))
    tokens = text.tokens
    first, last = text.places(tokens.note, *text.points(tokens.note, tokens.start, tokens.end))
    assert (first <= tokens.start).all()
    assert (last >= tokens.end).all()


def test_hidden_names_read_plainly():
    notes = ["J\u200bo\u200bh\u200bn", "Ｊｏｈｎ", "Jоhn", "Jo\u0301hn", "\u202eJohn", "𝐉𝐨𝐡𝐧"]
    text = Text(pa.array(notes))
    assert [text.reading(i) for i in range(len(notes))] == ["John"] * len(notes)


def test_notes_in_ascii_are_not_copied():
    array = pa.array(["Seen today.", "Well."])
    text = Text(array)
    assert np.shares_memory(text.folded, np.frombuffer(array.buffers()[2], np.uint8))


def test_a_slice_and_a_null_are_read_as_they_stand():
    text = Text(pa.array(["one", None, "three", "four"]).slice(1, 2))
    assert [text.original(i) for i in range(len(text))] == ["", "three"]


def test_anything_but_strings_is_refused():
    with pytest.raises(Invalid, match="strings"):
        Text(pa.array([1, 2]))


def test_no_repr_shows_a_note():
    assert "Smith" not in repr(Text(pa.array(["Smith"])))


def test_shapes_tell_how_a_word_is_written():
    text = Text(pa.array(["pain Pain PAIN P McGee p 王伟 1234 ;\n\n"]))
    assert text.tokens.shape.tolist() == [*range(7), 20, ord(";"), 2]
    assert text.tokens.kind.tolist() == [texts.WORD] * 7 + [texts.NUMBER, texts.MARK, texts.BREAK]


def test_letters_with_hooks_and_open_vowels_are_read_as_latin():
    assert "".join(map(fold, "Əliyev Ɔkɔmfo Ɛsi ɗan Ƙano")) == "Eliyev Okomfo Esi dan Kano"
