"""The console, section by section: whose pages it has, and the words in its head that lead to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from troth.foundation.operations import Operation
from troth.foundation.web.guarding import Guarded
from troth.foundation.web.pages import Link

if TYPE_CHECKING:
    from troth.application import Troth
    from troth.entrypoints.console.pages import Console
    from troth.policy.settings import Instance
    from troth.rights.desk import Desk

Room = tuple[str, str, Guarded]
"""(method, path, handler)."""

_LINKS: Mapping[str, Mapping[str, tuple[str, Operation]]] = MappingProxyType(
    {
        "Today": {"": ("Today", Operation.SENTENCES_SEE)},
        "Requests": {"/requests": ("Requests", Operation.REQUESTS_SEE)},
        "Policy": {
            "/sentences": ("Sentences", Operation.SENTENCES_SEE),
            "/policy": ("Its text", Operation.POLICY_SEE),
            "/versions": ("Versions", Operation.POLICY_SEE),
            "/record": ("Record of processing", Operation.ROPA_SEE),
            "/ledger": ("Ledger", Operation.LEDGER_SEE),
        },
        "Data": {
            "/map": ("Data map", Operation.MAP_SEE),
            "/periods": ("Periods and holds", Operation.RETENTION_SEE),
            "/writing": ("Stop writing", Operation.RETENTION_SEE),
        },
        "Sharing": {
            "/recipients": ("Recipients", Operation.RECIPIENTS_SEE),
            "/demands": ("Demands", Operation.DEMANDS_SEE),
            "/transfers": ("Transfers", Operation.TRANSFERS_SEE),
        },
        "Protection": {
            "/measures": ("Measures", Operation.MEASURES_SEE),
            "/attestations": ("Attestations", Operation.ATTESTATIONS_SEE),
            "/audits": ("Audits", Operation.AUDITS_SEE),
            "/assessments": ("Impact assessments", Operation.ASSESSMENTS_SEE),
            "/breaches": ("Breaches", Operation.BREACHES_SEE),
            "/training": ("Training", Operation.TRAINING_TAKE),
        },
        "Staff": {
            "/staff": ("Accounts", Operation.STAFF_SEE),
            "/account": ("Your account", Operation.OWN_SEE),
        },
    }
)
"""By group: the path below the console's, the word that leads there, and the operation that opens it."""


@dataclass(frozen=True, slots=True)
class House:
    """What the doors of the sections are made from."""

    instance: Instance
    troth: Troth
    desk: Callable[[], Desk]
    console: Console


def links(path: str) -> tuple[Link, ...]:
    """The head of every page of the console at `path`."""
    return tuple(_group(name, path, entries) for name, entries in _LINKS.items())


def _group(name: str, path: str, entries: Mapping[str, tuple[str, Operation]]) -> Link:
    below = tuple(Link(word, path + place) for place, (word, _) in entries.items())
    return Link(name, below[0].path, below if len(below) > 1 else ())


def seen_by(path: str) -> dict[str, Operation]:
    """Which operation opens each link of the head; who may not do it, does not see the link."""
    entries = (entry for group in _LINKS.values() for entry in group.items())
    return {path + below: operation for below, (_, operation) in entries}


def rooms(house: House) -> Iterator[Room]:
    """Every page of the console."""
    from troth.entrypoints.console import evidence
    from troth.entrypoints.ropa import console as record
    from troth.foundation.attestations import console as attestations
    from troth.foundation.guards import console as guards
    from troth.protection import console as protection
    from troth.protection.audits import console as audits
    from troth.protection.breaches import console as breaches
    from troth.protection.impacts import console as impacts
    from troth.protection.measures import console as measures
    from troth.protection.training import console as training
    from troth.rights import console as rights
    from troth.sharing import console as sharing
    from troth.sharing.handing import console as handing
    from troth.updates import console as updates

    console, office = house.console, house.troth.office
    guard, path = console.door.guard, house.instance.settings.site.console
    yield from ((method, path + below, handler) for method, below, handler in console.routes())
    yield from rights.routes(house.desk, f"{path}/requests", guard)
    yield from protection.routes(house.desk, f"{path}/periods", guard)
    yield from measures.routes(console.policy, console.report, f"{path}/measures", guard)
    yield from breaches.routes(
        breaches.Desk(office.store, office.keyring, console.policy, console.datamap), f"{path}/breaches", guard
    )
    yield from training.routes(office.store, office.keyring, console.policy, f"{path}/training", guard)
    yield from sharing.routes(console.policy, office.store, f"{path}/recipients", guard)
    yield from handing.routes(house.desk, path, guard)
    yield from attestations.routes(
        office.store, office.keyring, console.policy, house.instance.folder, f"{path}/attestations", guard
    )
    yield from updates.routes(office.store, office.keyring, house.instance.policy_file, f"{path}/versions", guard)
    yield from guards.routes(office.store, office.keyring, f"{path}/writing", guard)
    yield from evidence.routes(house.instance, office.store, f"{path}/ledger", guard)
    yield from audits.routes(office.store, office.keyring, house.instance.settings.audits, f"{path}/audits", guard)
    yield from impacts.routes(
        office.store, office.keyring, console.policy, house.instance.folder, f"{path}/assessments", guard
    )
    yield from record.routes(house.instance, office.store, f"{path}/record", guard)
