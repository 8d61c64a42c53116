"""Tables of agreements, requests and consent; logs and texts are append-only on either store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "term_document",
    "term_step",
    "consent_log",
    "consent_artifact",
    "consent_revision",
)


_WHOLE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create tables and triggers."""
    _agreements()
    _directives()
    _registers()
    _stores()
    _revisions()
    for name in APPEND_ONLY:
        _protect(name)


def _agreements() -> None:
    op.create_table(
        "term_document",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "agreement",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("signed_sha256", sa.String(64), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "request",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("agreement", sa.String(63), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("progress", sa.Text, nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_request_agreement", "request", ["agreement"])
    op.create_table(
        "term_step",
        sa.Column("subject", sa.String(80), primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("action", sa.String(24), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )


def _directives() -> None:
    op.create_table(
        "consent_log",
        sa.Column("seq", _WHOLE, primary_key=True, autoincrement=False),
        sa.Column("patient", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("not_before", sa.BigInteger, nullable=False),
        sa.Column("not_after", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("tightens", sa.Integer, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_consent_log_patient", "consent_log", ["patient"])
    op.create_table(
        "consent_directive",
        sa.Column("patient", sa.String(), primary_key=True),
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("not_before", sa.BigInteger, nullable=False),
        sa.Column("not_after", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("ix_consent_directive_source", "consent_directive", ["source"])


def _registers() -> None:
    op.create_table(
        "consent_register",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("loaded_ms", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("patients", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "consent_recall",
        sa.Column("release", sa.String(), primary_key=True),
        sa.Column("patient", sa.String(), primary_key=True),
        sa.Column("agreement", sa.String(63), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("opened_ms", sa.BigInteger, nullable=False),
        sa.Column("answered_ms", sa.BigInteger, nullable=True),
        sa.Column("certificate_sha256", sa.String(64), nullable=False),
    )
    op.create_index("ix_consent_recall_agreement", "consent_recall", ["agreement", "state"])


def _stores() -> None:
    op.create_table(
        "consent_store",
        sa.Column("id", sa.String(256), primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "consent_attribute",
        sa.Column("store", sa.String(256), primary_key=True),
        sa.Column("id", sa.String(256), primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "consent_artifact",
        sa.Column("store", sa.String(256), primary_key=True),
        sa.Column("id", sa.String(256), primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )


def _revisions() -> None:
    op.create_table(
        "consent_revision",
        sa.Column("store", sa.String(256), primary_key=True),
        sa.Column("consent", sa.String(256), primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("user", sa.String(256), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_consent_revision_user", "consent_revision", ["store", "user"])
    op.create_table(
        "consent_mapping",
        sa.Column("store", sa.String(256), primary_key=True),
        sa.Column("id", sa.String(256), primary_key=True),
        sa.Column("data", sa.String(), nullable=False),
        sa.Column("user", sa.String(256), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_index("ix_consent_mapping_data", "consent_mapping", ["store", "data"])
    op.create_index("ix_consent_mapping_user", "consent_mapping", ["store", "user"])


def _protect(name: str) -> None:
    """Let nothing be changed or removed; on PostgreSQL by the function that the ledger's step made."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE ON {name} "
            "FOR EACH ROW EXECUTE FUNCTION ledger_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER {name}_no_truncate BEFORE TRUNCATE ON {name} "
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()"
        )
        return
    for action in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {name}_no_{action.lower()} BEFORE {action} ON {name} "
            f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
        )
