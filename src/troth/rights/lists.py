"""Lists of requests: which of them one shows, in which order, a page at a time; and how many wait for whom.

What is asked for stands in the address (`?show=ours&right=access&order=newest&page=2`) and names nobody, so a list can
be kept, sent to a colleague and printed. A word that is none counts as not said.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from troth.policy.vocabulary import Right
from troth.rights import labels
from troth.rights.requests import Request, request_of
from troth.rights.states import BY_HAND
from troth.rights.tables import request_moves, requests
from troth.rights.words import State

if TYPE_CHECKING:
    from troth.foundation.people import PersonNumber

_Word = TypeVar("_Word", bound=StrEnum)
_Else = TypeVar("_Else")

PAGE = 50
"""Requests that a page shows."""

_OPEN = requests.c.state.in_([state for state in State if state.open])
_MAILED = exists().where(request_moves.c.request == requests.c.id, request_moves.c.word == "link-sent")
_OURS = or_(
    requests.c.state.in_([State.APPROVAL, State.RELEASE]),
    and_(requests.c.state == State.WORKING, requests.c.right.in_(BY_HAND)),
    and_(requests.c.state == State.IDENTITY, ~_MAILED),
)


class Shown(StrEnum):
    """Which requests a list is about. `ours`: somebody of staff has to do something; `late`: open, its day is past."""

    OPEN = "open"
    OURS = "ours"
    LATE = "late"
    ENDED = "ended"


class Order(StrEnum):
    """In which order: by the day of the answer (what has ended: by its end, the last first), or by receipt."""

    DUE = "due"
    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to see: which requests, under which right (None: all), in which order, which page."""

    show: Shown = Shown.OPEN
    right: Right | None = None
    order: Order = Order.DUE
    page: int = 1

    @property
    def address(self) -> str:
        """The query that asks for this: without what is so anyway."""
        said = {
            "show": "" if self.show is Shown.OPEN else self.show,
            "right": self.right or "",
            "order": "" if self.order is Order.DUE else self.order,
            "page": "" if self.page == 1 else str(self.page),
        }
        return urlencode({name: value for name, value in said.items() if value})

    def but(self, *, show: Shown | None = None, page: int = 1) -> Wanted:
        """The same with another part of it, from its first page."""
        return replace(self, show=show or self.show, page=page)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many requests are open, need somebody of staff, are late, and have ended."""

    open: int
    ours: int
    late: int
    ended: int


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a list: its requests, and how many there are on all pages."""

    requests: tuple[Request, ...]
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are; an empty list has one."""
        return max(1, -(-self.total // PAGE))


def wanted(said: Mapping[str, str]) -> Wanted:
    """What the query of an address asks for."""
    page = said.get("page", "")
    return Wanted(
        show=_one(Shown, said.get("show", ""), Shown.OPEN),
        right=_one(Right, said.get("right", ""), None),
        order=_one(Order, said.get("order", ""), Order.DUE),
        page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
    )


def find(tx: Connection, asked: Wanted, now: datetime) -> Found:
    """The page that was asked for."""
    those = _condition(asked, now)
    total = tx.execute(select(func.count()).select_from(requests).where(those)).scalar_one()
    rows = tx.execute(
        select(requests).where(those).order_by(*_order(asked)).limit(PAGE).offset((asked.page - 1) * PAGE)
    )
    return Found(tuple(request_of(row) for row in rows), total)


def count(tx: Connection, now: datetime) -> Counts:
    """How many there are of each kind, over all rights."""
    row = tx.execute(
        select(
            func.count().filter(_OPEN),
            func.count().filter(_OURS),
            func.count().filter(and_(_OPEN, requests.c.due_at <= now)),
            func.count().filter(~_OPEN),
        ).select_from(requests)
    ).one()
    return Counts(*row)


def of_person(tx: Connection, person: PersonNumber) -> Found:
    """Every request that is known to be this person's, the newest first, on one page."""
    rows = tx.execute(select(requests).where(requests.c.person == person).order_by(requests.c.id.desc())).all()
    return Found(tuple(request_of(row) for row in rows), len(rows))


def as_csv(tx: Connection, asked: Wanted, now: datetime, standing: Callable[[Request], str]) -> Iterator[str]:
    """All pages of the list as CSV, a line at a time. It names nobody. `standing` says how one stands to its day."""
    yield _line("number", "right", "state", "received", "due", "law", "ended", "in time")
    statement = select(requests).where(_condition(asked, now)).order_by(*_order(asked))
    for row in tx.execute(statement.execution_options(yield_per=1_000)):
        each = request_of(row)
        yield _line(
            each.number,
            labels.RIGHTS[each.right],
            labels.of(each),
            each.received_at.isoformat(timespec="seconds"),
            each.due.isoformat(),
            each.article,
            each.closed_at.isoformat(timespec="seconds") if each.closed_at else "",
            standing(each),
        )


def _condition(asked: Wanted, now: datetime) -> ColumnElement[bool]:
    kinds: Mapping[Shown, ColumnElement[bool]] = {
        Shown.OPEN: _OPEN,
        Shown.OURS: _OURS,
        Shown.LATE: and_(_OPEN, requests.c.due_at <= now),
        Shown.ENDED: ~_OPEN,
    }
    those = kinds[asked.show]
    return those if asked.right is None else and_(those, requests.c.right == asked.right)


def _order(asked: Wanted) -> tuple[ColumnElement[object], ...]:
    ended = asked.show is Shown.ENDED
    first: Mapping[Order, ColumnElement[object]] = {
        Order.DUE: requests.c.closed_at.desc() if ended else requests.c.due_at.asc(),
        Order.NEWEST: requests.c.received_at.desc(),
        Order.OLDEST: requests.c.received_at.asc(),
    }
    return first[asked.order], requests.c.id.asc()


def _one(words: type[_Word], said: str, otherwise: _Else) -> _Word | _Else:
    return words(said) if said in {*words} else otherwise


def _line(*cells: str) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
