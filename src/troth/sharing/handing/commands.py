"""`troth demand` and `troth transfer`: what authorities ask for, and a business that changes hands."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from troth.foundation.printing import Format, Printed
from troth.sharing.handing.printing import (
    SCHEMA,
    By,
    Key,
    Kinds,
    Note,
    Number,
    PerhapsBy,
    Since,
    Until,
    meant,
    opened,
    read,
    scope,
    sequence,
    show,
    show_transfers,
    write,
)
from troth.sharing.printed import of_disclosure, say

demand = typer.Typer(no_args_is_help=True, help="Legal demands: what authorities ask for.")
transfer = typer.Typer(no_args_is_help=True, help="A business that is sold with its data.")


@demand.command("file")
def file_(  # noqa: PLR0917 - the options of a command, in the order of its help
    authority: Annotated[str, typer.Option("--authority", help="Who asks.")],
    reference: Annotated[str, typer.Option("--reference", help="The law and the case that it rests on.")],
    data: Kinds,
    country: Annotated[str, typer.Option("--country", help="Two letters.")],
    person: Annotated[list[str], typer.Option("--person", help="id=..., email=...; or - for lines of standard input.")],
    since: Since = None,
    until: Until = None,
    secret: Annotated[
        dt.datetime | None, typer.Option("--secret-until", formats=["%Y-%m-%d"], help="Nobody is told up to that day.")
    ] = None,
    treaty: Annotated[str | None, typer.Option("--treaty", help="What an order from a third country rests on.")] = None,
    note: Note = "",
    by: PerhapsBy = None,
    form: Printed = Format.TEXT,
) -> None:
    """Take in the demand of an authority; nothing leaves yet.

    Example: troth demand file --authority Court --country IE --reference "s. 10" --person id=7 --data contact.email

    Exit status: 0 it is on record, 2 it could not be taken in.
    """
    from troth.sharing import demands

    order = demands.Order(
        authority, country, reference, meant(person), scope(data, "", since, until),
        None if secret is None else secret.date(), treaty, read(note),
    )  # fmt: skip
    with opened() as archive:
        found = demands.file(archive, order, by)
        if demands.foreign(archive.office, country) and not found.treaty:
            typer.echo("No treaty is named; an order from there binds nobody without one (GDPR Art. 48).", err=True)
    show([found], form)


@demand.command("review")
def review(  # noqa: PLR0917 - as above
    number: Number,
    by: By,
    data: Kinds,
    columns: Annotated[str, typer.Option("--columns", help="Only these: store.table.column, with commas.")] = "",
    since: Since = None,
    until: Until = None,
    note: Note = "",
    form: Printed = Format.TEXT,
) -> None:
    """Decide how little of it the law asks for; by somebody who did not take it in.

    Example: troth demand review 3 --as dora --data transaction.purchase --columns shop.orders.total

    Exit status: 0 it is narrowed, 2 it could not be done.
    """
    from troth.sharing import demands

    with opened() as archive:
        found = demands.review(archive, number, by, scope(data, columns, since, until), read(note))
    show([found], form)


@demand.command("approve")
def approve(number: Number, by: By, note: Note = "", form: Printed = Format.TEXT) -> None:
    """Approve what the review left; by a third pair of eyes.

    Example: troth demand approve 3 --as ben

    Exit status: 0 it is approved, 2 it could not be done.
    """
    from troth.sharing import demands

    with opened() as archive:
        found = demands.approve(archive, number, by, read(note))
    show([found], form)


@demand.command("challenge")
def challenge(number: Number, by: By, note: Note, form: Printed = Format.TEXT) -> None:
    """Record that the demand was objected to, and with which words; what was decided is decided again.

    Example: troth demand challenge 3 --as dora --note "asked the court to strike item 2"

    Exit status: 0 it is recorded, 2 it could not be done.
    """
    from troth.sharing import demands

    with opened() as archive:
        found = demands.challenge(archive, number, by, read(note))
    show([found], form)


@demand.command("refuse")
def refuse(number: Number, by: By, note: Note, form: Printed = Format.TEXT) -> None:
    """Refuse the demand, with the reason that the authority is given.

    Example: troth demand refuse 3 --as dora --note "no treaty, and no basis in law"

    Exit status: 0 it is refused, 2 it could not be done.
    """
    from troth.sharing import demands

    with opened() as archive:
        found = demands.refuse(archive, number, by, read(note))
    show([found], form)


@demand.command("carry-out")
def carry_out(
    number: Number,
    by: By,
    key: Key,
    to: Annotated[Path, typer.Option("--out", help="The file to write.")],
    form: Printed = Format.TEXT,
) -> None:
    """Write what was approved, sealed for the authority, and record it.

    Example: troth demand carry-out 3 --as ben --key age1... --out demand-3.age

    Exit status: 0 it is written, 2 nothing has left.
    """
    from troth.sharing import answering

    with opened() as archive:
        made = answering.carry_out(archive, number, by, to.absolute(), key)
        sequence(archive)
    if form is Format.JSON:
        write({"schema": SCHEMA, "disclosure": of_disclosure(made)})
    else:
        typer.echo(say(made))


@demand.command("list")
def list_(form: Printed = Format.TEXT) -> None:
    """List the demands, the newest first.

    Example: troth demand list

    Exit status: 0.
    """
    from troth.sharing import demand_reading

    with opened() as archive, archive.office.store.reading() as tx:
        found = demand_reading.every(tx)
    show(list(found), form)


@demand.command("tell")
def tell(form: Printed = Format.TEXT) -> None:
    """Tell the people meant by demands that are secret no more; `troth serve` does so by itself every day.

    Example: troth demand tell

    Exit status: 0.
    """
    from troth.sharing import demands

    with opened() as archive:
        told = demands.tell(archive.office)
        sequence(archive)
    typer.echo(json.dumps({"schema": SCHEMA, "told": told}) if form is Format.JSON else f"told of {told} demands")


@demand.command("report")
def report(form: Printed = Format.TEXT) -> None:
    """Print the counts for the public: by year, country and outcome; numbers below 5 are not told.

    Example: troth demand report

    Exit status: 0.
    """
    from troth.sharing import demand_reading

    with opened() as archive, archive.office.store.reading() as tx:
        found = demand_reading.report(demand_reading.every(tx))
    if form is Format.JSON:
        write({"schema": SCHEMA, "counts": found})
        return
    for each in found:
        typer.echo(
            f"{each['year']}  {each['country']}  {each['outcome']}: {each['demands']} demands, {each['people']} people"
        )
    if not found:
        typer.echo("No authority has demanded anything.")


@transfer.command("announce")
def announce(
    buyer: Annotated[str, typer.Option("--buyer", help="Who buys.")],
    country: Annotated[str, typer.Option("--country", help="Where the buyer is: two letters.")],
    notice: Annotated[str, typer.Option("--notice", help="A file with what people are told; - for standard input.")],
    by: PerhapsBy = None,
    form: Printed = Format.TEXT,
) -> None:
    """Publish the notice; from its day on, and no sooner, data may go.

    Example: troth transfer announce --buyer "Example Buyer" --country IE --notice notice.txt --as dora

    Exit status: 0 it is announced, 2 it could not be done.
    """
    from troth.policy import documents
    from troth.sharing import transfers

    read = sys.stdin.buffer.read() if notice == "-" else documents.read_bytes(Path(notice))
    text = documents.text_of(read, "standard input" if notice == "-" else Path(notice).name)
    with opened() as archive:
        found = transfers.announce(archive.office, buyer, country, text, by)
    show_transfers([found], form)


@transfer.command("stay")
def stay(number: Number, person: Annotated[str, typer.Argument(help="id=..., email=..., or -.")]) -> None:
    """Record that somebody does not go with the business.

    Example: troth transfer stay 1 id=7

    Exit status: 0 it is on record, 2 it could not be done.
    """
    from troth.sharing import transfers

    [who] = meant([person])
    with opened() as archive:
        new = transfers.stay(archive.office, number, {who.kind.value: who.value})
    typer.echo("They stay." if new else "They had said so before.")


@transfer.command("freeze")
def freeze(number: Number, by: PerhapsBy = None, form: Printed = Format.TEXT) -> None:
    """Let the policy stand still until the transfer is over.

    Example: troth transfer freeze 1 --as dora

    Exit status: 0 it stands still, 2 it could not be done.
    """
    from troth.sharing import transfers

    with opened() as archive:
        found = transfers.freeze(archive.office, number, by)
    show_transfers([found], form)


@transfer.command("export")
def export(
    number: Number,
    key: Key,
    to: Annotated[Path, typer.Option("--out", help="The file to write.")],
    by: PerhapsBy = None,
    form: Printed = Format.TEXT,
) -> None:
    """Write the bundle: the rows and choices of everybody who goes, signed, with proofs, sealed for the buyer.

    Tell the buyer the fingerprint that is printed by another way than the bundle goes.

    Example: troth transfer export 1 --key age1... --out business.age --as dora

    Exit status: 0 it is written, 2 nothing has left.
    """
    from troth.sharing import bundles

    with opened() as archive:
        made = bundles.export(archive, number, to.absolute(), key, by)
        mark = bundles.fingerprint(archive.office.keyring.public_key)
        sequence(archive)
    if form is Format.JSON:
        write({"schema": SCHEMA, "disclosure": of_disclosure(made), "fingerprint": mark})
    else:
        typer.echo(say(made))
        typer.echo(f"fingerprint {mark}")


@transfer.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The bundle.")],
    identity: Annotated[Path, typer.Option("--identity", help="A file with the private key: AGE-SECRET-KEY-1...")],
    fingerprint: Annotated[str, typer.Option("--fingerprint", help="What the seller told by another way.")],
    into: Annotated[Path, typer.Option("--into", help="The folder for the rows.")],
    form: Printed = Format.TEXT,
) -> None:
    """Verify a bundle (signature, hashes, ledger) and take it in: people, choices, rows. Repeated, it is done once.

    Example: troth transfer import business.age --identity key.txt --fingerprint 5c1f... --into bought

    Exit status: 0 it is taken in, 1 it does not hold, 2 it could not be done.
    """
    from troth.errors import ProofInvalid, TransferRefused
    from troth.sharing import arriving

    try:
        data, text = file.read_bytes(), identity.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise TransferRefused("the bundle or the key cannot be read", where=file.name) from None
    secret = next((line for line in text.splitlines() if line.startswith("AGE-SECRET-KEY-")), "").strip()
    with opened() as archive:
        try:
            taken = arriving.take_in(archive.office, data, secret, fingerprint, into)
        except ProofInvalid as problem:
            typer.echo(problem.diagnostics(), err=True)
            raise typer.Exit(1) from None
        sequence(archive)
    if form is Format.JSON:
        told = {"seller": taken.seller, "people": taken.people, "choices": dict(taken.choices), "rows": taken.rows}
        write({"schema": SCHEMA, **told, "new": taken.new, "entry": taken.leaf})
        return
    choices = ", ".join(f"{n} {what}" for what, n in sorted(taken.choices.items())) or "no choices"
    again = "" if taken.new else " It had been taken in before; nothing was done again."
    typer.echo(f"{taken.seller}: {taken.people} people, {choices}, {taken.rows} rows; entry {taken.leaf}.{again}")


@transfer.command("end")
def end(number: Number, by: PerhapsBy = None, form: Printed = Format.TEXT) -> None:
    """End a transfer, or call it off: the policy may change again.

    Example: troth transfer end 1 --as dora

    Exit status: 0 it is over, 2 it could not be done.
    """
    from troth.sharing import transfers

    with opened() as archive:
        found = transfers.end(archive.office, number, by)
    show_transfers([found], form)


@transfer.command("list")
def list_transfers(form: Printed = Format.TEXT) -> None:
    """List the transfers, the newest first.

    Example: troth transfer list

    Exit status: 0.
    """
    from troth.sharing import transfer_reading

    with opened() as archive, archive.office.store.reading() as tx:
        found = transfer_reading.every(tx)
    show_transfers(list(found), form)
