"""What a named role attests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "attestations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("about", sa.String(length=200), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=True),
        sa.Column("document", sa.String(length=400), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("leaf", _LONG, nullable=False),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.Column("withdrawn_leaf", _LONG, nullable=True),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_attestations_leaf_ledger_leaves")),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name=op.f("fk_attestations_staff_staff")),
        sa.ForeignKeyConstraint(
            ["withdrawn_leaf"], ["ledger_leaves.id"], name=op.f("fk_attestations_withdrawn_leaf_ledger_leaves")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attestations")),
    )
    op.create_index(op.f("ix_attestations_about"), "attestations", ["about"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_attestations_about"), table_name="attestations")
    op.drop_table("attestations")
