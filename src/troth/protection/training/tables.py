"""Trainings. Schema only. A row is never changed: who trains again gets another one."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text

from troth.foundation import tables as foundation_tables
from troth.foundation.ledger.tables import LONG, ledger_leaves
from troth.foundation.store.columns import Instant
from troth.foundation.store.schema import metadata

# Who passed which course, when, and until when that holds. `asked` and `right` are empty for what was imported, and
# `file` is the hash of the list it came from.
trainings = Table(
    "trainings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("staff", Integer, ForeignKey(foundation_tables.staff.c.id), nullable=False, index=True),
    Column("course", String(120), nullable=False),
    Column("passed_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("right", Integer),
    Column("asked", Integer),
    Column("file", String(64)),
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
)

# Quizzes begun: what was drawn, in the order shown. What is not answered within its time counts for nothing.
training_quizzes = Table(
    "training_quizzes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("staff", Integer, ForeignKey(foundation_tables.staff.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("begun_at", Instant, nullable=False),
    Column("drawn", Text, nullable=False),
    Column("ended_at", Instant),
    Column("right", Integer),
)
