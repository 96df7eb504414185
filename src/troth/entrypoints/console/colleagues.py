"""Staff as staff see them: accounts, their factors, the matrix of what each role may; and what is done about them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from starlette.responses import Response

from troth.errors import AccessDenied, TrothError
from troth.foundation import leavers, operations, staff, staffing
from troth.foundation.operations import Operation
from troth.foundation.roles import Role
from troth.foundation.web import forms
from troth.foundation.web.guarding import carry_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from troth.entrypoints.console.door import Door
    from troth.foundation.staff import Account, Caller
    from troth.foundation.web.guarding import StaffRoute
    from troth.foundation.web.pages import Ask

    Act = Callable[["Colleagues", Ask, Caller, int], Response]


LARGEST_LIST = 1024 * 1024
"""Bytes of a list of those who work here that comes by a form."""


@dataclass(frozen=True)
class Colleagues:
    """The pages at and below `/staff`."""

    door: Door

    @property
    def here(self) -> str:
        return f"{self.door.here}/staff"

    def routes(self) -> tuple[StaffRoute, ...]:
        """(method, path below the console's, page, operation)."""
        return (
            ("GET", "/staff", self.list, Operation.STAFF_SEE),
            ("GET", "/staff/{account}", self.one, Operation.STAFF_SEE),
            ("POST", "/staff/new", self.add, Operation.STAFF_ADD),
            ("POST", "/staff/compare", self.compare, Operation.STAFF_COMPARE),
            ("POST", "/staff/{account}/role", self.set_role, Operation.STAFF_ROLE),
            ("POST", "/staff/{account}/close", self.close, Operation.STAFF_CLOSE),
            ("POST", "/staff/{account}/link", self.link, Operation.STAFF_LINK),
            ("POST", "/staff/{account}/factors", self.reset_factors, Operation.STAFF_FACTORS),
            ("POST", "/staff/{account}/sessions", self.end_sessions, Operation.STAFF_SESSIONS),
        )

    def one(self, ask: Ask, caller: Caller) -> Response:
        found = self._find(ask)
        return self._lost(ask) if found is None else self._one(ask, caller, found)

    def add(self, ask: Ask, caller: Caller) -> Response:
        if ask.form.get("role") not in {*Role}:
            return self.list(ask, caller, error="Choose a role; nothing was done.")
        try:
            made = staffing.add(self.door.store, caller, ask.form.get("name", ""), Role(ask.form["role"]), now=ask.now)
        except AccessDenied:
            raise
        except TrothError as problem:
            return self.list(ask, caller, error=str(problem))
        return ask.go(f"{self.here}/{made.id}")

    @forms.takes_file(LARGEST_LIST)
    def compare(self, ask: Ask, caller: Caller) -> Response:
        """Hold the open accounts against the list of those who work here. Nobody's account is closed by it."""
        content = ask.files.get("list", b"")
        if not content:
            return self.list(ask, caller, error="Choose the list; nothing was done.")
        compare = partial(leavers.compare, self.door.store, content, where="the list", now=ask.now, by=caller.id)
        return carry_out(ask, compare, then=self.here, again=partial(self.list, ask, caller))

    def set_role(self, ask: Ask, caller: Caller) -> Response:
        found = self._find(ask)
        if found is None:
            return self._lost(ask)
        if ask.form.get("role") not in {*Role}:
            return self._one(ask, caller, found, status=422, error="Choose a role; nothing was done.")
        staffing.set_role(self.door.store, caller, found.id, Role(ask.form["role"]), now=ask.now)
        return ask.go(f"{self.here}/{found.id}")

    def close(self, ask: Ask, caller: Caller) -> Response:
        return self._do(ask, lambda account: staffing.close(self.door.store, caller, account, now=ask.now))

    def reset_factors(self, ask: Ask, caller: Caller) -> Response:
        return self._do(ask, lambda account: staffing.reset_factors(self.door.store, caller, account, now=ask.now))

    def end_sessions(self, ask: Ask, caller: Caller) -> Response:
        return self._do(ask, lambda account: staffing.end_sessions(self.door.store, caller, account, now=ask.now))

    def link(self, ask: Ask, caller: Caller) -> Response:
        found = self._find(ask)
        if found is None:
            return self._lost(ask)
        try:
            token = staffing.link(self.door.store, caller, found.id, now=ask.now)
        except AccessDenied:
            raise
        except TrothError as problem:
            return self._one(ask, caller, found, status=422, error=str(problem))
        site = self.door.instance.settings.site.url.rstrip("/")
        address = f"{site}{self.door.here}/sign-in/{token}"
        return ask.page("console/link-made.html", title="A link", account=found, address=address, here=self.here)

    # --- inside -------------------------------------------------------------------------------------------------------

    def list(self, ask: Ask, caller: Caller, error: str = "") -> Response:
        with self.door.store.reading() as tx:
            accounts = staff.list_(tx)
            compared = leavers.latest(tx)
        return ask.page(
            "console/staff.html",
            status=422 if error else 200,
            title="Staff",
            accounts=accounts,
            compared=compared,
            gone=json.loads(compared.gone) if compared else [],
            gives=self._gives(caller) if operations.may(caller.role, Operation.STAFF_ADD) else (),
            may_compare=operations.may(caller.role, Operation.STAFF_COMPARE),
            operations=list(Operation),
            roles=list(Role),
            error=error,
            here=self.here,
        )

    def _one(self, ask: Ask, caller: Caller, account: Account, *, status: int = 200, error: str = "") -> Response:
        open_other = account.disabled_at is None and account.id != caller.id
        acts = {each for each in _ACTS if open_other and operations.may(caller.role, each)}
        if not operations.may_give(caller.role, account.role):
            acts -= {Operation.STAFF_ROLE, Operation.STAFF_LINK, Operation.STAFF_FACTORS}
        return ask.page(
            "console/colleague.html",
            status=status,
            title=account.name,
            account=account,
            acts={str(each) for each in acts},
            gives=self._gives(caller),
            error=error,
            here=self.here,
        )

    def _do(self, ask: Ask, act: Callable[[int], object]) -> Response:
        found = self._find(ask)
        if found is None:
            return self._lost(ask)
        act(found.id)
        return ask.go(f"{self.here}/{found.id}")

    def _gives(self, caller: Caller) -> tuple[Role, ...]:
        return tuple(role for role in Role if operations.may_give(caller.role, role))

    def _find(self, ask: Ask) -> Account | None:
        with self.door.store.reading() as tx:
            return staff.find(tx, ask.number("account"))

    def _lost(self, ask: Ask) -> Response:
        return ask.problem(404, "There is no account of that number.", "The list shows those that there are.")


_ACTS = (
    Operation.STAFF_ROLE,
    Operation.STAFF_CLOSE,
    Operation.STAFF_LINK,
    Operation.STAFF_FACTORS,
    Operation.STAFF_SESSIONS,
)
