"""What authorities demanded, a business that is sold, and recipients who are told of a withdrawal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _to(table: str, column: str, other: str, key: str = "id", ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.{key}"], name=name, ondelete=ondelete)


def upgrade() -> None:
    op.create_table(
        "demands",
        sa.Column("id", _LONG, nullable=False),
        sa.Column("authority", sa.String(length=200), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("reference", sa.String(length=300), nullable=False),
        sa.Column("treaty", sa.String(length=300), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("people", sa.LargeBinary(), nullable=False),
        sa.Column("people_count", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("granted", sa.Text(), nullable=True),
        sa.Column("secret_until", sa.Date(), nullable=True),
        sa.Column("filed_at", Instant(), nullable=False),
        sa.Column("told_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demands")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_demands_state"), "demands", ["state"], unique=False)
    op.create_table(
        "demand_steps",
        sa.Column("id", _LONG, nullable=False),
        sa.Column("demand", _LONG, nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("leaf", _LONG, nullable=False),
        _to("demand_steps", "demand", "demands"),
        _to("demand_steps", "staff", "staff"),
        _to("demand_steps", "leaf", "ledger_leaves"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demand_steps")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_demand_steps_demand"), "demand_steps", ["demand"], unique=False)
    op.create_table(
        "transfers",
        sa.Column("id", _LONG, nullable=False),
        sa.Column("buyer", sa.String(length=200), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("policy_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("announced_at", Instant(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("frozen_at", Instant(), nullable=True),
        sa.Column("exported_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("disclosure", _LONG, nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("leaf", _LONG, nullable=False),
        sa.Column("outcome", _LONG, nullable=True),
        _to("transfers", "disclosure", "disclosures"),
        _to("transfers", "leaf", "ledger_leaves"),
        _to("transfers", "outcome", "ledger_leaves"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_transfers_state"), "transfers", ["state"], unique=False)
    op.create_table(
        "transfer_refusals",
        sa.Column("id", _LONG, nullable=False),
        sa.Column("transfer", _LONG, nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("leaf", _LONG, nullable=False),
        _to("transfer_refusals", "transfer", "transfers"),
        _to("transfer_refusals", "person", "people", "number", "CASCADE"),
        _to("transfer_refusals", "leaf", "ledger_leaves"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer_refusals")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_transfer_refusals_transfer"), "transfer_refusals", ["transfer"], unique=False)
    op.create_index("uq_transfer_refusals_transfer_person", "transfer_refusals", ["transfer", "person"], unique=True)
    op.create_table(
        "transfer_imports",
        sa.Column("id", _LONG, nullable=False),
        sa.Column("manifest_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("seller", sa.String(length=200), nullable=False),
        sa.Column("seller_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("leaf", _LONG, nullable=False),
        _to("transfer_imports", "leaf", "ledger_leaves"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer_imports")),
        sa.UniqueConstraint("manifest_sha256", name=op.f("uq_transfer_imports_manifest_sha256")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "withdrawal_notices",
        sa.Column("id", _LONG, nullable=False),
        sa.Column("recipient", sa.String(length=200), nullable=False),
        sa.Column("purpose", sa.String(length=120), nullable=False),
        sa.Column("person", sa.Integer(), nullable=True),
        sa.Column("word", _LONG, nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("queued_at", Instant(), nullable=False),
        sa.Column("told_at", Instant(), nullable=True),
        sa.Column("receipt", sa.LargeBinary(length=32), nullable=True),
        sa.Column("leaf", _LONG, nullable=False),
        sa.Column("outcome", _LONG, nullable=True),
        _to("withdrawal_notices", "person", "people", "number", "SET NULL"),
        _to("withdrawal_notices", "leaf", "ledger_leaves"),
        _to("withdrawal_notices", "outcome", "ledger_leaves"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawal_notices")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_withdrawal_notices_person"), "withdrawal_notices", ["person"], unique=False)
    op.create_index(op.f("ix_withdrawal_notices_state"), "withdrawal_notices", ["state"], unique=False)


def downgrade() -> None:
    for table in (
        "withdrawal_notices",
        "transfer_imports",
        "transfer_refusals",
        "transfers",
        "demand_steps",
        "demands",
    ):
        op.drop_table(table)
