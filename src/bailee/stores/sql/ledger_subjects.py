"""Which patients a leaf concerns: committed rows that stay, links to patients that can be erased.

For each patient the rows form a chain: number, and hash of the one before. A row missing, added or moved
breaks a chain or the root in the leaf.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, delete, select, text

from bailee.core.entropy import Entropy
from bailee.ledger.disclosures import (
    FIRST,
    SECRET_BYTES,
    SaltKeys,
    Subjects,
    data_masks,
    month_of,
    next_link,
    patient_column,
    subject_leaf,
    subjects_of,
)
from bailee.ledger.entries import Counts, Entry, replace
from bailee.ledger.merkle import TiledNodes, hash_at, leaf_hashes, root_of
from bailee.ledger.retention import keep_until_ms
from bailee.stores.sql import ledger_tables as tables
from bailee.stores.sql.ledger_append import Fetch, append, grow, stored_nodes
from bailee.stores.sql.rows import insert_rows

# of one connection only, and outside the shared collection: no migration makes it
_BATCH = Table(
    "ledger_asked",
    MetaData(),
    Column("pos", Integer, primary_key=True),
    Column("patient", String, nullable=False),
    prefixes=["TEMPORARY"],
)


def append_with_patients(
    connection: Connection, entry: Entry, patients: pa.Table, *, salts: SaltKeys, entropy: Entropy
) -> int | None:
    """Append a leaf that concerns patients, with their rows, in the caller's transaction.

    Shape: patient: string, and data: list<string> where types of data differ by patient → the leaf's number.
    Patients that the same release already disclosed are left out; None if nobody remains, and nothing is written.
    Cost: O(patients) time, about 200 bytes each in the database; hold at most some hundred thousand in a table.
    """
    names, masks = _distinct(patients, entry.data)
    _fill_batch(connection, names)
    fresh = _not_yet(connection, entry, len(names))
    if not len(fresh):
        return None
    names, masks = names.take(pa.array(fresh)), masks[fresh]
    month = month_of(entry.t_ms)
    numbers, prevs = _links(connection, fresh)
    secrets = entropy.token_bytes(SECRET_BYTES * len(names))
    rows = subjects_of(names.to_pylist(), secrets, salts.key(month), numbers=numbers, prevs=prevs, masks=masks)
    counts = replace(entry.counts or Counts(patients=0, rows=0, bytes=0), patients=len(names))
    leaf = replace(entry, counts=counts, subject_commitments_root=root_of(rows.hashes).hex())
    (seq,) = append(connection, [leaf])
    _write_rows(connection, seq, rows)
    _write_links(connection, seq, names, secrets)
    _write_batch(connection, seq, leaf, month, len(names))
    return seq


def subject_nodes(connection: Connection, seq: int) -> TiledNodes:
    """See the tree of a leaf's subject rows."""
    return TiledNodes(_subject_fetch(connection, seq))


def _distinct(patients: pa.Table, data: Sequence[str]) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    column, masks = patient_column(patients), data_masks(patients, data)
    encoded = column.dictionary_encode()
    merged = np.zeros(len(encoded.dictionary), np.int64)
    np.bitwise_or.at(merged, encoded.indices.to_numpy(zero_copy_only=False), masks)
    return encoded.dictionary, merged


def _fill_batch(connection: Connection, names: pa.Array) -> None:
    """Put the patients where joins can see them: a temporary table of this connection."""
    _BATCH.create(connection, checkfirst=True)
    connection.execute(delete(_BATCH))
    insert_rows(connection, _BATCH, ("pos", "patient"), enumerate(names.to_pylist()))


def _not_yet(connection: Connection, entry: Entry, count: int) -> npt.NDArray[np.int64]:
    """Give the positions of the patients whom this release has not disclosed yet."""
    fresh = np.ones(count, np.bool_)
    batch, subject, asked = tables.batch.c, tables.subject.c, _BATCH.c
    same = select(batch.seq).where(batch.release == entry.release, batch.kind == entry.kind)
    earlier = [seq for (seq,) in connection.execute(same)] if entry.release else []
    for seq in earlier:
        rows = select(asked.pos).join(tables.subject, subject.patient == asked.patient).where(subject.seq == seq)
        fresh[[pos for (pos,) in connection.execute(rows)]] = False
    return np.flatnonzero(fresh)


def _links(connection: Connection, fresh: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], bytes]:
    """Give the number and link of each patient's next row: 1 and zeros where there was none."""
    place = {int(pos): at for at, pos in enumerate(fresh)}
    numbers = np.ones(len(fresh), np.int64)
    prevs = bytearray(FIRST * len(fresh))
    for pos, *row in connection.execute(_LAST_ROWS):
        at = place.get(pos)
        if at is not None:
            committed, number, prev, mask = row
            numbers[at], prevs[32 * at : 32 * at + 32] = next_link(bytes(committed), number, bytes(prev), mask)
    return numbers, bytes(prevs)


_LAST_ROWS = text(
    "SELECT b.pos, d.commitment, d.n, d.prev, d.mask "
    "FROM ledger_asked b JOIN ledger_subject s ON s.patient = b.patient "
    "JOIN ledger_disclosure d ON d.seq = s.seq AND d.idx = s.idx "
    "WHERE s.seq = (SELECT MAX(latest.seq) FROM ledger_subject latest WHERE latest.patient = b.patient)"
)


def _write_rows(connection: Connection, seq: int, rows: Subjects) -> None:
    numbers, masks = rows.numbers.tolist(), rows.masks.tolist()
    insert_rows(
        connection,
        tables.disclosure,
        ("seq", "idx", "commitment", "n", "prev", "mask"),
        (
            (seq, at, hash_at(rows.commitments, at), number, hash_at(rows.prevs, at), mask)
            for at, (number, mask) in enumerate(zip(numbers, masks, strict=True))
        ),
    )
    grow(connection, seq, 0, rows.hashes, _subject_fetch(connection, seq))


def _write_links(connection: Connection, seq: int, names: pa.Array, secrets: bytes) -> None:
    # in the order of the table's own tree: many times faster than in random order
    order = pc.sort_indices(names)
    links = (
        (patient, seq, at, secrets[SECRET_BYTES * at : SECRET_BYTES * (at + 1)])
        for at, patient in zip(order.to_pylist(), names.take(order).to_pylist(), strict=True)
    )
    insert_rows(connection, tables.subject, ("patient", "seq", "idx", "secret"), links)


def _write_batch(connection: Connection, seq: int, leaf: Entry, month: str, count: int) -> None:
    keep = keep_until_ms(leaf.t_ms)
    columns = ("seq", "kind", "release", "month", "count", "keep_until_ms")
    insert_rows(connection, tables.batch, columns, [(seq, leaf.kind, leaf.release, month, count, keep)])


def _subject_fetch(connection: Connection, seq: int) -> Fetch:
    row = tables.disclosure.c

    def fetch(level: int, start: int, count: int) -> bytes:
        if level:
            return stored_nodes(connection, seq, level, start, count)
        rows = (
            select(row.commitment, row.n, row.prev, row.mask)
            .where(row.seq == seq, row.idx >= start, row.idx < start + count)
            .order_by(row.idx)
        )
        return leaf_hashes(subject_leaf(bytes(c), n, bytes(p), m) for c, n, p, m in connection.execute(rows).all())

    return fetch
