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
By = Annotated[str, typer.Option("--as", help="The staff account that answers for it.")]
FromStdin = Annotated[bool, typer.Option("--passphrase-stdin", help="Read the passphrase from stdin.")]

key = typer.Typer(no_args_is_help=True, help="The key: how it stands, a copy in escrow, turning it.")


@key.command()
def check(form: Printed = Format.TEXT) -> None:
    """Say how the key stands: whether it fits the store, its age, its copy in escrow, and what hangs on it.

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
            "source": found.source,
            "mode": found.mode,
            "turns": found.turns,
            "age_days": found.age_days,
            "turned_at": found.turned_at.isoformat() if found.turned_at else None,
            "escrowed_at": found.escrowed_at.isoformat() if found.escrowed_at else None,
            "pseudonyms": found.pseudonym_id,
            "signs": found.signing_id,
            "signing": found.signing,
            "people_keys": found.people_keys,
            "holds": [{"what": what, "n": n} for what, n in found.holds],
            "findings": found.findings,
        }
        typer.echo(json.dumps(said, indent=2))
    else:
        mode = f", mode {found.mode}" if found.mode else ""
        typer.echo(f"{found.id} fits the store ({Path(found.where).name}{mode}).")
        since = f"Turned {found.turned_at:%Y-%m-%d}" if found.turned_at else "It was never turned"
        typer.echo(f"{since}{'' if found.age_days is None else f', in use for {found.age_days} days'}.")
        if found.escrowed_at:
            typer.echo(f"In escrow since {found.escrowed_at:%Y-%m-%d}.")
        typer.echo(f"Pseudonyms by {found.pseudonym_id}; signatures by {found.signing_id}.")
        for span in found.signing:
            until = "on" if span["until"] is None else f"to {span['until']}"
            typer.echo(
                f"  {span['key'].partition('+')[2].partition('+')[0]} signs heads from size {span['from']} {until}"
            )
        for what, n in found.holds:
            typer.echo(f"  {what}: {n}")
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
def rekey(by: By, form: Printed = Format.TEXT) -> None:
    """Replace a key that is lost for good: one account asks, another approves and does it. Stop troth before.

    What was sealed under the lost key, and the recognition of people by it, is gone. Until it is done nothing opens the
    store. What was interrupted goes on with the next call. Try every copy in escrow first (`troth key restore`).

    Example: troth key rekey --as dora

    Exit status: 0 done, 1 it waits for the other account, 2 it could not be done.
    """
    from troth.foundation.clock import SystemClock
    from troth.foundation.keycare import rekeying

    with _opened() as (instance, store):
        done = rekeying.rekey(store, instance.folder, instance.environ, by, SystemClock(), progress=_progress(form))
    if form is Format.JSON:
        said = {
            "lost": done.lost,
            "key": done.id,
            "asked_at": done.asked_at.isoformat(),
            "approved_at": done.approved_at.isoformat() if done.approved_at else None,
            "done_at": done.done_at.isoformat() if done.done_at else None,
            "people_keys": done.people_keys,
            "gone": [{"what": what, "n": n} for what, n in done.gone],
        }
        typer.echo(json.dumps({"schema": SCHEMA} | said, indent=2))
    elif done.done_at is None:
        typer.echo(f"It is asked for that {done.lost} is replaced. Another account approves: troth key rekey --as NAME")
    else:
        typer.echo(f"{done.id} takes the place of {done.lost}, which was lost. Nobody can read or match any more:")
        for what, n in done.gone:
            typer.echo(f"  {what}: {n}")
        typer.echo("Tell the ledger's new public key, and put a copy of the new key into escrow: troth key escrow FILE")
    raise typer.Exit(0 if done.done_at else 1)


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
