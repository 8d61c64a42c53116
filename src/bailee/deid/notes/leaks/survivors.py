"""A plain second look at released texts: does a value of the chart still stand in one? Shares no code with the matcher.

It is simpler than the matcher on purpose: folded words in a set, numbers without their separators, dates read by two
expressions. What it sees is certain; misspellings and initials are the matcher's affair.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bailee.deid.notes.chart.charts import Charts
from bailee.deid.notes.chart.words import ABBREVIATION, EPONYMIC, GENERIC, ORDINARY, TITLES, read_sections, word_table
from bailee.deid.notes.text import hash_words

_WORD: Final = re.compile(r"[^\W\d_]+")
_NUMBERS: Final = re.compile(r"[0-9a-z]*[0-9][0-9a-z]*(?:[-./:() ]{1,2}[0-9a-z]*[0-9][0-9a-z]*)*")
_BROKEN: Final = re.compile(r"(?<=\w)-\s*\n\s*(?=\w)")
_DATE: Final = re.compile(r"(?<!\d)(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})(?!\d)")
_NAMED: Final = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th)?[ .-]*(?:of |de )?([a-z]{3,10})[ .,-]*(?:de )?(\d{4}|\d{2})(?!\d)|([a-z]{3,10})[ .]*(\d{1,2})(?:st|nd|rd|th)?[ ,]+(\d{4})(?!\d)"
)
_INVISIBLE: Final = {"Cf", "Mn", "Me"}
_PLAIN: Final = str.maketrans(
    {"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i"}
)

NAME_KINDS: Final = ("name", "relative", "clinician")
WORD_KINDS: Final = ("facility", "organization", "street", "city", "district")
NUMBER_KINDS: Final = ("id", "phone", "postal-code")


def survivors(
    texts: pa.Array | pa.ChunkedArray, charts: Charts, chart_of: npt.NDArray[np.int32]
) -> npt.NDArray[np.bool_]:
    """Tell which texts still hold a value of their chart: those must not leave.

    Shape: string[n], int32[n] (-1: no chart) → bool[n]; null texts hold nothing.
    Cost: linear, some MB/s; a chart is prepared once where its texts stand together.
    """
    held = np.zeros(len(texts), np.bool_)
    prepared: tuple[int, Watched | None] = (-1, None)
    order = np.argsort(chart_of, kind="stable")
    said = texts.to_pylist()
    for note in order.tolist():
        chart = int(chart_of[note])
        if chart < 0 or not said[note]:
            continue
        if prepared[0] != chart:
            prepared = (chart, watched(charts.values_of(chart)))
        assert prepared[1] is not None
        held[note] = prepared[1].is_in(said[note])
    return held


@dataclass(frozen=True, repr=False)
class Watched:
    """What is looked for in the texts of one chart."""

    words: frozenset[str]  # tell somebody wherever they stand
    capitals: frozenset[str]  # tell somebody where they are capitalised
    common: re.Pattern[str] | None  # common words, where only a name can stand
    whole: frozenset[str]  # numbers of five to seven characters, as a token
    within: tuple[str, ...]  # longer numbers, addresses on the net
    days: frozenset[tuple[int, int, int]]

    def __repr__(self) -> str:
        return "Watched(…)"

    def is_in(self, text: str) -> bool:
        """Tell whether a text holds any of it."""
        mended = _BROKEN.sub("", text)
        plain = folded(mended)
        low = plain.lower()
        if not self.words.isdisjoint(_WORD.findall(low)):
            return True
        if self.capitals and not self.capitals.isdisjoint(
            word.lower() for word in _WORD.findall(plain) if word[0].isupper()
        ):
            return True
        if self.common is not None and self._is_named(plain):
            return True
        return self._has_number(low) or (bool(self.days) and not self.days.isdisjoint(dates_in(low)))

    def _is_named(self, plain: str) -> bool:
        assert self.common is not None
        for match in self.common.finditer(plain):
            following = re.match(r"(?:'s)?[ -]([A-Za-z]+)", plain[match.end() : match.end() + 30])
            if following is None or following[1].lower() not in listed("EPONYMIC"):
                return True
        return False

    def _has_number(self, low: str) -> bool:
        found = _NUMBERS.findall(low)
        if found:
            solid = "|".join(re.sub(r"[^0-9a-z|]", "", chunk) for chunk in found)
            if any(number in solid for number in self.within if number.isalnum()):
                return True
            if not self.whole.isdisjoint(
                token for chunk in found for token in re.split(r"[./:() ]+", chunk.replace("-", ""))
            ):
                return True
        return any(address in low for address in self.within if not address.isalnum())


def folded(text: str) -> str:
    """Bring a text to plain letters by Unicode's own tables, case kept."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    return "".join(letter for letter in plain if unicodedata.category(letter) not in _INVISIBLE)


