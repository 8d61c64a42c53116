"""A batch of notes in one folded buffer, with its tokens and the way back to code points. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bailee.core.errors import Invalid
from bailee.core.kernels import address, library
from bailee.deid.notes.folding import PAGES, folding

Bytes: TypeAlias = npt.NDArray[np.uint8]
Places: TypeAlias = npt.NDArray[np.int64]
Points: TypeAlias = npt.NDArray[np.int32]

# Kinds of tokens.
WORD: Final = 0
NUMBER: Final = 1
MARK: Final = 2
BREAK: Final = 3
# Shapes of words. A number's shape is 16 + its length (at most 15), a mark's is its byte, a break's 1 or 2 (paragraph).
ALL_LOWER, CAPITALISED, ALL_UPPER, ONE_UPPER, MIXED_CASE, ONE_LOWER, OTHER_SCRIPT = range(7)

LIMIT: Final = 2**31 - 2**20


@cache
def kernels() -> Any:
    """Give the kernels with 64-bit results declared."""
    loaded = library()
    for name in (
        "notes_pages",
        "notes_fold",
        "notes_tokens",
        "notes_tag",
        "notes_kept",
        "notes_insert",
        "notes_features",
        "notes_scatter",
    ):
        getattr(loaded, name).restype = _int64()
    loaded.notes_chain.restype = _double()
    return loaded


def _double() -> Any:
    import ctypes

    return ctypes.c_double


def _int64() -> Any:
    import ctypes

    return ctypes.c_int64


def at(array: npt.NDArray[Any] | None) -> Any:
    """Give a kernel's argument: an array's address, or null."""
    return None if array is None else address(array)


def whole(number: int) -> Any:
    """Give a kernel's argument: a 64-bit number."""
    return _int64()(number)


def among(values: npt.NDArray[Any], chosen: Iterable[int]) -> npt.NDArray[np.bool_]:
    """Tell which values are among a few: so many comparisons of whole columns are sooner done than `np.isin` of one byte each."""
    out = np.zeros(len(values), np.bool_)
    for each in chosen:
        out |= values == each
    return out


