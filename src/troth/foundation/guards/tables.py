"""Approvals of data maps, and pauses. Schema only. Rows are added and never changed; the last one counts."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Table

from troth.foundation import tables as foundation_tables
from troth.foundation.ledger.tables import LONG, ledger_leaves
from troth.foundation.roles import Role
from troth.foundation.store.columns import Instant, OneOf
from troth.foundation.store.schema import metadata

# Which data map may be acted on: the hash of its file's bytes, and who of staff, in which role, answers for it.
map_approvals = Table(
    "map_approvals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", String(64), nullable=False, index=True),
    Column("staff", Integer, ForeignKey(foundation_tables.staff.c.id), nullable=False),
    Column("role", OneOf(Role), nullable=False),
    Column("at", Instant, nullable=False),
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
)

# Every time that writing into the company's stores was stopped or let go on. `staff` is empty where an operator did it.
write_pauses = Table(
    "write_pauses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("paused", Boolean, nullable=False),
    Column("staff", Integer, ForeignKey(foundation_tables.staff.c.id)),
    Column("at", Instant, nullable=False),
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
)
