"""Whose turn it is to write: the threads of one process, so that nobody waits for ever.

A plain lock lets whoever comes at the right moment pass before those who wait; among dozens of writers one may wait for
seconds. Here the turn goes to the one who has waited longest, once that was too long. Before that it goes to whoever is
quickest: to hand it over each time would cost a switch of threads for every write.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field

PATIENCE_S = 0.1
"""Who has waited so long is let through before all others."""


@dataclass(eq=False, slots=True)
class _Waiting:
    since: float
    bell: threading.Lock = field(default_factory=threading.Lock)
    given: bool = False


class Turn:
    """A lock that starves nobody. Not re-entrant."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held = False
        self._queue: deque[_Waiting] = deque()

    def acquire(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the turn; whether it was given."""
        with self._lock:
            if not self._held and not self._overdue():
                self._held = True
                return True
            mine = _Waiting(time.monotonic())
            mine.bell.acquire()
            self._queue.append(mine)
        until = mine.since + timeout
        while True:
            rang = mine.bell.acquire(timeout=max(until - time.monotonic(), 0))
            with self._lock:
                if mine.given:
                    return True
                if not self._held:
                    self._held = True
                    self._queue.remove(mine)
                    return True
                if not rang:
                    self._queue.remove(mine)
                    return False

    def release(self) -> None:
        """Let the next one write."""
        with self._lock:
            if not self._queue:
                self._held = False
                return
            first = self._queue[0]
            if self._overdue():
                self._queue.popleft()
                first.given = True
            else:
                self._held = False
            if first.bell.locked():
                first.bell.release()

    def _overdue(self) -> bool:
        return bool(self._queue) and time.monotonic() - self._queue[0].since > PATIENCE_S
