"""Tables of local accounts and sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "account",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("id", sa.String(160), nullable=False),
        sa.Column("posts", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("patient", sa.String(64), nullable=False),
        sa.Column("disabled", sa.Integer, nullable=False),
        sa.Column("made_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_account_id", "account", ["id"], unique=True)
    op.create_table(
        "account_session",
        sa.Column("token_sha256", sa.String(64), primary_key=True),
        sa.Column("account", sa.String(128), nullable=False),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
        sa.Column("ends_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_account_session_account", "account_session", ["account"])
