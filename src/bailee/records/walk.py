"""Looks into many records at once without parsing them: checks their JSON and collects the values at given paths.

A record is a slice `buffer[offsets[i]:offsets[i + 1]]` that holds one JSON object; blanks around it are allowed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bailee.core.errors import Invalid
from bailee.core.kernels import address, library
from bailee.records.names import NameSpace, NameSpaceView, NameTable

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]

ESCAPED = 32
INSIDE = 64
ANY = "*"

_VALUE_COLUMNS = ("record", "tag", "parent", "start", "end", "kind")
_COLUMNS = (np.int32, np.int32, np.int32, np.int64, np.int64, np.uint8, np.int32)


class Kind(IntEnum):
    """What a collected value is. The slice of a STRING lies inside its quotes; all others are raw JSON."""

    OBJECT = 1
    STRING = 4
    NUMBER = 5
    TRUE = 6
    FALSE = 7


class Problem(IntEnum):
    """Why a record is not strict JSON. Numbers are shared with `kernels/json.h` and never reused."""

    NONE = 0
    EMPTY = 1
    SYNTAX = 2
    TRUNCATED = 3
    TRAILING = 4
    DEPTH = 5
    DUPLICATE_KEY = 6
    UTF8 = 7
    ESCAPE = 8
    SURROGATE = 9
    CONTROL = 10
    BAD_NUMBER = 11
    NOT_A_NUMBER = 12
    NOT_AN_OBJECT = 13
    TOO_LONG = 14
    BYTE_ORDER_MARK = 15


_SENTENCES = {
    Problem.NONE: "is well formed",
    Problem.EMPTY: "is empty",
    Problem.SYNTAX: "is not JSON: unexpected character",
    Problem.TRUNCATED: "ends in the middle of a value",
    Problem.TRAILING: "has more text after its closing brace",
    Problem.DEPTH: "is nested deeper than 64 levels",
    Problem.DUPLICATE_KEY: "has the same key twice in one object",
    Problem.UTF8: "is not valid UTF-8",
    Problem.ESCAPE: "has a backslash followed by something that JSON does not know",
    Problem.SURROGATE: "has half of a surrogate pair",
    Problem.CONTROL: "has a control character inside a string",
    Problem.BAD_NUMBER: "has a number that JSON does not allow",
    Problem.NOT_A_NUMBER: "has NaN or Infinity, which JSON does not have",
    Problem.NOT_AN_OBJECT: "is JSON but not an object",
    Problem.TOO_LONG: "is longer than 2 GiB",
    Problem.BYTE_ORDER_MARK: "starts with a byte order mark",
}


def sentence(problem: int) -> str:
    """Say what is wrong with a record, as the end of a sentence that begins with "the record"."""
    return _SENTENCES[Problem(problem)]


@dataclass(frozen=True, repr=False)
class Checked:
    """Shape: codes int32[n] of Problem, positions int64[n]: bytes from the record's start, 0 where well formed."""

    codes: npt.NDArray[np.int32]
    positions: Numbers


@dataclass(frozen=True, repr=False)
class Collected(Checked):
    """The values found, in the records' order and each record's own order; an array gives one value an item.

    Shape: m values. `parent` numbers the object that holds the value: values of one HumanName, one Coding have the same
    parent. `up[parent]` is the object around it, -1 at a record's root. `start` and `end` index the buffer.
    `kind` is Kind, plus ESCAPED for strings with escapes, plus INSIDE for values in contained resources.
    JSON null is not a value.
    """

    record: npt.NDArray[np.int32]
    tag: npt.NDArray[np.int32]
    parent: npt.NDArray[np.int32]
    start: Numbers
    end: Numbers
    kind: npt.NDArray[np.uint8]
    up: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.record)

    @property
    def kinds(self) -> npt.NDArray[np.uint8]:
        """Give each value's Kind, without the marks."""
        return self.kind & np.uint8(ESCAPED - 1)

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        """Tell which values lie in contained resources."""
        return (self.kind & np.uint8(INSIDE)).astype(np.bool_)

    def where(self, mask: npt.NDArray[np.bool_] | npt.NDArray[np.signedinteger]) -> Collected:
        """Keep the values that a mask selects, or that are numbered."""
        columns: list[Any] = [getattr(self, name)[mask] for name in _VALUE_COLUMNS]
        return Collected(self.codes, self.positions, *[*columns, self.up])

    def tagged(self, tag: int, *, kind: Kind | None = None) -> Collected:
        """Keep the values of one tag, and of one kind if given."""
        mask = self.tag == tag
        return self.where(mask if kind is None else mask & (self.kinds == kind))

    def first_texts(self, buffer: Bytes, count: int) -> pa.StringArray:
        """Decode each record's first value, null where it has none. Shape: of `count` records → string[count]."""
        record, first = np.unique(self.record, return_index=True)
        at = np.full(count, -1, np.int64)
        at[record] = np.arange(len(record))
        return self.where(first).texts(buffer).take(pa.array(at, mask=at < 0)).cast(pa.string())

    def texts(self, buffer: Bytes) -> pa.StringArray:
        """Decode all values as text: strings without their quotes and escapes, others as they are written."""
        return strings(buffer, self.start, self.end)


