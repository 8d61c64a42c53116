"""What rows of one part refer to: people, visits, providers, sites, and codes that stand in other records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.records.omop.elements import Codings, Elements
from bailee.records.omop.ids import Ids, names_of, referred
from bailee.records.omop.vocabulary import Vocabulary

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, repr=False)
class Index:
    """Keys that are there, and what each stands for. Shape: int64[n] ascending, int64[n]."""

    keys: Rows = field(default_factory=lambda: np.zeros(0, np.int64))
    values: Rows = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def of(cls, keys: Rows, values: Rows) -> Index:
        """Sort pairs by key."""
        order = np.argsort(keys, kind="stable")
        return cls(keys[order], values[order])

    def get(self, wanted: pa.Array) -> pa.Array:
        """Look keys up. Shape: int64[m] → int64[m]; null for one that is not there."""
        asked = pc.fill_null(wanted, -1).to_numpy(zero_copy_only=False)
        at = np.minimum(np.searchsorted(self.keys, asked), max(0, len(self.keys) - 1))
        if not len(self.keys):
            return pa.nulls(len(asked), pa.int64())
        return pa.array(self.values[at], mask=self.keys[at] != asked)


@dataclass(frozen=True, repr=False)
class CodeBook:
    """Codes of records that others refer to. Shape: m codes, sorted by the key of their record."""

    keys: Rows = field(default_factory=lambda: np.zeros(0, np.int64))
    system: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))
    code: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))

    @classmethod
    def of(cls, names: pa.Array, codings: Codings, ids: Ids) -> CodeBook:
        """Keep the codes of records. Shape: names of n records, their codes."""
        keys = ids.of(names).to_numpy(zero_copy_only=False)[codings.row]
        order = np.argsort(keys, kind="stable")
        return cls(keys[order], codings.system.take(pa.array(order)), codings.code.take(pa.array(order)))

    def codings(self, row: Rows, wanted: pa.Array) -> Codings:
        """Give the codes of what rows refer to. Shape: int64[m] rows and int64[m] keys → codes."""
        asked = pc.fill_null(wanted, -1).to_numpy(zero_copy_only=False)
        low, high = (np.searchsorted(self.keys, asked, side) for side in ("left", "right"))
        sizes = high - low
        at = pa.array(np.repeat(low - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum()))
        return Codings(np.repeat(row, sizes), self.system.take(at), self.code.take(at))


@dataclass(frozen=True, repr=False)
class Visits:
    """The visits of a part. Shape: n visits: `visit` and `detail` keys int64[n], days date32[n]."""

    place: Index = field(default_factory=Index)  # the Encounter's key → its row here
    visit: pa.Array = field(default_factory=lambda: pa.array([], pa.int64()))
    detail: pa.Array = field(default_factory=lambda: pa.array([], pa.int64()))
    start: pa.Array = field(default_factory=lambda: pa.array([], pa.date32()))


@dataclass(frozen=True, repr=False)
class Shared:
    """What no patient owns: who treats and where, and drugs that are records of their own."""

    providers: Index = field(default_factory=Index)
    care_sites: Index = field(default_factory=Index)
    medications: CodeBook = field(default_factory=CodeBook)


@dataclass(frozen=True, repr=False)
class Context:
    """Everything that rows are made against."""

    ids: Ids
    vocabulary: Vocabulary
    shared: Shared
    people: pa.Array  # pseudonyms of those who are in `person`
    visits: Visits = field(default_factory=Visits)
    books: Mapping[str, CodeBook] = field(default_factory=dict)

    def keys(self, references: pa.Array) -> pa.Array:
        """Give the keys that references stand for. Shape: string[n] → int64[n]."""
        return self.ids.of(referred(references))

    def person(self, patients: pa.Array) -> pa.Array:
        """Give the keys of people; null for nobody, and for who is not in `person`. Shape: string[n] → int64[n]."""
        encoded = patients.dictionary_encode()
        known = pc.if_else(pc.is_in(encoded.dictionary, value_set=self.people), encoded.dictionary, None)
        return self.ids.of(names_of("Patient", known)).take(encoded.indices)

    def first(self, elements: Elements, paths: tuple[str, ...], index: Index) -> pa.Array:
        """Give each row's first reference that `index` knows, path by path. Shape: → int64[n]."""
        found = pa.nulls(elements.count, pa.int64())
        for path in paths:
            row, texts = elements.texts(path)
            values = index.get(self.keys(texts))
            good = values.is_valid().to_numpy(zero_copy_only=False)
            rows, first = np.unique(row[good], return_index=True)
            at = np.full(elements.count, -1, np.int64)
            at[rows] = first
            found = pc.coalesce(found, values.drop_null().take(pa.array(at, mask=at < 0)))
        return found
