"""What bytes hold once unpacked: gzip, zip, tar, Parquet and SQLite, within one another; not pictures."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

_DEEPEST = 6
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    zipfile.BadZipFile,
    tarfile.TarError,
    pa.ArrowInvalid,
    sqlite3.DatabaseError,
)


def unpacked(content: bytes, where: str = "", *, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield (place, bytes) for the bytes themselves and for everything inside them, to any depth up to six.

    What calls itself an archive and is not one is yielded as it is.
    """
    yield where, content
    if depth >= _DEEPEST:
        return
    try:
        inner = list(_inside(content))
    except _UNREADABLE:
        return
    for name, part in inner:
        yield from unpacked(part, f"{where}!{name}", depth=depth + 1)


def _inside(content: bytes) -> Iterator[tuple[str, bytes]]:
    if content.startswith(b"\x1f\x8b"):
        yield "gzip", gzip.decompress(content)
    elif content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield name, archive.read(name)
    elif content.startswith(b"PAR1"):
        yield from _columns(content)
    elif content.startswith(b"SQLite format 3\0"):
        yield from _rows(content)
    elif content[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive.getmembers():
                file = archive.extractfile(member)
                if file is not None:
                    yield member.name, file.read()


def _columns(content: bytes) -> Iterator[tuple[str, bytes]]:
    file = pq.ParquetFile(pa.BufferReader(content))
    yield "schema", str(file.schema_arrow).encode() + repr(file.metadata.metadata).encode()
    table = file.read()
    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_nested(column.type):
            yield name, json.dumps(column.to_pylist(), default=str, ensure_ascii=False).encode()
            continue
        values = column.to_pylist()
        yield (
            name,
            b"\n".join(
                value if isinstance(value, bytes) else str(value).encode() for value in values if value is not None
            ),
        )
        yield from (
            (f"{name}[]", value) for value in values if isinstance(value, bytes) and value[:2] in {b"\x1f\x8b", b"PK"}
        )


def _rows(content: bytes) -> Iterator[tuple[str, bytes]]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(content)
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in tables:
            quoted = name.replace('"', '""')
            cells = [cell for row in connection.execute(f'SELECT * FROM "{quoted}"') for cell in row]  # noqa: S608
            yield (
                name,
                b"\n".join(
                    cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells if cell is not None
                ),
            )
            yield from (
                (f"{name}[]", cell) for cell in cells if isinstance(cell, bytes) and cell[:2] in {b"\x1f\x8b", b"PK"}
            )
    finally:
        connection.close()
