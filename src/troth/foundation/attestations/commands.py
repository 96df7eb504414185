"""`troth attest`: what no probe can see, said by a named role with a document and a last day."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from troth.errors import TrothError
from troth.foundation.printing import Format, Printed

if TYPE_CHECKING:
    from troth.foundation.attestations.reading import Attested
    from troth.foundation.attestations.register import Statement

SCHEMA = 1


About = Annotated[str | None, typer.Argument(metavar="ABOUT", help="A sentence (3.1e, or its id), or a topic.")]
Owner = Annotated[str | None, typer.Option("--owner", help="The role that says so (dpo, ...), or an account's name.")]
Words = Annotated[str | None, typer.Option("--statement", help="What is said, in one or two sentences.")]
Paper = Annotated[str | None, typer.Option("--document", help="The file that shows it, below this folder.")]
Until = Annotated[dt.datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="The last day it holds.")]
Shown = Annotated[bool, typer.Option("--list", help="Show every attestation and whether it holds.")]
Back = Annotated[int | None, typer.Option("--withdraw", metavar="NUMBER", help="Take one back, by its number.")]


def attest(  # noqa: PLR0917 - each is an option of its own
    about: About = None,
    owner: Owner = None,
    statement: Words = None,
    document: Paper = None,
    until: Until = None,
    shown: Shown = False,  # noqa: FBT002 - typer's form of a flag
    withdraw: Back = None,
    form: Printed = Format.TEXT,
) -> None:
    """Record that a named role says so, with the hash of a document and a last day. The document stays where it is.

    Example: troth attest disk-encryption --owner administrator --statement "All volumes are encrypted" --document documents/disks.md --until 2027-06-30

    Exit status: 0 done, 2 it could not be done.
    """  # noqa: E501 - a command stands on one line
    from troth.foundation import keys
    from troth.foundation.attestations import reading, register
    from troth.foundation.attestations.topics import subject_of
    from troth.foundation.clock import SystemClock
    from troth.foundation.keys import Keyring
    from troth.foundation.store import Store
    from troth.policy import reading as policies
    from troth.policy import settings

    instance = settings.read(Path.cwd(), os.environ)
    now = SystemClock().now()
    with Store.open(instance.store_url) as store:
        store.require_current()
        if shown:
            with store.reading() as tx:
                found = reading.all_(tx)
            _list(found, instance.folder, now, form)
            return
        if about is not None and withdraw is None:  # a wrong word is told before what else is lacking
            subject_of(policies.read(instance.policy_file), about)
        said = None if withdraw is not None else _statement(about, owner, statement, document, until)
        keyring = Keyring.load(instance.folder, instance.environ)
        keys.confirm(store, keyring)
        policy = policies.read(instance.policy_file) if said else None
        with store.writing() as tx:
            if said is not None and policy is not None:
                done = register.attest(tx, keyring, policy, instance.folder, said, now)
            else:
                assert withdraw is not None  # INVARIANT: one of the two is wanted
                done = register.withdraw(tx, keyring, withdraw, now)
    if form is Format.JSON:
        _write({"schema": SCHEMA, "attestation": _facts(done, instance.folder, now)})
    elif done.withdrawn_at is not None:
        typer.echo(f"Attestation {done.id} about {done.about} is withdrawn.")
    else:
        typer.echo(f"Attestation {done.id}: {done.about} is attested by {done.owner} until {done.until}.")


def _statement(
    about: str | None, owner: str | None, statement: str | None, document: str | None, until: dt.datetime | None
) -> Statement:
    from troth.foundation.attestations.register import Statement
    from troth.foundation.attestations.topics import TOPICS

    if about is None:
        raise TrothError(
            "it is not said what is attested",
            expected=f"a sentence's number or id, or one of: {', '.join(TOPICS)}",
            repair="Name it first: `troth attest ABOUT --owner ...`; or look with `troth attest --list`.",
        )
    if owner is None or statement is None or document is None or until is None:
        given = {"--owner": owner, "--statement": statement, "--document": document, "--until": until}
        lacking = ", ".join(name for name, value in given.items() if value is None)
        raise TrothError("an attestation is not whole", where=about, expected=f"also {lacking}")
    return Statement(about, statement, owner, document, until.date())


def _list(found: tuple[Attested, ...], folder: Path, now: dt.datetime, form: Format) -> None:
    if form is Format.JSON:
        _write({"schema": SCHEMA, "attestations": [_facts(each, folder, now) for each in found]})
        return
    for each in found:
        facts = _facts(each, folder, now)
        typer.echo(f"{each.id:>4}  {each.about}  {each.owner}, {each.at:%Y-%m-%d} until {each.until}")
        typer.echo(f"      {facts['fault'] or 'holds'}; {each.document}")
    if not found:
        typer.echo("Nothing is attested yet: troth attest ABOUT --owner ROLE --document FILE --until DATE", err=True)


def _facts(each: Attested, folder: Path, now: dt.datetime) -> dict[str, Any]:
    from troth.foundation.attestations import reading

    return {
        "number": each.id,
        "about": each.about,
        "owner": each.owner,
        "statement": each.statement,
        "document": each.document,
        "sha256": each.sha256,
        "at": each.at.isoformat(),
        "until": each.until.isoformat(),
        "withdrawn_at": each.withdrawn_at.isoformat() if each.withdrawn_at else None,
        "fault": reading.fault(each, folder, now),
    }


def _write(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
