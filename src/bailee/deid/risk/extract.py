"""The quasi-identifiers of an extract: one row a patient, read from its records without parsing them.

A column is a FHIR path, `Patient.birthDate` or `Condition.code.coding.code`; a patient's several values stand sorted
and joined, because an attacker who knows one set of diagnoses knows all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from bailee.core.columns import buffer_of
from bailee.core.errors import UserError
from bailee.deid.risk.classes import engine_over
from bailee.records import r4
from bailee.records.batches import Batch
from bailee.records.walk import Paths, collect

JOINT = "|"


def quasi_table(batch: Batch, columns: Sequence[str]) -> pa.Table:
    """Read the declared columns of every patient in a batch of whole charts.

    Shape: n records → one row a patient, sorted: `patient`, then a string column for each path, null where there is
    no value. Records that are nobody's are left out. Cost: one pass over the bytes, one grouping.
    Raises: UserError if a column is no path of FHIR R4.
    """
    paths = Paths({_split(column): number for number, column in enumerate(columns)})
    buffer, offsets = buffer_of(batch.rows.column("json"))
    found = collect(buffer, offsets, paths)
    patients = batch.rows.column("patient")
    values = pa.table(
        {"patient": patients.take(pa.array(found.record)), "tag": pa.array(found.tag), "value": found.texts(buffer)}
    )
    cells = ", ".join(
        f"string_agg(DISTINCT value, '{JOINT}' ORDER BY value) FILTER (WHERE tag = {number}) AS c{number}"
        for number in range(len(columns))
    )
    query = f"""
        SELECT patient, {cells} FROM (
            SELECT patient, tag, value FROM found UNION ALL SELECT DISTINCT patient, -1, NULL FROM everybody
        ) WHERE patient IS NOT NULL GROUP BY patient ORDER BY patient
    """  # noqa: S608
    with engine_over(found=values, everybody=pa.table({"patient": patients})) as engine:
        table = engine.sql(query).to_arrow_table()
    return table.rename_columns(["patient", *columns])


def _split(column: str) -> tuple[str, str]:
    kind, _, path = column.partition(".")
    try:
        r4.elements_at(column)
    except KeyError:
        kind = ""
    if kind not in r4.resource_types() or not path:
        raise UserError(f"{column} is no path of FHIR R4", remedy="Write Patient.birthDate, as an example.")
    return kind, path
