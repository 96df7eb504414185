"""Example Company, up and running: founded in a folder, served on plain HTTP and TLS, judged by its own checks."""

from __future__ import annotations

import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from troth.entrypoints import checking, http, working
from troth.entrypoints.serving import Door, listening, require_port
from troth.errors import TrothError
from troth.foundation.clock import Clock, SystemClock
from troth.foundation.proof import Report, Verdict
from troth.policy import settings

if TYPE_CHECKING:
    from troth.example.company import Company
    from troth.policy.settings import Instance

SCHEMA = 1


@contextmanager
def running(
    *, port: int, people: int, folder: Path | None, shop_url: str | None = None, clock: Clock | None = None
) -> Iterator[tuple[Company, Instance]]:
    """Found the company and serve it while the block runs. Without `folder` it lives in a temporary one.

    The company lives by `clock`, the machine's by default; whoever checks it takes the same.
    """
    from troth.example import certificates, letterbox
    from troth.example import company as example
    from troth.example.shop.app import create_shop

    clock = clock or SystemClock()
    with tempfile.TemporaryDirectory(prefix="troth-demo-") as temporary:
        home = _empty(folder) if folder is not None else Path(temporary)
        tls_port = free_port()
        company = example.found(home, clock=clock, port=port, tls_port=tls_port, people=people, shop_url=shop_url)
        instance = settings.read(home, company.environ)
        with company.open(clock) as troth:
            shop = create_shop(company.shop_url, troth, now=clock.now)
            with (
                closing_database(shop),
                http.built(instance, troth=troth, home=letterbox.beside(shop, troth)) as application,
                listening(
                    application,
                    Door(port),
                    Door(tls_port, certificate=home / certificates.CERTIFICATE),
                ),
            ):
                yield company, instance


@contextmanager
def closing_database(shop: Any) -> Iterator[None]:
    """Give back the shop's connections at the end of the block: no server's lifespan does it here."""
    try:
        yield
    finally:
        shop.state.shop.engine.dispose()


def once(*, people: int, folder: Path | None, shop_url: str | None = None) -> dict[str, Any]:
    """Found, serve, check, and leave: `{schema, check, drill}`. There is no drill yet: `drill` is null."""
    from troth.entrypoints.reports.json import of_report

    with running(port=free_port(), people=people, folder=folder, shop_url=shop_url) as (_, instance):
        report = checking.check(instance)
        checking.remember(instance, report)
        return {"schema": SCHEMA, "check": of_report(report), "drill": None}


def serve(*, port: int, people: int, folder: Path | None, shop_url: str | None = None, worker: bool = True) -> None:
    """Found and serve until stopped, with the worker inside unless told not to; the first check runs at once."""
    require_port(port)
    begun = time.monotonic()
    _say(f"Example Company opens with {people} made-up people ...")
    with running(port=port, people=people, folder=folder, shop_url=shop_url) as (company, instance):
        report = checking.check(instance)
        checking.remember(instance, report)
        _say(_summary(report))
        _say(f"  shop            {company.url}/")
        _say(f"  policy          {company.url}/privacy")
        _say(f"  privacy centre  {company.url}/privacy/centre")
        _say(f"  letterbox       {company.url}/letterbox   (what would have been mailed)")
        _say(f"  console         {company.url}{_sign_in(company)}   (signs in once, within 15 minutes)")
        _say(f"  its folder      {company.folder}")
        stop = working.listen_for_stop()
        _say(f"Ready after {time.monotonic() - begun:.0f} s. Ctrl-C stops it and forgets everybody.")
        with working.inside(instance) if worker else nullcontext() as at_work:
            working.wait_for(stop)
    working.leave(at_work)


def _sign_in(company: Company) -> str:
    from troth.entrypoints.console.pages import login_link
    from troth.example.company import OFFICER

    with company.open() as troth:
        return login_link(troth.office.store, OFFICER, SystemClock().now())


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _summary(report: Report) -> str:
    counts = ", ".join(f"{report.count(verdict)} {verdict.value}" for verdict in Verdict)
    return f"Its policy: {len(report.sentences)} sentences, {counts}."


def _empty(folder: Path) -> Path:
    if folder.exists() and any(folder.iterdir()):
        raise TrothError("the folder is not empty.", where=folder.name, repair="Name an empty or a new folder.")
    return folder.resolve()


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
