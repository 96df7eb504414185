"""`troth map` and `troth grants`: where people's data is, and what troth must be allowed to see it.

The URL of a database holds a password, and arguments are visible to everybody on the machine: `-` reads it from
standard input, `'${NAME}'` from the environment.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from troth.errors import DeclarationError
from troth.foundation.printing import Format, Printed

if TYPE_CHECKING:
    from troth.foundation.records.reading import Records
    from troth.policy.datamap import DataMap

SCHEMA = 1
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}\Z")


def map_(  # noqa: PLR0917 - the ways to begin, each an option
    url: Annotated[
        str | None,
        typer.Argument(metavar="URL", help="The database; - for standard input, '${NAME}' for the environment."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What to call the store.", show_default=False)] = None,
    check: Annotated[bool, typer.Option("--check", help="Compare datamap.yaml with the live stores instead.")] = False,  # noqa: FBT002 - typer's form
    fides: Annotated[
        Path | None, typer.Option("--fides", help="Take over a Fides dataset file instead.", show_default=False)
    ] = None,
    approve: Annotated[bool, typer.Option("--approve", help="Answer for datamap.yaml as it is, by name.")] = False,  # noqa: FBT002 - typer's form
    by: Annotated[str | None, typer.Option("--as", help="The staff account that approves.", show_default=False)] = None,
    form: Printed = Format.TEXT,
) -> None:
    """Draft a data map from a live database, tell how the stores have moved away from the one you have, or approve it.

    Nothing is deleted or changed in a store by a map that nobody with the right role has approved as it is.

    Example: troth map '${SHOP_DATABASE_URL}' --name shop > datamap.yaml

    Exit status: 0 done and no drift, 1 drift, 2 it could not be done.
    """
    if approve:
        _approve(by, form)
    elif check:
        _check(url, name, form)
    elif fides is not None:
        from troth.collection.fides import import_datasets
        from troth.policy import documents

        _print_map(import_datasets(documents.read_bytes(fides), fides.name), form)
    elif url is not None:
        from troth.collection.drafting import draft_map

        address, variable = address_of(url)
        _print_map(draft_map(address, name=name, variable=variable), form)
    else:
        raise DeclarationError("no database is named.", repair="Write `troth map URL`, or `troth map --check`.")


def grants(
    store: Annotated[str, typer.Argument(metavar="STORE", help="A store of the data map.")],
    form: Printed = Format.TEXT,
) -> None:
    """Print the least rights that troth needs in a store, as statements for its administrator.

    Example: troth grants shop

    Exit status: 0 done, 2 it could not be done.
    """
    from dataclasses import asdict

    from troth.collection.grants import rights_of, statements
    from troth.foundation.records.reading import Records

    datamap, folder = _datamap()
    with Records.open(datamap, os.environ, base=folder) as records:
        kind, database = records.kind(store)
        rights = rights_of(datamap, store, kind, database, records.catalogue(store))
    text = statements(rights)
    if form is Format.JSON:
        _print_json({"store": store, "reading": [asdict(each) for each in rights.reading],
                     "writing": [asdict(each) for each in rights.writing], "statements": text})  # fmt: skip
    else:
        typer.echo(text, nl=False)


def _approve(by: str | None, form: Format) -> None:
    from troth.foundation.guards import approvals
    from troth.policy import mapreading
    from troth.use.opening import open_office

    if by is None:
        raise DeclarationError(
            "it is not said who answers for the map.", repair="Add --as NAME: see `troth staff list`."
        )
    instance, office = open_office()
    with office.store, office.store.writing() as tx:
        datamap = mapreading.read(instance.map_file)
        approval = approvals.approve(tx, office.keyring, datamap, by, office.clock.now())
    if form is Format.JSON:
        _print_json({"map": approval.sha256, "role": approval.role, "at": approval.at.isoformat()})
    else:
        typer.echo(f"{datamap.file} is approved as it is ({approval.sha256[:12]}), by the {approval.role.label}.")


def _check(url: str | None, name: str | None, form: Format) -> None:
    from troth.collection.drift import find_drift

    datamap, folder = _datamap()
    store = name or (next(iter(datamap.stores)) if url is not None and len(datamap.stores) == 1 else None)
    if url is not None and store is None:
        raise DeclarationError(
            "it is not said which store this is.", repair=f"Add --name: one of {', '.join(datamap.stores)}."
        )
    if store is not None and store not in datamap.stores:
        raise DeclarationError(
            f'"{store}" is no store of {datamap.file}.', expected=f"one of: {', '.join(datamap.stores)}"
        )
    with _records(datamap, folder, url, store) as records:
        found = find_drift(datamap, records, store=store)
    if form is Format.JSON:
        _print_json(
            {
                "drift": [
                    {"place": str(each.place), "kind": each.kind.value, "message": each.message, "repair": each.repair}
                    for each in found
                ]
            }
        )
    else:
        for each in found:
            typer.echo(f"drift  {each}\n       repair  {each.repair}")
        typer.echo(
            f"{len(found)} difference{'' if len(found) == 1 else 's'} between {datamap.file} and the stores.", err=True
        )
    if found:
        raise typer.Exit(1)


def _records(datamap: DataMap, folder: Path, url: str | None, store: str | None) -> Records:
    from troth.foundation.records.reading import Records

    if url is not None and store is not None:
        return Records.of_address(store, address_of(url)[0])
    return Records.open(datamap, os.environ, base=folder)


def _datamap() -> tuple[DataMap, Path]:
    """The data map of this instance, and the folder that it stands in."""
    from troth.policy import mapreading, settings

    instance = settings.read(Path(), os.environ)
    return mapreading.read(instance.map_file), instance.map_file.parent


def address_of(url: str) -> tuple[str, str | None]:
    """The address that `url` stands for, and the variable it came from; raises DeclarationError without one."""
    if url == "-":
        read = sys.stdin.readline(4096).strip()
        if not read:
            raise DeclarationError("standard input holds no URL.", repair="Write it on one line.")
        return read, None
    variable = _VARIABLE.match(url)
    if variable is None:
        return url, None
    value = os.environ.get(variable[1])
    if not value:
        raise DeclarationError(
            f"the environment has no {variable[1]}.", repair=f"Set {variable[1]} to the database's URL."
        )
    return value, variable[1]


def _print_map(text: str, form: Format) -> None:
    """Print a draft; on standard error, how many questions must be answered first."""
    from troth.policy import mapreading

    drafted = mapreading.parse(text.encode(), "datamap.yaml")
    if form is Format.JSON:
        questions = [{"store": each.store, "about": each.about, "ask": each.ask} for each in drafted.questions]
        tables = {"personal": sum(table.personal for table in drafted.tables()), "all": len(list(drafted.tables()))}
        _print_json({"stores": list(drafted.stores), "tables": tables, "questions": questions, "map": text})
        return
    typer.echo(text, nl=False)
    count = len(drafted.questions)
    personal = sum(table.personal for table in drafted.tables())
    questions_text = f"{count} question{'' if count == 1 else 's'} to answer" if count else "no questions"
    typer.echo(f"{personal} of {len(list(drafted.tables()))} tables hold people's data; {questions_text}.", err=True)


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps({"schema": SCHEMA} | value, indent=2, ensure_ascii=False))
