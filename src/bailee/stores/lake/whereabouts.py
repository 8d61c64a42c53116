"""Where each record lies: so that a record whose patient is corrected leaves its old place, and no id is there twice.

Sealed beside the vault's partitions, in shards by the record's keyed hash: (hash of type and id, hash of its patient).
A record found in two places stays in the place of its newest version; the others get a tombstone, an index row of a
later time with an empty record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.stores.lake.manifest import Partition
from bailee.stores.lake.sealed import INDEX, KEYS
from bailee.stores.lake.vault import Vault, one_chunk

SHARD_KEYS = 4 << 20
KEYS_SCHEMA = pa.schema([pa.field("key", pa.uint64(), nullable=False), pa.field("place", pa.uint64(), nullable=False)])
Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Sighting:
    """One version of a record that lies in more than one place. `row` is its index row."""

    partition: Partition
    key: int
    updated_ms: int
    is_new: bool
    order: int
    row: pa.Table


def keys_of(vault: Vault, index: pa.Table) -> Words:
    """Hash each row's type and id. Shape: n rows → uint64[n]."""
    return vault.hashes(one_chunk(pc.binary_join_element_wise(index["type"], index["id"], "/")))


def places_of(vault: Vault, index: pa.Table) -> Words:
    """Hash each row's patient; 0 for a record that is nobody's. Shape: n rows → uint64[n]."""
    patients = one_chunk(index["patient"])
    nobody = patients.is_null().to_numpy(zero_copy_only=False)
    return np.where(nobody, np.uint64(0), vault.hashes(pc.fill_null(patients, "")))


def moved_keys(known: pa.Table, added: pa.Table) -> Words:
    """Find the added keys that have, with what is known, more than one place. Shape: KEYS_SCHEMA tables → uint64[m]."""
    both = pa.concat_tables([known, added])
    key, place = (one_chunk(both[name]).to_numpy() for name in ("key", "place"))
    order = np.lexsort((place, key))
    key, place = key[order], place[order]
    other = (key[1:] == key[:-1]) & (place[1:] != place[:-1])
    return np.intersect1d(key[1:][other], one_chunk(added["key"]).to_numpy())


def read_shard(vault: Vault, shard: Partition) -> pa.Table:
    """Read what a shard knows."""
    tables = [table for _, table in vault.frames(shard, frozenset({KEYS}))]
    return pa.concat_tables(tables) if tables else KEYS_SCHEMA.empty_table()


def sightings(
    vault: Vault, parts: Iterable[Partition], moved: Words, added: dict[str, str], places: Words
) -> Iterator[Sighting]:
    """Find every version of the moved records. `added` names each partition's new segment; `places` are those to search."""
    order = 0
    for part in parts:
        if not _holds(part, places):
            continue
        for segment in part.segments:
            for _, index in vault.frames(Partition(bits=part.bits, segments=(segment,)), frozenset({INDEX})):
                keys = keys_of(vault, index)
                for row in np.flatnonzero(np.isin(keys, moved)).tolist():
                    order += 1
                    updated = index["updated_ms"][row].as_py()
                    is_new = added.get(part.name) == segment.name
                    yield Sighting(part, int(keys[row]), updated, is_new, order, index.slice(row, 1))


def losers(found: Sequence[Sighting]) -> list[tuple[Sighting, Sighting]]:
    """Choose, per record, the place that keeps it: newest version, then first known. Shape: (loser, winner) pairs."""
    by_key: dict[int, list[Sighting]] = {}
    for each in found:
        by_key.setdefault(each.key, []).append(each)
    pairs = []
    for versions in by_key.values():
        winner = min(versions, key=lambda each: (-each.updated_ms, each.is_new, each.order))
        home = _place(winner)
        last = {_place(each): each for each in sorted(versions, key=lambda each: each.updated_ms)}
        pairs += [(each, winner) for place, each in last.items() if place != home]
    return pairs


def tombstone(loser: Sighting, winner: Sighting) -> pa.Table:
    """Make the index row that ends a record's stay in a place."""
    row = loser.row.to_pylist()[0]
    row |= {"updated_ms": max(loser.updated_ms, winner.updated_ms) + 1, "digest": 0, "file": -1, "line": 0}
    return pa.Table.from_pylist([row], loser.row.schema)


def _place(sighting: Sighting) -> str | None:
    patient: str | None = sighting.row["patient"][0].as_py()
    return patient


def _holds(part: Partition, places: Words) -> bool:
    if part.shared:
        return bool(np.any(places == 0))
    low = np.uint64(int(part.bits or "0", 2) << (64 - max(1, len(part.bits))))
    span = np.uint64((1 << (64 - len(part.bits))) - 1) if part.bits else np.uint64(2**64 - 1)
    return bool(np.any((places >= low) & (places - low <= span) & (places != 0)))
