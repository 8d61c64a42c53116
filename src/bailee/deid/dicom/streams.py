"""Compressed frames without company: comments, application segments and what follows the image become zeros, in place."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from bailee.core.errors import Invalid

_BARE: Final = frozenset({0x01, *range(0xD0, 0xDA)})  # JPEG markers without a length
_ALLOWED: Final = {0xE0: (b"JFIF\0", 16), 0xE8: (b"mrfx", 7), 0xEE: (b"Adobe", 14)}
_SOS, _EOI, _COM = 0xDA, 0xD9, 0xFE
_J2K_SOT, _J2K_SOD, _J2K_COM, _J2K_EOC = 0x90, 0x93, 0x64, 0xD9
_REMEDY: Final = "Decompress it first, or export it again."


def cleaned(frame: bytes) -> bytes:
    """Zero what is not image in one compressed frame: JPEG, JPEG-LS or JPEG 2000. Length and offsets stay.

    Raises: Invalid for a stream that is none of these, or damaged.
    """
    kind: Callable[[bytearray], None] | None = None
    if frame[:2] == b"\xff\xd8":
        kind = _jpeg
    elif frame[:4] == b"\xff\x4f\xff\x51":
        kind = _jpeg_2000
    if kind is None:
        raise Invalid("a compressed frame of a kind that is not known", remedy=_REMEDY)
    stream = bytearray(frame)
    try:
        kind(stream)
    except (IndexError, struct.error):
        raise Invalid("a compressed frame that is damaged", remedy=_REMEDY) from None
    return bytes(stream)


def _jpeg(stream: bytearray) -> None:
    at = 2
    while True:
        if stream[at] != 0xFF:
            raise IndexError
        marker = stream[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker == _EOI:
            _zero(stream, at + 2, len(stream))
            return
        elif marker in _BARE:
            at += 2
        else:
            length = struct.unpack_from(">H", stream, at + 2)[0]
            if (marker == _COM or 0xE0 <= marker <= 0xEF) and not _is_needed(stream, at, length):
                _zero(stream, at + 4, at + 2 + length)
            at += 2 + length
            if marker == _SOS:
                at = _after_scan(stream, at)


def _is_needed(stream: bytearray, at: int, length: int) -> bool:
    """Tell the short segments that say how colours are coded."""
    begins, longest = _ALLOWED.get(stream[at + 1], (b"?", 0))
    return stream.startswith(begins, at + 4) and length <= longest


def _after_scan(stream: bytearray, at: int) -> int:
    """Find the marker that ends a scan's coded data. In JPEG-LS, too, a byte below 0x80 follows 0xFF within data."""
    while True:
        at = stream.find(b"\xff", at)
        if at < 0 or at + 1 >= len(stream):
            raise IndexError
        follows = stream[at + 1]
        if follows >= 0x80 and not 0xD0 <= follows <= 0xD7 and follows != 0xFF:
            return at
        at += 1 if follows == 0xFF else 2


def _jpeg_2000(stream: bytearray) -> None:
    at, tile_end = 2, 0
    while True:
        marker, length = (
            stream[at + 1],
            struct.unpack_from(">H", stream, at + 2)[0] if stream[at + 1] != _J2K_EOC else 0,
        )
        if stream[at] != 0xFF:
            raise IndexError
        if marker == _J2K_EOC:
            _zero(stream, at + 2, len(stream))
            return
        if marker == _J2K_SOT:
            size = struct.unpack_from(">I", stream, at + 6)[0]
            tile_end = at + size if size else len(stream) - 2
        if marker == _J2K_COM:
            _zero(stream, at + 6, at + 2 + length)
        if marker == _J2K_SOD:
            if not at < tile_end <= len(stream) - 2:
                raise IndexError
            at = tile_end
        else:
            at += 2 + length


def _zero(stream: bytearray, start: int, end: int) -> None:
    if end > len(stream):
        raise IndexError
    stream[start:end] = bytes(end - start)
