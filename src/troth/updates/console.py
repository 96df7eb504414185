"""The door for staff: every published version, what the file says differently now, and the button that publishes it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from starlette.responses import Response

from troth.foundation import operations
from troth.foundation.operations import Operation
from troth.foundation.web.guarding import Guard, Guarded, StaffRoute, carry_out, guarded
from troth.foundation.web.pages import Ask
from troth.policy import documents, reading
from troth.updates import comparison, versions

if TYPE_CHECKING:
    from pathlib import Path

    from troth.foundation.keys import Keyring
    from troth.foundation.staff import Caller
    from troth.foundation.store import Store


def routes(store: Store, keyring: Keyring, file: Path, path: str, guard: Guard) -> tuple[tuple[str, str, Guarded], ...]:
    """(method, path, handler) of every page, at `path`. `file` is the policy."""
    return guarded(guard, Pages(store, keyring, file, path).routes(), path)


@dataclass(frozen=True)
class Pages:
    """What the pages are made of."""

    store: Store
    keyring: Keyring
    file: Path
    path: str

    def routes(self) -> tuple[StaffRoute, ...]:
        """(method, path below `path`, page, operation)."""
        return (
            ("GET", "", self.list, Operation.POLICY_SEE),
            ("POST", "", self.publish, Operation.POLICY_PUBLISH),
        )

    def list(self, ask: Ask, caller: Caller, error: str = "") -> Response:
        """The versions, the newest first, and how the file differs from it; `error`: why it was not published."""
        policy = reading.parse(documents.read_bytes(self.file), self.file.name)
        known = versions.history(self.store)
        newest = known[-1] if known else None
        changes: tuple[comparison.Difference, ...] = ()
        if newest is not None and newest.sha256 != policy.sha256:
            changes = comparison.differences(versions.load(self.store, newest.number).policy(), policy)
        return ask.page(
            "updates/versions-console.html",
            status=422 if error else 200,
            title="Versions",
            policy=policy,
            newest=newest,
            known=tuple(reversed(known)),
            changes=sorted(changes, key=lambda change: not change.material),
            may=operations.may(caller.role, Operation.POLICY_PUBLISH),
            error=error,
            here=self.path,
        )

    def publish(self, ask: Ask, caller: Caller) -> Response:
        """Publish the text that was shown; another than that is not published by mistake."""
        data = documents.read_bytes(self.file)
        policy = reading.parse(data, self.file.name)
        if ask.form.get("sha256") != policy.sha256:
            return self.list(ask, caller, error="The file is another than the one that was shown. Look again.")
        publish = partial(versions.publish, self.store, self.keyring, data, policy, ask.now, staff=caller.id)
        return carry_out(ask, publish, then=self.path, again=partial(self.list, ask, caller))
