"""Parsing a FHIR search and finding the patients that it means, over whole columns of records."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from urllib.parse import parse_qsl

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.columns import buffer_of
from bailee.core.errors import UserError
from bailee.records.r4 import resource_types, search_parameters
from bailee.records.search.leaves import Leaf, leaves
from bailee.records.search.values import matcher_of
from bailee.records.walk import Paths, collect

Mask = npt.NDArray[np.bool_]
_VALUE, _BESIDE = 0, 1


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter: `code=a,b`. Its values are alternatives."""

    name: str
    modifier: str
    values: tuple[str, ...]


class Search(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A search of one type; `having` are reverse chains: (type, clause), each must hold of the patient.

    Source: FHIR R4, search; results are the patients of the records that match.
    """

    text: str
    type: str
    clauses: tuple[Clause, ...]
    having: tuple[tuple[str, Clause], ...]

    @property
    def types(self) -> frozenset[str]:
        """Tell which resource types must be read."""
        return frozenset({self.type, *(kind for kind, _ in self.having)})

    def patients(self, rows: pa.RecordBatch | pa.Table) -> pa.Array:
        """Find the patients. Shape: rows with type, patient, json of whole charts → string[m], distinct."""
        found = self._matching(rows, self.type, self.clauses)
        for kind, clause in self.having:
            also = self._matching(rows, kind, (clause,))
            found = found.filter(pc.is_in(found, also))
        return found

    def _matching(self, rows: pa.RecordBatch | pa.Table, kind: str, clauses: tuple[Clause, ...]) -> pa.Array:
        chosen = rows.filter(pc.equal(rows["type"], kind))
        json = chosen["json"].combine_chunks() if isinstance(chosen, pa.Table) else chosen["json"]
        mask = np.ones(len(json), np.bool_)
        for test in (self._tests[kind, clause] for clause in clauses):
            mask &= test(json)
        patients = chosen["patient"].filter(pa.array(mask))
        return pc.unique(patients).drop_null()

    @cached_property
    def _tests(self) -> dict[tuple[str, Clause], Callable[[pa.Array], Mask]]:
        own = [(self.type, clause) for clause in self.clauses]
        return {pair: _test(*pair) for pair in (*own, *self.having)}


def parse_search(text: str) -> Search:
    """Read `Type?parameter=value&…`. Raises: UserError naming the part that is not understood; none is ignored."""
    kind, _, query = text.partition("?")
    if kind not in resource_types():
        raise UserError(
            "a search of no R4 type", remedy="Write it like Condition?code=http://snomed.info/sct|254837009."
        )
    clauses, having = [], []
    for name, value in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
        if name.startswith("_has:"):
            having.append(_reverse(kind, name, value))
        else:
            clauses.append(_clause(kind, name, value))
    search = Search(text=text, type=kind, clauses=tuple(clauses), having=tuple(having))
    search._tests  # noqa: B018, SLF001 - compiles every clause, so that mistakes are told now
    return search


def _clause(kind: str, name: str, value: str) -> Clause:
    plain, _, modifier = name.partition(":")
    if plain not in search_parameters(kind):
        raise UserError(f"{kind} has no search parameter of that name", remedy="FHIR R4 lists them on the type's page.")
    if modifier not in {"", "exact", "contains", "missing", "not"}:
        raise UserError(f"the search modifier :{modifier} is not supported", remedy="Define the cohort by SQL.")
    return Clause(name=plain, modifier=modifier, values=tuple(value.split(",")))


def _reverse(kind: str, name: str, value: str) -> tuple[str, Clause]:
    _, other, link, parameter, *more = name.split(":") + [""] * 3
    if kind != "Patient" or any(more) or link not in {"patient", "subject"} or other not in resource_types():
        raise UserError("a reverse chain that is not supported", remedy="Write Patient?_has:Condition:patient:code=….")
    return other, _clause(other, parameter, value)


def _test(kind: str, clause: Clause) -> Callable[[pa.Array], Mask]:
    parameter = search_parameters(kind)[clause.name]
    places = leaves(kind, parameter)
    matches = matcher_of(parameter.kind, clause.modifier, clause.values)

    def test(json: pa.Array) -> Mask:
        found = np.zeros(len(json), np.bool_)
        for place in places:
            record, hits = _look(kind, place, json, matches)
            found[record[hits]] = True
        return ~found if clause.modifier == "not" or _asks_missing(clause) else found

    return test


def _asks_missing(clause: Clause) -> bool:
    return clause.modifier == "missing" and clause.values == ("true",)


def _look(
    kind: str, place: Leaf, json: pa.Array, matches: Callable[[pa.Array, pa.Array, str], Mask]
) -> tuple[npt.NDArray[np.int32], Mask]:
    tags = {(kind, place.path): _VALUE} | ({(kind, place.beside): _BESIDE} if place.beside else {})
    buffer, offsets = buffer_of(json)
    found = collect(buffer, offsets, Paths(tags))
    values, beside = found.tagged(_VALUE), found.tagged(_BESIDE)
    by_parent = dict(zip(beside.parent.tolist(), range(len(beside)), strict=True)) if len(beside) else {}
    at = pa.array([by_parent.get(parent) for parent in values.parent.tolist()], pa.int64())
    besides = beside.texts(buffer).cast(pa.string()).take(at) if len(beside) else pa.nulls(len(values), pa.string())
    return values.record, matches(values.texts(buffer).cast(pa.string()), besides, place.type)
