import numpy as np
import pyarrow as pa
import pytest

from bailee.deid.notes import edges, fusion
from bailee.deid.notes.found import CHARTS, ID, LOCATION, MODEL, NAME, ORGANIZATION, PATTERNS, SPREAD, Spans
from bailee.deid.notes.lexica.categories import Category
from bailee.deid.notes.lexicon import lexicon_from_words
from bailee.deid.notes.text import Text

LEXICON = lexicon_from_words(
    ["hope", "parkinson", "disease", "the"],
    np.array([Category.COMMON_EN, Category.EPONYM, Category.EPONYM_HEAD, Category.FUNCTION], np.uint64),
)


def canvas_of(note: str, *marks: tuple[str, int, int]) -> tuple[Text, fusion.Canvas]:
    text = Text(pa.array([note]))
    canvas = fusion.Canvas.blank(text)
    for part, label, finder in marks:
        start = note.index(part)
        canvas.paint(Spans.of([start], [start + len(part)], label), finder)
    return text, canvas


def parts(text: Text, canvas: fusion.Canvas) -> list[tuple[str, int]]:
    spans, _ = canvas.spans()
    return [
        (bytes(text.folded[a:b]).decode(), label)
        for a, b, label in zip(spans.start, spans.end, spans.label.tolist(), strict=True)
    ]


def test_the_surer_finder_wins_and_both_are_remembered():
    _, canvas = canvas_of("Call Boston now", ("Boston", NAME, MODEL), ("Boston", LOCATION, PATTERNS))
    spans, finder = canvas.spans()
    assert spans.label.tolist() == [LOCATION]
    assert finder.tolist() == [MODEL | PATTERNS]


def test_a_cut_word_is_mended():
    text, canvas = canvas_of("Seen by Smith-Jones and O'Brien.", ("Smith", NAME, MODEL), ("Brien", NAME, MODEL))
    fusion.mend(canvas)
    assert parts(text, canvas) == [("Smith-Jones", NAME), ("O'Brien", NAME)]


def test_a_possessive_is_not_part_of_a_name():
    text, canvas = canvas_of("Smith's wife", ("Smith", NAME, MODEL))
    fusion.mend(canvas)
    assert parts(text, canvas) == [("Smith", NAME)]


def test_a_number_is_taken_whole():
    text, canvas = canvas_of("MRN AB-12-3456 today", ("12", ID, MODEL))
    fusion.mend(canvas)
    assert parts(text, canvas) == [("AB-12-3456", ID)]


def test_initials_before_a_name_belong_to_it():
    text, canvas = canvas_of("by J. R. Tolkien.", ("Tolkien", NAME, MODEL))
    fusion.mend(canvas)
    assert parts(text, canvas) == [("J. R. Tolkien", NAME)]


def spread(note: str, *marks: tuple[str, int, int]) -> list[tuple[str, int]]:
    text, canvas = canvas_of(note, *marks)
    fusion.spread(canvas, LEXICON.of(text), np.zeros(len(text.tokens), np.int64), np.ones(len(text.tokens), bool))
    return parts(text, canvas)


def test_a_name_found_once_is_found_everywhere_in_the_note():
    assert spread("Dr. Okafor came. okafor agreed. OKAFOR signed.", ("Okafor", NAME, MODEL)) == [
        ("Okafor", NAME),
        ("okafor", NAME),
        ("OKAFOR", NAME),
    ]


def test_a_word_that_is_also_a_name_stays_where_it_is_a_word():
    assert spread("Nurse Hope came; we hope. So Hope left.", ("Hope", NAME, PATTERNS)) == [
        ("Hope", NAME),
        ("Hope", NAME),
    ]


def test_an_eponym_stays_before_its_disease():
    assert spread("Mr Parkinson has Parkinson disease; Parkinson agrees.", ("Parkinson", NAME, CHARTS)) == [
        ("Parkinson", NAME),
        ("Parkinson", NAME),
    ]


def test_what_spread_is_marked_as_such():
    text, canvas = canvas_of("Okafor, okafor", ("Okafor", NAME, MODEL))
    fusion.spread(canvas, LEXICON.of(text), np.zeros(len(text.tokens), np.int64), np.ones(len(text.tokens), bool))
    assert canvas.spans()[1].tolist() == [MODEL, SPREAD]


