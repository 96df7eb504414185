"""The door for staff: enter a breach at once, see its clocks, weigh it, record who was told, take the drafts.

Whoever is of staff may enter one, trained or not: the 72 hours do not wait. What was written about it may name people,
and is shown to the officer alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from troth.errors import TrothError
from troth.foundation import operations
from troth.foundation.operations import Operation
from troth.foundation.web.guarding import Guard, Guarded, StaffRoute, guarded
from troth.foundation.web.pages import Ask
from troth.policy.law.telling import Risk, Role, Told
from troth.policy.law.working_days import WorkingCalendar
from troth.protection.breaches import duties, letters, reading, register
from troth.protection.breaches.words import Kind

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.staff import Caller
    from troth.foundation.store import Store
    from troth.policy.datamap import DataMap
    from troth.policy.model import Policy
    from troth.protection.breaches.reading import Breach

_UNCLEAR = "Choose among what the form offers, and write an instant as in 2027-06-30T14:00; nothing was done."


@dataclass(frozen=True)
class Desk:
    """What the pages need at hand. `policy` and `datamap` give the files as they are now."""

    store: Store
    keyring: Keyring
    policy: Callable[[], Policy]
    datamap: Callable[[], DataMap | None]


def routes(desk: Desk, path: str, guard: Guard) -> tuple[tuple[str, str, Guarded], ...]:
    """(method, path, handler) of every page, at and below `path`."""
    return guarded(guard, Pages(desk, path).routes(), path)


@dataclass(frozen=True)
class Pages:
    """What the pages are made of."""

    desk: Desk
    path: str

    def routes(self) -> tuple[StaffRoute, ...]:
        """(method, path below `path`, page, operation)."""
        return (
            ("GET", "", self.list, Operation.BREACHES_SEE),
            ("POST", "", self.open, Operation.BREACHES_OPEN),
            ("GET", "/{number}", self.one, Operation.BREACHES_FOLLOW),
            ("GET", "/{number}/letter/{told}", self.letter, Operation.BREACHES_WORK),
            ("POST", "/{number}/{act}", self.act, Operation.BREACHES_WORK),
        )

    def list(self, ask: Ask, caller: Caller) -> Response:
        """The breaches with their next clock, and the form to enter one."""
        return self._list(ask, caller)

    def open(self, ask: Ask, caller: Caller) -> Response:
        """Enter a breach."""
        form, desk = ask.form, self.desk
        try:
            noticed = _instant(form.get("noticed", "")) or ask.now
            opening = register.Opening(
                noticed,
                form.get("what", ""),
                tuple(kind for kind in Kind if form.get(f"kind-{kind}")) or (Kind.CONFIDENTIALITY,),
                Role(form.get("role", Role.CONTROLLER)),
                tuple(form.get("places", "").split()),
            )
            with desk.store.writing() as tx:
                made = register.open_(tx, desk.keyring, desk.policy().laws, opening, ask.now, caller.id)
        except (TrothError, ValueError) as problem:
            return self._list(ask, caller, error=_told(problem))
        return ask.go(
            f"{self.path}/{made.number}" if operations.may(caller.role, Operation.BREACHES_FOLLOW) else self.path
        )

    def one(self, ask: Ask, caller: Caller) -> Response:
        """One breach: its clocks, its words for the officer, and what can be done."""
        return self._one(ask, caller)

    def act(self, ask: Ask, caller: Caller) -> Response:
        """Weigh it, record who was told or need not be, or close it."""
        number, form, desk = ask.request.path_params["number"], ask.form, self.desk
        law, _, told = form.get("duty", "").partition(" ")
        deeds: dict[str, Callable[[Any], Breach]] = {
            "assess": lambda tx: register.assess(
                tx,
                desk.keyring,
                number,
                register.Weighing(
                    Risk(form.get("risk", "")),
                    form.get("consequences", ""),
                    form.get("measures", ""),
                    bool(form.get("grave")),
                ),
                ask.now,
                caller.id,
            ),
            "notify": lambda tx: register.notify(
                tx,
                desk.keyring,
                number,
                law,
                Told(told),
                _instant(form.get("at", "")) or ask.now,
                ask.now,
                reference=form.get("reference", ""),
                staff=caller.id,
            ),
            "excuse": lambda tx: register.excuse(
                tx,
                desk.keyring,
                number,
                law,
                Told(told),
                form.get("why", ""),
                ask.now,
                staff=caller.id,
            ),
            "close": lambda tx: register.close(
                tx, desk.keyring, number, ask.now, staff=caller.id, calendar=self._calendar()
            ),
        }
        deed = deeds.get(ask.request.path_params["act"])
        if deed is None:
            return ask.problem(404, "There is no such act.", "The page of the breach shows those that there are.")
        try:
            with desk.store.writing() as tx:
                deed(tx)
        except (TrothError, ValueError) as problem:
            return self._one(ask, caller, error=_told(problem))
        return ask.go(f"{self.path}/{number}")

    def letter(self, ask: Ask, caller: Caller) -> Response:  # noqa: ARG002 - every page takes both
        """The draft of a letter, as text."""
        found = self._find(ask)
        told = ask.request.path_params["told"]
        if found is None or told not in set(Told):
            return ask.problem(404, "There is no such letter.", "The page of the breach leads to each.")
        datamap = self.desk.datamap()
        categories = letters.categories_of(datamap, found.places) if datamap else ()
        material = letters.Material(found, register.words_of(self.desk.keyring, found), categories)
        text = letters.draft(self.desk.policy(), material, Told(told), ask.now)
        return Response(text, media_type="text/plain; charset=utf-8", headers={"cache-control": "no-store"})

    def _list(self, ask: Ask, caller: Caller, error: str = "") -> Response:
        with self.desk.store.reading() as tx:
            found = reading.all_(tx)
        datamap = self.desk.datamap()
        tables = [f"{table.store}.{table.name}" for table in datamap.tables()] if datamap else []
        return ask.page(
            "breaches/list.html",
            status=422 if error else 200,
            title="Breaches",
            found=[(each, self._next(each), self._late(each, ask.now)) for each in found],
            kinds=Kind,
            tables=tables,
            sees=operations.may(caller.role, Operation.BREACHES_FOLLOW),
            typed=ask.form,
            error=error,
            here=self.path,
        )

    def _one(self, ask: Ask, caller: Caller, error: str = "") -> Response:
        found = self._find(ask)
        if found is None:
            return ask.problem(404, "There is no breach of that number.", "The list shows those that there are.")
        standing = duties.standing(found, calendar=self._calendar())
        decides = operations.may(caller.role, Operation.BREACHES_WORK)
        return ask.page(
            "breaches/one.html",
            status=422 if error else 200,
            title=f"Breach {found.number}",
            breach=found,
            duties=[(each, each.is_late(ask.now)) for each in standing],
            waiting=[each.duty for each in standing if each.done_at is None],
            words=register.words_of(self.desk.keyring, found) if decides else None,
            risks=[each for each in Risk if each is not Risk.UNKNOWN],
            told=[Told.CONTROLLER] if found.role is Role.PROCESSOR else [Told.AUTHORITY, Told.PEOPLE],
            decides=decides and found.closed_at is None,
            typed=ask.form,
            tried=ask.request.path_params.get("act", ""),
            error=error,
            here=f"{self.path}/{found.number}",
            above=self.path,
        )

    def _find(self, ask: Ask) -> Breach | None:
        with self.desk.store.reading() as tx:
            return reading.find(tx, ask.request.path_params["number"])

    def _next(self, breach: Breach) -> duties.Standing | None:
        standing = duties.standing(breach, calendar=self._calendar())
        return next((each for each in standing if each.done_at is None), None)

    def _late(self, breach: Breach, now: dt.datetime) -> bool:
        return any(each.is_late(now) for each in duties.standing(breach, calendar=self._calendar()))

    def _calendar(self) -> WorkingCalendar:
        return WorkingCalendar(ZoneInfo(self.desk.policy().controller.time_zone))


def _told(problem: Exception) -> str:
    """What was wrong with a form, for whoever typed it."""
    return str(problem) if isinstance(problem, TrothError) else _UNCLEAR


def _instant(text: str) -> dt.datetime | None:
    """What a field of date and time holds, in UTC; None where it is empty."""
    if not text:
        return None
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
