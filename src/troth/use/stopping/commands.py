"""`troth suppress`: bring a list of addresses that get no mail, from the terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from troth.errors import PersonError, UnreadableFile
from troth.foundation.printing import Format
from troth.use import terminal

SCHEMA = 1


def suppress(
    file: Annotated[str, typer.Argument(help="A file with one address on each line, or - for standard input.")],
    source: Annotated[str, typer.Option("--source", help="Where the list comes from, as one word: old-crm-2024.")],
    purpose: Annotated[str, typer.Option("--purpose", help='A purpose of the policy; "*" for all marketing.')] = "*",
    form: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TEXT,
) -> None:
    """Bring a list of addresses that get no mail; all of it or nothing, and never twice.

    Example: troth suppress robinson.txt --source robinson-list

    Exit status: 0 brought, 2 a line is no address, or the list cannot be read; then nothing was written.
    """
    from troth.foundation import people
    from troth.use.stopping import suppression, unsubscribe

    lines = [(place, line.strip()) for place, line in enumerate(_read(file).splitlines(), start=1) if line.strip()]
    for place, line in lines:
        try:
            people.identifier(people.Kind.EMAIL, line)
        except PersonError as problem:
            raise PersonError(problem.message, where=f"line {place}", expected=problem.expected) from None
    with terminal.opened() as (_, office):
        if purpose != suppression.ALL_MARKETING:
            unsubscribe.stoppable(office, purpose)
        new, known = suppression.suppress_many(office, [line for _, line in lines], purpose, source=source)
    if form is Format.JSON:
        typer.echo(json.dumps({"schema": SCHEMA, "purpose": purpose, "source": source, "new": new, "known": known}))
    else:
        typer.echo(f"{new} addresses get no mail from now on; {known} did not before")


def _read(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise UnreadableFile("the list cannot be read", where=file) from None
