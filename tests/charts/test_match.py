"""Matching: every form that a hand may give a chart's value is found, and common words are left alone."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bailee.deid.notes import match
from bailee.deid.notes.chart import charts_from_columns
from bailee.deid.notes.find import find
from bailee.deid.notes.found import FAIR, LABELS, SURE, WEAK
from bailee.deid.notes.found import NAME as NAMED
from bailee.deid.notes.text import Text

CHART = [
    ("name-given", "William"),
    ("name-given", "James"),
    ("name-family", "O'Brien-Lopez"),
    ("date-birth", "1961-03-02"),
    ("phone", "+1 (617) 555-0123"),
    ("id", "MRN00482913"),
    ("id", "123-45-6789"),
    ("id", "urn:uuid:0cafe901-91b4-2a34-f13f-815857a86a07"),
    ("street", "123 Kilback Street Apt 4"),
    ("city", "Great Falls"),
    ("postal-code", "02115-1234"),
    ("email", "wobrien61@mail.example.org"),
    ("url", "https://people.example.org/wobrien"),
    ("clinician-full", "Dr. Stephen Brown, MD"),
    ("clinician-given", "May"),
    ("clinician-family", "Long"),
    ("facility", "Beverly Memorial Hospital Corporation"),
    ("organization", "Kaiser"),
    ("relative-given", "Rose"),
    ("relative-family", "Smithers"),
    ("name-family", "Müller"),
    ("clinician-full", "王小明"),
    ("city", "Reading"),
]


def found_in(text, rows=CHART, point="balanced"):
    charts = charts_from_columns(1, [0] * len(rows), [kind for kind, _ in rows], [value for _, value in rows])
    notes = Text(pa.array([text], pa.large_string()))
    spans = match.find(notes, charts, np.zeros(1, np.int32), operating_point=point)
    start, end = notes.points(notes.note_of(spans.start), spans.start, spans.end)
    return [(text[a:b], LABELS[label]) for a, b, label in zip(start, end, spans.label, strict=True)]


def rest_of(text, **how):
    """What is left of a text when all that was found is cut out."""
    for part, _ in found_in(text, **how):
        text = text.replace(part, "", 1)
    return text


NAMES = r"""
Bill O'Brien-Lopez
OBRIEN-LOPEZ, WILLIAM
o'brien lopez
Wi11iam
Willam
Willaim
W I L L I A M
Smi-\nthers
Smithers'
Smithrs
Srnithers
Ｓｍｉｔｈｅｒｓ
Mueller
Muller
MÜLLER
王小明
Steven Brown
S. Brown
Brown, S.
Dr. Brown
May Long
Rose Smithers
WilliamSmithers
J. O'Brien
W.O.
"""


@pytest.mark.parametrize("form", [line.replace("\\n", "\n") for line in NAMES.split("\n") if line])
def test_a_name_is_found_in_every_form(form):
    text = f"On review {form} was stable overnight."
    left = rest_of(text)
    assert not {word for word in form.replace("'", " ").split() if len(word) > 2 and word != "Dr."} & set(left.split())


@pytest.mark.parametrize(
    "name",
    ["Vəlizadə", "Akyeamfuɔ", "Ɛsi-Ɔsei", "Łukaszewicz", "Þórsdóttir", "Nguyễn", "Öztürk", "Βασιλείου", "Иванова"],
)
def test_names_of_every_alphabet_are_found_in_every_case(name):
    for form in (name, name.upper(), name.lower()):
        assert rest_of(f"seen by {form} today", rows=[("name-family", name)]) == "seen by  today"


def test_invisible_characters_hide_no_name():
    assert found_in("On review Smi\u200bth\u00ader\u0301s was stable") == [("Smi\u200bth\u00ader\u0301s", "NAME")]


DATES = ["3/2/1961", "03-02-61", "2.3.1961", "1961-03-02", "2 March 1961", "March 2nd, 1961", "02MAR61", "02-Mar-1961", "19610302",
         "2. März 1961", "2 de marzo de 1961", "1961-03-02T08:30:00"]  # fmt: skip


@pytest.mark.parametrize("form", DATES)
def test_a_birth_date_is_found_in_every_format(form):
    assert [label for _, label in found_in(f"Born {form}, stable.")] == ["DATE"]


NUMBERS = ["617-555-0123", "617.555.0123", "(617) 555 0123", "6175550123", "+16175550123", "555-0123", "00482913", "482913", "MRN00482913",
           "123456789", "123 45 6789", "xxx-xx-6789", "ending in 6789", "l23-45-6789", "02115", "0cafe901 91b4 2a34 f13f 815857a86a07",
           "0CAFE901-91B4-2A34-F13F-815857A86A07"]  # fmt: skip


@pytest.mark.parametrize("form", NUMBERS)
def test_a_number_is_found_with_any_separator(form):
    text = f"reached at {form} today"
    assert not set("0123456789") & set(rest_of(text).replace("ending in", ""))


OTHERS = ["123 Kilback St", "kilback street", "Great Falls", "GREAT FALLS", "wobrien61@mail.example.org", "WOBRIEN61", "bill_lopez@x.com",
          "people.example.org/wobrien", "Beverly Memorial", "Beverly Hospital", "BMHC", "Kaiser", "lives in Reading"]  # fmt: skip


@pytest.mark.parametrize("form", OTHERS)
def test_places_addresses_and_facilities_are_found(form):
    assert len(found_in(f"known to us: {form} since then")) == 1


KEPT = [
    "the stool was brown. Brown discharge was noted.",
    "May cause pain. It may long last, and the QT is long.",
    "rose petals, reading well, great pain",
    "Brown-Sequard syndrome and Brown's syndrome",
    "LONG STANDING PAIN IN MAY",
    "sodium 140, potassium 4.2, 12/14/20",
    "the memorial hospital corporation",
    "will follow. Bill for services.",
]


@pytest.mark.parametrize("text", KEPT)
def test_common_words_are_kept(text):
    assert found_in(text) == []


STARTS = [
    "Rose and her twin came",
    "Rose reports pain",
    "Rose's pain is better",
    "Rose, 45, is well",
    "Seen.\nReading, Ohio",
    "Rose (daughter) called",
]


@pytest.mark.parametrize("text", STARTS)
def test_a_common_word_is_a_name_where_the_sentence_says_so(text):
    assert len(found_in(f"No fever. {text}")) == 1


def test_strict_takes_capitalised_words_where_balanced_does_not():
    assert found_in("Brown discharge") == []
    assert found_in("Brown discharge", point="strict") == [("Brown", "NAME")]


def test_notes_of_other_patients_are_not_matched():
    charts = charts_from_columns(2, [0, 1], ["name-family", "name-family"], ["Smithers", "Lovelace"])
    notes = Text(pa.array(["Smithers and Lovelace"] * 3, pa.large_string()))
    spans = match.find(notes, charts, np.array([0, 1, -1], np.int32))
    assert notes.note_of(spans.start).tolist() == [0, 1]


DOUBTFUL = [("clinician-given", "Dean"), ("clinician-family", "Cash"), ("name-given", "Dana"), ("name-family", "Cook")]


def doubts_in(text):
    charts = charts_from_columns(1, [0] * 4, [kind for kind, _ in DOUBTFUL], [value for _, value in DOUBTFUL])
    texts, chart = pa.array([text], pa.large_string()), np.zeros(1, np.int32)
    spans = match.find(Text(texts), charts, chart, least=WEAK)
    found = find(texts, charts=charts, chart_of=chart, language="en")
    named = {text[a:b] for a, b, label in zip(found.start, found.end, found.label, strict=True) if label == NAMED}
    return {text[a:b]: kind for a, b, kind in zip(spans.start, spans.end, spans.strength, strict=True)}, named


def test_a_name_that_is_a_word_is_told_as_doubtful_and_the_sentence_decides():
    assert doubts_in("seen at the bedside. thanks to dean for the kind referral.") == ({"dean": FAIR}, {"dean"})
    assert doubts_in("He likes to cook at home.") == ({"cook": FAIR}, set())


def test_initials_that_may_mean_something_else_are_told_as_weaker_still():
    doubtful, named = doubts_in("Wound closed with DC sutures; D.C. is a 71-year-old man here for review.")
    assert doubtful == {"D.C": SURE, "DC": WEAK}
    assert named == {"D.C"}


SYLLABLES = st.lists(
    st.sampled_from(["bra", "kol", "ven", "dru", "mis", "tor", "quan", "zel", "pho", "nik"]), min_size=2, max_size=3
)
NAME = SYLLABLES.map(lambda parts: "".join(parts).capitalize())


@settings(max_examples=60, deadline=None)
@given(NAME, NAME, st.data())
def test_one_edit_never_hides_a_name(given_name, family, data):
    at = data.draw(st.integers(1, len(family) - 2))
    letter = data.draw(st.sampled_from("aeltx"))
    edited = data.draw(
        st.sampled_from(
            [
                family[:at] + family[at + 1 :],
                family[:at] + letter + family[at:],
                family[:at] + letter + family[at + 1 :],
                family[:at] + family[at + 1] + family[at] + family[at + 2 :],
            ]
        )
    )
    case = data.draw(st.sampled_from([str.lower, str.upper, str.title]))
    rows = [("name-given", given_name), ("name-family", family)]
    text = f"Called {case(edited)} about labs."
    assert case(edited) not in rest_of(text, rows=rows)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_no_text_breaks_the_matcher(text):
    for part, _ in found_in(text, point="strict"):
        assert part in text


@pytest.mark.parametrize(
    "piece", ["A", "1-", "Aa ", "1/2/", "a.", "@", " ", "\n", "Dr. ", "William ", "王", "6175550123"]
)
def test_endless_repeats_are_read_in_linear_time(piece):
    found_in(piece * (200_000 // len(piece)))