class Paths:
    """Element paths to look for: (resource type, "name.family") → tag.

    Type "*" stands for every type. Arrays are transparent. A path "**.reference" matches that key at any depth.
    With `contained`, each resource under `contained` is walked by the paths of its own type.
    """

    def __init__(self, tags: Mapping[tuple[str, str], int], *, contained: bool = False) -> None:
        self._nodes: list[dict[str, int]] = []
        self._tags: list[list[int]] = []
        everywhere = {path: tag for (kind, path), tag in tags.items() if path.startswith("**.") and kind == ANY}
        plain = {key: tag for key, tag in tags.items() if key[1] not in everywhere}
        if any("**" in path or not all(path.split(".")) for _, path in plain):
            raise Invalid("a path that cannot be walked", remedy='Write "a.b.c", or "**.key" with the type "*".')
        other = self._node()
        roots = {kind: self._node() for kind, _ in plain if kind != ANY}
        for (kind, path), tag in plain.items():
            for root in [other, *roots.values()] if kind == ANY else [roots[kind]]:
                self._add(root, path, tag)
        anywhere = self._node() if everywhere else -1
        for path, tag in everywhere.items():
            self._add(anywhere, path.removeprefix("**."), tag)
        self._compile(roots, other=other, anywhere=anywhere, contained=contained)

    def _node(self) -> int:
        self._nodes.append({})
        self._tags.append([])
        return len(self._nodes) - 1

    def _add(self, node: int, path: str, tag: int) -> None:
        for name in path.split("."):
            if name not in self._nodes[node]:
                self._nodes[node][name] = self._node()
            node = self._nodes[node][name]
        self._tags[node].append(tag)

    def _compile(self, roots: dict[str, int], *, other: int, anywhere: int, contained: bool) -> None:
        self._space = NameSpace()
        self._children = (NameTable * len(self._nodes))(*map(self._space.table, self._nodes))
        types = self._space.table(roots)
        self._tag_first = np.zeros(len(self._tags) + 1, np.int32)
        np.cumsum([len(tags) for tags in self._tags], out=self._tag_first[1:])
        self._flat = np.array([tag for tags in self._tags for tag in tags] or [0], np.int32)
        children = ctypes.cast(self._children, ctypes.c_void_p)
        self.view = _PathPlan(
            self._space.view(),
            children,
            address(self._tag_first),
            address(self._flat),
            types,
            other,
            anywhere,
            int(contained),
        )


class _PathPlan(ctypes.Structure):
    _fields_ = (
        ("names", NameSpaceView),
        ("children", ctypes.c_void_p),
        ("tag_first", ctypes.c_void_p),
        ("tags", ctypes.c_void_p),
        ("types", NameTable),
        ("other_type", ctypes.c_int32),
        ("anywhere", ctypes.c_int32),
        ("contained", ctypes.c_int32),
    )


class _Out(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in (*_VALUE_COLUMNS, "up")),
        ("capacity", ctypes.c_int64),
        ("objects_capacity", ctypes.c_int64),
    )


def check(buffer: Bytes, offsets: Numbers) -> Checked:
    """Check that each record is one strict JSON object.

    Shape: uint8[size], int64[n + 1] → n codes and positions. Source: RFC 8259, RFC 3629. Cost: one pass, no copy.
    """
    buffer, offsets = _records(buffer, offsets)
    codes, positions = np.zeros(len(offsets) - 1, np.int32), np.zeros(len(offsets) - 1, np.int64)
    kernel = library().bailee_json_check
    kernel.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p]
    kernel.restype = ctypes.c_int32
    _need_memory(kernel(address(buffer), address(offsets), len(codes), address(codes), address(positions)))
    return Checked(codes, positions)


