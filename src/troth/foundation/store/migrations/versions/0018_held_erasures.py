"""What legal holds keep of an erasure that is otherwise done, and who ended by their period."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("erasures", sa.Column("held", sa.Text(), nullable=True))
    op.add_column("erasures", sa.Column("held_at", Instant(), nullable=True))
    op.create_table(
        "departed",
        sa.Column("id", _LONG, nullable=False),
        sa.Column("run", sa.String(length=60), nullable=False),
        sa.Column("step", sa.String(length=80), nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=160), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_departed")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_departed_run_step", "departed", ["run", "step"], unique=False)


def downgrade() -> None:
    op.drop_table("departed")
    op.drop_column("erasures", "held_at")
    op.drop_column("erasures", "held")
