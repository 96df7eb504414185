"""The heads with which another key took over the signing of the ledger; lost keys that are replaced."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "ledger_handovers",
        sa.Column("size", _LONG, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_ledger_handovers")),
    )
    op.create_table(
        "key_replacements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lost", sa.String(length=40), nullable=False),
        sa.Column("asked_by", sa.String(length=200), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("approved_by", sa.String(length=200), nullable=True),
        sa.Column("approved_at", Instant(), nullable=True),
        sa.Column("key_id", sa.String(length=40), nullable=True),
        sa.Column("leaf", _LONG, nullable=True),
        sa.Column("done_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_replacements")),
    )


def downgrade() -> None:
    op.drop_table("key_replacements")
    op.drop_table("ledger_handovers")
