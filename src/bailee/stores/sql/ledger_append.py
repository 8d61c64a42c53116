"""Leaves into the relational store, and hashes out of it; who signs and when is `ledger.py`.

Only every eighth level of the Merkle tree is stored (C2SP tlog-tiles): a leaf costs one row, and one more row
for 256 leaves. Proofs read at most 256 hashes a level.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import Connection, Select, func, select

from bailee.core.errors import Conflict
from bailee.ledger.entries import Entry, entry_bytes, entry_from_bytes
from bailee.ledger.merkle import (
    HASH_BYTES,
    TILE_WIDTH,
    TiledNodes,
    count_of,
    hash_at,
    leaf_hashes,
    range_root,
    root_of,
)
from bailee.stores.sql import ledger_tables as tables
from bailee.stores.sql.rows import insert_rows

LOG = -1  # the ledger's own tree in `ledger_node`; other trees bear the number of their leaf
SKEW_MS = 60_000  # writers take the time before they wait for each other
Fetch = Callable[[int, int, int], bytes]


def append(connection: Connection, entries: Sequence[Entry]) -> list[int]:
    """Append leaves in the caller's transaction: both happen or neither. Shape: n entries → their n numbers.

    The transaction must be one of `database.write`, which lets one writer in at a time; a number is never
    skipped and never given twice. Raises: Conflict if the clock went back by more than a minute since the last leaf.
    """
    if not entries:
        return []
    first = size_of(connection)
    _check_time(connection, first, entries)
    bodies = [entry_bytes(entry) for entry in entries]
    packed = leaf_hashes(bodies)
    insert_rows(
        connection,
        tables.leaf,
        ("seq", "body", "hash"),
        ((first + at, body, hash_at(packed, at)) for at, body in enumerate(bodies)),
    )
    _append_marks(connection, first, entries)
    grow(connection, LOG, first, packed, log_fetch(connection))
    return list(range(first, first + len(entries)))


def size_of(connection: Connection) -> int:
    """Count the leaves."""
    last = connection.execute(select(func.max(tables.leaf.c.seq))).scalar()
    return 0 if last is None else int(last) + 1


def leaf_entry(connection: Connection, seq: int) -> Entry:
    """Read one leaf."""
    body = connection.execute(select(tables.leaf.c.body).where(tables.leaf.c.seq == seq)).scalar_one()
    return entry_from_bytes(bytes(body))


def log_nodes(connection: Connection) -> TiledNodes:
    """See the ledger's tree."""
    return TiledNodes(log_fetch(connection))


def log_root(connection: Connection, size: int) -> bytes:
    """Hash the first `size` leaves."""
    return range_root(log_nodes(connection), 0, size)


def log_fetch(connection: Connection) -> Fetch:
    """Read hashes of the ledger's tree: leaves at level 0, stored nodes above."""
    leaf = tables.leaf.c

    def fetch(level: int, start: int, count: int) -> bytes:
        if level:
            return stored_nodes(connection, LOG, level, start, count)
        rows = select(leaf.hash).where(leaf.seq >= start, leaf.seq < start + count).order_by(leaf.seq)
        return packed_column(connection, rows)

    return fetch


def stored_nodes(connection: Connection, tree: int, level: int, start: int, count: int) -> bytes:
    """Read stored hashes of one level of one tree."""
    node = tables.node.c
    rows = (
        select(node.hash)
        .where(node.tree == tree, node.level == level, node.idx >= start, node.idx < start + count)
        .order_by(node.idx)
    )
    return packed_column(connection, rows)


def packed_column(connection: Connection, rows: Select[bytes]) -> bytes:
    """Read one column of hashes as a packed row."""
    return b"".join([bytes(row[0]) for row in connection.execute(rows).all()])


def grow(connection: Connection, tree: int, first: int, packed: bytes, fetch: Fetch) -> None:
    """Store the nodes that new leaves complete, at every eighth level. Cost: one row for 256 leaves."""
    level = 0
    while True:
        lead = first % TILE_WIDTH
        if lead + count_of(packed) < TILE_WIDTH:
            return
        row = (fetch(level, first - lead, lead) if lead else b"") + packed
        packed, first, level = tile_roots(row), first // TILE_WIDTH, level + 1
        columns = ("tree", "level", "idx", "hash")
        rows = [(tree, level, first + at, hash_at(packed, at)) for at in range(count_of(packed))]
        insert_rows(connection, tables.node, columns, rows)


def tile_roots(packed: bytes) -> bytes:
    """Hash each complete tile of a row. Shape: 32·n bytes → 32·⌊n/256⌋ bytes."""
    width = TILE_WIDTH * HASH_BYTES
    return b"".join(root_of(packed[at : at + width]) for at in range(0, len(packed) - width + 1, width))


def _append_marks(connection: Connection, first: int, entries: Sequence[Entry]) -> None:
    rows = [
        (first + at, entry.kind, entry.t_ms, entry.release, entry.agreement.id if entry.agreement else "")
        for at, entry in enumerate(entries)
        if entry.release or entry.agreement
    ]
    if rows:
        insert_rows(connection, tables.mark, ("seq", "kind", "t_ms", "release", "agreement"), rows)


def _check_time(connection: Connection, size: int, entries: Sequence[Entry]) -> None:
    earliest = min(entry.t_ms for entry in entries)
    if size and earliest < _last_time(connection, size) - SKEW_MS:
        raise Conflict("the clock went back since the ledger's last leaf: set it right and try again")


def _last_time(connection: Connection, size: int) -> int:
    body = connection.execute(select(tables.leaf.c.body).where(tables.leaf.c.seq == size - 1)).scalar_one()
    return msgspec.json.decode(body, type=_Time).t_ms


class _Time(msgspec.Struct):
    t_ms: int
