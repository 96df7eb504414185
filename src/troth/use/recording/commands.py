"""`troth consent receipt`, `verify`, `import`, `export`: what proves a choice, from the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from troth.errors import PersonUnknown, ProofInvalid, UnreadableFile
from troth.foundation.printing import Format, Printed
from troth.use import terminal

if TYPE_CHECKING:
    from troth.use.recording.importing import Plan

SCHEMA = 1

Person = Annotated[
    str, typer.Argument(metavar="PERSON", help="email=..., phone=..., id=..., key=..., or - for standard input.")
]
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


def import_(  # noqa: PLR0917 - as typer takes them
    file: Annotated[Path, typer.Argument(help="A CSV file: who, at, and optionally word, purpose, text, until, ...")],
    source: Annotated[str, typer.Option("--source", help="Where they come from, as one word: old-crm-2024.")],
    purpose: Annotated[str | None, typer.Option("--purpose", help="For lines that do not name one.")] = None,
    text: Annotated[
        Path | None, typer.Option("--text", help="A file with the words agreed to, for lines that do not say them.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; else it is only shown.")] = False,  # noqa: FBT002 - typer's form of a flag
    form: Printed = Format.TEXT,
) -> None:
    """Bring consents that you have already, with where they come from; shows first what it would do.

    Example: troth consent import newsletter.csv --source old-crm --purpose marketing --text form-2023.txt --yes

    Exit status: 0 the file is sound, 1 it has faults and nothing was written, 2 it could not be read.
    """
    from troth.use.recording import importing

    words = None if text is None else _text_of(text)
    deed = importing.carry_out if yes else importing.plan
    with terminal.opened() as (_, office):
        found = deed(office, file, source=source, purpose=purpose, text=words)
    done = yes and found.sound
    if form is Format.JSON:
        _print_json(_of_plan(found, done=done))
    else:
        for fault in found.faults:
            typer.echo(str(fault))
        if found.more_faults:
            typer.echo(f"and {found.more_faults} more faults")
        typer.echo(_say_plan(found, done=done))
    if not found.sound:
        raise typer.Exit(1)
    if not yes:
        typer.echo("nothing was written; add --yes to do it", err=True)


def export(
    purpose: Annotated[str | None, typer.Option("--purpose", help="Only this purpose.")] = None,
    out: Out = None,
    form: Annotated[str, typer.Option("--format", help="csv or json (one object a line).")] = "csv",
) -> None:
    """Write every word on consent, with its text and source; people by their key.

    Example: troth consent export --purpose marketing -o consents.csv

    Exit status: 0 written, 2 the store cannot be read.
    """
    import csv
    import sys
    from contextlib import ExitStack

    from troth.use.recording import exporting

    if form not in ("csv", "json"):
        raise typer.BadParameter("expected csv or json", param_hint="--format")
    with ExitStack() as stack:
        _, office = stack.enter_context(terminal.opened())
        tx = stack.enter_context(office.store.reading())
        file = sys.stdout if out is None else stack.enter_context(out.open("w", encoding="utf-8", newline=""))
        if form == "csv":
            table = csv.DictWriter(file, exporting.COLUMNS)
            table.writeheader()
            table.writerows(exporting.export(tx, purpose))
        else:
            for row in exporting.export(tx, purpose, exact=True):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise UnreadableFile("the words agreed to cannot be read", where=str(file)) from None


def _of_plan(found: Plan, *, done: bool) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "done": done,
        "source": found.source,
        "sha256": found.sha256,
        "lines": found.lines,
        "new": found.new,
        "known": found.known,
        "unproven": found.unproven,
        "by_word": dict(found.by_word),
        "faults": [
            {"line": one.line, "column": one.path, "message": one.message, "expected": one.expected}
            for one in found.faults
        ],
        "more_faults": found.more_faults,
    }


def _say_plan(found: Plan, *, done: bool) -> str:
    if not found.sound:
        return f"{len(found.faults) + found.more_faults} faults; nothing was written"
    words = ", ".join(f"{count} {word}" for word, count in sorted(found.by_word.items())) or "none"
    lines = [f"{'written' if done else 'would write'}: {found.new} of {found.lines} lines ({words})"]
    if found.known:
        lines.append(f"on record already: {found.known}")
    if found.unproven:
        lines.append(f"without the words agreed to, so they permit nothing until renewed: {found.unproven}")
    return "\n".join(lines)


def _say_invalid(problem: ProofInvalid, form: Format) -> None:
    if form is Format.JSON:
        _print_json({"schema": SCHEMA, "valid": False, "why": problem.message})
    else:
        typer.echo(f"invalid  {problem}")


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
