"""The record of an instance as it is now: its files read, its registers asked. Writes nothing."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from troth.entrypoints.ropa import facts
from troth.entrypoints.ropa.facts import Facts
from troth.entrypoints.ropa.gathering import Told, gather
from troth.entrypoints.ropa.record import Record
from troth.policy import documents, mapreading, reading, settings

if TYPE_CHECKING:
    from troth.foundation.store import Store
    from troth.policy.settings import Instance


def record_of(instance: Instance, store: Store | None, now: dt.datetime) -> Record:
    """The record; without a store, what the files alone say. Raises: DeclarationError for files that cannot be read."""
    policy = reading.read(instance.policy_file)
    datamap = mapreading.read(instance.map_file) if instance.map_file.exists() else None
    found = Facts() if store is None else facts.read(store, policy, now)
    told = Told(
        policy, datamap, instance.settings.record, found, now.date(), instance.map_file.name, _settings_line(instance)
    )
    return gather(told)


def _settings_line(instance: Instance) -> int | None:
    """The line of `[record]` in troth.toml; None where there is none."""
    path = instance.folder / settings.FILE
    if not path.exists():
        return None
    lines = documents.text_of(documents.read_bytes(path), settings.FILE).splitlines()
    return next((number for number, line in enumerate(lines, start=1) if line.strip() == "[record]"), None)
