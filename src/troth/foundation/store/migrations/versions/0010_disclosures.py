"""What left the company: one row a batch, with the people in it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "disclosures",
        sa.Column("id", _LONG, nullable=False),
        sa.Column("recipient", sa.String(length=200), nullable=False),
        sa.Column("purpose", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("safeguard", sa.String(length=40), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("destination", sa.String(length=1000), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("form", sa.String(length=10), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("people", sa.LargeBinary(), nullable=True),
        sa.Column("people_count", sa.Integer(), nullable=False),
        sa.Column("categories", sa.Text(), nullable=False),
        sa.Column("held_back", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("policy_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("demand", _LONG, nullable=True),
        sa.Column("leaf", _LONG, nullable=False),
        sa.Column("outcome", _LONG, nullable=True),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_disclosures_leaf_ledger_leaves")),
        sa.ForeignKeyConstraint(["outcome"], ["ledger_leaves.id"], name=op.f("fk_disclosures_outcome_ledger_leaves")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosures")),
        sa.UniqueConstraint("token", name=op.f("uq_disclosures_token")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_disclosures_recipient_at", "disclosures", ["recipient", "at"], unique=False)
    op.create_index("ix_disclosures_state_at", "disclosures", ["state", "at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_disclosures_state_at", table_name="disclosures")
    op.drop_index("ix_disclosures_recipient_at", table_name="disclosures")
    op.drop_table("disclosures")
