"""Arrow string and binary columns seen as one buffer with offsets, slices gathered, and keyed hashes of every value."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bailee.core.kernels import address, library

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]


def buffer_of(column: pa.Array) -> tuple[Bytes, Offsets]:
    """See a string or binary column as its bytes and offsets, without copying the bytes.

    Shape: any of string, large_string, binary, large_binary[n] → uint8[], int64[n + 1]; a null is an empty slice.
    """
    wide = pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type)
    _, offsets_buffer, content = column.buffers()
    if len(column) == 0:
        return np.empty(0, np.uint8), np.zeros(1, np.int64)
    kind = np.int64 if wide else np.int32
    offsets = np.frombuffer(offsets_buffer, kind, len(column) + 1, column.offset * np.dtype(kind).itemsize)
    bytes_ = np.frombuffer(content, np.uint8) if content is not None else np.empty(0, np.uint8)
    return bytes_, offsets.astype(np.int64, copy=False)


def column_of(content: Bytes | bytes, offsets: Offsets, kind: pa.DataType) -> pa.Array:
    """Make a large_string or large_binary column from bytes and int64 offsets, without copying."""
    wide = np.ascontiguousarray(offsets, np.int64)
    return pa.Array.from_buffers(kind, len(wide) - 1, [None, pa.py_buffer(wide), pa.py_buffer(content)])


@cache
def _siphash() -> Any:
    function = library().bailee_siphash128
    pointer = ctypes.c_void_p
    function.argtypes = [pointer, ctypes.c_int64, pointer, ctypes.c_int64, pointer, pointer]
    function.restype = ctypes.c_int32
    return function


def keyed_hashes(content: Bytes, offsets: Offsets, key: bytes) -> npt.NDArray[np.uint64]:
    """Hash every slice with a secret key. Shape: → uint64[n, 2]. Source: SipHash-2-4-128. Cost: one pass."""
    assert len(key) >= 16
    bytes_, starts = np.ascontiguousarray(content), np.ascontiguousarray(offsets, np.int64)
    out = np.empty((len(starts) - 1, 2), np.uint64)
    secret = np.frombuffer(key[:16], np.uint8)
    failed = _siphash()(address(bytes_), len(bytes_), address(starts), len(starts) - 1, address(secret), address(out))
    assert not failed, "offsets leave the buffer"
    return out


def gather(content: Bytes, start: Offsets, end: Offsets) -> tuple[Bytes, Offsets]:
    """Copy slices end to end. Shape: uint8[], int64[n], int64[n] → uint8[] (at least one byte), int64[n + 1]."""
    content, start, end = _whole(content, start, end)
    size = int((end - start).sum())
    offsets, out = np.zeros(len(start) + 1, np.int64), np.empty(max(size, 1), np.uint8)
    kernel = library().bailee_gather
    kernel.argtypes, kernel.restype = [*_SLICES, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64], ctypes.c_int32
    outside = kernel(*_sliced(content, start, end), address(offsets), address(out), size)
    assert not outside, "slices lie outside the buffer"
    return out, offsets


def lines(content: Bytes, start: Offsets, end: Offsets) -> Bytes:
    """Copy slices end to end, a line end after each. Shape: uint8[], int64[n], int64[n] → uint8[]."""
    content, start, end = _whole(content, start, end)
    out = np.empty(int((end - start).sum()) + len(start), np.uint8)
    kernel = library().bailee_lines
    kernel.argtypes, kernel.restype = [*_SLICES, ctypes.c_void_p, ctypes.c_int64], ctypes.c_int32
    outside = kernel(*_sliced(content, start, end), address(out), len(out))
    assert not outside, "slices lie outside the buffer"
    return out


_SLICES: list[Any] = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]


def _whole(content: Bytes, start: Offsets, end: Offsets) -> tuple[Bytes, Offsets, Offsets]:
    return np.ascontiguousarray(content), np.ascontiguousarray(start, np.int64), np.ascontiguousarray(end, np.int64)


def _sliced(content: Bytes, start: Offsets, end: Offsets) -> tuple[Any, ...]:
    return address(content), len(content), address(start), address(end), len(start)
