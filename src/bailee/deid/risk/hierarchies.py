"""How a column is coarsened: each value's row from itself to "*", level by level.

Every level is a function of the level before it; a hierarchy that is not is refused, because the search relies on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.errors import Invalid

ALL = "*"
_DATE = re.compile(r"[12]\d{3}(-\d\d(-\d\d)?)?", re.ASCII)
_WHOLE = re.compile(r"0|-?[1-9]\d*", re.ASCII)
Codes = npt.NDArray[np.int32]


class Hierarchy(msgspec.Struct, frozen=True, kw_only=True):
    """Levels of one column: `rows` maps a value to itself and its generalisations, all rows of one length."""

    column: str
    rows: Mapping[str, tuple[str, ...]]

    def __repr__(self) -> str:
        return f"Hierarchy({self.column}, {len(self.rows)} values, {self.levels} levels)"

    @property
    def levels(self) -> int:
        """Count the levels, the value itself among them."""
        return len(next(iter(self.rows.values()))) if self.rows else 1

    def codes(self, values: pa.Array) -> tuple[Codes, tuple[Codes, ...], tuple[tuple[str, ...], ...]]:
        """Number the values at every level.

        Shape: string[n] → int32[n] codes at level 0; per level, int32[distinct] from the code at level 0 to that
        level's; per level, the labels. Raises: Invalid if values are not in the hierarchy (how many, never which).
        """
        encoded = pc.dictionary_encode(pc.fill_null(values.cast(pa.string()), ""))
        distinct: list[str] = encoded.dictionary.to_pylist()
        strangers = sum(value not in self.rows for value in distinct)
        if strangers:
            raise Invalid(f"{strangers} values of {self.column} are not in its hierarchy", remedy="Add their rows.")
        maps, labels = [], []
        for level in range(self.levels):
            named = [self.rows[value][level] for value in distinct]
            order = {label: number for number, label in enumerate(sorted(set(named)))}
            maps.append(np.array([order[label] for label in named], np.int32))
            labels.append(tuple(order))
        return encoded.indices.to_numpy().astype(np.int32), tuple(maps), tuple(labels)


def hierarchy(column: str, rows: Iterable[Sequence[str]]) -> Hierarchy:
    """Make a hierarchy from its rows. Raises: Invalid if rows differ in length, repeat, or split what was one before."""
    table: dict[str, tuple[str, ...]] = {}
    for row in rows:
        if not row or row[0] in table:
            raise Invalid(f"a row of the hierarchy of {column} is empty or occurs twice", remedy="One row a value.")
        table[row[0]] = tuple(row)
    if len({len(row) for row in table.values()}) > 1:
        raise Invalid(f"rows of the hierarchy of {column} have different lengths", remedy="Repeat the last value.")
    made = Hierarchy(column=column, rows=table)
    for level in range(1, made.levels):
        parents: dict[str, str] = {}
        if any(parents.setdefault(row[level - 1], row[level]) != row[level] for row in table.values()):
            raise Invalid(f"level {level} of the hierarchy of {column} splits a value of the level below")
    return made


def masked(column: str, values: Iterable[str], *, width: int) -> Hierarchy:
    """Make a hierarchy that masks digits from the right: 02139, 0213*, 021**, … *."""
    return hierarchy(
        column,
        ([value, *(_mask(value, width, hidden) for hidden in range(1, width)), ALL] for value in sorted(set(values))),
    )


def intervals(column: str, values: Iterable[int], *, widths: Sequence[int]) -> Hierarchy:
    """Make a hierarchy of whole numbers in ever wider intervals: 37, 35-39, 30-39, *. Each width divides the next."""
    if any(wide % narrow for narrow, wide in pairwise(widths)):
        raise Invalid(f"widths of {column} do not divide each other", remedy="Use 5, 10, 20, as an example.")
    return hierarchy(
        column, ([str(value), *(_interval(value, width) for width in widths), ALL] for value in sorted(set(values)))
    )


def dates(column: str, values: Iterable[str]) -> Hierarchy:
    """Make a hierarchy of dates: day, month, year, decade, *."""
    return hierarchy(
        column, ([value, value[:7], value[:4], f"{value[:3]}0s" if value else "", ALL] for value in sorted(set(values)))
    )


def _mask(value: str, width: int, hidden: int) -> str:
    return value[: max(width - hidden, 0)] + "*" * min(hidden, width)


def _interval(value: int, width: int) -> str:
    start = value // width * width
    return f"{start}-{start + width - 1}"


def suggested(column: str, values: pa.Array) -> Hierarchy:
    """Make a hierarchy for a column from what its values look like.

    Dates and years: day, month, year, decade. Whole numbers: intervals of 5, 10, 20. ZIP codes and their prefixes: digits
    masked from the right. Anything else: the value, or "*".
    """
    present = [value or "" for value in pc.unique(pc.fill_null(values.cast(pa.string()), "")).to_pylist()]
    named = [value for value in present if value]
    if named and column.lower().endswith(("postalcode", "zip")) and len({len(value) for value in named}) == 1:
        made = masked(column, named, width=len(named[0]))
    elif named and all(_DATE.fullmatch(value) for value in named):
        made = dates(column, named)
    elif named and all(_WHOLE.fullmatch(value) for value in named):
        made = intervals(column, map(int, named), widths=(5, 10, 20))
    else:
        made = hierarchy(column, ([value, ALL] for value in named))
    missing = {"": ("", *[""] * (made.levels - 2), ALL) if made.levels > 1 else ("",)} if "" in present else {}
    return Hierarchy(column=column, rows=dict(made.rows) | missing)
