"""`troth assessment`: which uses need an impact assessment, and those that were made."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Annotated

import typer

from troth.foundation.printing import Format, Printed
from troth.protection.impacts.words import Residual

SCHEMA = 1


assessment = typer.Typer(no_args_is_help=True, help="Impact assessments: which uses need one, and those made.")


@assessment.command()
def add(  # noqa: PLR0917 - each is an option of its own
    purpose: Annotated[str, typer.Argument(metavar="PURPOSE", help="A purpose of the policy.")],
    document: Annotated[str, typer.Option("--document", help="The assessment, a file below this folder.")],
    review: Annotated[dt.datetime, typer.Option("--review", formats=["%Y-%m-%d"], help="The last day it holds.")],
    owner: Annotated[str, typer.Option("--owner", help="The role that answers for it, or an account.")] = "dpo",
    residual: Annotated[Residual, typer.Option("--residual", help="The risk that is left.")] = Residual.ACCEPTABLE,
    form: Printed = Format.TEXT,
) -> None:
    """Record an assessment with the hash of its document. The document stays where it is.

    Example: troth assessment add fraud --document documents/impact-fraud.md --review 2027-11-01

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.foundation import keys
    from troth.foundation.clock import SystemClock
    from troth.foundation.keys import Keyring
    from troth.foundation.store import Store
    from troth.policy import reading, settings
    from troth.protection.impacts import register

    instance = settings.read(Path.cwd(), os.environ)
    policy = reading.read(instance.policy_file)
    keyring = Keyring.load(instance.folder, instance.environ)
    weighed = register.Weighed(purpose, document, owner, review.date(), residual)
    with Store.open(instance.store_url) as store:
        store.require_current()
        keys.confirm(store, keyring)
        with store.writing() as tx:
            made = register.add(tx, keyring, policy, instance.folder, weighed, SystemClock().now())
    if form is Format.JSON:
        told = {"purpose": made.purpose, "document": made.document, "sha256": made.sha256, "owner": made.owner}
        typer.echo(json.dumps({"schema": SCHEMA, **told, "review": made.review.isoformat()}, indent=2))
    else:
        typer.echo(f"The use for {made.purpose} is assessed; look at it again by {made.review}.")


@assessment.command("list")
def list_(form: Printed = Format.TEXT) -> None:
    """List every purpose: what speaks for an assessment, whether one is needed, and whether it is there.

    Example: troth assessment list

    Exit status: 0 none that is needed is missing, 1 one is, 2 it could not be done.
    """
    from troth.foundation.clock import SystemClock
    from troth.foundation.store import Store
    from troth.policy import reading as policies
    from troth.policy import settings
    from troth.protection.impacts import criteria, reading

    instance = settings.read(Path.cwd(), os.environ)
    policy = policies.read(instance.policy_file)
    now = SystemClock().now()
    with Store.open(instance.store_url) as store:
        store.require_current()
        with store.reading() as tx:
            made, people = reading.latest(tx), reading.people(tx)
    rows, missing = [], False
    for each in criteria.judge(policy, people):
        found = made.get(each.purpose)
        fault = reading.fault(found, instance.folder, now) if found else None
        missing |= each.needed and (found is None or fault is not None)
        rows.append((each, found, fault))
    if form is Format.JSON:
        listed = [
            {
                "purpose": each.purpose,
                "criteria": [one.value for one in each.met],
                "needed": each.needed,
                "document": found.document if found else None,
                "review": found.review.isoformat() if found else None,
                "fault": fault,
            }
            for each, found, fault in rows
        ]
        typer.echo(json.dumps({"schema": SCHEMA, "purposes": listed}, ensure_ascii=False, indent=2))
    for each, found, fault in rows if form is Format.TEXT else ():
        state = (f"assessed, review by {found.review}" if fault is None else fault) if found else "not assessed"
        met = f" ({', '.join(each.met)})" if each.met else ""
        typer.echo(f"{each.purpose:<18}  {'needed' if each.needed else 'not needed'}{met}: {state}")
    if missing:
        raise typer.Exit(1)
