"""A plain second look at released texts: does a value of the chart still stand in one? Replaces nothing."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.deid.notes.chart.charts import Charts
from bailee.deid.notes.leaks.suspects import Suspects
from bailee.deid.notes.leaks.watched import Watched, watched

Rows = npt.NDArray[np.int64]

LABEL_BYTES: Final = 256  # a longer text is a patient's own, and not worth sieving


def survivors(
    texts: pa.Array | pa.ChunkedArray, charts: Charts, chart_of: npt.NDArray[np.int32]
) -> npt.NDArray[np.bool_]:
    """Tell which texts still hold a value of their chart: those must not leave.

    Shape: string[n], int32[n] (-1: no chart) → bool[n]; null texts hold nothing.
    Cost: linear, some MB/s; of short texts each different one is sieved once.
    """
    return SecondLook(charts).survivors(texts, chart_of)


class SecondLook:
    """Looks into the texts of one batch's charts; prepares each chart once."""

    def __init__(self, charts: Charts) -> None:
        self._charts = charts
        self._sought: dict[int, Watched] = {}

    def __repr__(self) -> str:
        return f"SecondLook({self._charts.count} charts)"

    def survivors(self, texts: pa.Array | pa.ChunkedArray, chart_of: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Tell which texts still hold a value of their chart. Shape: as of `survivors`."""
        said = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        sizes = pc.fill_null(pc.binary_length(said), 0).to_numpy(zero_copy_only=False)
        asked = (chart_of >= 0) & (sizes > 0)
        labels = self._suspected(said, np.flatnonzero(asked & (sizes < LABEL_BYTES)), chart_of)
        rows = np.concatenate([labels, np.flatnonzero(asked & (sizes >= LABEL_BYTES))])
        held = np.zeros(len(said), np.bool_)
        for row, text in zip(rows.tolist(), said.take(pa.array(rows)).to_pylist(), strict=True):
            held[row] = self._of(int(chart_of[row])).is_in(text)
        return held

    def _of(self, chart: int) -> Watched:
        if chart not in self._sought:
            self._sought[chart] = watched(self._charts.values_of(chart))
        return self._sought[chart]

    @cached_property
    def _suspects(self) -> Suspects:
        return Suspects(self._charts)

    def _suspected(self, said: pa.Array, rows: Rows, chart_of: npt.NDArray[np.int32]) -> Rows:
        """Choose the short texts that could hold something of their chart."""
        if not len(rows):
            return rows
        coded = said.take(pa.array(rows)).dictionary_encode()
        texts = coded.indices.to_numpy().astype(np.int64)
        width = self._charts.count
        accused = [
            text * width + chart
            for text, said_once in enumerate(coded.dictionary.to_pylist())
            for chart in self._suspects.of(said_once)
        ]
        return rows[np.isin(texts * width + chart_of[rows], np.array(accused, np.int64))]
