"""`troth consent receipt`, `verify`, `import`, `export`: what proves a choice, from the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from troth.errors import PersonUnknown, ProofInvalid, UnreadableFile
from troth.use import terminal
from troth.use.terminal import Format

SCHEMA = 1

Person = Annotated[
    str, typer.Argument(metavar="PERSON", help="email=..., phone=..., id=..., key=..., or - for standard input.")
]
Printed = Annotated[Format, typer.Option("--format", help="How to print it.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="The file to write; standard output without it.")]


def receipt(
    person: Person,
    purpose: Annotated[str, typer.Option("--purpose", help="The purpose that was spoken of.")],
    out: Out = None,
) -> None:
    """Write the signed receipt of what PERSON said about a purpose; it verifies without troth's store.

    Example: troth consent receipt id=17 --purpose marketing -o receipt.json

    Exit status: 0 written, 2 nothing was ever said about it, or the store cannot be read.
    """
    from troth.use import standing
    from troth.use.recording import receipts, records

    who = terminal.named_person(person)
    with terminal.opened() as (instance, office), office.store.reading() as tx:
        number = standing.load_person(tx, office.keyring, who)
        site = instance.settings.site
        address = site.url.rstrip("/") + site.centre
        found = records.of_person(tx, office, number, address=address, purpose=purpose)
        if not found:
            raise PersonUnknown("this person never said anything about the purpose", expected="one they spoke of")
        text = receipts.written(receipts.issue(tx, office.keyring, found[0], office.clock.now()))
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
        typer.echo(f"written to {out}", err=True)


def verify(
    file: Annotated[Path, typer.Argument(help="What `troth consent receipt` or the privacy centre gave.")],
    key: Annotated[
        str | None, typer.Option("--key", help="The ledger's public key that you were told, as name+id+base64.")
    ] = None,
    form: Printed = Format.TEXT,
) -> None:
    """Verify a consent receipt offline: its signature, its words' hash, its place in the ledger.

    Example: troth consent verify receipt.json --key shop.example.com+1a2b3c4d+AbCd...

    Exit status: 0 it holds, 1 something in it does not, 2 the file cannot be read.
    """
    from troth.foundation.ledger.notes import PublicKey
    from troth.use.recording import receipts

    trusted = None if key is None else PublicKey.parse(key).raw
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UnreadableFile("this file cannot be read", where=str(file)) from None
    try:
        found = receipts.verify(text, trusted=trusted)
    except ProofInvalid as problem:
        _say_invalid(problem, form)
        raise typer.Exit(1) from None
    record = found.receipt["record"]
    state = record["consent_status"].rpartition("#")[2]
    if form is Format.JSON:
        _print_json(
            {
                "schema": SCHEMA,
                "valid": True,
                "purpose": record["pii_processing"]["purpose"]["id"],
                "state": record["consent_status"],
                "since": record["events"][-1]["event_time"],
                "key": found.key_id,
                "key_compared": trusted is not None,
                "ledger_size": found.in_ledger,
            }
        )
        return
    typer.echo(
        f"valid  {record['pii_processing']['purpose']['id']}: {state} since {record['events'][-1]['event_time']}"
    )
    compared = "the key that you named" if trusted is not None else "compare it with the one the company publishes"
    typer.echo(f"       signed by key {found.key_id} ({compared})")
    place = "not in it yet" if found.in_ledger is None else f"in the signed ledger of {found.in_ledger} entries"
    typer.echo(f"       {place}")


def _say_invalid(problem: ProofInvalid, form: Format) -> None:
    if form is Format.JSON:
        _print_json({"schema": SCHEMA, "valid": False, "why": problem.message})
    else:
        typer.echo(f"invalid  {problem}")


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
