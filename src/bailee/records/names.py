"""Tables of names that compiled walkers look element names and codes up in; built here, read in `kernels/names.h`."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bailee.core.columns import buffer_of
from bailee.core.errors import Invalid
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
        self._hashes: npt.NDArray[np.uint32] | None = None
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

    def hash_of(self, name: str) -> int:
        """Give the hash that walkers see for a name; freezes. Raises: KeyError if no table has it."""
        self.view()
        assert self._hashes is not None
        return int(self._hashes[self._ids[name]])

    def _freeze(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.void]]:
        content, offsets = packed(list(self._ids))
        self._hashes = _hashes(content, offsets)
        slots = np.zeros(max(self._first, 1), SLOT)
        first = 0
        for members in self._tables:
            size = _slots_for(len(members))
            names = np.array([self._ids[name] for name in members], np.int32)
            _fill(slots[first : first + size], self._hashes[names], names, np.array(list(members.values()), np.int32))
            first += size
        return content, offsets, slots


class TextIndex:
    """A table over one Arrow column of different texts: text → row."""

    def __init__(self, column: pa.Array) -> None:
        self.content, self.offsets = buffer_of(column)
        self.slots = np.zeros(_slots_for(len(column)), SLOT)
        kernel = library().bailee_names_index
        kernel.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int32]
        kernel.restype = ctypes.c_int32
        size = len(self.slots)
        if kernel(address(self.content), address(self.offsets), len(column), address(self.slots), size - 1):
            raise Invalid("the same identifier twice in one table")

    def view(self) -> NameSpaceView:
        """Give the addresses for a kernel."""
        return NameSpaceView(address(self.content), address(self.offsets), address(self.slots))

    def table(self) -> NameTable:
        """Say where the one table lies."""
        return NameTable(0, len(self.slots) - 1)


def packed(texts: Sequence[str]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Lay texts end to end as UTF-8. Shape: bytes (at least one), offsets int64[n + 1]."""
    encoded = [text.encode() for text in texts]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(item) for item in encoded], out=offsets[1:])
    return np.frombuffer(b"".join(encoded) or b"\0", np.uint8), offsets


def _slots_for(count: int) -> int:
    return 1 << (2 * count + 1).bit_length()


def _fill(
    slots: npt.NDArray[np.void],
    hashes: npt.NDArray[np.uint32],
    names: npt.NDArray[np.int32],
    values: npt.NDArray[np.int32],
) -> None:
    kernel = library().bailee_names_fill
    kernel.argtypes = [ctypes.c_void_p, ctypes.c_int32, *[ctypes.c_void_p] * 3, ctypes.c_int64]
    kernel.restype = None
    columns = [np.ascontiguousarray(column) for column in (hashes, names, values)]
    kernel(address(slots), len(slots) - 1, *map(address, columns), len(names))


def _hashes(content: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
    hashes = np.zeros(len(offsets) - 1, np.uint32)
    kernel = library().bailee_json_hashes
    kernel.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p]
    kernel.restype = None
    kernel(address(content), address(offsets), len(hashes), address(hashes))
    return hashes
