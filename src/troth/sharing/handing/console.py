"""The door for staff: the demands of authorities, and a business that is sold.

Who may do what stands in the matrix (`foundation.operations`); whoever decides does so in their own name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response

from troth.errors import AccessDenied, TrothError
from troth.foundation import operations, people
from troth.foundation.operations import Operation
from troth.foundation.staff import Caller
from troth.foundation.web.guarding import Guard, Guarded, StaffRoute, carry_out, entries_of, guarded
from troth.foundation.web.pages import Ask
from troth.policy.vocabulary import CATEGORIES, expand, is_pattern
from troth.sharing import (
    answering,
    bundles,
    demand_reading,
    demands,
    disclosures,
    transfer_reading,
    transfers,
)
from troth.sharing.demand_reading import Scope
from troth.sharing.demands import Order

if TYPE_CHECKING:
    from troth.use.company import Company

HANDED = "handed"
"""The folder below the instance in which sealed packages wait to be fetched."""

_LAST = 200


def routes(company: Callable[[], Company], path: str, guard: Guard) -> tuple[tuple[str, str, Guarded], ...]:
    """(method, path, handler) of every page, below the console's `path`."""
    return guarded(guard, Pages(company, path).routes(), path)


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pages are made of."""

    company: Callable[[], Company]
    path: str

    def routes(self) -> tuple[StaffRoute, ...]:
        """(method, path below `path`, page, operation)."""
        approve, run = Operation.DEMANDS_APPROVE, Operation.TRANSFERS_RUN
        return (
            ("GET", "/demands", self.demands, Operation.DEMANDS_SEE),
            ("POST", "/demands", self.file, Operation.DEMANDS_FILE),
            ("GET", "/demands/{number}", self.demand, Operation.DEMANDS_SEE),
            ("POST", "/demands/{number}/review", self.review, approve),
            ("POST", "/demands/{number}/approve", self.approve, approve),
            ("POST", "/demands/{number}/challenge", self.challenge, approve),
            ("POST", "/demands/{number}/refuse", self.refuse, approve),
            ("POST", "/demands/{number}/carry-out", self.carry_out, approve),
            ("GET", "/transfers", self.transfers, Operation.TRANSFERS_SEE),
            ("POST", "/transfers", self.announce, run),
            ("POST", "/transfers/{number}/stay", self.stay, run),
            ("POST", "/transfers/{number}/freeze", self.freeze, run),
            ("POST", "/transfers/{number}/export", self.export, run),
            ("POST", "/transfers/{number}/end", self.end, run),
        )

    # --- demands ------------------------------------------------------------------------------------------------------

    def demands(self, ask: Ask, caller: Caller) -> Response:
        """Every demand, the counts for the public, and the form for another."""
        return self._demands(ask, caller)

    def file(self, ask: Ask, caller: Caller) -> Response:
        """Take one in, in the caller's name."""
        form = ask.form
        try:
            order = Order(
                form.get("authority", ""),
                form.get("country", "").strip().upper(),
                form.get("reference", ""),
                tuple(people.parse(line) for line in form.get("who", "").split("\n") if line.strip()),
                _scope(form),
                _day(form.get("secret", "")),
                form.get("treaty") or None,
                form.get("note", ""),
            )
            found = demands.file(self.company(), order, caller.name)
        except AccessDenied:
            raise
        except TrothError as problem:
            return self._demands(ask, caller, str(problem))
        return ask.go(f"{self.path}/demands/{found.id}")

    def demand(self, ask: Ask, caller: Caller) -> Response:
        """One demand: what was asked, what was decided and by whom, and what can be done now."""
        return self._demand(ask, caller)

    def review(self, ask: Ask, caller: Caller) -> Response:
        """Narrow it."""
        company, number, form = self.company(), ask.number("number"), ask.form
        return self._act(
            ask, caller, lambda: demands.review(company, number, caller.name, _scope(form), form.get("note", ""))
        )

    def approve(self, ask: Ask, caller: Caller) -> Response:
        """Approve what the review left."""
        company, number = self.company(), ask.number("number")
        return self._act(ask, caller, lambda: demands.approve(company, number, caller.name, ask.form.get("note", "")))

    def challenge(self, ask: Ask, caller: Caller) -> Response:
        """Record an objection to it."""
        company, number = self.company(), ask.number("number")
        return self._act(ask, caller, lambda: demands.challenge(company, number, caller.name, ask.form.get("note", "")))

    def refuse(self, ask: Ask, caller: Caller) -> Response:
        """Refuse it, with a reason."""
        company, number = self.company(), ask.number("number")
        return self._act(ask, caller, lambda: demands.refuse(company, number, caller.name, ask.form.get("note", "")))

    def carry_out(self, ask: Ask, caller: Caller) -> Response:
        """Write the sealed package into the folder from which it is fetched."""
        company, number = self.company(), ask.number("number")

        def act() -> object:
            to = _handed(company) / f"demand-{number}.age"
            return answering.carry_out(company, number, caller.name, to, ask.form.get("key", "").strip())

        return self._act(ask, caller, act)

    # --- a sold business ----------------------------------------------------------------------------------------------

    def transfers(self, ask: Ask, caller: Caller) -> Response:
        """Every transfer, what can be done now, and the form for another."""
        return self._transfers(ask, caller)

    def announce(self, ask: Ask, caller: Caller) -> Response:
        """Publish the notice."""
        form, office = ask.form, self.company().office
        buyer, notice = form.get("buyer", ""), form.get("notice", "")
        country = form.get("country", "").strip().upper()
        return self._run(ask, caller, lambda: transfers.announce(office, buyer, country, notice, caller.name))

    def stay(self, ask: Ask, caller: Caller) -> Response:
        """Record that somebody does not go."""
        office, number, who = self.company().office, ask.number("number"), ask.form.get("who", "")
        return self._run(ask, caller, lambda: transfers.stay(office, number, people.parse(who)))

    def freeze(self, ask: Ask, caller: Caller) -> Response:
        """Let the policy stand still."""
        office, number = self.company().office, ask.number("number")
        return self._run(ask, caller, lambda: transfers.freeze(office, number, caller.name))

    def export(self, ask: Ask, caller: Caller) -> Response:
        """Write the bundle into the folder from which it is fetched."""
        company, number = self.company(), ask.number("number")

        def act() -> object:
            to = _handed(company) / f"transfer-{number}.age"
            return bundles.export(company, number, to, ask.form.get("key", "").strip(), caller.name)

        return self._run(ask, caller, act)

    def end(self, ask: Ask, caller: Caller) -> Response:
        """End it, or call it off."""
        office, number = self.company().office, ask.number("number")
        return self._run(ask, caller, lambda: transfers.end(office, number, caller.name))

    # --- pages --------------------------------------------------------------------------------------------------------

    def _act(self, ask: Ask, caller: Caller, act: Callable[[], object]) -> Response:
        there = f"{self.path}/demands/{ask.number('number')}"
        return carry_out(ask, act, then=there, again=partial(self._demand, ask, caller))

    def _run(self, ask: Ask, caller: Caller, act: Callable[[], object]) -> Response:
        if "number" in ask.request.path_params:
            with self.company().office.store.reading() as tx:
                if transfer_reading.find(tx, ask.number("number")) is None:
                    return _lost(ask, "transfer")
        return carry_out(ask, act, then=f"{self.path}/transfers", again=partial(self._transfers, ask, caller))

    def _demands(self, ask: Ask, caller: Caller, error: str = "") -> Response:
        with self.company().office.store.reading() as tx:
            found = demand_reading.every(tx)
        return ask.page(
            "sharing/demands.html",
            title="Demands of authorities",
            status=422 if error else 200,
            found=found,
            report=demand_reading.report(found),
            today=ask.now.date(),
            may_file=operations.may(caller.role, Operation.DEMANDS_FILE),
            given=ask.form if error else {},
            error=error,
            here=self.path,
        )

    def _demand(self, ask: Ask, caller: Caller, error: str = "") -> Response:
        company = self.company()
        office = company.office
        reads = operations.may(caller.role, Operation.DEMANDS_FILE)
        with office.store.reading() as tx:
            found = demand_reading.find(tx, ask.number("number"))
            if found is None:
                return _lost(ask, "demand")
            meant = demands.opened(tx, office, found.id)["known_by"] if reads else []
            notes = demands.notes_of(tx, office, found.id) if reads else []
            left = [each for each in disclosures.latest(tx, limit=_LAST) if each.demand == found.id]
        return ask.page(
            "sharing/demand.html",
            title=f"Demand {found.id}",
            status=422 if error else 200,
            demand=found,
            foreign=demands.foreign(office, found.country),
            meant=["=".join(each) for each in meant],
            notes=notes,
            left=left,
            labels={name: each.label for name, each in CATEGORIES.items()},
            columns=demands.columns_of(company, found.asked.categories),
            may=operations.may(caller.role, Operation.DEMANDS_APPROVE),
            today=ask.now.date(),
            given=ask.form if error else {},
            error=error,
            entries=entries_of(self.path, caller.role),
            here=f"{self.path}/demands",
        )

    def _transfers(self, ask: Ask, caller: Caller, error: str = "") -> Response:
        office = self.company().office
        with office.store.reading() as tx:
            found = [(each, len(transfer_reading.refusing(tx, each))) for each in transfer_reading.every(tx)]
        return ask.page(
            "sharing/transfers.html",
            title="A business that is sold",
            status=422 if error else 200,
            found=found,
            due=transfer_reading.due_day(office.policy, ask.now),
            mark=bundles.fingerprint(office.keyring.public_key),
            today=ask.now.date(),
            may=operations.may(caller.role, Operation.TRANSFERS_RUN),
            given=ask.form if error else {},
            error=error,
            here=f"{self.path}/transfers",
        )


def _lost(ask: Ask, what: str) -> Response:
    return ask.problem(404, f"There is no {what} of that number.", "The list shows those that there are.")


def _day(text: str) -> dt.date | None:
    if not text.strip():
        return None
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        raise TrothError("this is not a day", expected="one as in 2027-06-30") from None


def _scope(form: Mapping[str, str]) -> Scope:
    kinds = [part.strip() for part in form.get("data", "").split(",") if part.strip()]
    spelt = tuple(one for kind in kinds for one in (expand([kind]) if is_pattern(kind) else (kind,)))
    columns = tuple(part.strip() for part in form.get("columns", "").split(",") if part.strip())
    return Scope(spelt, columns, _day(form.get("since", "")), _day(form.get("until", "")))


def _handed(company: Company) -> Path:
    folder = company.instance.folder / HANDED
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
