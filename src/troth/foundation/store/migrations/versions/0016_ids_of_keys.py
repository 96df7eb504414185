"""The ids of people's keys, the escrows of this controller's key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("person_keys", sa.Column("key_id", sa.LargeBinary(length=8), nullable=True))
    op.create_index(op.f("ix_person_keys_key_id"), "person_keys", ["key_id"], unique=False)
    op.create_table(
        "key_acts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_acts")),
    )
    op.create_index(op.f("ix_key_acts_act"), "key_acts", ["act"], unique=False)


def downgrade() -> None:
    op.drop_table("key_acts")
    op.drop_index(op.f("ix_person_keys_key_id"), table_name="person_keys")
    op.drop_column("person_keys", "key_id")
