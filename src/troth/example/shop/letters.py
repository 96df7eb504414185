"""Letters between customers: each belongs to two people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, and_, func, insert, or_, select

from troth.example.shop.database import Found
from troth.example.shop.tables import messages, profiles, users

LONGEST: Final = 2000


@dataclass(frozen=True, slots=True)
class Thread:
    """All letters with one other person, by the latest; `name` is None when that account is closed."""

    number: int
    name: str | None
    avatar: str | None
    latest: str
    at: datetime
    mine: bool
    count: int


def threads_of(tx: Connection, number: int) -> list[Thread]:
    """With whom the customer writes, latest first; letters whose other side was erased stand under nobody."""
    rows = tx.execute(
        select(messages)
        .where(or_(messages.c.sender_id == number, messages.c.recipient_id == number))
        .order_by(messages.c.sent_at.desc(), messages.c.id.desc())
        .limit(1000)
    ).all()
    latest: dict[int, Found] = {}
    counts: dict[int, int] = {}
    for row in rows:
        other = row.recipient_id if row.sender_id == number else row.sender_id
        if other is not None:
            latest.setdefault(other, row)
            counts[other] = counts.get(other, 0) + 1
    known = {
        row.id: row
        for row in tx.execute(
            select(users.c.id, profiles.c.name, profiles.c.avatar)
            .join(profiles, profiles.c.user_id == users.c.id)
            .where(users.c.id.in_(latest), users.c.closed_at.is_(None))
        )
    }
    return [
        Thread(
            other,
            known[other].name if other in known else None,
            known[other].avatar if other in known else None,
            row.body,
            row.sent_at,
            row.sender_id == number,
            counts[other],
        )
        for other, row in latest.items()
    ]


def letters_between(tx: Connection, number: int, other: int, *, most: int = 200) -> Sequence[Found]:
    """The letters of two people, oldest first: (sender_id, body, sent_at)."""
    both = or_(
        and_(messages.c.sender_id == number, messages.c.recipient_id == other),
        and_(messages.c.sender_id == other, messages.c.recipient_id == number),
    )
    rows = tx.execute(
        select(messages.c.sender_id, messages.c.body, messages.c.sent_at)
        .where(both)
        .order_by(messages.c.sent_at.desc(), messages.c.id.desc())
        .limit(most)
    ).all()
    return rows[::-1]


def sent_since(tx: Connection, number: int, since: datetime) -> int:
    """How many letters the customer sent since then, to whomever."""
    return int(
        tx.scalar(
            select(func.count())
            .select_from(messages)
            .where(messages.c.sender_id == number, messages.c.sent_at >= since)
        )
        or 0
    )


def send(tx: Connection, sender: int, recipient: int, body: str, now: datetime) -> None:
    """Deliver a letter."""
    tx.execute(insert(messages).values(sender_id=sender, recipient_id=recipient, body=body, sent_at=now))
