"""What was agreed to, until when and by whom it was confirmed; addresses that get no mail; signals of browsers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "consent_meanings",
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=120), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_consent_meanings")),
    )
    op.create_table(
        "consent_renewals",
        sa.Column("id", _LONG, nullable=False),
        sa.Column("before", sa.LargeBinary(length=32), nullable=False),
        sa.Column("after", sa.LargeBinary(length=32), nullable=False),
        sa.Column("upto", _LONG, nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_renewals")),
        sqlite_autoincrement=True,
    )
    for column in (
        sa.Column("meaning_sha256", sa.LargeBinary(length=32), nullable=True),
        sa.Column("until", Instant(), nullable=True),
        sa.Column("guardian", sa.LargeBinary(length=16), nullable=True),
        sa.Column("source", sa.String(length=80), nullable=True),
        sa.Column("source_sha256", sa.LargeBinary(length=32), nullable=True),
        sa.Column("source_line", sa.Integer(), nullable=True),
    ):
        op.add_column("consent_events", column)
    op.create_index("ix_consent_events_until", "consent_events", ["until"], unique=False)
    op.create_index("ix_consent_events_meaning_sha256", "consent_events", ["meaning_sha256", "id"], unique=False)
    op.create_table(
        "suppressions",
        sa.Column("id", _LONG, nullable=False),
        sa.Column("address_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("purpose", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("until", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("leaf", _LONG, nullable=False),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_suppressions_leaf_ledger_leaves")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_suppressions_address_hash_purpose", "suppressions", ["address_hash", "purpose"], unique=False)
    op.create_table(
        "privacy_signals",
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.Column("leaf", _LONG, nullable=False),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_privacy_signals_leaf_ledger_leaves")),
        sa.ForeignKeyConstraint(
            ["person"], ["people.number"], name=op.f("fk_privacy_signals_person_people"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_privacy_signals")),
    )
    op.create_table(
        "guardian_links",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=120), nullable=False),
        sa.Column("guardian", sa.LargeBinary(length=16), nullable=False),
        sa.Column("text_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person"], ["people.number"], name=op.f("fk_guardian_links_person_people"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_guardian_links")),
    )
    op.create_index(op.f("ix_guardian_links_person"), "guardian_links", ["person"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_guardian_links_person"), table_name="guardian_links")
    op.drop_table("guardian_links")
    op.drop_table("privacy_signals")
    op.drop_index("ix_suppressions_address_hash_purpose", table_name="suppressions")
    op.drop_table("suppressions")
    op.drop_index("ix_consent_events_meaning_sha256", table_name="consent_events")
    op.drop_index("ix_consent_events_until", table_name="consent_events")
    for name in ("source_line", "source_sha256", "source", "guardian", "until", "meaning_sha256"):
        op.drop_column("consent_events", name)
    op.drop_table("consent_renewals")
    op.drop_table("consent_meanings")
