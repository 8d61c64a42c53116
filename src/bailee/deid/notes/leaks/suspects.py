"""Which texts could hold a value of which chart: a quick sieve before the second look, which lets nothing through.

A label such as "Body temperature" stands in a thousand charts. To hold it against each of them is slow, so that its words,
numbers and years are looked up once in an index of all values of the batch's charts. Every way in which `Watched.is_in` can
say yes begins with a key of the index standing in the text, so that a pair which the sieve clears holds nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import numpy as np

from bailee.deid.notes.chart.charts import Charts
from bailee.deid.notes.chart.kinds import NAMES
from bailee.deid.notes.leaks.watched import (
    LETTERS,
    SEPARATORS,
    TITLE,
    TOKENS,
    is_telling,
    read,
    said_by,
)

WITHIN: Final = 8  # bytes that a number which is looked for between others has at least
ADDRESS: Final = 4
YEAR: Final = 2
_DIGITS: Final = frozenset(b"0123456789")
_LEAST_DIGITS: Final = 3  # of a date: day and two of the year, the month by name
_TITLE: Final = re.compile(TITLE)

Values = set[int]
_Index = defaultdict[bytes, Values]


class Suspects:
    """An index of all values of a batch's charts, by a key that stands in every text that holds the value."""

    def __init__(self, charts: Charts) -> None:
        self._words, self._whole, self._within, self._addresses, self._years = (_Index(set) for _ in range(5))
        self._short: Values = set()  # addresses too short for a key
        self._odd: set[bytes] = set()  # forms of words whose capitals do not lower to themselves
        coded = charts.value.dictionary_encode()
        pairs = charts.kind.astype(np.int64) << 40 | coded.indices.to_numpy()
        distinct, value_of = np.unique(pairs, return_inverse=True)
        texts = coded.dictionary.to_pylist()
        for number, pair in enumerate(distinct.tolist()):
            self._add(number, NAMES[pair >> 40], texts[pair & ((1 << 40) - 1)])
        order = np.argsort(value_of, kind="stable")
        self._charts = charts.chart[order]
        self._first = np.searchsorted(value_of[order], np.arange(len(distinct) + 1))

    def __repr__(self) -> str:
        return f"Suspects({len(self._first) - 1} values)"

    def of(self, text: str) -> set[int]:
        """Give every chart that the text could hold something of; the others' values are surely not in it."""
        values = self._values(read(text))
        return {
            chart for value in values for chart in self._charts[self._first[value] : self._first[value + 1]].tolist()
        }

    def _values(self, plain: str) -> Values:
        low = plain.lower().encode()
        found = set(self._short)
        titled = _TITLE.search(plain) is not None
        words = _hits(self._words, _words(plain, low))
        found.update(*(self._words[word] for word in words if titled or self._tells(word)))
        _look(self._whole, low.translate(TOKENS, b"-").split(), found)
        _look(self._within, _windows(low.translate(None, SEPARATORS), WITHIN), found)
        _look(self._addresses, _windows(low, ADDRESS), found)
        if not plain.isascii() or sum(byte in _DIGITS for byte in low) >= _LEAST_DIGITS:
            _look(self._years, _windows(low, YEAR), found)
        return found

    def _tells(self, word: bytes) -> bool:
        return word in self._odd or is_telling(word.decode())

    def _add(self, value: int, kind: str, text: str) -> None:
        said = said_by(kind, text)
        for word in said.words:
            form = word.encode()
            self._words[form].add(value)
            if not word.isascii():
                odd = {word.upper().lower().encode(), word.capitalize().lower().encode()} - {form}
                self._odd |= odd
                for other in odd:
                    self._words[other].add(value)
        for number in said.numbers:
            self._add_number(value, number.encode(), alone=number.isalnum())
        for year, _, _ in said.days:
            self._years[f"{year % 100:02d}".encode()].add(value)

    def _add_number(self, value: int, number: bytes, *, alone: bool) -> None:
        if alone:
            index, key = (self._within, number[:WITHIN]) if len(number) >= WITHIN else (self._whole, number)
            index[key].add(value)
        elif len(number) >= ADDRESS:
            self._addresses[number[:ADDRESS]].add(value)
        else:
            self._short.add(value)


def _words(plain: str, low: bytes) -> Iterator[bytes]:
    """Give a text's words in lower case, both as the whole text is lowered and each by itself: Σ tells the two apart."""
    yield from low.translate(LETTERS).split()
    if not plain.isascii():
        yield from (word.decode().lower().encode() for word in plain.encode().translate(LETTERS).split())


def _windows(text: bytes, size: int) -> Iterator[bytes]:
    return (text[at : at + size] for at in range(len(text) - size + 1))


def _hits(index: Mapping[bytes, Values], keys: Iterable[bytes]) -> set[bytes]:
    return index.keys() & set(keys)


def _look(index: Mapping[bytes, Values], keys: Iterable[bytes], found: Values) -> None:
    found.update(*(index[key] for key in _hits(index, keys)))
