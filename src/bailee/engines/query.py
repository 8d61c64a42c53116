"""Runs a hospital's SQL over tables in memory, with every door to files and network shut."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa

from bailee.core.errors import UserError

_WORD = re.compile(r"[A-Za-z_]\w*")


def tables_named(sql: str, known: frozenset[str]) -> frozenset[str]:
    """Tell which of the known tables a query may mention."""
    words = {word.lower() for word in _WORD.findall(sql)}
    return frozenset(name for name in known if name.lower() in words)


def run_query(sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
    """Run one query. Raises: UserError if it is not a query that these tables can answer."""
    import duckdb

    shut = {"enable_external_access": "false", "threads": "1", "lock_configuration": "true"}
    with duckdb.connect(":memory:", config=shut) as connection:
        for name, table in tables.items():
            connection.register(name, table)
        try:
            return connection.sql(sql).to_arrow_table()
        except duckdb.Error as error:
            what = type(error).__name__.removesuffix("Exception")
            raise UserError(f"the query cannot be run ({what})", remedy="Try it on the tables' columns.") from None
