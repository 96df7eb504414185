"""The table of published versions: the exact bytes of each, and what was told of it. Schema only; rows never change."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Integer, LargeBinary, String, Table, Text

from troth.foundation.store.columns import Instant
from troth.foundation.store.schema import metadata

# `number` counts from 1 without a hole. `changes` is a JSON list of the sentences that say what changed.
policy_versions = Table(
    "policy_versions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("file", String(200), nullable=False),
    Column("bytes", LargeBinary, nullable=False),
    Column("sha256", String(64), nullable=False, index=True),
    Column("published_at", Instant, nullable=False),
    Column("effective", Date, nullable=False),
    Column("updated", Date),
    Column("material", Boolean, nullable=False),
    Column("changes", Text, nullable=False),
)
