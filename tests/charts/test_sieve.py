"""The sieve before the second look: whatever the second look would see passes it, for every chart, text and spelling."""

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bailee.deid.notes import leaks
from bailee.deid.notes.chart import charts_from_columns
from bailee.deid.notes.chart.charts import no_charts
from bailee.deid.notes.leaks.suspects import Suspects
from bailee.deid.notes.leaks.watched import watched

WORDS = st.sampled_from(
    [
        "Kilback",
        "Zev",
        "Brown",
        "May",
        "Ng",
        "Núñez",
        "Müller",
        "ΣΟΦΟΣ",
        "Straße",
        "Ǆivo",
        "İpek",
        "O'Neill",
        "Black",
        "ŉde",
        "ẞab",
    ]
)
NUMBERS = st.from_regex(re.compile(r"[A-Za-z]{0,3}[-. ]?[0-9]{1,5}[-. /][0-9]{0,6}[a-z]?", re.ASCII), fullmatch=True)
DAYS = st.dates().map(lambda day: day.isoformat())
MAILS = st.sampled_from(
    [
        "ana@example.net",
        "http://www.abcd.io",
        "https://www.x",
        "intranet",
        "http://www.",
        "北京大学医院站点在线",
        "mailto:q@q.qq",
    ]
)
VALUES = st.one_of(
    st.tuples(
        st.sampled_from(["name-given", "name-family", "relative-full", "clinician-full"]), WORDS | st.text(max_size=8)
    ),
    st.tuples(st.sampled_from(["facility", "city", "street"]), st.lists(WORDS, min_size=1, max_size=3).map(" ".join)),
    st.tuples(st.sampled_from(["id", "phone", "postal-code"]), NUMBERS | st.text("0123456789abc-é", max_size=14)),
    st.tuples(st.sampled_from(["email", "url"]), MAILS),
    st.tuples(st.just("date-birth"), DAYS),
).filter(lambda pair: pair[1].strip() != "")


def _day(value, order):
    year, month, day = value[:10].split("-")
    return {
        "us": f"{int(month)}/{int(day)}/{year[2:]}",
        "eu": f"{day}.{month}.{year}",
        "word": f"{int(day)} March {year}",
    }[order]


FORMS = [
    str,
    str.upper,
    str.lower,
    str.capitalize,
    lambda value: re.sub(r"[-. /]", "", value),
    "-".join,
    lambda value: re.sub(r"\b(\w{3})(\w)", "\\1-\n\\2", value),
    lambda value: f"Dr. {value.capitalize()} said",
    lambda value: f"x{value}y",
    *(
        (lambda value, order=order: _day(value, order) if re.fullmatch(r"\d{4}-\d\d-\d\d", value) else value)
        for order in ("us", "eu", "word")
    ),
]


@st.composite
def cases(draw):
    charts = draw(st.lists(st.lists(VALUES, max_size=5), min_size=1, max_size=4))
    every = [value for chart in charts for _, value in chart] or ["nobody"]
    piece = st.tuples(st.sampled_from(every) | WORDS, st.sampled_from(FORMS)).map(
        lambda pair: pair[1](pair[0])
    ) | st.text(max_size=5)
    texts = draw(st.lists(st.lists(piece, max_size=4).map(" ".join), min_size=1, max_size=5))
    return charts, texts


def _charts(lists):
    rows = [(number, kind, value) for number, chart in enumerate(lists) for kind, value in chart]
    return charts_from_columns(len(lists), *zip(*rows, strict=True)) if rows else no_charts(len(lists))


@given(case=cases())
@settings(max_examples=300)
def test_what_the_second_look_sees_passes_the_sieve(case):
    lists, texts = case
    charts = _charts(lists)
    sought = [watched(charts.values_of(number)) for number in range(charts.count)]
    suspects = Suspects(charts)
    for text in texts:
        assert {number for number, one in enumerate(sought) if one.is_in(text)} <= suspects.of(text)


@pytest.mark.parametrize(
    ("kind", "word", "text"),
    [
        (
            "facility",
            "ΣΟΦΟΣ",
            "ΣΟΦΟΣ'\u0391",
        ),  # the capital after it makes the last sigma of the small text another one
        ("name-family", "ẞab", "Ssab"),  # capitals of the small letter are two
    ],
)
def test_letters_whose_cases_differ_in_number_pass_the_sieve(kind, word, text):
    charts = charts_from_columns(1, [0], [kind], [word])
    assert watched(charts.values_of(0)).is_in(text)
    assert Suspects(charts).of(text) == {0}


@given(case=cases())
@settings(max_examples=100)
def test_sieved_and_unsieved_second_looks_agree(case):
    lists, texts = case
    charts = _charts(lists)
    said = [text for text in texts for _ in lists]
    chart_of = np.array([number for _ in texts for number in range(len(lists))], np.int32)
    plain = [
        bool(text) and watched(charts.values_of(chart)).is_in(text)
        for text, chart in zip(said, chart_of.tolist(), strict=True)
    ]
    assert leaks.survivors(pa.array(said), charts, chart_of).tolist() == plain
