"""The door for staff: the last scan of each tool, and the holes that are open, with the day by which each is mended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response

from troth.foundation.operations import Operation
from troth.foundation.web.guarding import Guard, Guarded, StaffRoute, guarded
from troth.foundation.web.pages import Ask
from troth.protection.audits import reading

if TYPE_CHECKING:
    from troth.foundation.staff import Caller
    from troth.foundation.store import Store
    from troth.policy.protecting import AuditSettings


def routes(store: Store, settings: AuditSettings, path: str, guard: Guard) -> tuple[tuple[str, str, Guarded], ...]:
    """(method, path, handler) of every page, at `path`."""
    return guarded(guard, Pages(store, settings, path).routes(), path)


@dataclass(frozen=True)
class Pages:
    """What the pages are made of."""

    store: Store
    settings: AuditSettings
    path: str

    def routes(self) -> tuple[StaffRoute, ...]:
        """(method, path below `path`, page, operation)."""
        return (("GET", "", self.list, Operation.AUDITS_SEE),)

    def list(self, ask: Ask, caller: Caller) -> Response:  # noqa: ARG002 - the same for all who may
        """The scans and the holes; with `?all=1` those that are closed or accepted, too."""
        everything = ask.request.query_params.get("all") == "1"
        with self.store.reading() as tx:
            scans, found = reading.last_of_each_tool(tx), reading.findings(tx)
        open_ = [each for each in found if each.is_open]
        shown = found if everything else open_
        return ask.page(
            "audits/list.html",
            title="Audits",
            scans=scans,
            shown=[(each, reading.is_late(each, self.settings, ask.now)) for each in shown],
            open=len(open_),
            others=len(found) - len(open_),
            everything=everything,
            settings=self.settings,
            here=self.path,
        )
