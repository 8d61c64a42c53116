"""The ledger's tables: all append-only but one, `ledger_subject`, whose rows link leaves to patients and can be erased."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from bailee.stores.sql.tables import metadata

# on SQLite a lone INTEGER key is the row's own place: no second index
WHOLE = BigInteger().with_variant(Integer, "sqlite")

leaf = Table(
    "ledger_leaf",
    metadata,
    Column("seq", WHOLE, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
node = Table(
    "ledger_node",
    metadata,
    Column("tree", WHOLE, primary_key=True, autoincrement=False),  # LOG, or the seq of a leaf with subjects
    Column("level", WHOLE, primary_key=True, autoincrement=False),  # height 8·level, from 1
    Column("idx", WHOLE, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
checkpoint = Table(
    "ledger_checkpoint",
    metadata,
    Column("size", WHOLE, primary_key=True, autoincrement=False),
    Column("t_ms", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
)
cosignature = Table(
    "ledger_cosignature",
    metadata,
    Column("size", WHOLE, primary_key=True, autoincrement=False),
    Column("witness", String, primary_key=True),
    Column("line", Text, nullable=False),
)
mark = Table(  # finds leaves by what they concern; the verifier compares it with the leaves both ways
    "ledger_mark",
    metadata,
    Column("seq", WHOLE, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("t_ms", BigInteger, nullable=False),
    Column("release", String, nullable=False),
    Column("agreement", String, nullable=False),
    Index("ix_ledger_mark_release", "release", "kind"),
    Index("ix_ledger_mark_agreement", "agreement"),
    Index("ix_ledger_mark_t_ms", "t_ms"),
)
batch = Table(  # one row for each leaf that concerns patients
    "ledger_batch",
    metadata,
    Column("seq", WHOLE, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("release", String, nullable=False),
    Column("month", String, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("keep_until_ms", BigInteger, nullable=False),
    Index("ix_ledger_batch_release", "release"),
)
disclosure = Table(
    "ledger_disclosure",
    metadata,
    Column("seq", WHOLE, primary_key=True, autoincrement=False),
    Column("idx", WHOLE, primary_key=True, autoincrement=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("prev", LargeBinary, nullable=False),
    Column("mask", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
subject = Table(
    "ledger_subject",
    metadata,
    Column("patient", String, primary_key=True),
    Column("seq", WHOLE, primary_key=True, autoincrement=False),
    Column("idx", BigInteger, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Index("ix_ledger_subject_seq", "seq", "idx"),
    sqlite_with_rowid=False,
)
document = Table(  # what leaves are bound to: agreements, requests, manifests, certificates
    "ledger_document",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

APPEND_ONLY = (leaf, node, checkpoint, cosignature, mark, batch, disclosure, document)
