"""`troth breach`: when data got out. What happened is read from a file or standard input, never from an argument."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from troth.errors import NaiveTimeError, TrothError
from troth.foundation.printing import Format, Printed
from troth.policy.law.telling import Risk, Role, Told
from troth.protection.breaches.words import Kind

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.store import Store
    from troth.policy.law.working_days import WorkingCalendar
    from troth.policy.model import Policy
    from troth.policy.settings import Instance
    from troth.protection.breaches.affected import Concerned
    from troth.protection.breaches.reading import Breach

SCHEMA = 1
_LONGEST = 64 * 1024


Number = Annotated[str, typer.Argument(metavar="NUMBER", help="Such as B2026-0001.")]
Words = Annotated[str, typer.Option("--words", metavar="FILE", help="A text file that says what happened; - is stdin.")]
Noticed = Annotated[str | None, typer.Option("--noticed", help="When it was noticed, with its zone; now if left out.")]
Law = Annotated[str, typer.Option("--law", help="Under which law, such as gdpr.")]
To = Annotated[Told, typer.Option("--to", help="Who is told.")]
Places = Annotated[
    list[str] | None, typer.Option("--place", help="store.table or store.table.column; may be repeated.")
]

breach = typer.Typer(no_args_is_help=True, help="Breaches: the register, its clocks, whom it concerns, the letters.")


@breach.command("open")
def open_(  # noqa: PLR0917 - each is an option of its own
    words: Words,
    noticed: Noticed = None,
    kind: Annotated[list[Kind] | None, typer.Option("--kind", help="What happened to the data.")] = None,
    place: Places = None,
    role: Annotated[Role, typer.Option("--role", help="Whether the data is ours or a customer's.")] = Role.CONTROLLER,
    form: Printed = Format.TEXT,
) -> None:
    """Enter a breach; its clocks run from when it was noticed, weekends too.

    Example: troth breach open --words what-happened.txt --place shop.users --noticed 2026-11-22T18:05+00:00

    Exit status: 0 entered, 2 it could not be.
    """
    from troth.protection.breaches import register

    with _opened() as desk, desk.store.writing() as tx:
        at = _instant(noticed, "--noticed") or desk.now
        opening = register.Opening(at, _text(words), tuple(kind or (Kind.CONFIDENTIALITY,)), role, tuple(place or ()))
        made = register.open_(tx, desk.keyring, desk.policy.laws, opening, desk.now)
    _show(desk, made, form)


@breach.command()
def assess(  # noqa: PLR0917 - each is an option of its own
    number: Number,
    risk: Annotated[Risk, typer.Option("--risk", help="For the people it concerns.")],
    consequences: Annotated[str, typer.Option("--consequences", metavar="FILE", help="What may come of it.")],
    measures: Annotated[str, typer.Option("--measures", metavar="FILE", help="What was done, and will be.")],
    grave: Annotated[bool, typer.Option("--grave", help="Special data, or somebody broke in.")] = False,  # noqa: FBT002 - typer's form
    form: Printed = Format.TEXT,
) -> None:
    """Weigh a breach for the people it concerns; again whenever more is known.

    Example: troth breach assess B2026-0001 --risk high --consequences effects.txt --measures measures.txt

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.protection.breaches import register

    with _opened() as desk, desk.store.writing() as tx:
        weighing = register.Weighing(risk, _text(consequences), _text(measures), grave)
        _show(desk, register.assess(tx, desk.keyring, number, weighing, desk.now), form)


