"""Whose run over HTTP it is, and what it was begun by: an app ends its own runs only, and begins one once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_COUNTS = ("rows", "people")


def upgrade() -> None:
    op.add_column("use_runs", sa.Column("app", sa.String(80), nullable=True))
    op.add_column("use_runs", sa.Column("repeat", sa.LargeBinary(16), nullable=True))
    op.create_index("ix_use_runs_repeat", "use_runs", ["repeat"], unique=False)
    if op.get_bind().dialect.name == "postgresql":  # a whole number of SQLite has 64 bits already
        for name in _COUNTS:
            op.alter_column("use_runs", name, type_=sa.BigInteger())


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name in _COUNTS:
            op.alter_column("use_runs", name, type_=sa.Integer())
    op.drop_index("ix_use_runs_repeat", table_name="use_runs")
    op.drop_column("use_runs", "repeat")
    op.drop_column("use_runs", "app")
