"""Impact assessments. Schema only. Rows are added and never changed; the last of a purpose counts."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Integer, String, Table

from troth.foundation import tables as foundation_tables
from troth.foundation.ledger.tables import LONG, ledger_leaves
from troth.foundation.store.columns import Instant, OneOf
from troth.foundation.store.schema import metadata
from troth.protection.impacts.words import Residual

# `document` is a path below the instance's folder, `review` the last day on which the assessment holds.
impact_assessments = Table(
    "impact_assessments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("purpose", String(120), nullable=False, index=True),
    Column("document", String(400), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("owner", String(120), nullable=False),
    Column("staff", Integer, ForeignKey(foundation_tables.staff.c.id)),
    Column("residual", OneOf(Residual), nullable=False),
    Column("at", Instant, nullable=False),
    Column("review", Date, nullable=False),
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
)