@cache
def listed(section: str) -> frozenset[str]:
    """Give the words of one list of cues."""
    return frozenset(word for line in read_sections("cues.txt")[section] for word in line)


def watched(values: Iterable[tuple[str, str]]) -> Watched:
    """Prepare a chart's values."""
    names: set[str] = set()
    others: set[str] = set()
    numbers: set[str] = set()
    days: set[tuple[int, int, int]] = set()
    for kind, value in values:
        plain = folded(value).lower()
        if kind.split("-")[0] in NAME_KINDS:
            names.update(_WORD.findall(plain))
        elif kind in WORD_KINDS:
            others.update(_WORD.findall(plain))
        elif kind in NUMBER_KINDS:
            numbers.update(_numbers_of(plain))
        elif kind in {"email", "url"} and len(plain) >= 8:
            numbers.add(re.sub(r"^(https?://)?(www\.)?", "", plain))
        elif kind == "date-birth" and re.match(r"\d{4}-\d\d-\d\d", value):
            days.add((int(value[:4]), int(value[5:7]), int(value[8:10])))
    return _sorted_out(names, others, numbers, days)


def _sorted_out(names: set[str], others: set[str], numbers: set[str], days: set[tuple[int, int, int]]) -> Watched:
    said = sorted(names | others)
    bits = dict(zip(said, word_table().bits_of(hash_words(said)).tolist() if said else [], strict=True))
    telling = {word for word in said if not bits[word] & (ORDINARY | GENERIC | TITLES | ABBREVIATION | EPONYMIC)}
    common = sorted(
        word
        for word in names - telling
        if len(word) >= 3 and bits[word] & ORDINARY and not bits[word] & (TITLES | ABBREVIATION)
    )
    titles = "Dr|Mr|Mrs|Ms|Prof|Nurse"
    pattern = rf"(?:\b(?:{titles})\.? )(?:{'|'.join(word.capitalize() for word in common)})\b" if common else None
    return Watched(
        frozenset(word for word in telling if len(word) >= (4 if word in names else 7)),
        frozenset(word for word in telling & names if len(word) == 3)
        | frozenset(word for word in telling - names if 5 <= len(word) < 7),
        re.compile(pattern) if pattern else None,
        frozenset(number for number in numbers if 5 <= len(number) < 8 and number.isalnum()),
        tuple(sorted(number for number in numbers if len(number) >= 8)),
        frozenset(days),
    )


def _numbers_of(plain: str) -> Iterator[str]:
    bare = re.sub(r"[^0-9a-z]", "", re.sub(r"^urn:(?:uuid|oid):", "", plain))
    if not any(map(str.isdigit, bare)):
        return
    yield bare
    if len(bare) == 11 and bare.isdigit() and bare[0] == "1":
        yield bare[1:]


def dates_in(low: str) -> Iterator[tuple[int, int, int]]:
    """Read dates in every order that they may have."""
    for a, b, c in _DATE.findall(low):
        first, second, third = int(a), int(b), int(c)
        if len(a) == 4:
            yield first, second, third
        else:
            for year in _years(c):
                yield year, first, second
                yield year, second, first
    for day, month, year, month2, day2, year2 in _NAMED.findall(low):
        number = months().get(month or month2)
        if number:
            for full in _years(year or year2):
                yield full, number, int(day or day2)


def _years(written: str) -> tuple[int, ...]:
    return (
        (int(written),)
        if len(written) == 4
        else (1900 + int(written), 2000 + int(written))
        if len(written) == 2
        else ()
    )


@cache
def months() -> dict[str, int]:
    """Give the number of each month's names."""
    return {word: number for line in read_sections("cues.txt")["MONTHS"] for number, word in enumerate(line, 1)}
