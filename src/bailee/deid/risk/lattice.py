"""The best combination of generalisation levels for a privacy threshold: an optimal search with suppression.

A node is one level a column. Coarsening merges classes, so for k and for distinct values a node that suffices lies below
nodes that suffice; and every measure of loss here has a floor that grows along the lattice. So nodes are taken by rising
floor, whole parts of the lattice are ruled out by binary search along a way up, and the search ends when no floor is
below the best loss found: the answer is the optimum, which tests confirm by trying every node of small lattices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.errors import Invalid
from bailee.deid.risk.hierarchies import Hierarchy
from bailee.deid.risk.measures import Sensitive, by_class

MOST_COLUMNS = 12
MOST_NODES = 2_000_000
Levels = tuple[int, ...]
Whole = npt.NDArray[np.int64]


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What a table must satisfy: classes of `k` records, each as diverse in the sensitive columns as is asked.

    Effective values and closeness may get worse when classes merge, so no part of the lattice is ruled out by them.
    """

    k: int
    suppression: float = 0.0  # the share of records that may be left out
    sensitive: Mapping[str, Sensitive] = msgspec.field(default_factory=dict)


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
        self,
        table: pa.Table,
        hierarchies: Sequence[Hierarchy],
        goal: Goal,
        *,
        measure: str = "entropy",
        counted: str = "",  # a column that says how many records a row stands for
    ) -> None:
        self.names = tuple(hierarchy.column for hierarchy in hierarchies)
        self.heights = tuple(hierarchy.levels for hierarchy in hierarchies)
        self.goal, self.measure = goal, measure
        nodes = int(np.prod(self.heights, dtype=np.int64))
        if len(hierarchies) > MOST_COLUMNS or nodes > MOST_NODES:
            raise Invalid(f"a lattice of {nodes} nodes", remedy="Declare fewer quasi-identifiers, or fewer levels.")
        if measure not in {"entropy", "loss"}:
            raise Invalid(f"no measure {measure}", remedy="There are entropy and loss.")
        self._encode(table, hierarchies, counted)
        self.costs = [self._column_costs(column) for column in range(len(self.names))]
        self.allowed = int(np.floor(goal.suppression * self.records + 1e-9))
        self.tried: dict[Levels, tuple[int, int]] = {}  # records that fail; by k and distinct values

    def _encode(self, table: pa.Table, hierarchies: Sequence[Hierarchy], counted: str) -> None:
        """Number the values of every column and keep each distinct record once, with its count."""
        columns, self.maps = [], []
        for hierarchy in hierarchies:
            codes, maps, _ = hierarchy.codes(table.column(hierarchy.column).combine_chunks())
            columns.append(codes)
            self.maps.append(maps)
        columns += [_ranked(table.column(name).combine_chunks()) for name in self.goal.sensitive]
        stacked = np.stack(columns, axis=1) if columns else np.zeros((table.num_rows, 0), np.int32)
        distinct, place = np.unique(stacked, axis=0, return_inverse=True)
        self._place = place.reshape(-1)  # of each row of the table among the distinct records
        weights = table.column(counted).to_numpy() if counted else None
        self.counts = np.bincount(self._place, weights, minlength=len(distinct)).astype(np.int64)
        self.columns = [np.ascontiguousarray(distinct[:, number]) for number in range(distinct.shape[1])]
        self.records = int(self.counts.sum())

    def _column_costs(self, column: int) -> list[float]:
        """Give a column's loss at each level, over all records."""
        weights = np.bincount(self.columns[column], self.counts, minlength=len(self.maps[column][0]))
        return [_column_loss(weights, level_map, self.measure) for level_map in self.maps[column]]

    # ---- nodes ---------------------------------------------------------------------------------------------------

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
        return self._counted(levels)[0]

    def _hopeless(self, levels: Levels) -> bool:
        """Tell whether a node, and so all below it, fails by what only gets better upwards: k and distinct values.

        Where nothing may be left out, the other measures get no worse either: a merged class lies between its parts.
        """
        everything, rising = self._counted(levels)
        return (rising if self.allowed else everything) > self.allowed

    def _counted(self, levels: Levels) -> tuple[int, int]:
        if levels not in self.tried:
            inverse, sizes = self._classes(levels)
            failing, rising = self._failing(inverse, sizes)
            self.tried[levels] = int(sizes[failing].sum()), int(sizes[rising].sum())
        return self.tried[levels]

    def left_out(self, levels: Levels) -> npt.NDArray[np.bool_]:
        """Tell which rows of the table lie in classes that do not reach the goal at a node. Shape: bool[rows]."""
        inverse, sizes = self._classes(levels)
        failing: npt.NDArray[np.bool_] = self._failing(inverse, sizes)[0][inverse][self._place]
        return failing

    def suffices(self, levels: Levels) -> bool:
        """Tell whether a node reaches the goal."""
        return self.suppressed(levels) <= self.allowed

    def loss(self, levels: Levels) -> float:
        """Give a node's loss, suppressed records included."""
        if self.measure == "entropy":
            return self.floor(levels)
        inverse, sizes = self._classes(levels)
        gone = self._failing(inverse, sizes)[0][inverse]
        per_record = np.zeros(len(self.counts))
        for column, level in enumerate(levels):
            per_record += _spread(self.maps[column][level])[self.columns[column]]
        return float((self.counts * np.where(gone, float(len(self.names)), per_record)).sum())

    def _classes(self, levels: Levels) -> tuple[Whole, Whole]:
        """Give the class of each distinct record, and the records in each class."""
        keys, span = np.zeros(len(self.counts), np.int64), 1
        for column, level in enumerate(levels):
            level_map = self.maps[column][level]
            width = int(level_map.max()) + 1 if len(level_map) else 1
            if span * width >= 2**62:
                keys = np.unique(keys, return_inverse=True)[1].astype(np.int64)
                span = int(keys.max()) + 1
            if width > 1:
                keys, span = keys * width + level_map[self.columns[column]], span * width
        inverse = np.unique(keys, return_inverse=True)[1].astype(np.int64)
        return inverse, np.bincount(inverse, self.counts).astype(np.int64)

    def _failing(self, inverse: Whole, sizes: Whole) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Tell which classes do not reach the goal, and which fail by what cannot get worse upwards."""
        rising = sizes < self.goal.k
        others = np.zeros(len(sizes), np.bool_)
        for number, asked in enumerate(self.goal.sensitive.values(), len(self.names)):
            values = self.columns[number]
            width = int(values.max()) + 1
            cells = np.bincount(inverse * width + values, self.counts, minlength=len(sizes) * width).reshape(-1, width)
            counts = cells.astype(np.float64)
            distinct, entropy, closeness = by_class(counts, counts.sum(axis=0), ordered=asked.ordered)
            rising |= distinct < asked.distinct
            others |= (entropy < asked.entropy - 1e-12) | (closeness > asked.closeness + 1e-12)
        return rising | others, rising

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
            elif self._hopeless(levels):
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
            if known.fails(way[middle]) or self._hopeless(way[middle]):
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


def _ranked(values: pa.Array) -> npt.NDArray[np.int32]:
    """Number a sensitive column's values in their order, from 1; a null is 0."""
    encoded = pc.dictionary_encode(values)
    ranks = np.empty(len(encoded.dictionary), np.int32)
    ranks[pc.sort_indices(encoded.dictionary).to_numpy()] = np.arange(1, len(ranks) + 1)
    numbered: npt.NDArray[np.int32] = pc.fill_null(encoded.indices, -1).to_numpy()
    return np.append(ranks, np.int32(0)).astype(np.int32)[numbered]


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
