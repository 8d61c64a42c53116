"""The tables of agreements and requests: where each stands, every text by its hash, every step that was taken."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from bailee.stores.sql.tables import metadata

document = Table(  # append-only: the texts that hashes mean
    "term_document",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("content", Text, nullable=False),
)
agreement = Table(
    "agreement",
    metadata,
    Column("id", String(63), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("signed_sha256", String(64), nullable=False),
    Column("state", String(24), nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)
request = Table(
    "request",
    metadata,
    Column("id", String(63), primary_key=True),
    Column("agreement", String(63), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("state", String(24), nullable=False),
    Column("progress", Text, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Index("ix_request_agreement", "agreement"),
)
step = Table(  # append-only: who did what, to which text
    "term_step",
    metadata,
    Column("subject", String(80), primary_key=True),  # "agreement:id", "request:id"
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("action", String(24), nullable=False),
    Column("state", String(24), nullable=False),
    Column("person", String(200), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
APPEND_ONLY = ("term_document", "term_step")
