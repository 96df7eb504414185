"""Processes that decide from memory on PostgreSQL: each holds a lease, and writers wait for those who do.

1. A reader enters itself in `store_readers` before it may hold a lease.
2. A lease runs for `LEASE_S` from the moment *before* the store was asked what is new, by the reader's own clock.
3. What is new is applied first and acknowledged in the reader's row second; only then does the lease run on. The
   news of a short change say whom it is about: then one turn to the server acknowledges it and asks what else is new,
   and the server acknowledges nothing where something else is.
4. A writer, after its commit, waits until the row of every reader says that it has applied the change. Whoever has
   not after `LEASE_S + MARGIN_S` by the writer's own clock holds no lease any more, and loses its row.
5. A reader whose row or connection is gone has no lease until it has entered itself anew, with an empty memory.

No two clocks are ever compared, and none that can be set is read. `NOTIFY` only makes it quick: lost news is found
by the next renewal, before the lease runs out.
"""

from __future__ import annotations

import logging
import os
import secrets
import select
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import text

from troth.errors import StoreError
from troth.foundation.store import changes
from troth.foundation.store.changes import Changes, Mark

if TYPE_CHECKING:
    from troth.foundation.store.opened import Store

log = logging.getLogger(__name__)

LEASE_S = 1.0
MARGIN_S = 0.25
"""How much longer a writer waits than a lease runs: clocks of two machines may differ in pace, by far less."""

CHANGED = "troth_changed"
"""The PostgreSQL channel on which a change is told."""

_RENEW_S = LEASE_S / 4
_AGAIN_S = 0.2
_POLLS_S = (0.001, 0.002, 0.003, 0.005)


class Memory(Protocol):
    """What a follower keeps right. Called by one thread."""

    def apply(self, new: Changes) -> None:
        """Obey these changes from now on. `people` None: forget everything."""

    def grant(self, until: float) -> None:
        """What is in memory may be used until `until` by `monotonic`."""

    def revoke(self) -> None:
        """Nothing in memory may be used."""


