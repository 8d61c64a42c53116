"""Which records of a partition may go on to de-identification, and the reason why each other one may not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.agreements.fitness import types_of
from bailee.agreements.terms import Agreement
from bailee.core.columns import buffer_of
from bailee.core.errors import UserError
from bailee.engines.query import run_query, tables_named
from bailee.records.flat import flatten
from bailee.records.r4 import patient_paths, resource_types, search_parameters
from bailee.records.search import parse_search
from bailee.records.search.leaves import leaves
from bailee.records.walk import Paths, collect

# Search parameters that say when something happened, the most telling first.
_WHEN = (
    "date",
    "onset-date",
    "recorded-date",
    "authoredon",
    "effective-time",
    "period",
    "issued",
    "created",
    "started",
    "occurrence",
    "authored",
    "whenhandedover",
    "billablePeriod",
)
_PERSONAL = frozenset(kind for kind in resource_types() if patient_paths(kind)) | {"Patient"}


@dataclass
class Gate:
    """Rows of a partition with the reason code that stops each, empty where none does. Shape: n rows."""

    rows: pa.RecordBatch
    reasons: npt.NDArray[np.object_] = field(init=False)
    patient_reasons: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.reasons = np.full(len(self.rows), "", object)

    def stop(self, mask: npt.NDArray[np.bool_], code: str) -> None:
        """Stop rows; the first reason stays."""
        self.reasons[mask & (self.reasons == "")] = code

    def stop_patients(self, patients: pa.Array, codes: pa.Array) -> None:
        """Stop all rows of patients, each with its code, and count the patients."""
        at = pc.fill_null(pc.index_in(self.rows["patient"], value_set=patients), -1).to_numpy()
        for code in pc.unique(codes).to_pylist():
            which = np.append(pc.equal(codes, code).to_numpy(zero_copy_only=False), False)
            self.stop(which[at], code)
            self.patient_reasons[code] += int(which.sum())

    @property
    def passed(self) -> npt.NDArray[np.bool_]:
        """Tell which rows may go on."""
        return np.asarray(self.reasons == "", np.bool_)

    def refused(self) -> Counter[str]:
        """Count the rows that are stopped, by reason."""
        return Counter(code for code in self.reasons.tolist() if code)


def stop_unmapped(gate: Gate) -> pa.Array:
    """Stop what cannot be tied to exactly one patient who is in the vault; give the patients that are."""
    kinds, owners = gate.rows["type"], gate.rows["patient"]
    patients = gate.rows.filter(pc.equal(kinds, "Patient"))["id"]
    personal = pc.is_in(kinds, pa.array(sorted(_PERSONAL))).to_numpy(zero_copy_only=False)
    gate.stop(personal & owners.is_null().to_numpy(zero_copy_only=False), "E-UNMAPPED")
    absent = pc.and_(owners.is_valid(), pc.invert(pc.is_in(owners, patients)))
    gate.stop(absent.to_numpy(zero_copy_only=False), "E-UNMAPPED")
    return patients


def stop_out_of_scope(gate: Gate, agreement: Agreement) -> None:
    """Stop types and times that the agreement does not cover. Source: 45 CFR 164.502(b), minimum necessary."""
    scope = agreement.scope
    covered = pc.is_in(gate.rows["type"], pa.array(sorted(types_of(agreement))))
    gate.stop(~covered.to_numpy(zero_copy_only=False), "E-SCOPE-FIELD")
    if scope.records_from or scope.records_until:
        gate.stop(~_happened_within(gate.rows, scope.records_from, scope.records_until), "E-SCOPE")


def stop_outside_cohort(gate: Gate, agreement: Agreement, patients: pa.Array) -> None:
    """Stop every patient who is not in the agreement's cohort; shared records stay."""
    chosen = cohort_of(agreement)(gate.rows)
    if chosen is not None:
        outside = patients.filter(pc.invert(pc.is_in(patients, chosen)))
        gate.stop_patients(outside, pa.array(["E-SCOPE-COHORT"] * len(outside)))


def cohort_of(agreement: Agreement) -> Callable[[pa.RecordBatch], pa.Array | None]:
    """Make the function that finds a partition's cohort; None from it means everybody.

    Raises: UserError if the search or the query is not understood. A query sees one partition at a time, so it may
    ask of a patient's own records and not, say, for the ten oldest of all.
    """
    cohort = agreement.scope.cohort
    if cohort.search:
        return parse_search(cohort.search).patients
    if cohort.sql:
        sql = cohort.sql
        return lambda rows: _queried(sql, rows)
    return lambda _rows: None


def _queried(sql: str, rows: pa.RecordBatch) -> pa.Array:
    tables = {}
    for kind in tables_named(sql, frozenset(resource_types())):
        of_kind = rows.filter(pc.equal(rows["type"], kind))
        tables[kind] = flatten(kind, *buffer_of(of_kind["json"]), of_kind["patient"])
    found = run_query(sql, tables)
    if "patient" not in found.column_names:
        raise UserError("the cohort's query gives no column `patient`", remedy="Begin it with: select patient from …")
    return pc.unique(found["patient"].cast(pa.string())).drop_null()


def _happened_within(rows: pa.RecordBatch, since: date | None, until: date | None) -> npt.NDArray[np.bool_]:
    """Tell which rows happened in [since, until); a row that should say when and does not is outside."""
    within = np.ones(len(rows), np.bool_)
    low, high = since.isoformat() if since else "", until.isoformat() if until else "9999"
    for kind in pc.unique(rows["type"]).to_pylist():
        paths = _when_paths(kind)
        if paths:
            mine = pc.equal(rows["type"], kind).to_numpy(zero_copy_only=False)
            within[mine] = _dated(rows.filter(pa.array(mine)), kind, paths, low, high)
    return within


def _dated(rows: pa.RecordBatch, kind: str, paths: tuple[str, ...], low: str, high: str) -> npt.NDArray[np.bool_]:
    buffer, offsets = buffer_of(rows["json"])
    found = collect(buffer, offsets, Paths({(kind, path): rank for rank, path in enumerate(paths)}))
    days = pc.utf8_slice_codeunits(found.texts(buffer).cast(pa.string()), 0, 10)
    # A partial date may mean a day outside, so all of it must lie within.
    good = pc.and_(pc.greater_equal(days, low), pc.less(days, high)).to_numpy(zero_copy_only=False)
    seen, bad = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
    seen[found.record] = True
    bad[found.record[~good]] = True
    return seen & ~bad


def _when_paths(kind: str) -> tuple[str, ...]:
    if kind == "Patient" or kind not in _PERSONAL:
        return ()
    parameters = search_parameters(kind)
    for name in _WHEN:
        if name in parameters and parameters[name].kind == "date":
            return tuple(leaf.path for leaf in leaves(kind, parameters[name]))
    return ()
