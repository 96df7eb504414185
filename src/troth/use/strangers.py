"""Keep on record which purposes programs ask for that the policy does not declare; each was refused.

Only what can be the name of a purpose is kept as it was named; anything else may be a person's by mistake.
"""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from re import compile as pattern
from time import monotonic

from sqlalchemy import insert, update

from troth.errors import TrothError
from troth.foundation.store import hold
from troth.use.office import Office
from troth.use.tables import undeclared_purposes

UNNAMED = "(not a name)"

_NAME = pattern(r"[a-z][a-z-]{0,39}(\.[a-z][a-z-]{0,39}){0,2}")
_EVERY_S = 10.0
_MOST = 50


class Strangers:
    """What one process heard. Written at once when it is new, and at most every ten seconds after that."""

    __slots__ = ("_heard", "_known", "_lock", "_next")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard: Counter[str] = Counter()
        self._known: set[str] = set()
        self._next = 0.0

    def hear(self, office: Office, purpose: str) -> None:
        """Somebody asked for `purpose`. Never raises: the refusal is the answer, whether it is recorded or not."""
        name = purpose if isinstance(purpose, str) and _NAME.fullmatch(purpose) else UNNAMED
        with self._lock:
            if name not in self._known and len(self._known) >= _MOST:
                name = UNNAMED
            self._heard[name] += 1
            if name in self._known and monotonic() < self._next:
                return
            self._known.add(name)
        self.write(office)

    def write(self, office: Office) -> None:
        """Put what was heard on record, if the store takes it."""
        with self._lock:
            heard, self._heard = self._heard, Counter()
            self._next = monotonic() + _EVERY_S
        path = office.store.path
        if not heard or office.store.read_only or (path is not None and not path.exists()):  # never make a new one
            return
        table = undeclared_purposes
        with suppress(TrothError), office.store.writing() as tx:
            hold(tx, "undeclared purposes")
            for name, times in heard.items():
                values = {"last_at": office.clock.now()}
                more = update(table).where(table.c.purpose == name).values(times=table.c.times + times, **values)
                if not tx.execute(more).rowcount:
                    tx.execute(insert(table).values(purpose=name, times=times, **values))
