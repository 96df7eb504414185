"""What the keeping of data leaves in troth's own store: holds, runs that ended data on time, who ended. Schema only."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from troth.foundation import tables as foundation_tables
from troth.foundation.ledger.tables import LONG, ledger_leaves
from troth.foundation.store.columns import Instant, OneOf
from troth.foundation.store.schema import metadata
from troth.protection.words import HoldScope, Occasion, RunState

# Orders to keep data past their time. `place` is a table (`shop.orders`) or a category; `sealed` says whom or which
# row, and why, in words, and is wiped when the hold is lifted. Rows are never deleted.
holds = Table(
    "holds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("scope", OneOf(HoldScope), nullable=False),
    Column("place", String(300)),
    Column("person", Integer, ForeignKey(foundation_tables.people.c.number, ondelete="SET NULL"), index=True),
    Column("sealed", LargeBinary),
    Column("statute", String(120)),
    Column("owner", Integer, ForeignKey(foundation_tables.staff.c.id)),
    Column("review", Date, nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
    Column("lifted_at", Instant),
    Column("lifted_by", Integer, ForeignKey(foundation_tables.staff.c.id)),
    Column("lift_leaf", LONG, ForeignKey(ledger_leaves.c.id)),
    Index("ix_holds_lifted_at", "lifted_at"),
    sqlite_autoincrement=True,
)

# Runs that ended what was past its time. `name` stands in every `troth_step` of it. `rules_sha256` is the hash of the
# rules that were carried out, which the published table has, too. `plan` and `counts` are JSON of places and numbers;
# `due_at`: by when the next run was promised.
retention_runs = Table(
    "retention_runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(60), nullable=False, unique=True),
    Column("state", OneOf(RunState), nullable=False, index=True),
    Column("occasion", OneOf(Occasion), nullable=False),
    Column("staff", Integer, ForeignKey(foundation_tables.staff.c.id)),
    Column("rules_sha256", String(64), nullable=False),
    Column("map_sha256", String(64), nullable=False),
    Column("plan_sha256", String(64), nullable=False),
    Column("plan", Text, nullable=False),
    Column("counts", Text),
    Column("left", Text),
    Column("longest_ms", Integer),
    Column("asked_at", Instant, nullable=False),
    Column("begun_at", Instant),
    Column("ended_at", Instant),
    Column("due_at", Instant),
    Column("intent", LONG, ForeignKey(ledger_leaves.c.id)),
    Column("outcome", LONG, ForeignKey(ledger_leaves.c.id)),
    sqlite_autoincrement=True,
)

# Who ended by their period: keyed hashes of keys and identifiers, as those of erasures, so that no restore brings them
# back unseen. `person` tells them apart within a run. `at` is empty until their transaction is known to be committed.
departed = Table(
    "departed",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("run", String(60), nullable=False),
    Column("step", String(80), nullable=False),
    Column("person", Integer, nullable=False),
    Column("kind", String(160), nullable=False),
    Column("hash", LargeBinary(16), nullable=False),
    Column("at", Instant),
    Index("ix_departed_run_step", "run", "step"),
    sqlite_autoincrement=True,
)
