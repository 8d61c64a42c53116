"""Puts surrogates, tags or nothing in the place of what was found, with a map back to the original for the hospital."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bailee.core.errors import Invalid
from bailee.core.kernels import address, library
from bailee.core.keys import AgreementKeys
from bailee.deid.notes.chains import chains_of, parted
from bailee.deid.notes.chart.charts import Charts
from bailee.deid.notes.found import LABELS, Found
from bailee.deid.notes.surrogates.persons import Subject
from bailee.deid.notes.surrogates.replace import surrogate_for, tag

Method = Literal["surrogate", "tag", "remove"]
METHODS: Final = ("surrogate", "tag", "remove")
Whole = npt.NDArray[np.int64]
_KINDS: Final = 2 * len(LABELS)  # labels, each with and without the day before the month


class Subjects:
    """The patients of a batch, with the secrets that their surrogates come from.

    `shift_days` None: dates are reduced to their year. Chart i belongs to patient i.
    """

    def __init__(
        self,
        secrets: Sequence[bytes],
        *,
        shift_days: npt.NDArray[np.int32] | None = None,
        ninety: npt.NDArray[np.bool_] | None = None,
        charts: Charts | None = None,
    ) -> None:
        if charts is not None and charts.count != len(secrets):
            raise Invalid(f"{charts.count} charts for {len(secrets)} patients", remedy="Chart i belongs to patient i.")
        self._secrets, self._shift_days, self._ninety, self._charts = secrets, shift_days, ninety, charts
        self._made: dict[int, Subject] = {}

    @classmethod
    def of(
        cls,
        keys: AgreementKeys,
        roots: Sequence[bytes],
        *,
        shift: bool,
        ninety: npt.NDArray[np.bool_] | None = None,
        charts: Charts | None = None,
    ) -> Subjects:
        """Derive secrets and offsets from the patients' roots under an agreement's keys."""
        days = np.array([keys.shift_days(root) for root in roots], np.int32) if shift else None
        return cls([keys.keyed("surrogate", root) for root in roots], shift_days=days, ninety=ninety, charts=charts)

    def __len__(self) -> int:
        """Count the patients."""
        return len(self._secrets)

    def __repr__(self) -> str:
        return f"Subjects({len(self)})"

    def __getitem__(self, number: int) -> Subject:
        """Give one patient."""
        if number not in self._made:
            days = None if self._shift_days is None else int(self._shift_days[number])
            ninety = self._ninety is not None and bool(self._ninety[number])
            self._made[number] = Subject(
                self._secrets[number], shift_days=days, ninety=ninety, charts=self._charts, chart=number
            )
        return self._made[number]


@dataclass(frozen=True, repr=False)
class Scrubbed:
    """Rewritten notes, and where each replacement stands.

    Shape: texts large_string[notes], null where the note was null; per replacement note, start, end (code points of the
    original), new_start, new_end (code points of the released text) int32, sorted.
    """

    texts: pa.LargeStringArray
    note: npt.NDArray[np.int32]
    start: npt.NDArray[np.int32]
    end: npt.NDArray[np.int32]
    new_start: npt.NDArray[np.int32] = field(repr=False)
    new_end: npt.NDArray[np.int32] = field(repr=False)

    def __repr__(self) -> str:
        return f"Scrubbed({len(self.texts)} notes, {len(self.note)} replacements)"

    def original_of(self, note: int, place: int) -> int:
        """Tell which code point of the original a code point of a released note comes from.

        Inside a replacement that is the start of what it replaced.
        """
        return _across(
            place, *(column[self.note == note] for column in (self.new_start, self.new_end, self.start, self.end))
        )

    def released_of(self, note: int, place: int) -> int:
        """Tell where a code point of an original note came to stand: the reverse of `original_of`."""
        return _across(
            place, *(column[self.note == note] for column in (self.start, self.end, self.new_start, self.new_end))
        )


def _across(place: int, start: Any, end: Any, other_start: Any, other_end: Any) -> int:
    at = int(np.searchsorted(start, place, side="right")) - 1
    if at < 0:
        return place
    return int(other_start[at]) if place < end[at] else place - int(end[at]) + int(other_end[at])


def scrub(
    texts: pa.Array | pa.ChunkedArray,
    found: Found,
    subjects: Subjects | None = None,
    subject_of: npt.NDArray[np.int32] | None = None,
    *,
    method: Method = "surrogate",
) -> Scrubbed:
    """Replace what was found. A note without a patient (-1) gets tags, since no secret tells its surrogates.

    Shape: string[notes], spans of `found`, subject_of int32[notes] → Scrubbed.
    Raises: Invalid for spans that overlap or leave their note, or for surrogates without patients.
    Cost: one copy of the text; a surrogate for each distinct (patient, label, identifier).
    """
    if method not in METHODS:
        raise Invalid("an unknown way to replace identifiers", remedy="Use one of: " + ", ".join(METHODS) + ".")
    if method == "surrogate" and (subjects is None or subject_of is None or len(subject_of) != len(texts)):
        raise Invalid(
            "surrogates need the patient of each note", remedy="Pass subjects and subject_of, or another method."
        )
    array = _one_array(texts)
    content, offsets = _buffers(array)
    first = np.searchsorted(found.note, np.arange(len(array) + 1)).astype(np.int64)
    start, end = np.ascontiguousarray(found.start, np.int32), np.ascontiguousarray(found.end, np.int32)
    from_, to = _places(content, offsets, first, start, end)
    which, pool = _replacements(content, from_, to, found, subjects, subject_of, method)
    released = _spliced(array, content, offsets, first, from_, to, which, pool)
    new_start, new_end = _new_places(found, which, pool)
    return Scrubbed(released, found.note, start, end, new_start, new_end)


def _one_array(texts: pa.Array | pa.ChunkedArray) -> pa.LargeStringArray:
    array = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        raise Invalid("notes must be an array of strings")
    return array.cast(pa.large_string())


def _buffers(array: pa.LargeStringArray) -> tuple[npt.NDArray[np.uint8], Whole]:
    filled = array.fill_null("")
    _, offsets, content = filled.buffers()
    ends = (
        np.frombuffer(offsets, np.int64)[filled.offset : filled.offset + len(filled) + 1]
        if offsets is not None
        else np.zeros(1, np.int64)
    )
    return np.frombuffer(content, np.uint8) if content is not None else np.zeros(1, np.uint8), np.ascontiguousarray(
        ends
    )


def _places(content: Any, offsets: Whole, first: Whole, start: Any, end: Any) -> tuple[Whole, Whole]:
    from_, to = np.zeros(len(start), np.int64), np.zeros(len(start), np.int64)
    kernel = library().splice_places
    kernel.restype = ctypes.c_int64
    arrays = [address(column) for column in (first, start, end, from_, to)]
    wrong = kernel(address(content), address(offsets), ctypes.c_int64(len(offsets) - 1), *arrays)
    if wrong or int(first[-1]) != len(start):
        raise Invalid("spans that overlap, are not sorted, or leave their note")
    return from_, to


def _gathered(content: Any, from_: Whole, to: Whole) -> pa.LargeStringArray:
    out, into = np.zeros(int((to - from_).sum()) + 1, np.uint8), np.zeros(len(from_) + 1, np.int64)
    arrays = [address(from_), address(to)]
    library().splice_gather(address(content), *arrays, ctypes.c_int64(len(from_)), address(out), address(into))
    return pa.LargeStringArray.from_buffers(len(from_), pa.py_buffer(into), pa.py_buffer(out))


def _replacements(
    content: Any,
    from_: Whole,
    to: Whole,
    found: Found,
    subjects: Subjects | None,
    subject_of: npt.NDArray[np.int32] | None,
    method: Method,
) -> tuple[npt.NDArray[np.int32], list[str]]:
    """Give the texts that are put in, and which of them goes to each span. The first ones are the tags."""
    label = found.label.astype(np.int64)
    tags = ["" if method == "remove" else tag(number) for number in range(len(LABELS))]
    if method != "surrogate" or not len(label):
        return label.astype(np.int32), tags
    assert subjects is not None
    assert subject_of is not None
    chains = chains_of(content, found, from_, to)
    owner = subject_of[found.note[chains.first]].astype(np.int64)
    encoded = _gathered(content, from_[chains.first], to[chains.last]).dictionary_encode()
    said = encoded.dictionary.to_pylist()
    code = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    kind = 2 * label[chains.first] + (found.language[found.note[chains.first]] > 0)
    keys, unique = np.unique(((owner + 1) * _KINDS + kind) * len(said) + code, return_inverse=True)
    made = []
    for key in keys.tolist():
        rest, text = divmod(key, len(said))
        patient, kinds = divmod(rest, _KINDS)
        number, day_first = divmod(kinds, 2)
        made.append(
            surrogate_for(subjects[patient - 1], number, said[text], day_first=bool(day_first))
            if patient
            else tag(number)
        )
    which = unique[chains.of_span].astype(np.int32)
    for chain in chains.long.tolist():
        first, last = int(chains.first[chain]), int(chains.last[chain])
        parts = [(int(from_[span] - from_[first]), int(to[span] - from_[first])) for span in range(first, last + 1)]
        which[first : last + 1] = np.arange(len(made), len(made) + len(parts))
        made += parted(said[code[chain]], made[unique[chain]], parts)
    return which, made


def _spliced(
    array: pa.LargeStringArray,
    content: Any,
    offsets: Whole,
    first: Whole,
    from_: Whole,
    to: Whole,
    which: Any,
    pool: list[str],
) -> pa.LargeStringArray:
    pooled = [text.encode() for text in pool]
    pool_at = np.zeros(len(pooled) + 1, np.int64)
    np.cumsum([len(text) for text in pooled], out=pool_at[1:])
    pool_bytes = np.frombuffer(b"".join(pooled) + b"\0", np.uint8)
    size = int(offsets[-1] - offsets[0]) + int(np.diff(pool_at)[which].sum()) - int((to - from_).sum())
    out, out_at = np.empty(size + 1, np.uint8), np.zeros(len(offsets), np.int64)
    which = np.ascontiguousarray(which, np.int32)
    inputs = [address(column) for column in (first, from_, to, which, pool_bytes, pool_at, out, out_at)]
    library().splice_notes(address(content), address(offsets), ctypes.c_int64(len(offsets) - 1), *inputs)
    buffers = [pa.py_buffer(out_at), pa.py_buffer(out)]
    released = pa.LargeStringArray.from_buffers(len(array), *buffers)
    if array.null_count:
        released = pa.compute.if_else(array.is_valid(), released, pa.scalar(None, pa.large_string()))
    return released


def _new_places(found: Found, which: Any, pool: list[str]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    lengths = np.array([len(text) for text in pool] or [0], np.int64)[which]
    growth = np.cumsum(lengths - (found.end - found.start))
    before = growth - (lengths - (found.end - found.start))
    starts = np.searchsorted(found.note, found.note)
    new_start = found.start + before - before[starts] if len(before) else before
    return new_start.astype(np.int32), (new_start + lengths).astype(np.int32)
