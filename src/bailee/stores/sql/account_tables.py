"""The tables of local accounts and their sessions; secrets and tokens are there as hashes only."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from bailee.stores.sql.tables import metadata

account = Table(
    "account",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("id", String(160), nullable=False),  # who it is in the ledger
    Column("posts", Text, nullable=False),  # JSON
    Column("secret", Text, nullable=False),
    Column("patient", String(64), nullable=False),
    Column("disabled", Integer, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Index("ix_account_id", "id", unique=True),
)
session = Table(
    "account_session",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("account", String(128), nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Index("ix_account_session_account", "account"),
)
