"""What is known of one patient while notes are rewritten: the key's choices, and the chart's words that may not be used."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import Final

from bailee.deid.notes.chart.charts import Charts
from bailee.deid.notes.chart.kinds import KINDS, Role
from bailee.deid.notes.chart.spellings import full_name, name_parts
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


@lru_cache(maxsize=1 << 16)
def words_in(text: str) -> frozenset[str]:
    """Give the folded words of a text. Names and values come again and again, over patients too."""
    return frozenset(WORD.findall(folded(text)))


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
        self.said: dict[str, str] = {}  # words as written that always stand for the same, and what for
        self._meant: dict[tuple[str, str], str] = {}

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
        found = self._meant.get((role, word))
        if found is None:
            found = self._meant[role, word] = self._nearest(word, role)
        return found

    def _nearest(self, word: str, role: str) -> str:
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
        words = set[str]().union(*(words_in(value) for kind, value in self.values if _ROLES[kind] <= Role.WIRE))
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
    def birth_days(self) -> frozenset[tuple[int, int, int]]:
        """Give year, month and day of the chart's birth dates that are whole."""
        said = (re.match(r"(\d{4})-(\d\d)-(\d\d)", value) for kind, value in self.values if kind == "date-birth")
        return frozenset((int(day[1]), int(day[2]), int(day[3])) for day in said if day)

    @cached_property
    def birth_years(self) -> frozenset[int]:
        """Give the years in the chart's birth dates."""
        return frozenset(int(value[:4]) for kind, value in self.values if kind == "date-birth" and value[:4].isdigit())

    @cached_property
    def genders(self) -> dict[str, str]:
        """Tell the gender of given names whose bearers' gender the chart knows: `male` or `female`."""
        if self._charts is None or self._chart < 0:
            return {}
        known = {
            person: value
            for kind, value, person in self._rows
            if kind.endswith("gender") and value in {"male", "female"}
        }
        return {
            word: known[person]
            for kind, value, person in self._rows
            if person in known and _ROLES[kind] in {Role.GIVEN, Role.FULL}
            for word in _split_name(kind, value)[0]
        }

    @cached_property
    def _rows(self) -> list[tuple[str, str, int]]:
        assert self._charts is not None
        people = self._charts.persons_of(self._chart)
        return [(kind, value, person) for (kind, value), person in zip(self.values, people, strict=True)]

    def allows(self, text: str) -> bool:
        """Tell whether a surrogate holds no word of the chart."""
        return self.words.isdisjoint(words_in(text))

    def _words_of(self, role: Role) -> dict[str, None]:
        part = 0 if role == Role.GIVEN else 1
        names = (value for value in self.values if _ROLES[value[0]] in {role, Role.FULL})
        return dict.fromkeys(sorted({word for kind, value in names for word in _split_name(kind, value)[part]}))


@lru_cache(maxsize=1 << 14)
def _split_name(kind: str, value: str) -> tuple[frozenset[str], frozenset[str]]:
    """Give the given and the family names in one value, folded, without titles, particles and initials."""
    parts: dict[Role, set[str]] = {Role.GIVEN: set(), Role.FAMILY: set()}
    role = Role(_ROLES[kind])
    forms = list(full_name(value)) if role == Role.FULL else [(role, value)]
    minor = name_parts("TITLES") | name_parts("PARTICLES") if role == Role.FULL else name_parts("PARTICLES")
    for form_role, form in forms:
        parts[form_role] |= {word for word in WORD.findall(folded(form)) if len(word) > 1 and word not in minor}
    return frozenset(parts[Role.GIVEN]), frozenset(parts[Role.FAMILY])


_ROLES: Final = {name: int(role) for name, (role, _) in KINDS.items()}
