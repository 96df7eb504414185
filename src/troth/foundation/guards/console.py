"""The door for staff: the brake on everything that writes into the company's stores, and who pulled it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response

from troth.foundation import operations
from troth.foundation.guards import pausing
from troth.foundation.operations import Operation
from troth.foundation.web.guarding import Guard, Guarded, StaffRoute, guarded
from troth.foundation.web.pages import Ask

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.staff import Caller
    from troth.foundation.store import Store


def routes(store: Store, keyring: Keyring, path: str, guard: Guard) -> tuple[tuple[str, str, Guarded], ...]:
    """(method, path, handler) of every page, at and below `path`."""
    return guarded(guard, Pages(store, keyring, path).routes(), path)


@dataclass(frozen=True)
class Pages:
    """What the pages are made of."""

    store: Store
    keyring: Keyring
    path: str

    def routes(self) -> tuple[StaffRoute, ...]:
        """(method, path below `path`, page, operation)."""
        return (
            ("GET", "", self.brake, Operation.RETENTION_SEE),
            ("POST", "/pause", self.pause, Operation.WRITING_PAUSE),
            ("POST", "/resume", self.resume, Operation.WRITING_RESUME),
        )

    def brake(self, ask: Ask, caller: Caller) -> Response:
        """Whether writing is stopped, the button that changes it, and the last times it was."""
        with self.store.reading() as tx:
            now, turns = pausing.brake(tx), pausing.turns(tx)
        return ask.page(
            "writing.html",
            title="Stop writing",
            brake=now,
            turns=turns,
            may_pause=operations.may(caller.role, Operation.WRITING_PAUSE),
            may_resume=operations.may(caller.role, Operation.WRITING_RESUME),
            here=self.path,
        )

    def pause(self, ask: Ask, caller: Caller) -> Response:
        """Stop it, in the caller's name."""
        with self.store.writing() as tx:
            pausing.pause(tx, self.keyring, ask.now, staff=caller.id)
        return ask.go(self.path)

    def resume(self, ask: Ask, caller: Caller) -> Response:
        """Let it go on, in the caller's name."""
        with self.store.writing() as tx:
            pausing.resume(tx, self.keyring, ask.now, staff=caller.id)
        return ask.go(self.path)
