"""Texts of messages and documents through the notes engine, with what each itself knows of its people as the chart."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa

from bailee.deid.formats.identities import Identity
from bailee.deid.formats.passages import Passage
from bailee.deid.formats.persons import Person
from bailee.deid.notes.chart.charts import charts_from_columns
from bailee.deid.notes.scrub import Subjects
from bailee.flows.deidentify.run import Run
from bailee.flows.release.plan import ReleasePlan
from bailee.flows.release.texts import LABEL_CHARACTERS, TextCleaner

NINETY = 90
_Same = tuple[int, tuple[str, ...], tuple[str, ...]]  # whose, pieces, glue


class Met(Protocol):
    """What a message or document says of somebody."""

    @property
    def identities(self) -> Sequence[Identity]:
        """Identifiers of the person."""

    @property
    def described(self) -> str:
        """Name and birth date, in one way; "" where they tell nobody apart."""

    @property
    def values(self) -> Sequence[tuple[str, str, int]]:
        """What the chart holds: kind, value, number of the person."""

    @property
    def birth(self) -> str:
        """The birth date as it is written."""

    @property
    def death(self) -> str:
        """The date of death as it is written."""


@dataclass(repr=False)
class People:
    """The persons of a batch of messages or documents: row i has a root and a chart of its own."""

    run: Run
    identifiability: str
    roots: list[bytes] = field(default_factory=list)
    ninety: list[bool] = field(default_factory=list)
    chart: list[int] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    value: list[str] = field(default_factory=list)
    person: list[int] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"People({len(self.roots)})"

    @property
    def shifts(self) -> bool:
        """Tell whether dates are moved."""
        return self.identifiability == "expert-determination"

    def add(
        self, root: bytes, values: Sequence[tuple[str, str, int]], *, birth: str, death: str, nobody: bool = False
    ) -> tuple[int, Person]:
        """Take a person in; give the row and what becomes of the person. `nobody`: of dates only the year stays."""
        row, keys = len(self.roots), self.run.keys
        self.roots.append(root)
        self.ninety.append(reaches_ninety(birth, death, as_of=self.run.as_of))
        for kind, value, person in values:
            self.chart.append(row)
            self.kind.append(kind)
            self.value.append(value)
            self.person.append(person)
        days = keys.shift_days(root) if self.shifts and not nobody else None
        return row, Person(keys.pseudonym(root), days, self.ninety[row])

    def find(self, met: Met, content: bytes, unit: str, at: str = "") -> tuple[int, Person]:
        """Take in whoever is met: known by identifiers, else by name and birth date, else nobody of just this content."""
        persons = self.run.persons
        root = persons.root(met.identities)
        if root is None and met.described:
            root = persons.root([("described", met.described)])
        nobody = root is None
        if root is None:
            whole = hmac.digest(self.run.keys.subkey("nobody"), content, "sha256").hex()
            root = persons.root([(unit, whole + at)])
        assert root is not None
        return self.add(root, met.values, birth=met.birth, death=met.death, nobody=nobody)

    def cleaned(self, passages: Sequence[Passage], terms: ReleasePlan) -> list[list[str] | None]:
        """Clean passages of these people, in bulk."""
        charts = charts_from_columns(len(self.roots), self.chart, self.kind, self.value, person=self.person)
        ninety = np.array(self.ninety, np.bool_)
        subjects = Subjects.of(self.run.keys, self.roots, shift=self.shifts, ninety=ninety, charts=charts)
        cleaner = TextCleaner(charts, subjects, self.run.keys, self.run.account.counts, plan=terms)
        out: list[list[str] | None] = [None] * len(passages)
        same: dict[bool, dict[_Same, list[int]]] = {True: {}, False: {}}
        for at, each in enumerate(passages):
            if each.pieces:
                of_kind = same[sum(map(len, each.pieces)) < LABEL_CHARACTERS]  # by the same measure as in FHIR records
                of_kind.setdefault((each.row, tuple(each.pieces), tuple(each.glue)), []).append(at)
        for label, groups in same.items():
            first = [passages[places[0]] for places in groups.values()]
            for places, pieces in zip(groups.values(), self._cleaned(cleaner, first, label=label), strict=True):
                for at in places:
                    out[at] = pieces
        return out

    def _cleaned(self, cleaner: TextCleaner, passages: list[Passage], *, label: bool) -> list[list[str] | None]:
        if not passages:
            return []
        texts = pa.array([each.text() for each in passages], pa.string())
        rows = np.array([each.row for each in passages], np.int32)
        return cleaner.passages(texts, rows, [each.places() for each in passages], label=label)


def reaches_ninety(birth: str, death: str, *, as_of: str) -> bool:
    """Tell who reaches ninety in the year of death, or by `as_of`; a birth date that cannot be read counts as yes.

    Source: 45 CFR 164.514(b)(2)(i)(C), by whole years as in `flows.release.people`.
    """
    if not birth.strip(' "'):
        return False
    born = birth.strip()[:4]
    if not (born.isascii() and born.isdigit() and len(born) == 4):
        return True
    died = death.strip()[:4]
    until = int(died) if died.isascii() and died.isdigit() and len(died) == 4 else int(as_of[:4])
    return until - int(born) >= NINETY
