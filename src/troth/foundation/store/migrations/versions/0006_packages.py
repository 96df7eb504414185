"""Copies that people get, and what staff decided about other people in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "packages",
        sa.Column("id", _LONG, nullable=False),
        sa.Column("request", _LONG, nullable=False),
        sa.Column("person", sa.Integer(), nullable=True),
        sa.Column("file", sa.String(length=43), nullable=True),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("redactions", sa.BigInteger(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("gone", sa.String(length=40), nullable=True),
        sa.Column("gone_at", Instant(), nullable=True),
        sa.Column("downloads", sa.Integer(), nullable=False),
        sa.Column("downloaded_at", Instant(), nullable=True),
        sa.Column("leaf", _LONG, nullable=False),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_packages_leaf_ledger_leaves")),
        sa.ForeignKeyConstraint(
            ["person"], ["people.number"], name=op.f("fk_packages_person_people"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_packages_request_requests")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_packages")),
        sa.UniqueConstraint("file", name=op.f("uq_packages_file")),
        sa.UniqueConstraint("request", name=op.f("uq_packages_request")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_packages_gone_ends_at", "packages", ["gone", "ends_at"], unique=False)
    op.create_index(op.f("ix_packages_person"), "packages", ["person"], unique=False)
    op.create_table(
        "release_decisions",
        sa.Column("request", _LONG, nullable=False),
        sa.Column("question", sa.LargeBinary(length=16), nullable=False),
        sa.Column("release", sa.String(length=40), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("leaf", _LONG, nullable=False),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_release_decisions_leaf_ledger_leaves")),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_release_decisions_request_requests")),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name=op.f("fk_release_decisions_staff_staff")),
        sa.PrimaryKeyConstraint("request", "question", name=op.f("pk_release_decisions")),
    )


def downgrade() -> None:
    op.drop_table("release_decisions")
    op.drop_index(op.f("ix_packages_person"), table_name="packages")
    op.drop_index("ix_packages_gone_ends_at", table_name="packages")
    op.drop_table("packages")
