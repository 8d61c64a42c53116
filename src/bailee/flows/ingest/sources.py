"""Source files: finding them, naming them without telling whose they are, and reading them in bounded blocks."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from bailee.core.errors import UserError

BLOCK_BYTES = 16 << 20
LINE_BYTES = 64 << 20
DOCUMENT_BYTES = 512 << 20
_PACKED_BYTES = 1 << 20
LINES = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
DOCUMENTS = (".json", ".json.gz")
EXPORT_LOG = "log.ndjson"  # bulk-data clients write their own log beside the records
# A bulk export's own file names; any other may hold a patient's name and is shown by its number only.
_PLAIN_NAME = re.compile(r"[A-Z][A-Za-z]{2,40}(?:[._-](?:\d{1,6}|part|chunk))*\.(?:ndjson|jsonl|json)(?:\.gz)?")


@dataclass(frozen=True)
class Source:
    """One file. `number` counts from 1 in the order of reading; `shown` is safe to print, log and keep."""

    path: Path
    number: int
    shown: str

    @property
    def is_lines(self) -> bool:
        """Tell NDJSON from one JSON document."""
        return self.path.name.lower().endswith(LINES)


@dataclass(frozen=True, repr=False)
class Block:
    """Whole lines of one file, or one whole document. `line` is the number of its first line."""

    content: bytes
    line: int


@dataclass(frozen=True)
class Damage:
    """Why a file could not be read on from a line."""

    line: int
    code: str


def find_sources(paths: Iterable[Path]) -> list[Source]:
    """List every FHIR file at or below the paths, in a fixed order.

    Raises: UserError if a path does not exist or holds no FHIR file.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UserError("no such file or folder", where=str(path), remedy="Name an existing one.")
        files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        chosen = [each for each in files if each.name.lower().endswith(LINES + DOCUMENTS) and each.name != EXPORT_LOG]
        if not chosen:
            endings = ", ".join(LINES + DOCUMENTS)
            raise UserError("no FHIR files", where=str(path), remedy=f"Files end in {endings}.")
        found += chosen
    unique = list(dict.fromkeys(found))
    return [Source(path, number, shown_name(path, f"file {number}")) for number, path in enumerate(unique, 1)]


def shown_name(path: Path, otherwise: str) -> str:
    """Give a file's name if it is a bulk export's own; any other may name somebody."""
    return path.name if _PLAIN_NAME.fullmatch(path.name) else otherwise


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@contextmanager
def opened(source: Source) -> Iterator[_Readable]:
    """Open a file, through gzip where its first bytes say so."""
    with source.path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        yield _Unpacked(raw) if packed else raw


class _Unpacked:
    """A gzip file read member by member; all that can be unpacked is given before damage is told."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self._member, self._waiting = raw, zlib.decompressobj(31), b""

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes. Raises: EOFError where the file is cut short; zlib.error where it is damaged."""
        while True:
            if self._member.eof:
                self._waiting = self._member.unused_data or self._raw.read(_PACKED_BYTES)
                if not self._waiting:
                    return b""
                self._member = zlib.decompressobj(31)
            fed = self._waiting or self._raw.read(_PACKED_BYTES)
            content = self._member.decompress(fed, size)
            self._waiting = self._member.unconsumed_tail
            if content:
                return content
            if not fed and not self._member.eof:
                raise EOFError


def read_blocks(source: Source) -> Iterator[Block | Damage]:
    """Read a file in blocks of whole lines; a document as one block. Damage ends the file or skips one line."""
    with opened(source) as file:
        if source.is_lines:
            yield from _line_blocks(file)
        else:
            yield from _document(file)


def _line_blocks(file: _Readable) -> Iterator[Block | Damage]:
    line, rest, skipping = 1, b"", False
    while True:
        chunk, damage = _read(file, BLOCK_BYTES)
        content = rest + chunk
        cut = content.rfind(b"\n") + 1
        whole, rest = content[:cut], content[cut:]
        if skipping and whole:
            whole, skipping = whole[whole.find(b"\n") + 1 :], False
            line += 1
        if whole:
            yield Block(whole, line)
            line += whole.count(b"\n")
        if not skipping and len(rest) > LINE_BYTES:
            yield Damage(line, "line-too-long")
            skipping = True
        if skipping:
            rest = b""
        if damage:
            yield Damage(line, damage)
            return
        if not chunk:
            if rest:
                yield Block(rest, line)
            return


def _document(file: _Readable) -> Iterator[Block | Damage]:
    pieces: list[bytes] = []
    size = 0
    while True:
        chunk, damage = _read(file, BLOCK_BYTES)
        size += len(chunk)
        if damage or size > DOCUMENT_BYTES:
            yield Damage(1, damage or "document-too-long")
            return
        if not chunk:
            yield Block(b"".join(pieces), 1)
            return
        pieces.append(chunk)


def _read(file: _Readable, size: int) -> tuple[bytes, str]:
    try:
        return file.read(size), ""
    except EOFError:
        return b"", "gzip-cut-short"
    except zlib.error:
        return b"", "gzip-damaged"
