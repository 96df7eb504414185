"""The register of requests: which there are, what happened to each, and which a machine can go on with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, and_, func, or_, select

from troth.policy.vocabulary import Right
from troth.rights.requests import By, Request, opened, request_of
from troth.rights.states import BY_HAND
from troth.rights.tables import request_moves, requests
from troth.rights.words import State

if TYPE_CHECKING:
    from troth.foundation.people import PersonNumber
    from troth.use.office import Office

_TURN = (
    select(func.count())
    .where(
        request_moves.c.request == requests.c.id,
        or_(request_moves.c.before.is_(None), request_moves.c.before != request_moves.c.state),
    )
    .correlate(requests)
    .scalar_subquery()
    .label("turn")
)


@dataclass(frozen=True, slots=True)
class Step:
    """One entry in the history of a request. `word` says what happened, `leaf` is the entry of the ledger."""

    before: State | None
    state: State
    word: str
    at: datetime
    by: By
    note: str = field(repr=False)
    leaf: int


def list_(
    tx: Connection, *, states: Iterable[State] | None = None, right: Right | None = None, limit: int = 500
) -> tuple[Request, ...]:
    """Requests in these states (all without), the one due first first; ended ones by when they ended, last first."""
    statement = select(requests)
    wanted = None if states is None else list(states)
    if wanted is not None:
        statement = statement.where(requests.c.state.in_(wanted))
    if right is not None:
        statement = statement.where(requests.c.right == right)
    ended = wanted is not None and all(not state.open for state in wanted)
    order = requests.c.closed_at.desc() if ended else requests.c.due_at
    return _all(tx, statement.order_by(order, requests.c.id).limit(limit))


def of_person(tx: Connection, person: PersonNumber) -> tuple[Request, ...]:
    """Every request that is known to be this person's, the newest first."""
    return _all(tx, select(requests).where(requests.c.person == person).order_by(requests.c.id.desc()))


def waiting(tx: Connection, now: datetime, limit: int = 1000) -> tuple[tuple[Request, int], ...]:
    """Requests on which the house itself can go on at `now`, in order of receipt, each with its turn.

    The turn counts the moves so far: each state that a request comes into is one piece of work.
    """
    due = or_(
        requests.c.state == State.RECEIVED,
        and_(requests.c.state == State.WORKING, requests.c.right.not_in(BY_HAND)),
        and_(requests.c.state == State.COOLING_OFF, requests.c.cooling_until <= now),
        and_(requests.c.state == State.IDENTITY, requests.c.lapses_at <= now),
    )
    rows = tx.execute(select(requests, _TURN).where(due).order_by(requests.c.id).limit(limit))
    return tuple((request_of(row), row.turn) for row in rows)


def app_of(tx: Connection, request: Request) -> str | None:
    """The name of the app of the company that filed the request; None where none did."""
    found: str | None = tx.execute(select(requests.c.app).where(requests.c.id == request.id)).scalar_one()
    return found


def as_json(request: Request) -> dict[str, Any]:
    """The request in the words of terminal and API; nothing about its person."""
    return {
        "request": request.number,
        "right": request.right.value,
        "state": request.state.value,
        "received_at": request.received_at.isoformat(),
        "due": request.due.isoformat(),
        "law": request.article,
        "closed_at": request.closed_at.isoformat() if request.closed_at else None,
    }


def turn_of(tx: Connection, request: Request) -> int:
    """How many moves the request has made; the turn of the work that its present state needs."""
    return int(tx.execute(select(_TURN).where(requests.c.id == request.id)).scalar_one())


def history(tx: Connection, office: Office, request: Request) -> tuple[Step, ...]:
    """What happened to the request, oldest first."""
    rows = tx.execute(select(request_moves).where(request_moves.c.request == request.id).order_by(request_moves.c.id))
    return tuple(
        Step(
            row.before,
            row.state,
            row.word,
            row.at,
            By(row.actor, row.staff),
            str(opened(office.keyring, request.number, "note", row.note) or ""),
            row.leaf,
        )
        for row in rows
    )


def _all(tx: Connection, statement: Select[Any]) -> tuple[Request, ...]:
    return tuple(request_of(row) for row in tx.execute(statement))
