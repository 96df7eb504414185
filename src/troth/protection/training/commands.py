"""`troth training`: who is trained, and courses passed elsewhere."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from troth.foundation.printing import Format, Printed

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.store import Store
    from troth.policy.model import Policy

SCHEMA = 1


training = typer.Typer(no_args_is_help=True, help="Training: who of staff passed the course, until when.")


@training.command("list")
def list_(form: Printed = Format.TEXT) -> None:
    """List every open account with its training.

    Example: troth training list

    Exit status: 0 everybody is trained, 1 somebody is not, 2 it could not be done.
    """
    from troth.foundation.clock import SystemClock
    from troth.protection.training import clearance, reading

    now = SystemClock().now()
    with _opened() as (store, _, _policy), store.reading() as tx:
        found = reading.members(tx)
    trained = {each.staff: clearance.holds(each.cleared_until, now) for each in found}
    if form is Format.JSON:
        rows = [
            {
                "name": each.name,
                "role": each.role,
                "course": each.training.course if each.training else None,
                "passed_at": each.training.passed_at.isoformat() if each.training else None,
                "until": each.cleared_until.isoformat() if each.cleared_until else None,
                "trained": trained[each.staff],
            }
            for each in found
        ]
        typer.echo(json.dumps({"schema": SCHEMA, "staff": rows}, ensure_ascii=False, indent=2))
    width = max((len(each.name) for each in found), default=0)
    for each in found if form is Format.TEXT else ():
        state = f"trained until {each.cleared_until:%Y-%m-%d}" if trained[each.staff] else "not trained: sees no data"
        typer.echo(f"{each.name:<{width}}  {each.role:<13}  {state}")
    if not all(trained.values()):
        raise typer.Exit(1)


@training.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with the columns name,course,completed_at.")],
    form: Printed = Format.TEXT,
) -> None:
    """Take in who passed a course elsewhere; all lines or none. Their accounts are cleared until it is due again.

    Example: troth training import completions.csv

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.foundation.clock import SystemClock
    from troth.policy import documents
    from troth.protection.training import clearance, importing

    data = documents.read_bytes(file)
    with _opened() as (store, keyring, policy), store.writing() as tx:
        every = clearance.every(policy)
        taken = importing.take_in(tx, keyring, data, file.name, every, SystemClock().now())
    if form is Format.JSON:
        typer.echo(json.dumps({"schema": SCHEMA, "new": len(taken.new), "known": taken.known}))
    else:
        typer.echo(f"{len(taken.new)} taken in, {taken.known} on record already.")


@contextmanager
def _opened() -> Iterator[tuple[Store, Keyring, Policy]]:
    from troth.foundation import keys
    from troth.foundation.keys import Keyring
    from troth.foundation.store import Store
    from troth.policy import reading, settings

    instance = settings.read(Path.cwd(), os.environ)
    keyring = Keyring.load(instance.folder, instance.environ)
    policy = reading.read(instance.policy_file)
    with Store.open(instance.store_url) as store:
        store.require_current()
        keys.confirm(store, keyring)
        yield store, keyring, policy
