"""How easily somebody could be singled out of a finished dataset, held against what the agreement asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from bailee.agreements.terms import Agreement, Singling
from bailee.core.errors import UserError
from bailee.deid.risk.differencing import Difference, difference
from bailee.deid.risk.extract import quasi_table
from bailee.deid.risk.gate import Report, Thresholds, assess
from bailee.deid.risk.measures import Sensitive
from bailee.deid.risk.scales import levels_from_words, scale_of
from bailee.flows.release.reread import released
from bailee.flows.release.tables import slices_of
from bailee.records.batches import ReleaseBatch
from bailee.stores.lake.dataset import read_dataset

# Measured where an agreement declares none; then it is told, and refuses nothing.
USUAL = ("Patient.birthDate", "Patient.gender", "Patient.address.postalCode", "Patient.address.state")


def measure(dataset: Path, earlier: list[tuple[str, Path]], terms: Agreement) -> Report | None:
    """Measure a dataset's patients; None if it has none. `earlier` are the agreement's published datasets, by name.

    Raises: UserError for a quasi-identifier that is not an element of Patient. Cost: one pass over the patients.
    """
    asked = terms.risk
    quasi = asked.quasi if asked else USUAL
    if any(not column.startswith("Patient.") for column in quasi):
        raise UserError("a quasi-identifier that is not of Patient", remedy="Name elements like Patient.birthDate.")
    sensitive = sensitive_of(asked) if asked else {}
    now = patients_of(dataset, (*quasi, *sensitive))
    if not now.num_rows:
        return None
    if asked is None:
        return assess(now, Thresholds(quasi=quasi, k=1))
    limits = Thresholds(
        quasi=quasi, k=asked.k, unique=asked.unique, least_difference=asked.least_difference, sensitive=sensitive
    )
    return assess(now, limits, differences=tuple(_differences(now, earlier, quasi)))


def sensitive_of(asked: Singling) -> dict[str, Sensitive]:
    """Give what an agreement asks of sensitive elements, by element."""
    return {
        each.element: Sensitive(distinct=each.values, closeness=each.distance_percent / 100, ordered=each.ordered)
        for each in asked.sensitive
    }


def patients_of(dataset: Path, quasi: tuple[str, ...]) -> pa.Table:
    """Read the quasi-identifiers of a dataset's patients. Shape: one row a patient: `patient`, then a column each."""
    tables = [
        patients_in(released(content).rows, quasi)
        for path in sorted(dataset.glob("ndjson/Patient.*"))
        for content in slices_of(path)
    ]
    empty = pa.table({name: pa.array([], pa.string()) for name in ("patient", *quasi)})
    return pa.concat_tables([empty, *tables]).combine_chunks()


def patients_in(rows: pa.RecordBatch, quasi: tuple[str, ...]) -> pa.Table:
    """Read the quasi-identifiers of released Patients. Shape: RECORDS[n] → `patient`, then a column each."""
    return quasi_table(ReleaseBatch(rows), quasi)


def words(report: Report | None) -> dict[str, str]:
    """Say a report for the manifest and the evidence; it names columns and numbers, never a value."""
    if report is None:
        return {}
    risk = report.risk
    said = {
        "Looked at": ", ".join(report.quasi),
        "Patients": f"{risk.records:,} in {risk.classes:,} classes of look-alikes",
        "Smallest class": f"{risk.smallest:,}",
        "Alone in their class": f"{risk.unique:,} ({100 * risk.unique / max(1, risk.records):.1f} %)",
        "Risk of a record, on average": f"{risk.prosecutor_average:.3f}",
    }
    return said | {f"Asked: {each.what}": f"{each.asked}; measured: {each.measured}" for each in report.findings}


def _differences(now: pa.Table, earlier: list[tuple[str, Path]], quasi: tuple[str, ...]) -> Iterator[Difference]:
    """Compare with each earlier release at the levels that it was told at; what is told now is never coarser."""
    scales = [scale_of(column) for column in quasi]
    for name, folder in earlier:
        levels = levels_from_words(scales, read_dataset(folder).coarsened)
        told, same = patients_of(folder, quasi), now
        for scale in scales:
            for_both = [
                scale.column_at(table[scale.column].combine_chunks(), levels[scale.column]) for table in (told, same)
            ]
            place = (told.schema.get_field_index(scale.column), same.schema.get_field_index(scale.column))
            told = told.set_column(place[0], scale.column, for_both[0])
            same = same.set_column(place[1], scale.column, for_both[1])
        yield difference(told, same, name=name, key="patient", quasi=quasi)
