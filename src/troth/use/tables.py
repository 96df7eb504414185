"""What people said about the use of their data. Schema only.

INVARIANT: rows are added and never changed or removed; the later word counts (`at`, then `id`). `at` is when the
person said it, `recorded_at` when troth wrote it down. `leaf` is the entry of the ledger that was written with it.
"""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from troth.foundation import tables as foundation_tables
from troth.foundation.ledger.tables import LONG, ledger_leaves
from troth.foundation.store.columns import Instant, OneOf
from troth.foundation.store.schema import metadata
from troth.use.words import (
    Closing,
    Consent,
    Ground,
    MessageClass,
    Notice,
    Objection,
    Restriction,
    RunState,
    Suppression,
    Via,
)

EVERY_PURPOSE = "*"
"""In `objections.purpose`: whatever one may object to."""


def _person() -> Column[int]:
    return Column("person", Integer, ForeignKey(foundation_tables.people.c.number), nullable=False)


def _leaf() -> Column[int]:
    return Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False)


# The exact words that people agreed to, each version once.
consent_texts = Table(
    "consent_texts",
    metadata,
    Column("sha256", LargeBinary(32), primary_key=True),
    Column("text", Text, nullable=False),
)

# What each purpose meant to those who agreed, and to which words: canonical JSON, each version once.
consent_meanings = Table(
    "consent_meanings",
    metadata,
    Column("sha256", LargeBinary(32), primary_key=True),
    Column("purpose", String(120), nullable=False),
    Column("meaning", Text, nullable=False),
)

