"""The best combination of generalisation levels for a privacy threshold: an optimal search with suppression.

A node is one level a column. Coarsening merges classes, so for k and for distinct values a node that suffices lies below
nodes that suffice; and every measure of loss here has a floor that grows along the lattice. So nodes are taken by rising
floor, whole parts of the lattice are ruled out by binary search along a way up, and the search ends when no floor is
below the best loss found: the answer is the optimum, which tests confirm by trying every node of small lattices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bailee.core.errors import Invalid
from bailee.deid.risk.hierarchies import Hierarchy

MOST_COLUMNS = 12
MOST_NODES = 2_000_000
Levels = tuple[int, ...]


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What a table must satisfy: classes of `k` records, with `distinct` values of each sensitive column."""

    k: int
    suppression: float = 0.0  # the share of records that may be left out
    distinct: Mapping[str, int] = msgspec.field(default_factory=dict)


class Solution(msgspec.Struct, frozen=True, kw_only=True):
    """The best node, what it costs, and how much of the lattice was looked at."""

    levels: dict[str, int]
    loss: float
    suppressed: int
    records: int
    tried: int
    nodes: int


def best_levels(table: pa.Table, hierarchies: Sequence[Hierarchy], goal: Goal, *, measure: str = "entropy") -> Solution:
    """Find the levels of least loss that reach the goal.

    `entropy`: bits lost by telling less (non-uniform entropy; suppressed records lose what the node loses). `loss`: the
    share of each column's domain that a value could be, per cell; a suppressed record loses all of it.
    Raises: Invalid if no node reaches the goal, or the lattice is too large.
    Cost: some evaluations of O(distinct records) each; memory O(distinct records).
    """
    return Lattice(table, hierarchies, goal, measure=measure).best()


