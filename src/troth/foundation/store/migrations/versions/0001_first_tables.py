"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "app_tokens",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_app_tokens")),
        sa.UniqueConstraint("name", name=op.f("uq_app_tokens_name")),
    )
    op.create_table(
        "check_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("checked_at", Instant(), nullable=False),
        sa.Column("policy_sha256", sa.String(length=64), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("broken", sa.Integer(), nullable=False),
        sa.Column("unproven", sa.Integer(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_runs")),
    )
    op.create_index(op.f("ix_check_runs_checked_at"), "check_runs", ["checked_at"], unique=False)
    op.create_table(
        "consent_texts",
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_consent_texts")),
    )
    op.create_table(
        "ledger_leaves",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("person", sa.LargeBinary(length=16), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_leaves")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_ledger_leaves_person"), "ledger_leaves", ["person"], unique=False)
    op.create_table(
        "login_failures",
        sa.Column("who", sa.LargeBinary(length=16), nullable=False),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.Column("closed_until", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("who", name=op.f("pk_login_failures")),
    )
    op.create_table(
        "number_series",
        sa.Column("series", sa.String(length=60), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("series", name=op.f("pk_number_series")),
    )
    op.create_table(
        "people",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_people")),
        sa.UniqueConstraint("key", name=op.f("uq_people_key")),
    )
    op.create_table(
        "policy_versions",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("file", sa.String(length=200), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("published_at", Instant(), nullable=False),
        sa.Column("effective", sa.Date(), nullable=False),
        sa.Column("updated", sa.Date(), nullable=True),
        sa.Column("material", sa.Boolean(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_policy_versions")),
    )
    op.create_index(op.f("ix_policy_versions_sha256"), "policy_versions", ["sha256"], unique=False)
    op.create_table(
        "schedules",
        sa.Column("job", sa.String(length=80), nullable=False),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("outcome", sa.String(length=200), nullable=True),
        sa.Column("holder", sa.String(length=40), nullable=True),
        sa.Column("held_until", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_schedules")),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("disabled_at", Instant(), nullable=True),
        sa.Column("cleared_until", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("name", name=op.f("uq_staff_name")),
    )
    op.create_table(
        "store_key",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("proof", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_store_key")),
    )
    op.create_table(
        "verdict_turns",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("clause_id", sa.String(length=200), nullable=False),
        sa.Column("was", sa.String(length=40), nullable=True),
        sa.Column("verdict", sa.String(length=40), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict_turns")),
    )
    op.create_index(op.f("ix_verdict_turns_number"), "verdict_turns", ["number"], unique=False)
    op.create_table(
        "centre_links",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("via", sa.String(length=40), nullable=False),
        sa.Column("shown", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person"], ["people.number"], name=op.f("fk_centre_links_person_people"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_centre_links")),
    )
    op.create_index(op.f("ix_centre_links_person"), "centre_links", ["person"], unique=False)
    op.create_table(
        "centre_sessions",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("shown", sa.LargeBinary(), nullable=True),
        sa.Column("begun_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person"], ["people.number"], name=op.f("fk_centre_sessions_person_people"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_centre_sessions")),
    )
    op.create_index(op.f("ix_centre_sessions_person"), "centre_sessions", ["person"], unique=False)
    op.create_table(
        "consent_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=120), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("text_sha256", sa.LargeBinary(length=32), nullable=True),
        sa.Column("clause", sa.String(length=200), nullable=True),
        sa.Column("number", sa.String(length=40), nullable=True),
        sa.Column("policy_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("policy_updated", sa.Date(), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.Column("leaf", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_consent_events_leaf_ledger_leaves")),
        sa.ForeignKeyConstraint(["person"], ["people.number"], name=op.f("fk_consent_events_person_people")),
        sa.ForeignKeyConstraint(
            ["text_sha256"], ["consent_texts.sha256"], name=op.f("fk_consent_events_text_sha256_consent_texts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_consent_events_person_purpose", "consent_events", ["person", "purpose", "at", "id"], unique=False
    )
    op.create_table(
        "identifiers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("strong", sa.Boolean(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("until", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person"], ["people.number"], name=op.f("fk_identifiers_person_people"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identifiers")),
    )
    op.create_index("ix_identifiers_kind_hash", "identifiers", ["kind", "hash"], unique=False)
    op.create_index(op.f("ix_identifiers_person"), "identifiers", ["person"], unique=False)
    op.create_index(
        "uq_identifiers_strong",
        "identifiers",
        ["kind", "hash"],
        unique=True,
        sqlite_where=sa.text("strong AND until IS NULL"),
        postgresql_where=sa.text("strong AND until IS NULL"),
    )
    op.create_table(
        "objections",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=120), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.Column("policy_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("leaf", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_objections_leaf_ledger_leaves")),
        sa.ForeignKeyConstraint(["person"], ["people.number"], name=op.f("fk_objections_person_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objections")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_objections_person_purpose", "objections", ["person", "purpose", "at", "id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("once", sa.String(length=120), nullable=True),
        sa.Column("person", sa.Integer(), nullable=True),
        sa.Column("address_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("message_id", sa.String(length=120), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("queued_at", Instant(), nullable=False),
        sa.Column("next_at", Instant(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reply", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person"], ["people.number"], name=op.f("fk_outbox_person_people"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("once", name=op.f("uq_outbox_once")),
    )
    op.create_index("ix_outbox_address_hash_queued_at", "outbox", ["address_hash", "queued_at"], unique=False)
    op.create_index(op.f("ix_outbox_person"), "outbox", ["person"], unique=False)
    op.create_index("ix_outbox_state_next_at", "outbox", ["state", "next_at"], unique=False)
    op.create_table(
        "restrictions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("ground", sa.String(length=40), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.Column("leaf", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_restrictions_leaf_ledger_leaves")),
        sa.ForeignKeyConstraint(["person"], ["people.number"], name=op.f("fk_restrictions_person_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restrictions")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_restrictions_person_ground", "restrictions", ["person", "ground", "at", "id"], unique=False)
    op.create_table(
        "staff_links",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name=op.f("fk_staff_links_staff_staff"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_staff_links")),
    )
    op.create_index(op.f("ix_staff_links_staff"), "staff_links", ["staff"], unique=False)
    op.create_table(
        "staff_sessions",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=False),
        sa.Column("begun_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff"], ["staff.id"], name=op.f("fk_staff_sessions_staff_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_staff_sessions")),
    )
    op.create_index(op.f("ix_staff_sessions_staff"), "staff_sessions", ["staff"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_staff_sessions_staff"), table_name="staff_sessions")
    op.drop_table("staff_sessions")
    op.drop_index(op.f("ix_staff_links_staff"), table_name="staff_links")
    op.drop_table("staff_links")
    op.drop_index("ix_restrictions_person_ground", table_name="restrictions")
    op.drop_table("restrictions")
    op.drop_index("ix_outbox_state_next_at", table_name="outbox")
    op.drop_index(op.f("ix_outbox_person"), table_name="outbox")
    op.drop_index("ix_outbox_address_hash_queued_at", table_name="outbox")
    op.drop_table("outbox")
    op.drop_index("ix_objections_person_purpose", table_name="objections")
    op.drop_table("objections")
    op.drop_index(
        "uq_identifiers_strong",
        table_name="identifiers",
        sqlite_where=sa.text("strong AND until IS NULL"),
        postgresql_where=sa.text("strong AND until IS NULL"),
    )
    op.drop_index(op.f("ix_identifiers_person"), table_name="identifiers")
    op.drop_index("ix_identifiers_kind_hash", table_name="identifiers")
    op.drop_table("identifiers")
    op.drop_index("ix_consent_events_person_purpose", table_name="consent_events")
    op.drop_table("consent_events")
    op.drop_index(op.f("ix_centre_sessions_person"), table_name="centre_sessions")
    op.drop_table("centre_sessions")
    op.drop_index(op.f("ix_centre_links_person"), table_name="centre_links")
    op.drop_table("centre_links")
    op.drop_index(op.f("ix_verdict_turns_number"), table_name="verdict_turns")
    op.drop_table("verdict_turns")
    op.drop_table("store_key")
    op.drop_table("staff")
    op.drop_table("schedules")
    op.drop_index(op.f("ix_policy_versions_sha256"), table_name="policy_versions")
    op.drop_table("policy_versions")
    op.drop_table("people")
    op.drop_table("number_series")
    op.drop_table("login_failures")
    op.drop_index(op.f("ix_ledger_leaves_person"), table_name="ledger_leaves")
    op.drop_table("ledger_leaves")
    op.drop_table("consent_texts")
    op.drop_index(op.f("ix_check_runs_checked_at"), table_name="check_runs")
    op.drop_table("check_runs")
    op.drop_table("app_tokens")
