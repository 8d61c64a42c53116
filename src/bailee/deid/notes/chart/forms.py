"""Charts as the kernel reads them: words, identifiers and dates in every form that needs a list. Compares nothing."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bailee.core.kernels import address, library
from bailee.deid.notes.chart.charts import Charts
from bailee.deid.notes.chart.kinds import LABELS_OF, ROLES, Role
from bailee.deid.notes.chart.spellings import days_of, number_forms, word_forms
from bailee.deid.notes.chart.words import word_table
from bailee.deid.notes.text import Text, texts_from_strings

Rows = dict[str, npt.NDArray[Any]]

_COLUMNS: Final = (
    ("hash", np.uint64), ("letter", np.int32), ("length", np.uint16), ("position", np.uint16), ("count", np.uint16),
    ("person", np.int32), ("kind", np.uint8), ("role", np.uint8), ("label", np.uint8), ("bits", np.uint32),
    ("letters", np.uint8), ("first", np.int64), ("id_code", np.uint64), ("id_length", np.uint8), ("id_label", np.uint8),
    ("id_flags", np.uint8), ("id_last4", np.uint64), ("id_first", np.int64), ("day", np.int32), ("day_first", np.int64),
)  # fmt: skip


class ChartsView(ctypes.Structure):
    """The columns as the kernel takes them: `Charts` in `kernels/chart.h`, in its order."""

    _fields_ = tuple((name, ctypes.c_void_p) for name, _ in _COLUMNS)


@dataclass(frozen=True, repr=False)
class Forms:
    """The columns. `word_row` tells the value (row of Charts) that each word comes from."""

    columns: Rows
    word_value: npt.NDArray[np.int32]

    def __repr__(self) -> str:
        return f"Forms({len(self.columns['hash'])} words, {len(self.columns['id_code'])} identifiers)"

    def view(self) -> ChartsView:
        """Give the columns to the kernel. The arrays must outlive the view."""
        return ChartsView(*(address(self.columns[name]) for name, _ in _COLUMNS))


def forms_of(charts: Charts) -> Forms:
    """Write out a batch's charts. Cost: by distinct value, then whole columns."""
    encoded = charts.value.dictionary_encode()
    unique = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    values = encoded.dictionary.to_pylist()
    role = np.array(ROLES, np.uint8)[charts.kind]
    label = np.array(LABELS_OF, np.uint8)[charts.kind]
    words, numbers, days = _expand(values, unique, role, label)
    columns, word_value = _words(charts, words)
    columns.update(_numbers(charts, numbers))
    columns.update(_days(charts, days))
    return Forms({name: np.ascontiguousarray(columns[name], kind) for name, kind in _COLUMNS}, word_value)


@dataclass
class _Listed:
    """Texts to look for, with the value (row of Charts) that each comes from."""

    value: npt.NDArray[np.int64]
    text: list[str]
    index: npt.NDArray[np.int64]  # into text
    role: npt.NDArray[np.uint8]
    label: npt.NDArray[np.uint8]