class Lattice:
    """The lattice of a table: nodes, floors, evaluations. Not thread-safe; make one a search."""

    def __init__(
        self, table: pa.Table, hierarchies: Sequence[Hierarchy], goal: Goal, *, measure: str = "entropy"
    ) -> None:
        self.names = tuple(hierarchy.column for hierarchy in hierarchies)
        self.heights = tuple(hierarchy.levels for hierarchy in hierarchies)
        self.goal, self.measure = goal, measure
        nodes = int(np.prod(self.heights, dtype=np.int64))
        if len(hierarchies) > MOST_COLUMNS or nodes > MOST_NODES:
            raise Invalid(f"a lattice of {nodes} nodes", remedy="Declare fewer quasi-identifiers, or fewer levels.")
        if measure not in {"entropy", "loss"}:
            raise Invalid(f"no measure {measure}", remedy="There are entropy and loss.")
        self._encode(table, hierarchies)
        self.costs = [self._column_costs(column) for column in range(len(self.names))]
        self.allowed = int(np.floor(goal.suppression * self.records + 1e-9))
        self.tried: dict[Levels, int] = {}

    def _encode(self, table: pa.Table, hierarchies: Sequence[Hierarchy]) -> None:
        """Number the values of every column and keep each distinct record once, with its count."""
        columns, self.maps = [], []
        for hierarchy in hierarchies:
            codes, maps, _ = hierarchy.codes(table.column(hierarchy.column).combine_chunks())
            columns.append(codes)
            self.maps.append(maps)
        for name in self.goal.distinct:
            encoded = table.column(name).combine_chunks().cast(pa.string()).dictionary_encode()
            columns.append(encoded.indices.fill_null(-1).to_numpy().astype(np.int32) + 1)
        stacked = np.stack(columns, axis=1) if columns else np.zeros((table.num_rows, 0), np.int32)
        distinct, self.counts = np.unique(stacked, axis=0, return_counts=True)
        self.columns = [np.ascontiguousarray(distinct[:, number]) for number in range(distinct.shape[1])]
        self.records = table.num_rows

    def _column_costs(self, column: int) -> list[float]:
        """Give a column's loss at each level, over all records."""
        weights = np.bincount(self.columns[column], self.counts, minlength=len(self.maps[column][0]))
        return [_column_loss(weights, level_map, self.measure) for level_map in self.maps[column]]

    # ---- nodes ---------------------------------------------------------------------------------------------------

    def all_nodes(self) -> Iterable[Levels]:
        """List every node."""
        return product(*(range(height) for height in self.heights))

    def floor(self, levels: Levels) -> float:
        """Give a loss that no node from here up is below."""
        return sum(costs[level] for costs, level in zip(self.costs, levels, strict=True))

    def _floors(self) -> npt.NDArray[np.float64]:
        floors = np.zeros(self.heights)
        for column, costs in enumerate(self.costs):
            shape = [len(costs) if axis == column else 1 for axis in range(len(self.heights))]
            floors += np.reshape(costs, shape)
        return floors

    def suppressed(self, levels: Levels) -> int:
        """Count the records that do not reach the goal at a node."""
        if levels not in self.tried:
            inverse, sizes = self._classes(levels)
            small = sizes < self.goal.k
            for number, least in enumerate(self.goal.distinct.values()):
                small |= self._distinct(inverse, len(sizes), len(self.names) + number) < least
            self.tried[levels] = int(sizes[small].sum())
        return self.tried[levels]

    def suffices(self, levels: Levels) -> bool:
        """Tell whether a node reaches the goal."""
        return self.suppressed(levels) <= self.allowed

    def loss(self, levels: Levels) -> float:
        """Give a node's loss, suppressed records included."""
        if self.measure == "entropy":
            return self.floor(levels)
        inverse, sizes = self._classes(levels)
        gone = (sizes < self.goal.k)[inverse]
        for number, least in enumerate(self.goal.distinct.values()):
            gone |= (self._distinct(inverse, len(sizes), len(self.names) + number) < least)[inverse]
        per_record = np.zeros(len(self.counts))
        for column, level in enumerate(levels):
            per_record += _spread(self.maps[column][level])[self.columns[column]]
        return float((self.counts * np.where(gone, float(len(self.names)), per_record)).sum())

    def _classes(self, levels: Levels) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Give the class of each distinct record, and the records in each class."""
        keys = np.zeros(len(self.counts), np.int64)
        for column, level in enumerate(levels):
            level_map = self.maps[column][level]
            width = int(level_map.max()) + 1 if len(level_map) else 1
            if width > 1:
                keys = keys * width + level_map[self.columns[column]]
        inverse = np.unique(keys, return_inverse=True)[1]
        return inverse, np.bincount(inverse, self.counts).astype(np.int64)

    def _distinct(self, inverse: npt.NDArray[np.int64], classes: int, column: int) -> npt.NDArray[np.int64]:
        values = self.columns[column].astype(np.int64)
        pairs = np.unique(inverse * (int(values.max()) + 1) + values)
        return np.bincount(pairs // (int(values.max()) + 1), minlength=classes)

    # ---- the search ----------------------------------------------------------------------------------------------

    def best(self) -> Solution:
        """Find the node of least loss that reaches the goal. Raises: Invalid if there is none."""
        found, least = None, np.inf
        known = _Known(self.heights)
        floors = self._floors()
        for place in np.argsort(floors, axis=None, kind="stable"):
            levels = tuple(int(level) for level in np.unravel_index(place, self.heights))
            if floors[levels] >= least:
                break
            if known.fails(levels):
                continue
            if self.suffices(levels):
                loss = self.loss(levels)
                if loss < least:
                    found, least = levels, loss
            else:
                known.failed(self._highest_failing(levels, known))
        if found is None:
            raise Invalid("no generalisation reaches the threshold", remedy="Allow suppression, or add coarser levels.")
        return self._solution(found, least)

    def _highest_failing(self, levels: Levels, known: _Known) -> Levels:
        """Go up from a node that fails, cheapest step first, and find by halves the last node that fails too."""
        way = [levels]
        while (up := self._cheapest_step(way[-1])) is not None:
            way.append(up)
        low, high = 0, len(way)
        while high - low > 1:
            middle = (low + high) // 2
            if known.fails(way[middle]) or not self.suffices(way[middle]):
                low = middle
            else:
                high = middle
        return way[low]

    def _cheapest_step(self, levels: Levels) -> Levels | None:
        steps = [
            (*levels[:column], level + 1, *levels[column + 1 :])
            for column, level in enumerate(levels)
            if level + 1 < self.heights[column]
        ]
        return min(steps, key=lambda node: (self.floor(node), node), default=None)

    def _solution(self, levels: Levels, loss: float) -> Solution:
        return Solution(
            levels=dict(zip(self.names, levels, strict=True)),
            loss=loss,
            suppressed=self.suppressed(levels),
            records=self.records,
            tried=len(self.tried),
            nodes=int(np.prod(self.heights, dtype=np.int64)),
        )


class _Known:
    """The nodes that are known to fail: all below any that failed."""

    def __init__(self, heights: Levels) -> None:
        self.failing = np.zeros(heights, np.bool_)

    def failed(self, levels: Levels) -> None:
        self.failing[tuple(slice(0, level + 1) for level in levels)] = True

    def fails(self, levels: Levels) -> bool:
        return bool(self.failing[levels])


def _spread(level_map: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    """Give, per value, the share of the domain that its generalisation could be: 0 for itself, 1 for all."""
    members = np.bincount(level_map)
    return (members[level_map] - 1) / max(len(level_map) - 1, 1)


def _column_loss(weights: npt.NDArray[Any], level_map: npt.NDArray[np.int32], measure: str) -> float:
    if measure == "loss":
        return float((weights * _spread(level_map)).sum())
    merged = np.bincount(level_map, weights)[level_map]
    present = weights > 0
    return float((weights[present] * np.log2(merged[present] / weights[present])).sum())
