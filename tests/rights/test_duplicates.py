"""Double clicks, retries and redeliveries over HTTP, many at once: one request each, on both kinds of store.

The long form (SOAK=true) sends 10,000 from 100 threads; the work on the requests runs meanwhile in a worker.
"""

from __future__ import annotations

import json
import os
import random
import re
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from tests.rights.desks import ADA, Office, found_office
from tests.rights.site import site_of
from tests.use.served import listening
from troth.foundation.jobs import Worker, registry
from troth.foundation.throttling import Limit
from troth.policy.vocabulary import Right
from troth.rights import centre, fulfilment, register
from troth.rights.tables import request_moves, requests
from troth.rights.words import State
from troth.use import apps

SOAK = os.environ.get("SOAK") == "true"
COUNT, THREADS = (10_000, 100) if SOAK else (120, 20)
EACH = 10
FORM = "/privacy/centre/ask/access"


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    url = None if request.param == "sqlite" else request.getfixturevalue("postgresql_database")
    with found_office(tmp_path, url=url) as made:
        yield made
    registry._jobs.clear()


@pytest.fixture
def base(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(centre, "SOURCE_LIMIT", Limit(free=10**9))
    with site_of(office) as site, listening(site) as base:
        yield base


class Senders:
    """Threads that each keep a connection, as people's browsers and the company's servers do."""

    def __init__(self, base: str, token: str) -> None:
        self._own = threading.local()
        self._open: list[httpx.Client] = []
        self._base, self._token = base, token

    def until_answered(self, door: str, n: int) -> httpx.Response:
        """A busy machine may say that nothing was done; whoever sent it tries again, which is one more duplicate."""
        answer: httpx.Response = getattr(self, door)(n)
        for _ in range(10):
            if answer.status_code != 503:
                break
            answer = getattr(self, door)(n)
        return answer

    def form(self, n: int, *, wish: str = "") -> httpx.Response:
        """The form of the privacy centre, as its button sends it."""
        page, hidden = self._page()
        fields = {"form_token": hidden, "key": f"form-{n}", "email": f"somebody-{n}@customer.example.org", "wish": wish}
        return page.post(FORM, data=fields, headers={"origin": self._base})

    def call(self, n: int, *, right: str = "restriction") -> httpx.Response:
        """The API, as the company's app calls it."""
        page, _ = self._page()
        headers = {"Authorization": f"Bearer {self._token}", "Idempotency-Key": f"order-{n}"}
        return page.post("/v1/requests", json={"right": right, "person": {"email": ADA.value}}, headers=headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for page in self._open:
            page.close()

    def _page(self) -> tuple[httpx.Client, str]:
        if not hasattr(self._own, "page"):
            page = httpx.Client(base_url=self._base, timeout=120)
            self._open.append(page)
            found = re.search(r'name="form_token" value="([^"]+)"', page.get(FORM).text)
            assert found
            self._own.page = page, found[1]
        kept: tuple[httpx.Client, str] = self._own.page
        return kept


def test_many_submissions_of_the_same_requests_at_once_have_one_effect_each(office: Office, base: str) -> None:
    store, desk = office.desk.office.store, office.desk
    token = apps.create_app_token(store, "shop", office.now)
    fulfilment.register(lambda: desk)
    half = COUNT // EACH // 2
    order = random.Random(7).sample([(door, n) for door in ("form", "call") for n in range(half)] * EACH, COUNT)

    with Worker(store, waiting=lambda of: fulfilment.waiting(of, office.now), round_s=0.2):
        with Senders(base, token) as send, ThreadPoolExecutor(THREADS) as pool:
            answers = list(pool.map(lambda each: (each, send.until_answered(*each)), order))
        _until_settled(office)

    assert Counter(answer.status_code for _, answer in answers) == {200: COUNT // 2, 201: COUNT // 2}
    numbers: dict[Any, set[str]] = {}
    for each, answer in answers:
        numbers.setdefault(each, set()).add(_number(answer))
    assert all(len(found) == 1 for found in numbers.values()), "each copy was told of the same request"
    assert len(set.union(*numbers.values())) == 2 * half, "and no two requests were taken for one"
    rows = office.company.rows(requests)
    assert len(rows) == 2 * half
    received = [json.loads(leaf.content) for leaf in office.company.leaves() if leaf.kind == "request.received"]
    assert sorted(each["body"]["request"] for each in received) == sorted(row.number for row in rows)
    moves = Counter((row.request, row.word) for row in office.company.rows(request_moves))
    assert set(moves.values()) == {1}, "no step of any request was made twice"
    ends = Counter((row.right, row.state) for row in rows)
    assert ends == {(Right.ACCESS, State.IDENTITY): half, (Right.RESTRICTION, State.DONE): half}


def test_the_same_key_with_another_body_is_refused_also_in_the_crowd(office: Office, base: str) -> None:
    token = apps.create_app_token(office.desk.office.store, "shop", office.now)

    with Senders(base, token) as send, ThreadPoolExecutor(20) as pool:
        forms = [pool.submit(send.form, 1, wish=word) for word in ("one", "two") * 10]
        calls = [pool.submit(send.call, 1, right=right) for right in ("restriction", "access") * 10]
        answers = [each.result() for each in (*forms, *calls)]

    said = [Counter(answer.status_code for answer in part) for part in (answers[:20], answers[20:])]
    assert said == [{200: 10, 409: 10}, {201: 10, 409: 10}]
    assert len(office.company.rows(requests)) == 2


def _number(answer: httpx.Response) -> str:
    found = re.search(r"2026-\d{6}", answer.text)
    assert found
    return found[0]


def _until_settled(office: Office) -> None:
    """Until nothing is left that the house could do by itself."""
    for _ in range(9_000 if SOAK else 900):
        with office.desk.office.store.reading() as tx:
            if not register.waiting(tx, office.now):
                return
        threading.Event().wait(0.1)
    raise AssertionError("the work on the requests did not come to an end")
