"""Requests under a right, and how people in the privacy centre were named."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("right", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("person", sa.Integer(), nullable=True),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("app", sa.String(length=80), nullable=True),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("law", sa.String(length=40), nullable=False),
        sa.Column("article", sa.String(length=120), nullable=False),
        sa.Column("proof", sa.String(length=40), nullable=True),
        sa.Column("confirmed_at", Instant(), nullable=True),
        sa.Column("frozen_until", Instant(), nullable=True),
        sa.Column("lapses_at", Instant(), nullable=True),
        sa.Column("cooling_until", Instant(), nullable=True),
        sa.Column("extended_at", Instant(), nullable=True),
        sa.Column("purpose", sa.String(length=120), nullable=True),
        sa.Column("known_by", sa.LargeBinary(), nullable=True),
        sa.Column("wish", sa.LargeBinary(), nullable=True),
        sa.Column("addresses", sa.LargeBinary(), nullable=True),
        sa.Column("plan_sha256", sa.String(length=64), nullable=True),
        sa.Column("released_at", Instant(), nullable=True),
        sa.Column("ground", sa.String(length=40), nullable=True),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("once", sa.LargeBinary(length=16), nullable=True),
        sa.Column("body", sa.LargeBinary(length=16), nullable=True),
        sa.ForeignKeyConstraint(
            ["person"], ["people.number"], name=op.f("fk_requests_person_people"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sa.UniqueConstraint("number", name=op.f("uq_requests_number")),
        sa.UniqueConstraint("once", name=op.f("uq_requests_once")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_requests_person"), "requests", ["person"], unique=False)
    op.create_index("ix_requests_state_due_at", "requests", ["state", "due_at"], unique=False)
    op.create_table(
        "request_approvals",
        sa.Column("request", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("plan_sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_request_approvals_request_requests")),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name=op.f("fk_request_approvals_staff_staff")),
        sa.PrimaryKeyConstraint("request", "staff", name=op.f("pk_request_approvals")),
    )
    op.create_table(
        "request_links",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("request", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("use", sa.String(length=40), nullable=False),
        sa.Column("shown", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_request_links_request_requests")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_request_links")),
    )
    op.create_index(op.f("ix_request_links_request"), "request_links", ["request"], unique=False)
    op.create_table(
        "request_moves",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("request", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("before", sa.String(length=40), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.String(length=40), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=True),
        sa.Column("word", sa.String(length=40), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("leaf", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_request_moves_leaf_ledger_leaves")),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_request_moves_request_requests")),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name=op.f("fk_request_moves_staff_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_moves")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_request_moves_request"), "request_moves", ["request"], unique=False)
    op.create_table(
        "request_pauses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("request", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("begun_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_request_pauses_request_requests")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_pauses")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_request_pauses_request"), "request_pauses", ["request"], unique=False)
    op.add_column("centre_links", sa.Column("known_by", sa.LargeBinary(), nullable=True))
    op.add_column("centre_sessions", sa.Column("known_by", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("centre_sessions", "known_by")
    op.drop_column("centre_links", "known_by")
    op.drop_index(op.f("ix_request_pauses_request"), table_name="request_pauses")
    op.drop_table("request_pauses")
    op.drop_index(op.f("ix_request_moves_request"), table_name="request_moves")
    op.drop_table("request_moves")
    op.drop_index(op.f("ix_request_links_request"), table_name="request_links")
    op.drop_table("request_links")
    op.drop_table("request_approvals")
    op.drop_index("ix_requests_state_due_at", table_name="requests")
    op.drop_index(op.f("ix_requests_person"), table_name="requests")
    op.drop_table("requests")
