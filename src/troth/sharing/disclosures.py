"""What was disclosed, to whom, about whom: read from the record. Nothing here writes.

A disclosure is one row with a bitmap of everybody in it, so that "what was this person's data given to" is one question
to each bitmap, and a batch of a million people is one row.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pyroaring import BitMap
from sqlalchemy import Connection, Row, Select, select

from troth.foundation.people import PersonNumber
from troth.policy.noise import exactly
from troth.policy.vocabulary import Circumstance, Safeguard
from troth.sharing.tables import disclosures
from troth.sharing.words import Form, State

_TOLD = [state for state in State if state.told]


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What stayed: columns that were dropped, rows of people by why they do not pass, rows of groups too small, and of
    groups that differ from those of an earlier batch by too few people.
    """

    columns: tuple[str, ...] = ()
    refused: Mapping[str, int] = field(default_factory=dict)
    small_groups: int = 0
    near_groups: int = 0

    @property
    def rows(self) -> int:
        return sum(self.refused.values()) + self.small_groups + self.near_groups


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One batch as the record has it. `categories` are the kinds of data that left, by column; `rows` how many rows.

    `epsilon` and `delta` are what a batch with noise told at most of any one person; None where it had none. Then
    `people` and what was held back are for the company's own eyes: the recipient got nothing exact. `policy` is the
    hash of the policy under which it left.
    """

    id: int
    recipient: str
    purpose: str
    reason: Circumstance
    safeguard: Safeguard | None
    state: State
    at: dt.datetime
    ended_at: dt.datetime | None
    destination: str
    form: Form
    rows: int
    people: int
    categories: Mapping[str, str]
    held_back: HeldBack
    size: int
    sha256: str
    demand: int | None
    leaf: int
    outcome: int | None
    epsilon: float | None
    delta: float | None
    policy: str

    @property
    def noisy(self) -> bool:
        """Whether its figures left with noise."""
        return self.epsilon is not None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of data that left, each once."""
        return tuple(sorted(set(self.categories.values())))


def of_person(tx: Connection, person: PersonNumber) -> tuple[Disclosure, ...]:
    """Every disclosure that this person's data were in and that has to be taken for told, the newest first."""
    rows = tx.execute(_all(people=True).where(disclosures.c.state.in_(_TOLD)).execution_options(yield_per=100))
    return tuple(_read(row) for row in rows if row.people is not None and person in BitMap.deserialize(row.people))


def people_of(tx: Connection, number: int) -> BitMap:
    """The numbers of the people in one disclosure; empty where none are on record any more."""
    found = tx.execute(select(disclosures.c.people).where(disclosures.c.id == number)).scalar()
    return BitMap() if found is None else BitMap.deserialize(found)


def find(tx: Connection, number: int) -> Disclosure | None:
    """The disclosure of that number."""
    row = tx.execute(_all().where(disclosures.c.id == number)).one_or_none()
    return None if row is None else _read(row)


def latest(tx: Connection, *, limit: int = 100) -> tuple[Disclosure, ...]:
    """The last disclosures, the newest first."""
    return tuple(map(_read, tx.execute(_all().limit(limit))))


def begun(tx: Connection, before: dt.datetime) -> tuple[Disclosure, ...]:
    """Those that were begun before that time and have no end on record."""
    return tuple(map(_read, tx.execute(_all().where(disclosures.c.state == State.BEGUN, disclosures.c.at < before))))


def every(tx: Connection) -> Iterator[Disclosure]:
    """All of them, the newest first, one at a time."""
    return map(_read, tx.execute(_all().execution_options(yield_per=500)))


def spent(tx: Connection, recipient: str) -> Decimal:
    """The sum of epsilon over every batch that this recipient may have been told, exactly as it was written."""
    at = disclosures.c
    told = select(at.epsilon).where(at.recipient == recipient, at.epsilon.is_not(None), at.state.in_(_TOLD))
    return sum((exactly(each) for each in tx.execute(told).scalars()), Decimal())


def spent_by_each(tx: Connection) -> Mapping[str, Decimal]:
    """What each recipient was told, as `spent`, for those that got anything with noise."""
    at = disclosures.c
    told = select(at.recipient, at.epsilon).where(at.epsilon.is_not(None), at.state.in_(_TOLD))
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in tx.execute(told):
        found[row.recipient] += exactly(row.epsilon)
    return found


def mark_of(people: bytes, token: str | None = None) -> str:
    """The hash by which the ledger knows who was in a batch.

    With `token`, which stays in the record, nobody who reads the ledger can try out whom it fits.
    """
    return hashlib.sha256((token or "").encode() + people).hexdigest()


def _all(*, people: bool = False) -> Select[Any]:
    columns = [each for each in disclosures.c if people or each is not disclosures.c.people]
    return select(*columns).order_by(disclosures.c.id.desc())


def _read(row: Row[Any]) -> Disclosure:
    back = json.loads(row.held_back)
    return Disclosure(
        row.id,
        row.recipient,
        row.purpose,
        row.reason,
        row.safeguard,
        row.state,
        row.at,
        row.ended_at,
        row.destination,
        Form(row.form),
        row.rows,
        row.people_count,
        json.loads(row.categories),
        HeldBack(tuple(back["columns"]), back["refused"], back["small_groups"], back.get("near_groups", 0)),
        row.size,
        bytes(row.sha256).hex(),
        row.demand,
        row.leaf,
        row.outcome,
        row.epsilon,
        row.delta,
        bytes(row.policy_sha256).hex(),
    )
