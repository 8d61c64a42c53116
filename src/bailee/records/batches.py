"""Batches of records, and the states that they pass through on their way out.

RawBatch (identified, inside) → DeidBatch (rules applied) → ReleaseBatch (checked; the only thing exporters take).
Only the flow that earned a state makes the next one. No batch shows its content.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from bailee.core.errors import Invalid

RECORDS = pa.schema(
    [
        pa.field("type", pa.string(), nullable=False),  # FHIR R4 resource type
        pa.field("id", pa.string(), nullable=False),  # logical id
        pa.field("patient", pa.string()),  # logical id of the Patient it belongs to; null: nobody's (an Organization)
        pa.field("json", pa.large_binary(), nullable=False),  # the resource: UTF-8 JSON on one line
    ]
)


@dataclass(frozen=True, repr=False)
class Batch:
    """Records as columns. Shape: the RECORDS schema. Raises: Invalid for any other schema."""

    rows: pa.RecordBatch

    def __post_init__(self) -> None:
        if not self.rows.schema.equals(RECORDS):
            raise Invalid("a batch of records with other columns", remedy="Use records.batches.RECORDS.")

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.rows.num_rows} records, {self.rows.nbytes} bytes)"


class RawBatch(Batch):
    """Identified records; never leaves the hospital."""


class DeidBatch(Batch):
    """Records after a profile's rules; not yet checked."""


class ReleaseBatch(Batch):
    """Records that may leave."""
