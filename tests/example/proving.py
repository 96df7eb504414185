"""Example Company up and running, and copies of it in which a test may break one deed.

The company is founded and served once a worker, by the code of `troth demo` itself, and lives by a clock that stands:
at six its people's last word is on record, at seven it is checked. A copy has its own folder, shop and store. Its
pages are those of the running company, which show nobody's data, unless the test changes a page or the policy: then
the copy is served itself.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from troth import application
from troth.entrypoints import checking, demonstration, http
from troth.entrypoints.serving import Door, listening
from troth.example import certificates, letterbox, providers, storage
from troth.example.company import HOST, OFFICER, SHOP_VARIABLE, Company
from troth.example.shop.app import create_shop
from troth.foundation.guards import approvals
from troth.foundation.proof import Report, Verdict
from troth.policy import mapreading, settings
from troth.policy.settings import Instance
from troth.testing import FixedClock

PEOPLE = 300
SITE = "localhost"
_STORES = ("shop.sqlite3", "troth.sqlite3")


@dataclass
class Answer:
    """What a page answers, before it leaves; a test may change it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def replace(self, before: str, after: str) -> None:
        """Other words in the body; the old ones must stand there."""
        assert before.encode() in self.body, f"{before!r} does not stand on the page"
        self.body = self.body.replace(before.encode(), after.encode())

    def header(self, name: str, value: str | None) -> None:
        """Set one header, or take it away."""
        self.headers = [(key, each) for key, each in self.headers if key.lower() != name.lower()]
        if value is not None:
            self.headers.append((name, value))


Change = Callable[[str, Answer], None]


