"""Put together what checks look through, run them, and keep the outcome.

Whatever is missing (a store that is not made yet, a map that is not written, a host that is down) is left out: the
sentences that need it come out unproven and say what would make them observable.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from troth.errors import KeyUnavailable, StoreError
from troth.foundation.clock import Clock, SystemClock
from troth.foundation.observation import Observation
from troth.foundation.proof import Report, run_checks
from troth.policy import documents, reading
from troth.policy.model import Policy, Sentence
from troth.policy.settings import Instance

if TYPE_CHECKING:
    from troth.foundation.network import Network
    from troth.foundation.store import Store
    from troth.foundation.verdicts import Turn


@contextmanager
def observing(instance: Instance, clock: Clock | None = None) -> Iterator[Observation]:
    """Everything that checks may look at, read-only; closed at the end.

    Raises UnreadableFile or DeclarationFaults when the policy or the data map cannot be read: then nothing is judged.
    """
    now = (clock or SystemClock()).now()
    data = documents.read_bytes(instance.policy_file)
    policy = reading.parse(data, instance.policy_file.name)
    observation = Observation(policy, now, instance.folder, policy_bytes=data, settings=instance.settings)
    observation.packages, observation.tombstones = instance.package_folder, instance.tombstone_file
    if (instance.folder / "troth.toml").exists():
        if "site" in instance.settings.model_fields_set:  # a site that nobody named is not looked at
            observation.site = instance.settings.site
        observation.network = _network(instance)
    _connect_records(observation, instance)
    observation.store = _store(instance)
    try:
        from troth.foundation.keys import Keyring

        observation.keyring = Keyring.load(instance.folder, instance.environ)
    except KeyUnavailable as problem:
        observation.keyless = problem.message
    try:
        yield observation
    finally:
        if observation.records is not None:
            observation.records.close()
        if observation.store is not None:
            observation.store.close()


def check(
    instance: Instance,
    *,
    clock: Clock | None = None,
    only: str | None = None,
    progress: Callable[[Sentence], None] | None = None,
) -> Report:
    """Judge every sentence now, or `only` one, or those below a heading; see `run_checks`. Writes nothing."""
    from troth.sections import CHECKS

    with observing(instance, clock) as observation:
        found = reading.find_sentences(observation.policy, only) if only else None
        numbers = None if found is None else [sentence.number for sentence in found]
        report = run_checks(observation.policy, CHECKS, observation, only=numbers, progress=progress)
        return Report(
            report.policy_file,
            report.policy_sha256,
            report.checked_at,
            report.sentences,
            _version(observation),
        )


def place(instance: Instance) -> None:
    """Give the ledger's entries their places before anybody looks, where no running troth does; a check tells why not.

    Does nothing without a store or its key.
    """
    if not has_store(instance):
        return
    from troth.foundation import keys
    from troth.foundation.ledger.sequencer import sequence_all
    from troth.foundation.store import Store

    with suppress(KeyUnavailable, StoreError), Store.open(instance.store_url) as store:
        store.require_current()
        keyring = keys.Keyring.load(instance.folder, instance.environ)
        keys.confirm(store, keyring)
        sequence_all(store, keyring, host=urlsplit(instance.settings.site.url).hostname or "")


def remember(instance: Instance, report: Report) -> tuple[Turn, ...]:
    """Keep a whole run in troth's own store and return the sentences that turned; does nothing without a store."""
    if not has_store(instance):
        return ()
    from troth.entrypoints.reports.json import of_report
    from troth.foundation import verdicts
    from troth.foundation.store import Store

    with Store.open(instance.store_url) as store:
        store.require_current()
        with store.writing() as tx:
            return verdicts.record(tx, checked_at=report.checked_at, report=of_report(report))


def latest(instance: Instance, policy: Policy, now: datetime) -> Report | None:
    """The last kept run of this very text, its evidence aged to `now`; None when there is none."""
    if not has_store(instance):
        return None
    from troth.entrypoints.reports.json import to_report
    from troth.foundation import verdicts
    from troth.foundation.store import Store

    with Store.open(instance.store_url, read_only=True) as store, store.reading() as tx:
        found = verdicts.latest(tx, policy.sha256)
    return to_report(found).as_of(now) if found else None


def _version(observation: Observation) -> int | None:
    """The published version that has the very bytes of the file judged, if any."""
    if observation.store is None:
        return None
    from troth.updates.tables import policy_versions

    try:
        with observation.store.reading() as tx:
            from sqlalchemy import select

            query = select(policy_versions.c.number).where(policy_versions.c.sha256 == observation.policy.sha256)
            return tx.execute(query.order_by(policy_versions.c.number.desc()).limit(1)).scalar()
    except StoreError:
        return None


def _network(instance: Instance) -> Network:
    from troth.foundation import mailservers
    from troth.foundation.network import Network

    return Network.of(instance, mail_lookup=mailservers.lookup(), text_lookup=mailservers.texts())


def _connect_records(observation: Observation, instance: Instance) -> None:
    if not instance.map_file.exists():
        return
    from troth.foundation.records.reading import Records
    from troth.policy import mapreading

    observation.datamap = mapreading.read(instance.map_file)
    observation.records = Records.open(observation.datamap, instance.environ, base=instance.folder)


def _store(instance: Instance) -> Store | None:
    if not has_store(instance):
        return None
    from troth.foundation.store import Store

    store = Store.open(instance.store_url, read_only=True)
    try:
        store.require_current()
    except StoreError:
        store.close()
        return None
    return store


def has_store(instance: Instance) -> bool:
    """Whether there is a store of troth's own to open, as far as that is seen without opening it."""
    url = instance.store_url
    return not url.startswith("sqlite:///") or Path(url.removeprefix("sqlite:///")).exists()


def here() -> Instance:
    """The instance of the folder that the command runs in (`troth -C FOLDER` goes there first)."""
    from troth.policy import settings

    return settings.read(Path.cwd(), os.environ)
