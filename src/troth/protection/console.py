"""The door for staff: the periods that are carried out, the runs that carried them out, and the holds.

Everybody of staff sees them. A data protection officer approves a run and lifts a hold; whoever may answer for a hold
places one, and answers for it.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.background import BackgroundTask
from starlette.responses import Response

from troth.errors import AccessDenied, TrothError
from troth.foundation import people
from troth.foundation.staff import Caller
from troth.foundation.web.pages import Ask, Handler
from troth.policy import retention as rules
from troth.policy.rendering.annexes import ENDS, data_label
from troth.protection import hold_reading, holds, plans, retention
from troth.protection.holds import MAY_ANSWER, MAY_LIFT, Order
from troth.protection.keeper import Stores
from troth.protection.retention import MAY_APPROVE
from troth.protection.words import HoldScope, Occasion, RunState

log = logging.getLogger(__name__)

Guard = Callable[[Callable[[Ask, Caller], Response]], Handler]
"""Makes a page of one that needs to know who of staff looks."""

SCOPES: Mapping[HoldScope, str] = {
    HoldScope.PERSON: "everything of a person",
    HoldScope.RECORD: "one row and what hangs on it",
    HoldScope.TABLE: "a whole table",
    HoldScope.CATEGORY: "all rows with a category",
}


def routes(stores: Callable[[], Stores], path: str, guard: Guard) -> tuple[tuple[str, str, Handler], ...]:
    """(method, path, handler) of every page, below the console's `path`."""
    pages = Pages(stores, f"{path}/periods")
    return tuple((method, pages.path + below, guard(handler)) for method, below, handler in pages.routes())


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pages are made of."""

    stores: Callable[[], Stores]
    path: str

    def routes(self) -> tuple[tuple[str, str, Callable[[Ask, Caller], Response]], ...]:
        """(method, path below `path`, page)."""
        return (
            ("GET", "", self.see),
            ("GET", "/plan", self.plan),
            ("POST", "/run", self.run),
            ("POST", "/holds", self.place),
            ("POST", "/holds/{number}/lift", self.lift),
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
            due=[step for step in found.steps if step.n or step.held or step.waits],
            may_run=caller.role in MAY_APPROVE,
            here=self.path,
        )

    def run(self, ask: Ask, caller: Caller) -> Response:
        """Approve the plan that was looked at, and begin the run; it goes on after the answer."""
        if caller.role not in MAY_APPROVE:
            raise AccessDenied("Your role may not approve a run; nothing was done.", repair="Ask the DPO.")
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
        if caller.role not in MAY_ANSWER:
            raise AccessDenied("Your role may not place a hold; nothing was done.", repair="Ask the DPO.")
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
        number = ask.request.path_params["number"]
        if caller.role not in MAY_LIFT:
            raise AccessDenied("Your role may not lift a hold; nothing was done.", repair="Ask the DPO.")
        holds.lift(self.stores(), int(number) if number.isdigit() else 0, caller.name)
        return ask.go(self.path)

    def _see(self, ask: Ask, caller: Caller, error: str = "") -> Response:
        stores = self.stores()
        policy = stores.office.policy
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
            holds=standing,
            today=ask.now.date(),
            scopes=SCOPES,
            statutes=tuple(policy.statutes),
            may_place=caller.role in MAY_ANSWER,
            may_lift=caller.role in MAY_LIFT,
            given=ask.form if error else {},
            error=error,
            here=self.path,
        )


def _because(rule: rules.Rule, statutes: Mapping[str, object]) -> str:
    return f"the law {rule.statute}" if rule.statute in statutes else rule.why or ""
