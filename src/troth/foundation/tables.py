"""The tables of the foundation. Schema only.

Who a person is stands here as keyed hashes; what staff type is hashed or sealed. No table holds an address in clear.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from troth.foundation.proof import Verdict
from troth.foundation.roles import Role
from troth.foundation.store.columns import Instant, OneOf
from troth.foundation.store.schema import metadata

_LONG = BigInteger().with_variant(Integer, "sqlite")

# Counters without gaps: request numbers by year, person numbers. `last` is the last number given out.
number_series = Table(
    "number_series",
    metadata,
    Column("series", String(60), primary_key=True),
    Column("last", BigInteger, nullable=False),
)

# One row: the key that this store was sealed with.
store_key = Table(
    "store_key",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("key_id", String(40), nullable=False),
    Column("proof", LargeBinary(32), nullable=False),
)

# What was done with this controller's key: made, put into escrow, read back from it, turned. The ledger says the same.
key_acts = Table(
    "key_acts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("act", String(20), nullable=False, index=True),
    Column("key_id", String(40), nullable=False),
    Column("at", Instant, nullable=False),
)

# A key that was lost and is replaced by another: who asked, who else approved, and since when all of it is done. `leaf`
# is the entry that says so; what was sealed for people before it is gone.
key_replacements = Table(
    "key_replacements",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("lost", String(40), nullable=False),
    Column("asked_by", String(200), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("approved_by", String(200)),
    Column("approved_at", Instant),
    Column("key_id", String(40)),
    Column("leaf", _LONG),
    Column("done_at", Instant),
)

people = Table(
    "people",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key", LargeBinary(16), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
)

# `strong` identifiers join; weak ones only find. A retired one (`until` set) leads nowhere.
identifiers = Table(
    "identifiers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("hash", LargeBinary(16), nullable=False),
    Column("person", Integer, ForeignKey("people.number", ondelete="CASCADE"), nullable=False, index=True),
    Column("strong", Boolean, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant),
    Index("ix_identifiers_kind_hash", "kind", "hash"),
    Index(
        "uq_identifiers_strong",
        "kind",
        "hash",
        unique=True,
        sqlite_where=text("strong AND until IS NULL"),
        postgresql_where=text("strong AND until IS NULL"),
    ),
)

staff = Table(
    "staff",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(120), nullable=False, unique=True),
    Column("role", OneOf(Role), nullable=False),
    Column("password", Text),
    Column("created_at", Instant, nullable=False),
    Column("disabled_at", Instant),
    Column("cleared_until", Instant),
)

# `how` it began; while it `owes` a second factor it opens nothing; `fresh_at`: when one was last shown in it.
staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("staff", Integer, ForeignKey("staff.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("begun_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("how", String(10)),
    Column("owes", Boolean),
    Column("fresh_at", Instant),
)

staff_links = Table(
    "staff_links",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("staff", Integer, ForeignKey("staff.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("ends_at", Instant, nullable=False),
    Column("used_at", Instant),
)


def _owner(*, primary_key: bool = False) -> Column[int]:
    """The account that a row belongs to, and goes with."""
    key = ForeignKey(staff.c.id, ondelete="CASCADE")
    return Column("staff", Integer, key, primary_key=primary_key, nullable=False, index=not primary_key)


# Codes from a telephone(RFC 6238). It counts once confirmed; `last_step` is the newest step that a code was taken for.
staff_codes = Table(
    "staff_codes",
    metadata,
    _owner(primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    Column("last_step", BigInteger),
)

# Codes for the day on which the telephone is lost, each a keyed hash, each good once.
staff_recovery = Table(
    "staff_recovery",
    metadata,
    Column("hash", LargeBinary(16), primary_key=True),
    _owner(),
    Column("used_at", Instant),
)

# Passkeys (WebAuthn): what the authenticator is called at ours, its public key, and how often it has signed.
staff_passkeys = Table(
    "staff_passkeys",
    metadata,
    Column("id", Integer, primary_key=True),
    _owner(),
    Column("credential", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("label", String(60), nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("backed_up", Boolean, nullable=False),
)

# Who an account is at the company's own provider: a keyed hash of issuer and subject, never an e-mail address.
staff_providers = Table(
    "staff_providers",
    metadata,
    _owner(primary_key=True),
    Column("subject", LargeBinary(16), nullable=False, unique=True),
    Column("linked_at", Instant, nullable=False),
)

# Challenges and ways through the provider that were answered, until they would have ended: none is answered twice.
staff_answered = Table(
    "staff_answered",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("ends_at", Instant, nullable=False, index=True),
)

# Each comparison of the accounts with the list of those who work here. `gone` holds account numbers, as JSON.
staff_comparisons = Table(
    "staff_comparisons",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("sha256", String(64), nullable=False),
    Column("listed", Integer, nullable=False),
    Column("accounts", Integer, nullable=False),
    Column("gone", Text, nullable=False),
    Column("leaf", _LONG, ForeignKey("ledger_leaves.id"), nullable=False),
)

# Failed logins by account and by source, each under a keyed hash.
login_failures = Table(
    "login_failures",
    metadata,
    Column("who", LargeBinary(16), primary_key=True),
    Column("tried", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("closed_until", Instant),
)

# Mail that waits, and what became of mail. `sealed` (address, subject, text) goes when the mail has gone.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reference", String(80), nullable=False),
    Column("once", String(120), unique=True),
    Column("person", Integer, ForeignKey("people.number", ondelete="SET NULL"), index=True),
    Column("address_hash", LargeBinary(16), nullable=False),
    Column("message_id", String(120), nullable=False),
    Column("sealed", LargeBinary),
    Column("state", String(10), nullable=False),
    Column("queued_at", Instant, nullable=False),
    Column("next_at", Instant),
    Column("attempts", Integer, nullable=False),
    Column("reply", Integer),
    Index("ix_outbox_state_next_at", "state", "next_at"),
    Index("ix_outbox_address_hash_queued_at", "address_hash", "queued_at"),
)

schedules = Table(
    "schedules",
    metadata,
    Column("job", String(80), primary_key=True),
    Column("started_at", Instant),
    Column("ended_at", Instant),
    Column("outcome", String(200)),
    Column("holder", String(40)),
    Column("held_until", Instant),
)

# Signs of life of the workers that run jobs: `beat` counts up; `beat_at` is the worker's own clock, for people.
workers = Table(
    "workers",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("started_at", Instant, nullable=False),
    Column("beat_at", Instant, nullable=False),
    Column("beat", BigInteger, nullable=False),
)

# Every run of `troth check` as the JSON it was shown as.
check_runs = Table(
    "check_runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("checked_at", Instant, nullable=False, index=True),
    Column("policy_sha256", String(64), nullable=False),
    Column("kept", Integer, nullable=False),
    Column("broken", Integer, nullable=False),
    Column("unproven", Integer, nullable=False),
    Column("report", Text, nullable=False),
)

# Every sentence whose verdict changed, and when. Runs may be forgotten; turns stay.
verdict_turns = Table(
    "verdict_turns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", Integer, nullable=False),
    Column("number", String(40), nullable=False, index=True),
    Column("clause_id", String(200), nullable=False),
    Column("was", OneOf(Verdict)),
    Column("verdict", OneOf(Verdict), nullable=False),
    Column("at", Instant, nullable=False),
)
