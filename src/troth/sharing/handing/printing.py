"""What both commands need: the options, the archive, and how results are printed."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from troth.foundation.printing import Format

if TYPE_CHECKING:
    from troth.foundation.people import Identifier
    from troth.sharing.demand_reading import Demand, Scope
    from troth.sharing.transfer_reading import Transfer
    from troth.use.company import OpenCompany

SCHEMA = 1


By = Annotated[str, typer.Option("--as", help="The staff account that answers for it.")]
PerhapsBy = Annotated[str | None, typer.Option("--as", help="The staff account that does it.")]
Number = Annotated[int, typer.Argument(help="Such as 3.")]
Note = Annotated[str, typer.Option("--note", help="In words; sealed. Or - for standard input.")]
Key = Annotated[str, typer.Option("--key", help="The public key that it is encrypted for: age1...")]
Kinds = Annotated[str, typer.Option("--data", help="Kinds of data, with commas: contact.email,transaction.purchase.")]
Since = Annotated[dt.datetime | None, typer.Option("--since", formats=["%Y-%m-%d"], help="From which day on.")]
Until = Annotated[dt.datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Up to which day.")]


def meant(given: list[str]) -> tuple[Identifier, ...]:
    """Who is named; `-` reads lines of standard input."""
    from troth.foundation import people

    lines = [line for each in given for line in (sys.stdin.read().splitlines() if each == "-" else [each])]
    return tuple(people.parse(line) for line in lines if line.strip())


def scope(data: str, columns: str, since: dt.datetime | None, until: dt.datetime | None) -> Scope:
    """How much, from what was typed."""
    from troth.policy.vocabulary import expand, is_pattern
    from troth.sharing.demand_reading import Scope

    kinds = [part.strip() for part in data.split(",") if part.strip()]
    spelt = tuple(one for kind in kinds for one in (expand([kind]) if is_pattern(kind) else (kind,)))
    only = tuple(part.strip() for part in columns.split(",") if part.strip())
    return Scope(spelt, only, None if since is None else since.date(), None if until is None else until.date())


def read(note: str) -> str:
    """The note; `-` reads it from standard input."""
    return sys.stdin.read().strip() if note == "-" else note


def show(found: list[Demand], form: Format) -> None:
    """Print demands."""
    if form is Format.JSON:
        write({"schema": SCHEMA, "demands": [_demand_json(each) for each in found]})
        return
    for each in found:
        scope = each.granted or each.asked
        secret = f"; secret until {each.secret_until}" if each.secret_until else ""
        typer.echo(
            f"demand {each.id}  {each.state.value}  {each.authority} ({each.country}), {each.reference}: "
            f"{', '.join(scope.categories)} of {each.people} people{secret}"
        )
    if not found:
        typer.echo("No authority has demanded anything.")


def _demand_json(each: Demand) -> dict[str, Any]:
    return {
        "demand": each.id,
        "authority": each.authority,
        "country": each.country,
        "reference": each.reference,
        "treaty": each.treaty,
        "state": each.state.value,
        "people": each.people,
        "asked": each.asked.as_json(),
        "granted": None if each.granted is None else each.granted.as_json(),
        "secret_until": None if each.secret_until is None else each.secret_until.isoformat(),
        "told_at": None if each.told_at is None else each.told_at.isoformat(),
        "steps": [{"step": s.step.value, "at": s.at.isoformat(), "by": s.by, "entry": s.leaf} for s in each.steps],
    }


def show_transfers(found: list[Transfer], form: Format) -> None:
    """Print transfers."""
    if form is Format.JSON:
        write({"schema": SCHEMA, "transfers": [_transfer_json(each) for each in found]})
        return
    for each in found:
        typer.echo(f"transfer {each.id}  {each.state.value}  {each.buyer} ({each.country}); data go from {each.due} on")
    if not found:
        typer.echo("No business was transferred.")


def _transfer_json(each: Transfer) -> dict[str, Any]:
    return {
        "transfer": each.id,
        "buyer": each.buyer,
        "country": each.country,
        "state": each.state.value,
        "announced_at": each.announced_at.isoformat(),
        "due": each.due.isoformat(),
        "exported_at": None if each.exported_at is None else each.exported_at.isoformat(),
        "result": dict(each.result),
    }


def write(value: object) -> None:
    """Print it as JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def sequence(archive: OpenCompany) -> None:
    """Give the new entries of the ledger their places now, where no worker does it."""
    from urllib.parse import urlsplit

    from troth.foundation.ledger.sequencer import sequence_all

    office = archive.office
    host = urlsplit(archive.instance.settings.site.url).hostname or ""
    sequence_all(office.store, office.keyring, office.clock, host=host)


@contextmanager
def opened() -> Iterator[OpenCompany]:
    """The archive of the instance in this folder."""
    from troth.use.company import OpenCompany

    archive = OpenCompany.open()
    try:
        yield archive
    finally:
        archive.close()
        archive.office.store.close()
