"""The tables of the ledger: leaves, their order, the tree over them, its signed heads, sealed bodies. Schema only."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, String, Table, Text

from troth.foundation.ledger.words import KeyUse
from troth.foundation.store.columns import Instant, OneOf
from troth.foundation.store.schema import VIEW_ON, metadata

LONG = BigInteger().with_variant(Integer, "sqlite")
"""A number that grows by itself: SQLite grows only what is called INTEGER, and keeps 64 bits in it anyway."""

# Rows are added and never changed or removed. A leaf has no place in the tree until the sequencer gives it one.
ledger_leaves = Table(
    "ledger_leaves",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("kind", String(60), nullable=False),
    Column("at", Instant, nullable=False),
    Column("person", LargeBinary(16)),
    Column("content", LargeBinary, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    sqlite_autoincrement=True,
)

# The leaves that have no place yet. Presence here, not a highest number, says what is to be done: on PostgreSQL a
# smaller id may be committed after a larger one, so there it is a table, written with the leaf and emptied by the
# sequencer. SQLite has one writer at a time, gives ids in the order of commits and none twice; there it is a view of
# what stands above the last leaf that has a place, and a single entry costs no page more.
ledger_waiting = Table(
    "ledger_waiting",
    metadata,
    Column("leaf", LONG, primary_key=True, autoincrement=False),
    info={VIEW_ON: "sqlite"},
)

# Which leaf stands where: row `number` holds the ids (8 bytes each, big-endian) of the leaves at the places
# 256 x number and on. `first` and `last` are the smallest and the largest id in it, to find a leaf by.
ledger_order = Table(
    "ledger_order",
    metadata,
    Column("number", LONG, primary_key=True, autoincrement=False),
    Column("leaves", LargeBinary, nullable=False),
    Column("first", LONG, nullable=False),
    Column("last", LONG, nullable=False, index=True),
)

# The tree, as tiles of up to 256 hashes (C2SP tlog-tiles): level 0 holds the hashes of leaves, each level above the
# hashes of the full tiles below.
ledger_tiles = Table(
    "ledger_tiles",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", LONG, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)

# Every signed tree head, by the size of the tree. `note` is the text that others keep (C2SP tlog-checkpoint).
ledger_checkpoints = Table(
    "ledger_checkpoints",
    metadata,
    Column("size", LONG, primary_key=True, autoincrement=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("note", Text, nullable=False),
)

# The heads with which another key took over (`lineage`); the last entry under each says from which and to which.
ledger_handovers = Table(
    "ledger_handovers",
    metadata,
    Column("size", LONG, primary_key=True, autoincrement=False),
)

# One row: what this ledger is called, the keys that have signed its heads (newest last, one a line), how far the tree
# goes, and who is sequencing. `token` grows by one with each who takes over.
ledger_state = Table(
    "ledger_state",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("origin", String(200), nullable=False),
    Column("keys", Text, nullable=False),
    Column("size", LONG, nullable=False),
    Column("token", LONG, nullable=False),
    Column("holder", String(40)),
    Column("held_until", Instant),
)

# What may be read only with a key of the person it is about. `person` is the pseudonym of the leaf.
ledger_bodies = Table(
    "ledger_bodies",
    metadata,
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), primary_key=True, autoincrement=False),
    Column("person", LargeBinary(16), nullable=False, index=True),
    Column("under", OneOf(KeyUse, 20), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

# The keys of people, each closed with the sealing key. A destroyed one leaves its row, so that it is never made again.
# `key_id` is what values in the company's tables call it by; it stays too, and tells what is gone from what is wrong.
person_keys = Table(
    "person_keys",
    metadata,
    Column("person", LargeBinary(16), primary_key=True),
    Column("use", OneOf(KeyUse, 20), primary_key=True),
    Column("wrapped", LargeBinary),
    Column("made_at", Instant, nullable=False),
    Column("destroyed_at", Instant),
    Column("key_id", LargeBinary(8), index=True),
)

# One row: when the whole ledger was last verified, how far it went, and what was wrong first.
ledger_verification = Table(
    "ledger_verification",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("size", LONG, nullable=False),
    Column("findings", Integer, nullable=False),
    Column("first", String(300)),
)
