"""One part of a release on disk: NDJSON by type, a sealed list of who is in it, a sample of notes; whole or absent."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import IO

import msgspec
import numpy as np
import pyarrow as pa

from bailee.core.columns import buffer_of, lines
from bailee.core.keys import Secret
from bailee.flows.release.summary import PartSummary
from bailee.records.batches import ReleaseBatch
from bailee.stores.durable import sync_folder
from bailee.stores.lake.sealed import PAYLOAD, SealedWriter, read_frames

SUMMARY = "summary.json"
# Parts that are whole. A part that a killed worker left half written begins with a point, and is nobody's.
FINISHED = "[!.]*"
PATIENTS, SAMPLES = "patients.sealed", "samples.sealed"
PATIENTS_SCHEMA = pa.schema([("patient", pa.string()), ("data", pa.list_(pa.string())), ("pseudonym", pa.string())])
SAMPLES_SCHEMA = pa.schema([("rank", pa.uint64()), ("sample", pa.binary())])


class PartWriter:
    """Writes a part beside its place and moves it there in one step."""

    def __init__(self, place: Path, key: Secret) -> None:
        self._place, self._key = place, key
        self._fresh = place.with_name(f".{place.name}.{os.getpid()}")
        shutil.rmtree(self._fresh, ignore_errors=True)
        (self._fresh / "ndjson").mkdir(parents=True)
        self._files: dict[str, IO[bytes]] = {}

    def add(self, batch: ReleaseBatch) -> None:
        """Append records to the files of their types, a line each, in order."""
        content, offsets = buffer_of(batch.rows["json"])
        coded = batch.rows["type"].dictionary_encode()
        kind_of = coded.indices.to_numpy()
        for number, kind in enumerate(coded.dictionary.to_pylist()):
            rows = np.flatnonzero(kind_of == number)
            self._file(kind).write(lines(content, offsets[rows], offsets[rows + 1]).data)

    def take(self, path: Path) -> None:
        """Take a finished part's file as it is."""
        os.link(path, self._fresh / "ndjson" / path.name)

    def seal(self, name: str, table: pa.Table) -> None:
        """Write a table that holds identifiers, under the hospital's key."""
        label = f"{self._place.name}/{name}"
        writer = SealedWriter(self._fresh / name, self._key, label=label)
        writer.write(PAYLOAD, table.combine_chunks())
        writer.close()

    def finish(self, summary: PartSummary) -> PartSummary:
        """Make the part durable and put it in its place."""
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
            file.close()
        (self._fresh / SUMMARY).write_bytes(msgspec.json.encode(summary))
        sync_folder(self._fresh / "ndjson")
        sync_folder(self._fresh)
        self._fresh.rename(self._place)
        sync_folder(self._place.parent)
        return summary

    def _file(self, kind: str) -> IO[bytes]:
        if kind not in self._files:
            self._files[kind] = (self._fresh / "ndjson" / f"{kind}.ndjson").open("wb")
        return self._files[kind]


def read_summary(place: Path) -> PartSummary | None:
    """Read a finished part's counts, or nothing if it is not finished."""
    path = place / SUMMARY
    return msgspec.json.decode(path.read_bytes(), type=PartSummary) if path.is_file() else None


def read_sealed(place: Path, name: str, key: Secret) -> pa.Table:
    """Open a sealed table of a part."""
    label = f"{place.name}/{name}"
    tables = [table for _, table in read_frames(place / name, key, label=label, kinds=frozenset({PAYLOAD}))]
    return pa.concat_tables(tables)
