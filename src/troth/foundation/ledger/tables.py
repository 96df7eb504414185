"""The leaves of the ledger. Schema only."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table

from troth.foundation.store.columns import Instant
from troth.foundation.store.schema import metadata

LONG = BigInteger().with_variant(Integer, "sqlite")
"""A number that grows by itself: SQLite grows only what is called INTEGER, and keeps 64 bits in it anyway."""

# Rows are added and never changed or removed. A leaf has no place in the tree until the sequencer gives it one.
ledger_leaves = Table(
    "ledger_leaves",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("kind", String(60), nullable=False),
    Column("at", Instant, nullable=False),
    Column("person", LargeBinary(16), index=True),
    Column("content", LargeBinary, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    sqlite_autoincrement=True,
)
