"""What checks look through: a read-only view of policy, stores, pages, hosts and clock, at one moment.

Nothing here writes, and nothing here belongs to a section. A part that this instance does not have (no data map, no
site) is missing; asking for it raises `NothingToObserve`, which leaves the sentence unproven with the repair.
Pages are fetched once a run, so that all checks judge the same copy.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin

from troth.foundation.proof import NothingToObserve
from troth.policy.settings import Settings

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.network import Network, Page
    from troth.foundation.records.reading import Records
    from troth.foundation.store import Store
    from troth.policy.datamap import DataMap
    from troth.policy.model import Policy
    from troth.policy.settings import SiteSettings

T = TypeVar("T")


@dataclass
class Observation:
    """One moment's view. `now` is aware; `folder` is where documents named by the policy stand.

    `keyless` says why there is no keyring, where that is known; `packages` is the folder of sealed copies, and
    `tombstones` the file outside the store that says who is gone.
    """

    policy: Policy
    now: dt.datetime
    folder: Path
    datamap: DataMap | None = None
    records: Records | None = None
    store: Store | None = None
    keyring: Keyring | None = field(default=None, repr=False)
    keyless: str = ""
    network: Network | None = None
    site: SiteSettings | None = None
    packages: Path | None = None
    tombstones: Path | None = None
    policy_bytes: bytes = b""
    settings: Settings = field(default_factory=Settings)
    _kept: dict[object, object] = field(default_factory=dict, repr=False)

    def need_map(self) -> DataMap:
        """The data map; raises NothingToObserve when the company has not written one."""
        if self.datamap is None:
            raise NothingToObserve(
                "no data map says where personal data is", repair="run `troth map URL > datamap.yaml`"
            )
        return self.datamap

    def need_records(self) -> Records:
        """The company's stores, read-only."""
        self.need_map()
        if self.records is None:
            raise NothingToObserve(
                "the company's stores are not connected", repair="set the connection named in datamap.yaml"
            )
        return self.records

    def need_store(self) -> Store:
        """Troth's own store, read-only."""
        if self.store is None:
            raise NothingToObserve("troth has no store yet", repair="run `troth upgrade`")
        return self.store

    def need_keyring(self) -> Keyring:
        """The keys that pseudonyms are made with."""
        if self.keyring is None:
            raise NothingToObserve(
                f"people cannot be told apart: {self.keyless or 'there is no key'}",
                repair="put `troth.key` back, closed to others (chmod 600), or set TROTH_KEY",
            )
        return self.keyring

    def need_network(self) -> Network:
        """The probe that reaches hosts."""
        if self.network is None:
            raise NothingToObserve("probes are switched off", repair="run `troth check` with the network on")
        return self.network

    def need_site(self) -> SiteSettings:
        """The company's public pages."""
        if self.site is None:
            raise NothingToObserve("no site is named in troth.toml", repair="set `[site] url` in troth.toml")
        return self.site

    def page(self, path: str) -> Page:
        """The page at `path` of the company's site as a first-time visitor gets it, fetched once a run.

        Raises NetworkUnreachable or NothingToObserve.
        """
        url = urljoin(self.need_site().url, path)
        return self.once(("page", url), lambda: self.need_network().fetch(url))

    def once(self, key: object, look: Callable[[], T]) -> T:
        """`look()` the first time `key` is asked for in this run, the same answer (or error) after that."""
        if key not in self._kept:
            try:
                self._kept[key] = look()
            except Exception as problem:
                self._kept[key] = _Failed(problem)
                raise
        found = self._kept[key]
        if isinstance(found, _Failed):
            raise found.problem
        return found  # type: ignore[return-value] # what `look` gave under this key


@dataclass(frozen=True)
class _Failed:
    problem: Exception
