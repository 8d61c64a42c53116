"""Charts as columns: for each patient the identifiers that records hold. Never shows a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.errors import Invalid
from bailee.deid.notes.chart.kinds import NAMES, NUMBER_OF

if TYPE_CHECKING:
    from bailee.deid.notes.chart.forms import Forms

# Persons of a chart whose names are not told apart by `person`: the patient, then all relatives, then all clinicians.
PATIENT, RELATIVES, CLINICIANS, OTHERS = range(4)


@dataclass(frozen=True, repr=False)
class Charts:
    """Known identifiers, sorted by chart, then person.

    Shape: n values. chart int32 (0 to `count` - 1), kind int8 (index into kinds.NAMES), value string without nulls,
    person int32 (0: the patient; values of one number belong to one person), patients string[count] or None: whose
    chart each is.
    """

    count: int
    chart: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int8]
    value: pa.StringArray
    person: npt.NDArray[np.int32]
    patients: pa.StringArray | None = None

    def __len__(self) -> int:
        """Count the values."""
        return len(self.chart)

    def __repr__(self) -> str:
        return f"Charts({self.count} charts, {len(self)} values)"

    @cached_property
    def forms(self) -> Forms:
        """Give the charts as the kernel reads them. Cost: once, by distinct value."""
        from bailee.deid.notes.chart.forms import forms_of

        return forms_of(self)

    def number_of(self, patients: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int32]:
        """Tell the chart of each patient id, or -1: what `find` takes as `chart_of`."""
        if self.patients is None:
            raise Invalid("charts without patients' ids", remedy="Pass patients= where the charts are made.")
        found = pc.fill_null(pc.index_in(patients.cast(pa.string()), value_set=self.patients), -1)
        return np.asarray(found.to_numpy(zero_copy_only=False), np.int32)

    def take(self, charts: npt.NDArray[np.int32]) -> Charts:
        """Give some of the charts, numbered anew in the order asked for; -1 gives a chart that holds nothing."""
        bounds = np.searchsorted(self.chart, np.arange(self.count + 1)).astype(np.int64)
        known = np.flatnonzero(charts >= 0)
        counts = np.zeros(len(charts), np.int64)
        counts[known] = np.diff(bounds)[charts[known]]
        first = np.zeros(len(charts), np.int64)
        first[known] = bounds[charts[known]]
        rows = np.arange(int(counts.sum())) + np.repeat(first - np.cumsum(counts) + counts, counts)
        owner = np.repeat(np.arange(len(charts), dtype=np.int32), counts)
        return Charts(len(charts), owner, self.kind[rows], self.value.take(pa.array(rows)), self.person[rows])

    def persons_of(self, chart: int) -> list[int]:
        """Tell the person of each of one chart's values, in the order of `values_of`."""
        first, end = np.searchsorted(self.chart, (chart, chart + 1))
        return [int(person) for person in self.person[first:end].tolist()]

    def values_of(self, chart: int) -> list[tuple[str, str]]:
        """List one chart's (kind, value) pairs."""
        first, end = np.searchsorted(self.chart, (chart, chart + 1))
        return [
            (NAMES[kind], value)
            for kind, value in zip(
                self.kind[first:end].tolist(), self.value.slice(first, end - first).to_pylist(), strict=True
            )
        ]


def charts_from_columns(
    count: int,
    chart: Any,
    kind: Sequence[str] | pa.Array | npt.NDArray[Any],
    value: Any,
    *,
    person: Any = None,
    patients: pa.StringArray | None = None,
) -> Charts:
    """Make charts from (chart, kind, value) rows in any order; blank and null values are left out.

    Shape: n rows: chart int, kind text or number, value text; person int, or None: one person for each kind of person.
    Raises: Invalid for an unknown kind or a chart outside 0 to count - 1.
    """
    charts, kinds = np.asarray(chart, np.int32), _kinds(kind)
    values = (
        pa.array(value, pa.string()) if not isinstance(value, pa.Array | pa.ChunkedArray) else value.cast(pa.string())
    )
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    people = _persons(kinds) if person is None else np.asarray(person, np.int32)
    if not len(charts) == len(kinds) == len(values) == len(people):
        raise Invalid("columns of charts differ in length")
    if len(charts) and (charts.min() < 0 or charts.max() >= count):
        raise Invalid("a value belongs to no chart", remedy="Charts are numbered from 0.")
    kept = _kept(charts, kinds, values, people)
    return Charts(count, charts[kept], kinds[kept], values.take(pa.array(kept)), people[kept], patients)


def _kept(charts: Any, kinds: Any, values: pa.StringArray, people: Any) -> npt.NDArray[np.int64]:
    """Order rows by chart and person, without blanks and repeats."""
    filled = pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(values), ""), fill_value=False)
    rows = np.flatnonzero(filled.to_numpy(zero_copy_only=False))
    code = pc.fill_null(values.dictionary_encode().indices, -1).to_numpy(zero_copy_only=False)
    columns = [column[rows] for column in (code, kinds, people, charts)]
    order = np.lexsort(columns)
    fresh = np.ones(len(rows), np.bool_)
    if len(rows):
        fresh[1:] = np.any([np.diff(column[order]) != 0 for column in columns], axis=0)
    kept = rows[order[fresh]]
    return np.asarray(kept[np.lexsort((kept, people[kept], charts[kept]))], np.int64)


def no_charts(count: int = 0) -> Charts:
    """Make charts that hold nothing."""
    return charts_from_columns(count, [], [], [])


def _kinds(kind: Sequence[str] | pa.Array | npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    if isinstance(kind, np.ndarray) and kind.dtype.kind in "iu":
        return kind.astype(np.int8)
    encoded = pa.array(kind, pa.string()).dictionary_encode()
    names = encoded.dictionary.to_pylist()
    unknown = sum(name not in NUMBER_OF for name in names)
    if unknown or encoded.null_count:
        raise Invalid(f"{unknown} unknown kinds of identifiers", remedy="Known kinds: " + ", ".join(NAMES) + ".")
    numbers = np.array([NUMBER_OF[name] for name in names] or [0], np.int8)
    return np.asarray(numbers[encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)], np.int8)


def _persons(kinds: npt.NDArray[np.int8]) -> npt.NDArray[np.int32]:
    """Guess persons by kind: each full name is a person of its own, except the patient's."""
    base = [_person_of(name) for name in NAMES]
    people = np.array(base, np.int32)[kinds.astype(np.int64)]
    full = np.isin(kinds, [NUMBER_OF["relative-full"], NUMBER_OF["clinician-full"]])
    people[full] = OTHERS + 1 + np.arange(int(full.sum()), dtype=np.int32)
    return people


def _person_of(kind: str) -> int:
    prefix = kind.split("-", maxsplit=1)[0]
    return {"name": PATIENT, "relative": RELATIVES, "clinician": CLINICIANS}.get(prefix, OTHERS)
