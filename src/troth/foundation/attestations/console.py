"""The door for staff: what is attested and whether it holds, and the form that attests in one's own name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response

from troth.errors import UnknownName
from troth.foundation import operations
from troth.foundation.attestations import reading, register
from troth.foundation.attestations.register import Statement
from troth.foundation.attestations.topics import TOPICS
from troth.foundation.operations import Operation
from troth.foundation.web.guarding import Guard, Guarded, StaffRoute, carry_out, guarded
from troth.foundation.web.pages import Ask

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.staff import Caller
    from troth.foundation.store import Store
    from troth.policy.model import Policy


def routes(  # noqa: PLR0917 - what an instance is made of
    store: Store, keyring: Keyring, policy: Callable[[], Policy], folder: Path, path: str, guard: Guard
) -> tuple[tuple[str, str, Guarded], ...]:
    """(method, path, handler) of every page, at and below `path`."""
    pages = Pages(store, keyring, policy, folder, path)
    return guarded(guard, pages.routes(), path)


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
            ("GET", "", self.list, Operation.ATTESTATIONS_SEE),
            ("POST", "", self.attest, Operation.ATTESTATIONS_ADD),
            ("POST", "/{number}/withdraw", self.withdraw, Operation.ATTESTATIONS_ADD),
        )

    def list(self, ask: Ask, caller: Caller, error: str = "") -> Response:
        """Every attestation, whether it holds, and the form for another; `error` says what was wrong with the last."""
        with self.store.reading() as tx:
            found = reading.all_(tx)
        return ask.page(
            "attestations.html",
            status=422 if error else 200,
            title="Attestations",
            found=[(each, reading.fault(each, self.folder, ask.now)) for each in found],
            topics=TOPICS,
            sentences=self.policy().sentences,
            may=operations.may(caller.role, Operation.ATTESTATIONS_ADD),
            typed=ask.form,
            error=error,
            here=self.path,
        )

    def attest(self, ask: Ask, caller: Caller) -> Response:
        """Attest in the caller's own name."""
        form = ask.form
        try:
            until = dt.date.fromisoformat(form.get("until", ""))
        except ValueError:
            return self.list(ask, caller, error="Say until which day it holds, as in 2027-06-30.")
        said = Statement(form.get("about", ""), form.get("statement", ""), caller.name, form.get("document", ""), until)

        def attest() -> None:
            with self.store.writing() as tx:
                register.attest(tx, self.keyring, self.policy(), self.folder, said, ask.now)

        return carry_out(ask, attest, then=self.path, again=partial(self.list, ask, caller))

    def withdraw(self, ask: Ask, caller: Caller) -> Response:  # noqa: ARG002 - the same for all who may
        """Take one back."""
        try:
            with self.store.writing() as tx:
                register.withdraw(tx, self.keyring, ask.number("number"), ask.now)
        except UnknownName:
            return ask.problem(404, "There is no attestation of that number.", "The list shows those that there are.")
        return ask.go(self.path)