def _expand(
    values: list[str], unique: npt.NDArray[np.int64], role: npt.NDArray[np.uint8], label: npt.NDArray[np.uint8]
) -> tuple[_Listed, _Listed, tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Write the forms of each distinct (role, value) once, then give them to every row that has it."""
    keys, back = np.unique(role.astype(np.int64) << 40 | unique, return_inverse=True)
    written = [_written(key >> 40, values[key & ((1 << 40) - 1)]) for key in keys.tolist()]
    words = [form for each in written for form in each.words]
    numbers = [(0, form) for each in written for form in each.numbers]
    days = np.array([day for each in written for day in each.days], np.int64)
    rows, which = _repeat([len(each.days) for each in written], back)
    return (
        _listed(words, *_repeat([len(each.words) for each in written], back), label),
        _listed(numbers, *_repeat([len(each.numbers) for each in written], back), label),
        (rows, days[which]),
    )


class _Written(NamedTuple):
    """The forms of one value."""

    words: tuple[tuple[int, str], ...]
    numbers: tuple[str, ...]
    days: tuple[int, ...]


@lru_cache(maxsize=1 << 12)
def _written(number: int, value: str) -> _Written:
    """Write the forms of a value. Cost: once for the clinicians and places of many charts."""
    role = Role(number)
    words = tuple((int(form_role), form) for form_role, form in word_forms(role, value))
    return _Written(words, tuple(number_forms(role, value)), tuple(days_of(role, value)))


def _listed(
    forms: list[tuple[int, str]],
    rows: npt.NDArray[np.int64],
    which: npt.NDArray[np.int64],
    label: npt.NDArray[np.uint8],
) -> _Listed:
    roles = np.array([role for role, _ in forms], np.uint8)
    return _Listed(rows, [form for _, form in forms], which, roles[which], label[rows])


def _repeat(counts: list[int], back: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For the number of forms that each value has, and the value of each row: every (row, form) pair."""
    each = np.array(counts, np.int64)
    sizes, first = each[back], (np.cumsum(each) - each)[back]
    return np.repeat(np.arange(len(back), dtype=np.int64), sizes), ranges(first, sizes)


def ranges(first: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Write out first[i], first[i] + 1, … counts[i] times, for each i, one after the other."""
    total = int(counts.sum())
    ends = np.cumsum(counts)
    return np.arange(total, dtype=np.int64) - np.repeat(ends - counts - first, counts)


@cache
def _atom_bytes() -> int:
    return int(library().chart_atom_bytes())


def _words(charts: Charts, listed: _Listed) -> tuple[Rows, npt.NDArray[np.int32]]:
    cut = cut_values(Text(texts_from_strings(listed.text)))
    first = np.searchsorted(cut["value"], np.arange(len(listed.text) + 1))
    counts = np.diff(first)[listed.index]
    order = np.lexsort((listed.value, charts.person[listed.value], charts.chart[listed.value]))
    counts, value, index = counts[order], listed.value[order], listed.index[order]
    atoms = ranges(first[index], counts)
    row = np.repeat(np.arange(len(value)), counts)
    chart = charts.chart[value[row]]
    columns: Rows = {name: cut[name][atoms] for name in ("hash", "letter", "length", "kind")}
    columns["bits"] = word_table().bits_of(cut["word"])[atoms]
    columns["position"] = ranges(np.zeros(len(counts), np.int64), counts)
    columns["count"] = counts[row]
    columns["person"] = charts.person[value[row]]
    columns["role"], columns["label"] = listed.role[order][row], listed.label[order][row]
    columns["letters"] = cut["letters"]
    columns["first"] = np.searchsorted(chart, np.arange(charts.count + 1))
    return columns, value[row].astype(np.int32)


def cut_values(text: Text) -> Rows:
    """Cut texts into atoms as the kernel cuts notes. Shape: one row an atom, in order; `letters` all letters, lower case."""
    size = max(int(text.at[-1]), 1)
    scratch = np.empty(size * _atom_bytes(), np.uint8)
    names = (
        ("value", np.int32),
        ("hash", np.uint64),
        ("word", np.uint64),
        ("kind", np.uint8),
        ("letter", np.int32),
        ("length", np.uint16),
    )
    out: Rows = {name: np.empty(size, kind) for name, kind in names}
    out["letters"] = np.zeros(size, np.uint8)
    cut = library().chart_cut
    cut.restype = ctypes.c_int64
    folded = np.ascontiguousarray(text.folded)
    rows = cut(
        address(folded),
        address(text.at),
        ctypes.c_int64(len(text)),
        address(scratch),
        *(address(out[name]) for name in out),
    )
    return {name: column if name == "letters" else column[:rows] for name, column in out.items()}


LONGEST: Final = 96
LAST4, SHORT = 1, 2


def _numbers(charts: Charts, listed: _Listed) -> Rows:
    text = Text(texts_from_strings(listed.text))
    code, last4 = np.zeros(len(text), np.uint64), np.zeros(len(text), np.uint64)
    length = np.zeros(len(text), np.int32)
    folded = np.ascontiguousarray(text.folded)
    library().chart_codes(
        address(folded), address(text.at), ctypes.c_int64(len(text)), address(code), address(last4), address(length)
    )
    digits = np.array([form.isdigit() for form in listed.text] or [False], np.bool_)
    usable = (length >= 4) & (length <= LONGEST)
    kept = np.flatnonzero(usable[listed.index]) if len(listed.index) else np.zeros(0, np.int64)
    kept = kept[np.argsort(charts.chart[listed.value[kept]], kind="stable")]
    index, value = listed.index[kept], listed.value[kept]
    flags = np.where(digits & (length >= 9), LAST4, 0) | np.where(digits & (length == 4), SHORT, 0)
    return {
        "id_code": code[index],
        "id_length": length[index],
        "id_label": listed.label[kept],
        "id_flags": flags[index],
        "id_last4": last4[index],
        "id_first": np.searchsorted(charts.chart[value], np.arange(charts.count + 1)),
    }


def _days(charts: Charts, days: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]) -> Rows:
    value, day = days
    order = np.argsort(charts.chart[value], kind="stable")
    return {"day": day[order], "day_first": np.searchsorted(charts.chart[value[order]], np.arange(charts.count + 1))}
