"""Open one instance: its settings, its policy, its key, its store, each of which must be there and fit the others."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from troth.errors import StoreBehind
from troth.foundation import keys
from troth.foundation.clock import Clock, SystemClock
from troth.foundation.keys import Keyring
from troth.foundation.store import Store, engines
from troth.policy import reading, settings
from troth.policy.settings import Instance
from troth.use import renewal
from troth.use.lease import Lease
from troth.use.office import Office


class Opened(Protocol):
    """An instance that stands open, as a door needs it: `troth.application.Troth` is one."""

    instance: Instance

    @property
    def lease(self) -> Lease: ...


def open_office(
    folder: Path | str = ".", environ: Mapping[str, str] | None = None, clock: Clock | None = None
) -> tuple[Instance, Office]:
    """The instance in `folder`, ready to act. Whoever opens it closes `office.store`.

    `environ` is where secrets are read from, the process's own by default. Never makes a store or a key. Where the
    policy means more now than people have agreed to, they are asked anew (`renewal.ask`) before it decides.
    Raises: UnreadableFile, DeclarationFaults for a file that cannot be used; KeyUnavailable; StoreBehind with the
    command that brings the store up to date; StoreAhead; StoreError.
    """
    instance = settings.read(Path(folder), os.environ if environ is None else environ)
    policy = reading.read(instance.policy_file)
    keyring = Keyring.load(instance.folder, instance.environ)
    store = _open_store(instance.store_url)
    try:
        store.require_current()
        keys.confirm(store, keyring)
        office = Office.of(store, keyring, policy, clock or SystemClock())
        renewal.ask(office)  # before anything is decided: nobody has agreed yet to what the policy means now
    except BaseException:
        store.close()
        raise
    return instance, office


def _open_store(url: str) -> Store:
    path = engines.address(url).path
    if path is not None and not path.exists():
        raise StoreBehind("there is no store yet.", where=str(path), repair="Run `troth upgrade`.")
    return Store.open(url)