@dataclass(frozen=True)
class Tokens:
    """Tokens of all notes in order: runs of letters, runs of digits, single marks, line breaks; blanks are none.

    Shape: start, end int32 (places in `Text.folded`), kind, shape uint8, hash uint64 (of the lower-cased folded form),
    first int64[notes + 1] (where each note's tokens begin).
    """

    start: npt.NDArray[np.int32]
    end: npt.NDArray[np.int32]
    kind: npt.NDArray[np.uint8]
    shape: npt.NDArray[np.uint8]
    hash: npt.NDArray[np.uint64]
    first: Places

    def __len__(self) -> int:
        """Count the tokens."""
        return len(self.start)

    @cached_property
    def note(self) -> npt.NDArray[np.int32]:
        """Tell the note of each token."""
        return np.repeat(np.arange(len(self.first) - 1, dtype=np.int32), np.diff(self.first))

    def touched(self, start: Any, end: Any) -> tuple[Places, Places]:
        """Give the first token that each stretch of `Text.folded` touches, and how many it touches."""
        ended, begun = self._passed
        final = len(ended) - 1
        first = ended[np.minimum(start, final)].astype(np.int64)
        return first, np.maximum(begun[np.minimum(end, final)] - first, 0)

    def all_touched(self, start: Any, end: Any) -> tuple[Places, Places, Places]:
        """Give every token that stretches touch, one stretch after the other, with what `touched` gives."""
        first, sizes = self.touched(start, end)
        return np.repeat(first - (np.cumsum(sizes) - sizes), sizes) + np.arange(int(sizes.sum())), first, sizes

    @cached_property
    def _passed(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Tell how many tokens ended at or before each byte, and how many began before it: sooner than searching each time."""
        size = int(self.end[-1]) + 2 if len(self) else 2
        ended, begun = np.zeros(size, np.int32), np.zeros(size, np.int32)
        ended[self.end], begun[self.start + 1] = 1, 1
        return np.cumsum(ended, out=ended), np.cumsum(begun, out=begun)


class Text:
    """Notes as finders see them.

    `folded` is one UTF-8 buffer: accents, width, look-alikes and invisible characters folded away, letter case kept;
    note i is `folded[at[i]:at[i + 1]]`. `lower` is the same with A-Z lowered, so places agree.

    Cost: notes in plain ASCII are neither copied nor mapped if all are.
    """

    def __init__(self, texts: Any) -> None:
        self._raw, self._raw_at = _buffer(texts)
        self.count: int = len(self._raw_at) - 1
        high = np.zeros(self.count, np.int32)
        seen = np.zeros(PAGES, np.uint8)
        call = kernels()
        total = call.notes_pages(at(self._raw), at(self._raw_at), whole(self.count), at(seen), at(high))
        self.high: npt.NDArray[np.int32] = high
        self.folded: Bytes = self._raw
        self.at: Places = self._raw_at
        self._origin: Points = np.zeros(0, np.int32)
        self._origin_at: Places = np.full(self.count + 1, -1, np.int64)
        if total:
            folding().cover(seen)
            self._fold()

    def __len__(self) -> int:
        """Count the notes."""
        return self.count

    def __repr__(self) -> str:
        """Tell the size only."""
        return f"Text({self.count} notes, {len(self.folded)} bytes)"

    def _fold(self) -> None:
        table, call = folding(), kernels()
        folded_at, origin_at = np.empty(self.count + 1, np.int64), np.empty(self.count + 1, np.int64)
        folded: Bytes | None = None
        origin: Points | None = None
        for _ in range(2):
            total = call.notes_fold(
                at(self._raw), at(self._raw_at), whole(self.count), at(self.high), at(table.page_of), at(table.entries),
                at(table.pool), at(folded), at(folded_at), at(origin), at(origin_at),
            )  # fmt: skip
            if total >= LIMIT:
                raise Invalid("a batch of notes is too large: pass fewer at a time")
            if folded is None:
                folded, origin = np.empty(max(total, 1), np.uint8), np.empty(int(origin_at[-1]) + 1, np.int32)
        assert folded is not None
        assert origin is not None
        self.folded, self.at, self._origin, self._origin_at = folded[:total], folded_at, origin, origin_at

    @cached_property
    def lower(self) -> Bytes:
        """Give the buffer with A-Z lowered."""
        out = np.empty(max(len(self.folded), 1), np.uint8)[: len(self.folded)]
        kernels().notes_lower(at(self.folded), whole(len(self.folded)), at(out))
        return out

    @cached_property
    def tokens(self) -> Tokens:
        """Cut the notes into tokens."""
        size = int(self.at[-1] - self.at[0])
        for capacity in (size // 3 + 64, size):
            columns: list[npt.NDArray[Any]] = [
                np.empty(capacity, kind) for kind in (np.int32, np.int32, np.uint8, np.uint8, np.uint64)
            ]
            first = np.empty(self.count + 1, np.int64)
            found = kernels().notes_tokens(
                at(self.folded), at(self.at), whole(self.count), whole(capacity), *map(at, columns), at(first)
            )
            if found >= 0:
                break
        start, end, kind, shape, hashes = (column[:found] for column in columns)
        return Tokens(start, end, kind, shape, hashes, first)

    def note_of(self, place: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
        """Tell the note in which each place of the buffer lies."""
        return (np.searchsorted(self.at, place, side="right") - 1).astype(np.int32)

    def points(self, note: npt.NDArray[Any], start: npt.NDArray[Any], end: npt.NDArray[Any]) -> tuple[Points, Points]:
        """Turn places in the buffer into code points of the original notes.

        Characters that folding dropped go with the character before them.

        Shape: note[n], start[n], end[n] → start, end int32[n] (end exclusive).
        """
        from_, to = (start - self.at[note]).astype(np.int32), (end - self.at[note]).astype(np.int32)
        base = self._origin_at[note]
        mapped = np.flatnonzero((base >= 0) & (to > from_))
        if len(mapped):
            base, first, last = base[mapped], from_[mapped], to[mapped]
            from_[mapped] = self._origin[base + first]
            to[mapped] = np.maximum(self._origin[base + last], self._origin[base + last - 1] + 1)
        return from_, to

    def places(self, note: npt.NDArray[Any], start: npt.NDArray[Any], end: npt.NDArray[Any]) -> tuple[Places, Places]:
        """Turn code points of the original notes into places in the buffer: the reverse of `points`.

        Shape: note[n], start[n], end[n] → start, end int64[n]; what folding dropped becomes empty.
        """
        from_, to = self.at[note] + start, self.at[note] + end
        mapped = np.flatnonzero(self._origin_at[note] >= 0)
        if len(mapped):
            which = note[mapped].astype(np.int64)
            shift = self.at[which] - self._origin_at[which]
            from_[mapped] = np.searchsorted(self._keys, which << 32 | start[mapped]) + shift
            to[mapped] = np.searchsorted(self._keys, which << 32 | end[mapped]) + shift
        return from_, to

    @cached_property
    def _keys(self) -> Places:
        """Note and code point of each mapped byte, in order, for looking a code point up."""
        notes = np.flatnonzero(self._origin_at[:-1] >= 0)
        sizes = self.at[notes + 1] - self.at[notes] + 1
        return np.repeat(notes, sizes) << 32 | self._origin[: int(sizes.sum())]

    def original(self, note: int) -> str:
        """Give one note as it was."""
        return bytes(self._raw[self._raw_at[note] : self._raw_at[note + 1]]).decode("utf-8", "replace")

    def reading(self, note: int) -> str:
        """Give one note as the finders read it."""
        return bytes(self.folded[self.at[note] : self.at[note + 1]]).decode("utf-8", "replace")


def _buffer(texts: Any) -> tuple[Bytes, Places]:
    array = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        raise Invalid("notes must be an array of strings")
    if array.null_count:
        array = array.fill_null("")
    _, offsets, content = array.buffers()
    width = np.int32 if pa.types.is_string(array.type) else np.int64
    if len(array) == 0 or content is None:
        return np.zeros(0, np.uint8), np.zeros(len(array) + 1, np.int64)
    ends = np.frombuffer(offsets, width)[array.offset : array.offset + len(array) + 1].astype(np.int64)
    if ends[-1] - ends[0] >= LIMIT:
        raise Invalid("a batch of notes is too large: pass fewer at a time")
    return np.frombuffer(content, np.uint8)[ends[0] : ends[-1]], ends - ends[0]


def hash_words(words: list[str]) -> npt.NDArray[np.uint64]:
    """Hash folded words as tokens are hashed. Case does not matter."""
    encoded = [word.encode() for word in words]
    ends = np.cumsum([len(word) for word in encoded], dtype=np.int64)
    content = np.frombuffer(b"".join(encoded) + b"\0", np.uint8)
    return hash_ranges(content, ends - np.array([len(word) for word in encoded], np.int64), ends)


def hash_ranges(content: Bytes, start: Places, end: Places) -> npt.NDArray[np.uint64]:
    """Hash words that lie in a buffer of folded text."""
    out = np.empty(max(len(start), 1), np.uint64)[: len(start)]
    kernels().notes_hash(at(content), at(start), at(end), whole(len(start)), at(out))
    return out


def texts_from_strings(strings: Sequence[str]) -> pa.LargeStringArray:
    """Make a column of strings. Unlike `pyarrow.array` it does not import pandas to look whether it was given one."""
    encoded = [string.encode("utf-8", "replace") for string in strings]
    ends = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(each) for each in encoded], out=ends[1:])
    return pa.LargeStringArray.from_buffers(len(encoded), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))
