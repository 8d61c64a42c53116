"""What a partner learns by subtracting an earlier release from a new one: few records that differ are nearly named.

Two releases under one agreement carry the same pseudonyms, so the partner sees who came and who went; and counts of
look-alike records can be subtracted even across agreements. Both differences must be none, or not small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa

from bailee.deid.risk.classes import columns_of, engine_over


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A new release against an earlier one. `earlier` is the release's number or name."""

    earlier: str
    came: int  # people that the earlier release lacks
    went: int  # people that only the earlier release has
    smallest_class: int | None  # the smallest change of a class of look-alikes; None: no class changed

    @property
    def smallest(self) -> int | None:
        """Give the smallest difference that is not none."""
        changes = [change for change in (self.came, self.went, self.smallest_class or 0) if change]
        return min(changes, default=None)


def difference(earlier: pa.Table, later: pa.Table, *, name: str, key: str, quasi: Sequence[str] = ()) -> Difference:
    """Compare two releases by `key`, the patient's pseudonym, and by classes of `quasi`.

    Shape: tables with those columns, one row a patient or more. Cost: a join by key, one by class, in DuckDB.
    Raises: Invalid if a column is missing.
    """
    for table in (earlier, later):
        columns_of(table, (key, *quasi))
    named = columns_of(later, (key,))
    with engine_over(earlier=earlier, later=later) as engine:
        came, went = (
            engine.sql(
                f"SELECT count(*) AS n FROM (SELECT DISTINCT {named} FROM {one} EXCEPT SELECT DISTINCT {named} FROM {other})"  # noqa: S608
            )
            .to_arrow_table()
            .column("n")[0]
            .as_py()
            for one, other in (("later", "earlier"), ("earlier", "later"))
        )
        smallest = _smallest_class(engine, columns_of(later, quasi)) if quasi else None
    return Difference(earlier=name, came=came, went=went, smallest_class=smallest)


def _smallest_class(engine: Any, columns: str) -> int | None:
    query = f"""
        SELECT min(abs(change)) AS least FROM (
            SELECT sum(n) AS change FROM (
                SELECT {columns}, 1 AS n FROM later UNION ALL SELECT {columns}, -1 AS n FROM earlier
            ) GROUP BY {columns}
        ) WHERE change <> 0
    """  # noqa: S608
    least = engine.sql(query).to_arrow_table().column("least")[0].as_py()
    return None if least is None else int(least)
