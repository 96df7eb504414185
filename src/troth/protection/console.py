"""The door for staff: the periods that are carried out, the runs that carried them out, and the holds.

Who may do what stands in the matrix (`foundation.operations`). Whoever places a hold answers for it.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.background import BackgroundTask
from starlette.responses import Response

from troth.errors import HoldRefused, TrothError
from troth.foundation import operations, people
from troth.foundation.operations import Operation
from troth.foundation.staff import Caller
from troth.foundation.web.guarding import Guard, Guarded, StaffRoute, guarded
from troth.foundation.web.pages import Ask
from troth.policy import retention as rules
from troth.policy.rendering.annexes import ENDS, data_label
from troth.protection import hold_reading, holds, plans, retention
from troth.protection.holds import Order
from troth.protection.words import HoldScope, Occasion, RunState
from troth.use.company import Company

log = logging.getLogger(__name__)

SCOPES: Mapping[HoldScope, str] = {
    HoldScope.PERSON: "everything of a person",
    HoldScope.RECORD: "one row and what hangs on it",
    HoldScope.TABLE: "a whole table",
    HoldScope.CATEGORY: "all rows with a category",
}


def routes(stores: Callable[[], Company], path: str, guard: Guard) -> tuple[tuple[str, str, Guarded], ...]:
    """(method, path, handler) of every page, at and below `path`."""
    return guarded(guard, Pages(stores, path).routes(), path)


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pages are made of."""

    stores: Callable[[], Company]
    path: str

    def routes(self) -> tuple[StaffRoute, ...]:
        """(method, path below `path`, page, operation)."""
        return (
            ("GET", "", self.see, Operation.RETENTION_SEE),
            ("GET", "/plan", self.plan, Operation.RETENTION_SEE),
            ("POST", "/run", self.run, Operation.RETENTION_RUN),
            ("POST", "/holds", self.place, Operation.HOLDS_ADD),
            ("POST", "/holds/{number}/lift", self.lift, Operation.HOLDS_LIFT),
        )

    def see(self, ask: Ask, caller: Caller) -> Response:
        """The rules, the last runs and every hold."""
        return self._see(ask, caller)

    def plan(self, ask: Ask, caller: Caller) -> Response:
        """What would end now, counted."""
        found = plans.plan(self.stores())
        return ask.page(
            "protection/plan.html",
            title="What would end now",
            plan=found,
            due=[step for step in found.steps if step.n or step.held or step.waits or step.clashes],
            may_run=operations.may(caller.role, Operation.RETENTION_RUN),
            here=self.path,
        )

    def run(self, ask: Ask, caller: Caller) -> Response:
        """Approve the plan that was looked at, and begin the run; it goes on after the answer."""
        stores, name, seen = self.stores(), caller.name, ask.form.get("plan", "")

        def begin() -> None:
            try:
                retention.run(stores, Occasion.CONSOLE, approved_by=name, plan_sha256=seen)
            except TrothError as problem:
                log.warning("retention: %s", problem)

        found = plans.plan(stores)
        if found.hash != seen:
            return ask.problem(409, "The plan has changed since you looked.", "Look at it again.")
        response = ask.go(self.path)
        response.background = BackgroundTask(begin)
        return response

    def place(self, ask: Ask, caller: Caller) -> Response:
        """Place a hold, for which the caller answers."""
        what = ask.form.get("what", "").strip()
        try:
            scope = HoldScope(ask.form.get("scope", ""))
            review = dt.date.fromisoformat(ask.form.get("review", ""))
        except ValueError:
            return self._see(ask, caller, error="Say what is to be kept, and by which day somebody looks again.")
        try:
            person = scope is HoldScope.PERSON
            order = Order(
                scope,
                caller.name,
                ask.form.get("reason", ""),
                review,
                place=None if person else what,
                statute=ask.form.get("statute") or None,
                known_by=(people.parse(what),) if person else (),
            )
            holds.place(self.stores(), order)
        except TrothError as problem:
            return self._see(ask, caller, error=str(problem))
        return ask.go(self.path)

    def lift(self, ask: Ask, caller: Caller) -> Response:
        """Lift a hold."""
        try:
            holds.lift(self.stores(), ask.number("number"), caller.name)
        except HoldRefused:
            return ask.problem(404, "No hold of that number stands.", "The list shows those that stand.")
        return ask.go(self.path)

    def _see(self, ask: Ask, caller: Caller, error: str = "") -> Response:
        stores = self.stores()
        policy = stores.office.policy
        sees_holds = operations.may(caller.role, Operation.HOLDS_SEE)
        found = rules.rules(policy)
        with stores.office.store.reading() as tx:
            runs = retention.latest(tx, 8)
            standing = hold_reading.every(tx)
        due = next((each.due_at for each in runs if each.state is RunState.DONE), None)
        return ask.page(
            "protection/periods.html",
            title="Periods and holds",
            status=422 if error else 200,
            rules=[(rule, data_label(rule.data), ENDS[rule.then], _because(rule, policy.statutes)) for rule in found],
            mark=rules.mark(found),
            runs=[(each, retention.gone(each)) for each in runs],
            due=due,
            late=due is not None and due < ask.now,
            waiting=any(each.state is RunState.WAITING for each in runs),
            holds=standing if sees_holds else (),
            sees_holds=sees_holds,
            today=ask.now.date(),
            scopes=SCOPES,
            statutes=tuple(policy.statutes),
            may_place=operations.may(caller.role, Operation.HOLDS_ADD),
            may_lift=operations.may(caller.role, Operation.HOLDS_LIFT),
            given=ask.form if error else {},
            error=error,
            here=self.path,
        )


def _because(rule: rules.Rule, statutes: Mapping[str, object]) -> str:
    return f"the law {rule.statute}" if rule.statute in statutes else rule.why or ""
