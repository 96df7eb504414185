"""Among many writers nobody waits long, and who waits too long is told so."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from sqlalchemy import text

from tests.stores import fresh_store
from troth.foundation.store import turns
from troth.foundation.store.turns import Turn


def test_who_has_waited_long_goes_before_those_who_come_again_and_again() -> None:
    turn, over = Turn(), threading.Event()
    passed: list[str] = []

    def come_again() -> None:
        while not over.is_set():
            assert turn.acquire(5)
            passed.append("again")
            time.sleep(0.002)
            turn.release()

    greedy = [threading.Thread(target=come_again) for _ in range(3)]
    for each in greedy:
        each.start()
    longest = 0.0
    for _ in range(5):
        begun = time.monotonic()
        assert turn.acquire(5)
        longest = max(longest, time.monotonic() - begun)
        turn.release()
    over.set()
    for each in greedy:
        each.join()
    assert passed
    assert longest < 10 * turns.PATIENCE_S


def test_the_longest_waiting_is_first_once_it_is_overdue() -> None:
    turn = Turn()
    order: list[int] = []
    assert turn.acquire(1)

    def wait(n: int) -> None:
        assert turn.acquire(5)
        order.append(n)
        turn.release()

    threads = []
    for n in range(5):
        threads.append(threading.Thread(target=wait, args=(n,)))
        threads[-1].start()
        while len(turn._queue) <= n:
            time.sleep(0.001)
    time.sleep(turns.PATIENCE_S * 1.5)
    turn.release()
    for each in threads:
        each.join()
    assert order == [0, 1, 2, 3, 4]
    assert turn.acquire(0)


def test_who_waits_too_long_is_refused_and_leaves_no_trace() -> None:
    turn = Turn()
    assert turn.acquire(1)
    assert not turn.acquire(0.05)
    assert not turn._queue
    turn.release()
    assert turn.acquire(0)


def test_forty_writers_of_one_store_all_get_through(tmp_path: Path) -> None:
    with fresh_store(tmp_path) as store:
        with store.writing() as tx:
            tx.execute(text("create table counted (n integer)"))
        waited: list[float] = []

        def write(n: int) -> None:
            for _ in range(5):
                begun = time.monotonic()
                with store.writing() as tx:
                    waited.append(time.monotonic() - begun)
                    tx.execute(text("insert into counted values (:n)"), {"n": n})

        threads = [threading.Thread(target=write, args=(n,)) for n in range(40)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        with store.reading() as tx:
            assert tx.execute(text("select count(*) from counted")).scalar_one() == 200
