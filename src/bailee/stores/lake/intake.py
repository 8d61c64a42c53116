"""Writing to the vault: rows are buffered, sealed by partition, and become visible by one atomic commit."""

from __future__ import annotations

import fcntl
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.canonical import sha256_hex
from bailee.core.entropy import Entropy, SystemEntropy
from bailee.core.errors import Conflict
from bailee.core.keys import ROOT_BYTES
from bailee.stores.durable import sync_folder
from bailee.stores.lake.manifest import Manifest, Partition, Segment, write_manifest
from bailee.stores.lake.relocation import Relocated, relocate
from bailee.stores.lake.sealed import INDEX, PAYLOAD, ROOTS, SealedWriter
from bailee.stores.lake.vault import INDEX_SCHEMA, PARTITION_BYTES, ROOTS_SCHEMA, Vault, one_chunk
from bailee.stores.lake.versions import Fates, fates_of

BUFFER_BYTES = 96 << 20
# What an intake adds: the index's columns and the record itself.
ROWS = INDEX_SCHEMA.append(pa.field("json", pa.large_binary(), nullable=False))
# Is given the vault as it was and as it will be, and the step that makes the latter visible; it must take the step.
Publish = Callable[[Manifest, Manifest, Callable[[], None]], None]


def publish_at_once(_before: Manifest, _after: Manifest, step: Callable[[], None]) -> None:
    """Take the step."""
    step()


@dataclass
class _Open:
    """A segment that is being written."""

    path: Path
    label: str
    writer: SealedWriter
    partition: Partition
    records: int = 0
    size_bytes: int = 0


@dataclass(frozen=True)
class Committed:
    """What a commit did. `conflicts` are rows of the index: same record, equally new, other content."""

    manifest: Manifest
    current: int
    duplicates: int
    superseded: int
    conflicts: pa.Table


