"""Bytes of a file to an object, by pydicom: in bounds, and without a word about what is in it."""

from __future__ import annotations

import io
import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from bailee.core.errors import Invalid, Unavailable
from bailee.records.dicom.sniff import HEAD_BYTES, PREAMBLE_BYTES, is_dicom

MOST_BYTES: Final = 2 << 30
DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_INFLATED: Final = "1.2.840.10008.1.2.1"
_LONG: Final = frozenset({b"OB", b"OW", b"UN", b"SQ", b"UT"})
_REMEDY: Final = "Export it again, or leave it out."


@dataclass(frozen=True, repr=False)
class Opened:
    """An object, and the transfer syntax of its pixels ("" if the file did not say)."""

    dataset: Any
    syntax: str

    def __repr__(self) -> str:
        return f"Opened({self.syntax})"


@contextmanager
def silent() -> Iterator[None]:
    """Let pydicom say nothing: its warnings and its log quote values."""
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def quiet() -> Iterator[None]:
    """As `silent`. Raises: Invalid for whatever pydicom cannot read, without what it said."""
    try:
        with silent():
            yield
    except (Invalid, Unavailable):
        raise
    except RecursionError:
        raise Invalid("a DICOM file whose sequences lie too deep", remedy=_REMEDY) from None
    except MemoryError:
        raise Invalid("a DICOM file that is too large to hold", remedy=_REMEDY) from None
    except Exception as error:  # noqa: BLE001 - pydicom raises what it meets; its message may quote a value
        raise Invalid(f"a DICOM file that pydicom cannot read ({type(error).__name__})", remedy=_REMEDY) from None


def read(content: bytes, *, most: int = MOST_BYTES) -> Opened:
    """Read a file. Raises: Invalid if it is none, is damaged or unfolds to more than `most` bytes; Unavailable without pydicom."""
    if not is_dicom(content[:HEAD_BYTES]):
        raise Invalid("not a DICOM file", remedy="Leave it out.")
    pydicom = _pydicom()
    syntax, start = _header(content)
    if syntax == DEFLATED:
        content, syntax = _relabelled(content[:start]) + _inflated(content[start:], most), _INFLATED
    with quiet():
        dataset = pydicom.dcmread(io.BytesIO(content), force=True)
    if not len(dataset):
        raise Invalid("a DICOM file without an object", remedy=_REMEDY)
    return Opened(dataset, syntax)


def read_header(file: BinaryIO, *, most: int = MOST_BYTES) -> Opened:
    """Read a file's attributes, but not its pixels: for a file that can be sought. Raises: as `read`."""
    head = file.read(HEAD_BYTES)
    if not is_dicom(head):
        raise Invalid("not a DICOM file", remedy="Leave it out.")
    syntax, _ = _header(head)
    file.seek(0)
    if syntax == DEFLATED:
        return read(file.read(most + 1), most=most)
    pydicom = _pydicom()
    with quiet():
        return Opened(pydicom.dcmread(file, force=True, stop_before_pixels=True), syntax)


def _pydicom() -> Any:
    try:
        import pydicom
    except ImportError:
        raise Unavailable("DICOM files need pydicom: install bailee[dicom]") from None
    return pydicom


def _header(content: bytes) -> tuple[str, int]:
    """Find the transfer syntax in the file's header, and where the object begins; "" and 0 without a header."""
    at = PREAMBLE_BYTES + 4 if content[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == b"DICM" else 0
    syntax = ""
    while at + 8 <= len(content):
        group, element = struct.unpack_from("<HH", content, at)
        if group != 0x0002:
            break
        if content[at + 4 : at + 6] in _LONG:
            if at + 12 > len(content):
                break
            start, length = at + 12, struct.unpack_from("<I", content, at + 8)[0]
        else:
            start, length = at + 8, struct.unpack_from("<H", content, at + 6)[0]
        if element == 0x0010:
            syntax = content[start : start + length].rstrip(b"\0 ").decode("latin-1")
        at = start + length
    return syntax, at


def _inflated(content: bytes, most: int) -> bytes:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        unfolded = unpacker.decompress(content, most)
    except zlib.error:
        raise Invalid("a deflated DICOM file that is damaged", remedy=_REMEDY) from None
    if unpacker.unconsumed_tail:
        raise Invalid(f"a deflated DICOM file that unfolds to more than {most >> 20} MiB", remedy=_REMEDY)
    if not unpacker.eof:
        raise Invalid("a deflated DICOM file that is cut short", remedy=_REMEDY)
    return unfolded


def _relabelled(head: bytes) -> bytes:
    """Say in a header that what follows is not deflated; its length stays, which UIDs may be padded to."""
    old, new = DEFLATED.encode(), _INFLATED.encode()
    return head.replace(old, new + b"\0" * (len(old) - len(new)))
