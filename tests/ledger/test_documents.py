"""What docs/ledger.md says is what the code does."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Table

import bailee_verify
from bailee.ledger.entries import KINDS, Entry
from bailee.stores.sql import ledger_tables

PAGE = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text()


def test_every_kind_of_entry_is_documented():
    assert {kind for kind in KINDS if f"`{kind}`" not in PAGE} == set()


def test_every_field_of_an_entry_is_documented():
    assert {name for name in Entry.__struct_fields__ if f"`{name}`" not in PAGE} == set()


def test_every_table_and_column_is_documented():
    for table in (value for value in vars(ledger_tables).values() if isinstance(value, Table)):
        line = next(line for line in PAGE.splitlines() if line.startswith(f"| `{table.name}`"))
        assert {column.name for column in table.columns if f"`{column.name}`" not in line} == set()


def test_every_check_of_the_verifier_is_documented():
    assert all(f"\n| {number} | " in PAGE for number in range(1, len(bailee_verify.CHECKS) + 1))
