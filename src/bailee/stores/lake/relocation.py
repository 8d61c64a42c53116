"""At a commit: notes where the added records lie, and ends the stay of those that lie elsewhere too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import pyarrow as pa

from bailee.core.entropy import Entropy
from bailee.stores.lake.manifest import Partition, Segment
from bailee.stores.lake.sealed import INDEX, KEYS, PAYLOAD, SealedWriter
from bailee.stores.lake.vault import Vault
from bailee.stores.lake.whereabouts import (
    KEYS_SCHEMA,
    SHARD_KEYS,
    Sighting,
    Words,
    keys_of,
    losers,
    moved_keys,
    places_of,
    read_shard,
    sightings,
    tombstone,
)

_KEY_BYTES = 16
_EMPTY = pa.schema([pa.field("json", pa.large_binary(), nullable=False)])


@dataclass(frozen=True)
class Relocated:
    """The vault's parts after it. `ended` are stays that ended: (the version that lost, the one that won)."""

    parts: tuple[Partition, ...]
    shards: tuple[Partition, ...]
    ended: tuple[tuple[Sighting, Sighting], ...]


def relocate(
    vault: Vault, entropy: Entropy, parts: Sequence[Partition], shards: Sequence[Partition], added: dict[str, str]
) -> Relocated:
    """Enter the added segments' records into the shards; end every stay that a newer version elsewhere outdates.

    `added` names each partition's new segment. Cost: 16 bytes a record of the vault, shard by shard.
    """
    fresh = pa.concat_tables([KEYS_SCHEMA.empty_table(), *(_entered(vault, part, added) for part in parts)])
    grown, moved, places = [], [], []
    for shard in shards:
        mine = fresh.filter(pa.array(_in_shard(shard, fresh["key"].to_numpy())))
        known = read_shard(vault, shard)
        keys = moved_keys(known, mine)
        moved.append(keys)
        both = pa.concat_tables([known, mine])
        places.append(both["place"].to_numpy()[np.isin(both["key"].to_numpy(), keys)])
        grown += _grown(vault, entropy, shard, known, mine)
    keys = np.concatenate(moved)
    found = list(sightings(vault, parts, keys, added, np.concatenate(places))) if len(keys) else []
    ended = losers(found)
    return Relocated(tuple(_buried(vault, entropy, part, ended) for part in parts), tuple(grown), tuple(ended))


def seal(vault: Vault, entropy: Entropy, name: str, frames: Iterable[tuple[int, pa.Table]]) -> str:
    """Seal frames as a new segment; give its label."""
    label = f"{name}-{entropy.token_bytes(8).hex()}.sealed"
    writer = SealedWriter(vault.segments / label, vault.key, label=label, entropy=entropy)
    for kind, table in frames:
        writer.write(kind, table.combine_chunks())
    writer.close()
    return label


def _entered(vault: Vault, part: Partition, added: dict[str, str]) -> pa.Table:
    segments = tuple(segment for segment in part.segments if segment.name == added.get(part.name))
    only = msgspec.structs.replace(part, segments=segments)
    tables = [index for _, index in vault.frames(only, frozenset({INDEX}))]
    columns = [(keys_of(vault, index), places_of(vault, index)) for index in tables]
    return pa.concat_tables(
        [KEYS_SCHEMA.empty_table(), *(pa.table(list(map(pa.array, pair)), KEYS_SCHEMA) for pair in columns)]
    )


def _in_shard(shard: Partition, keys: Words) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if not shard.bits:
        return np.ones(len(keys), np.bool_)
    return np.asarray(keys >> np.uint64(64 - len(shard.bits)) == np.uint64(int(shard.bits, 2)), np.bool_)


def _grown(vault: Vault, entropy: Entropy, shard: Partition, known: pa.Table, mine: pa.Table) -> list[Partition]:
    """Append what is new to a shard; split it where it outgrows its size."""
    if not mine.num_rows:
        return [shard]
    count = known.num_rows + mine.num_rows
    if count <= SHARD_KEYS:
        return [_with(shard, seal(vault, entropy, f"keys-{shard.bits}", [(KEYS, mine)]), mine.num_rows)]
    both, halves = pa.concat_tables([known, mine]), []
    for bit in "01":
        half = Partition(bits=shard.bits + bit)
        rows = both.filter(pa.array(_in_shard(half, both["key"].to_numpy())))
        halves.append(_with(half, seal(vault, entropy, f"keys-{half.bits}", [(KEYS, rows)]), rows.num_rows))
    return halves


def _with(part: Partition, label: str, records: int, size_bytes: int | None = None) -> Partition:
    size = records * _KEY_BYTES if size_bytes is None else size_bytes
    return msgspec.structs.replace(
        part, segments=(*part.segments, Segment(name=label, records=records, size_bytes=size))
    )


def _buried(vault: Vault, entropy: Entropy, part: Partition, ended: Sequence[tuple[Sighting, Sighting]]) -> Partition:
    stones = [tombstone(loser, winner) for loser, winner in ended if loser.partition.name == part.name]
    if not stones:
        return part
    index = pa.concat_tables(stones)
    empty = pa.table([pa.array([b""] * index.num_rows, pa.large_binary())], _EMPTY)
    return _with(part, seal(vault, entropy, part.name, [(INDEX, index), (PAYLOAD, empty)]), index.num_rows, 0)
