"""Who was in each group that a recipient got, so that two batches cannot be subtracted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "disclosed_groups",
        sa.Column("id", _LONG, nullable=False),
        sa.Column("disclosure", _LONG, nullable=False),
        sa.Column("recipient", sa.String(length=200), nullable=False),
        sa.Column("counting", sa.LargeBinary(length=32), nullable=False),
        sa.Column("called", sa.LargeBinary(length=16), nullable=False),
        sa.Column("people", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["disclosure"], ["disclosures.id"], name=op.f("fk_disclosed_groups_disclosure_disclosures")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosed_groups")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_disclosed_groups_disclosure"), "disclosed_groups", ["disclosure"], unique=False)
    op.create_index("ix_disclosed_groups_called", "disclosed_groups", ["recipient", "counting", "called"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_disclosed_groups_called", table_name="disclosed_groups")
    op.drop_index(op.f("ix_disclosed_groups_disclosure"), table_name="disclosed_groups")
    op.drop_table("disclosed_groups")
