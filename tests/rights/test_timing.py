"""Known and unknown people: the same answer in the same time, since what differs is done after the answer.

A test of time is a test of statistics. The short forms ask only that what is done before the answer is the same work, by
the statements that reach a store, and that what follows it is not waited for. The long form (SOAK=true) measures on a
socket, and asks that the 95 % interval of the median of the differences lies within one millisecond.
"""

from __future__ import annotations

import http.client
import os
import random
import re
import statistics
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy import event

from tests.rights.desks import ADA, Office, found_office
from tests.rights.site import browser, site_of, submit
from tests.use.served import listening
from troth.foundation.throttling import Limit
from troth.rights import centre
from troth.use import centre as use_centre

CENTRE = "/privacy/centre"
ASK, LINK, NEXT = f"{CENTRE}/ask/access", f"{CENTRE}/link", f"{CENTRE}/ask/nothing"
STRANGER = "nobody@customer.example.org"
PAIRS, WARMING = 600, 20
SOAK = os.environ.get("SOAK") == "true"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path) as made:
        yield made


def test_the_work_before_the_answer_is_the_same(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    counting = [False]

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if counting[0]:
            done.append(statement)

    monkeypatch.setattr(centre.Centre, "_go_on", lambda *_: counting.__setitem__(0, False))
    store = office.desk.office.store
    for engine in (store._reader, store._writer):
        assert engine is not None
        event.listen(engine, "before_cursor_execute", note)
    with site_of(office) as site:
        submit(browser(site), ASK, email="somebody@customer.example.org")
        seen = []
        for email in (ADA.value, STRANGER):
            counting[0] = True
            submit(browser(site), ASK, email=email)
            seen.append(tuple(done))
            done.clear()
    assert seen[0] == seen[1]
    assert seen[0], "something was counted"


@pytest.mark.parametrize(("path", "work"), [(ASK, (centre, "_go_on")), (LINK, (use_centre, "_send_link"))])
def test_whoever_asks_next_on_the_same_connection_does_not_wait_for_what_follows_the_answer(
    office: Office, monkeypatch: pytest.MonkeyPatch, path: str, work: tuple[Any, str]
) -> None:
    begun, over = threading.Event(), threading.Event()

    def last(*_: object) -> None:
        begun.set()
        over.wait(20)

    module, name = work
    monkeypatch.setattr(module.Centre, name, last)
    with site_of(office) as site, listening(site) as base, Door(base, path) as door:
        assert door.post(ADA.value).status == 200
        assert not begun.is_set(), "it is not done in the wake of the answer"
        assert begun.wait(5)
        assert door.get().status == 404, "and while it is done, the connection is free"
        assert not over.is_set()
        over.set()


# --- long forms -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not SOAK, reason="long form: SOAK=true")
@pytest.mark.parametrize("path", [ASK, LINK])
def test_the_medians_of_known_and_unknown_lie_within_a_millisecond(
    office: Office, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Three measures of interleaved pairs: until the answer, of the next visit on the same connection, and CPU time."""
    monkeypatch.setattr(centre, "SOURCE_LIMIT", Limit(free=10**9))
    cpu: list[float] = []
    for made, handler in ((centre.Centre, "file"), (use_centre.Centre, "ask_for_link")):
        monkeypatch.setattr(made, handler, _timed(getattr(made, handler), cpu))
    chosen = random.Random(11)
    taken: dict[str, list[float]] = {"answer": [], "next": [], "cpu": []}
    with site_of(office) as site, listening(site) as base, Door(base, path) as door:
        settle = site.app.state.afterwards.settle
        for pair in range(PAIRS + WARMING):
            if pair % 8 == 0:
                office.company.clock.advance(timedelta(days=1))  # so that the letters of one day never run out
            found: dict[str, tuple[float, float, float]] = {}
            for who in chosen.sample([ADA.value, STRANGER], 2):
                begun = time.perf_counter()
                answer = door.post(who)
                between = time.perf_counter()
                door.get()
                found[who] = (between - begun, time.perf_counter() - between, cpu[-1])
                assert answer.status == 200
                assert settle()
            if pair >= WARMING:
                for name, known, unknown in zip(taken, found[ADA.value], found[STRANGER], strict=True):
                    taken[name].append((known - unknown) * 1000)
    told = {name: interval(differences, chosen) for name, differences in taken.items()}
    print({name: f"{low:+.3f} to {high:+.3f} ms" for name, (low, high) in told.items()})  # noqa: T201 - the outcome
    assert all(-1.0 < low <= high < 1.0 for low, high in told.values()), told


def interval(differences: list[float], chosen: random.Random) -> tuple[float, float]:
    """The 95 % interval of the median of paired differences, by 2,000 samples drawn again."""
    medians = sorted(statistics.median(chosen.choices(differences, k=len(differences))) for _ in range(2_000))
    return medians[50], medians[1949]


def _timed(handler: Callable[..., Any], into: list[float]) -> Callable[..., Any]:
    def timed(*arguments: Any) -> Any:
        begun = time.thread_time()
        try:
            return handler(*arguments)
        finally:
            into.append(time.thread_time() - begun)

    return timed


class Door:
    """One page with a form, over one connection that is kept. Little of its own, since it is in what is measured."""

    def __init__(self, base: str, path: str) -> None:
        self._base, self._path = base, path
        self._line = http.client.HTTPConnection(base.removeprefix("http://"), timeout=30)
        shown = self._ask("GET", CENTRE if path == LINK else path)
        cookie = shown.headers["set-cookie"].partition(";")[0]
        found = re.search(r'name="form_token" value="([^"]+)"', shown.text)
        assert found
        self._token = found[1]
        self._headers = {"origin": base, "cookie": cookie, "content-type": "application/x-www-form-urlencoded"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def post(self, email: str) -> Answer:
        return self._ask(
            "POST", self._path, urllib.parse.urlencode({"form_token": self._token, "email": email}), self._headers
        )

    def get(self) -> Answer:
        return self._ask("GET", NEXT)

    def _ask(self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> Answer:
        self._line.request(method, path, body, headers or {})
        answer = self._line.getresponse()
        return Answer(answer.status, answer.headers, answer.read().decode())


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    text: str
