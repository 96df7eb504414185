"""Runs of programs under their purposes, messages sent, rounds of pseudonymised views, and closed accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _leaf(table: str) -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    return (
        sa.Column("leaf", _LONG, nullable=False),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f(f"fk_{table}_leaf_ledger_leaves")),
    )


def upgrade() -> None:
    op.create_table(
        "use_runs",
        sa.Column("id", _LONG, nullable=False),
        sa.Column("program", sa.String(length=80), nullable=False),
        sa.Column("purpose", sa.String(length=120), nullable=False),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("categories", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("begun_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("people", sa.Integer(), nullable=True),
        sa.Column("policy_sha256", sa.LargeBinary(length=32), nullable=False),
        *_leaf("use_runs"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_use_runs")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_use_runs_purpose_begun_at"), "use_runs", ["purpose", "begun_at"], unique=False)
    op.create_table(
        "messages_sent",
        sa.Column("id", _LONG, nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("template", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("order_hash", sa.LargeBinary(length=16), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        *_leaf("messages_sent"),
        sa.ForeignKeyConstraint(
            ["person"], ["people.number"], name=op.f("fk_messages_sent_person_people"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages_sent")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_messages_sent_person"), "messages_sent", ["person"], unique=False)
    op.create_index(op.f("ix_messages_sent_at"), "messages_sent", ["at"], unique=False)
    op.create_table(
        "view_rounds",
        sa.Column("id", _LONG, nullable=False),
        sa.Column("store", sa.String(length=120), nullable=False),
        sa.Column("purpose", sa.String(length=120), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("plan_sha256", sa.LargeBinary(length=32), nullable=False),
        *_leaf("view_rounds"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_view_rounds")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_view_rounds_purpose_at"), "view_rounds", ["purpose", "at"], unique=False)
    op.create_table(
        "closings",
        sa.Column("id", _LONG, nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("until", Instant(), nullable=True),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        *_leaf("closings"),
        sa.ForeignKeyConstraint(["person"], ["people.number"], name=op.f("fk_closings_person_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closings")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_closings_person"), "closings", ["person", "at", "id"], unique=False)
    op.create_index(op.f("ix_closings_until"), "closings", ["until"], unique=False)


def downgrade() -> None:
    for table in ("closings", "view_rounds", "messages_sent", "use_runs"):
        op.drop_table(table)
