"""What a batch with noise told at most of any one person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("disclosures", sa.Column("epsilon", sa.Double(), nullable=True))
    op.add_column("disclosures", sa.Column("delta", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("disclosures", "delta")
    op.drop_column("disclosures", "epsilon")
