"""Known and unknown people: the same answer in the same time, since what differs is done after the answer.

A test of time is a test of statistics. The short form asks only that what is done before the answer is the same work:
it counts the statements that reach a store. The long form (SOAK=true) measures on a socket, and asks that the 95 %
interval of the difference of the medians lies within one millisecond.
"""

from __future__ import annotations

import os
import random
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from tests.rights.desks import ADA, Office, found_office
from tests.rights.site import browser, site_of, submit
from tests.use.served import listening
from troth.foundation.throttling import Limit
from troth.rights import centre

PATH = "/privacy/centre/ask/access"
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
        submit(browser(site), PATH, email="somebody@customer.example.org")
        seen = []
        for email in (ADA.value, "nobody@customer.example.org"):
            counting[0] = True
            submit(browser(site), PATH, email=email)
            seen.append(tuple(done))
            done.clear()
    assert seen[0] == seen[1]
    assert seen[0], "something was counted"


@pytest.mark.skipif(not SOAK, reason="long form: SOAK=true")
def test_the_medians_of_known_and_unknown_lie_within_a_millisecond(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(centre, "SOURCE_LIMIT", Limit(free=10**9))
    count = 1_500
    taken: dict[str, list[float]] = {"known": [], "unknown": []}
    with site_of(office) as site, listening(site) as base, httpx.Client(base_url=base) as page:
        shown = page.get(PATH)
        token = re.search(r'name="form_token" value="([^"]+)"', shown.text)
        assert token
        asked = [("known", ADA.value), ("unknown", "nobody@customer.example.org")] * count
        random.shuffle(asked)
        for who, email in asked:
            begun = time.perf_counter()
            answer = page.post(PATH, data={"form_token": token[1], "email": email}, headers={"origin": base})
            taken[who].append(time.perf_counter() - begun)
            assert answer.status_code == 200
            time.sleep(0.002)  # what follows after the answer is not in the time of the next

    differences = []
    for _ in range(1_000):
        medians = {who: statistics.median(random.choices(times, k=len(times))) for who, times in taken.items()}
        differences.append(medians["known"] - medians["unknown"])
    differences.sort()
    low, high = differences[25] * 1000, differences[975] * 1000
    assert -1.0 < low <= high < 1.0, f"difference of medians, 95 %: {low:.3f} to {high:.3f} ms"
