"""Words to draw from by what they may be: names, ordinary words, words that are both. Draws only; it writes no text."""

from __future__ import annotations

from functools import cache, cached_property
from random import Random
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from bailee.deid.notes.lexica.categories import Category
from bailee.deid.notes.lexica.load import words

Places: TypeAlias = npt.NDArray[np.int64]

_PLAIN: Final = Category.MEDICAL | Category.DRUG | Category.ANATOMY | Category.KNOWN_EN
_NOT_NAMES: Final = Category.TITLE | Category.CREDENTIAL | Category.PARTICLE | Category.ROLE
_BY_LANGUAGE: Final = {
    "en": Category.COMMON_EN, "es": Category.COMMON_ES, "fr": Category.COMMON_FR, "de": Category.COMMON_DE,
}  # fmt: skip
_NAMES: Final = (Category.GIVEN, Category.GIVEN_RARE, Category.FAMILY, Category.FAMILY_RARE)
_ANY_NAME: Final = _NAMES[0] | _NAMES[1] | _NAMES[2] | _NAMES[3]
_PLACES: Final = Category.CITY | Category.CITY_RARE | Category.REGION | Category.COUNTRY | Category.COMPANY


class Pools:
    """Words to draw from, by what they may be."""

    def __init__(self, language: str) -> None:
        listed = words()
        lengths = listed.end - listed.start
        usable = (lengths >= 3) & (lengths <= 16)
        mask = listed.mask
        common = (mask & np.uint64(int(_BY_LANGUAGE[language]))) != 0
        plain = (mask & np.uint64(int(_PLAIN))) != 0
        named = (mask & np.uint64(int(_ANY_NAME | _PLACES))) != 0
        self._mask, self._usable = mask, usable
        self._text, self._start, self._end = bytes(listed.text), listed.start, listed.end
        self._known = np.flatnonzero(common | plain)
        self.plain = np.flatnonzero(usable & (common | plain) & ~named)
        self.ordinary = np.flatnonzero(usable & common & ~named)
        both = np.flatnonzero(usable & common & named)
        self.doubtful = both if len(both) else self.plain
        self.eponyms = np.flatnonzero(usable & ((mask & np.uint64(int(Category.EPONYM))) != 0))
        self.names = [np.flatnonzero(usable & ((mask & np.uint64(int(kind))) != 0)) for kind in _NAMES]

    def draw(self, pool: Places, rng: Random) -> str:
        """Give one word of a pool."""
        place = pool[int(rng.random() * len(pool))]
        return self._text[self._start[place] : self._end[place]].decode()

    def of(self, category: Category) -> Places:
        """Give the words that may be of a category."""
        return np.flatnonzero(self._usable & ((self._mask & np.uint64(int(category))) != 0))

    def is_proper(self, word: str) -> bool:
        """Tell whether a word, in small letters, is nothing that languages or medicine say: a name of some kind, or unknown."""
        return word not in self._common

    @cached_property
    def _common(self) -> frozenset[str]:
        known = self._known
        return frozenset(
            self._text[low:high].decode() for low, high in zip(self._start[known], self._end[known], strict=True)
        )

    @cached_property
    def cities(self) -> Places:
        """Towns, large and small."""
        return self.of(Category.CITY | Category.CITY_RARE)

    def name(self, rng: Random) -> str:
        """Give a name: from any list, an ordinary word, or one that nobody bears."""
        chance = rng.random()
        if chance < 0.80:
            return self.draw(self.names[int(rng.random() * 4)], rng)
        if chance < 0.84:
            return self.draw(self.doubtful, rng)
        if chance < 0.85:
            return self.draw(self.ordinary, rng)
        if chance < 0.91:
            return self.draw(self.eponyms, rng)
        first, second = (self.draw(self.names[int(rng.random() * 4)], rng) for _ in range(2))
        return first[: max(2, len(first) // 2)] + second[len(second) // 2 :]


@cache
def pools(language: str) -> Pools:
    """Give the pools of a language. Raises: KeyError for one without words."""
    return Pools(language)


def shaped(shape: str, rng: Random, letters: str = "A") -> str:
    """Fill a shape: 9 is a digit, A one of the letters, any other sign itself."""
    return "".join(
        str(rng.randint(0, 9)) if sign == "9" else rng.choice(letters) if sign == "A" else sign for sign in shape
    )
