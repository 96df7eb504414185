"""`troth ledger`: verify the evidence, prove one entry, hand all of it to others, keep its head outside.

`verify --export` and `verify --receipt` need neither store nor key: anybody can run them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from troth.errors import KeyUnavailable, TrothError, UnreadableFile
from troth.foundation.printing import Format, Printed

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.ledger.findings import Verification
    from troth.foundation.ledger.notes import PublicKey
    from troth.foundation.store import Store
    from troth.policy.settings import Instance

SCHEMA = 1
_LARGEST_FILE = 10_000_000


Output = Annotated[Path | None, typer.Option("-o", "--output", help="Where to write; else standard output.")]
Keys = Annotated[list[str] | None, typer.Option("--key", help="A public key of the ledger that you trust, one line.")]

ledger = typer.Typer(no_args_is_help=True, help="The ledger: verify, prove, export, checkpoint.")


@ledger.command()
def verify(
    kept: Annotated[
        list[Path] | None, typer.Option("--checkpoint", help="A file of checkpoints that was kept outside.")
    ] = None,
    export_: Annotated[Path | None, typer.Option("--export", help="Verify an exported ledger instead.")] = None,
    receipt: Annotated[Path | None, typer.Option("--receipt", help="Verify one receipt instead.")] = None,
    key: Keys = None,
    form: Printed = Format.TEXT,
) -> None:
    """Recompute the whole ledger from its bytes, and say what is wrong and where.

    Example: troth ledger verify --checkpoint kept.txt

    Exit status: 0 it holds, 1 it was tampered with, 2 it could not be verified.
    """
    from troth.foundation.ledger.notes import PublicKey

    known = [PublicKey.parse(line) for line in key or ()]
    outside = [_text(path) for path in kept or ()]
    if receipt is not None:
        _verify_receipt(receipt, known, form)
        return
    if export_ is not None:
        from troth.foundation.ledger.exports import verify_export

        outcome = verify_export(export_, known, outside)
    else:
        outcome = _verify_store(known, outside)
    _print_outcome(outcome, form)
    raise typer.Exit(0 if outcome.holds else 1)


@ledger.command()
def prove(
    leaf: Annotated[int, typer.Argument(metavar="LEAF", help="The number of the ledger entry.")],
    output: Output = None,
    wait: Annotated[float, typer.Option("--wait", help="Seconds to wait until it has its place.")] = 10.0,
    form: Printed = Format.TEXT,
) -> None:
    """Prove that one entry is in the ledger: a receipt that verifies offline (text: C2SP tlog-proof).

    Example: troth ledger prove 17 --format json -o receipt.json

    Exit status: 0 done, 2 it could not be proven.
    """
    from troth.foundation.ledger.receipts import receipt

    with _opened() as (instance, store):
        keyring = _find_keyring(instance)
        if keyring is not None:
            _sequence(instance, store, keyring)
        found = receipt(store, leaf, wait_s=wait)
    _write(found.tlog_proof if form is Format.TEXT else _as_json(found.json), output)


@ledger.command("export")
def export_(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder, or one of an earlier export.")],
    form: Printed = Format.TEXT,
) -> None:
    """Write the ledger as files that other tools verify (C2SP tlog-tiles), with a page that says how.

    Example: troth ledger export evidence

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.foundation.ledger.exports import export

    with _opened() as (instance, store):
        keyring = _find_keyring(instance)
        if keyring is not None:
            _sequence(instance, store, keyring)
        head = export(store, folder)
    if form is Format.JSON:
        value = {"folder": str(folder), "origin": head.origin, "size": head.size, "root": head.root.hex()}
        _write(_as_json({"schema": SCHEMA} | value), None)
    else:
        typer.echo(f"wrote {_entries(head.size)} of {head.origin} to {folder}", err=True)


