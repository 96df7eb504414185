"""`troth ropa` and `troth report`: what an authority or an auditor asks to see."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from troth.entrypoints.ropa.words import Columns, View
from troth.errors import StoreError, TrothError

if TYPE_CHECKING:
    from troth.foundation.store import Store
    from troth.policy.settings import Instance


class RecordFormat(StrEnum):
    """How the record is written."""

    XLSX = "xlsx"
    JSON = "json"
    HTML = "html"
    CSV = "csv"


class ReportFormat(StrEnum):
    """How the report is written."""

    HTML = "html"
    JSON = "json"


Output = Annotated[Path | None, typer.Option("-o", "--output", help="Where to write; else standard output.")]


def ropa(
    view: Annotated[View, typer.Option("--as", help="Of what the company decides itself, or does for others.")] = (
        View.CONTROLLER
    ),
    form: Annotated[RecordFormat, typer.Option("--format", help="What to write.")] = RecordFormat.JSON,
    columns: Annotated[Columns, typer.Option("--columns", help="Whose columns the activities have.")] = Columns.TROTH,
    output: Output = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of the record.")] = False,  # noqa: FBT002
) -> None:
    """Write the record of processing activities (GDPR Art. 30), from policy, data map and registers.

    Example: troth ropa --format xlsx -o record.xlsx

    Exit status: 0 done, 2 it could not be made.
    """
    from troth.entrypoints.ropa import page, shapes, sheets, workbook
    from troth.entrypoints.ropa.opening import record_of
    from troth.foundation.clock import SystemClock

    if schema:
        _write(shapes.to_text(shapes.schema()).encode(), output)
        return
    with _opened() as (instance, store):
        record = record_of(instance, store, SystemClock().now())
    company = record.controller.name
    if form is RecordFormat.JSON:
        data = shapes.to_text(shapes.of_record(record, view)).encode()
    elif form is RecordFormat.HTML:
        data = page.of_record(sheets.sheets(record, view, columns), view, company=company).encode()
    elif form is RecordFormat.CSV:
        made = sheets.sheets(record, view, columns)
        data = workbook.as_csv(next(sheet for sheet in made if sheet.key == "activities")).encode()
    else:
        if output is None and sys.stdout.isatty():
            raise TrothError("a workbook is not for a terminal.", repair="Add `-o record.xlsx`.")
        data = workbook.as_xlsx(sheets.sheets(record, view, columns), company=company)
    _write(data, output)
    if record.gaps and output is not None:
        typer.echo(f"{len(record.gaps)} gaps: nobody has declared what stands in its list of gaps", err=True)


def report(
    form: Annotated[ReportFormat, typer.Option("--format", help="What to write.")] = ReportFormat.JSON,
    output: Output = None,
) -> None:
    """Write the audit report: verdicts with evidence, what is open, requests, registers, the ledger; signed.

    Example: troth report --format html -o report.html

    Exit status: 0 done, 2 it could not be made.
    """
    from troth.entrypoints import checking
    from troth.entrypoints.reports import audit
    from troth.foundation.clock import SystemClock

    checking.place(checking.here())
    with _opened() as (instance, store):
        if store is None:
            raise StoreError("there is no store yet, so that there is nothing to report.", repair="Run `troth init`.")
        made = audit.signed(instance, store, SystemClock().now())
    _write((audit.as_json(made) if form is ReportFormat.JSON else audit.as_html(made)).encode(), output)


@contextmanager
def _opened() -> Iterator[tuple[Instance, Store | None]]:
    """The instance of this folder and its store to read, if there is one."""
    from troth.entrypoints import checking
    from troth.foundation.store import Store

    instance = checking.here()
    if not checking.has_store(instance):
        yield instance, None
        return
    with Store.open(instance.store_url, read_only=True) as store:
        store.require_current()
        yield instance, store


def _write(data: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        output.write_bytes(data)
