"""`troth views`: the pseudonymised views of analysis and research, planned, made and looked at, from the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from troth.foundation.printing import Format, Printed
from troth.use import terminal

if TYPE_CHECKING:
    from troth.use.views.making import ViewMaker
    from troth.use.views.planning import Plan

SCHEMA = 1
views = typer.Typer(no_args_is_help=True, help="Pseudonymised views: plan, create, check.")


@views.command("plan")
def plan_(form: Printed = Format.TEXT) -> None:
    """Show which views would be made, what they leave out and why, and the grants for their roles. Nothing is done.

    Example: troth views plan

    Exit status: 0 planned, 2 it cannot be planned.
    """
    from troth.use.views import making

    with _maker() as maker:
        plans = maker.plans()
        if form is Format.JSON:
            typer.echo(
                json.dumps({"schema": SCHEMA, "purposes": [_of_plan(each) for each in plans]}, ensure_ascii=False)
            )
            return
        for each in plans:
            typer.echo(f"{each.purpose}, in {each.store}; groups of {each.smallest} people or more")
            for view in each.views:
                day = ["day"] if view.dated else []
                typer.echo(f"  {view.name}: {', '.join(['person', *day, *view.columns])}")
            for left in each.left_out:
                place = left.table if left.column is None else f"{left.table}.{left.column}"
                typer.echo(f"  left out: {place}: {left.why}")
            for statement in making.grants(each):
                typer.echo(f"  {statement};")


@views.command("create")
def create(form: Printed = Format.TEXT) -> None:
    """Make the views, or bring them up to date: only people are in them whose data may be used for the purpose now.

    Example: troth views create

    Exit status: 0 made, 2 they could not be made.
    """
    from troth.use.views import making

    with _maker() as maker:
        rounds = making.make_all(maker)
    if form is Format.JSON:
        made = [{"purpose": each.purpose, "people": each.people, "views": each.views} for each in rounds]
        typer.echo(json.dumps({"schema": SCHEMA, "made": made}))
        return
    for each in rounds:
        people = "1 person" if each.people == 1 else f"{each.people} people"
        typer.echo(f"{each.purpose}: {2 * each.views} views, of {people} who may be used for it now")


@views.command("check")
def check(form: Printed = Format.TEXT) -> None:
    """Compare the views that are there with those that policy and data map ask for, and say when they were made.

    `troth check` judges what is in them; this says what `troth views create` would change.

    Example: troth views check

    Exit status: 0 as planned, 1 they differ, 2 it cannot be looked at.
    """
    from troth.use.views import making

    with _maker() as maker:
        found = [making.compare(maker, each) for each in maker.plans()]
    same = all(each.same for each in found)
    if form is Format.JSON:
        listed = [
            {
                "purpose": each.purpose,
                "missing": list(each.missing),
                "unplanned": list(each.unplanned),
                "made_at": None if each.made_at is None else each.made_at.isoformat(),
                "people": each.people,
            }
            for each in found
        ]
        typer.echo(json.dumps({"schema": SCHEMA, "same": same, "purposes": listed}))
    else:
        for each in found:
            made = "never made" if each.made_at is None else f"made {each.made_at:%Y-%m-%d %H:%M} UTC"
            typer.echo(f"{each.purpose}: {made}, of {each.people} people")
            for name in each.missing:
                typer.echo(f"  missing, or with other columns: {name}")
            for name in each.unplanned:
                typer.echo(f"  no longer asked for: {name}")
    if not same:
        raise typer.Exit(1)


def _of_plan(plan: Plan) -> dict[str, Any]:
    from troth.use.views import making

    return {
        "purpose": plan.purpose,
        "store": plan.store,
        "smallest_group": plan.smallest,
        "views": [
            {"name": view.name, "groups": view.groups_name, "table": view.table, "columns": list(view.columns)}
            for view in plan.views
        ],
        "left_out": [{"table": each.table, "column": each.column, "why": each.why} for each in plan.left_out],
        "grants": list(making.grants(plan)),
    }


@contextmanager
def _maker() -> Iterator[ViewMaker]:
    from troth.use.views.making import ViewMaker

    with terminal.opened() as (instance, office):
        maker = ViewMaker.of(office, instance)
        try:
            yield maker
        finally:
            maker.close()
