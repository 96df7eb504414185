"""What is done after an answer, at a moment that tells nothing about it.

Work that hangs on the answer itself keeps its connection: whoever sends the next request over it waits until that work
is done, and learns how much there was. So work is put down here before the answer goes out, and done by one thread at
fixed moments. It takes the same time to put down, whatever it will take to do.

What is lost in a crash must be found again elsewhere, as a request is by the next round of a worker.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

log = logging.getLogger(__name__)

EVERY_S = 0.25
"""The distance of the moments at which work is done, in seconds."""

_CLOSING_S = 30.0


class Afterwards:
    """The work of one site; its thread begins with the first. `close` it, or use it in a `with`."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._work: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._left = 0
        self._changed = threading.Condition()
        self._hurry = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    def put(self, act: Callable[[], object]) -> None:
        """Let `act` be done at the next moment but one or later, after what was put down before it."""
        with self._changed:
            self._left += 1
            self._work.put(act)
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep, name="troth afterwards", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def settle(self, within_s: float = _CLOSING_S) -> bool:
        """Do now what has been put down; whether all of it was done within that time."""
        self._hurry.set()
        try:
            with self._changed:
                return self._changed.wait_for(lambda: self._left == 0, within_s)
        finally:
            self._hurry.clear()

    def close(self) -> None:
        """Do what has been put down, and end. What takes longer than 30 seconds is left to a worker."""
        self.settle()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(_CLOSING_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _keep(self) -> None:
        ripe = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._left > 0 or self._closed)
                if self._closed:
                    return
            hurried = self._hurry.wait(self._every_s - time.monotonic() % self._every_s)
            there = self._work.qsize()
            # What came since the last moment waits for the next: nothing is done in the wake of its own answer.
            now = there if hurried else ripe
            for _ in range(now):
                if self._closed:
                    return
                self._do(self._work.get())
            ripe = there - now

    def _do(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception as problem:  # noqa: BLE001 - the rest goes on; the message may hold a value
            log.error("what was left for after an answer failed with %s", type(problem).__name__)  # noqa: TRY400
        finally:
            with self._changed:
                self._left -= 1
                self._changed.notify_all()
