"""Holds, and runs that ended data on time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "holds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("place", sa.String(length=300), nullable=True),
        sa.Column("person", sa.Integer(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("statute", sa.String(length=120), nullable=True),
        sa.Column("owner", sa.Integer(), nullable=True),
        sa.Column("review", sa.Date(), nullable=False),
        sa.Column("placed_at", Instant(), nullable=False),
        sa.Column("leaf", _LONG, nullable=False),
        sa.Column("lifted_at", Instant(), nullable=True),
        sa.Column("lifted_by", sa.Integer(), nullable=True),
        sa.Column("lift_leaf", _LONG, nullable=True),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_holds_leaf_ledger_leaves")),
        sa.ForeignKeyConstraint(["lift_leaf"], ["ledger_leaves.id"], name=op.f("fk_holds_lift_leaf_ledger_leaves")),
        sa.ForeignKeyConstraint(["lifted_by"], ["staff.id"], name=op.f("fk_holds_lifted_by_staff")),
        sa.ForeignKeyConstraint(["owner"], ["staff.id"], name=op.f("fk_holds_owner_staff")),
        sa.ForeignKeyConstraint(
            ["person"], ["people.number"], name=op.f("fk_holds_person_people"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_holds_lifted_at", "holds", ["lifted_at"], unique=False)
    op.create_index(op.f("ix_holds_person"), "holds", ["person"], unique=False)
    op.create_table(
        "retention_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("occasion", sa.String(length=40), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=True),
        sa.Column("rules_sha256", sa.String(length=64), nullable=False),
        sa.Column("map_sha256", sa.String(length=64), nullable=False),
        sa.Column("plan_sha256", sa.String(length=64), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=True),
        sa.Column("left", sa.Text(), nullable=True),
        sa.Column("longest_ms", sa.Integer(), nullable=True),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("begun_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("intent", _LONG, nullable=True),
        sa.Column("outcome", _LONG, nullable=True),
        sa.ForeignKeyConstraint(["intent"], ["ledger_leaves.id"], name=op.f("fk_retention_runs_intent_ledger_leaves")),
        sa.ForeignKeyConstraint(
            ["outcome"], ["ledger_leaves.id"], name=op.f("fk_retention_runs_outcome_ledger_leaves")
        ),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name=op.f("fk_retention_runs_staff_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_runs")),
        sa.UniqueConstraint("name", name=op.f("uq_retention_runs_name")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_retention_runs_state"), "retention_runs", ["state"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_retention_runs_state"), table_name="retention_runs")
    op.drop_table("retention_runs")
    op.drop_index(op.f("ix_holds_person"), table_name="holds")
    op.drop_index("ix_holds_lifted_at", table_name="holds")
    op.drop_table("holds")
