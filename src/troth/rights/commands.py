"""`troth request`: a right from the terminal; and the register of requests.

PERSON is `email=...`, `phone=...`, `id=...`, or `-` to read one such line from standard input, since arguments are
visible to everybody on the machine. Whoever has the machine answers for who the person is: nothing is mailed to them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from troth.errors import PersonError, PersonUnknown, RequestError, TrothError
from troth.foundation.printing import Format, Printed
from troth.policy.vocabulary import Right

if TYPE_CHECKING:
    from troth.foundation.people import Identifier
    from troth.foundation.records.erasureplan import ErasurePlan
    from troth.rights.desk import Desk
    from troth.rights.requests import Request

SCHEMA = 1
_LONGEST_LINE = 1_000


Person = Annotated[str, typer.Argument(metavar="PERSON", help="email=..., phone=..., id=..., or - for standard input.")]
Number = Annotated[str, typer.Argument(metavar="NUMBER", help="Such as 2026-000412.")]
Planned = Annotated[bool, typer.Option("--plan", help="Show what would be done, and do nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
Words = Annotated[str, typer.Option("--note", help="What the person wrote with it.")]

request = typer.Typer(no_args_is_help=True, help="Requests under a right: access, erasure, and the others.")


@request.command()
def access(
    person: Person,
    plan: Planned = False,  # noqa: FBT002 - typer's form of a flag
    yes: Yes = False,  # noqa: FBT002 - as above
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the copy here, to hand it over.")] = None,
    form: Printed = Format.TEXT,
) -> None:
    """Make a copy of everything about PERSON. It waits, sealed, for them in the privacy centre.

    Example: troth request access id=17 --yes -o copy.zip

    Exit status: 0 the copy is made, 1 it waits for staff, 2 it could not be made.
    """
    with _desk() as desk:
        known_by = _known_by(person)
        if plan:
            _show_reading(desk, known_by, form)
            return
        _agree(yes, "Make a copy of everything about this person?")
        filed = _carry_out(desk, Right.ACCESS, known_by)
        if output is not None and filed.person is not None:
            _write_copy(desk, filed, output)
        _print_outcome(filed, form)


@request.command()
def erasure(
    person: Person,
    plan: Planned = False,  # noqa: FBT002 - as above
    yes: Yes = False,  # noqa: FBT002 - as above
    picture: Annotated[Path | None, typer.Option("--picture", help="Draw the plan into this SVG file.")] = None,
    form: Printed = Format.TEXT,
) -> None:
    """Erase PERSON from every store, ask again, and search every text for what is left. It cannot be undone.

    Example: troth request erasure id=17 --plan

    Exit status: 0 proven (or the plan was shown), 1 not proven yet, 2 it could not be done.
    """
    with _desk() as desk:
        known_by = _known_by(person)
        found = _plan_of(desk, known_by)
        if picture is not None:
            from troth.foundation.records import erasurepicture

            picture.write_text(erasurepicture.picture(found) + "\n", encoding="utf-8")
        if plan:
            _print_plan(found, form)
            return
        typer.echo(found.words(), nl=False, err=form is Format.JSON)
        _agree(yes, "Erase this person? It cannot be undone.")
        _print_erasure(desk, _carry_out(desk, Right.ERASURE, known_by), form)


@request.command()
def restriction(person: Person, yes: Yes = False, form: Printed = Format.TEXT) -> None:  # noqa: FBT002 - as above
    """Pause the use of PERSON's data, at once, and keep it as a request.

    Example: troth request restriction id=17 --yes

    Exit status: 0 done, 2 it could not be done.
    """
    _do(Right.RESTRICTION, person, yes=yes, form=form)


@request.command()
def objection(
    person: Person,
    purpose: Annotated[str, typer.Option("--purpose", help='A purpose of the policy; "*" for all.')] = "*",
    yes: Yes = False,  # noqa: FBT002 - as above
    form: Printed = Format.TEXT,
) -> None:
    """Carry out an objection of PERSON, at once, and keep it as a request.

    Example: troth request objection id=17 --purpose fraud --yes

    Exit status: 0 done, 2 it could not be done.
    """
    _do(Right.OBJECTION, person, yes=yes, form=form, purpose=purpose)


@request.command()
def rectification(person: Person, note: Words = "", yes: Yes = False, form: Printed = Format.TEXT) -> None:  # noqa: FBT002 - as above
    """Take in a correction for PERSON; your company makes it by hand, and says so in the console.

    Example: troth request rectification id=17 --note "The name has one d" --yes

    Exit status: 1 taken in, to be done by hand, 2 it could not be taken in.
    """
    _do(Right.RECTIFICATION, person, yes=yes, form=form, note=note)


@request.command()
def portability(person: Person, note: Words = "", yes: Yes = False, form: Printed = Format.TEXT) -> None:  # noqa: FBT002 - as above
    """Take in a transfer for PERSON; your company makes it by hand, and says so in the console.

    Example: troth request portability id=17 --yes

    Exit status: 1 taken in, to be done by hand, 2 it could not be taken in.
    """
    _do(Right.PORTABILITY, person, yes=yes, form=form, note=note)


request.command("correction", hidden=True)(rectification)
request.command("deletion", hidden=True)(erasure)


@request.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", "-a", help="Ended ones too.")] = False,  # noqa: FBT002 - as above
    form: Printed = Format.TEXT,
) -> None:
    """List the open requests, the one due first first.

    Example: troth request list

    Exit status: 0 none is late, 1 one is late, 2 the store cannot be read.
    """
    from troth.rights import register
    from troth.rights.words import State

    with _desk() as desk:
        with desk.office.store.reading() as tx:
            found = register.list_(tx, states=None if everything else [state for state in State if state.open])
        now = desk.office.clock.now()
    if form is Format.JSON:
        _print_json({"schema": SCHEMA, "requests": [register.as_json(each) for each in found]})
    for each in found if form is Format.TEXT else ():
        late = "  late" if each.open and each.is_late(now) else ""
        typer.echo(f"{each.number}  {each.right:<13}  {each.state:<11}  due {each.due.isoformat()}{late}")
    if not found and form is Format.TEXT:
        typer.echo("No request is open.", err=True)
    if any(each.open and each.is_late(now) for each in found):
        raise typer.Exit(1)


@request.command()
def show(number: Number, form: Printed = Format.TEXT) -> None:
    """Show one request: where it stands, by when it is due, and what happened so far.

    Example: troth request show 2026-000412

    Exit status: 0 shown, 2 there is none of that number.
    """
    from troth.rights import register, requests

    with _desk() as desk:
        with desk.office.store.reading() as tx:
            found = requests.load(tx, number)
            steps = register.history(tx, desk.office, found)
        if form is Format.JSON:
            rows = [
                {"at": step.at.isoformat(), "word": step.word, "state": step.state, "entry": step.leaf}
                for step in steps
            ]
            _print_json({"schema": SCHEMA, **register.as_json(found), "history": rows})
            return
        typer.echo(f"{found.number}  {found.right}, {found.state}, due {found.due.isoformat()} ({found.article})")
        for step in steps:
            typer.echo(
                f"  {step.at:%Y-%m-%d %H:%M}  {step.word.replace('-', ' '):<16}  {step.by.actor}  entry {step.leaf}"
            )
        if found.right is Right.ERASURE:
            _print_erasure(desk, found, form, ends=False)


# --- doing ------------------------------------------------------------------------------------------------------------


def _do(right: Right, person: str, *, yes: bool, form: Format, purpose: str | None = None, note: str = "") -> None:
    with _desk() as desk:
        known_by = _known_by(person)
        _agree(yes, f"Carry out {right} for this person?")
        _print_outcome(_carry_out(desk, right, known_by, purpose=purpose, note=note), form)


def _carry_out(
    desk: Desk, right: Right, known_by: tuple[Identifier, ...], *, purpose: str | None = None, note: str = ""
) -> Request:
    """File the request and take it as far as it goes. Raises: PersonUnknown before anything is filed."""
    from troth.rights import fulfilment, on_file, requests
    from troth.rights.requests import Intake
    from troth.rights.words import Channel, Proof

    if on_file.find_nobody(desk, known_by):
        raise PersonUnknown("nobody is known by that, neither here nor in the company's stores")
    intake = Intake(right, Channel.TERMINAL, known_by, proof=Proof.OPERATOR, purpose=purpose, wish=note)
    filed = requests.file(desk, intake).request
    _say(f"request {filed.number} is at work ...")
    try:
        fulfilment.go_on(desk, filed.id)
        fulfilment.deliver(desk)
    except TrothError:
        typer.echo(f"request {filed.number} is taken in, and goes on by itself when this is mended:", err=True)
        raise
    with desk.office.store.reading() as tx:
        return requests.load(tx, filed.id)


def _plan_of(desk: Desk, known_by: tuple[Identifier, ...]) -> ErasurePlan:
    from troth.foundation.records.subjects import find_subjects
    from troth.rights import erasure as deeds

    _say("asking every store ...")
    subjects = find_subjects(desk.records, desk.datamap, known_by)
    if not subjects:
        raise PersonUnknown("nobody is known by that in the company's stores")
    return deeds.plan_for(desk, subjects)


def _show_reading(desk: Desk, known_by: tuple[Identifier, ...], form: Format) -> None:
    """What a copy would be made of: each table with the rows that are theirs."""
    from troth.foundation.proof import counted
    from troth.rights import on_file

    counts = on_file.count_rows(desk, known_by)
    steps = [{"store": store, "table": table, "do": "read", "n": n} for (store, table), n in counts.items() if n]
    if form is Format.JSON:
        _print_json({"schema": SCHEMA, "request": None, "state": "pending", "plan": steps})
        return
    for (store, table), n in counts.items():
        if n:
            typer.echo(f"{store}.{table}: {counted(n, 'row')} read into the copy")
    if not steps:
        typer.echo("No row is theirs.")


def _write_copy(desk: Desk, filed: Request, output: Path) -> None:
    """Write the copy out, to be handed over; the download is recorded. Raises: RequestError where there is none."""
    from troth.rights import packages

    assert filed.person is not None
    if output.exists():
        raise RequestError("the file exists; the copy was not written", where=output.name, repair="Name another.")
    download = packages.open_stream(desk, filed.id, filed.person)
    if download is None:
        _say("the copy is not made yet")
        return
    with output.open("xb") as file:
        output.chmod(0o600)
        for chunk in download.chunks:
            file.write(chunk)


# --- printing ---------------------------------------------------------------------------------------------------------


def _print_plan(found: ErasurePlan, form: Format) -> None:
    from troth.rights import erasure_receipts

    if form is Format.TEXT:
        typer.echo(found.words(), nl=False)
        return
    _print_json({**erasure_receipts.planned_as_json(found), "state": "pending"})


def _print_erasure(desk: Desk, filed: Request, form: Format, *, ends: bool = True) -> None:
    """The outcome in the shape that other programs may rely on; text says the same."""
    from troth.foundation.ledger import sequencer
    from troth.rights import erasure as deeds
    from troth.rights import erasure_receipts

    office, host = desk.office, urlsplit(desk.instance.settings.site.url).hostname or ""
    sequencer.sequence_all(office.store, office.keyring, office.clock, host=host)
    with desk.office.store.reading() as tx:
        found = deeds.find(tx, filed.id)
        told = None if found is None else erasure_receipts.as_json(tx, found)
    if told is None:
        _print_outcome(filed, form)
        return
    if form is Format.JSON:
        _print_json(told)
    else:
        for line in _lines(told):
            typer.echo(line)
    if ends and told["state"] != "proven":
        raise typer.Exit(1)


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    yield f"{told['request']}  {told['state']}"
    for word in ("erased", "changed"):
        for store, tables in told[word].items():
            for table, n in tables.items():
                yield f"  {word:<8} {store}.{table}: {n}"
    for each in told["kept"]:
        if each["n"]:
            yield f"  kept     {each['where']}: {each['n']}, for {each['ground']}, until {each['until']}"
    for each in told["residue"]:
        yield f"  residue  {each['where']}: {each['n']}"
    yield f"  proof    entry {told['proof']['entry']}, root {told['proof']['root'] or 'not signed yet'}"


def _print_outcome(filed: Request, form: Format) -> None:
    from troth.rights import register, requests
    from troth.rights.words import WAITS_FOR, State

    if form is Format.JSON:
        _print_json({"schema": SCHEMA, **register.as_json(filed)})
    else:
        by_hand = filed.right in requests.BY_HAND and filed.state is State.WORKING
        said = ": your company does this by hand; say in the console when it is done" if by_hand else ""
        typer.echo(f"{filed.number}  {filed.right}, {filed.state}, due {filed.due.isoformat()}{said}")
        if filed.state in WAITS_FOR and not by_hand:
            typer.echo(f"  {WAITS_FOR[filed.state].format(number=filed.number)}", err=True)
    if filed.state is not State.DONE:
        raise typer.Exit(1)


def _known_by(text: str) -> tuple[Identifier, ...]:
    """PERSON, read from standard input for `-`. Raises: PersonError."""
    from troth.foundation import people
    from troth.foundation.people import Kind

    line = sys.stdin.readline(_LONGEST_LINE).strip() if text == "-" else text
    if not line:
        raise PersonError("standard input named nobody", expected="one line: email=..., phone=... or id=...")
    who = people.parse(line, verified=True)
    if who.kind is Kind.KEY:
        raise PersonError("a key of troth leads to no row of a store", expected="email=..., phone=... or id=...")
    return (who,)


def _agree(yes: bool, question: str) -> None:  # noqa: FBT001 - as above
    if yes:
        return
    if not sys.stdin.isatty():
        raise TrothError("nobody is there to agree; nothing was done", expected="--yes, or --plan to look first")
    if not typer.confirm(question, err=True):
        _say("Nothing was done.")
        raise typer.Exit(2)


def _say(line: str) -> None:
    if sys.stderr.isatty():
        typer.echo(line, err=True)


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


@contextmanager
def _desk() -> Iterator[Desk]:
    from troth.rights.desk import Desk

    desk = Desk.open()
    try:
        yield desk
    finally:
        desk.close()
        desk.office.store.close()
