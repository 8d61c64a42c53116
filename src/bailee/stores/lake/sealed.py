"""Sealed files: frames of Arrow tables, compressed and encrypted; format in docs/vault.md.

A file opens with MAGIC, then frames of: kind (1 byte), ciphertext length (8, big endian), nonce (12), ciphertext.
Each is AES-256-GCM with the file's label, the frame's number and its kind as associated data, so that frames cannot
be swapped, dropped or moved to another file unnoticed. The last frame is END.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bailee.core.entropy import Entropy, SystemEntropy
from bailee.core.errors import Invalid
from bailee.core.keys import Secret

MAGIC = b"BAILEE\x00\x01"
INDEX, PAYLOAD, ROOTS, KEYS, END = 1, 2, 3, 4, 255
_HEAD = struct.Struct(">BQ12s")
_COMPRESSED = pa.ipc.IpcWriteOptions(compression="zstd")


class SealedWriter:
    """Writes frames to a file that is read only once `close` has sealed it."""

    def __init__(self, path: Path, key: Secret, *, label: str, entropy: Entropy | None = None) -> None:
        self._file = path.open("xb")
        self._file.write(MAGIC)
        self._cipher, self._label = AESGCM(key.reveal()), label
        self._entropy, self._count = entropy or SystemEntropy(), 0

    def write(self, kind: int, table: pa.Table | pa.RecordBatch) -> None:
        """Seal one table as a frame."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema, options=_COMPRESSED) as stream:
            stream.write(table)
        self._frame(kind, sink.getvalue().to_pybytes())

    def close(self) -> None:
        """Seal the file's end and make it durable."""
        self._frame(END, b"")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        """Give the file up; what was written stays unreadable without its END."""
        self._file.close()

    def _frame(self, kind: int, content: bytes) -> None:
        nonce = self._entropy.token_bytes(12)
        sealed = self._cipher.encrypt(nonce, content, _bound(self._label, self._count, kind))
        self._file.write(_HEAD.pack(kind, len(sealed), nonce))
        self._file.write(sealed)
        self._count += 1


def read_frames(path: Path, key: Secret, *, label: str, kinds: frozenset[int]) -> Iterator[tuple[int, pa.Table]]:
    """Open the frames of the wanted kinds, in order; others are skipped without decrypting.

    Raises: Invalid if the file is cut short, altered, or sealed under another key or label.
    """
    cipher = AESGCM(key.reveal())
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise _broken(label, "is not a sealed file")
        count = 0
        while (head := _read_head(file, label))[0] != END:
            kind, size, nonce = head
            if kind in kinds:
                yield kind, _open(cipher, file.read(size), nonce, _bound(label, count, kind), label)
            else:
                file.seek(size, os.SEEK_CUR)
            count += 1
        _decrypt(cipher, file.read(head[1]), head[2], _bound(label, count, END), label)


def _bound(label: str, count: int, kind: int) -> bytes:
    return f"{label}\x00{count}\x00{kind}".encode()


def _read_head(file: IO[bytes], label: str) -> tuple[int, int, bytes]:
    head = file.read(_HEAD.size)
    if len(head) != _HEAD.size:
        raise _broken(label, "is cut short")
    kind, size, nonce = _HEAD.unpack(head)
    if size > os.fstat(file.fileno()).st_size:
        raise _broken(label, "is cut short")
    return kind, size, nonce


def _open(cipher: AESGCM, sealed: bytes, nonce: bytes, bound: bytes, label: str) -> pa.Table:
    with pa.ipc.open_stream(pa.py_buffer(_decrypt(cipher, sealed, nonce, bound, label))) as stream:
        return stream.read_all()


def _decrypt(cipher: AESGCM, sealed: bytes, nonce: bytes, bound: bytes, label: str) -> bytes:
    try:
        return cipher.decrypt(nonce, sealed, bound)
    except InvalidTag:
        raise _broken(label, "was altered, or is sealed under another key") from None


def _broken(label: str, what: str) -> Invalid:
    return Invalid(f"a sealed file {what}", where=label, remedy="Restore it from a backup.", code="E-SEALED")
