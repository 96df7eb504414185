"""The door for staff: which purposes need an impact assessment and why, those made, and the form for another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response

from troth.foundation import operations
from troth.foundation.operations import Operation
from troth.foundation.web.guarding import Guard, Guarded, StaffRoute, carry_out, guarded
from troth.foundation.web.pages import Ask
from troth.protection.impacts import criteria, reading, register
from troth.protection.impacts.register import Weighed
from troth.protection.impacts.words import Residual

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.staff import Caller
    from troth.foundation.store import Store
    from troth.policy.model import Policy


def routes(  # noqa: PLR0917 - what an instance is made of
    store: Store, keyring: Keyring, policy: Callable[[], Policy], folder: Path, path: str, guard: Guard
) -> tuple[tuple[str, str, Guarded], ...]:
    """(method, path, handler) of every page, at `path`."""
    return guarded(guard, Pages(store, keyring, policy, folder, path).routes(), path)


@dataclass(frozen=True)
class Pages:
    """What the pages are made of."""

    store: Store
    keyring: Keyring
    policy: Callable[[], Policy]
    folder: Path
    path: str

    def routes(self) -> tuple[StaffRoute, ...]:
        """(method, path below `path`, page, operation)."""
        return (
            ("GET", "", self.list, Operation.ASSESSMENTS_SEE),
            ("POST", "", self.add, Operation.ASSESSMENTS_ADD),
        )

    def list(self, ask: Ask, caller: Caller, error: str = "") -> Response:
        """Every purpose with what speaks for an assessment, and the last one; `error`: what is wrong with another."""
        policy = self.policy()
        with self.store.reading() as tx:
            made, people = reading.latest(tx), reading.people(tx)
        rows = [(each, made.get(each.purpose)) for each in criteria.judge(policy, people)]
        return ask.page(
            "impacts/list.html",
            status=422 if error else 200,
            title="Impact assessments",
            rows=[(each, found, found and reading.fault(found, self.folder, ask.now)) for each, found in rows],
            residuals=Residual,
            large=criteria.LARGE_SCALE,
            enough=criteria.ENOUGH,
            may=operations.may(caller.role, Operation.ASSESSMENTS_ADD),
            typed=ask.form,
            error=error,
            here=self.path,
        )

    def add(self, ask: Ask, caller: Caller) -> Response:
        """Record an assessment in the caller's own name."""
        form = ask.form
        try:
            review, residual = dt.date.fromisoformat(form.get("review", "")), Residual(form.get("residual", ""))
        except ValueError:
            return self.list(ask, caller, error="Say which risk is left, and a last day, as in 2027-06-30.")
        weighed = Weighed(form.get("purpose", ""), form.get("document", ""), caller.name, review, residual)

        def record() -> None:
            with self.store.writing() as tx:
                register.add(tx, self.keyring, self.policy(), self.folder, weighed, ask.now)

        return carry_out(ask, record, then=self.path, again=partial(self.list, ask, caller))
