"""A small policy with a store for the tests of the registers: what is promised, who is of staff, what a check sees."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from tests.policies import policy_of
from tests.shopworld import own_verdict
from tests.stores import fresh_store
from troth import sections
from troth.foundation import staff
from troth.foundation.keys import Keyring
from troth.foundation.observation import Observation
from troth.foundation.proof import Check, SentenceReport, run_checks
from troth.foundation.roles import Role
from troth.foundation.store import Store
from troth.policy.settings import Settings
from troth.testing import FixedClock

POLICY = policy_of(
    """
    use:
      number: "2"
      title: Use
      text: We use data.
      uses:
        - {purpose: fraud, data: [device.ip], basis: legitimate-interests}
        - {purpose: service.provide, data: [contact.email], basis: contract}
      bases:
        number: "2.2"
        title: Grounds
        text: We rest on these grounds.
        interests: {text: Our legitimate interests, basis: legitimate-interests}
    protection:
      number: "3"
      title: Protection
      text: We protect your data.
      measures:
        number: "3.1"
        title: Measures
        audits: {text: We audit., measure: audits, every: 12 months}
        training: {text: We train our staff., measure: training, every: 12 months, share: 100%}
    """,
    laws="[gdpr]",
    country="IE",
)


@dataclass
class Desk:
    """One company's store with its key, in a folder."""

    store: Store
    keyring: Keyring
    folder: Path
    clock: FixedClock
    settings: Settings

    @property
    def now(self) -> dt.datetime:
        return self.clock.now()

    def person(self, name: str, *, days: int = 100, role: Role = Role.AGENT) -> int:
        """An account that was made so many days ago."""
        return staff.add(self.store, name, role, now=self.now - dt.timedelta(days=days)).id

    def paper(self, name: str, words: str = "Written down.\n") -> str:
        (self.folder / name).write_text(words)
        return name

    def sql(self, statement: str, **values: object) -> None:
        with self.store.writing() as tx:
            tx.execute(text(statement), values)

    def report(self, check: Check, *, store: bool = True) -> SentenceReport:
        """What the check makes of the one sentence that it applies to."""
        seen = Observation(POLICY, self.now, self.folder, store=self.store if store else None, settings=self.settings)
        [number] = [each.number for each in POLICY.sentences if check.applies(each, POLICY)]
        return run_checks(POLICY, [check], seen, only=None).of(number)

    def verdict(self, check: Check, *, store: bool = True) -> str:
        return own_verdict(self.report(check, store=store))


@contextmanager
def desk_in(folder: Path, settings: Settings | None = None, url: str | None = None) -> Iterator[Desk]:
    sections.load_tables()
    with fresh_store(folder, url=url) as store:
        yield Desk(store, Keyring.create(folder), folder, FixedClock(), settings or Settings())
