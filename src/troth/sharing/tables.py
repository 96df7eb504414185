"""What left the company. Schema only. A row is begun before data leave, and ended once; `leaf` proves its beginning.

`people` is a roaring bitmap of person numbers, one for the whole batch: who is meant by a number stands in `people` and
`identifiers` alone, and no longer once the person is erased. `demand` names the legal demand that it answers.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from troth.foundation.ledger.tables import LONG, ledger_leaves
from troth.foundation.store.columns import Instant, OneOf
from troth.foundation.store.schema import metadata
from troth.policy.vocabulary import Circumstance, Safeguard
from troth.sharing.words import State

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
    Column("leaf", LONG, ForeignKey(ledger_leaves.c.id), nullable=False),
    Column("outcome", LONG, ForeignKey(ledger_leaves.c.id)),
    Index("ix_disclosures_recipient_at", "recipient", "at"),
    Index("ix_disclosures_state_at", "state", "at"),
    sqlite_autoincrement=True,
)