@breach.command()
def affected(  # noqa: PLR0917 - each is an option of its own
    number: Number,
    place: Places = None,
    since: Annotated[str | None, typer.Option("--from", help="Rows from this time on.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Rows up to this time.")] = None,
    time: Annotated[str | None, typer.Option("--time", help="The column of times, where the map names none.")] = None,
    form: Printed = Format.TEXT,
) -> None:
    """Count whom the breach concerns, from the rows in its places, and keep the list of them sealed.

    Example: troth breach affected B2026-0001 --place shop.orders --from 2026-11-01T00:00+00:00

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.protection.breaches import register

    with _opened() as desk:
        with desk.store.reading() as tx:
            places = tuple(place or register.load(tx, number).places)
        if not places:
            raise TrothError("it is not said where", where=f"breach {number}", expected="--place store.table")
        bounds = (_instant(since, "--from"), _instant(until, "--until"))
        found = _look(desk, places, bounds, time)
        with desk.store.writing() as tx:
            made = register.count(tx, desk.keyring, number, found, desk.now)
    if form is Format.TEXT:
        known = f"{found.people} people ({found.strangers} of them not known to troth)"
        undated = f"; {found.undated} rows without a time count as within" if found.undated else ""
        typer.echo(f"{number}: {known} in {found.rows} rows{undated}")
    else:
        _show(desk, made, form)


@breach.command()
def notify(  # noqa: PLR0917 - each is an option of its own
    number: Number,
    law: Law,
    to: To,
    at: Annotated[str | None, typer.Option("--at", help="When they were told; now if left out.")] = None,
    reference: Annotated[str, typer.Option("--reference", help="Their number for it, or how it was sent.")] = "",
    not_needed: Annotated[
        str | None, typer.Option("--not-needed", metavar="FILE", help="Why they are not told.")
    ] = None,
    form: Printed = Format.TEXT,
) -> None:
    """Record that somebody was told, or why they need not be.

    Example: troth breach notify B2026-0001 --law gdpr --to authority --reference DPC-2026-1234

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.protection.breaches import register

    with _opened() as desk, desk.store.writing() as tx:
        if not_needed is not None:
            made = register.excuse(tx, desk.keyring, number, law, to, _text(not_needed), desk.now)
        else:
            moment = _instant(at, "--at") or desk.now
            made = register.notify(tx, desk.keyring, number, law, to, moment, desk.now, reference=reference)
    _show(desk, made, form)


