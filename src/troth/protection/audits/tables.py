"""Scans and what they found. Schema only. Outputs are kept as they came; a hole has one row for each tool."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from troth.foundation.ledger.tables import LONG, ledger_leaves
from troth.foundation.store.columns import Instant, OneOf
from troth.foundation.store.schema import metadata
from troth.protection.audits.formats import Format, Severity

# One output of one tool. `output` is what it wrote, compressed; `sha256` that of what it wrote.
audit_scans = Table(
    "audit_scans",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("tool", String(80), nullable=False, index=True),
    Column("format", OneOf(Format), nullable=False),
    Column("scanned_at", Instant, nullable=False),
    Column("taken_at", Instant, nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("output", LargeBinary, nullable=False),
    Column("found", Integer, nullable=False),
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
)

# One hole that a tool reports, by its key; `aliases` are its other names, as JSON. `closed_at` is the scan that no
# longer had it; `accepted` says in the tool's words why it is none here (VEX, suppression).
audit_findings = Table(
    "audit_findings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("tool", String(80), nullable=False),
    Column("key", String(64), nullable=False),
    Column("name", String(200), nullable=False),
    Column("aliases", Text, nullable=False),
    Column("place", String(400), nullable=False),
    Column("severity", OneOf(Severity), nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("accepted", String(400)),
    UniqueConstraint("tool", "key"),
)
