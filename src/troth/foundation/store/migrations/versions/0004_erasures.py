"""Erasures and what is remembered of who is gone; approved data maps and pauses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _long() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "map_approvals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("leaf", _long(), nullable=False),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_map_approvals_leaf_ledger_leaves")),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name=op.f("fk_map_approvals_staff_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_map_approvals")),
    )
    op.create_index(op.f("ix_map_approvals_sha256"), "map_approvals", ["sha256"], unique=False)
    op.create_table(
        "write_pauses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("leaf", _long(), nullable=False),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_write_pauses_leaf_ledger_leaves")),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name=op.f("fk_write_pauses_staff_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_pauses")),
    )
    op.create_table(
        "erasures",
        sa.Column("id", _long(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("request", _long(), nullable=True),
        sa.Column("person", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("map_sha256", sa.String(length=64), nullable=False),
        sa.Column("plan_sha256", sa.String(length=64), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("work", sa.LargeBinary(), nullable=True),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=True),
        sa.Column("residue", sa.Text(), nullable=True),
        sa.Column("weak", sa.Text(), nullable=True),
        sa.Column("begun_at", Instant(), nullable=False),
        sa.Column("erased_at", Instant(), nullable=True),
        sa.Column("swept_at", Instant(), nullable=True),
        sa.Column("proven_at", Instant(), nullable=True),
        sa.Column("intent", _long(), nullable=False),
        sa.Column("outcome", _long(), nullable=True),
        sa.Column("proof", _long(), nullable=True),
        sa.ForeignKeyConstraint(["intent"], ["ledger_leaves.id"], name=op.f("fk_erasures_intent_ledger_leaves")),
        sa.ForeignKeyConstraint(["outcome"], ["ledger_leaves.id"], name=op.f("fk_erasures_outcome_ledger_leaves")),
        sa.ForeignKeyConstraint(["person"], ["people.number"], name=op.f("fk_erasures_person_people")),
        sa.ForeignKeyConstraint(["proof"], ["ledger_leaves.id"], name=op.f("fk_erasures_proof_ledger_leaves")),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_erasures_request_requests")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
        sa.UniqueConstraint("name", name=op.f("uq_erasures_name")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_erasures_person"), "erasures", ["person"], unique=False)
    op.create_index(op.f("ix_erasures_request"), "erasures", ["request"], unique=False)
    op.create_index(op.f("ix_erasures_state"), "erasures", ["state"], unique=False)
    op.create_table(
        "kept_marks",
        sa.Column("id", _long(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("erasure", _long(), nullable=False),
        sa.Column("store", sa.String(length=120), nullable=False),
        sa.Column("table", sa.String(length=200), nullable=False),
        sa.Column("column", sa.String(length=200), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["erasure"], ["erasures.id"], name=op.f("fk_kept_marks_erasure_erasures")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_marks")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_kept_marks_erasure"), "kept_marks", ["erasure"], unique=False)
    op.create_index(op.f("ix_kept_marks_hash"), "kept_marks", ["hash"], unique=False)
    op.create_table(
        "tombstones",
        sa.Column("id", _long(), nullable=False),
        sa.Column("kind", sa.String(length=160), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("erasure", _long(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["erasure"], ["erasures.id"], name=op.f("fk_tombstones_erasure_erasures")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tombstones")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_tombstones_erasure"), "tombstones", ["erasure"], unique=False)
    op.create_index("ix_tombstones_kind_hash", "tombstones", ["kind", "hash"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_tombstones_kind_hash", table_name="tombstones")
    op.drop_index(op.f("ix_tombstones_erasure"), table_name="tombstones")
    op.drop_table("tombstones")
    op.drop_index(op.f("ix_kept_marks_hash"), table_name="kept_marks")
    op.drop_index(op.f("ix_kept_marks_erasure"), table_name="kept_marks")
    op.drop_table("kept_marks")
    op.drop_index(op.f("ix_erasures_state"), table_name="erasures")
    op.drop_index(op.f("ix_erasures_request"), table_name="erasures")
    op.drop_index(op.f("ix_erasures_person"), table_name="erasures")
    op.drop_table("erasures")
    op.drop_table("write_pauses")
    op.drop_index(op.f("ix_map_approvals_sha256"), table_name="map_approvals")
    op.drop_table("map_approvals")
