"""Finds in notes what the patients' charts hold, in every form that hands give it. Knows nothing without a chart."""

from __future__ import annotations

import ctypes
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bailee.core.errors import Invalid
from bailee.core.kernels import address, library
from bailee.deid.notes.chart.charts import Charts
from bailee.deid.notes.chart.words import word_table
from bailee.deid.notes.found import SURE, Spans
from bailee.deid.notes.text import Text

_CROWDED: Final = -2
_COLUMNS: Final = (np.int32, np.int32, np.int32, np.uint8, np.uint8)  # note, start, end, label, strength
POINTS: Final = {"strict": 0, "balanced": 1, "readable": 2}


def find(
    text: Text,
    charts: Charts,
    chart_of: npt.NDArray[np.int32],
    *,
    operating_point: str = "balanced",
    least: int = SURE,
) -> Spans:
    """Find every value of a note's chart: any case, order, separator, nickname, initials, one misspelling, any date format.

    Shape: chart_of int32[notes], -1 where a note has no chart → spans by note and start, apart from each other, all SURE;
    with `least` FAIR, after those of each note also names of the chart that may be words of the language; with WEAK also
    capitals that may be initials of its people.
    Raises: Invalid if chart_of does not fit the notes or the charts, or if one person has names without end.
    Cost: linear; the chart's table is built once where notes of a patient are read together, memory by the longest note.
    """
    chart_of = np.ascontiguousarray(chart_of, np.int32)
    if len(chart_of) != len(text) or (len(chart_of) and chart_of.max() >= charts.count):
        raise Invalid("each note needs the number of its chart, or -1")
    if not len(text) or not len(charts):
        return Spans.of([], [], [], [])
    columns = _match(text, charts, chart_of, POINTS[operating_point])
    order = np.argsort(columns[0], kind="stable")
    note, start, end, label, strength = (column[order] for column in columns)
    begin = text.at[note]
    # what the kernel calls NONE, WEAK and STRONG is WEAK, FAIR and SURE here
    return Spans.of(begin + start, begin + end, label, strength).take(strength >= least)


def _match(text: Text, charts: Charts, chart_of: npt.NDArray[np.int32], point: int) -> list[npt.NDArray[Any]]:
    forms, table = charts.forms, word_table()
    charts_view, words_view = forms.view(), table.view()
    order = np.argsort(chart_of, kind="stable").astype(np.int32)
    folded = np.ascontiguousarray(text.folded)
    kernel = library().chart_match
    kernel.restype = ctypes.c_int64
    capacity = len(folded) // 32 + 1024
    while True:
        out: list[npt.NDArray[Any]] = [np.empty(capacity, kind) for kind in _COLUMNS]
        count = kernel(
            address(folded), address(text.at), ctypes.c_int64(len(text)), address(order), address(chart_of),
            ctypes.byref(charts_view), ctypes.byref(words_view), point, ctypes.c_int64(capacity), *map(address, out),
        )  # fmt: skip
        if count == _CROWDED:
            raise Invalid(
                "a chart in which one person has more than 65,536 pairs of given and family name",
                remedy="Give the names of different people as whole names, or with different numbers of persons.",
            )
        if count < 0:
            raise MemoryError
        if count <= capacity:
            return [column[:count] for column in out]
        capacity = count
