"""Pages of the console, each with the operation that it belongs to.

A section's door for staff takes a `Guard` and makes its pages by it: `guard(page, operation=Operation.HOLDS_ADD)`. What
comes out leads away whoever is not signed in, refuses whoever may not, and carries its operation, so that the whole
matrix can be walked over the routes that are served. A route of the console that carries none is not served.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.responses import Response

from troth.errors import AccessDenied, TrothError
from troth.foundation import operations
from troth.foundation.operations import Operation
from troth.foundation.roles import Role
from troth.foundation.staff import Caller
from troth.foundation.web.pages import Ask, Handler

StaffPage = Callable[[Ask, Caller], Response]
"""A page that needs to know who of staff looks."""

StaffRoute = tuple[str, str, StaffPage, Operation]
"""(method, path, page, operation)."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A handler of the console and its operation; None: a page for those who are not signed in yet.

    `page` is what a log calls it by.
    """

    handler: Handler
    operation: Operation | None
    page: Callable[..., Response]

    def __call__(self, ask: Ask) -> Response:
        return self.handler(ask)


class Guard(Protocol):
    """What a section's door makes its pages by."""

    def __call__(self, page: StaffPage, *, operation: Operation) -> Guarded: ...


def entries_of(console: str, role: Role) -> str:
    """Where the console shows an entry of the ledger by its number; empty for a role that may not see one."""
    return f"{console}/ledger/entries" if operations.may(role, Operation.LEDGER_EXPORT) else ""


def carry_out(ask: Ask, deed: Callable[[], object], *, then: str, again: Callable[[str], Response]) -> Response:
    """Do what a form asks for and go to `then`; a fault in what was typed is told on the page that `again` makes.

    A fault is a TrothError, in its words. That somebody may not do it is none: AccessDenied passes.
    """
    try:
        deed()
    except AccessDenied:
        raise
    except TrothError as problem:
        return again(str(problem))
    return ask.go(then)


def guarded(guard: Guard, routes: tuple[StaffRoute, ...], below: str) -> tuple[tuple[str, str, Guarded], ...]:
    """(method, path, handler) of every route, its path below `below`."""
    return tuple((method, below + path, guard(page, operation=operation)) for method, path, page, operation in routes)