@ledger.command()
def checkpoint(output: Output = None, form: Printed = Format.TEXT) -> None:
    """Sign what the ledger stands for now, and print it: keep it where nobody of this machine can reach it.

    Example: troth ledger checkpoint >> kept.txt

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.foundation.ledger import checkpoints
    from troth.foundation.ledger.notes import PublicKey

    with _opened() as (instance, store):
        from troth.foundation.keys import Keyring

        keyring = Keyring.load(instance.folder, instance.environ)
        _sequence(instance, store, keyring)
        with store.reading() as tx:
            head = checkpoints.latest(tx)
    if head is None:
        raise TrothError("the ledger has no entry yet.")
    said = checkpoints.claimed(head.note)
    public = PublicKey.of(keyring, said.origin).text
    if form is Format.JSON:
        value = {"origin": said.origin, "size": said.size, "root": said.root.hex(), "note": head.note, "key": public}
        _write(_as_json({"schema": SCHEMA} | value), output)
    else:
        _write(head.note, output)
        typer.echo(f"the public key is {public}", err=True)


def _verify_store(known: list[PublicKey], outside: list[str]) -> Verification:
    from troth.foundation.clock import SystemClock
    from troth.foundation.ledger import verification

    with _opened() as (instance, store):
        outcome = verification.verify(store, keyring=_find_keyring(instance), known=known, outside=outside)
        verification.remember(store, outcome, SystemClock().now())
    return outcome


def _verify_receipt(path: Path, known: list[PublicKey], form: Format) -> None:
    from troth.errors import ProofInvalid
    from troth.foundation.ledger.notes import PublicKey
    from troth.foundation.ledger.receipts import Receipt, verify_receipt

    found = Receipt.read(_text(path))
    trusted = known or ([PublicKey.parse(found.key)] if found.key else [])
    try:
        head = verify_receipt(found, trusted)
    except ProofInvalid as problem:
        if form is Format.JSON:
            _write(_as_json({"schema": SCHEMA, "holds": False, "findings": [str(problem)]}), None)
        else:
            typer.echo(f"broken  {problem}")
        raise typer.Exit(1) from None
    if form is Format.JSON:
        value = {"holds": True, "origin": head.origin, "index": found.index, "size": head.size, "findings": []}
        _write(_as_json({"schema": SCHEMA} | value | {"key_trusted": bool(known)}), None)
        return
    typer.echo(f"The entry stands at place {found.index} of {head.size} in {head.origin}:\n{found.entry.decode()}")
    if not known:
        typer.echo(
            "note: the key was taken from the receipt itself; give the one that you were told with --key", err=True
        )


def _print_outcome(outcome: Verification, form: Format) -> None:
    if form is Format.JSON:
        findings = [
            {"where": one.where, "message": one.message, "place": one.place, "leaf": one.leaf}
            for one in outcome.findings
        ]
        value: dict[str, Any] = {
            "schema": SCHEMA,
            "holds": outcome.holds,
            "origin": outcome.origin,
            "size": outcome.size,
            "root": outcome.root.hex(),
            "heads": outcome.heads,
            "waiting": outcome.waiting,
            "count": outcome.count,
            "findings": findings,
            "notes": outcome.notes,
        }
        _write(_as_json(value), None)
        return
    for one in outcome.findings:
        typer.echo(f"broken  {one}")
    if outcome.count > len(outcome.findings):
        typer.echo(f"        and {outcome.count - len(outcome.findings)} more")
    waiting = f", {outcome.waiting} waiting for a place" if outcome.waiting else ""
    verdict = "The ledger holds" if outcome.holds else "The ledger does not hold"
    heads = f"{outcome.heads} signed head{'' if outcome.heads == 1 else 's'}"
    typer.echo(f"{verdict}: {_entries(outcome.size)}, {heads}{waiting}.")
    for note in outcome.notes:
        typer.echo(f"note: {note}", err=True)


def _entries(count: int) -> str:
    return f"{count} entr{'y' if count == 1 else 'ies'}"


@contextmanager
def _opened() -> Iterator[tuple[Instance, Store]]:
    """The instance of this folder and its store, which must be up to date."""
    from troth.foundation.store import Store
    from troth.policy import settings

    instance = settings.read(Path.cwd(), os.environ)
    with Store.open(instance.store_url) as store:
        store.require_current()
        yield instance, store


def _find_keyring(instance: Instance) -> Keyring | None:
    from troth.foundation.keys import Keyring

    try:
        return Keyring.load(instance.folder, instance.environ)
    except KeyUnavailable:
        return None


def _sequence(instance: Instance, store: Store, keyring: Keyring) -> None:
    """Place what waits, unless a running troth is at it. Raises: KeyUnavailable for the key of another store."""
    from troth.foundation import keys
    from troth.foundation.ledger.sequencer import sequence_all

    keys.confirm(store, keyring)
    sequence_all(store, keyring, host=urlsplit(instance.settings.site.url).hostname or "")


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"the file cannot be read: {error.strerror}", where=str(path)) from None
    if len(data) > _LARGEST_FILE:
        raise UnreadableFile("the file is too large", where=str(path))
    return data.decode("utf-8", "replace")


def _as_json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")
