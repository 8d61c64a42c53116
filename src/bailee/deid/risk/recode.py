"""A table at a combination of generalisation levels, with the records of small classes left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import pyarrow as pa

from bailee.core.errors import Invalid
from bailee.deid.risk.hierarchies import Hierarchy


class Recoded(msgspec.Struct, frozen=True, kw_only=True):
    """What remains, and how many records were suppressed."""

    table: pa.Table
    suppressed: int

    def __repr__(self) -> str:
        return f"Recoded({self.table.num_rows} records, {self.suppressed} suppressed)"


def recode(table: pa.Table, hierarchies: Sequence[Hierarchy], levels: Mapping[str, int], *, k: int) -> Recoded:
    """Write each column at its level and leave out records whose class has fewer than `k`.

    Shape: table[n] → table[m], m ≤ n, order kept, other columns untouched.
    Raises: Invalid if a column has no level, or a level its hierarchy does not have.
    """
    keys = np.zeros(table.num_rows, np.int64)
    done = table
    for hierarchy in hierarchies:
        level = levels.get(hierarchy.column, -1)
        if not 0 <= level < hierarchy.levels:
            raise Invalid(f"no level for {hierarchy.column}", remedy=f"Give one from 0 to {hierarchy.levels - 1}.")
        codes, maps, labels = hierarchy.codes(table.column(hierarchy.column).combine_chunks())
        coarse = maps[level][codes]
        place = table.schema.get_field_index(hierarchy.column)
        words = pa.array(labels[level], pa.string()).take(pa.array(coarse))
        done = done.set_column(place, hierarchy.column, words)
        keys = np.unique(keys * (len(labels[level]) + 1) + coarse, return_inverse=True)[1]
    sizes = np.bincount(keys) if len(keys) else np.zeros(0, np.int64)
    stays = sizes[keys] >= k if len(keys) else np.zeros(0, np.bool_)
    return Recoded(table=done.filter(pa.array(stays)), suppressed=int((~stays).sum()))