@breach.command()
def letter(
    number: Number,
    to: To = Told.AUTHORITY,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write it here, readable by you alone.")] = None,
) -> None:
    """Draft what the authority, the people or a controller are told. What is not known stands in brackets.

    Example: troth breach letter B2026-0001 --to people -o letter.txt

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.protection.breaches import letters, register

    with _opened() as desk:
        with desk.store.reading() as tx:
            found = register.load(tx, number)
        material = letters.Material(found, register.words_of(desk.keyring, found), _categories(desk, found))
        text = letters.draft(desk.policy, material, to, desk.now)
    if output is None:
        typer.echo(text, nl=False)
    else:
        with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)


@breach.command()
def close(number: Number, form: Printed = Format.TEXT) -> None:
    """Close a breach that was weighed and of which nobody is still to be told. It stays in the register.

    Example: troth breach close B2026-0001

    Exit status: 0 closed, 2 it could not be.
    """
    from troth.protection.breaches import register

    with _opened() as desk, desk.store.writing() as tx:
        _show(desk, register.close(tx, desk.keyring, number, desk.now, calendar=desk.calendar), form)


@breach.command("list")
def list_(form: Printed = Format.TEXT) -> None:
    """List every breach with who is still to be told by when.

    Example: troth breach list

    Exit status: 0 no time has run out, 1 one has, 2 it could not be done.
    """
    from troth.protection.breaches import duties, reading

    with _opened() as desk, desk.store.reading() as tx:
        found = reading.all_(tx)
        if form is Format.JSON:
            rows = [_facts(desk, each) for each in found]
            typer.echo(json.dumps({"schema": SCHEMA, "breaches": rows}, ensure_ascii=False, indent=2))
        for each in found if form is Format.TEXT else ():
            _print(desk, each)
        if not found:
            typer.echo("No breach is on record.", err=True)
        late = [d for each in found for d in duties.standing(each, calendar=desk.calendar) if d.is_late(desk.now)]
    if late:
        raise typer.Exit(1)


# --- inside -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Desk:
    instance: Instance
    store: Store
    keyring: Keyring
    policy: Policy
    calendar: WorkingCalendar
    now: dt.datetime


@contextmanager
def _opened() -> Iterator[_Desk]:
    from zoneinfo import ZoneInfo

    from troth.foundation import keys
    from troth.foundation.clock import SystemClock
    from troth.foundation.keys import Keyring
    from troth.foundation.store import Store
    from troth.policy import reading, settings
    from troth.policy.law.working_days import WorkingCalendar

    instance = settings.read(Path.cwd(), os.environ)
    keyring = Keyring.load(instance.folder, instance.environ)
    policy = reading.read(instance.policy_file)
    calendar = WorkingCalendar(ZoneInfo(policy.controller.time_zone))
    with Store.open(instance.store_url) as store:
        store.require_current()
        keys.confirm(store, keyring)
        yield _Desk(instance, store, keyring, policy, calendar, SystemClock().now())


def _look(
    desk: _Desk, places: tuple[str, ...], bounds: tuple[dt.datetime | None, dt.datetime | None], time: str | None
) -> Concerned:
    from troth.foundation.observation import Observation
    from troth.foundation.records.reading import Records
    from troth.policy import mapreading
    from troth.protection.breaches import affected as concerned

    datamap = mapreading.read(desk.instance.map_file)
    folder, environ = desk.instance.folder, desk.instance.environ
    with Records.open(datamap, environ, base=folder) as records:
        seen = Observation(
            desk.policy, desk.now, folder, datamap=datamap, records=records, store=desk.store, keyring=desk.keyring
        )
        return concerned.find(seen, places, since=bounds[0], until=bounds[1], at=time)


def _categories(desk: _Desk, found: Breach) -> tuple[str, ...]:
    from troth.policy import mapreading
    from troth.protection.breaches import letters

    if not desk.instance.map_file.exists():
        return ()
    return letters.categories_of(mapreading.read(desk.instance.map_file), found.places)


def _show(desk: _Desk, made: Breach, form: Format) -> None:
    if form is Format.JSON:
        typer.echo(json.dumps({"schema": SCHEMA, "breach": _facts(desk, made)}, ensure_ascii=False, indent=2))
    else:
        _print(desk, made)


def _print(desk: _Desk, each: Breach) -> None:
    from troth.protection.breaches import duties

    state = f"closed {each.closed_at:%Y-%m-%d}" if each.closed_at else f"open, risk {each.risk}"
    people = "not counted yet" if each.people is None else f"{each.people} people"
    typer.echo(f"{each.number}  noticed {each.noticed_at:%Y-%m-%d %H:%M} UTC  {state}  {people}")
    for one in duties.standing(each, calendar=desk.calendar):
        how = "LATE" if one.is_late(desk.now) else "to be told"
        if one.done_at is not None:
            how = "need not be told" if one.excused else f"told {one.done_at:%Y-%m-%d %H:%M}"
        typer.echo(f"    {one.duty.to:<10}  by {one.duty.due:%Y-%m-%d %H:%M} UTC  {one.duty.article}  {how}")


def _facts(desk: _Desk, each: Breach) -> dict[str, Any]:
    from troth.protection.breaches import duties

    return {
        "number": each.number,
        "noticed_at": each.noticed_at.isoformat(),
        "role": each.role,
        "kinds": list(each.kinds),
        "places": list(each.places),
        "risk": each.risk,
        "people": each.people,
        "rows": each.rows,
        "closed_at": each.closed_at.isoformat() if each.closed_at else None,
        "duties": [
            {
                "law": one.duty.law,
                "to": one.duty.to,
                "article": one.duty.article,
                "due": one.duty.due.isoformat(),
                "set_by": one.duty.set_by,
                "done_at": one.done_at.isoformat() if one.done_at else None,
                "excused": one.excused,
                "late": one.is_late(desk.now),
            }
            for one in duties.standing(each, calendar=desk.calendar)
        ],
    }


def _text(name: str) -> str:
    """What stands in the file, or on standard input."""
    if name == "-":
        return sys.stdin.read(_LONGEST)
    try:
        with Path(name).open(encoding="utf-8") as file:
            return file.read(_LONGEST)
    except (OSError, UnicodeDecodeError):
        raise TrothError("there is no such text that can be read", where=Path(name).name) from None


def _instant(text: str | None, where: str) -> dt.datetime | None:
    if text is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise TrothError("this is no time", where=where, expected="such as 2026-11-22T18:05+00:00") from None
    if moment.tzinfo is None:
        raise NaiveTimeError(where=where, expected="a zone too, such as 2026-11-22T18:05+00:00")
    return moment
