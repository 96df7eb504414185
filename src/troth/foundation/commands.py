"""`troth staff`: who of the company's own people may enter the console, in which role, and who has left.

A password is typed at a prompt or read from standard input, never given as an argument, which others on the machine
can see. Without one, a link is printed that signs in once within 15 minutes.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from troth.errors import TrothError
from troth.foundation.printing import Format, Printed
from troth.foundation.roles import Role

if TYPE_CHECKING:
    from troth.foundation.store import Store
    from troth.policy.settings import Instance

SCHEMA = 1


Name = Annotated[str, typer.Argument(metavar="NAME", help="The name to sign in with; not a customer.")]
WhichRole = Annotated[Role, typer.Option("--role", help="What they may do.")]

staff = typer.Typer(no_args_is_help=True, help="Staff: who may enter the console, in which role.")


@staff.command()
def add(
    name: Name,
    role: WhichRole,
    from_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,  # noqa: FBT002 - typer's form
    by_link: Annotated[bool, typer.Option("--link", help="No password: print a link that signs in once.")] = False,  # noqa: FBT002 - typer's form
    form: Printed = Format.TEXT,
) -> None:
    """Make an account. The password is asked for, unless it comes from standard input or a link is wanted.

    Example: troth staff add dora --role dpo --link

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.foundation import staff as accounts
    from troth.foundation.clock import SystemClock

    password = None if by_link else _password(name, from_stdin=from_stdin)
    with _opened() as (instance, store):
        now = SystemClock().now()
        account = accounts.add(store, name, role, now=now, password=password)
        link = _link(instance, accounts.issue_login_link(store, name, now=now)) if by_link else None
    if form is Format.JSON:
        _write({"schema": SCHEMA, "name": account.name, "role": account.role, "link": link})
    else:
        typer.echo(link or f"{account.name} may sign in as {account.role}.")


@staff.command("list")
def list_(form: Printed = Format.TEXT) -> None:
    """List every account with its role, state, second factors and training.

    Example: troth staff list

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.foundation import staff as accounts

    with _opened() as (_, store), store.reading() as tx:
        found = accounts.list_(tx)
    if form is Format.JSON:
        rows = [
            {
                "name": account.name,
                "role": account.role,
                "created_at": account.created_at.isoformat(),
                "disabled_at": account.disabled_at.isoformat() if account.disabled_at else None,
                "cleared_until": account.cleared_until.isoformat() if account.cleared_until else None,
                "factors": account.factors,
                "has_password": account.has_password,
            }
            for account in found
        ]
        _write({"schema": SCHEMA, "staff": rows})
        return
    width = max((len(account.name) for account in found), default=0)
    for account in found:
        state = f"closed since {account.disabled_at:%Y-%m-%d}" if account.disabled_at else "open"
        factors = ", ".join(account.factors) or "no second factor"
        trained = (
            f"trained until {account.cleared_until:%Y-%m-%d}" if account.cleared_until else "no training on record"
        )
        typer.echo(f"{account.name:<{width}}  {account.role:<13}  {state}  {factors}  {trained}")
    if not found:
        typer.echo("Nobody has an account yet: troth staff add NAME --role ROLE", err=True)


@staff.command()
def disable(name: Name, form: Printed = Format.TEXT) -> None:
    """Close an account; its sessions end at once. It stays in the list.

    Example: troth staff disable dora

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.foundation import staff as accounts
    from troth.foundation.clock import SystemClock

    with _opened() as (_, store):
        account = accounts.disable(store, name, now=SystemClock().now())
    _tell(form, f"{account.name} is closed.", {"name": account.name, "closed": True})


@staff.command()
def link(name: Name, form: Printed = Format.TEXT) -> None:
    """Print a link that signs in once, within 15 minutes. Earlier links of that account end.

    Example: troth staff link dora

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.foundation import staff as accounts
    from troth.foundation.clock import SystemClock

    with _opened() as (instance, store):
        made = _link(instance, accounts.issue_login_link(store, name, now=SystemClock().now()))
    _tell(form, made, {"name": name, "link": made})


@staff.command()
def role(
    name: Name,
    to: Annotated[Role, typer.Argument(metavar="ROLE", help="What they may do from now on.")],
    form: Printed = Format.TEXT,
) -> None:
    """Give an account another role; its sessions end, so that no page goes on with the old one.

    Example: troth staff role dora auditor

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.foundation import staff as accounts
    from troth.foundation.clock import SystemClock

    with _opened() as (_, store):
        account = accounts.set_role(store, name, to, now=SystemClock().now())
    _tell(form, f"{account.name} is {account.role} now.", {"name": account.name, "role": account.role})


@staff.command()
def reset(name: Name, form: Printed = Format.TEXT) -> None:
    """Take away every second factor of an account whose holder lost them; its sessions end.

    Example: troth staff reset dora

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.foundation import staffing
    from troth.foundation.clock import SystemClock

    with _opened() as (_, store):
        account, had = staffing.reset_by_operator(store, name, now=SystemClock().now())
    said = f"{account.name} has no second factor now." if had else f"{account.name} had none."
    _tell(form, said, {"name": account.name, "reset": bool(had)})


@staff.command()
def compare(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Who works here: CSV with `name`, maybe `active`.")],
    close: Annotated[bool, typer.Option("--close", help="Close the accounts of those who left.")] = False,  # noqa: FBT002 - typer's form
    form: Printed = Format.TEXT,
) -> None:
    """Find accounts of people who have left, from the list of those who work here.

    Example: troth staff compare people.csv

    Exit status: 0 everybody is on the list, 1 somebody is not, 2 it could not be done.
    """
    from troth.foundation import leavers
    from troth.foundation import staff as accounts
    from troth.foundation.clock import SystemClock
    from troth.policy import documents

    content = documents.read_bytes(file)
    with _opened() as (_, store):
        now = SystemClock().now()
        found = leavers.compare(store, content, where=file.name, now=now)
        if close:
            for each in found.gone:
                accounts.disable(store, each.name, now=now)
    if form is Format.JSON:
        gone = [{"name": each.name, "role": each.role, "closed": close} for each in found.gone]
        _write({"schema": SCHEMA, "listed": found.listed, "accounts": found.accounts, "gone": gone})
    else:
        for each in found.gone:
            typer.echo(f"{each.name}  {each.role}  not on the list{', closed now' if close else ''}")
        typer.echo(f"Open accounts: {found.accounts}. Names: {found.listed}. Not on the list: {len(found.gone)}.")
    raise typer.Exit(1 if found.gone else 0)


@contextmanager
def _opened() -> Iterator[tuple[Instance, Store]]:
    """The instance of this folder and its store, which must be up to date."""
    from troth.foundation.store import Store
    from troth.policy import settings

    instance = settings.read(Path.cwd(), os.environ)
    with Store.open(instance.store_url) as store:
        store.require_current()
        yield instance, store


def _password(name: str, *, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline(1000).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise TrothError(
            "nobody is there to type a password", where=f"staff add {name}", expected="--password-stdin or --link"
        )
    typed: str = typer.prompt("Password (12 letters or more)", hide_input=True, confirmation_prompt="Again", err=True)
    return typed


def _link(instance: Instance, token: str) -> str:
    site = instance.settings.site
    return f"{site.url.rstrip('/')}{site.console}/sign-in/{token}"


def _tell(form: Format, words: str, facts: dict[str, object]) -> None:
    if form is Format.JSON:
        _write({"schema": SCHEMA} | facts)
    else:
        typer.echo(words)


def _write(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
