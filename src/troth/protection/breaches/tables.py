"""The register of breaches. Schema only. Words about what happened are sealed; acts are added and never changed."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, LargeBinary, String, Table, Text

from troth.foundation import tables as foundation_tables
from troth.foundation.ledger.tables import LONG, ledger_leaves
from troth.foundation.store.columns import Instant, OneOf
from troth.foundation.store.schema import metadata
from troth.policy.law.telling import Risk, Role, Told
from troth.protection.breaches.words import Act

# `number` is B2026-0001. `words` (what happened, consequences, measures) and `persons` (who is concerned, a bitmap of
# their numbers) are sealed. `people` counts those and the strangers; empty until somebody counted.
breaches = Table(
    "breaches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String(20), nullable=False, unique=True),
    Column("noticed_at", Instant, nullable=False),
    Column("began_at", Instant),
    Column("ended_at", Instant),
    Column("role", OneOf(Role), nullable=False),
    Column("kinds", String(80), nullable=False),
    Column("laws", String(200), nullable=False),
    Column("places", Text, nullable=False),
    Column("risk", OneOf(Risk), nullable=False),
    Column("grave", Boolean, nullable=False),
    Column("people", Integer),
    Column("rows", Integer),
    Column("persons", LargeBinary),
    Column("words", LargeBinary, nullable=False),
    Column("closed_at", Instant),
)

breach_acts = Table(
    "breach_acts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("breach", Integer, ForeignKey(breaches.c.id), nullable=False, index=True),
    Column("act", OneOf(Act), nullable=False),
    Column("law", String(40)),
    Column("told", OneOf(Told)),
    Column("at", Instant, nullable=False),
    Column("staff", Integer, ForeignKey(foundation_tables.staff.c.id)),
    Column("words", LargeBinary),
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
)