# Each time that people were asked anew: who agreed to `before` in a word up to number `upto` was asked about `after`.
consent_renewals = Table(
    "consent_renewals",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("before", LargeBinary(32), nullable=False),
    Column("after", LargeBinary(32), nullable=False),
    Column("upto", LONG, nullable=False),
    Column("people", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_autoincrement=True,
)

consent_events = Table(
    "consent_events",
    metadata,
    Column("id", LONG, primary_key=True),
    _person(),
    Column("purpose", String(120), nullable=False),
    Column("event", OneOf(Consent), nullable=False),
    Column("at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    # Empty where the purpose is no longer in the policy: one can still withdraw.
    Column("text_sha256", LargeBinary(32), ForeignKey(consent_texts.c.sha256)),
    Column("clause", String(200)),
    Column("number", String(40)),
    # The policy in force: the hash of its file, and the day of its last change as printed.
    Column("policy_sha256", LargeBinary(32), nullable=False),
    Column("policy_updated", Date),
    Column("language", String(35), nullable=False),
    Column("method", String(40), nullable=False),
    _leaf(),
    # What was agreed to beside the words: data, recipients, ground. Empty for what was recorded before it was kept.
    Column("meaning_sha256", LargeBinary(32)),
    # The instant from which a consent counts as not given; empty for one that lasts until it is withdrawn.
    Column("until", Instant),
    # The keyed hash of the address from which a guardian confirmed; the address itself is not kept.
    Column("guardian", LargeBinary(16)),
    # Where an imported word comes from: its source's name, the hash of the file, and the line.
    Column("source", String(80)),
    Column("source_sha256", LargeBinary(32)),
    Column("source_line", Integer),
    Index("ix_consent_events_person_purpose", "person", "purpose", "at", "id"),
    Index("ix_consent_events_until", "until"),
    Index("ix_consent_events_meaning_sha256", "meaning_sha256", "id"),
    sqlite_autoincrement=True,
)

# Addresses that get no mail for a purpose, whoever they belong to: by keyed hash, so that a wish outlives the account.
# `until` ends it by itself (what a probe has written); `ended_at` is when the holder of the address took it back.
suppressions = Table(
    "suppressions",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("address_hash", LargeBinary(16), nullable=False),
    Column("purpose", String(120), nullable=False),
    Column("reason", OneOf(Suppression), nullable=False),
    Column("source", String(80)),
    Column("at", Instant, nullable=False),
    Column("until", Instant),
    Column("ended_at", Instant),
    _leaf(),
    Index("ix_suppressions_address_hash_purpose", "address_hash", "purpose"),
    sqlite_autoincrement=True,
)

# Whose browser has asked not to sell or share (Sec-GPC), while they were signed in: first and last time.
privacy_signals = Table(
    "privacy_signals",
    metadata,
    Column("person", Integer, ForeignKey(foundation_tables.people.c.number, ondelete="CASCADE"), primary_key=True),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    _leaf(),
)

# What a guardian has been asked by mail, for a child. Only the hash of the link's token is kept.
guardian_links = Table(
    "guardian_links",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column(
        "person", Integer, ForeignKey(foundation_tables.people.c.number, ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("purpose", String(120), nullable=False),
    Column("guardian", LargeBinary(16), nullable=False),
    Column("text_sha256", LargeBinary(32), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("used_at", Instant),
)

objections = Table(
    "objections",
    metadata,
    Column("id", LONG, primary_key=True),
    _person(),
    Column("purpose", String(120), nullable=False),
    Column("event", OneOf(Objection), nullable=False),
    Column("at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("method", String(40), nullable=False),
    Column("policy_sha256", LargeBinary(32), nullable=False),
    _leaf(),
    Index("ix_objections_person_purpose", "person", "purpose", "at", "id"),
    sqlite_autoincrement=True,
)

restrictions = Table(
    "restrictions",
    metadata,
    Column("id", LONG, primary_key=True),
    _person(),
    Column("ground", OneOf(Ground), nullable=False),
    Column("event", OneOf(Restriction), nullable=False),
    Column("at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("method", String(40), nullable=False),
    _leaf(),
    Index("ix_restrictions_person_ground", "person", "ground", "at", "id"),
    sqlite_autoincrement=True,
)

# Each time that a program of the company used data: under which purpose and grounds, which kinds of data (canonical
# JSON), how many rows, of how many people. Who named what is not declared is here, too, as refused. `app`: whose it is
# where it is told over HTTP; `repeat`: the keyed hash of what that app called it, so that its repeats are one.
use_runs = Table(
    "use_runs",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("program", String(80), nullable=False),
    Column("purpose", String(120), nullable=False),
    Column("grounds", Text, nullable=False),
    Column("categories", Text, nullable=False),
    Column("state", OneOf(RunState), nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("rows", LONG),
    Column("people", LONG),
    Column("policy_sha256", LargeBinary(32), nullable=False),
    Column("app", String(80)),
    Column("repeat", LargeBinary(16)),
    _leaf(),
    Index("ix_use_runs_purpose_begun_at", "purpose", "begun_at"),
    Index("ix_use_runs_repeat", "repeat"),
    sqlite_autoincrement=True,
)

# Each message sent, for a company that keeps no log of its own. `order_hash` is a keyed hash of its order.
messages_sent = Table(
    "messages_sent",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("person", Integer, ForeignKey(foundation_tables.people.c.number, ondelete="CASCADE"), nullable=False),
    Column("template", String(120), nullable=False),
    Column("kind", OneOf(MessageClass), nullable=False),
    Column("order_hash", LargeBinary(16)),
    Column("at", Instant, nullable=False),
    _leaf(),
    Index("ix_messages_sent_person", "person"),
    Index("ix_messages_sent_at", "at"),
    sqlite_autoincrement=True,
)

# Each time that the pseudonymised views of a purpose were made or brought up to date, and for how many people.
view_rounds = Table(
    "view_rounds",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("store", String(120), nullable=False),
    Column("purpose", String(120), nullable=False),
    Column("at", Instant, nullable=False),
    Column("people", Integer, nullable=False),
    Column("plan_sha256", LargeBinary(32), nullable=False),
    _leaf(),
    Index("ix_view_rounds_purpose_at", "purpose", "at"),
    sqlite_autoincrement=True,
)

# Whose account was closed, and from when on their contract carries no use any more (`until`, by the policy's period).
closings = Table(
    "closings",
    metadata,
    Column("id", LONG, primary_key=True),
    _person(),
    Column("event", OneOf(Closing), nullable=False),
    Column("at", Instant, nullable=False),
    Column("until", Instant),
    Column("recorded_at", Instant, nullable=False),
    Column("method", String(40), nullable=False),
    _leaf(),
    Index("ix_closings_person", "person", "at", "id"),
    Index("ix_closings_until", "until"),
    sqlite_autoincrement=True,
)

# Who of the company's programs may ask. Only the hash of a token is kept.
app_tokens = Table(
    "app_tokens",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
)

# Ways into the privacy centre: a link that works once, then a session. Only hashes of their tokens are kept. `shown`
# is the address that the link was sent to, sealed, so that the page can say who is signed in; empty after a hand-over.
# `known_by` is how the person was named when the link was made, sealed: a request of theirs needs that to find rows.
centre_links = Table(
    "centre_links",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column(
        "person", Integer, ForeignKey(foundation_tables.people.c.number, ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("via", OneOf(Via), nullable=False),
    Column("shown", LargeBinary),
    Column("known_by", LargeBinary),
    Column("made_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("used_at", Instant),
)

centre_sessions = Table(
    "centre_sessions",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column(
        "person", Integer, ForeignKey(foundation_tables.people.c.number, ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("shown", LargeBinary),
    Column("known_by", LargeBinary),
    Column("begun_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
)

# What an app sent under a key of its own, so that its repeats are one. Only keyed hashes, kept for two days.
app_repeats = Table(
    "app_repeats",
    metadata,
    Column("key", LargeBinary(16), primary_key=True),
    Column("body", LargeBinary(16), nullable=False),
    Column("at", Instant, nullable=False, index=True),
)

# Purposes that programs asked for and that the policy in force did not declare. Each question was refused.
undeclared_purposes = Table(
    "undeclared_purposes",
    metadata,
    Column("purpose", String(140), primary_key=True),
    Column("times", LONG, nullable=False),
    Column("last_at", Instant, nullable=False),
)

# The audience as it was when it was last kept: one roaring bitmap of people's numbers a plane ("known", "restricted",
# "given marketing"), and the version of the store (`foundation/store/changes`) and the policy that they are right for.
audience_planes = Table(
    "audience_planes",
    metadata,
    Column("name", String(140), primary_key=True),
    Column("bits", LargeBinary, nullable=False),
)

audience_state = Table(
    "audience_state",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("policy_sha256", LargeBinary(32), nullable=False),
    Column("version", Text, nullable=False),
    Column("saved_at", Instant, nullable=False),
)

# Recipients who got data on a person's consent and are told that it is withdrawn; written with the withdrawal itself.
# `word` is the ledger's entry of the withdrawal; `receipt` the hash of the notice that the recipient took.
withdrawal_notices = Table(
    "withdrawal_notices",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("recipient", String(200), nullable=False),
    Column("purpose", String(120), nullable=False),
    Column("person", Integer, ForeignKey(foundation_tables.people.c.number, ondelete="SET NULL"), index=True),
    Column("word", LONG),
    Column("state", OneOf(Notice), nullable=False, index=True),
    Column("queued_at", Instant, nullable=False),
    Column("told_at", Instant),
    Column("receipt", LargeBinary(32)),
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
    Column("outcome", LONG, ForeignKey(ledger_leaves.c.id)),
    sqlite_autoincrement=True,
)
