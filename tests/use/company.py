"""The made-up company of the tests in this folder, with a policy that has every kind of ground."""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from sqlalchemy import func, select

import troth.use.tables  # noqa: F401 - puts its tables on the metadata
from tests.stores import bring_up_to_date, write_store
from troth import application
from troth.application import Troth
from troth.foundation.keys import Keyring
from troth.foundation.ledger.tables import ledger_leaves
from troth.testing import FixedClock

NOW = "2026-11-22T06:00:00+00:00"

POLICY = """\
troth: 1
title: Privacy Policy
controller: {name: Example Company, country: IE, languages: [en], time_zone: Europe/Dublin}
laws: [gdpr]
use:
  number: "1"
  title: Use
  purposes:
    number: "1.1"
    title: Purposes
    service:
      text: We run your account.
      uses: [{purpose: service.provide, data: [account.username, contact.email], basis: contract}]
    mailing:
      text: We send you the newsletter.
      uses: [{purpose: marketing, data: [contact.email, profile.name], basis: consent}]
    measuring:
      text: We measure how pages are used.
      uses: [{purpose: analytics, data: [usage.page, usage.click], basis: consent}]
    guarding: {text: We stop fraud., uses: [{purpose: fraud, data: [device.ip], basis: legitimate-interests}]}
    asking: {text: We ask the public., uses: [{purpose: census, data: [contact.address], basis: public-task}]}
    calling: {text: We post catalogues., uses: [{purpose: marketing.post, data: [contact.address], basis: contract}]}
    keeping: {text: We keep what law demands., uses: [{purpose: legal, data: [transaction.*], basis: legal-obligation}]}
    saving: {text: We save lives., uses: [{purpose: rescue, data: [contact.phone], basis: vital-interests}]}
    storing: {text: We store what you gave., uses: [{purpose: storage, data: [contact.email], basis: contract}]}
    vague: {text: We do things., uses: [{purpose: things, data: [contact.email]}]}
    doubled: {text: We also improve., uses: [
      {purpose: improve, data: [usage.page], basis: legitimate-interests},
      {purpose: improve, data: [usage.page, usage.search], basis: consent}]}
sharing:
  number: "2"
  title: Sharing
  processors:
    number: "2.1"
    title: Processors
    columns: [Who, Why]
    sender:
      cells: [Mail sender, Sends the newsletter]
      recipients: [{name: Example Mail, purpose: marketing, data: [contact.email], country: DE}]
    helper:
      cells: [Helper, Does things]
      recipients: [{name: Example Help, purpose: things, data: [contact.email], country: DE}]
"""


@dataclass
class Company:
    """One instance, opened, and where it lives."""

    folder: Path
    troth: Troth
    clock: FixedClock
    environ: dict[str, str]

    @property
    def office(self) -> Any:
        return self.troth.office

    def open_again(self) -> Troth:
        """The same instance opened once more, as another process would."""
        return application.open(self.folder, self.environ, self.clock)

    def publish(self, policy: str) -> None:
        """Another policy comes into force."""
        (self.folder / "policy.yaml").write_text(policy)
        self.troth.reload()

    def count(self, table: Any) -> int:
        with self.troth.office.store.reading() as tx:
            return int(tx.execute(select(func.count()).select_from(table)).scalar_one())

    def rows(self, table: Any) -> list[Any]:
        with self.troth.office.store.reading() as tx:
            return list(tx.execute(select(table).order_by(*table.primary_key.columns)))

    def leaves(self) -> list[Any]:
        return self.rows(ledger_leaves)


def prepare(folder: Path, url: str | None = None, policy: str = POLICY) -> dict[str, str]:
    """Write an instance's files and bring its store up to date; gives the environment to open it with."""
    (folder / "policy.yaml").write_text(policy)
    (folder / "troth.toml").write_text('[store]\nurl = "${STORE_URL}"\n[site]\nurl = "https://shop.example.com"\n')
    environ = {"STORE_URL": url or f"sqlite:///{folder}/troth.sqlite3"}
    Keyring.create(folder)
    if url:
        bring_up_to_date(url)
    else:
        write_store(folder / "troth.sqlite3")
    return environ


@cache
def _pattern() -> Path:
    """An instance on SQLite made once a worker; the steps of the store take longer than most tests."""
    folder = Path(mkdtemp(prefix="troth-company-"))
    atexit.register(shutil.rmtree, folder)
    prepare(folder)
    return folder


def _copy(folder: Path, policy: str) -> dict[str, str]:
    for path in _pattern().iterdir():
        shutil.copy2(path, folder)
    (folder / "policy.yaml").write_text(policy)
    return {"STORE_URL": f"sqlite:///{folder}/troth.sqlite3"}


@contextmanager
def found_company(
    folder: Path, url: str | None = None, policy: str = POLICY, *, settings: str = ""
) -> Iterator[Company]:
    """`settings` are added to its troth.toml."""
    environ = prepare(folder, url, policy) if url else _copy(folder, policy)
    if settings:
        file = folder / "troth.toml"
        file.write_text(file.read_text() + settings)
    clock = FixedClock(NOW)
    with application.open(folder, environ, clock) as opened:
        yield Company(folder, opened, clock, environ)
