"""The vault: identified records at rest, sealed under the hospital's key, in partitions that hold whole charts.

A partition is all patients whose keyed hash starts with its bits; one that outgrows `PARTITION_BYTES` is split in two
(extendible hashing), so that one task always fits in memory, however many patients there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.columns import buffer_of, keyed_hashes
from bailee.core.keys import Secret
from bailee.records.batches import RECORDS, RawBatch
from bailee.stores.lake.manifest import Manifest, Partition, read_manifest
from bailee.stores.lake.sealed import INDEX, PAYLOAD, ROOTS, read_frames

PARTITION_BYTES = 48 << 20

# Where each record came from and which of several versions it is; sealed beside the records.
INDEX_SCHEMA = pa.schema(
    [
        RECORDS.field("type"),
        RECORDS.field("id"),
        RECORDS.field("patient"),
        pa.field("updated_ms", pa.int64(), nullable=False),  # meta.lastUpdated; the least int64 where absent
        pa.field("digest", pa.uint64(), nullable=False),  # keyed hash of the content
        pa.field("file", pa.int32(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
    ]
)
ROOTS_SCHEMA = pa.schema([pa.field("patient", pa.string(), nullable=False), pa.field("root", pa.binary(16))])
NEVER_UPDATED = np.iinfo(np.int64).min


@dataclass(frozen=True, repr=False)
class Content:
    """What one partition holds now: each record's newest version, and its patients' roots."""

    records: RawBatch
    roots: dict[str, bytes] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Content({self.records!r}, {len(self.roots)} patients)"


class Vault:
    """Reads what intakes have sealed. Writing is `Intake`'s (intake.py)."""

    def __init__(self, folder: Path, master: Secret) -> None:
        self.folder = folder
        self.key = master.derive("vault")
        self._hash_key = master.derive("vault/partitions").reveal()

    @property
    def versions(self) -> Path:
        """Folder of the manifests."""
        return self.folder / "versions"

    @property
    def segments(self) -> Path:
        """Folder of the sealed files."""
        return self.folder / "segments"

    def create(self) -> None:
        """Make the folders of an empty vault."""
        self.versions.mkdir(parents=True, exist_ok=True)
        self.segments.mkdir(exist_ok=True)

    def sweep(self) -> int:
        """Remove sealed files that no version names, left by an intake that was killed; count them.

        Call it only while holding the vault (`one_at_a_time`).
        """
        named = {
            segment.name
            for path in self.versions.glob("*.json")
            for part in _all_parts(read_manifest(self.versions, int(path.stem)))
            for segment in part.segments
        }
        orphans = [path for path in self.segments.iterdir() if path.name not in named]
        for path in orphans:
            path.unlink()
        return len(orphans)

    def manifest(self, version: int | None = None) -> Manifest:
        """Read a version's manifest, the newest by default."""
        return read_manifest(self.versions, version)

    def hashes(self, keys: pa.Array) -> npt.NDArray[np.uint64]:
        """Hash patients' ids, or digests' content, under the vault's key. Shape: string[n] → uint64[n]."""
        hashed = keyed_hashes(*buffer_of(keys), self._hash_key)
        return np.ascontiguousarray(hashed[:, 0])

    def places(self, manifest: Manifest, patients: Sequence[str]) -> Iterator[tuple[Partition, list[str]]]:
        """Group patients by the partition of a version that their charts lie in, or would."""
        hashed = self.hashes(pa.array(patients, pa.string())).tolist() if patients else []
        bits = [f"{value:064b}" for value in hashed]
        for part in manifest.partitions:
            names = [name for name, own in zip(patients, bits, strict=True) if own.startswith(part.bits)]
            if names and not part.shared:
                yield part, names

    def consenting(self, before: Manifest, after: Manifest) -> set[str]:
        """Name the patients whose Consents came or went between two versions. Cost: the index of what was added."""
        known = {segment for part in before.partitions for segment in part.segments}
        found: set[str] = set()
        for part in after.partitions:
            fresh = Partition(bits=part.bits, segments=tuple(one for one in part.segments if one not in known))
            for _, index in self.frames(fresh, frozenset({INDEX})):
                found.update(index.filter(pc.equal(index["type"], "Consent"))["patient"].drop_null().to_pylist())
        return found

    def frames(self, partition: Partition, kinds: frozenset[int]) -> Iterator[tuple[int, pa.Table]]:
        """Open a partition's frames, oldest first."""
        for segment in partition.segments:
            yield from read_frames(self.segments / segment.name, self.key, label=segment.name, kinds=kinds)

    def read(self, partition: Partition) -> Content:
        """Read a partition: newest versions only, sorted by patient, type, id. Cost: its bytes, twice."""
        into: dict[int, list[pa.Table]] = {INDEX: [], PAYLOAD: [], ROOTS: []}
        for kind, table in self.frames(partition, frozenset(into)):
            into[kind].append(table)
        if not into[INDEX]:
            return Content(RawBatch(_empty()))
        index, json = pa.concat_tables(into[INDEX]), one_chunk(pa.concat_tables(into.pop(PAYLOAD))["json"])
        kept = newest(index, ["type", "id", "patient"])
        kept = kept[pc.binary_length(json).to_numpy()[kept] > 0]  # a tombstone is an empty record
        kept = kept[newest(index.take(kept), ["type", "id"])]
        order = kept[_by_patient(index.take(kept))]
        rows = [one_chunk(index[name]).take(order) for name in ("type", "id", "patient")]
        batch = pa.RecordBatch.from_arrays([*rows, json.take(order)], schema=RECORDS)
        return Content(RawBatch(batch), _first_roots(into[ROOTS]))


def _all_parts(manifest: Manifest) -> tuple[Partition, ...]:
    return manifest.partitions + manifest.keys


def newest(index: pa.Table, key: list[str]) -> npt.NDArray[np.int64]:
    """Choose each key's newest version; of two equally new, the first to arrive. Shape: rows of the index."""
    arrival = pa.array(np.arange(index.num_rows, dtype=np.int64))
    keyed = index.select([*key, "updated_ms"]).append_column("arrival", arrival)
    by = [(name, "ascending") for name in key] + [("updated_ms", "descending"), ("arrival", "ascending")]
    order = pc.sort_indices(keyed, sort_keys=by).to_numpy()
    first = first_of_each(keyed.select(key).take(order))
    return np.asarray(order[first], np.int64)


def first_of_each(rows: pa.Table) -> npt.NDArray[np.bool_]:
    """Mark the first row of each run of equal rows."""
    marks = np.ones(rows.num_rows, np.bool_)
    if rows.num_rows > 1:
        same = np.ones(rows.num_rows - 1, np.bool_)
        for name in rows.column_names:
            column = one_chunk(rows[name])
            equal = pc.equal(column[1:], column[:-1])
            both_null = pc.and_(column[1:].is_null(), column[:-1].is_null())
            same &= pc.coalesce(equal, both_null).to_numpy(zero_copy_only=False)
        marks[1:] = ~same
    return marks


def one_chunk(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """See a column as one array."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _by_patient(index: pa.Table) -> npt.NDArray[np.int64]:
    keys = [("patient", "ascending"), ("type", "ascending"), ("id", "ascending")]
    return np.asarray(pc.sort_indices(index, sort_keys=keys).to_numpy(), np.int64)


def _first_roots(tables: list[pa.Table]) -> dict[str, bytes]:
    roots: dict[str, bytes] = {}
    for table in tables:
        for patient, root in zip(table["patient"].to_pylist(), table["root"].to_pylist(), strict=True):
            roots.setdefault(patient, root)
    return roots


def _empty() -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in RECORDS], schema=RECORDS)
