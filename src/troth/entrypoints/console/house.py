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

_LINKS: Mapping[str, tuple[str, Operation]] = MappingProxyType(
    {
        "": ("Today", Operation.SENTENCES_SEE),
        "/requests": ("Requests", Operation.REQUESTS_SEE),
        "/periods": ("Periods and holds", Operation.RETENTION_SEE),
        "/recipients": ("Recipients", Operation.RECIPIENTS_SEE),
        "/demands": ("Demands", Operation.DEMANDS_SEE),
        "/transfers": ("Transfers", Operation.TRANSFERS_SEE),
        "/sentences": ("Sentences", Operation.SENTENCES_SEE),
        "/map": ("Data map", Operation.MAP_SEE),
        "/policy": ("Policy", Operation.POLICY_SEE),
        "/record": ("Record", Operation.ROPA_SEE),
        "/breaches": ("Breaches", Operation.BREACHES_SEE),
        "/training": ("Training", Operation.TRAINING_TAKE),
        "/attestations": ("Attestations", Operation.ATTESTATIONS_SEE),
        "/staff": ("Staff", Operation.STAFF_SEE),
        "/account": ("Your account", Operation.OWN_SEE),
    }
)


@dataclass(frozen=True, slots=True)
class House:
    """What the doors of the sections are made from."""

    instance: Instance
    troth: Troth
    desk: Callable[[], Desk]
    console: Console


def links(path: str) -> tuple[Link, ...]:
    """The head of every page of the console at `path`."""
    return tuple(Link(word, path + below) for below, (word, _) in _LINKS.items())


def seen_by(path: str) -> dict[str, Operation]:
    """Which operation opens each link of the head; who may not do it, does not see the link."""
    return {path + below: operation for below, (_, operation) in _LINKS.items()}


def rooms(house: House) -> Iterator[Room]:
    """Every page of the console."""
    from troth.entrypoints.ropa import console as record
    from troth.foundation.attestations import console as attestations
    from troth.protection import console as protection
    from troth.protection.breaches import console as breaches
    from troth.protection.training import console as training
    from troth.rights import console as rights
    from troth.sharing import console as sharing
    from troth.sharing.handing import console as handing

    console, office = house.console, house.troth.office
    guard, path = console.door.guard, house.instance.settings.site.console
    yield from ((method, path + below, handler) for method, below, handler in console.routes())
    yield from rights.routes(house.desk, f"{path}/requests", guard)
    yield from protection.routes(house.desk, f"{path}/periods", guard)
    yield from breaches.routes(
        breaches.Desk(office.store, office.keyring, console.policy, console.datamap), f"{path}/breaches", guard
    )
    yield from training.routes(office.store, office.keyring, console.policy, f"{path}/training", guard)
    yield from sharing.routes(console.policy, office.store, f"{path}/recipients", guard)
    yield from handing.routes(house.desk, path, guard)
    yield from attestations.routes(
        office.store, office.keyring, console.policy, house.instance.folder, f"{path}/attestations", guard
    )
    yield from record.routes(house.instance, office.store, f"{path}/record", guard)
