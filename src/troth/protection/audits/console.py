"""The door for staff: the last scan of each tool, the holes that are open with the day by which each is mended, and the
form that takes in another scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from starlette.responses import Response

from troth.errors import TrothError
from troth.foundation import operations
from troth.foundation.operations import Operation
from troth.foundation.web import forms
from troth.foundation.web.guarding import Guard, Guarded, StaffRoute, carry_out, guarded
from troth.foundation.web.pages import Ask
from troth.protection.audits import reading, register

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.staff import Caller
    from troth.foundation.store import Store
    from troth.policy.protecting import AuditSettings


LARGEST = 8 * 1024 * 1024
"""Bytes of a scan that comes by a form; a larger one is taken in by `troth audit import`."""


def routes(
    store: Store, keyring: Keyring, settings: AuditSettings, path: str, guard: Guard
) -> tuple[tuple[str, str, Guarded], ...]:
    """(method, path, handler) of every page, at `path`."""
    return guarded(guard, Pages(store, keyring, settings, path).routes(), path)


@dataclass(frozen=True)
class Pages:
    """What the pages are made of."""

    store: Store
    keyring: Keyring
    settings: AuditSettings
    path: str

    def routes(self) -> tuple[StaffRoute, ...]:
        """(method, path below `path`, page, operation)."""
        return (
            ("GET", "", self.list, Operation.AUDITS_SEE),
            ("POST", "", self.take_in, Operation.AUDITS_IMPORT),
        )

    def list(self, ask: Ask, caller: Caller, error: str = "") -> Response:
        """The scans and the holes; with `?all=1` those that are closed or accepted, too. `error`: what was wrong with a
        scan that was brought.
        """
        everything = ask.request.query_params.get("all") == "1"
        with self.store.reading() as tx:
            scans, found = reading.last_of_each_tool(tx), reading.findings(tx)
        open_ = [each for each in found if each.is_open]
        shown = found if everything else open_
        return ask.page(
            "audits/list.html",
            status=422 if error else 200,
            title="Audits",
            scans=scans,
            shown=[(each, reading.is_late(each, self.settings, ask.now)) for each in shown],
            open=len(open_),
            others=len(found) - len(open_),
            everything=everything,
            settings=self.settings,
            may=operations.may(caller.role, Operation.AUDITS_IMPORT),
            largest=LARGEST,
            typed=ask.form,
            error=error,
            here=self.path,
        )

    @forms.takes_file(LARGEST)
    def take_in(self, ask: Ask, caller: Caller) -> Response:
        """Take in what a scanner wrote, in the caller's name; the same output twice is one scan."""
        data = ask.files.get("output", b"")
        if not data:
            return self.list(ask, caller, error="Choose the file that the scanner wrote; nothing was done.")
        tool = ask.form.get("tool", "").strip() or None

        def take_in() -> None:
            with self.store.writing() as tx:
                taken = register.take_in(tx, self.keyring, data, "the file", ask.now, tool, staff=caller.id)
            if taken.again:
                raise TrothError("this very output is on record already; nothing was done")

        return carry_out(ask, take_in, then=self.path, again=partial(self.list, ask, caller))
