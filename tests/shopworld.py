"""Example Company in a folder, as it stands on 22 November 2026, for tests that break one deed of it at a time.

The company is made once a worker and copied for each test. Its shop is a real SQLite database; no page of it is served
unless the test brings a site.
"""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import pytest
import sqlalchemy

from tests.policies import BROKEN, said
from troth import application
from troth.collection.checks import CHECKS as COLLECTION
from troth.example import diligence
from troth.example.shop import database, seed
from troth.foundation import staff
from troth.foundation.keys import Keyring
from troth.foundation.network import Network
from troth.foundation.observation import Observation
from troth.foundation.proof import Check, Report, SentenceReport, run_checks
from troth.foundation.records.reading import Records
from troth.foundation.roles import Role
from troth.foundation.store import Store, migrations
from troth.policy import mapreading, reading
from troth.policy.settings import SiteSettings
from troth.protection.checks import CHECKS as PROTECTION
from troth.testing import FixedClock
from troth.use.checks import CHECKS as USE

NOW = FixedClock().now()
PEOPLE = 120
CHECKS: tuple[Check, ...] = (*COLLECTION, *USE, *PROTECTION)
MARKER = "marker-7f3a@example.org"
"""Put where a personal value is; it must be in nothing that a check tells."""


@dataclass
class World:
    """One copy of the company. What a check sees is read from the folder, so that a test may change any file of it."""

    folder: Path
    network: Network | None = None
    site: SiteSettings | None = None
    shop_url: str | None = None
    now: dt.datetime = field(default_factory=lambda: NOW)

    @property
    def address(self) -> str:
        return self.shop_url or f"sqlite:///{self.folder / 'shop.sqlite3'}"

    def sql(self, statement: str, *values: object) -> None:
        """Change the shop behind everybody's back."""
        with sqlite3.connect(self.folder / "shop.sqlite3") as connection:
            connection.execute(statement, values)
        connection.close()

    def ask(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(self.folder / "shop.sqlite3")
        try:
            return list(connection.execute(statement, values))
        finally:
            connection.close()

    def rewrite(self, name: str, before: str, after: str) -> None:
        """Change a file of the company."""
        path = self.folder / name
        text = path.read_text()
        assert before in text, f"{before!r} does not stand in {name}"
        path.write_text(text.replace(before, after))

    def sql_served(self, statement: str) -> None:
        """Change the shop wherever it is."""
        engine = database.open_database(self.address)
        with engine.begin() as tx:
            tx.exec_driver_sql(statement)
        engine.dispose()

    @contextmanager
    def troth(self) -> Iterator[application.Troth]:
        with application.open(self.folder, {"SHOP_DATABASE_URL": self.address}, FixedClock(self.now)) as opened:
            yield opened

    @contextmanager
    def seen(self) -> Iterator[Observation]:
        data = (self.folder / "policy.yaml").read_bytes()
        observation = Observation(reading.parse(data, "policy.yaml"), self.now, self.folder, policy_bytes=data)
        observation.datamap = mapreading.read(self.folder / "datamap.yaml")
        observation.network, observation.site = self.network, self.site
        observation.keyring = Keyring.load(self.folder, {})
        environ = {"SHOP_DATABASE_URL": self.address}
        with (
            Records.open(observation.datamap, environ, base=self.folder) as observation.records,
            Store.open(f"sqlite:///{self.folder / 'troth.sqlite3'}", read_only=True) as observation.store,
        ):
            yield observation

    def report(self, checks: Sequence[Check] = CHECKS) -> Report:
        with self.seen() as seen:
            return run_checks(seen.policy, checks, seen)

    def verdicts(self, checks: Sequence[Check] = CHECKS) -> dict[str, str]:
        """The verdict of every sentence by number, sums included."""
        return {each.number: each.verdict.value for each in self.report(checks).sentences}

    def of(self, number: str, *checks: Check) -> SentenceReport:
        """The report of one sentence, judged by `checks` alone (by all of the three sections without any)."""
        return self.report(checks or CHECKS).of(number)

    def own(self, number: str, *checks: Check) -> tuple[str, str]:
        """What the observations of one sentence itself make of it, and all that is told of it; sums left aside."""
        found = self.of(number, *checks)
        return own_verdict(found), said(found)


def own_verdict(found: SentenceReport) -> str:
    """The verdict of a sentence's own observations, whatever it sums up."""
    if any(each.verdict is BROKEN for each in found.findings):
        return "broken"
    return "unproven" if found.findings or not found.evidence else "kept"


def named(name: str) -> Check:
    """The check of that id."""
    return next(check for check in CHECKS if check.id == name)


def found(folder: Path, people: int = PEOPLE) -> None:
    """Found the company in an empty folder: papers, key, store, shop, people and what they agreed to."""
    package = resources.files("troth.example")
    for name in ("policy.yaml", "datamap.yaml"):
        (folder / name).write_bytes(package.joinpath(name).read_bytes())
    with resources.as_file(package.joinpath("documents")) as documents:
        shutil.copytree(documents, folder / "documents")
    (folder / "troth.toml").write_text('[store]\nurl = "sqlite:///troth.sqlite3"\n')
    keyring = Keyring.create(folder)
    with Store.open(f"sqlite:///{folder / 'troth.sqlite3'}") as store:
        migrations.upgrade(store)
        staff.add(store, "officer", Role.DPO, now=NOW)
        diligence.take_care(store, keyring, folder, ["officer"], NOW)
    engine = database.open_database(f"sqlite:///{folder / 'shop.sqlite3'}")
    seeded = seed.seed(engine, now=NOW, people=people)
    engine.dispose()
    (folder / "shop.sqlite3").chmod(0o600)
    with World(folder).troth() as troth:
        seeded.introduce(troth)
    for part in folder.glob("troth.sqlite3-*"):
        part.unlink()


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example-company")
    found(folder)
    return folder


@pytest.fixture(scope="session")
def before(founded: Path) -> dict[str, str]:
    """The verdicts of the company as it was founded, without its site."""
    return World(founded).verdicts()


@pytest.fixture
def world(founded: Path, tmp_path: Path) -> World:
    folder = tmp_path / "company"
    shutil.copytree(founded, folder)
    return World(folder)


@pytest.fixture
def served(world: World, postgresql_database: str) -> World:
    """The same company with its shop on PostgreSQL."""
    engine = database.open_database(postgresql_database)
    seed.seed(engine, now=world.now, people=PEOPLE)
    engine.dispose()
    world.shop_url = postgresql_database
    return world


@pytest.fixture
def served_by_mariadb(world: World, mariadb_database: str) -> World:
    """The same company with its shop on MariaDB, whose times have whole seconds."""
    bare = sqlalchemy.create_engine(mariadb_database)
    with bare.begin() as tx:
        tx.exec_driver_sql("alter database character set utf8mb4")
    bare.dispose()
    engine = database.open_database(mariadb_database)
    seed.seed(engine, now=world.now, people=PEOPLE)
    engine.dispose()
    world.shop_url = mariadb_database
    return world


def above(report: Report, number: str) -> set[str]:
    """The numbers of the sentences that sum `number` up, directly or through others."""
    direct = {each.number for each in report.sentences if number in each.sums}
    return direct | {further for each in direct for further in above(report, each)}
