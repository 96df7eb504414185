"""`troth restore-guard`: after a backup was put back, before anybody opens the system."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from troth.foundation.printing import Format

if TYPE_CHECKING:
    from troth.rights.restoring.guarding import Found, Guarded

SCHEMA = 1


def restore_guard(
    look: Annotated[bool, typer.Option("--look", help="Only tell who is back; change nothing.")] = False,  # noqa: FBT002 - typer's form
    form: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TEXT,
) -> None:
    """Erase again whoever was erased and stands in a restored store; needs troth's key and the approved data map.

    Example: troth restore-guard --format json

    Exit status: 0 nobody who was erased is there, 1 somebody is, or may be, 2 it could not be done: keep it closed.
    """
    from troth.rights.desk import Desk
    from troth.rights.restoring import guarding

    desk = Desk.open()
    try:
        guarded = guarding.guard(desk, act=not look)
    finally:
        desk.close()
        desk.office.store.close()
    if form is Format.JSON:
        typer.echo(json.dumps(_as_json(guarded), indent=2))
    else:
        for line in _words(guarded, look=look):
            typer.echo(line)
    if not guarded.clean or (look and guarded.back):
        raise typer.Exit(1)


def _as_json(guarded: Guarded) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "remembered": guarded.remembered,
        "back": _listed(guarded.back),
        "unclear": _listed(guarded.unclear),
        "newcomers": guarded.newcomers,
        "again": [
            {"request": each.name, "state": each.state.value, "residue": list(each.residue)} for each in guarded.again
        ],
        "keys": guarded.keys,
        "clean": guarded.clean,
    }


def _listed(found: Iterable[Found]) -> list[dict[str, Any]]:
    return [{"store": each.store, "kind": each.kind, "table": each.table, "n": each.n} for each in found]


def _words(guarded: Guarded, *, look: bool) -> Iterable[str]:
    yield f"Erasures remembered: {guarded.remembered}."
    for each in guarded.back:
        yield f"back     {each.table} in {each.store}: {each.n}"
    for each in guarded.unclear:
        yield f"unclear  {each.table} in {each.store}: {each.n} with the key of somebody erased; look at them yourself"
    for again in guarded.again:
        left = "".join(f"\n         left: {each['where']}, {each['n']} rows" for each in again.residue)
        yield f"again    {again.name}: {again.state}{left}"
    if guarded.keys:
        yield f"again    keys of what was sealed about somebody erased: {guarded.keys} destroyed"
    if look and guarded.back:
        yield "Nothing was changed. Run `troth restore-guard` before anybody opens the system."
    elif guarded.clean:
        yield "Nobody who was erased stands in a store. The system may be opened."
    else:
        yield "Keep the system closed until this is settled."
