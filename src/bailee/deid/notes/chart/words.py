"""Word lists as one table for the kernel: cues of this room, and the common words that the notes' word lists know."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bailee.core.kernels import address, library
from bailee.deid.notes.text import hash_ranges, hash_words

# Bits of a word; shared with `kernels/chart.h`.
ORDINARY, GENERIC, TITLES, EPONYMIC, VERBS, CUES, LAST_FOUR, ABBREVIATION = (1 << bit for bit in range(8))
MONTH_SHIFT: Final = 8
ALIAS_SHIFT: Final = 12
KNOWN, FOREIGN = 1 << 20, 1 << 21  # a dictionary has it; a dictionary of another language than English has it
# Mr; before a month; ends with a full stop in mid-sentence; of whom
HONORIFIC, WHEN, STOPS_SHORT, WHOSE = 1 << 22, 1 << 23, 1 << 24, 1 << 25
# never a name for its company alone; what only people do; whose initials follow; who did it; before a place
THING, HUMAN, BEARER, AT_WORK, INTO = 1 << 26, 1 << 27, 1 << 28, 1 << 29, 1 << 30

_BITS: Final = {
    "ORDINARY": ORDINARY,
    "GENERIC": GENERIC,
    "TITLES": TITLES,
    "EPONYMIC": EPONYMIC,
    "VERBS": VERBS,
    "CUES": CUES,
    "LAST_FOUR": LAST_FOUR,
    "ABBREVIATION": ABBREVIATION,
    "HONORIFIC": HONORIFIC,
    "WHEN": WHEN,
    "STOPS_SHORT": STOPS_SHORT,
    "WHOSE": WHOSE,
    "THING": THING,
    "HUMAN": HUMAN,
    "BEARER": BEARER,
    "AT_WORK": AT_WORK,
    "INTO": INTO,
}


class LexiconView(ctypes.Structure):
    """The table as the kernel takes it."""

    _fields_ = (("keys", ctypes.c_void_p), ("bits", ctypes.c_void_p), ("mask", ctypes.c_uint64))


@dataclass(frozen=True, repr=False)
class WordTable:
    """Shape: keys uint64[2**n], 0 where free, bits uint32[2**n]."""

    keys: npt.NDArray[np.uint64]
    bits: npt.NDArray[np.uint32]

    def __repr__(self) -> str:
        return f"WordTable({int(np.count_nonzero(self.keys))} words)"

    def view(self) -> LexiconView:
        """Give the table to the kernel. The arrays must outlive the view."""
        return LexiconView(address(self.keys), address(self.bits), len(self.keys) - 1)

    def bits_of(self, words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint32]:
        """Tell the bits of words by their hashes. Shape: uint64[n] → uint32[n]."""
        out = np.zeros(len(words), np.uint32)
        view, words = self.view(), np.ascontiguousarray(words)
        library().chart_bits(ctypes.byref(view), address(words), ctypes.c_int64(len(words)), address(out))
        return out


@lru_cache(maxsize=1 << 16)
def bits_of_word(word: str) -> int:
    """Tell the bits of one folded word."""
    return int(word_table().bits_of(hash_words([word]))[0])


def read_sections(name: str) -> dict[str, list[list[str]]]:
    """Read a list file of this room: section → lines of words."""
    return read_lines((files(__package__) / name).read_text(encoding="utf-8"))


def read_lines(text: str) -> dict[str, list[list[str]]]:
    """Read the text of a list file: `[SECTION]` lines, lines of words, comments after #."""
    sections: dict[str, list[list[str]]] = {}
    lines: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("["):
            lines = sections.setdefault(line.strip("[]"), [])
        elif line.strip() and not line.startswith("#"):
            lines.append(line.split())
    return sections


@cache
def word_table() -> WordTable:
    """Build the table once. Cost: some milliseconds."""
    sections = read_sections("cues.txt")
    words = [(word, bit) for name, bit in _BITS.items() for line in sections[name] for word in line]
    for line in sections["MONTHS"]:
        words += [(word, month << MONTH_SHIFT) for month, word in enumerate(line, 1)]
    for alias, line in enumerate(sections["ALIASES"], 1):
        words += [(word, alias << ALIAS_SHIFT) for word in line]
    own = hash_words([word for word, _ in words])
    hashes, bits = _from_lexica()
    return _table(
        np.concatenate([own, hashes]), np.concatenate([np.array([bits for _, bits in words], np.uint32), bits])
    )


def _from_lexica() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32]]:
    """Take what the notes' word lists say of words that are nobody's usual name, and the parts of names of places."""
    from bailee.deid.notes.lexica import words as listed

    words = listed()
    bits = _bits_of_masks(words.mask)
    chosen = np.flatnonzero(bits)
    start, end = np.ascontiguousarray(words.start[chosen]), np.ascontiguousarray(words.end[chosen])
    return hash_ranges(np.ascontiguousarray(words.text), start, end), bits[chosen]


def _bits_of_masks(mask: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint32]:
    from bailee.deid.notes.lexica import CLINICAL, Category

    def has(category: Category) -> npt.NDArray[np.bool_]:
        return np.asarray((mask & np.uint64(category)) != 0)

    nobody = ~has(Category.GIVEN | Category.FAMILY)
    ordinary = nobody & has((CLINICAL & ~Category.EPONYM) | Category.COMMON_EN | Category.FUNCTION)
    rules = (
        (ordinary, ORDINARY | KNOWN),
        (nobody & has(Category.KNOWN_EN), KNOWN),
        (nobody & has(Category.COMMON_ES | Category.COMMON_FR | Category.COMMON_DE), FOREIGN),
        (has(Category.EPONYM_HEAD), EPONYMIC),
        (has(Category.FACILITY | Category.STREET_AFTER | Category.STREET_BEFORE | Category.UNIT), GENERIC),
        (has(Category.SHORTHAND | Category.CREDENTIAL | Category.MEASURE | Category.GENE), ABBREVIATION),
    )
    bits = np.zeros(len(mask), np.uint32)
    for where, add in rules:
        bits[where] |= np.uint32(add)
    return bits


def _table(hashes: npt.NDArray[np.uint64], bits: npt.NDArray[Any]) -> WordTable:
    """Build a table; a word that comes twice has the bits of both."""
    hashes = np.ascontiguousarray(hashes)
    size = 1 << (2 * len(hashes) + 16).bit_length()
    keys, values, add = np.zeros(size, np.uint64), np.zeros(size, np.uint32), np.ascontiguousarray(bits, np.uint32)
    learn = library().chart_learn
    learn.restype = None
    learn(
        address(keys),
        address(values),
        ctypes.c_uint64(size - 1),
        address(hashes),
        address(add),
        ctypes.c_int64(len(hashes)),
    )
    return WordTable(keys, values)
