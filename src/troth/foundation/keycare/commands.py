"""`troth key`: look after this controller's key.

A passphrase is typed at a prompt or read from standard input, never given as an argument, which others can see.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from troth.errors import TrothError
from troth.foundation.printing import Format, Printed

if TYPE_CHECKING:
    from troth.foundation.keycare.turning import Turned
    from troth.foundation.store import Store
    from troth.policy.settings import Instance

SCHEMA = 1


Copy = Annotated[Path, typer.Argument(metavar="FILE", help="The copy, apart from the store and its backups.")]
To = Annotated[
    list[str],
    typer.Option(metavar="KEY", help="Instead of a passphrase: a public key of age (age1...), or a file of such keys."),
]
Identity = Annotated[Path | None, typer.Option(metavar="FILE", help="The private key, for a copy for public keys.")]
FromStdin = Annotated[bool, typer.Option("--passphrase-stdin", help="Read the passphrase from stdin.")]

key = typer.Typer(no_args_is_help=True, help="The key: how it stands, a copy in escrow, turning it.")


@key.command()
def check(form: Printed = Format.TEXT) -> None:
    """Say how the key stands: whether it fits the store, when it was turned, and when a copy went into escrow.

    Example: troth key check

    Exit status: 0 all is well, 1 something is to be seen to, 2 it could not be done, or the key does not fit.
    """
    from troth.foundation.keycare import looking

    with _opened() as (instance, store):
        found = looking.look(store, instance.folder, instance.environ)
    if form is Format.JSON:
        said = {
            "schema": SCHEMA,
            "key": found.id,
            "where": found.where,
            "turns": found.turns,
            "turned_at": found.turned_at.isoformat() if found.turned_at else None,
            "escrowed_at": found.escrowed_at.isoformat() if found.escrowed_at else None,
            "findings": found.findings,
        }
        typer.echo(json.dumps(said, indent=2))
    else:
        typer.echo(f"{found.id} fits the store ({Path(found.where).name}).")
        typer.echo(f"Turned {found.turned_at:%Y-%m-%d}." if found.turned_at else "It was never turned.")
        if found.escrowed_at:
            typer.echo(f"In escrow since {found.escrowed_at:%Y-%m-%d}.")
        for finding in found.findings:
            typer.echo(finding)
    raise typer.Exit(1 if found.findings else 0)


@key.command()
def rotate(form: Printed = Format.TEXT) -> None:
    """Turn the key: a new one seals and signs from now on; every person's key is closed with it. Stop troth before.

    What was interrupted goes on with the next call. The old copy in escrow is of no use afterwards: make another.

    Example: troth key rotate

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.foundation.clock import SystemClock
    from troth.foundation.keycare import turning

    with _opened() as (instance, store):
        done = turning.turn(store, instance.folder, instance.environ, SystemClock(), progress=_progress(form))
    if form is Format.JSON:
        typer.echo(json.dumps({"schema": SCHEMA} | _turned(done), indent=2))
        return
    was = f"{done.before} was turned" if done.before else "The turn that was interrupted is finished:"
    typer.echo(f"{was} to {done.id}. Keys of people closed anew: {done.people_keys}.")
    if done.signs_from is not None:
        typer.echo(f"The ledger's heads are signed by another key from size {done.signs_from} on: tell its public key.")
    typer.echo("Start troth again everywhere, and put a copy of the new key into escrow: troth key escrow FILE")


@key.command()
def escrow(
    file: Copy,
    to: To = [],  # noqa: B006 - typer's form
    from_stdin: FromStdin = False,  # noqa: FBT002 - typer's form
    form: Printed = Format.TEXT,
) -> None:
    """Write a copy of the key that only a passphrase opens, and open it once to be sure. Nothing is overwritten.

    With `--to` it is one that only the private keys of these public keys open, with this command or with any `age`.

    Example: troth key escrow /media/safe/troth-key.json

    Example: troth key escrow /media/safe/troth-key.age --to officer.pub --to auditor.pub

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.foundation.clock import SystemClock
    from troth.foundation.keycare import escrow as copies

    recipients = copies.public_keys(to) if to else ()
    passphrase = "" if to else _passphrase(from_stdin=from_stdin, anew=True)
    with _opened() as (instance, store):
        at = store, instance.folder, instance.environ, file
        clock = SystemClock()
        found = copies.put_for(*at, recipients, clock) if to else copies.put(*at, passphrase, clock)
    if form is Format.JSON:
        typer.echo(json.dumps({"schema": SCHEMA, "key": found, "file": str(file)}, indent=2))
    elif to:
        typer.echo(f"A copy of {found} is in {file}, for {len(recipients)} public key(s).")
        typer.echo("It cannot be opened here. Have each of them open it once: age -d -i PRIVATE FILE")
    else:
        typer.echo(f"A copy of {found} is in {file}. It was opened once. Keep it and the passphrase apart.")


@key.command()
def restore(
    file: Copy,
    identity: Identity = None,
    from_stdin: FromStdin = False,  # noqa: FBT002 - typer's form
    form: Printed = Format.TEXT,
) -> None:
    """Put the key back from a copy in escrow, if it is the one that the store was sealed with.

    Example: troth key restore /media/safe/troth-key.json

    Exit status: 0 done, 2 it could not be done; then nothing was written.
    """
    from troth.foundation.clock import SystemClock
    from troth.foundation.keycare import escrow as copies

    if copies.for_public_keys(file):
        if identity is None:
            raise TrothError(
                "the copy is for public keys", where=file.name, expected="--identity, the private key's file"
            )
        text = copies.opened_by(file, identity)
    else:
        text = copies.opened(file, _passphrase(from_stdin=from_stdin, anew=False))
    with _opened() as (instance, store):
        found = copies.restore(store, instance.folder, file, text, SystemClock())
    if form is Format.JSON:
        typer.echo(json.dumps({"schema": SCHEMA, "key": found}, indent=2))
    else:
        typer.echo(f"{found} is back.")


def _turned(done: Turned) -> dict[str, Any]:
    return {
        "before": done.before,
        "key": done.id,
        "people_keys": done.people_keys,
        "resumed": done.resumed,
        "signs_from": done.signs_from,
    }


def _progress(form: Format) -> Callable[[int, int], None] | None:
    """Says on a terminal how far it is; nothing into a pipe."""
    if form is Format.JSON or not sys.stderr.isatty():
        return None

    def told(done: int, total: int) -> None:
        typer.echo(f"\rkeys of people: {done} of {total}", nl=done >= total, err=True)

    return told


@contextmanager
def _opened() -> Iterator[tuple[Instance, Store]]:
    """The instance of this folder and its store, which must be up to date."""
    from troth.foundation.store import Store
    from troth.policy import settings

    instance = settings.read(Path.cwd(), os.environ)
    with Store.open(instance.store_url) as store:
        store.require_current()
        yield instance, store


def _passphrase(*, from_stdin: bool, anew: bool) -> str:
    if from_stdin:
        return sys.stdin.readline(1000).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise TrothError("nobody is there to type a passphrase", where="key", expected="--passphrase-stdin")
    typed: str = typer.prompt(
        "Passphrase (16 letters or more)" if anew else "Passphrase", hide_input=True, confirmation_prompt=anew, err=True
    )
    return typed
