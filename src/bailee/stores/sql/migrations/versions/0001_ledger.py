"""The ledger's tables, and the triggers that keep them append-only on either store."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("leaf", "node", "checkpoint", "cosignature", "mark", "batch", "disclosure", "document")


def upgrade() -> None:
    """Create tables and triggers."""
    _log_tables()
    _subject_tables()
    if op.get_bind().dialect.name == "postgresql":
        _postgresql_triggers()
    else:
        _sqlite_triggers()


def _log_tables() -> None:
    whole, content = sa.BigInteger, sa.LargeBinary
    op.create_table("ledger_leaf", _key("seq"), _column("body", content), _column("hash", content))
    op.create_table(
        "ledger_node", _key("tree"), _key("level"), _key("idx"), _column("hash", content), sqlite_with_rowid=False
    )
    op.create_table("ledger_checkpoint", _key("size"), _column("t_ms", whole), _column("note", sa.Text))
    op.create_table(
        "ledger_cosignature", _key("size"), sa.Column("witness", sa.String, primary_key=True), _column("line", sa.Text)
    )
    op.create_table(
        "ledger_mark",
        _key("seq"),
        _column("kind", sa.String),
        _column("t_ms", whole),
        _column("release", sa.String),
        _column("agreement", sa.String),
    )
    op.create_index("ix_ledger_mark_release", "ledger_mark", ["release", "kind"])
    op.create_index("ix_ledger_mark_agreement", "ledger_mark", ["agreement"])
    op.create_index("ix_ledger_mark_t_ms", "ledger_mark", ["t_ms"])
    op.create_table("ledger_document", sa.Column("sha256", sa.String, primary_key=True), _column("content", content))


def _subject_tables() -> None:
    whole, content = sa.BigInteger, sa.LargeBinary
    op.create_table(
        "ledger_batch",
        _key("seq"),
        _column("kind", sa.String),
        _column("release", sa.String),
        _column("month", sa.String),
        _column("count", whole),
        _column("keep_until_ms", whole),
    )
    op.create_index("ix_ledger_batch_release", "ledger_batch", ["release"])
    op.create_table(
        "ledger_disclosure",
        _key("seq"),
        _key("idx"),
        _column("commitment", content),
        _column("n", whole),
        _column("prev", content),
        _column("mask", whole),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_subject",
        sa.Column("patient", sa.String, primary_key=True),
        _key("seq"),
        _column("idx", whole),
        _column("secret", content),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_ledger_subject_seq", "ledger_subject", ["seq", "idx"])


def _sqlite_triggers() -> None:
    for name in APPEND_ONLY:
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER ledger_{name}_no_{action.lower()} BEFORE {action} ON ledger_{name} "
                f"BEGIN SELECT RAISE(ABORT, 'ledger_{name} is append-only'); END"
            )
    op.execute(
        "CREATE TRIGGER ledger_subject_no_update BEFORE UPDATE ON ledger_subject "
        "BEGIN SELECT RAISE(ABORT, 'ledger_subject is never changed'); END"
    )
    op.execute(
        "CREATE TRIGGER ledger_subject_kept BEFORE DELETE ON ledger_subject WHEN "
        "(SELECT keep_until_ms FROM ledger_batch WHERE seq = OLD.seq) > CAST(strftime('%s', 'now') AS INTEGER) * 1000 "
        "BEGIN SELECT RAISE(ABORT, 'ledger_subject is kept for six years'); END"
    )


def _postgresql_triggers() -> None:
    op.execute(
        "CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE FUNCTION ledger_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF (SELECT keep_until_ms FROM ledger_batch WHERE seq = OLD.seq) > extract(epoch FROM now()) * 1000 THEN "
        "RAISE EXCEPTION '% is kept for six years', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; "
        "END IF; RETURN OLD; END $$"
    )
    for name in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER ledger_{name}_append_only BEFORE UPDATE OR DELETE ON ledger_{name} "
            "FOR EACH ROW EXECUTE FUNCTION ledger_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER ledger_{name}_no_truncate BEFORE TRUNCATE ON ledger_{name} "
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()"
        )
    op.execute(
        "CREATE TRIGGER ledger_subject_no_update BEFORE UPDATE ON ledger_subject "
        "FOR EACH ROW EXECUTE FUNCTION ledger_refuse()"
    )
    op.execute(
        "CREATE TRIGGER ledger_subject_kept BEFORE DELETE ON ledger_subject FOR EACH ROW EXECUTE FUNCTION ledger_keep()"
    )


def _key(name: str) -> sa.Column[int]:
    # on SQLite a lone INTEGER key is the row's own place: no second index
    kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _column(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
