"""Delta's log of a table whose Parquet files are written once, deterministic to the byte.

Source: Delta Lake protocol, actions `protocol`, `metaData`, `add`; reader version 1, writer version 2, so that every
client reads it without extra features. Statistics carry row counts only: least and greatest values would be data.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from bailee.stores.lake.dataset import DatasetFile

_NAMESPACE = uuid.UUID("6f1d1c5e-3b0c-5a53-9d57-0b6f2f9a7c11")
_TYPES = {
    pa.string(): "string",
    pa.int64(): "long",
    pa.int32(): "integer",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.timestamp("us", tz="UTC"): "timestamp",
}


def write_log(table: Path, schema: pa.Schema, files: Sequence[DatasetFile], *, name: str, at_ms: int) -> Path:
    """Write version 0 of a table's log. Shape: files' paths are relative to the table. Units: ms since the epoch."""
    actions = [
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
        {"metaData": _metadata(schema, name, at_ms)},
        *[{"add": _added(file, at_ms)} for file in files],
    ]
    log = table / "_delta_log"
    log.mkdir(parents=True)
    path = log / f"{0:020d}.json"
    path.write_text("".join(json.dumps(action, separators=(",", ":")) + "\n" for action in actions))
    return path


def _metadata(schema: pa.Schema, name: str, at_ms: int) -> dict[str, object]:
    return {
        "id": str(uuid.uuid5(_NAMESPACE, f"{name}/{at_ms}")),
        "name": name,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": json.dumps({"type": "struct", "fields": [_field(field) for field in schema]}),
        "partitionColumns": [],
        "configuration": {},
        "createdTime": at_ms,
    }


def _field(field: pa.Field) -> dict[str, object]:
    return {"name": field.name, "type": _TYPES[field.type], "nullable": True, "metadata": {}}


def _added(file: DatasetFile, at_ms: int) -> dict[str, object]:
    return {
        "path": file.path,
        "partitionValues": {},
        "size": file.size_bytes,
        "modificationTime": at_ms,
        "dataChange": True,
        "stats": json.dumps({"numRecords": file.rows}),
    }
