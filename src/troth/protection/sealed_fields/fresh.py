"""Whether the keys in memory may be used now: a key that was destroyed opens nothing once that was acknowledged.

- SQLite: the store's generation is compared before each use. Where it has moved, and once a second, the store is asked
  who has changed, and their keys go.
- PostgreSQL: a thread follows the store under a lease (`foundation.store.readers`), and takes the keys of whoever has
  changed out of memory before the writer acknowledges it. Without a valid lease each use asks the store.

Once a minute all of them go, for what was done to the store past troth.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Final

from troth.foundation.store import changes
from troth.foundation.store.changes import Changes
from troth.foundation.store.readers import LEASE_S, Follower

if TYPE_CHECKING:
    from troth.foundation.store import Store

KEPT_S: Final = 60.0
"""Seconds after which every key in memory is asked for anew."""

_PATIENCE: Final = 2
"""On PostgreSQL so many uses ask the store before a lease is taken: a command uses one key."""

_STILL: Final = (0,)
_NEVER: Final[tuple[float, Sequence[int], int]] = (-1.0, (), -1)


class Fresh:
    """The lease of one memory of keys. `drop` takes out of it whoever has changed.

    INVARIANT: what was read from the store goes into the memory only while `epoch` is what it was before the reading,
    and under `lock` (`still`): no change was obeyed in between.
    """

    __slots__ = ("_anew", "_asked", "_drop", "_follower", "_position", "_store", "epoch", "lock", "valid")

    def __init__(self, drop: Callable[[Changes], None]) -> None:
        self._drop = drop
        self.lock = threading.RLock()
        self.epoch = 0
        self.valid = _NEVER
        self._store: Store | None = None
        self._follower: Follower | None = None
        self._position: str | None = None
        self._asked = 0
        self._anew = 0.0

    def serve(self, store: Store | None) -> None:
        """Follow this store from now on, with an empty memory; None: follow none."""
        with self.lock:
            follower, self._follower = self._follower, None
            self._store, self._asked = store, 0
            self.revoke()
        if follower is not None:
            follower.close()

    def serves(self, store: Store) -> bool:
        """Whether it follows this one."""
        return self._store is store

    def renew(self) -> bool:
        """Whether the memory may be used now, after whoever has changed was taken out of it. Raises: StoreError."""
        with self.lock:
            store = self._store
            if store is None:
                return False
            if store.path is None:
                return self._followed(store)
            counter = store.generation
            if counter is None:
                return False
            # INVARIANT: clock and counter are read before the store is asked, so that what is read later is no older.
            now, seen = monotonic(), counter.value
            until, _, generation = self.valid
            if now < until and seen == generation:
                return True
            with store.reading() as tx:
                new = changes.since(tx, self._position if now < self._anew else None)
            self._position = new.version
            self.apply(new)
            self.valid = (now + LEASE_S, counter.cells, seen)
            return True

    def still(self, epoch: int) -> bool:
        """Whether what was read since `epoch` may go into the memory. Ask it under `lock`."""
        return self.epoch == epoch and monotonic() < self.valid[0]

    # What `foundation.store.readers` calls, on PostgreSQL; on SQLite `apply` alone is called, from here.

    def apply(self, new: Changes) -> None:
        """Take out of memory whoever has changed."""
        with self.lock:
            if new.people is None:
                self._anew = monotonic() + KEPT_S
            if new or new.naming:
                self.epoch += 1
                self._drop(new)

    def grant(self, until: float) -> None:
        """The memory may be used until then."""
        with self.lock:
            if self._store is not None and self._store.path is None:
                if monotonic() >= self._anew:
                    self.apply(Changes("", None, naming=True))
                self.valid = (until, _STILL, 0)

    def revoke(self) -> None:
        """Nothing in memory may be used."""
        with self.lock:
            self.epoch += 1
            self._position = None
            self.valid = _NEVER
            self._drop(Changes("", None, naming=True))

    def begin_anew(self) -> None:
        """In a child process, where no thread follows, and locks and connections are the parent's."""
        self.lock = threading.RLock()
        self._follower, self._asked = None, 0
        self.revoke()
        if self._store is not None:
            self._store.forked()

    def _followed(self, store: Store) -> bool:
        if self._follower is None and not store.read_only:
            self._asked += 1
            if self._asked > _PATIENCE:
                self._follower = Follower(store, self)
        return monotonic() < self.valid[0]
