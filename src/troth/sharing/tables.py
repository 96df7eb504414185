"""What left the company, and why it might. Schema only.

A row of `disclosures` is begun before data leave, and ended once; `leaf` proves its beginning.

`people` is a roaring bitmap of person numbers, one for the whole batch: who is meant by a number stands in `people` and
`identifiers` alone, and no longer once the person is erased. `demand` names the legal demand that it answers.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Double, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from troth.foundation import tables as foundation_tables
from troth.foundation.ledger.tables import LONG, ledger_leaves
from troth.foundation.store.columns import Instant, OneOf
from troth.foundation.store.schema import metadata
from troth.policy.vocabulary import Circumstance, Safeguard
from troth.sharing.words import DemandState, DemandStep, State, TransferState

disclosures = Table(
    "disclosures",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("recipient", String(200), nullable=False),
    Column("purpose", String(120), nullable=False),
    Column("reason", OneOf(Circumstance), nullable=False),
    Column("safeguard", OneOf(Safeguard)),
    Column("state", OneOf(State), nullable=False),
    Column("at", Instant, nullable=False),
    Column("ended_at", Instant),
    # Where it went: `file:` and a path, `https://` and a host, or `stream`.
    Column("destination", String(1000), nullable=False),
    Column("token", String(32), nullable=False, unique=True),
    Column("form", String(10), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("people", LargeBinary),
    Column("people_count", Integer, nullable=False),
    # JSON: the categories that left, by column; and what was held back, by why.
    Column("categories", Text, nullable=False),
    Column("held_back", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("policy_sha256", LargeBinary(32), nullable=False),
    Column("demand", LONG),
    # What a batch with noise told at most of any one person, as it was declared; empty where it had none.
    Column("epsilon", Double),
    Column("delta", Double),
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
    Column("outcome", LONG, ForeignKey(ledger_leaves.c.id)),
    Index("ix_disclosures_recipient_at", "recipient", "at"),
    Index("ix_disclosures_state_at", "state", "at"),
    sqlite_autoincrement=True,
)

# Who was in each group of a batch that was counted. `counting` is a hash of how it was counted, `called` a keyed hash
# of the group's values, `people` a bitmap of numbers.
disclosed_groups = Table(
    "disclosed_groups",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("disclosure", LONG, ForeignKey(disclosures.c.id), nullable=False, index=True),
    Column("recipient", String(200), nullable=False),
    Column("counting", LargeBinary(32), nullable=False),
    Column("called", LargeBinary(16), nullable=False),
    Column("people", LargeBinary, nullable=False),
    Index("ix_disclosed_groups_called", "recipient", "counting", "called"),
    sqlite_autoincrement=True,
)

# What authorities demanded. `sealed` says about whom, and is wiped when the demand is closed and told. `asked` and
# `granted` are JSON of what was asked for and of what two people decided to give; `people` is a bitmap of numbers.
# Until the day after `secret_until` nobody is told.
demands = Table(
    "demands",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("authority", String(200), nullable=False),
    Column("country", String(2), nullable=False),
    Column("reference", String(300), nullable=False),
    Column("treaty", String(300)),
    Column("state", OneOf(DemandState), nullable=False, index=True),
    Column("sealed", LargeBinary),
    Column("people", LargeBinary, nullable=False),
    Column("people_count", Integer, nullable=False),
    Column("asked", Text, nullable=False),
    Column("granted", Text),
    Column("secret_until", Date),
    Column("filed_at", Instant, nullable=False),
    Column("told_at", Instant),
    sqlite_autoincrement=True,
)

# Each thing that was done about a demand, by whom of staff, with its entry in the ledger. `note` is sealed.
demand_steps = Table(
    "demand_steps",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("demand", LONG, ForeignKey(demands.c.id), nullable=False, index=True),
    Column("step", OneOf(DemandStep), nullable=False),
    Column("staff", Integer, ForeignKey(foundation_tables.staff.c.id)),
    Column("at", Instant, nullable=False),
    Column("note", LargeBinary),
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
    sqlite_autoincrement=True,
)

# A business that is sold with its data. `due` is the first day on which data may go; `policy_sha256` the policy that
# people were told under. `result` is JSON of what went and what was left out.
transfers = Table(
    "transfers",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("buyer", String(200), nullable=False),
    Column("country", String(2), nullable=False),
    Column("state", OneOf(TransferState), nullable=False, index=True),
    Column("notice", Text, nullable=False),
    Column("policy_sha256", LargeBinary(32), nullable=False),
    Column("announced_at", Instant, nullable=False),
    Column("due", Date, nullable=False),
    Column("frozen_at", Instant),
    Column("exported_at", Instant),
    Column("ended_at", Instant),
    Column("disclosure", LONG, ForeignKey(disclosures.c.id)),
    Column("result", Text),
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
    Column("outcome", LONG, ForeignKey(ledger_leaves.c.id)),
    sqlite_autoincrement=True,
)

# Who does not want to go with the business.
transfer_refusals = Table(
    "transfer_refusals",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("transfer", LONG, ForeignKey(transfers.c.id), nullable=False, index=True),
    Column("person", Integer, ForeignKey(foundation_tables.people.c.number, ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
    Index("uq_transfer_refusals_transfer_person", "transfer", "person", unique=True),
    sqlite_autoincrement=True,
)

# Bundles that were taken in, each once, by the hash of its manifest.
transfer_imports = Table(
    "transfer_imports",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("manifest_sha256", LargeBinary(32), nullable=False, unique=True),
    Column("seller", String(200), nullable=False),
    Column("seller_key", LargeBinary(32), nullable=False),
    Column("at", Instant, nullable=False),
    Column("result", Text, nullable=False),
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
    sqlite_autoincrement=True,
)
