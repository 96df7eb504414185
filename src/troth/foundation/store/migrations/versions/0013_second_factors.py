"""Second factors of staff, which challenges were answered, and comparisons with the list of who works here."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _owner(table: str) -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    return (
        sa.Column("staff", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name=op.f(f"fk_{table}_staff_staff"), ondelete="CASCADE"),
    )


def upgrade() -> None:
    op.add_column("staff_sessions", sa.Column("how", sa.String(length=10), nullable=True))
    op.add_column("staff_sessions", sa.Column("owes", sa.Boolean(), nullable=True))
    op.add_column("staff_sessions", sa.Column("fresh_at", Instant(), nullable=True))
    op.create_table(
        "staff_codes",
        *_owner("staff_codes"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("confirmed_at", Instant(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("staff", name=op.f("pk_staff_codes")),
    )
    op.create_table(
        "staff_recovery",
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        *_owner("staff_recovery"),
        sa.Column("used_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_staff_recovery")),
    )
    op.create_index(op.f("ix_staff_recovery_staff"), "staff_recovery", ["staff"], unique=False)
    op.create_table(
        "staff_passkeys",
        sa.Column("id", sa.Integer(), nullable=False),
        *_owner("staff_passkeys"),
        sa.Column("credential", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_passkeys")),
        sa.UniqueConstraint("credential", name=op.f("uq_staff_passkeys_credential")),
    )
    op.create_index(op.f("ix_staff_passkeys_staff"), "staff_passkeys", ["staff"], unique=False)
    op.create_table(
        "staff_providers",
        *_owner("staff_providers"),
        sa.Column("subject", sa.LargeBinary(length=16), nullable=False),
        sa.Column("linked_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("staff", name=op.f("pk_staff_providers")),
        sa.UniqueConstraint("subject", name=op.f("uq_staff_providers_subject")),
    )
    op.create_table(
        "staff_answered",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_staff_answered")),
    )
    op.create_index(op.f("ix_staff_answered_ends_at"), "staff_answered", ["ends_at"], unique=False)
    op.create_table(
        "staff_comparisons",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("accounts", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Text(), nullable=False),
        sa.Column("leaf", _LONG, nullable=False),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_staff_comparisons_leaf_ledger_leaves")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_comparisons")),
    )
    op.create_index(op.f("ix_staff_comparisons_at"), "staff_comparisons", ["at"], unique=False)


def downgrade() -> None:
    for table in (
        "staff_comparisons",
        "staff_answered",
        "staff_providers",
        "staff_passkeys",
        "staff_recovery",
        "staff_codes",
    ):
        op.drop_table(table)
    for column in ("fresh_at", "owes", "how"):
        op.drop_column("staff_sessions", column)
