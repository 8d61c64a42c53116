"""Tables of names that compiled walkers look element names and codes up in; built here, read in `kernels/names.h`."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bailee.core.kernels import address, library

SLOT = np.dtype([("hash", np.uint32), ("name", np.int32), ("value", np.int32)])


class NameTable(ctypes.Structure):
    """Where a table's slots lie. Mirrors `name_table`."""

    _fields_ = (("first", ctypes.c_int32), ("mask", ctypes.c_int32))


class NameSpaceView(ctypes.Structure):
    """Addresses of a name space. Mirrors `name_space`."""

    _fields_ = (("bytes", ctypes.c_void_p), ("offsets", ctypes.c_void_p), ("slots", ctypes.c_void_p))


class NameSpace:
    """Names, each stored once, and tables over them. Frozen by `view`, which must not outlive this object."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._tables: list[Mapping[str, int]] = []
        self._arrays: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.void]] | None = None
        self._first = 0

    def table(self, members: Mapping[str, int]) -> NameTable:
        """Add a table from name to number and say where it will lie."""
        assert self._arrays is None, "the name space is frozen"
        if not members:
            return NameTable(0, -1)
        for name in members:
            self._ids.setdefault(name, len(self._ids))
        size = _slots_for(len(members))
        where = NameTable(self._first, size - 1)
        self._tables.append(dict(members))
        self._first += size
        return where

    def names(self) -> list[str]:
        """List all names by number."""
        return list(self._ids)

    def number(self, name: str) -> int:
        """Give a name's number, -1 where no table has it."""
        return self._ids.get(name, -1)

    def view(self) -> NameSpaceView:
        """Freeze, and give the addresses for a kernel."""
        if self._arrays is None:
            self._arrays = self._freeze()
        return NameSpaceView(*(address(array) for array in self._arrays))

    def _freeze(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.void]]:
        content, offsets = packed(list(self._ids))
        hashes = _hashes(content, offsets)
        slots = np.zeros(max(self._first, 1), SLOT)
        slots["name"] = -1
        first = 0
        for members in self._tables:
            size = _slots_for(len(members))
            for name, value in members.items():
                number = self._ids[name]
                _place(slots[first : first + size], int(hashes[number]), number, value)
            first += size
        return content, offsets, slots


def packed(texts: Sequence[str]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Lay texts end to end as UTF-8. Shape: bytes (at least one), offsets int64[n + 1]."""
    encoded = [text.encode() for text in texts]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(item) for item in encoded], out=offsets[1:])
    return np.frombuffer(b"".join(encoded) or b"\0", np.uint8), offsets


def _slots_for(count: int) -> int:
    return 1 << (2 * count).bit_length()


def _place(slots: npt.NDArray[np.void], hashed: int, number: int, value: int) -> None:
    at = hashed & (len(slots) - 1)
    while slots[at]["name"] >= 0:
        at = (at + 1) & (len(slots) - 1)
    slots[at] = (hashed, number, value)


def _hashes(content: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
    hashes = np.zeros(len(offsets) - 1, np.uint32)
    kernel = library().bailee_json_hashes
    kernel.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p]
    kernel.restype = None
    kernel(address(content), address(offsets), len(hashes), address(hashes))
    return hashes
