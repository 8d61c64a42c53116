"""What is known of one patient while notes are rewritten: the key's choices, and the chart's words that may not be used."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import Final

from bailee.deid.notes.chart.charts import Charts
from bailee.deid.notes.chart.kinds import KINDS, Role
from bailee.deid.notes.chart.spellings import name_parts
from bailee.deid.notes.chart.words import GENERIC, bits_of_word
from bailee.deid.notes.folding import fold
from bailee.deid.notes.surrogates.draws import Draws
from bailee.deid.notes.surrogates.edits import SHORTEST, edit_between, neighbours, without_one

WORD: Final = re.compile(r"[^\W\d_]+")  # also letters that fold to digits: callers must not expect a-z


def folded(text: str) -> str:
    """Fold a text as the notes' finders do, lower case. ASCII takes the short way."""
    return text.lower() if text.isascii() else _folded(text)


@lru_cache(maxsize=1 << 14)
def _folded(text: str) -> str:
    return "".join(map(fold, text)).lower()


class Subject:
    """One patient whose notes are rewritten."""

    def __init__(
        self, secret: bytes, *, shift_days: int | None, ninety: bool, charts: Charts | None = None, chart: int = -1
    ) -> None:
        self.draws = Draws(secret)
        self.shift_days = shift_days  # None: dates are reduced to their year
        self.ninety = ninety
        self._charts, self._chart = charts, chart
        self.memory: dict[tuple[str, str], str] = {}
        self.tables: dict[str, dict[str, str]] = {}

    def __repr__(self) -> str:
        return "Subject(…)"

    @cached_property
    def values(self) -> list[tuple[str, str]]:
        """List the chart's (kind, value) pairs."""
        return self._charts.values_of(self._chart) if self._charts is not None and self._chart >= 0 else []

    @cached_property
    def given(self) -> dict[str, None]:
        """List the chart's given names, folded, in order of the alphabet."""
        return self._words_of(Role.GIVEN)

    @cached_property
    def family(self) -> dict[str, None]:
        """List the chart's family names, folded, in order of the alphabet."""
        return self._words_of(Role.FAMILY)

    def meant_by(self, word: str, role: str) -> str:
        """Tell which of the chart's names was misspelt by one letter; nothing if none, or if the word is one."""
        known = self.given if role == "given" else self.family
        if len(word) < SHORTEST - 1 or word in known:
            return ""
        near = self._near_given if role == "given" else self._near_family
        candidates = {base for left in without_one(word) for base in near.get(left, ())}
        return min((base for base in candidates if edit_between(base, word)), default="")

    @cached_property
    def _near_given(self) -> dict[str, tuple[str, ...]]:
        return neighbours(self.given)

    @cached_property
    def _near_family(self) -> dict[str, tuple[str, ...]]:
        return neighbours(self.family)

    @cached_property
    def words(self) -> frozenset[str]:
        """Give every word of the chart that tells something, folded: no surrogate may hold one."""
        words = {
            word for kind, value in self.values if _ROLES[kind] <= Role.WIRE for word in WORD.findall(folded(value))
        }
        kept = name_parts("TITLES") | name_parts("PARTICLES")
        names = self.given.keys() | self.family.keys()
        telling = {word for word in words if len(word) > 1 and word not in kept and not bits_of_word(word) & GENERIC}
        return frozenset(telling | names)

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Give the letters and digits of the chart's numbers: no surrogate may be one."""
        return frozenset(
            "".join(filter(str.isalnum, value)).lower() for kind, value in self.values if _ROLES[kind] == Role.NUMBER
        )

    @cached_property
    def birth_years(self) -> frozenset[int]:
        """Give the years in the chart's birth dates."""
        return frozenset(int(value[:4]) for kind, value in self.values if kind == "date-birth" and value[:4].isdigit())

    def allows(self, text: str) -> bool:
        """Tell whether a surrogate holds no word of the chart."""
        return self.words.isdisjoint(WORD.findall(folded(text)))

    def _words_of(self, role: Role) -> dict[str, None]:
        """List the words of one role; in a whole name titles and particles are no names."""
        alone = {word for kind, value in self.values if _ROLES[kind] == role for word in WORD.findall(folded(value))}
        whole = {
            word for kind, value in self.values if _ROLES[kind] == Role.FULL for word in WORD.findall(folded(value))
        }
        whole -= name_parts("TITLES") | name_parts("PARTICLES")
        return dict.fromkeys(sorted(word for word in alone | whole if len(word) > 1))


_ROLES: Final = {name: int(role) for name, (role, _) in KINDS.items()}