class Follower:
    """Keeps one memory under a lease, in a thread and over a connection of its own. `close` it when done."""

    def __init__(self, store: Store, memory: Memory, clock: Callable[[], float] = monotonic) -> None:
        self._store = store
        self._memory = memory
        self._clock = clock
        self._stopping = threading.Event()
        self._awake, self._waker = os.pipe()
        self._news: list[str] = []
        self._thread = threading.Thread(target=self._follow, name="troth-lease", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Give the lease back and end."""
        if not self._stopping.is_set():
            self._stopping.set()
            os.write(self._waker, b".")
            self._thread.join(timeout=2 * LEASE_S)
            if not self._thread.is_alive():
                os.close(self._awake)
                os.close(self._waker)

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                with closing(self._store.own_connection()) as connection:
                    connection.add_notify_handler(self._note)
                    connection.execute(f"LISTEN {CHANGED}")
                    while not self._stopping.is_set():
                        self._hold(connection)
            except Exception as error:  # noqa: BLE001 - whatever it is: no lease, and once more
                log.warning("no lease to decide from memory: %s", type(error).__name__)
            self._memory.revoke()
            self._stopping.wait(_AGAIN_S)

    def _hold(self, connection: Any) -> None:
        """Enter this process, then renew until the row is gone or the time has come to end."""
        me = secrets.token_urlsafe(32)
        connection.execute("SET synchronous_commit = on")
        position = connection.execute(_ENTER, {"me": me}).fetchone()[0]
        # An acknowledgement that a crash of the server forgets only makes a writer wait; an entry must not be lost.
        connection.execute("SET synchronous_commit = off")
        self._memory.apply(Changes(position, None, naming=True))
        try:
            while not self._stopping.is_set():
                before = self._clock()
                renewed = self._renew(connection, me, position)
                if renewed is None:
                    self._memory.revoke()
                    return
                position = renewed
                self._memory.grant(before + LEASE_S)
                self._wait(connection)
        finally:
            self._memory.revoke()
            with suppress(Exception):  # the connection may be what failed; then a writer lets the row go
                connection.execute(_LEAVE, {"me": me})

    def _renew(self, connection: Any, me: str, position: str) -> str | None:
        """Ask what is new, obey it and say so; gives the version obeyed. None: the row is gone, and so is the lease."""
        trims, _, seen = position.partition("/")
        asked = {"me": me, "seen": seen, "trims": int(trims), "told": self._obey_news(position)}
        rows = connection.execute(_NEW_AND_TOLD if asked["told"] else _NEW, asked).fetchall()
        now, entered, acknowledged = rows[0][:3]
        if not entered:
            return None
        if now.partition("/")[0] != trims:
            new = Changes(now, None, naming=True)
        else:
            new = changes.gathered(now, [(row[4], row[5]) for row in rows if row[3] is not None])
        if new:
            # INVARIANT: applied first, acknowledged second.
            self._memory.apply(new)
            applied = {"me": me, "seen": now.partition("/")[2]}
            if not acknowledged and not connection.execute(_APPLIED, applied).rowcount:
                return None
        return str(now)

    def _obey_news(self, position: str) -> list[int]:
        """Obey what the notifications say; gives the numbers of those transactions."""
        news, self._news = self._news, []
        told = [known for each in news if (known := changes.heard(each)) is not None]
        if told:
            self._memory.apply(Changes(position, frozenset().union(*(people for _, people in told))))
        return [xid for xid, _ in told]

    def _wait(self, connection: Any) -> None:
        """Until something was told, or it is time to renew."""
        if not self._news:
            ready, _, _ = select.select([connection.pgconn.socket, self._awake], [], [], _RENEW_S)
            if connection.pgconn.socket in ready:
                connection.pgconn.consume_input()
                while (heard := connection.pgconn.notifies()) is not None:
                    self._news.append(heard.extra.decode("ascii", "replace"))

    def _note(self, heard: Any) -> None:
        """News that came while something else was asked."""
        self._news.append(heard.payload)


def tell(store: Store, mark: Mark | None) -> None:
    """Tell every reader, and return when each has applied transaction `mark` or holds no lease any more.

    Never raises: where the store cannot be asked, the time that a lease can last is waited out.
    """
    ends = monotonic() + LEASE_S + MARGIN_S
    with suppress(StoreError):
        with store.statements() as tx:
            tx.execute(_TELL, {"channel": CHANGED, "news": "" if mark is None else mark.news})
            if mark is None:
                return
            polls = iter(_POLLS_S)
            while tx.execute(_BEHIND, {"xid": str(mark.xid)}).scalar_one():
                if monotonic() >= ends:
                    tx.execute(_LAPSED, {"xid": str(mark.xid)})
                    return
                sleep(next(polls, _POLLS_S[-1]))
        return
    if mark is not None:
        sleep(max(0.0, ends - monotonic()))


# News need not outlive a crash of the server, in which every reader loses its connection: no waiting for the disk.
_TELL = text("SELECT set_config('synchronous_commit', 'off', true), pg_notify(:channel, :news)")
_POSITION = "coalesce((SELECT trims FROM store_trims), 0) || '/' || CAST(pg_current_snapshot() AS text)"
_ENTER = (
    "INSERT INTO store_readers (id, applied, since) "  # noqa: S608 - a constant of this module is put in
    f"VALUES (%(me)s, CAST(pg_current_snapshot() AS text), now()) RETURNING {_POSITION}"
)
_LEAVE = "DELETE FROM store_readers WHERE id = %(me)s"
_APPLIED = "UPDATE store_readers SET applied = %(seen)s WHERE id = %(me)s"
_UNSEEN = (
    "c.xid >= CAST(CAST(pg_snapshot_xmin(CAST(%(seen)s AS pg_snapshot)) AS text) AS bigint) "
    "AND NOT pg_visible_in_snapshot(CAST(CAST(c.xid AS text) AS xid8), CAST(%(seen)s AS pg_snapshot))"
)
_ENTERED = "EXISTS (SELECT 1 FROM store_readers WHERE id = %(me)s)"
_NEW = (
    f"SELECT {_POSITION}, {_ENTERED}, false, c.id, c.people, c.naming "  # noqa: S608 - as above
    f"FROM (SELECT 1) AS one LEFT JOIN store_changes AS c ON {_UNSEEN}"
)
# All of one statement sees one snapshot: what it acknowledges is what it gives, and nothing that came meanwhile.
_NEW_AND_TOLD = (
    f"WITH new AS (SELECT c.id, c.xid, c.people, c.naming FROM store_changes AS c WHERE {_UNSEEN}), "  # noqa: S608 - as above
    "done AS (UPDATE store_readers SET applied = CAST(pg_current_snapshot() AS text) WHERE id = %(me)s "
    "AND coalesce((SELECT trims FROM store_trims), 0) = %(trims)s "
    "AND NOT EXISTS (SELECT 1 FROM new WHERE xid <> ALL (CAST(%(told)s AS bigint[]))) RETURNING 1) "
    f"SELECT {_POSITION}, {_ENTERED}, EXISTS (SELECT 1 FROM done), new.id, new.people, new.naming "
    "FROM (SELECT 1) AS one LEFT JOIN new ON true"
)
_LATE = "NOT pg_visible_in_snapshot(CAST(:xid AS xid8), CAST(applied AS pg_snapshot))"
_BEHIND = text(f"SELECT count(*) FROM store_readers WHERE {_LATE}")  # noqa: S608 - as above
_LAPSED = text(f"DELETE FROM store_readers WHERE {_LATE}")  # noqa: S608 - as above
