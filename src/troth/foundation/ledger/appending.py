"""Share commits among writers that wait: the first to come writes for all who came meanwhile.

A durable commit costs what the disk takes to say yes, whatever is in it. So while one commit is on its way, the others
gather, and the next takes all of them. A writer who is alone waits for nobody. Where the last commit had company, the
next waits until as many have come as were there then, and never longer than half of what a commit took: on a slow disk
all share the next, on a quick one some prepare while the others are written.

Those who are served wake each other in turn. Woken all at once, they would stand in line for the interpreter and be put
to sleep a second time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import pairwise

from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves
from troth.foundation.ledger.leaves import Entry, Leaf
from troth.foundation.store import Store

_MOST = 1_000
_LONGEST_GATHER_S = 0.005


class _Waiting:
    """One writer's entry, the door it waits at, and whose door it opens next."""

    __slots__ = ("door", "entry", "error", "id", "leads", "leaf", "next")

    def __init__(self, entry: Entry, leaf: Leaf | None) -> None:
        self.entry = entry
        self.leaf = leaf
        self.id = 0
        self.leads = False
        self.error: BaseException | None = None
        self.next: _Waiting | None = None
        self.door = threading.Lock()
        self.door.acquire()


class Appender:
    """Writes entries that are a deed of their own, each durable when `append` returns. Safe to share between threads.

    An entry that belongs to a change of other rows is written with `leaves.append`, in the transaction of that change.
    """

    def __init__(self, store: Store, keyring: Keyring, *, wrote: Callable[[], None] | None = None) -> None:
        """`wrote` is called after each commit; give `Sequencer.wake` where receipts are waited for."""
        self._store = store
        self._keyring = keyring
        self._wrote = wrote
        self._lock = threading.Lock()
        self._queue: list[_Waiting] = []
        self._led = False
        self._expected = 1
        self._gathering: _Waiting | None = None
        self._took_s = 0.0

    def append(self, entry: Entry) -> int:
        """Write `entry` and give the id of its leaf; durable on return. Raises as `leaves.append`, for it alone."""
        leaf = None if entry.sealed is not None else leaves.prepare(None, self._keyring, entry)
        mine = _Waiting(entry, leaf)
        with self._lock:
            self._queue.append(mine)
            mine.leads, self._led = not self._led, True
            gathering = self._gathering
            if gathering is not None and len(self._queue) >= self._expected:
                self._gathering = None
                gathering.door.release()
        if not mine.leads:
            self._wait(mine)
        if mine.leads:
            self._lead(mine)
        if mine.error is not None:
            raise mine.error
        return mine.id

    def _wait(self, mine: _Waiting) -> None:
        """Until it is written, or ours to lead. Who is told to end meanwhile ends after that: others count on them."""
        told: BaseException | None = None
        while True:
            try:
                mine.door.acquire()
                break
            except BaseException as error:  # noqa: BLE001 - raised below
                told = error
        if mine.next is not None:
            mine.next.door.release()
        if told is not None:
            if mine.leads:
                self._lead(mine)
            raise told

    def _lead(self, mine: _Waiting) -> None:
        """Write for all who wait now, then hand the lead to one who came meanwhile."""
        self._gather(mine)
        with self._lock:
            batch, self._queue = self._queue[:_MOST], self._queue[_MOST:]
        try:
            began = time.perf_counter()
            self._write(batch)
            self._took_s = time.perf_counter() - began
        except BaseException as error:  # the program is told to end, and with it all who wait
            for one in batch:
                one.error = error
            raise
        finally:
            with self._lock:
                heir = self._queue[0] if self._queue else None
                self._led = heir is not None
                self._expected = min(len(batch) + len(self._queue), _MOST)
            served = [one for one in batch if not one.leads]
            for one, after in pairwise(served):
                one.next = after
            if served:
                served[0].door.release()
            if heir is not None:  # last, so that those who were just served can come along
                heir.leads = True
                heir.door.release()
        if self._wrote is not None:
            self._wrote()

    def _gather(self, mine: _Waiting) -> None:
        """Wait for those who shared the last commit, where there were any; whoever completes them opens our door."""
        with self._lock:
            if len(self._queue) >= self._expected:
                return
            self._gathering = mine
        if not mine.door.acquire(timeout=min(self._took_s / 2, _LONGEST_GATHER_S)):
            with self._lock:
                self._gathering = None

    def _write(self, batch: list[_Waiting]) -> None:
        try:
            self._write_together(batch)
        except Exception as error:  # noqa: BLE001 - handed to the writers, whose it is
            if len(batch) == 1:
                batch[0].error = error
                return
            for one in batch:  # one bad entry must not take the others with it
                self._write([one])

    def _write_together(self, batch: list[_Waiting]) -> None:
        with self._store.writing() as tx:
            ready = [
                one.leaf if one.leaf is not None else leaves.prepare(tx, self._keyring, one.entry) for one in batch
            ]
            ids = leaves.write(tx, ready)
        for one, number in zip(batch, ids, strict=True):
            one.id = number
