"""What people asked for under their rights, and how it went. Schema only.

What a person said of themselves is sealed, and goes when the request ends; number, right, dates and outcome stay.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from troth.foundation import tables as foundation_tables
from troth.foundation.ledger.tables import LONG, ledger_leaves
from troth.foundation.store.columns import Instant, OneOf
from troth.foundation.store.schema import metadata
from troth.policy.vocabulary import Right
from troth.rights.words import Actor, Channel, ErasureState, Gone, LinkUse, Proof, RefusalGround, Release, State

# One row a request. `person` is empty until we know who asks, and again when their row is gone. `known_by` (how they
# named themselves), `wish` (what they wrote) and `addresses` (on file before the request, by store) are sealed. `once`
# and `body` are keyed hashes of an idempotency key and of what came under it. `due_at` is when it is too late.
requests = Table(
    "requests",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("number", String(20), nullable=False, unique=True),
    Column("right", OneOf(Right), nullable=False),
    Column("state", OneOf(State), nullable=False),
    Column("person", Integer, ForeignKey(foundation_tables.people.c.number, ondelete="SET NULL"), index=True),
    Column("channel", OneOf(Channel), nullable=False),
    Column("app", String(80)),
    Column("received_at", Instant, nullable=False),
    Column("due", Date, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("law", String(40), nullable=False),
    Column("article", String(120), nullable=False),
    Column("proof", OneOf(Proof)),
    Column("confirmed_at", Instant),
    Column("frozen_until", Instant),
    Column("lapses_at", Instant),
    Column("cooling_until", Instant),
    Column("extended_at", Instant),
    Column("purpose", String(120)),
    Column("known_by", LargeBinary),
    Column("wish", LargeBinary),
    Column("addresses", LargeBinary),
    Column("plan_sha256", String(64)),
    Column("released_at", Instant),
    Column("ground", OneOf(RefusalGround)),
    Column("closed_at", Instant),
    Column("once", LargeBinary(16), unique=True),
    Column("body", LargeBinary(16)),
    Index("ix_requests_state_due_at", "state", "due_at"),
    sqlite_autoincrement=True,
)

# Every move of a request, with the entry of the ledger that was written with it. `note` is sealed.
request_moves = Table(
    "request_moves",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("request", LONG, ForeignKey(requests.c.id), nullable=False, index=True),
    Column("before", OneOf(State)),
    Column("state", OneOf(State), nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", OneOf(Actor), nullable=False),
    Column("staff", Integer, ForeignKey(foundation_tables.staff.c.id)),
    Column("word", String(40), nullable=False),
    Column("note", LargeBinary),
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
    sqlite_autoincrement=True,
)

# Links that were mailed to an address on file: each works once. Only the hash of a token is kept.
request_links = Table(
    "request_links",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("request", LONG, ForeignKey(requests.c.id), nullable=False, index=True),
    Column("use", OneOf(LinkUse), nullable=False),
    Column("shown", LargeBinary),
    Column("made_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("used_at", Instant),
)

# Times in which an answer that is needed from the person was awaited; some laws stop their clock for it.
request_pauses = Table(
    "request_pauses",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("request", LONG, ForeignKey(requests.c.id), nullable=False, index=True),
    Column("begun_at", Instant, nullable=False),
    Column("ended_at", Instant),
    sqlite_autoincrement=True,
)

# Who of staff approved a request: each once.
request_approvals = Table(
    "request_approvals",
    metadata,
    Column("request", LONG, ForeignKey(requests.c.id), primary_key=True),
    Column("staff", Integer, ForeignKey(foundation_tables.staff.c.id), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("plan_sha256", String(64)),
)

# --- erasures and what is remembered of who is gone ---

# One row an erasure. `name` stands in every `troth_step` of it: the number of the request, or of a repeat after a
# restore. `work` (who they are in each store, and their needles) is sealed, and goes when the erasure is proven.
# `plan`, `counts`, `residue`, `weak` and `held` (what legal holds keep of it) are JSON of places and numbers.
erasures = Table(
    "erasures",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("name", String(60), nullable=False, unique=True),
    Column("request", LONG, ForeignKey(requests.c.id), index=True),
    Column("person", Integer, ForeignKey(foundation_tables.people.c.number), index=True),
    Column("state", OneOf(ErasureState), nullable=False, index=True),
    Column("map_sha256", String(64), nullable=False),
    Column("plan_sha256", String(64), nullable=False),
    Column("plan", Text, nullable=False),
    Column("work", LargeBinary),
    Column("rounds", Integer, nullable=False),
    Column("counts", Text),
    Column("residue", Text),
    Column("weak", Text),
    Column("held", Text),
    Column("held_at", Instant),
    Column("begun_at", Instant, nullable=False),
    Column("erased_at", Instant),
    Column("swept_at", Instant),
    Column("proven_at", Instant),
    Column("intent", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
    Column("outcome", LONG, ForeignKey(ledger_leaves.c.id)),
    Column("proof", LONG, ForeignKey(ledger_leaves.c.id)),
    sqlite_autoincrement=True,
)

# Values of people who are gone that a law keeps: a keyed hash, the column, in how many rows. A later sweep for somebody
# with the same value does not take them for residue.
kept_marks = Table(
    "kept_marks",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("hash", LargeBinary(16), nullable=False, index=True),
    Column("erasure", LONG, ForeignKey(erasures.c.id), nullable=False, index=True),
    Column("store", String(120), nullable=False),
    Column("table", String(200), nullable=False),
    Column("column", String(200), nullable=False),
    Column("rows", Integer, nullable=False),
    sqlite_autoincrement=True,
)

# Who is gone: keyed hashes of keys and identifiers, each apart for its `kind` (`key shop.customer`,
# `identifier shop.customer email`, `person email`). `at`: what was there before is theirs, what came after is not.
tombstones = Table(
    "tombstones",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("kind", String(160), nullable=False),
    Column("hash", LargeBinary(16), nullable=False),
    Column("erasure", LONG, ForeignKey(erasures.c.id), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Index("ix_tombstones_kind_hash", "kind", "hash"),
    sqlite_autoincrement=True,
)

# --- packages ---

# The copies that people got, one row a request. `file` is a random name in the folder of packages; `key` opens it and
# is closed itself with the person's content key. A copy that is gone has neither. Rows tell that it was, and how often
# it was fetched.
packages = Table(
    "packages",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("request", LONG, ForeignKey(requests.c.id), nullable=False, unique=True),
    Column("person", Integer, ForeignKey(foundation_tables.people.c.number, ondelete="SET NULL"), index=True),
    Column("file", String(43), unique=True),
    Column("key", LargeBinary),
    Column("size", BigInteger, nullable=False),
    Column("sha256", LargeBinary(32)),
    Column("rows", BigInteger, nullable=False),
    Column("redactions", BigInteger, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("gone", OneOf(Gone)),
    Column("gone_at", Instant),
    Column("downloads", Integer, nullable=False),
    Column("downloaded_at", Instant),
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
    Index("ix_packages_gone_ends_at", "gone", "ends_at"),
    sqlite_autoincrement=True,
)

# What staff decided about a value that also speaks of somebody else. `question` is a keyed hash of the row and the
# column: a value that has changed since is a new question.
release_decisions = Table(
    "release_decisions",
    metadata,
    Column("request", LONG, ForeignKey(requests.c.id), primary_key=True),
    Column("question", LargeBinary(16), primary_key=True),
    Column("release", OneOf(Release), nullable=False),
    Column("staff", Integer, ForeignKey(foundation_tables.staff.c.id)),
    Column("at", Instant, nullable=False),
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
)
