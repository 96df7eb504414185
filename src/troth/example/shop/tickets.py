"""Questions to the shop and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select, update

from troth.example.shop.database import Found
from troth.example.shop.tables import support_messages, support_tickets

LONGEST: Final = 4000


def tickets_of(tx: Connection, number: int) -> Sequence[Found]:
    """The questions of that customer, latest first."""
    return tx.execute(
        select(support_tickets)
        .where(support_tickets.c.user_id == number)
        .order_by(support_tickets.c.opened_at.desc(), support_tickets.c.id.desc())
    ).all()


def ticket_of(tx: Connection, number: int, ticket_id: int) -> tuple[Found, Sequence[Found]] | None:
    """One question with everything said about it, if it is that customer's."""
    ticket = tx.execute(
        select(support_tickets).where(support_tickets.c.id == ticket_id, support_tickets.c.user_id == number)
    ).one_or_none()
    if ticket is None:
        return None
    said = tx.execute(
        select(support_messages.c.author, support_messages.c.body, support_messages.c.sent_at)
        .where(support_messages.c.ticket_id == ticket_id)
        .order_by(support_messages.c.sent_at, support_messages.c.id)
    ).all()
    return ticket, said


def ask(tx: Connection, number: int, subject: str, body: str, now: datetime) -> int:
    """Open a question; gives its number."""
    ticket_id = tx.execute(
        insert(support_tickets)
        .values(user_id=number, subject=subject, status="open", opened_at=now)
        .returning(support_tickets.c.id)
    ).scalar_one()
    add(tx, int(ticket_id), "customer", body, now)
    return int(ticket_id)


def add(tx: Connection, ticket_id: int, author: str, body: str, now: datetime) -> None:
    """Say something more about a question; it is open again when the customer does."""
    tx.execute(insert(support_messages).values(ticket_id=ticket_id, author=author, body=body, sent_at=now))
    if author == "customer":
        tx.execute(
            update(support_tickets).where(support_tickets.c.id == ticket_id).values(status="open", closed_at=None)
        )
