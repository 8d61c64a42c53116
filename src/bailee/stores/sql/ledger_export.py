"""The ledger as files: an export for `bailee-verify`, and tiles for any tlog client; docs/ledger.md has every byte.

leaves.ndjson       one leaf a line            checkpoints/<size>   signed notes with their cosignatures
marks.ndjson        the database's own index   disclosures.txt      subject rows: no patient, no salt
documents/<sha256>  what leaves are bound to
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Select, or_, select

from bailee.core.errors import Conflict, UserError
from bailee.ledger.checkpoint import Note, read_checkpoint
from bailee.ledger.tiles import tile_path, tiles_of
from bailee.stores.sql import ledger_tables as tables
from bailee.stores.sql.database import read
from bailee.stores.sql.ledger import checkpoints
from bailee.stores.sql.ledger_append import log_fetch, size_of

_ROWS = 10_000


def export_ledger(engine: Engine, folder: Path) -> int:
    """Write the ledger up to its newest checkpoint into a new folder, from one consistent state. Shape: how many leaves.

    Leaves that another process added since are left to the next export: nothing unsigned leaves.
    Raises: UserError if the folder exists, Conflict without a checkpoint. Cost: O(leaves + disclosures), constant memory.
    """
    if folder.exists():
        raise UserError("the export's folder exists already", where=str(folder), remedy="Name a new folder.")
    with read(engine) as connection:
        notes = _notes(connection)
        size = read_checkpoint(notes[-1].body).size
        folder.mkdir(parents=True)
        _write_lines(folder / "leaves.ndjson", _leaf_lines(connection, size))
        _write_lines(folder / "marks.ndjson", _mark_lines(connection, size))
        _write_lines(folder / "disclosures.txt", _disclosure_lines(connection, size))
        _write_checkpoints(notes, folder / "checkpoints")
        _write_documents(connection, folder / "documents")
    return size


def export_tiles(engine: Engine, folder: Path, *, entries: bool = False) -> int:
    """Write the newest checkpoint and its tiles, to be served as static files. Shape: how many files were written.

    `entries` adds the leaves themselves, for auditors inside; without them the tiles show hashes only. Files that
    are there already are kept. Raises: Conflict without a checkpoint. Source: c2sp.org/tlog-tiles.
    """
    with read(engine) as connection:
        notes = _notes(connection)
        size = read_checkpoint(notes[-1].body).size
        written = sum(
            _write_once(folder / tile_path(level, index, width), log_fetch(connection)(level, 256 * index, width))
            for level, index, width in tiles_of(size)
        )
        if entries:
            written += sum(
                _write_once(folder / tile_path("entries", index, width), _bundle(connection, index, width))
                for level, index, width in tiles_of(size)
                if level == 0
            )
    # the checkpoint last: a reader never sees one whose tiles are not there
    fresh = folder / ".checkpoint"
    fresh.write_text(str(notes[-1]), "utf-8")
    fresh.replace(folder / "checkpoint")
    return written + 1


def _notes(connection: Connection) -> list[Note]:
    notes = checkpoints(connection)
    if not notes:
        raise Conflict("the ledger has no checkpoint yet: run `bailee ledger checkpoint`")
    return notes


def _leaf_lines(connection: Connection, size: int) -> Iterator[bytes]:
    leaf, at = tables.leaf.c, -1
    rows = select(leaf.seq, leaf.body).where(leaf.seq < size).order_by(leaf.seq)
    for at, (seq, body) in enumerate(_stream(connection, rows)):
        if at != seq:
            raise Conflict(f"leaf {at} is missing from the database: restore it before you export")
        yield bytes(body) + b"\n"
    if at + 1 != size:
        raise Conflict(f"leaf {at + 1} is missing from the database: restore it before you export")


def _mark_lines(connection: Connection, size: int) -> Iterator[bytes]:
    mark = tables.mark.c
    columns = (mark.seq, mark.kind, mark.t_ms, mark.release, mark.agreement)
    # a mark beyond all leaves is exported too: the verifier is to find it
    beyond = or_(mark.seq < size, mark.seq >= size_of(connection))
    rows = select(*columns).where(beyond).order_by(mark.seq)
    return (msgspec.json.encode(tuple(row)) + b"\n" for row in _stream(connection, rows))


def _disclosure_lines(connection: Connection, size: int) -> Iterator[bytes]:
    row = tables.disclosure.c
    beyond = or_(row.seq < size, row.seq >= size_of(connection))
    rows = select(row.seq, row.idx, row.n, row.commitment, row.prev, row.mask).where(beyond).order_by(row.seq, row.idx)
    for seq, idx, number, committed, prev, mask in _stream(connection, rows):
        yield f"{seq} {idx} {number} {bytes(committed).hex()} {bytes(prev).hex()} {mask}\n".encode()


def _write_checkpoints(notes: list[Note], folder: Path) -> None:
    folder.mkdir()
    for note in notes:
        (folder / str(read_checkpoint(note.body).size)).write_text(str(note), "utf-8")


def _write_documents(connection: Connection, folder: Path) -> None:
    folder.mkdir()
    for name, content in _stream(connection, select(tables.document.c.sha256, tables.document.c.content)):
        (folder / name).write_bytes(bytes(content))


def _bundle(connection: Connection, index: int, width: int) -> bytes:
    """Pack leaves as an entry bundle: each with its length in two bytes before it."""
    leaf, first = tables.leaf.c, 256 * index
    rows = select(leaf.body).where(leaf.seq >= first, leaf.seq < first + width).order_by(leaf.seq)
    bodies = [bytes(row[0]) for row in connection.execute(rows)]
    return b"".join(len(body).to_bytes(2, "big") + body for body in bodies)


def _stream(connection: Connection, rows: Select[*tuple[Any, ...]]) -> Iterator[Any]:
    with connection.execution_options(yield_per=_ROWS).execute(rows) as result:
        yield from result


def _write_lines(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb", buffering=1 << 20) as file:
        file.writelines(lines)


def _write_once(path: Path, content: bytes) -> int:
    if path.exists():
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}")
    fresh.write_bytes(content)
    shutil.move(fresh, path)
    return 1
