"""The door for staff: the record of processing as a page, and as files to take away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response

from troth.entrypoints.ropa import shapes, sheets, workbook
from troth.entrypoints.ropa.opening import record_of
from troth.entrypoints.ropa.words import Columns, View
from troth.errors import TrothError
from troth.foundation.operations import Operation
from troth.foundation.web.guarding import Guard, Guarded, StaffRoute, guarded
from troth.foundation.web.pages import Ask

if TYPE_CHECKING:
    from troth.entrypoints.ropa.record import Record
    from troth.foundation.staff import Caller
    from troth.foundation.store import Store
    from troth.policy.settings import Instance

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FILES = (
    ("Workbook", "record.xlsx"),
    ("Workbook, columns of the CNIL", "record-cnil.xlsx"),
    ("Workbook, columns of the ICO", "record-ico.xlsx"),
    ("JSON", "record.json"),
)


def routes(instance: Instance, store: Store, path: str, guard: Guard) -> tuple[tuple[str, str, Guarded], ...]:
    """(method, path, handler) of every page, at and below `path`."""
    return guarded(guard, Pages(instance, store, path).routes(), path)


@dataclass(frozen=True)
class Pages:
    """What the pages are made of."""

    instance: Instance
    store: Store
    path: str

    def routes(self) -> tuple[StaffRoute, ...]:
        """(method, path below `path`, page, operation)."""
        return (
            ("GET", "", self.show, Operation.ROPA_SEE),
            *(("GET", f"/{name}", self.take, Operation.ROPA_SEE) for _, name in _FILES),
        )

    def show(self, ask: Ask, caller: Caller) -> Response:  # noqa: ARG002 - the same for all who may
        """The record, as controller or as processor."""
        wanted = ask.request.query_params.get("as", View.CONTROLLER)
        view = View(wanted) if wanted in set(View) else View.CONTROLLER
        record = self._record(ask)
        return ask.page(
            "record/console.html",
            title="Record of processing",
            sheets=sheets.sheets(record, view, Columns.TROTH),
            gaps=len(record.gaps),
            view=view,
            views=[(each, f"{self.path}?as={each}") for each in View],
            files=[(word, f"{self.path}/{name}") for word, name in _FILES],
        )

    def take(self, ask: Ask, caller: Caller) -> Response:  # noqa: ARG002 - the same for all who may
        """One of the files."""
        name = ask.request.url.path.rpartition("/")[2]
        record = self._record(ask)
        if name.endswith(".json"):
            return _file(shapes.to_text(shapes.of_record(record)).encode(), name, "application/json")
        columns = next((each for each in Columns if f"-{each}." in name), Columns.TROTH)
        try:
            data = workbook.as_xlsx(sheets.sheets(record, View.CONTROLLER, columns), company=record.controller.name)
        except TrothError as problem:
            return ask.problem(503, problem.message, problem.repair or "")
        return _file(data, name, _XLSX)

    def _record(self, ask: Ask) -> Record:
        return record_of(self.instance, self.store, ask.now)


def _file(data: bytes, name: str, kind: str) -> Response:
    return Response(data, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})
