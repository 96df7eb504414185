"""The registers: what is attested, what scanners found, who is trained, breaches, impact assessments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from troth.foundation.store.columns import Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "attestations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("about", sa.String(length=200), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=True),
        sa.Column("document", sa.String(length=400), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("leaf", _LONG, nullable=False),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.Column("withdrawn_leaf", _LONG, nullable=True),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_attestations_leaf_ledger_leaves")),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name=op.f("fk_attestations_staff_staff")),
        sa.ForeignKeyConstraint(
            ["withdrawn_leaf"], ["ledger_leaves.id"], name=op.f("fk_attestations_withdrawn_leaf_ledger_leaves")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attestations")),
    )
    op.create_index(op.f("ix_attestations_about"), "attestations", ["about"], unique=False)
    op.create_table(
        "audit_findings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tool", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("aliases", sa.Text(), nullable=False),
        sa.Column("place", sa.String(length=400), nullable=False),
        sa.Column("severity", sa.String(length=40), nullable=False),
        sa.Column("first_seen", Instant(), nullable=False),
        sa.Column("last_seen", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("accepted", sa.String(length=400), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_findings")),
        sa.UniqueConstraint("tool", "key", name=op.f("uq_audit_findings_tool_key")),
    )
    op.create_table(
        "breaches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("noticed_at", Instant(), nullable=False),
        sa.Column("began_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("kinds", sa.String(length=80), nullable=False),
        sa.Column("laws", sa.String(length=200), nullable=False),
        sa.Column("places", sa.Text(), nullable=False),
        sa.Column("risk", sa.String(length=40), nullable=False),
        sa.Column("grave", sa.Boolean(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("persons", sa.LargeBinary(), nullable=True),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breaches")),
        sa.UniqueConstraint("number", name=op.f("uq_breaches_number")),
    )
    op.create_table(
        "audit_scans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tool", sa.String(length=80), nullable=False),
        sa.Column("format", sa.String(length=40), nullable=False),
        sa.Column("scanned_at", Instant(), nullable=False),
        sa.Column("taken_at", Instant(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("output", sa.LargeBinary(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("leaf", _LONG, nullable=False),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_audit_scans_leaf_ledger_leaves")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_scans")),
        sa.UniqueConstraint("sha256", name=op.f("uq_audit_scans_sha256")),
    )
    op.create_index(op.f("ix_audit_scans_tool"), "audit_scans", ["tool"], unique=False)
    op.create_table(
        "breach_acts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("breach", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("law", sa.String(length=40), nullable=True),
        sa.Column("told", sa.String(length=40), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=True),
        sa.Column("words", sa.LargeBinary(), nullable=True),
        sa.Column("leaf", _LONG, nullable=False),
        sa.ForeignKeyConstraint(["breach"], ["breaches.id"], name=op.f("fk_breach_acts_breach_breaches")),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_breach_acts_leaf_ledger_leaves")),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name=op.f("fk_breach_acts_staff_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breach_acts")),
    )
    op.create_index(op.f("ix_breach_acts_breach"), "breach_acts", ["breach"], unique=False)
    op.create_table(
        "impact_assessments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=120), nullable=False),
        sa.Column("document", sa.String(length=400), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=True),
        sa.Column("residual", sa.String(length=40), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("review", sa.Date(), nullable=False),
        sa.Column("leaf", _LONG, nullable=False),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_impact_assessments_leaf_ledger_leaves")),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name=op.f("fk_impact_assessments_staff_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_impact_assessments")),
    )
    op.create_index(op.f("ix_impact_assessments_purpose"), "impact_assessments", ["purpose"], unique=False)
    op.create_table(
        "training_quizzes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=False),
        sa.Column("begun_at", Instant(), nullable=False),
        sa.Column("drawn", sa.Text(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("right", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["staff"], ["staff.id"], name=op.f("fk_training_quizzes_staff_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_quizzes")),
    )
    op.create_index(op.f("ix_training_quizzes_staff"), "training_quizzes", ["staff"], unique=False)
    op.create_table(
        "trainings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=False),
        sa.Column("course", sa.String(length=120), nullable=False),
        sa.Column("passed_at", Instant(), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.Column("right", sa.Integer(), nullable=True),
        sa.Column("asked", sa.Integer(), nullable=True),
        sa.Column("file", sa.String(length=64), nullable=True),
        sa.Column("leaf", _LONG, nullable=False),
        sa.ForeignKeyConstraint(["leaf"], ["ledger_leaves.id"], name=op.f("fk_trainings_leaf_ledger_leaves")),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name=op.f("fk_trainings_staff_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trainings")),
    )
    op.create_index(op.f("ix_trainings_staff"), "trainings", ["staff"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_trainings_staff"), table_name="trainings")
    op.drop_table("trainings")
    op.drop_index(op.f("ix_training_quizzes_staff"), table_name="training_quizzes")
    op.drop_table("training_quizzes")
    op.drop_index(op.f("ix_impact_assessments_purpose"), table_name="impact_assessments")
    op.drop_table("impact_assessments")
    op.drop_index(op.f("ix_breach_acts_breach"), table_name="breach_acts")
    op.drop_table("breach_acts")
    op.drop_index(op.f("ix_audit_scans_tool"), table_name="audit_scans")
    op.drop_table("audit_scans")
    op.drop_table("breaches")
    op.drop_table("audit_findings")
    op.drop_index(op.f("ix_attestations_about"), table_name="attestations")
    op.drop_table("attestations")
