"""What became of the rows that an intake added: current, duplicate, superseded, or in conflict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bailee.stores.lake.manifest import Partition
from bailee.stores.lake.sealed import INDEX, read_frames
from bailee.stores.lake.vault import Vault, first_of_each, one_chunk


@dataclass(frozen=True)
class Fates:
    """Counts of one partition's newly added rows; each row has exactly one fate.

    current: the newest version of its record. duplicate: the same content came before. superseded: a newer version
    is there, or came with it. conflicts: equally new as another, with other content; the first to arrive stays.
    """

    current: int
    duplicates: int
    superseded: int
    conflicts: pa.Table


def fates_of(vault: Vault, part: Partition, added: str) -> Fates:
    """Tell the fates of the rows in the segment `added`. Cost: the partition's index, not its records."""
    tables, sizes = [], []
    for segment in part.segments:
        read = [
            table
            for _, table in read_frames(
                vault.segments / segment.name, vault.key, label=segment.name, kinds=frozenset({INDEX})
            )
        ]
        tables += read
        sizes += [(segment.name == added, sum(table.num_rows for table in read))]
    new = np.concatenate([np.full(size, flag) for flag, size in sizes])
    return _fates(pa.concat_tables(tables), new)


def _fates(index: pa.Table, new: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Fates:
    keyed = index.append_column("arrival", pa.array(np.arange(index.num_rows)))
    by = [("type", "ascending"), ("id", "ascending"), ("updated_ms", "descending"), ("arrival", "ascending")]
    order = pc.sort_indices(keyed, sort_keys=by).to_numpy()
    rows = keyed.take(order)
    is_new = new[order]
    newest = first_of_each(rows.select(["type", "id"]))
    leads = first_of_each(rows.select(["type", "id", "updated_ms"]))
    # A record's rows are contiguous, so the leader of a run is the last lead at or before the row.
    leader = np.maximum.accumulate(np.where(leads, np.arange(len(rows)), 0))
    digest = one_chunk(rows["digest"]).to_numpy()
    same = digest == digest[leader]
    of_newest = newest[leader]
    conflict = is_new & ~leads & ~same
    return Fates(
        current=int(np.sum(is_new & newest)),
        duplicates=int(np.sum(is_new & ~leads & same)),
        superseded=int(np.sum(is_new & leads & ~of_newest)),
        conflicts=rows.filter(pa.array(conflict)).select(index.column_names),
    )
