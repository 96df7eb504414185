"""Attestations. Schema only. Rows are added and withdrawn, never changed or removed; the last that stands counts."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Integer, String, Table, Text

from troth.foundation import tables as foundation_tables
from troth.foundation.ledger.tables import LONG, ledger_leaves
from troth.foundation.store.columns import Instant
from troth.foundation.store.schema import metadata

# `about` is a sentence's id or a topic; `owner` a role or the name of an account (then `staff` is that account).
# `document` is a path below the instance's folder; the file stays there, its hash stands here. `until` is the last day.
attestations = Table(
    "attestations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("about", String(200), nullable=False, index=True),
    Column("statement", Text, nullable=False),
    Column("owner", String(120), nullable=False),
    Column("staff", Integer, ForeignKey(foundation_tables.staff.c.id)),
    Column("document", String(400), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("until", Date, nullable=False),
    Column("at", Instant, nullable=False),
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
    Column("withdrawn_at", Instant),
    Column("withdrawn_leaf", LONG, ForeignKey(ledger_leaves.c.id)),
)
