"""`troth pause` and `troth resume`: the brake on everything that writes into the company's stores."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from troth.foundation.printing import Format, Printed

if TYPE_CHECKING:
    from troth.foundation.guards.pausing import Brake

SCHEMA = 1


def pause(form: Printed = Format.TEXT) -> None:
    """Stop everything that writes into the company's stores, in every process, until `troth resume`.

    Example: troth pause

    Exit status: 0 it is paused, 2 it could not be done.
    """
    _show(_set(paused=True), form)


def resume(form: Printed = Format.TEXT) -> None:
    """Let what writes into the company's stores go on; what waited is taken up by the next round of its job.

    Example: troth resume

    Exit status: 0 it goes on, 2 it could not be done.
    """
    _show(_set(paused=False), form)


def _set(*, paused: bool) -> Brake:
    from troth.foundation import keys
    from troth.foundation.clock import SystemClock
    from troth.foundation.guards import pausing
    from troth.foundation.keys import Keyring
    from troth.foundation.store import Store
    from troth.policy import settings

    instance = settings.read(Path(), os.environ)
    keyring = Keyring.load(instance.folder, instance.environ)
    with Store.open(instance.store_url) as store:
        store.require_current()
        keys.confirm(store, keyring)
        turn = pausing.pause if paused else pausing.resume
        with store.writing() as tx:
            return turn(tx, keyring, SystemClock().now())


def _show(brake: Brake, form: Format) -> None:
    since = None if brake.since is None else brake.since.isoformat()
    if form is Format.JSON:
        typer.echo(json.dumps({"schema": SCHEMA, "paused": brake.paused, "since": since}))
    elif brake.paused:
        typer.echo(f"Paused since {since}. Nothing is written into the company's stores until `troth resume`.")
    else:
        typer.echo("Not paused. What waits goes on with the next round of its job.")
