"""`troth audit`: what scanners found, and since when it is open."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.store import Store

SCHEMA = 1


class Printed(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"


Form = Annotated[Printed, typer.Option("--format", help="How to print it.")]

audit = typer.Typer(no_args_is_help=True, help="Audits: what scanners found in your own systems.")


@audit.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="SARIF, CycloneDX (BOM or VEX), or pip-audit's JSON.")],
    tool: Annotated[str | None, typer.Option("--tool", help="What to call it, where the file does not say.")] = None,
    form: Form = Printed.TEXT,
) -> None:
    """Take in what a scanner wrote. A hole counts from the day on which its tool first reported it.

    Example: troth audit import pip-audit.json

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.errors import UnreadableFile
    from troth.foundation.clock import SystemClock
    from troth.protection.audits import formats, register

    try:
        with file.open("rb") as stream:
            data = stream.read(formats.LARGEST + 1)
    except OSError:
        raise UnreadableFile("there is no such file that can be read.", where=file.name) from None
    with _opened() as (store, keyring), store.writing() as tx:
        taken = register.take_in(tx, keyring, data, file.name, SystemClock().now(), tool)
    if form is Printed.JSON:
        told = {name: getattr(taken, name) for name in ("tool", "found", "new", "closed", "again")}
        typer.echo(json.dumps({"schema": SCHEMA, **told, "scanned_at": taken.scanned_at.isoformat()}, indent=2))
    elif taken.again:
        typer.echo("This very output is on record already.")
    else:
        typer.echo(
            f"{taken.tool}, {taken.scanned_at:%Y-%m-%d}: {taken.found} reported, {taken.new} new, "
            f"{taken.closed} closed."
        )


@audit.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Closed and accepted ones too.")] = False,  # noqa: FBT002 - typer's form
    form: Form = Printed.TEXT,
) -> None:
    """List the last scan of each tool, and the holes that are open, the gravest first.

    Example: troth audit list

    Exit status: 0 none is open, 1 some are, 2 it could not be done.
    """
    from troth.protection.audits import reading

    with _opened() as (store, _), store.reading() as tx:
        last, found = reading.last_of_each_tool(tx), reading.findings(tx)
    open_ = [each for each in found if each.is_open]
    shown = found if everything else open_
    if form is Printed.JSON:
        scans = [{"tool": s.tool, "scanned_at": s.scanned_at.isoformat(), "sha256": s.sha256} for s in last]
        holes = [
            {
                "tool": each.tool,
                "name": each.name,
                "place": each.place,
                "severity": each.severity,
                "first_seen": each.first_seen.isoformat(),
                "closed_at": each.closed_at.isoformat() if each.closed_at else None,
                "accepted": each.accepted,
            }
            for each in shown
        ]
        typer.echo(json.dumps({"schema": SCHEMA, "scans": scans, "findings": holes}, ensure_ascii=False, indent=2))
    else:
        for scan in last:
            typer.echo(f"{scan.tool}  last {scan.scanned_at:%Y-%m-%d}, {scan.found} reported")
        for each in shown:
            state = "open" if each.is_open else f"accepted: {each.accepted}" if each.accepted else "closed"
            typer.echo(f"  {each.severity:<8}  {each.name}  {each.place}  since {each.first_seen:%Y-%m-%d}  {state}")
        if not last:
            typer.echo("No scan is on record: troth audit import FILE", err=True)
    if open_:
        raise typer.Exit(1)


@contextmanager
def _opened() -> Iterator[tuple[Store, Keyring]]:
    from troth.foundation import keys
    from troth.foundation.keys import Keyring
    from troth.foundation.store import Store
    from troth.policy import settings

    instance = settings.read(Path.cwd(), os.environ)
    keyring = Keyring.load(instance.folder, instance.environ)
    with Store.open(instance.store_url) as store:
        store.require_current()
        keys.confirm(store, keyring)
        yield store, keyring