class Intake:
    """One intake: `add` rows, then `commit`; or nothing of it is ever seen. Leaving the context abandons the rest.

    `expected_bytes` (JSON, an estimate) sizes the partitions of a vault that is still empty.
    """

    def __init__(self, vault: Vault, *, expected_bytes: int, entropy: Entropy | None = None) -> None:
        self.vault, self._entropy = vault, entropy or SystemEntropy()
        self._base = vault.manifest()
        self._partitions = _partitions(self._base, expected_bytes)
        self._lows = {shared: _lows(parts) for shared, parts in self._partitions.items()}
        self._buffer: list[pa.Table] = []
        self._buffered = 0
        self._open: dict[str, _Open] = {}
        self._seen: dict[str, set[str]] = defaultdict(set)

    def add(self, rows: pa.Table) -> None:
        """Take rows in. Shape: the ROWS schema."""
        self._buffer.append(rows)
        self._buffered += rows.nbytes
        if self._buffered >= BUFFER_BYTES:
            self._flush()

    def commit(self, taken: tuple[str, ...], *, publish: Publish = publish_at_once) -> Committed:
        """Seal what was added and publish it as the vault's next version, by `publish`'s hand.

        Raises: Conflict if another intake published meanwhile; nothing is lost then, run again.
        """
        self._flush()
        base = self._base
        segments = {name: self._close(opened) for name, opened in self._open.items()}
        grown = [self._grow(part, segments) for parts in self._partitions.values() for part in parts]
        fates = [fates_of(self.vault, part, segments[part.name].name) for part in grown if part.name in segments]
        added = {name: segment.name for name, segment in segments.items()}
        moved = relocate(self.vault, self._entropy, grown, base.keys, added)
        parts = [final for part in moved.parts for final in self._split(part)]
        manifest = Manifest(
            version=base.version + 1, partitions=tuple(parts), keys=moved.shards, taken=base.taken + taken
        )
        sync_folder(self.vault.segments)
        publish(base, manifest, lambda: write_manifest(self.vault.versions, manifest))
        self._open, self._base = {}, manifest
        self._partitions = _partitions(manifest, 0)
        self._lows = {shared: _lows(parts) for shared, parts in self._partitions.items()}
        self._seen.clear()
        return _committed(manifest, fates, moved)

    def abandon(self) -> None:
        """Give up what was not committed."""
        for opened in self._open.values():
            opened.writer.abandon()
            opened.path.unlink(missing_ok=True)
        self._open = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()

    def _flush(self) -> None:
        if not self._buffer:
            return
        waiting, self._buffer, self._buffered = self._buffer, [], 0
        rows = pa.concat_tables(waiting).combine_chunks()
        waiting.clear()  # so that nothing is held twice
        orphan = pc.is_null(rows["patient"]).to_numpy()
        for shared, chosen in ((False, np.flatnonzero(~orphan)), (True, np.flatnonzero(orphan))):
            if len(chosen):
                self._scatter(rows, chosen, shared=shared)

    def _scatter(self, rows: pa.Table, chosen: npt.NDArray[np.int64], *, shared: bool) -> None:
        """Write rows to their partitions, copying no more than one partition's share at a time."""
        named = rows.select(["type", "id", "patient"]).take(chosen)
        keys = pc.binary_join_element_wise(named["type"], named["id"], "/") if shared else named["patient"]
        place = np.searchsorted(self._lows[shared], self.vault.hashes(one_chunk(keys)), "right") - 1
        order = np.argsort(place, kind="stable")
        edges = np.searchsorted(place[order], np.arange(len(self._lows[shared]) + 1))
        for partition, own in zip(self._partitions[shared], np.split(chosen[order], edges[1:-1]), strict=True):
            if len(own):
                self._write(partition, rows.take(own))

    def _write(self, partition: Partition, rows: pa.Table) -> None:
        opened = self._open.get(partition.name) or self._start(partition)
        opened.writer.write(INDEX, rows.select(INDEX_SCHEMA.names).cast(INDEX_SCHEMA))
        opened.writer.write(PAYLOAD, rows.select(["json"]))
        opened.records += rows.num_rows
        opened.size_bytes += int(pc.sum(pc.binary_length(rows["json"])).as_py())
        if not partition.shared:
            self._seen[partition.name].update(pc.unique(rows["patient"]).to_pylist())

    def _start(self, partition: Partition) -> _Open:
        label = f"{partition.name}-{self._entropy.token_bytes(8).hex()}.sealed"
        path = self.vault.segments / label
        writer = SealedWriter(path, self.vault.key, label=label, entropy=self._entropy)
        self._open[partition.name] = opened = _Open(path, label, writer, partition)
        return opened

    def _close(self, opened: _Open) -> Segment:
        known = {
            patient
            for _, table in self.vault.frames(opened.partition, frozenset({ROOTS}))
            for patient in table["patient"].to_pylist()
        }
        fresh = sorted(self._seen[opened.partition.name] - known)
        if fresh:
            roots = [self._entropy.token_bytes(ROOT_BYTES) for _ in fresh]
            opened.writer.write(ROOTS, pa.table([pa.array(fresh), pa.array(roots, pa.binary(16))], ROOTS_SCHEMA))
        opened.writer.close()
        return Segment(name=opened.label, records=opened.records, size_bytes=opened.size_bytes)

    def _grow(self, part: Partition, segments: dict[str, Segment]) -> Partition:
        added = segments.get(part.name)
        return msgspec.structs.replace(part, segments=(*part.segments, added)) if added else part

    def _split(self, part: Partition) -> Iterator[Partition]:
        if part.size_bytes <= 2 * PARTITION_BYTES or len(part.bits) >= 48:
            yield part
            return
        halves = [Partition(bits=part.bits + bit, shared=part.shared) for bit in "01"]
        opened = [self._start(half) for half in halves]
        for frames in _paired(self.vault, part):
            self._divide(frames, opened, len(part.bits))
        for half, target in zip(halves, opened, strict=True):
            target.writer.close()
            del self._open[half.name]
            segment = Segment(name=target.label, records=target.records, size_bytes=target.size_bytes)
            yield from self._split(msgspec.structs.replace(half, segments=(segment,) if target.records else ()))

    def _divide(self, frames: dict[int, pa.Table], opened: list[_Open], depth: int) -> None:
        table = frames.get(INDEX, frames.get(ROOTS))
        assert table is not None
        shared = opened[0].partition.shared
        keys = pc.binary_join_element_wise(table["type"], table["id"], "/") if shared else table["patient"]
        bit = (self.vault.hashes(one_chunk(keys)) >> np.uint64(63 - depth)) & np.uint64(1)
        for side, target in enumerate(opened):
            chosen = pa.array(bit == side)
            for kind, content in frames.items():
                part = content.filter(chosen)
                if part.num_rows:
                    target.writer.write(kind, part.combine_chunks())
                if kind == PAYLOAD:
                    target.records += part.num_rows
                    target.size_bytes += int(pc.sum(pc.binary_length(part["json"])).as_py() or 0)


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold the vault for one intake. Raises: Conflict if another process holds it."""
    with (folder / "intake.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("another intake is running; wait for it and run again") from None
        yield


def _paired(vault: Vault, part: Partition) -> Iterator[dict[int, pa.Table]]:
    held: dict[int, pa.Table] = {}
    for kind, table in vault.frames(part, frozenset({INDEX, PAYLOAD, ROOTS})):
        if kind == ROOTS:
            yield {ROOTS: table}
            continue
        held[kind] = table
        if len(held) == 2:
            yield held
            held = {}


def _partitions(manifest: Manifest, expected_bytes: int) -> dict[bool, list[Partition]]:
    empty = not any(part.segments for part in manifest.partitions)
    depth = max(0, int(np.ceil(np.log2(max(1, expected_bytes) / PARTITION_BYTES)))) if empty else 0
    if empty and depth:
        patients = [Partition(bits=format(number, f"0{depth}b")) for number in range(1 << depth)]
        return {False: patients, True: [Partition(bits="", shared=True)]}
    ordered = sorted(manifest.partitions, key=lambda part: part.bits)
    return {shared: [part for part in ordered if part.shared == shared] for shared in (False, True)}


def _lows(parts: list[Partition]) -> npt.NDArray[np.uint64]:
    return np.array([int(part.bits or "0", 2) << (64 - max(1, len(part.bits))) for part in parts], np.uint64)


def _committed(manifest: Manifest, fates: list[Fates], moved: Relocated) -> Committed:
    # Within one partition the fates have told already.
    ended = [pair for pair in moved.ended if pair[0].partition.name != pair[1].partition.name]
    lost = [(loser, winner) for loser, winner in ended if loser.is_new]
    equal = [loser.row for loser, winner in lost if loser.updated_ms == winner.updated_ms]
    conflicts = [INDEX_SCHEMA.empty_table(), *(fate.conflicts for fate in fates), *equal]
    return Committed(
        manifest=manifest,
        current=sum(fate.current for fate in fates) - len(lost),
        duplicates=sum(fate.duplicates for fate in fates),
        superseded=sum(fate.superseded for fate in fates) + len(lost) - len(equal),
        conflicts=pa.concat_tables(conflicts),
    )


def source_key(vault: Vault, described: str) -> str:
    """Name a source file that is wholly in, without its name. Shape: 64 hexadecimal digits."""
    return sha256_hex(vault.key.derive("sources").reveal() + described.encode())
