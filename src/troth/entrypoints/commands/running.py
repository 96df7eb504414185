"""`troth demo`, `init`, `serve`, `worker` and `upgrade`: make an instance, run it, bring it up to date."""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

WithWorker = Annotated[bool, typer.Option("--worker/--no-worker", help="Run jobs and schedules in this process.")]


class PlainFormat(StrEnum):
    """Text or JSON."""

    TEXT = "text"
    JSON = "json"


def demo(
    port: Annotated[int, typer.Option("--port", help="Where to serve.")] = 8000,
    folder: Annotated[Path | None, typer.Option("--folder", help="Keep the company in this empty folder.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Seed, check, print JSON, leave.")] = False,  # noqa: FBT002
    people: Annotated[int, typer.Option("--people", min=10, help="How many made-up people.")] = 2_000,
    database: Annotated[
        str | None,
        typer.Option(
            "--database", help="URL of an empty database for the shop; else SQLite.", envvar="TROTH_DEMO_DATABASE"
        ),
    ] = None,
    *,
    worker: WithWorker = True,
) -> None:
    """Found Example Company and serve its shop, policy, privacy centre and console.

    Example: troth demo --port 8000

    Exit status: 0 done, 2 it could not be started.
    """
    from troth.entrypoints import demonstration

    if once:
        outcome = demonstration.once(people=people, folder=folder, shop_url=database)
        sys.stdout.write(json.dumps(outcome, ensure_ascii=False, indent=2) + "\n")
        return
    demonstration.serve(port=port, people=people, folder=folder, shop_url=database, worker=worker)


def init(
    from_: Annotated[
        str | None, typer.Option("--from", help="The database to map: a URL, '${NAME}', or - for standard input.")
    ] = None,
    policy: Annotated[Path | None, typer.Option("--policy", help="An existing policy to import.")] = None,
) -> None:
    """Make policy.yaml, datamap.yaml, troth.toml, troth.key and the store here; nothing is written over.

    Example: troth init --policy privacy.html --from '${SHOP_DATABASE_URL}'

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.collection.commands import address_of
    from troth.entrypoints import beginning

    address, variable = (None, None) if from_ is None else address_of(from_)
    for line in beginning.begin(Path.cwd(), os.environ, database=address, variable=variable, policy=policy):
        sys.stderr.write(line + "\n")


def serve(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="The port to listen on.")] = 8000,
    *,
    worker: WithWorker = True,
) -> None:
    """Serve the policy page, privacy centre, console and API; the worker runs inside.

    Example: troth serve --port 8000

    Exit status: 0 stopped, 2 it could not be started.
    """
    from troth.entrypoints import checking, serving

    serving.run(checking.here(), host=host, port=port, worker=worker)


def worker() -> None:
    """Run jobs, the checks by schedule and the mail, until stopped. Several may run at once.

    Example: troth worker

    Exit status: 0 stopped, 2 it could not be started.
    """
    from troth.entrypoints import checking, working

    working.run(checking.here())


def upgrade(
    form: Annotated[PlainFormat, typer.Option("--format", help="How to write it.")] = PlainFormat.TEXT,
) -> None:
    """Bring troth's own store to the shape this version works with.

    Example: troth upgrade

    Exit status: 0 done, 2 it could not be done.
    """
    from troth.entrypoints import checking
    from troth.foundation.store import Store, migrations

    with Store.open(checking.here().store_url) as store:
        steps = migrations.upgrade(store)
    if form is PlainFormat.JSON:
        sys.stdout.write(json.dumps({"schema": 1, "steps": list(steps), "at": migrations.HEAD}) + "\n")
    elif steps:
        sys.stdout.write(f"took step {', '.join(steps)}; the store is current.\n")
    else:
        sys.stdout.write("the store is current.\n")
