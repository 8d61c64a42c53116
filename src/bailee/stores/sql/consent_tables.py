"""The tables of consent: what holds now, and an append-only log of everything that was ever said."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from bailee.stores.sql.tables import metadata

_WHOLE = BigInteger().with_variant(Integer, "sqlite")

log = Table(  # append-only; its size is what a release notes down and compares when it commits
    "consent_log",
    metadata,
    Column("seq", _WHOLE, primary_key=True, autoincrement=False),
    Column("patient", String, nullable=False),  # empty: the house's rule, which speaks of everybody
    Column("id", String, nullable=False),
    Column("source", String(64), nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # empty: taken back
    Column("tightens", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_consent_log_patient", "patient"),
)
directive = Table(
    "consent_directive",
    metadata,
    Column("patient", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("source", String(64), nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_consent_directive_source", "source"),
)
register = Table(
    "consent_register",
    metadata,
    Column("id", String(63), primary_key=True),
    Column("loaded_ms", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("patients", BigInteger, nullable=False),
)
recall = Table(
    "consent_recall",
    metadata,
    Column("release", String, primary_key=True),
    Column("patient", String, primary_key=True),
    Column("agreement", String(63), nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("answered_ms", BigInteger),
    Column("certificate_sha256", String(64), nullable=False),
    Index("ix_consent_recall_agreement", "agreement", "state"),
)
store = Table(
    "consent_store",
    metadata,
    Column("id", String(256), primary_key=True),
    Column("content", Text, nullable=False),
)
attribute = Table(
    "consent_attribute",
    metadata,
    Column("store", String(256), primary_key=True),
    Column("id", String(256), primary_key=True),
    Column("content", Text, nullable=False),
)
artifact = Table(  # append-only
    "consent_artifact",
    metadata,
    Column("store", String(256), primary_key=True),
    Column("id", String(256), primary_key=True),
    Column("content", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
revision = Table(  # append-only: history cannot be destroyed
    "consent_revision",
    metadata,
    Column("store", String(256), primary_key=True),
    Column("consent", String(256), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("user", String(256), nullable=False),
    Column("content", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_consent_revision_user", "store", "user"),
)
mapping = Table(
    "consent_mapping",
    metadata,
    Column("store", String(256), primary_key=True),
    Column("id", String(256), primary_key=True),
    Column("data", String, nullable=False),
    Column("user", String(256), nullable=False),
    Column("content", Text, nullable=False),
    Index("ix_consent_mapping_data", "store", "data"),
    Index("ix_consent_mapping_user", "store", "user"),
)
APPEND_ONLY = ("consent_log", "consent_artifact", "consent_revision")
