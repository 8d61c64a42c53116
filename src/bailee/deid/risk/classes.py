"""Equivalence classes: records that have the same values in all quasi-identifiers. Counted by DuckDB, in memory.

DuckDB sees only the columns that are named; it may not touch files, so it neither reads nor spills identified values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bailee.core.errors import Invalid

Counts = npt.NDArray[np.int64]


class Classes(msgspec.Struct, frozen=True, kw_only=True):
    """The classes of a table. Shape: `values` has one row a class, sorted; `sizes` int64[classes]."""

    quasi: tuple[str, ...]
    values: pa.Table
    sizes: Counts

    def __repr__(self) -> str:
        return f"Classes({len(self.sizes)} of {len(self.quasi)} columns)"

    @property
    def records(self) -> int:
        """Count the records in all classes."""
        return int(self.sizes.sum())


def count_classes(batches: pa.RecordBatchReader | pa.Table, quasi: Sequence[str]) -> Classes:
    """Count the records of each class; a null is a value like any other.

    Shape: any columns → classes sorted by their values. Cost: one pass; memory by the number of classes.
    Raises: Invalid if a column is missing or none is named.
    """
    names = columns_of(batches, quasi)
    with engine_over(data=batches) as engine:
        query = f"SELECT {names}, count(*)::BIGINT AS n FROM data GROUP BY ALL ORDER BY ALL"  # noqa: S608
        table = engine.sql(query).to_arrow_table()
    sizes = table.column("n").to_numpy().astype(np.int64)
    return Classes(quasi=tuple(quasi), values=table.drop_columns(["n"]), sizes=sizes)


def count_in_population(classes: Classes, population: pa.RecordBatchReader | pa.Table) -> Counts:
    """Count the people of each class in the population that an extract was drawn from, one row a person.

    Shape: columns of the same names → int64[classes]; 0 for a class that the population lacks.
    """
    names = columns_of(population, classes.quasi)
    numbered = classes.values.append_column("class", pa.array(range(len(classes.sizes)), pa.int64()))
    same = " AND ".join(f"one.{_quoted(name)} IS NOT DISTINCT FROM other.{_quoted(name)}" for name in classes.quasi)
    query = (
        f"SELECT class, coalesce(other.n, 0)::BIGINT AS n FROM one LEFT JOIN "  # noqa: S608
        f"(SELECT {names}, count(*) AS n FROM people GROUP BY ALL) other ON {same} ORDER BY class"
    )
    with engine_over(one=numbered, people=population) as engine:
        counted = engine.sql(query).to_arrow_table().column("n").to_numpy()
    return np.asarray(counted, np.int64)


def count_sensitive(
    batches: pa.RecordBatchReader | pa.Table, quasi: Sequence[str], sensitive: str
) -> tuple[Counts, Counts, Counts]:
    """Count each sensitive value in each class.

    Shape: → int64[cells] class number, value number, count; classes are numbered as in `count_classes`, values in order.
    """
    names = columns_of(batches, (*quasi, sensitive))
    keys = ", ".join(map(_quoted, quasi))
    query = (
        f"SELECT dense_rank() OVER (ORDER BY {keys}) - 1 AS c, dense_rank() OVER (ORDER BY {_quoted(sensitive)}) - 1 AS v, n "  # noqa: S608
        f"FROM (SELECT {names}, count(*)::BIGINT AS n FROM data GROUP BY ALL) ORDER BY c, v"
    )
    with engine_over(data=batches) as engine:
        table = engine.sql(query).to_arrow_table()
    first, second, third = (table.column(name).to_numpy().astype(np.int64) for name in ("c", "v", "n"))
    return first, second, third


@contextmanager
def engine_over(**tables: pa.RecordBatchReader | pa.Table) -> Iterator[Any]:
    """Open an engine over tables in memory, with the doors to files and network shut."""
    shut = {"enable_external_access": "false", "temp_directory": "", "threads": "1", "lock_configuration": "true"}
    with duckdb.connect(":memory:", config=shut) as connection:
        for name, table in tables.items():
            connection.register(name, table)
        yield connection


def columns_of(table: pa.RecordBatchReader | pa.Table, names: Sequence[str]) -> str:
    """Quote column names for SQL. Raises: Invalid if a column is missing, or none is named."""
    missing = [name for name in names if name not in table.schema.names]
    if missing or not names:
        what = f"no column {', '.join(missing)}" if missing else "no column is declared"
        raise Invalid(f"{what} to measure risk by", remedy="Name the quasi-identifiers of this extract.")
    return ", ".join(map(_quoted, names))


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
