"""`troth share`: give data to a recipient, through the gate, from the terminal."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from troth.sharing.printed import of_disclosure, of_spending, say, say_spending
from troth.sharing.words import Form

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from troth.policy.settings import Instance
    from troth.sharing.disclosures import Disclosure
    from troth.sharing.passage import Shape
    from troth.sharing.recipients import Registered
    from troth.use.office import Office

SCHEMA = 1


class Printed(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"


def share(  # noqa: PLR0917 - typer takes its options in order
    recipient: Annotated[str | None, typer.Argument(metavar="RECIPIENT", help="Its name in the policy.")] = None,
    purpose: Annotated[str, typer.Option("--purpose", help="A purpose of the policy.")] = "",
    source: Annotated[str, typer.Option("--in", metavar="FILE", help="The rows; - for standard input.")] = "-",
    to: Annotated[
        str, typer.Option("--out", metavar="FILE", help="Where to: a file, - or an address of the recipient's host.")
    ] = "-",
    reads: Annotated[
        Form | None, typer.Option("--from", help="The form of the rows; by the file's name, or CSV.")
    ] = None,
    writes: Annotated[
        Form | None, typer.Option("--as", help="The form to write; by the file's name, or JSON lines.")
    ] = None,
    person: Annotated[
        str, typer.Option("--person", help="The column that says whose a row is; `email:COLUMN` when not by id.")
    ] = "",
    columns: Annotated[
        str,
        typer.Option(
            "--columns", help="What the columns hold: name=category, ...; name=category:day makes it coarser."
        ),
    ] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Refuse the batch for a column that may not go.")] = False,  # noqa: FBT002 - typer's form of a flag
    listed: Annotated[bool, typer.Option("--list", help="Show the recipients and what they got.")] = False,  # noqa: FBT002 - as above
    resume: Annotated[bool, typer.Option("--resume", help="End what a crash left half done; sends nothing.")] = False,  # noqa: FBT002 - as above
    form: Annotated[Printed, typer.Option("--format", help="How to print the record.")] = Printed.TEXT,
) -> None:
    """Give rows to a recipient that the policy names: only what it may get, only of people who may be used for it.

    Example: troth share "Example Desk" --purpose support --in t.csv --person user --columns email=contact.email

    Exit status: 0 shared, 1 refused and nothing has left, 2 it could not be done.
    """
    from troth.errors import GateClosed, UnknownName

    with _open() as (instance, office):
        if listed:
            _list(office, form)
        elif resume:
            _resume(instance, office, form)
        else:
            if not recipient or not purpose or not person or not columns:
                raise typer.BadParameter("RECIPIENT, --purpose, --person and --columns are needed; or --list, --resume")
            try:
                shape = _shape(person, columns)
                made = _share(instance, office, recipient, purpose, shape, (source, reads), (to, writes), strict=strict)
            except (GateClosed, UnknownName) as problem:
                typer.echo(problem.diagnostics(), err=True)
                raise typer.Exit(1) from None
            _print(office, made, form, beside=to == "-")


def _share(  # noqa: PLR0917 - the parts of one call, in the order of the sentence
    instance: Instance,
    office: Office,
    recipient: str,
    purpose: str,
    shape: Shape,
    source: tuple[str, Form | None],
    to: tuple[str, Form | None],
    *,
    strict: bool,
) -> Disclosure:
    from troth.sharing import streams
    from troth.sharing.gate import Gate

    name, reads = source
    place, writes = to
    target: str | Path | IO[bytes] = sys.stdout.buffer if place == "-" else place
    if isinstance(target, str) and "://" not in target:
        target = Path(place).absolute()
    with _rows(name) as file:
        rows = streams.read(file, reads or streams.form_of(name) or Form.CSV)
        return Gate(office, instance).share(
            recipient,
            purpose,
            rows,
            shape=shape,
            to=target,
            form=writes or streams.form_of(place) or Form.JSONL,
            strict=strict,
        )


@contextmanager
def _rows(name: str) -> Iterator[IO[bytes]]:
    from troth.errors import RowsUnreadable

    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below, so that only its opening is told as such
    except OSError as problem:
        raise RowsUnreadable(f"the file cannot be read: {problem.strerror}", where=Path(name).name) from None
    with file:
        yield file


def _shape(person: str, columns: str) -> Shape:
    from troth.foundation.people import Kind
    from troth.sharing.passage import Shape

    kind, colon, column = person.partition(":")
    if not colon:
        kind, column = Kind.ID.value, person
    if kind not in {*Kind} or not column:
        raise typer.BadParameter("expected COLUMN, or email:COLUMN, phone:, id:, key:", param_hint="--person")
    categories: dict[str, str] = {}
    coarser: dict[str, str] = {}
    for part in columns.split(","):
        name, equals, meaning = part.strip().partition("=")
        category, colon, how = meaning.partition(":")
        if not equals or not name or not category or name in categories:
            raise typer.BadParameter(
                "expected name=category,name=category:day,..., each name once", param_hint="--columns"
            )
        categories[name] = category
        if colon:
            coarser[name] = how
    return Shape(column, categories, Kind(kind), coarser)


def _list(office: Office, form: Printed) -> None:
    from troth.sharing import disclosures, recipients

    everyone = recipients.register(office.policy)
    with office.store.reading() as tx:
        made = disclosures.latest(tx)
        spent = disclosures.spent_by_each(tx)
    if form is Printed.JSON:
        facts = [_of_recipient(each, spent) for each in everyone]
        _print_json({"schema": SCHEMA, "recipients": facts, "disclosures": [of_disclosure(each) for each in made]})
        return
    for each in everyone:
        typer.echo(_say_recipient(each, spent))
        for one in [one for one in made if one.recipient == each.name][:3]:
            typer.echo(f"  {say(one)}")
    if not everyone:
        typer.echo("The policy names no recipient.")


def _resume(instance: Instance, office: Office, form: Printed) -> None:
    from troth.sharing import recording

    settled = recording.settle(office, instance.folder)
    if form is Printed.JSON:
        _print_json({"schema": SCHEMA, "disclosures": [of_disclosure(each) for each in settled]})
        return
    for each in settled:
        typer.echo(say(each))
    if not settled:
        typer.echo("Nothing was left half done.")


def _of_recipient(each: Registered, spent: Mapping[str, Decimal]) -> dict[str, Any]:
    known = each.recipient.model_dump(mode="json")
    noise = None if each.noise is None else of_spending(each.noise, spent.get(each.name, Decimal()))
    return known | {
        "sentence": each.number,
        "safeguard": each.safeguard,
        "noise": noise,
        "categories": list(each.categories),
    }


def _say_recipient(each: Registered, spent: Mapping[str, Decimal]) -> str:
    known = each.recipient
    told = "" if each.noise is None else f" with noise, {say_spending(each.noise, spent.get(each.name, Decimal()))}"
    papers = [
        f"contract until {known.contract.until or 'further notice'}" if known.contract else "no contract",
        *([f"{known.certificate.kind} until {known.certificate.until}"] if known.certificate else []),
        *([f"transfer on {known.transfer.ground.replace('-', ' ')}"] if known.transfer else []),
        *([f"hands on to {', '.join(one.name for one in known.sub_processors)}"] if known.sub_processors else []),
    ]
    return (
        f"{each.name} ({known.country}), {each.number}: {', '.join(each.categories)} for {each.purpose}; "
        f"{each.safeguard or 'no safeguard'}{told}; {'; '.join(papers)}"
    )


def _print(office: Office, made: Disclosure, form: Printed, *, beside: bool) -> None:
    """The record; to standard error where the data themselves went to standard output."""
    from troth.sharing import disclosures, recipients

    facts, words = of_disclosure(made), say(made)
    noise = recipients.noise_of(office.policy, made.recipient)
    if noise is not None:
        with office.store.reading() as tx:
            spent = disclosures.spent(tx, made.recipient)
        facts["noise"] = facts["noise"] | of_spending(noise, spent)
        words += f"\n  {say_spending(noise, spent)}"
    text = json.dumps({"schema": SCHEMA, "disclosure": facts}, ensure_ascii=False, indent=2)
    typer.echo(text if form is Printed.JSON else words, err=beside)


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


@contextmanager
def _open() -> Iterator[tuple[Instance, Office]]:
    from troth.use.opening import open_office

    instance, office = open_office()
    try:
        yield instance, office
    finally:
        office.store.close()
