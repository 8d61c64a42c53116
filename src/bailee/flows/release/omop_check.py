"""Holds OMOP tables to the CDM: columns, what is required, keys that are unique, and keys that join."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bailee.flows.release.plan import OMOP
from bailee.records.omop.cdm import Field, key_of, schema, tables
from bailee.stores.lake.dataset import DatasetManifest

MEMORY = "512MB"


def check_omop(folder: Path) -> Iterator[tuple[str, str]]:
    """Give what does not hold: the table, and what. Cost: every key is read; more than memory holds spills to disk."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="bailee-omop-") as spill:
        settings = {"memory_limit": MEMORY, "temp_directory": spill, "threads": "1"}
        with duckdb.connect(":memory:", config=settings) as connection:
            whole = [table for table in tables() if _is_whole(folder, table)]
            yield from (
                (table, "is missing, or has other columns than the CDM") for table in tables() if table not in whole
            )
            for table in whole:
                connection.read_parquet(str(folder / table / "*.parquet")).create_view(table)
            for table in whole:
                yield from ((table, what) for what in _broken(connection, table, frozenset(whole)))


def omop_findings(folder: Path, manifest: DatasetManifest) -> Iterator[str]:
    """Say what does not hold of a published dataset's OMOP tables: counts against files, and the tables themselves."""
    told = manifest.omop
    if told is None:
        return
    for table, count in told.rows.items():
        paths = sorted((folder / OMOP / table).glob("*.parquet"))
        rows = sum(pq.read_metadata(path).num_rows for path in paths)
        if rows != count:
            yield f"the OMOP table {table} has {rows} rows, and the manifest tells of {count}"
    if {kind: sum(fates.values()) for kind, fates in told.records.items()} != _some(manifest.records):
        yield "its OMOP tables account for other records than the manifest tells of"
    yield from (f"the OMOP table {table}: {what}" for table, what in check_omop(folder / OMOP))


def _some(records: Mapping[str, int]) -> dict[str, int]:
    return {kind: count for kind, count in records.items() if count}


def _is_whole(folder: Path, table: str) -> bool:
    paths = sorted((folder / table).glob("*.parquet"))
    return bool(paths) and all(pq.read_schema(path).equals(schema(table)) for path in paths)


def _broken(connection: Any, table: str, known: frozenset[str]) -> Iterator[str]:
    fields = tables()[table]
    for field in fields:
        if field.required and _one(connection, f"select count(*) from {table} where {field.name} is null"):  # noqa: S608
            yield f"{field.name} is required, and is null"
    key = key_of(table)
    if key and _one(connection, f"select count(*) - count(distinct {key}) from {table}"):  # noqa: S608
        yield f"two rows have one {key}"
    for field in fields:
        if field.target in known and _one(connection, _dangling(table, field)):
            yield f"{field.name} points to rows that {field.target} does not have"


def _dangling(table: str, field: Field) -> str:
    name, target = field.name, key_of(field.target)
    joined = f"{table} as own anti join {field.target} as other on own.{name} = other.{target}"
    return f"select count(*) from {joined} where own.{name} is not null"  # noqa: S608 - names are the CDM's


def _one(connection: Any, sql: str) -> int:
    return int(connection.execute(sql).fetchone()[0])
