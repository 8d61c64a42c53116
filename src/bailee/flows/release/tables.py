"""The second step of a release: released NDJSON into Delta tables, one task a file, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bailee.flows.release.notes_table import NOTE_TYPES, NOTES_SCHEMA, notes_of
from bailee.records.flat import flatten, schema
from bailee.records.walk import lines
from bailee.stores.lake.dataset import DatasetFile, concatenate, hash_file

SLICE_BYTES = 16 << 20
WRITING = {"compression": "zstd", "compression_level": 1, "store_schema": False}


class TableTask(msgspec.Struct, frozen=True, kw_only=True):
    """One NDJSON file of the dataset, the parts that it is joined from, and the number that its Parquet files get."""

    dataset: str
    type: str
    name: str
    number: int
    parts: tuple[str, ...]
    size_bytes: int


class TableResult(msgspec.Struct, frozen=True, kw_only=True):
    """The files that a task is answerable for; paths are relative to the dataset."""

    task: TableTask
    ndjson: DatasetFile
    table: DatasetFile
    notes: DatasetFile | None


def make_tables(task: TableTask) -> TableResult:
    """Join one NDJSON file, write its Parquet files, and hash all three. Cost: one slice of memory, whatever the file."""
    dataset = Path(task.dataset)
    source = dataset / "ndjson" / task.name
    concatenate(map(Path, task.parts), source)
    table = dataset / "tables" / task.type / f"part-{task.number:05d}.parquet"
    notes = dataset / "tables" / "notes" / f"{task.type.lower()}-{task.number:05d}.parquet"
    wanted = task.type in NOTE_TYPES
    for path in (table, notes) if wanted else (table,):
        path.parent.mkdir(parents=True, exist_ok=True)
    rows = note_rows = 0
    with pq.ParquetWriter(table, schema(task.type), **WRITING) as out:
        note_out = pq.ParquetWriter(notes, NOTES_SCHEMA, **WRITING) if wanted else None
        for content in slices_of(source):
            flat, texts = _tables(task.type, content)
            out.write_table(flat)
            rows += flat.num_rows
            if note_out is not None:
                note_out.write_table(texts)
                note_rows += texts.num_rows
        if note_out is not None:
            note_out.close()
    return TableResult(
        task=task,
        ndjson=_file(dataset, source, rows),
        table=_file(dataset, table, rows),
        notes=_file(dataset, notes, note_rows) if wanted else None,
    )


def _tables(kind: str, content: bytes) -> tuple[pa.Table, pa.Table]:
    buffer = np.frombuffer(content, np.uint8)
    offsets = lines(buffer)
    flat = flatten(kind, buffer, offsets)
    return flat, notes_of(kind, flat, buffer, offsets) if kind in NOTE_TYPES else NOTES_SCHEMA.empty_table()


def slices_of(path: Path) -> Iterator[bytes]:
    """Read NDJSON in slices of whole lines."""
    with path.open("rb") as file:
        while content := file.read(SLICE_BYTES):
            yield content if content.endswith(b"\n") else content + file.readline()


def _file(dataset: Path, path: Path, rows: int) -> DatasetFile:
    digest, size = hash_file(path)
    return DatasetFile(path=path.relative_to(dataset).as_posix(), sha256=digest, size_bytes=size, rows=rows)
