"""A plain second look at released texts: does a value of the chart still stand in one? Shares no code with the matcher.

It is simpler than the matcher on purpose: folded words in a set, numbers without their separators, dates read by two
expressions. What it sees is certain; misspellings and initials are the matcher's affair.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bailee.deid.notes.chart.charts import Charts
from bailee.deid.notes.chart.spellings import name_parts
from bailee.deid.notes.chart.words import (
    ABBREVIATION,
    EPONYMIC,
    FOREIGN,
    GENERIC,
    MONTH_SHIFT,
    ORDINARY,
    TITLES,
    bits_of_word,
    read_sections,
)

_WORD: Final = re.compile(r"[^\W\d_]+")
# Bytes that part words, and those that part tokens of letters and digits, become blanks.
_LETTERS: Final = bytes(c if (chr(c).isalpha() and c < 128) or c >= 128 else 32 for c in range(256))
_TOKENS: Final = bytes(c if (chr(c).isalnum() and c < 128) or c >= 128 else 32 for c in range(256))
_SEPARATORS: Final = b" -./:()\t_"
_BROKEN: Final = re.compile(r"(?<=\w)-\s*\n\s*(?=\w)")
_DATE: Final = re.compile(r"(?<!\d)(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})(?!\d)")
_NAMED: Final = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th)?[ .-]*(?:of |de )?([a-z]{3,10})[ .,-]*(?:de )?(\d{4}|\d{2})(?!\d)|([a-z]{3,10})[ .]*(\d{1,2})(?:st|nd|rd|th)?[ ,]+(\d{4})(?!\d)"
)
_OTHER: Final = re.compile(r"[^\x00-\x7f]+")
_INVISIBLE: Final = {"Cf", "Mn", "Me"}
_PLAIN: Final = str.maketrans(
    {"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i"}
)

_MONTHS: Final = 15 << MONTH_SHIFT
_REACH: Final = 32  # bytes of a written date

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
    """What is looked for in the texts of one chart, as bytes."""

    words: frozenset[bytes]  # tell somebody wherever they stand; lower case
    capitals: frozenset[bytes]  # tell somebody where they are capitalised; as written
    common: frozenset[bytes]  # common words, capitalised
    titled: re.Pattern[str] | None  # a title, then one of them
    whole: frozenset[bytes]  # numbers of five to seven characters, as a token
    within: tuple[bytes, ...]  # longer numbers, without separators
    addresses: tuple[bytes, ...]
    days: frozenset[tuple[int, int, int]]
    years: frozenset[bytes]

    def __repr__(self) -> str:
        return "Watched(…)"

    def is_in(self, text: str) -> bool:
        """Tell whether a text holds any of it."""
        plain = folded(_BROKEN.sub("", text) if "-" in text and "\n" in text else text)
        content, low = plain.encode(), plain.lower().encode()
        said = content.translate(_LETTERS).split()
        return (
            (
                not self.words.isdisjoint(small := low.translate(_LETTERS).split())
                and names_somebody(plain, self.words & set(small))
            )
            or (not self.capitals.isdisjoint(said) and names_somebody(plain, self.capitals & set(said)))
            or (not self.common.isdisjoint(said) and self._is_named(plain))
            or any(address in low for address in self.addresses)
            or self._has_number(low)
            or any(self._has_day(low, year) for year in self.years)
        )

    def _has_day(self, low: bytes, year: bytes) -> bool:
        """Read the dates around each place where the year of one stands."""
        at = low.find(year)
        while at >= 0:
            around = low[max(at - _REACH, 0) : at + _REACH].decode("utf-8", "replace")
            if not self.days.isdisjoint(dates_in(around)):
                return True
            at = low.find(year, at + 1)
        return False

    def _is_named(self, plain: str) -> bool:
        """A common word is a name after a title."""
        return any(not is_eponym(plain, match.end()) for match in (self.titled.finditer(plain) if self.titled else ()))

    def _has_number(self, low: bytes) -> bool:
        solid = low.translate(None, _SEPARATORS)
        if any(number in solid for number in self.within):
            return True
        return bool(self.whole) and not self.whole.isdisjoint(low.translate(_TOKENS, b"-").split())


def names_somebody(plain: str, words: Iterable[bytes]) -> bool:
    """Tell whether one of the words stands anywhere but in a term of medicine, such as Kelly clamp."""
    for word in words:
        for match in re.finditer(rf"(?i)(?<![^\W\d_]){re.escape(word.decode())}(?![^\W\d_])", plain):
            if not is_eponym(plain, match.end()):
                return True
    return False


def is_eponym(plain: str, end: int) -> bool:
    """Tell whether the noun of an eponym follows: disease, clamp, test."""
    following = re.match(r"(?:-[A-Z][A-Za-z]+){0,3}(?:'[sS]?)?[ -]\n?([A-Za-z]+)", plain[end : end + 60])
    return following is not None and bool(bits_of_word(following[1].lower()) & EPONYMIC)


def folded(text: str) -> str:
    """Bring a text to plain letters by Unicode's own tables, case kept."""
    if text.isascii():
        return text
    return _OTHER.sub(lambda run: _folded_run(run[0]), text.encode("utf-8", "replace").decode())


@lru_cache(maxsize=4096)
def _folded_run(run: str) -> str:
    plain = unicodedata.normalize("NFKD", run.translate(_PLAIN))
    return "".join(letter for letter in plain if unicodedata.category(letter) not in _INVISIBLE)


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
    bits = {word: bits_of_word(word) for word in said}
    parts = name_parts("TITLES") | name_parts("PARTICLES")
    telling = {
        word
        for word in said
        if not bits[word] & (ORDINARY | GENERIC | TITLES | ABBREVIATION | EPONYMIC | _MONTHS) and word not in parts
    }
    abroad = {word for word in telling if bits[word] & FOREIGN}
    common = sorted(
        word
        for word in names - parts
        if len(word) >= 3 and bits[word] & (ORDINARY | _MONTHS) and not bits[word] & (TITLES | ABBREVIATION)
    )
    short = {word for word in telling & names if len(word) == 3} | {
        word for word in telling - names if 5 <= len(word) < 7
    }
    any_of = "|".join(word.capitalize() for word in common)
    bare = {number for number in numbers if number.isalnum()}
    return Watched(
        _as_bytes(word for word in telling - abroad if len(word) >= (4 if word in names else 7)),
        _as_bytes(form for word in short for form in (word.capitalize(), word.upper())),
        _as_bytes(word.capitalize() for word in common),
        re.compile(rf"\b(?:Dr|Mr|Mrs|Ms|Prof|Nurse)\.? (?:{any_of})\b") if common else None,
        _as_bytes(number for number in bare if 5 <= len(number) < 8),
        tuple(sorted(_as_bytes(number for number in bare if len(number) >= 8))),
        tuple(sorted(_as_bytes(numbers - bare))),
        frozenset(days),
        _as_bytes(f"{year % 100:02d}" for year, _, _ in days),
    )


def _as_bytes(texts: Iterable[str]) -> frozenset[bytes]:
    return frozenset(text.encode() for text in texts)


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
