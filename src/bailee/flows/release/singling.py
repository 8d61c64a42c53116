"""How easily somebody could be singled out of a finished dataset, held against what the agreement asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from bailee.agreements.terms import Agreement
from bailee.core.errors import UserError
from bailee.deid.risk.differencing import Difference, difference
from bailee.deid.risk.extract import quasi_table
from bailee.deid.risk.gate import Report, Thresholds, assess
from bailee.flows.release.tables import slices_of
from bailee.records.batches import RECORDS, ReleaseBatch
from bailee.records.intake import parse_lines
from bailee.stores.lake.vault import one_chunk

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
    now = patients_of(dataset, quasi)
    if not now.num_rows:
        return None
    if asked is None:
        return assess(now, Thresholds(quasi=quasi, k=1))
    limits = Thresholds(quasi=quasi, k=asked.k, unique=asked.unique, least_difference=asked.least_difference)
    return assess(now, limits, differences=tuple(_differences(now, earlier, quasi)))


def patients_of(dataset: Path, quasi: tuple[str, ...]) -> pa.Table:
    """Read the quasi-identifiers of a dataset's patients. Shape: one row a patient: `patient`, then a column each."""
    tables = [
        quasi_table(_batch(content), quasi)
        for path in sorted(dataset.glob("ndjson/Patient.*"))
        for content in slices_of(path)
    ]
    empty = pa.table({name: pa.array([], pa.string()) for name in ("patient", *quasi)})
    return pa.concat_tables([empty, *tables]).combine_chunks()


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
    for name, folder in earlier:
        yield difference(patients_of(folder, quasi), now, name=name, key="patient", quasi=quasi)


def _batch(content: bytes) -> ReleaseBatch:
    rows = parse_lines(content, 1).rows
    return ReleaseBatch(pa.RecordBatch.from_arrays([one_chunk(rows[name]) for name in RECORDS.names], schema=RECORDS))
