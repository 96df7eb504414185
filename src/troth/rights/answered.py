"""Look at the requests of people: which are open past their day, and whether their day is the law's.

An eye: it reads the table of requests and counts with the law itself; it asks no deed how a day was found.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select

from troth.policy.law import deadlines
from troth.policy.law.working_days import WorkingCalendar
from troth.policy.vocabulary import Right
from troth.rights.tables import erasures, packages, request_pauses, requests
from troth.rights.words import State

if TYPE_CHECKING:
    from sqlalchemy import Row

    from troth.foundation.observation import Observation

HOLIDAYS = dt.timedelta(days=10)
"""How much later than the bare law a day may be: a table of public holidays of the company's own may move it so far."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of the requests under one right. `late` are the numbers of open ones past their day, `too_far` those
    whose day is later than the law allows. Who was erased but for what a hold keeps, and told
    so, was answered. Lapsed ones, which nobody confirmed, are not counted as answered.
    """

    late: tuple[tuple[str, dt.date], ...]
    too_far: tuple[tuple[str, dt.date, dt.date], ...]
    open: int
    in_time: int
    too_late: int
    fastest: dt.timedelta | None

    @property
    def any(self) -> bool:
        return bool(self.open or self.in_time or self.too_late)


def asked_under(seen: Observation, right: Right) -> Asked:
    """Every request under `right` as troth's store has it. Raises: NothingToObserve, StoreError."""
    with seen.need_store().reading() as tx:
        rows = tx.execute(select(requests).where(requests.c.right == right).order_by(requests.c.due_at)).all()
        paused = set(tx.execute(select(request_pauses.c.request)).scalars())
        calendar = WorkingCalendar(_zone(seen.policy.controller.time_zone))
        open_ = [row for row in rows if row.state.open]
        told = set(tx.execute(select(erasures.c.request).where(erasures.c.held.is_not(None))).scalars())
        ended = [row for row in rows if row.state in {State.DONE, State.REFUSED}]
        too_far = [
            (row.number, row.due, last)
            for row in open_
            if row.id not in paused and (last := _last_day(seen, row, calendar)) + HOLIDAYS < row.due
        ]
        return Asked(
            late=tuple((row.number, row.due) for row in open_ if row.due_at <= seen.now and row.id not in told),
            too_far=tuple(too_far),
            open=len(open_),
            in_time=sum(row.closed_at < row.due_at for row in ended),
            too_late=sum(row.closed_at >= row.due_at for row in ended),
            fastest=min((row.closed_at - row.received_at for row in ended), default=None),
        )


def without_copy(seen: Observation) -> tuple[str, ...]:
    """The numbers of requests for access that are said to be done, and for which no copy was ever made."""
    made = select(packages.c.request)
    done = select(requests.c.number).where(
        requests.c.right == Right.ACCESS, requests.c.state == State.DONE, requests.c.id.not_in(made)
    )
    with seen.need_store().reading() as tx:
        return tuple(tx.execute(done.order_by(requests.c.number)).scalars())


def _last_day(seen: Observation, row: Row[Any], calendar: WorkingCalendar) -> dt.date:
    """The last day that the laws of the policy give for this request, with an extension where one was told of."""
    received, right, laws = row.received_at, row.right, seen.policy.laws
    plain = deadlines.strictest_response(received, laws, right, calendar=calendar)
    told = row.extended_at
    if told is None:
        confirmed = row.confirmed_at
        each = [deadlines.response_due(received, law, right, calendar=calendar, verified=confirmed) for law in laws]
        return max([plain.day, *(due.day for due in each if due.law == plain.law)])
    longer = [deadlines.extended_due(received, law, right, told=told, calendar=calendar) for law in laws]
    return max([plain.day, *(due.day for due in longer if due is not None)])


def _zone(name: str) -> dt.tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return dt.UTC
