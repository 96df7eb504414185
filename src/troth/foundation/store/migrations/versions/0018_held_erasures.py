"""What legal holds keep of an erasure that is otherwise done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("erasures", sa.Column("held", sa.Text(), nullable=True))
    op.add_column("erasures", sa.Column("held_at", Instant(), nullable=True))


def downgrade() -> None:
    op.drop_column("erasures", "held_at")
    op.drop_column("erasures", "held")
