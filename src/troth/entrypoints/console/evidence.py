"""The door for staff: what the ledger stands for now, its signed head to keep outside, one entry with its proof, all of
it to take away, and the audit report.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sqlalchemy import select
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from troth.errors import StoreError, TrothError
from troth.foundation import operations
from troth.foundation.ledger import checkpoints, exports, receipts, watching
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.operations import Operation
from troth.foundation.web.guarding import Guard, Guarded, StaffRoute, guarded
from troth.foundation.web.pages import Ask

if TYPE_CHECKING:
    from troth.foundation.ledger.receipts import Receipt
    from troth.foundation.staff import Caller
    from troth.foundation.store import Store
    from troth.policy.settings import Instance

_PIECE = 64 * 1024
_NONE = (
    "The ledger has no signed head yet.",
    "It gets one within seconds of its first entry, while `troth serve` runs.",
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
            ("GET", "", self.head, Operation.LEDGER_SEE),
            ("GET", "/checkpoint", self.checkpoint, Operation.LEDGER_SEE),
            ("GET", "/export.zip", self.export, Operation.LEDGER_EXPORT),
            ("GET", "/entries", self.entry, Operation.LEDGER_EXPORT),
            ("GET", "/entries/{number}", self.proof, Operation.LEDGER_EXPORT),
            ("GET", "/report.html", self.report, Operation.REPORT_TAKE),
            ("GET", "/report.json", self.report, Operation.REPORT_TAKE),
        )

    def head(self, ask: Ask, caller: Caller) -> Response:
        """The newest head, whether entries wait too long, and how the last verification of the whole ended."""
        with self.store.reading() as tx:
            seen, head, keys = watching.look(tx), checkpoints.latest(tx), checkpoints.public_keys(tx)
        return ask.page(
            "console/ledger.html",
            title="Ledger",
            seen=seen,
            late=seen.late(ask.now),
            head=checkpoints.claimed(head.note) if head else None,
            keys=[key.text for key in keys],
            may=operations.may(caller.role, Operation.LEDGER_EXPORT),
            may_report=operations.may(caller.role, Operation.REPORT_TAKE),
            here=self.path,
        )

    def checkpoint(self, ask: Ask, caller: Caller) -> Response:  # noqa: ARG002 - the same for all who may
        """The signed note of the newest head, as C2SP tlog-checkpoint has it."""
        with self.store.reading() as tx:
            head = checkpoints.latest(tx)
        if head is None:
            return ask.problem(404, *_NONE)
        size = checkpoints.claimed(head.note).size
        return PlainTextResponse(head.note, headers=_saved_as(f"checkpoint-{size}.txt"))

    def export(self, ask: Ask, caller: Caller) -> Response:  # noqa: ARG002 - the same for all who may
        """The ledger as files that other tools verify, in one archive; no sealed body is in it, and no name."""
        with self.store.reading() as tx:
            if checkpoints.latest(tx) is None:
                return ask.problem(404, *_NONE)
        packed = tempfile.TemporaryFile()  # noqa: SIM115 - read, and closed, by the answer
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "ledger"
            head = exports.export(self.store, folder)
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in sorted(each for each in folder.rglob("*") if each.is_file()):
                    archive.write(path, path.relative_to(folder.parent))
        length = packed.tell()
        packed.seek(0)
        headers = {**_saved_as(f"ledger-{head.size}.zip"), "Content-Length": str(length)}
        return StreamingResponse(_pieces(packed), media_type="application/zip", headers=headers)

    def entry(self, ask: Ask, caller: Caller) -> Response:  # noqa: ARG002 - the same for all who may
        """One entry by its number, letter by letter as it was hashed, and whether the signed head proves it."""
        said = ask.request.query_params.get("number", "").strip()
        try:
            found, waits = self._receipt(said) if said else (None, False)
        except StoreError as problem:
            return ask.problem(503, problem.message, problem.repair or "")
        return ask.page(
            "console/entry.html",
            title=f"Entry {said}" if found else "An entry of the ledger",
            status=404 if said and found is None and not waits else 200,
            said=said,
            found=found,
            facts=json.loads(found.entry) if found else {},
            head=checkpoints.claimed(found.checkpoint) if found else None,
            waits=waits,
            here=self.path,
        )

    def proof(self, ask: Ask, caller: Caller) -> Response:  # noqa: ARG002 - the same for all who may
        """The proof that one entry is in the ledger, as a file that verifies elsewhere."""
        number = ask.request.path_params["number"]
        found, _ = self._receipt(number)
        if found is None:
            return ask.problem(404, "The ledger has no proof of such an entry.", "A new entry has one within seconds.")
        return JSONResponse(found.json, headers=_saved_as(f"entry-{number}.json"))

    def _receipt(self, number: str) -> tuple[Receipt | None, bool]:
        """The proof of the entry of that number, and whether there is such an entry that waits for its place.

        Raises: StoreError for a ledger that is damaged: that is not the same as an entry that is not there.
        """
        if not (number.isascii() and number.isdigit() and len(number) < 16):
            return None, False
        with self.store.reading() as tx:
            if tx.execute(select(ledger_leaves.c.id).where(ledger_leaves.c.id == int(number))).first() is None:
                return None, False
            found = receipts.find_receipt(tx, int(number))
        return found, found is None

    def report(self, ask: Ask, caller: Caller) -> Response:  # noqa: ARG002 - the same for all who may
        """The signed audit report, as a page to read and print or as JSON."""
        from troth.entrypoints.reports import audit

        try:
            made = audit.signed(self.instance, self.store, ask.now)
        except TrothError as problem:
            return ask.problem(404, problem.message, problem.repair or "")
        kind = ask.request.url.path.rpartition(".")[2]
        text, media = (
            (audit.as_json(made), "application/json") if kind == "json" else (audit.as_html(made), "text/html")
        )
        return Response(text, media_type=media, headers=_saved_as(f"audit-report-{ask.now:%Y-%m-%d}.{kind}"))


def _pieces(packed: IO[bytes]) -> Iterator[bytes]:
    with packed:
        while piece := packed.read(_PIECE):
            yield piece


def _saved_as(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