def collect(buffer: Bytes, offsets: Numbers, paths: Paths) -> Collected:
    """Check each record, and collect the values at the paths from those that are well formed.

    Shape: uint8[size], int64[n + 1] → n codes and positions, m values. Cost: one pass, no copy of values.
    """
    buffer, offsets = _records(buffer, offsets)
    codes, positions = np.zeros(len(offsets) - 1, np.int32), np.zeros(len(offsets) - 1, np.int64)
    capacity = int(offsets[-1] - offsets[0]) // 16 + 1024
    while True:
        columns: list[Any] = [np.empty(capacity, kind) for kind in _COLUMNS]
        out, done = _Out(*map(address, columns), capacity, capacity), np.zeros(3, np.int64)
        _collect_into(buffer, offsets, paths, codes, positions, out, done)
        if done[0] == len(codes):
            break
        capacity *= 4
    *found, up = columns
    values: list[Any] = [column[: int(done[1])].copy() for column in found]
    return Collected(codes, positions, *[*values, up[: int(done[2])].copy()])


def _collect_into(
    buffer: Bytes,
    offsets: Numbers,
    paths: Paths,
    codes: npt.NDArray[np.int32],
    positions: Numbers,
    out: _Out,
    done: Numbers,
) -> None:
    kernel = library().bailee_walk_collect
    kernel.restype = ctypes.c_int32
    pointers = [address(array) for array in (codes, positions)]
    first, count = ctypes.c_int64(0), ctypes.c_int64(len(codes))
    status = kernel(
        address(buffer),
        address(offsets),
        first,
        count,
        ctypes.byref(paths.view),
        *pointers,
        ctypes.byref(out),
        address(done),
    )
    _need_memory(status)


def strings(buffer: Bytes, start: Numbers, end: Numbers) -> pa.StringArray:
    """Decode slices of checked JSON strings, escapes and all. Shape: int64[m], int64[m] → string[m], no nulls.

    Raises: Invalid where the texts exceed 2 GiB together.
    """
    start, end = np.ascontiguousarray(start, np.int64), np.ascontiguousarray(end, np.int64)
    capacity = int((end - start).sum())
    if capacity > np.iinfo(np.int32).max:
        raise Invalid("more than 2 GiB of text in one batch", remedy="Use smaller batches.")
    offsets, content = np.zeros(len(start) + 1, np.int32), np.empty(max(capacity, 1), np.uint8)
    kernel = library().bailee_json_strings
    kernel.restype = ctypes.c_int64
    buffer = np.ascontiguousarray(buffer)
    pointers = [address(array) for array in (start, end)]
    into = [address(array) for array in (offsets, content)]
    size, count = ctypes.c_int64(len(buffer)), ctypes.c_int64(len(start))
    written = int(kernel(address(buffer), size, *pointers, count, *into, ctypes.c_int64(capacity)))
    assert written >= 0, "slices lie outside the buffer"
    return pa.StringArray.from_buffers(len(start), pa.py_buffer(offsets), pa.py_buffer(content[:written]))


def lines(buffer: Bytes) -> Numbers:
    """Cut a buffer after each newline. Shape: uint8[size] → int64[n + 1] offsets; the last line may lack its newline."""
    ends = np.flatnonzero(buffer == ord("\n")) + 1
    tail = [] if len(ends) and ends[-1] == len(buffer) else [len(buffer)] if len(buffer) else []
    return np.concatenate([np.zeros(1, np.int64), ends, np.array(tail, np.int64)])


def _records(buffer: Bytes, offsets: Numbers) -> tuple[Bytes, Numbers]:
    buffer, offsets = np.ascontiguousarray(buffer, np.uint8), np.ascontiguousarray(offsets, np.int64)
    if len(offsets) == 0 or offsets[0] < 0 or offsets[-1] > len(buffer) or (np.diff(offsets) < 0).any():
        raise Invalid("record offsets that do not fit their buffer")
    return buffer, offsets


def _need_memory(status: int) -> None:
    if status < 0:
        raise MemoryError
