"""The console, section by section: whose pages it has, and the words in its head that lead to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from troth.foundation.web.guarding import Guarded
from troth.foundation.web.pages import Link

if TYPE_CHECKING:
    from troth.application import Troth
    from troth.entrypoints.console.pages import Console
    from troth.policy.datamap import DataMap
    from troth.policy.model import Policy
    from troth.policy.settings import Instance
    from troth.rights.desk import Desk

Door = tuple[str, str, Guarded]
"""(method, path, handler)."""

_LINKS = (
    ("Today", ""),
    ("Requests", "/requests"),
    ("Sentences", "/sentences"),
    ("Data map", "/map"),
    ("Policy", "/policy"),
    ("Attestations", "/attestations"),
    ("Staff", "/staff"),
)


@dataclass(frozen=True, slots=True)
class House:
    """What the doors of the sections are made from."""

    instance: Instance
    troth: Troth
    desk: Callable[[], Desk]
    policy: Callable[[], Policy]
    datamap: Callable[[], DataMap | None]
    console: Console


def links(path: str) -> tuple[Link, ...]:
    """The head of every page of the console at `path`."""
    return tuple(Link(word, path + below) for word, below in _LINKS)


def doors(house: House) -> Iterator[Door]:
    """Every page of the console, its path below the console's own."""
    from troth.foundation.attestations import console as attestations
    from troth.rights import console as rights

    office, guard = house.troth.office, house.console.guard
    path = house.instance.settings.site.console
    yield from ((method, path + below, handler) for method, below, handler in house.console.routes())
    yield from rights.routes(house.desk, f"{path}/requests", guard)
    yield from attestations.routes(
        office.store, office.keyring, house.policy, house.instance.folder, f"{path}/attestations", guard
    )