class Altered:
    """An ASGI application whose answers go through `change`, given the path."""

    def __init__(self, application: Any, change: Change) -> None:
        self._application = application
        self._change = change

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        answer = Answer(0, [], b"")

        async def collect(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = [(key.decode(), value.decode("latin-1")) for key, value in message["headers"]]
            elif message["type"] == "http.response.body":
                answer.body += message.get("body", b"")

        await self._application(scope, receive, collect)
        self._change(scope["path"], answer)
        answer.header("content-length", str(len(answer.body)))
        headers = [(key.encode(), value.encode("latin-1")) for key, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


@dataclass
class Copy:
    """One copy of the company, to be broken. What it is checked through is read from its folder each time."""

    folder: Path
    clock: FixedClock
    shop_url: str = ""
    change: Change | None = None
    served: bool = False
    doors: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shop_url = self.shop_url or f"sqlite:///{self.folder / 'shop.sqlite3'}"

    @property
    def now(self) -> dt.datetime:
        return self.clock.now()

    @property
    def environ(self) -> dict[str, str]:
        return {SHOP_VARIABLE: self.shop_url}

    def shop(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask or change the shop's database behind everybody's back."""
        return _run(self.folder / "shop.sqlite3", statement, values)

    def store(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask or change troth's own store behind everybody's back."""
        return _run(self.folder / "troth.sqlite3", statement, values)

    def rewrite(self, name: str, before: str, after: str) -> None:
        """Change a file of the company; the old words must stand there."""
        path = self.folder / name
        text = path.read_text()
        assert before in text, f"{before!r} does not stand in {name}"
        path.write_text(text.replace(before, after))
        if name == "datamap.yaml":
            self._approve_map()

    def _approve_map(self) -> None:
        """Somebody answers for the map as it is now: that it was changed is not what is broken."""
        with self.troth() as opened, opened.office.store.writing() as tx:
            approvals.approve(
                tx, opened.office.keyring, mapreading.read(self.folder / "datamap.yaml"), OFFICER, self.now
            )

    def alter(self, change: Change) -> None:
        """Have every answer of the company's pages go through `change`."""
        self.change, self.served = change, True

    def ago(self, **parts: float) -> str:
        """A time before now, as SQLite keeps it in the shop."""
        return f"{self.now - dt.timedelta(**parts):%Y-%m-%d %H:%M:%S.%f}"

    @contextmanager
    def troth(self) -> Iterator[application.Troth]:
        with application.open(self.folder, self.environ, self.clock) as opened:
            yield opened

    def check(self) -> Report:
        """One whole `troth check`, on sockets."""
        with ExitStack() as stack:
            if self.served:
                self.doors = stack.enter_context(self._serving()) | self.doors
            return checking.check(self._instance(), clock=self.clock)

    def _instance(self) -> Instance:
        path = self.folder / settings.FILE
        text = path.read_text()
        for host, port in self.doors.items():
            named = rf'^("{re.escape(host)}(?::443)?") = .*$'
            text = re.sub(named, rf'\1 = "127.0.0.1:{port}"', text, flags=re.MULTILINE)
        path.write_text(text)
        return settings.read(self.folder, self.environ)

    @contextmanager
    def _serving(self) -> Iterator[dict[str, int]]:
        """The copy's own pages, plain and by TLS; gives the ports."""
        plain, secure = demonstration.free_port(), demonstration.free_port()
        with self.troth() as troth:
            shop = create_shop(self.shop_url, troth, now=self.clock.now)
            with http.built(self._instance(), troth=troth, home=letterbox.beside(shop, troth)) as built:
                pages = Altered(built, self.change) if self.change is not None else built
                certificate = self.folder / certificates.CERTIFICATE
                with (
                    demonstration.closing_database(shop),
                    listening(pages, Door(plain), Door(secure, certificate=certificate)),
                ):
                    yield {SITE: plain, HOST: secure, providers.DESK_HOST: secure, storage.HOST: secure}


@dataclass
class RunningCompany:
    """The company as `troth demo` runs it, and its verdicts before anything was broken."""

    company: Company
    instance: Instance
    clock: FixedClock
    pristine: Path
    before: Report

    def copy(self, folder: Path) -> Copy:
        shutil.copytree(self.pristine, folder)
        return Copy(folder, self.clock)


@contextmanager
def company_running(folder: Path, *, shop_url: str | None = None, people: int = PEOPLE) -> Iterator[RunningCompany]:
    """Found and serve the company, check it once, and keep a copy of how it was."""
    clock = FixedClock()
    home = folder / "company"
    with demonstration.running(
        port=demonstration.free_port(), people=people, folder=home, shop_url=shop_url, clock=clock
    ) as (company, instance):
        clock.advance(dt.timedelta(hours=1))
        before = checking.check(instance, clock=clock)
        yield RunningCompany(company, instance, clock, _keep(home, folder / "pristine"), before)


@pytest.fixture(scope="session")
def running_company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCompany]:
    with company_running(tmp_path_factory.mktemp("running")) as running:
        yield running


@pytest.fixture
def copy(running_company: RunningCompany, tmp_path: Path) -> Copy:
    return running_company.copy(tmp_path / "copy")


def above(report: Report, number: str) -> set[str]:
    """The numbers of the sentences that sum `number` up, directly or through others."""
    direct = {each.number for each in report.sentences if number in each.sums}
    return direct | {further for each in direct for further in above(report, each)}


Seen = tuple[Verdict, tuple[str, ...], frozenset[str], frozenset[tuple[str, Verdict, str]]]


def seen_of(report: Report) -> dict[str, Seen]:
    """What a report says of each sentence, without the counts: verdict, causes, checks that saw it, findings."""
    return {
        each.number: (
            each.verdict,
            each.caused_by,
            frozenset(evidence.check for evidence in each.evidence),
            frozenset((finding.check, finding.verdict, finding.where) for finding in each.findings),
        )
        for each in report.sentences
    }


def closed_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _keep(home: Path, folder: Path) -> Path:
    """A copy of the folder whose databases are whole, whatever is written meanwhile."""
    shutil.copytree(home, folder, ignore=shutil.ignore_patterns("*.sqlite3*"))
    for name in _STORES:
        if (home / name).exists():
            (folder / name).touch(mode=0o600)
            source, target = sqlite3.connect(home / name), sqlite3.connect(folder / name)
            source.backup(target)
            source.close()
            target.close()
    return folder


def _run(path: Path, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        with connection:
            return list(connection.execute(statement, values))
    finally:
        connection.close()
