"""Which levels a release's quasi-identifiers are told at, and whose records stay out: the optimum, from counts alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bailee.deid.risk.lattice import Goal, Lattice
from bailee.deid.risk.scales import Scale

COUNT = "n"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The chosen level of each column, what it costs, and how much of the lattice was looked at."""

    levels: Mapping[str, int]
    words: Mapping[str, str]
    loss: float  # bits, over all patients
    most: float  # bits that would be lost by removing every column
    suppressed: int
    records: int
    tried: int
    nodes: int


def choose(counted: pa.Table, scales: Sequence[Scale], goal: Goal) -> tuple[Choice, pa.Table]:
    """Find the levels of least loss that reach the goal, and the combinations of values whose patients stay out.

    Shape: columns of the scales and of the goal's sensitive values, and `n`, one row a combination → those rows of it,
    the scales' columns. Raises: Invalid if no levels reach the goal.
    """
    hierarchies = [scale.hierarchy(counted.column(scale.column)) for scale in scales]
    lattice = Lattice(counted, hierarchies, goal, counted=COUNT)
    found = lattice.best()
    levels = tuple(found.levels[scale.column] for scale in scales)
    top = tuple(len(scale.levels) - 1 for scale in scales)
    choice = Choice(
        levels=found.levels,
        words={scale.column: scale.levels[level] for scale, level in zip(scales, levels, strict=True)},
        loss=found.loss,
        most=lattice.floor(top),
        suppressed=found.suppressed,
        records=found.records,
        tried=found.tried,
        nodes=found.nodes,
    )
    out = counted.filter(pa.array(lattice.left_out(levels))).select([scale.column for scale in scales])
    return choice, out.group_by(out.column_names, use_threads=False).aggregate([]).combine_chunks()


def add_up(tables: Iterable[pa.Table], columns: Sequence[str]) -> pa.Table:
    """Add counts of combinations. Shape: string columns and `n` int64 → the same, each combination once, sorted."""
    whole = pa.concat_tables(tables)
    summed = whole.group_by(list(columns), use_threads=False).aggregate([(COUNT, "sum")])
    named = summed.rename_columns([COUNT if name == f"{COUNT}_sum" else name for name in summed.column_names])
    return named.select([*columns, COUNT]).sort_by([(column, "ascending") for column in columns]).combine_chunks()


def is_among(table: pa.Table, combinations: pa.Table) -> pa.BooleanArray:
    """Tell which rows have one of the given combinations of values. Shape: table[n] → bool[n]."""
    columns = combinations.column_names
    return pc.is_in(_joined(table.select(columns)), value_set=_joined(combinations))


def _joined(table: pa.Table) -> pa.Array:
    """Write each row as one value that no other row has: every value with its length before it."""
    if not table.num_rows:
        return pa.array([], pa.large_binary())
    parts = []
    for column in table.columns:
        value = pc.fill_null(column.combine_chunks().cast(pa.string()), "").cast(pa.binary()).cast(pa.large_binary())
        size = pa.array(np.char.mod("%d:", pc.binary_length(value).to_numpy()), pa.string())
        parts += [size.cast(pa.binary()).cast(pa.large_binary()), value]
    return pc.binary_join_element_wise(*parts, pa.scalar(b"", pa.large_binary()))
