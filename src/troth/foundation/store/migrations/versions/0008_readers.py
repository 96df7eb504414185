"""Who changed, for those who decide from memory; their leases; the audience as bitmaps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "store_changes",
        sa.Column("id", _LONG, nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=True),
        sa.Column("people", sa.LargeBinary(), nullable=True),
        sa.Column("naming", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_changes")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_store_changes_xid"), "store_changes", ["xid"], unique=False)
    op.create_table(
        "store_trims",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("trims", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_store_trims")),
    )
    op.create_table(
        "store_readers",
        sa.Column("id", sa.String(length=43), nullable=False),
        sa.Column("applied", sa.Text(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_readers")),
    )
    op.create_table(
        "audience_planes",
        sa.Column("name", sa.String(length=140), nullable=False),
        sa.Column("bits", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_audience_planes")),
    )
    op.create_table(
        "audience_state",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("policy_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("saved_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_audience_state")),
    )
    op.create_table(
        "app_repeats",
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("body", sa.LargeBinary(length=16), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_app_repeats")),
    )
    op.create_index(op.f("ix_app_repeats_at"), "app_repeats", ["at"], unique=False)
    op.create_table(
        "undeclared_purposes",
        sa.Column("purpose", sa.String(length=140), nullable=False),
        sa.Column("times", _LONG, nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("purpose", name=op.f("pk_undeclared_purposes")),
    )


def downgrade() -> None:
    op.drop_table("undeclared_purposes")
    op.drop_index(op.f("ix_app_repeats_at"), table_name="app_repeats")
    op.drop_table("app_repeats")
    op.drop_table("audience_state")
    op.drop_table("audience_planes")
    op.drop_table("store_readers")
    op.drop_table("store_trims")
    op.drop_index(op.f("ix_store_changes_xid"), table_name="store_changes")
    op.drop_table("store_changes")
