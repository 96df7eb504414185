"""Look at the requests of people: which are open past their day, and whether their day is the law's.

An eye: it reads the table of requests and counts with the law itself; it asks no deed how a day was found.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select

from troth.foundation.ledger import entries
from troth.policy.law import deadlines
from troth.policy.law.working_days import WorkingCalendar
from troth.policy.vocabulary import Right
from troth.rights.tables import erasures, packages, request_moves, request_pauses, requests
from troth.rights.words import State

if TYPE_CHECKING:
    from sqlalchemy import Row

    from troth.foundation.observation import Observation

HOLIDAYS = dt.timedelta(days=10)
"""How much later than the bare law a day may be: a table of public holidays of the company's own may move it so far."""


_TWO_DAYS = dt.timedelta(days=2)
"""No time zone ends a day later than that."""


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
            late=tuple((row.number, row.due) for row in open_ if _is_over(row, seen.now) and row.id not in told),
            too_far=tuple(too_far),
            open=len(open_),
            in_time=sum(row.closed_at < row.due_at for row in ended),
            too_late=sum(row.closed_at >= row.due_at for row in ended),
            fastest=min((row.closed_at - row.received_at for row in ended), default=None),
        )


def told_otherwise(seen: Observation, right: Right) -> tuple[tuple[str, str], ...]:
    """Requests under `right` that the ledger tells otherwise: number, and what differs. Raises as `asked_under`."""
    with seen.need_store().reading() as tx:
        rows = tx.execute(select(requests).where(requests.c.right == right).order_by(requests.c.id)).all()
        steps = select(request_moves).join(requests).where(requests.c.right == right).order_by(request_moves.c.id)
        moves: dict[int, list[Row[Any]]] = {}
        for move in tx.execute(steps):
            moves.setdefault(move.request, []).append(move)
        claims = [
            entries.Claim(
                row.number,
                move.leaf,
                f"request.{move.word}",
                {"request": row.number, "right": right, "state": move.state, "at": move.at},
            )
            for row in rows
            for move in moves.get(row.id, ())
        ]
        found = dict.fromkeys(entries.untrue(tx, claims), entries.NOT_AS_TOLD)
        filed = {each.body.get("request"): each for each in entries.of_kind(tx, "request.received")}
    for row in rows:
        said = moves.get(row.id, ())
        if not said or said[-1].state is not row.state:
            found[row.number] = "no move of it leads to the state that it is said to be in"
        elif row.received_at > said[0].at:
            found[row.number] = (
                f"came in on {said[0].at:%Y-%m-%d}, and is said to have come on {row.received_at:%Y-%m-%d}"
            )
    known = {row.number for row in rows}
    for number, each in filed.items():
        if number not in known and each.body.get("right") == right:
            found[str(number)] = "stands in the ledger, and was struck from the register"
    return tuple(found.items())


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


def _is_over(row: Row[Any], now: dt.datetime) -> bool:
    """Whether the day of a request has passed, also where only the moment of its end was moved."""
    return bool(row.due_at <= now or row.due + _TWO_DAYS < now.date())


def _zone(name: str) -> dt.tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return dt.UTC
