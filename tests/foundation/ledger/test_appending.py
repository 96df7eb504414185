"""Writers that share a commit count on each other, also on one who is told to end meanwhile."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

import pytest

from tests.foundation.ledger import worlds
from tests.foundation.ledger.worlds import NOON
from troth.foundation.keys import Keyring
from troth.foundation.ledger.appending import Appender
from troth.foundation.ledger.leaves import Entry
from troth.foundation.store import Store

TEA = Entry("tea.poured", 1, {}, NOON)


class ToldToEndError(Exception):
    """What the signal of this test raises in whoever waits."""


@pytest.mark.parametrize("before", [0, 1], ids=["it would lead the next commit", "it would open the next door"])
def test_who_is_told_to_end_while_it_waits_leaves_nobody_waiting(store: Store, keyring: Keyring, before: int) -> None:
    appender = Appender(store, keyring)
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with store.writing():
            held.set()
            go.wait(20)

    def told(*_: object) -> None:
        raise ToldToEndError

    def queued(count: int) -> Callable[[], bool]:
        return lambda: len(appender._queue) >= count

    others = [threading.Thread(target=appender.append, args=(TEA,), daemon=True) for _ in range(before + 2)]
    holder = threading.Thread(target=hold, daemon=True)
    holder.start()
    held.wait(20)
    others[0].start()  # takes the lead, and waits for its turn to write
    await_that(lambda: appender._led and not appender._queue)
    for number in range(before):
        others[1 + number].start()
        await_that(queued(number + 1))

    def afterwards() -> None:
        await_that(queued(before + 1))
        others[-1].start()
        await_that(queued(before + 2))
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        time.sleep(0.05)
        go.set()

    earlier = signal.signal(signal.SIGUSR1, told)
    behind = threading.Thread(target=afterwards, daemon=True)
    behind.start()
    try:
        with pytest.raises(ToldToEndError):
            appender.append(TEA)
    finally:
        behind.join(20)
        signal.signal(signal.SIGUSR1, earlier)
    for each in (holder, *others):
        each.join(20)

    assert not any(each.is_alive() for each in others)
    assert len(worlds.contents(store)) == before + 3


def await_that(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.001)
