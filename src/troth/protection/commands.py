"""`troth retention` and `troth hold`: what is past its time goes, and what must stay stays."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from troth.errors import HoldRefused, TrothError
from troth.foundation.printing import Format, Printed
from troth.protection.words import HoldScope

if TYPE_CHECKING:
    from troth.foundation.people import Identifier
    from troth.protection.hold_reading import Hold
    from troth.protection.keeper import Keeper
    from troth.protection.retention import Run

SCHEMA = 1


By = Annotated[str, typer.Option("--as", help="The staff account that answers for it.")]

retention = typer.Typer(no_args_is_help=True, help="Periods: what is past its time, and its end.")
hold = typer.Typer(no_args_is_help=True, help="Holds: what must be kept past its time.")


@retention.command()
def plan(form: Printed = Format.TEXT) -> None:
    """Show what is past its time in every store, what holds keep of it, and by which statement it would go.

    Example: troth retention plan

    Exit status: 0 it was shown, 2 it could not be made.
    """
    from troth.protection import plans

    with _keeper() as keeper:
        found = plans.plan(keeper)
    if form is Format.JSON:
        _write({"schema": SCHEMA, **found.as_json()})
        return
    for line in found.words():
        typer.echo(line)


@retention.command("run")
def run_(
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,  # noqa: FBT002 - typer's form of a flag
    by: Annotated[str | None, typer.Option("--as", help="Who approves the plan: a data protection officer.")] = None,
    form: Printed = Format.TEXT,
) -> None:
    """End everything that is past its time, in every store, and ask again. It cannot be undone.

    Example: troth retention run --yes

    Exit status: 0 nothing is left, 1 something is left, or rules could not be carried out, 2 it could not be done.
    """
    from troth.protection import plans
    from troth.protection import retention as keeping
    from troth.protection.words import Occasion

    with _keeper() as keeper:
        found = plans.plan(keeper)
        if not yes:
            for line in found.words():
                typer.echo(line, err=form is Format.JSON)
            if found.rows:
                _agree(f"End {found.rows} rows? It cannot be undone.")
        done = keeping.run(keeper, Occasion.TERMINAL, approved_by=by, plan_sha256=found.hash)
        _sequence(keeper)
    if form is Format.JSON:
        _write({"schema": SCHEMA, **_run_json(done), "faults": found.as_json()["faults"]})
    else:
        for line in _run_words(done):
            typer.echo(line)
        for line in found.left_alone() if yes else ():  # else it stood in the plan above
            typer.echo(line)
    raise typer.Exit(1 if done.left or found.faults else 0)


@retention.command()
def runs(form: Printed = Format.TEXT) -> None:
    """List the last runs, with what went.

    Example: troth retention runs

    Exit status: 0.
    """
    from troth.protection import retention as keeping

    with _keeper() as keeper, keeper.office.store.reading() as tx:
        found = keeping.latest(tx)
    if form is Format.JSON:
        _write({"schema": SCHEMA, "runs": [_run_json(each) for each in found]})
        return
    for each in found:
        typer.echo(f"{each.name}  {each.state.value}  {each.asked_at:%Y-%m-%d %H:%M}  {_gone(each)} rows")
    if not found:
        typer.echo("No run yet.")


@hold.command()
def add(  # noqa: PLR0917 - the options of a command, in the order of its help
    owner: Annotated[str, typer.Option("--owner", help="The staff account that answers for it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; sealed. Or - to read it from standard input.")],
    review: Annotated[dt.datetime, typer.Option("--review", formats=["%Y-%m-%d"], help="By when to look again.")],
    person: Annotated[str | None, typer.Option("--person", help="email=..., id=..., or - for standard input.")] = None,
    table: Annotated[str | None, typer.Option("--table", help="A whole table: store.table.")] = None,
    category: Annotated[str | None, typer.Option("--category", help="All rows with such data.")] = None,
    record: Annotated[
        str | None, typer.Option("--record", help="One row and what hangs on it: store.table=KEY.")
    ] = None,
    statute: Annotated[str | None, typer.Option("--statute", help="The listed law that demands it.")] = None,
    form: Printed = Format.TEXT,
) -> None:
    """Keep a person's data, a table, a category or one row past their time, until the hold is lifted.

    Example: troth hold add --record shop.orders=4711 --owner dora --reason "claim 12/26" --review 2027-06-30

    Exit status: 0 it stands, 2 it could not be placed.
    """
    from troth.protection import holds

    named = {
        HoldScope.PERSON: person,
        HoldScope.TABLE: table,
        HoldScope.CATEGORY: category,
        HoldScope.RECORD: record,
    }
    given = [(scope, what) for scope, what in named.items() if what is not None]
    if len(given) != 1:
        raise HoldRefused("a hold keeps one thing", expected="one of --person, --table, --category and --record")
    [(scope, what)] = given
    with _keeper() as keeper:
        order = holds.Order(
            scope,
            owner,
            sys.stdin.readline().strip() if reason == "-" else reason,
            review.date(),
            place=None if scope is HoldScope.PERSON else what,
            statute=statute,
            known_by=(_identifier(what),) if scope is HoldScope.PERSON else (),
        )
        placed = holds.place(keeper, order)
        _sequence(keeper)
    _show([placed], form, keeper.office.clock.now().date())


@hold.command()
def lift(number: Annotated[int, typer.Argument(help="Such as 3.")], by: By, form: Printed = Format.TEXT) -> None:
    """Lift a hold: what it kept ends with the next run, and an erasure that waited goes on.

    Example: troth hold lift 3 --as dora

    Exit status: 0 it is lifted, 2 it could not be lifted.
    """
    from troth.protection import holds

    with _keeper() as keeper:
        lifted = holds.lift(keeper, number, by)
        _sequence(keeper)
    _show([lifted], form, keeper.office.clock.now().date())


@hold.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Those that were lifted, too.")] = False,  # noqa: FBT002 - typer's form
    form: Printed = Format.TEXT,
) -> None:
    """List the holds that stand, with who answers for them and by when they are looked at again.

    Example: troth hold list

    Exit status: 0.
    """
    from troth.protection import hold_reading

    with _keeper() as keeper, keeper.office.store.reading() as tx:
        found = hold_reading.every(tx) if every else hold_reading.standing(tx)
    _show(found, form, keeper.office.clock.now().date())


# --- showing ----------------------------------------------------------------------------------------------------------


def _show(found: list[Hold] | tuple[Hold, ...], form: Format, today: dt.date) -> None:
    if form is Format.JSON:
        _write({"schema": SCHEMA, "holds": [_hold_json(each) for each in found]})
        return
    for each in found:
        what = f"{each.scope.value} {each.place}" if each.place else each.scope.value
        law = f", {each.statute}" if each.statute else ""
        state = f"lifted {each.lifted_at:%Y-%m-%d}" if each.lifted_at else f"look again by {each.review:%Y-%m-%d}"
        late = "  (the day has passed)" if each.overdue(today) else ""
        typer.echo(f"hold {each.id}  {what}{law}  {each.owner or 'nobody answers for it'}  {state}{late}")
    if not found:
        typer.echo("No hold stands.")


def _hold_json(each: Hold) -> dict[str, Any]:
    return {
        "hold": each.id,
        "scope": each.scope.value,
        "place": each.place,
        "statute": each.statute,
        "owner": each.owner,
        "review": each.review.isoformat(),
        "placed_at": each.placed_at.isoformat(),
        "lifted_at": None if each.lifted_at is None else each.lifted_at.isoformat(),
    }


def _run_json(each: Run) -> dict[str, Any]:
    return {
        "run": each.name,
        "state": each.state.value,
        "occasion": each.occasion.value,
        "rules": each.rules_sha256,
        "map": each.map_sha256,
        "counts": each.counts,
        "left": each.left,
        "longest_ms": each.longest_ms,
        "asked_at": each.asked_at.isoformat(),
        "ended_at": None if each.ended_at is None else each.ended_at.isoformat(),
    }


def _run_words(done: Run) -> Iterator[str]:
    for store, tables in done.counts.items():
        for table, words in tables.items():
            yield f"{table} in {store}: {', '.join(f'{n} {word}' for word, n in words.items())}"
    yield f"{done.name}: {_gone(done)} rows, and nothing is left." if not done.left else f"{done.name}: not all went."
    for place, n in done.left.items():
        yield f"left  {place}: {n}"


def _gone(run: Run) -> int:
    from troth.protection import retention as keeping

    return keeping.gone(run)


def _write(value: object) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _agree(question: str) -> None:
    if not sys.stdin.isatty() or not typer.confirm(question):
        raise TrothError("nothing was done.", repair="Add --yes to do it without being asked.")


def _identifier(text: str | None) -> Identifier:
    from troth.foundation import people

    return people.parse(sys.stdin.readline() if text == "-" else text or "")


def _sequence(keeper: Keeper) -> None:
    """Give the new entries of the ledger their places now, where no worker does it."""
    from urllib.parse import urlsplit

    from troth.foundation.ledger.sequencer import sequence_all

    office = keeper.office
    sequence_all(
        office.store, office.keyring, office.clock, host=urlsplit(keeper.instance.settings.site.url).hostname or ""
    )


@contextmanager
def _keeper() -> Iterator[Keeper]:
    from troth.protection.keeper import Keeper

    keeper = Keeper.open()
    try:
        yield keeper
    finally:
        keeper.close()
        keeper.office.store.close()
