"""Released records of one type as columns: the values at fixed paths, by record or by a repeated part of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.columns import buffer_of
from bailee.records.batches import ReleaseBatch
from bailee.records.masks import truth
from bailee.records.walk import Bytes, Collected, Kind, Paths, collect

Rows = npt.NDArray[np.int64]
# What a CodeableConcept is read by, and a Coding.
CODINGS = ("coding.system", "coding.code")
CODING = ("system", "code")


@dataclass(frozen=True, repr=False)
class Codings:
    """Codes in the order in which records state them. Shape: m codes; `row` numbers the record or part, ascending."""

    row: Rows
    system: pa.StringArray
    code: pa.StringArray

    def __len__(self) -> int:
        return len(self.row)

    def where(self, mask: npt.NDArray[np.bool_]) -> Codings:
        """Keep the codes that a mask selects."""
        return Codings(self.row[mask], self.system.filter(pa.array(mask)), self.code.filter(pa.array(mask)))

    @classmethod
    def join(cls, several: Sequence[Codings]) -> Codings:
        """Put codes of the same rows together; of one row, the first's codes come first."""
        if not several:
            return cls(np.zeros(0, np.int64), pa.array([], pa.string()), pa.array([], pa.string()))
        row = np.concatenate([each.row for each in several])
        order = np.argsort(row, kind="stable")
        at = pa.array(order)
        system = pa.concat_arrays([each.system.cast(pa.string()) for each in several]).take(at)
        return cls(row[order], system, pa.concat_arrays([each.code for each in several]).take(at))


@dataclass(frozen=True, repr=False)
class Elements:
    """Values of n rows: of records, or of the parts of records that `part` names. `record` numbers each row's record."""

    count: int
    record: Rows
    _found: Collected
    _row: npt.NDArray[np.int32]
    _tags: dict[str, int]
    _buffer: Bytes

    @classmethod
    def of(cls, kind: str, batch: ReleaseBatch, paths: Iterable[str], *, contained: Iterable[str] = ()) -> Elements:
        """Look into records of one type. `contained` are paths of contained resources: "Medication.id".

        Shape: n records → n rows. Cost: one pass over the bytes.
        """
        tags = {path: tag for tag, path in enumerate(dict.fromkeys([*paths, *contained]))}
        inner = set(contained)
        wanted = {
            ((path.split(".", 1)[0], path.split(".", 1)[1]) if path in inner else (kind, path)): tag
            for path, tag in tags.items()
        }
        buffer, offsets = buffer_of(batch.rows["json"])
        found = collect(buffer, offsets, Paths(wanted, contained=bool(inner)))
        from_inside = np.array([path in inner for path in tags], np.bool_)
        found = found.where(found.inside == from_inside[found.tag]) if tags else found
        return cls(len(batch), np.arange(len(batch)), found, found.record, tags, buffer)

    def parts(self, name: str) -> Elements:
        """See each object of a repeated element as a row; its paths lose the name. Shape: n records → m parts."""
        inside = {path: tag for path, tag in self._tags.items() if path.startswith(f"{name}.")}
        depth = np.full(len(self._tags), -1, np.int64)
        for path, tag in inside.items():
            depth[tag] = path.removeprefix(f"{name}.").count(".")
        level = depth[self._found.tag]
        found, level = self._found.where(level >= 0), level[level >= 0]
        owner = found.parent.astype(np.int64)
        for step in range(int(level.max(initial=0))):
            owner = np.where(level > step, found.up[owner], owner)
        objects, row = np.unique(owner, return_inverse=True)
        record = np.zeros(len(objects), np.int64)
        record[row] = found.record
        order = np.lexsort((np.arange(len(row)), row))
        tags = {path.removeprefix(f"{name}."): tag for path, tag in inside.items()}
        return Elements(len(objects), record, found.where(order), row[order].astype(np.int32), tags, self._buffer)

    def texts(self, path: str) -> tuple[Rows, pa.StringArray]:
        """Give all values at a path, with their rows. Shape: → int64[m], string[m]."""
        which = self._which(path)
        return self._row[which].astype(np.int64), self._texts(which)

    def first(self, *paths: str) -> pa.StringArray:
        """Give each row's first value at the first of the paths that has one. Shape: → string[n]."""
        given = [self._first(path) for path in paths if path in self._tags]
        if not given:
            return pa.nulls(self.count, pa.string())
        return given[0] if len(given) == 1 else pc.coalesce(*given)

    def any_of(self, path: str, values: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Tell which rows have one of the values at a path."""
        marked = np.zeros(self.count, np.bool_)
        rows, texts = self.texts(path)
        marked[rows[pc.is_in(texts, pa.array(values, pa.string())).to_numpy(zero_copy_only=False)]] = True
        return marked

    def codings(self, path: str, *, of: Sequence[str] = CODINGS) -> Codings:
        """Give the codes of a CodeableConcept, or with `of=CODING` of a Coding; a code without a system has null."""
        codes, systems = (self._which(f"{path}.{member}") for member in reversed(of))
        at = np.full(len(self._found.up), -1, np.int64)
        at[self._found.parent[systems]] = systems
        matched = at[self._found.parent[codes]]
        texts = self._texts(np.maximum(matched, 0)) if len(systems) else pa.nulls(len(codes), pa.string())
        system = pc.if_else(pa.array(matched >= 0), texts, None)
        return Codings(self._row[codes].astype(np.int64), system, self._texts(codes))

    def marked(self, value: str, *where: tuple[str, str, int]) -> Codings:
        """Give values in extensions: each of `where` asks that the object so many levels above has that URL.

        Example: where=("extension.url", "http://…/us-core-birthsex", 0)
        """
        which = self._which(value)
        for path, wanted, up in where:
            urls = self._which(path)
            objects = self._found.parent[urls[pc.equal(self._texts(urls), wanted).to_numpy(zero_copy_only=False)]]
            which = which[np.isin(self._around(which, up), objects)]
        return Codings(self._row[which].astype(np.int64), pa.nulls(len(which), pa.string()), self._texts(which))

    def contained(self, kind: str, references: pa.Array) -> Codings:
        """Give the codes of contained resources that rows refer to as "#id". Shape: string[n] references → codes."""
        codings = self.codings(f"{kind}.code")
        ids = self._which(f"{kind}.id")
        at = np.full(len(self._found.up), -1, np.int64)
        at[self._found.parent[ids]] = np.arange(len(ids))
        owner = at[self._around(self._which(f"{kind}.code.coding.code"), 2)]
        named = pc.binary_join_element_wise("#", self._texts(ids), "").take(pa.array(owner, mask=owner < 0))
        return codings.where(truth(pc.equal(named, references.take(pa.array(codings.row)))))

    def _around(self, which: Rows, up: int) -> Rows:
        owner = self._found.parent[which].astype(np.int64)
        for _ in range(up):
            owner = self._found.up[owner].astype(np.int64)
        return owner

    def _which(self, path: str) -> Rows:
        tag = self._tags.get(path, -1)
        scalar = self._found.kinds >= Kind.STRING
        return np.flatnonzero((self._found.tag == tag) & scalar)

    def _texts(self, which: Rows) -> pa.StringArray:
        return self._found.where(which).texts(self._buffer).cast(pa.string())

    def _first(self, path: str) -> pa.StringArray:
        which = self._which(path)
        rows, first = np.unique(self._row[which], return_index=True)
        at = np.full(self.count, -1, np.int64)
        at[rows] = np.arange(len(rows))
        return self._texts(which[first]).take(pa.array(at, mask=at < 0))