def test_a_span_lies_within_others_only_if_all_of_it_does():
    _, canvas = canvas_of("Foley catheter at Cedar Hollow Family Practice")
    spans = Spans.of([0, 0, 18], [5, 14, 46], NAME)
    assert canvas.within(spans, Spans.of([0, 31], [14, 46], 0)).tolist() == [True, True, False]


def test_an_empty_batch_is_nothing():
    text = Text(pa.array([], pa.string()))
    canvas = fusion.Canvas.blank(text)
    fusion.mend(canvas)
    fusion.spread(canvas, LEXICON.of(text), np.zeros(0, np.int64), np.zeros(0, bool))
    fusion.strangers(canvas, LEXICON.of(text), np.zeros(0, bool))
    assert len(canvas.spans()[0]) == 0


def eponyms(note: str, name: str) -> bool:
    lexicon = lexicon_from_words(
        ["syndrome", "sign", "of", "mr"],
        np.array([Category.EPONYM_HEAD, Category.EPONYM_HEAD, Category.FUNCTION, Category.TITLE], np.uint64),
    )
    text, canvas = canvas_of(note)
    start = note.index(name)
    return bool(fusion.eponyms(canvas, lexicon.of(text), Spans.of([start], [start + len(name)], NAME))[0])


def test_names_in_terms_of_medicine_are_told_from_people():
    assert eponyms("has Lowe syndrome", "Lowe")
    assert eponyms("Lowe's syndrome", "Lowe")
    assert eponyms("the sign of Murphy", "Murphy")
    assert not eponyms("Mr Lowe syndrome", "Lowe")
    assert not eponyms("seen by Lowe", "Lowe")
    assert not eponyms("Lowe. Syndrome", "Lowe")


WORDS = lexicon_from_words(
    ["mrs", "cousin", "of", "and", "will"],
    np.array(
        [Category.TITLE, Category.KIN, Category.FUNCTION, Category.FUNCTION, Category.FUNCTION | Category.GIVEN],
        np.uint64,
    ),
)


@pytest.mark.parametrize(
    ("note", "marked", "label", "left"),
    [
        ("saw Mrs. Ruiz here", "Mrs. Ruiz", NAME, ["Ruiz"]),
        ("saw cousin Ada here", "cousin Ada", NAME, ["Ada"]),
        ("saw Ada and her", "Ada and", NAME, ["Ada"]),
        ("saw Ada's dog", "Ada's", NAME, ["Ada'"]),
        ("went to of Trinity", "of Trinity", ORGANIZATION, ["Trinity"]),
        ("what is will young taking", "will young", NAME, ["will young"]),
        ("saw D'Ambrosio here", "D'Ambrosio", NAME, ["D'Ambrosio"]),
        ("saw M. Leroy here", "M. Leroy", NAME, ["M. Leroy"]),
    ],
)
def test_what_stands_at_the_edge_of_a_name_and_is_none_is_cut_off(note, marked, label, left):
    text, canvas = canvas_of(note, (marked, label, MODEL))
    edges.trim(canvas, WORDS.of(text))
    assert [part for part, _ in parts(text, canvas)] == left


def test_small_words_between_two_finds_stay():
    text, canvas = canvas_of("at King of Prussia now", ("King", LOCATION, MODEL), ("of Prussia", LOCATION, MODEL))
    edges.trim(canvas, WORDS.of(text))
    assert [part for part, _ in parts(text, canvas)] == ["King", "of Prussia"]


def test_a_number_is_taken_with_its_letters_though_the_hyphen_was_found_already():
    text, canvas = canvas_of("id ACCT-000333 ok", ("-000333", ID, MODEL))
    fusion.mend(canvas)
    assert parts(text, canvas) == [("ACCT-000333", ID)]


def test_what_a_chart_knows_is_not_trimmed():
    text, canvas = canvas_of("saw Mrs. Ruiz here", ("Mrs. Ruiz", NAME, CHARTS))
    edges.trim(canvas, WORDS.of(text))
    assert parts(text, canvas) == [("Mrs. Ruiz", NAME)]
