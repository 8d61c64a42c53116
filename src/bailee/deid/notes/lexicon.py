"""What the word lists say of each token: an open table from a word's hash to a mask of categories. Holds no words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from bailee.core.errors import Unavailable
from bailee.deid.notes.lexica.categories import Category
from bailee.deid.notes.lexica.load import words
from bailee.deid.notes.text import ALL_UPPER, WORD, Text, Tokens, at, hash_ranges, hash_words, kernels, whole

Hashes = npt.NDArray[np.uint64]
Masks = npt.NDArray[np.uint64]


@dataclass(frozen=True, repr=False)
class Lexicon:
    """The table. Shape: uint64[2**bits, 2], pairs of key and mask; key 0 is an empty place."""

    table: npt.NDArray[np.uint64]
    bits: int

    def __repr__(self) -> str:
        """Tell the size only."""
        return f"Lexicon({int(np.count_nonzero(self.table[:, 0]))} words)"

    def lookup(self, hashes: Hashes) -> Masks:
        """Give the mask of each hash, 0 for words that are on no list.

        Cost: one or two cache misses a word.
        """
        out = np.empty(max(len(hashes), 1), np.uint64)[: len(hashes)]
        kernels().notes_lookup(at(hashes), whole(len(hashes)), at(self.table), self.bits, at(out))
        return out

    def of(self, text: Text) -> Masks:
        """Give the mask of each token of a batch; marks and breaks have none."""
        return self.lookup(text.tokens.hash)


def lexicon_from_words(words: list[str], masks: Masks) -> Lexicon:
    """Build a table of folded words. A word that comes twice is in both categories."""
    return lexicon_from_hashes(hash_words(words), masks)


def lexicon_from_hashes(hashes: Hashes, masks: Masks) -> Lexicon:
    """Build a table of words that are known by their hashes only."""
    bits = max(4, int(len(hashes) * 3 // 2).bit_length())
    table = np.zeros((1 << bits, 2), np.uint64)
    if kernels().notes_insert(at(hashes), at(masks), whole(len(hashes)), at(table), bits) < 0:
        raise Unavailable("the table of words is too small for its lists")
    return Lexicon(table, bits)


@cache
def lexicon() -> Lexicon:
    """Give the table of the package's word lists.

    Cost: some 50 ms, once a process.
    """
    listed = words()
    return lexicon_from_hashes(hash_ranges(listed.text, listed.start, listed.end), listed.mask)


def codes(tokens: Tokens, masks: Masks) -> npt.NDArray[np.bool_]:
    """Tell the words of two to five capitals that are no frequent name, in notes that are not all capitals.

    They are mostly tests, genes and diseases.
    """
    word, upper = tokens.kind == WORD, tokens.shape == ALL_UPPER
    notes = len(tokens.first) - 1
    words_in = np.bincount(tokens.note[word], minlength=notes)
    loud = np.bincount(tokens.note[word & upper], minlength=notes) * 2 > words_in
    frequent = (masks & np.uint64(int(Category.GIVEN | Category.FAMILY))) != 0
    return np.asarray(upper & word & (tokens.end - tokens.start <= 5) & ~frequent & ~loud[tokens.note])
