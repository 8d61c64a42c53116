"""What a plain second look at released texts looks for: the values of one chart. Shares no code with the matcher.

It is simpler than the matcher on purpose: folded words in a set, numbers without their separators, dates read by two
expressions. What it sees is certain; misspellings and initials are the matcher's affair.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Final, NamedTuple

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
LETTERS: Final = bytes(c if (chr(c).isalpha() and c < 128) or c >= 128 else 32 for c in range(256))
TOKENS: Final = bytes(c if (chr(c).isalnum() and c < 128) or c >= 128 else 32 for c in range(256))
SEPARATORS: Final = b" -./:()\t_"
_BROKEN: Final = re.compile(r"(?<=\w)-\s*\n\s*(?=\w)")
_DATE: Final = re.compile(r"(?<!\d)(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})(?!\d)")
_NAMED: Final = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th)?[ .-]*(?:of |de )?([a-z]{3,10})[ .,-]*(?:de )?(\d{4}|\d{2})(?!\d)|([a-z]{3,10})[ .]*(\d{1,2})(?:st|nd|rd|th)?[ ,]+(\d{4})(?!\d)"
)
TITLE: Final = r"\b(?:Dr|Mr|Mrs|Ms|Prof|Nurse)\.? "
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


@dataclass(frozen=True, repr=False)
class Watched:
    """What is looked for in the texts of one chart, as bytes."""

    words: frozenset[bytes]  # tell somebody wherever they stand; lower case
    capitals: frozenset[bytes]  # tell somebody where they are capitalised; as written
    common: frozenset[bytes]  # common words, capitalised
    whole: frozenset[bytes]  # numbers of five to seven characters, as a token
    within: tuple[bytes, ...]  # longer numbers, without separators
    addresses: tuple[bytes, ...]
    days: frozenset[tuple[int, int, int]]
    years: frozenset[bytes]

    def __repr__(self) -> str:
        return "Watched(…)"

    @cached_property
    def titled(self) -> re.Pattern[str]:
        """Give what finds a title, then one of the common words."""
        any_of = "|".join(sorted(word.decode() for word in self.common))
        return re.compile(rf"{TITLE}(?:{any_of})\b")

    def is_in(self, text: str) -> bool:
        """Tell whether a text holds any of it."""
        plain = read(text)
        content, low = plain.encode(), plain.lower().encode()
        said = content.translate(LETTERS).split()
        return (
            (
                not self.words.isdisjoint(small := low.translate(LETTERS).split())
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
        return any(not is_eponym(plain, match.end()) for match in self.titled.finditer(plain))

    def _has_number(self, low: bytes) -> bool:
        solid = low.translate(None, SEPARATORS)
        if any(number in solid for number in self.within):
            return True
        return bool(self.whole) and not self.whole.isdisjoint(low.translate(TOKENS, b"-").split())


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


def read(text: str) -> str:
    """Read a text as it is looked through: plain letters, words that a line end breaks put together."""
    return folded(_BROKEN.sub("", text) if "-" in text and "\n" in text else text)


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
    said = [said_by(kind, value) for kind, value in values]
    names = {word for each in said if each.is_name for word in each.words}
    others = {word for each in said if not each.is_name for word in each.words}
    numbers = {number for each in said for number in each.numbers}
    days = {day for each in said for day in each.days}
    telling = {word for word in names | others if is_telling(word)}
    short = {word for word in telling & names if len(word) == 3} | {
        word for word in telling - names if 5 <= len(word) < 7
    }
    bare = {number for number in numbers if number.isalnum()}
    return Watched(
        _as_bytes(word for word in telling if len(word) >= (4 if word in names else 7) and not _is_foreign(word)),
        _as_bytes(form for word in short for form in (word.capitalize(), word.upper())),
        _as_bytes(word.capitalize() for word in names if _is_common(word)),
        _as_bytes(number for number in bare if 5 <= len(number) < 8),
        tuple(sorted(_as_bytes(number for number in bare if len(number) >= 8))),
        tuple(sorted(_as_bytes(numbers - bare))),
        frozenset(days),
        _as_bytes(f"{year % 100:02d}" for year, _, _ in days),
    )


class Said(NamedTuple):
    """What one value of a chart gives to look for: folded words in lower case, numbers without separators, days."""

    words: tuple[str, ...] = ()
    is_name: bool = False
    numbers: tuple[str, ...] = ()
    days: tuple[tuple[int, int, int], ...] = ()


@lru_cache(maxsize=1 << 12)
def said_by(kind: str, value: str) -> Said:
    """Say what a value gives to look for. Cost: once for the clinicians and places of many charts."""
    plain = folded(value).lower()
    if kind.split("-", maxsplit=1)[0] in NAME_KINDS:
        return Said(words=tuple(_WORD.findall(plain)), is_name=True)
    if kind in WORD_KINDS:
        return Said(words=tuple(_WORD.findall(plain)))
    if kind in NUMBER_KINDS:
        return Said(numbers=tuple(_numbers_of(plain)))
    if kind in {"email", "url"} and len(plain) >= 8:
        return Said(numbers=(re.sub(r"^(https?://)?(www\.)?", "", plain),))
    if kind == "date-birth" and re.match(r"\d{4}-\d\d-\d\d", value):
        return Said(days=((int(value[:4]), int(value[5:7]), int(value[8:10])),))
    return Said()


def is_telling(word: str) -> bool:
    """Tell whether a word is a name or part of one wherever it stands: no word of a language, of medicine, or of places."""
    known = ORDINARY | GENERIC | TITLES | ABBREVIATION | EPONYMIC | _MONTHS
    return not bits_of_word(word) & known and word not in _parts()


def _is_common(word: str) -> bool:
    bits = bits_of_word(word)
    ordinary = bits & (ORDINARY | _MONTHS) and not bits & (TITLES | ABBREVIATION)
    return len(word) >= 3 and bool(ordinary) and word not in _parts()


def _is_foreign(word: str) -> bool:
    return bool(bits_of_word(word) & FOREIGN)


@cache
def _parts() -> frozenset[str]:
    return name_parts("TITLES") | name_parts("PARTICLES")


def _as_bytes(texts: Iterable[str]) -> frozenset[bytes]:
    return frozenset(text.encode() for text in texts)


def _numbers_of(plain: str) -> Iterator[str]:
    solid = plain.isascii() and plain.isalnum()
    bare = plain if solid else re.sub(r"[^0-9a-z]", "", re.sub(r"^urn:(?:uuid|oid):", "", plain))
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
