"""The order of the ledger's leaves, the tree over them, its signed heads, sealed bodies and the keys of people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # Nothing looks for leaves by person, and each entry would write a page of this index for itself.
    op.drop_index(op.f("ix_ledger_leaves_person"), "ledger_leaves")
    op.create_table(
        "ledger_order",
        sa.Column("number", LONG, autoincrement=False, nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.Column("first", LONG, nullable=False),
        sa.Column("last", LONG, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger_order")),
    )
    op.create_index(op.f("ix_ledger_order_last"), "ledger_order", ["last"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        # Ids are given in the order of commits there, so what waits is what stands above the last that has a place.
        op.execute(
            "CREATE VIEW ledger_waiting AS SELECT id AS leaf FROM ledger_leaves"
            " WHERE id > (SELECT coalesce(max(last), 0) FROM ledger_order)"
        )
    else:
        op.create_table(
            "ledger_waiting",
            sa.Column("leaf", LONG, autoincrement=False, nullable=False),
            sa.PrimaryKeyConstraint("leaf", name=op.f("pk_ledger_waiting")),
        )
        # The leaves that stand already get their places from the sequencer like any other.
        op.execute("INSERT INTO ledger_waiting (leaf) SELECT id FROM ledger_leaves")
    op.create_table(
        "ledger_tiles",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", LONG, autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_ledger_tiles")),
    )
    op.create_table(
        "ledger_checkpoints",
        sa.Column("size", LONG, autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_ledger_checkpoints")),
    )
    op.create_table(
        "ledger_state",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("size", LONG, nullable=False),
        sa.Column("token", LONG, nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=True),
        sa.Column("held_until", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_ledger_state")),
    )
    op.create_table(
        "ledger_bodies",
        sa.Column("leaf", LONG, autoincrement=False, nullable=False),
        sa.Column("person", sa.LargeBinary(length=16), nullable=False),
        sa.Column("under", sa.String(length=20), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_ledger_bodies_leaf_ledger_leaves")),
        sa.PrimaryKeyConstraint("leaf", name=op.f("pk_ledger_bodies")),
    )
    op.create_index(op.f("ix_ledger_bodies_person"), "ledger_bodies", ["person"], unique=False)
    op.create_table(
        "person_keys",
        sa.Column("person", sa.LargeBinary(length=16), nullable=False),
        sa.Column("use", sa.String(length=20), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("destroyed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("person", "use", name=op.f("pk_person_keys")),
    )
    op.create_table(
        "ledger_verification",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("size", LONG, nullable=False),
        sa.Column("findings", sa.Integer(), nullable=False),
        sa.Column("first", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_ledger_verification")),
    )
