"""How long a withdrawal takes until it is acknowledged, while four other processes decide from memory.

Each of the four holds a lease and decides all the time: a hundred decisions, then a thousandth of a second of rest,
as a server has between requests. The time is that of the whole deed, from the call to its return: the word and its
entry on disk, and every reader obeying it. A reader that permits what was asked after an acknowledgement stops the
bench.
Beside it, for comparison only: the same words with nobody else there, and with four readers that never rest.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import Any

from bench.founding import company
from bench.ratio import Figure

READERS = 4
WITHDRAWALS = 200
MEDIAN_MS = 50
REST_S = 0.001
USE = ("news", "contact.email")
POLICY = """troth: 1
title: Privacy Policy
controller: {name: Example Company, country: IE}
laws: [gdpr]
use: {number: "1", title: Use, news: {text: News., purpose: news, basis: consent, data: [contact.email]}}
"""


def figures() -> Iterator[Figure]:
    """On both engines; PostgreSQL with what was committed on the disk, as a company's has it."""
    from tests.servers import postgresql_server

    with tempfile.TemporaryDirectory() as name:
        yield from _on("SQLite", Path(name), f"sqlite:///{name}/troth.sqlite3")
    with postgresql_server("-c", "fsync=on") as server, tempfile.TemporaryDirectory() as name:
        yield from _on("PostgreSQL", Path(name), server.url)


def _on(engine: str, folder: Path, url: str) -> Iterator[Figure]:
    with company(folder, url, policy=POLICY, people=WITHDRAWALS) as troth:
        with _readers(folder, url, REST_S) as acknowledged:
            waited = _withdraw(troth, acknowledged)
        middle, late = _told(waited)
        yield Figure(
            f"a withdrawal acknowledged with {READERS} live readers, {engine}, {WITHDRAWALS} times",
            f"{middle:.1f} ms, one of a hundred {late:.1f} ms",
            f"at most {MEDIAN_MS} ms",
            middle <= MEDIAN_MS,
        )
        with _readers(folder, url, None) as acknowledged:
            waited = _withdraw(troth, acknowledged)
        yield Figure(f"the same, readers that never rest, {engine}", "{:.1f} ms, {:.1f} ms".format(*_told(waited)))
        waited = _withdraw(troth, None)
        yield Figure(f"the same, nobody else there, {engine}", "{:.1f} ms, {:.1f} ms".format(*_told(waited)))


def _told(waited: list[float]) -> tuple[float, float]:
    """Median and 99th of a hundred, in milliseconds."""
    return statistics.median(waited) * 1e3, statistics.quantiles(waited, n=100)[-1] * 1e3


def _withdraw(troth: Any, acknowledged: Any) -> list[float]:
    """Seconds of each withdrawal. Everybody has consented before."""
    if acknowledged is not None:
        acknowledged[:] = [0.0] * WITHDRAWALS
    troth.give_consents((f"id={n}", USE[0], None) for n in range(WITHDRAWALS))
    sleep(0.2)  # time for the readers to have everybody in memory again
    waited = []
    for n in range(WITHDRAWALS):
        began = perf_counter()
        troth.withdraw_consent(f"id={n}", USE[0])
        waited.append(perf_counter() - began)
        if acknowledged is not None:
            acknowledged[n] = monotonic()
    return waited


@contextmanager
def _readers(folder: Path, url: str, rest: float | None) -> Iterator[Any]:
    """Four processes that hold leases; gives the times of the acknowledgements, for them to be held against."""
    many = multiprocessing.get_context("spawn")
    acknowledged, ready, stop, answers = many.Array("d", WITHDRAWALS), many.Semaphore(0), many.Event(), many.Queue()
    arguments = (str(folder), url, rest, acknowledged, (ready, stop, answers))
    processes = [many.Process(target=_decide, args=arguments) for _ in range(READERS)]
    for process in processes:
        process.start()
    try:
        for _ in processes:
            assert ready.acquire(timeout=60)
        yield acknowledged
    finally:
        stop.set()
        seen = [answers.get(timeout=60) for _ in processes]
        for process in processes:
            process.join(timeout=60)
    assert all(decisions > WITHDRAWALS for decisions, _ in seen), seen
    assert sum(late for _, late in seen) == 0, seen


def _decide(folder: str, url: str, rest: float | None, acknowledged: Any, signals: tuple[Any, Any, Any]) -> None:
    """One reader: decides about everybody in turn until told to stop; gives (decisions, late permits)."""
    from troth import application

    ready, stop, answers = signals
    decisions = late = 0
    with application.open(Path(folder), {"STORE_URL": url}) as troth:
        while not troth.lease.held:
            troth.may("id=0", *USE)
        ready.release()
        times = acknowledged.get_obj()
        while not stop.is_set():
            for n in range(WITHDRAWALS):
                asked = monotonic()
                if troth.may(f"id={n}", *USE):
                    late += 0 < times[n] < asked
                decisions += 1
                if rest is not None and decisions % 100 == 0:
                    sleep(rest)
    answers.put((decisions, late))
