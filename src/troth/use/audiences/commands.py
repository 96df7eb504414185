"""`troth audience`: everybody who may be used for a purpose, from the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from troth.errors import UnknownName, UnreadableFile
from troth.use import terminal

if TYPE_CHECKING:
    from troth.use.audience import People
    from troth.use.office import Office

SCHEMA = 1
_BATCH = 10_000


class Format(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


def audience(  # noqa: PLR0917 - the options of a command
    purpose: Annotated[str, typer.Option("--purpose", help="A purpose of the policy.")],
    data: Annotated[
        list[str] | None,
        typer.Option("--data", help="A category of data; may be repeated. All that the purpose declares by default."),
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="The recipient, by its name in the policy.")] = None,
    count: Annotated[bool, typer.Option("--count", help="Only how many.")] = False,  # noqa: FBT002 - typer's form of a flag
    among: Annotated[
        str | None,
        typer.Option(
            "--among", metavar="FILE", help="Of these only, one PERSON a line, printed as given; - reads them."
        ),
    ] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Read everybody's words anew first.")] = False,  # noqa: FBT002 - as above
    form: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TEXT,
) -> None:
    """List everybody whose data may be used for a purpose now: the same as asking `troth may` about each.

    People are printed as key=..., troth's own name for them, which every command takes; with --among as you name them.

    Example: troth audience --purpose marketing --data contact.email --count

    Exit status: 0 the list is whole, 2 it could not be made, and then what was printed is not to be used.
    """
    with _office() as office:
        categories = _declared(office, purpose, data)
        found: Iterable[str] | People
        if among:
            found = _among(office, among, purpose, categories, to)
        else:
            found = _all(office, purpose, categories, to, rebuild)
        _warn_of_guesses(office, purpose, categories)
        if count:
            number = len(found) if isinstance(found, Sized) else sum(1 for _ in found)
            typer.echo(json.dumps({"schema": SCHEMA, "count": number}) if form is Format.JSON else number)
        else:
            _print(found, form)


def _all(office: Office, purpose: str, data: Iterable[str], to: str | None, rebuild: bool) -> People:  # noqa: FBT001 - passed on
    from troth.use.audience import Audience, People

    everybody = Audience(office)
    if rebuild:
        everybody.rebuild()
    return People(office, everybody.of(purpose, data, to))


def _among(office: Office, file: str, purpose: str, data: Iterable[str], to: str | None) -> Iterator[str]:
    from troth.use.lease import Lease

    lease = Lease(office)
    try:
        with nullcontext(sys.stdin) if file == "-" else Path(file).open(encoding="utf-8") as lines:
            while part := [line.strip() for line in islice(lines, _BATCH)]:
                yield from lease.permitted(purpose, data, [line for line in part if line], to)
    except (OSError, UnicodeDecodeError):
        raise UnreadableFile("the list of people cannot be read", where=file, expected="one PERSON a line") from None
    finally:
        lease.close()


def _print(found: Iterable[str], form: Format) -> None:
    """Streamed; JSON that was cut short is no JSON."""
    if form is Format.JSON:
        typer.echo(f'{{"schema": {SCHEMA}, "people": [', nl=False)
        for place, person in enumerate(found):
            typer.echo(f"{', ' if place else ''}{json.dumps(person)}", nl=False)
        typer.echo("]}")
        return
    if form is Format.CSV:
        typer.echo("person")
    for person in found:
        typer.echo(_cell(person) if form is Format.CSV else person)


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def _declared(office: Office, purpose: str, data: list[str] | None) -> tuple[str, ...]:
    """The categories asked about. Raises: UnknownName for what the policy does not declare."""
    from troth.policy.documents import nearest
    from troth.use.office import unknown_purpose

    uses = office.compiled.purposes.get(purpose)
    if uses is None:
        raise unknown_purpose(office, purpose, "is not a purpose of this policy.", tuple(office.compiled.purposes))
    declared = tuple(dict.fromkeys(use.category for use in uses))
    for category in data or ():
        if category not in declared:
            raise UnknownName(
                f"{purpose} declares no such data.",
                where=office.policy.file,
                expected=f"one of: {', '.join(declared)}",
                nearest=nearest(category[:60], declared),
            )
    return tuple(data) if data else declared


def _warn_of_guesses(office: Office, purpose: str, categories: tuple[str, ...]) -> None:
    """Say on standard error that nobody can be in the list, and where to mend it."""
    hint = terminal.unsettled(office, purpose, categories)
    if hint:
        typer.echo(hint, err=True)


@contextmanager
def _office() -> Iterator[Office]:
    from troth.use.opening import open_office

    _, office = open_office()
    try:
        yield office
    finally:
        office.store.close()
