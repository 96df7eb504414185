"""troth's own store, opened: short write transactions, reads from one snapshot, and a signal that something changed."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from troth.errors import StoreError
from troth.foundation.store import changes, engines, guard, readers, revisions, troubles
from troth.foundation.store.generation import Generation
from troth.foundation.store.turns import Turn

_LONGEST_QUEUE_S = 30
"""Seconds that a thread waits for its turn among those of this process: it comes, since turns are fair."""


class Store:
    """One store of one controller, on SQLite or PostgreSQL. Safe to share between threads; `close` it when done.

    Connections are opened on first use. `where` is its name for messages and holds no password.
    """

    def __init__(self, at: engines.Address, *, read_only: bool) -> None:
        self.address = at
        self.kind = at.kind
        self.where = at.where
        self.path: Path | None = at.path
        self.read_only = read_only
        self._reader: Engine = engines.engine(at, writes=False)
        self._writer: Engine | None = None if read_only else engines.engine(at, writes=True)
        self._alone: Engine | None = None if at.kind == "sqlite" else engines.engine_of_statements(at)
        self._turn = Turn()
        self._counter: Generation | None = None
        self._counter_lock = threading.Lock()

    @classmethod
    def open(cls, url: str, *, read_only: bool = False) -> Store:
        """Open `sqlite:///path` (made when missing, mode 0600) or `postgresql://...`; read-only never makes or
        changes anything.

        Raises: StoreError when the address is of another kind, or the folder is missing. Whether the schema is the
        right one is asked by `require_current`.
        """
        at = engines.address(url)
        if at.path is not None and not read_only:
            engines.provide_file(at.path)
        return cls(at, read_only=read_only)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One write transaction: committed at the end of the block, undone when the block raises. Durable when the
        block is left.

        SQLite takes the write lock at once (`BEGIN IMMEDIATE`) and waits at most 5 s for another process. Does not
        nest; no network, mail or company store inside. Raises: StoreError; StoreConflict when a unique or foreign key
        forbids a row.
        """
        if self._writer is None:
            raise StoreError("the store was opened for reading only", where=self.where)
        with guard.marked_writing(), self._turn_to_write(), self._telling(), self._writer.begin() as connection:
            changes.begun(connection)
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One read transaction: everything inside sees the same moment and cannot write. Raises: StoreError."""
        with self._telling(), self._reader.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def reading_once(self) -> Iterator[Connection]:
        """As `reading`, for one statement: a server is asked once, not four times. What a second one reads through a
        `Plain` is of another moment. Raises: StoreError.
        """
        with self._telling(), (self._alone or self._reader).connect() as connection:
            yield connection

    def require_current(self) -> None:
        """Make sure that the schema is the one this version works with.

        Raises: StoreBehind with the repair `troth upgrade`; StoreAhead when a newer troth wrote it.
        """
        with self.reading() as tx:
            revisions.require_current(tx, self.where)

    @property
    def generation(self) -> Generation | None:
        """The counter that moves with every `changed()`: SQLite only. PostgreSQL tells on the channel `troth_changed`
        instead.

        None on PostgreSQL, and for a read-only store whose counter nobody has made yet.
        """
        if self.path is None:
            return None
        with self._counter_lock:
            if self._counter is None:
                beside = self.path.with_name(self.path.name + "-generation")
                if self.read_only and not beside.exists():
                    return None
                try:
                    self._counter = Generation(beside)
                except OSError as error:
                    raise StoreError(
                        f"the change counter cannot be opened: {error.strerror}", where=str(beside)
                    ) from None
            return self._counter

    def changed(self, mark: changes.Mark | None = None) -> None:
        """Tell every process that decides from memory that the store has changed; when this returns, none of them
        decides without it any more.

        A deed calls this after its commit and before it acknowledges, on PostgreSQL with the `changes.mark` of its
        transaction. Raises: StoreError when it cannot be told; then the deed must not acknowledge.
        """
        if self.path is not None:
            counter = self.generation
            if counter is None or self.read_only:
                raise StoreError("the store was opened for reading only", where=self.where)
            counter.advance()
            return
        readers.tell(self, mark)

    @contextmanager
    def statements(self) -> Iterator[Connection]:
        """A connection on which each statement is a transaction of its own: PostgreSQL only. Raises: StoreError."""
        assert self.kind == "postgresql"
        if self._writer is None:
            raise StoreError("the store was opened for reading only", where=self.where)
        with self._telling(), self._writer.connect() as plain:
            yield plain.execution_options(isolation_level="AUTOCOMMIT")

    def own_connection(self) -> Any:
        """A connection of the driver's own that no pool takes back: PostgreSQL only; the caller closes it.

        It commits each statement. Raises: StoreError, also for a store opened for reading only.
        """
        assert self.kind == "postgresql"
        if self._writer is None:
            raise StoreError("the store was opened for reading only", where=self.where)
        with self._telling():
            pooled = self._writer.raw_connection()
            connection: Any = pooled.driver_connection
            pooled.detach()
            connection.autocommit = True
            return connection

    def forked(self) -> None:
        """In a child process: let go of what the parent uses, without closing it there."""
        for each in filter(None, (self._reader, self._writer, self._alone)):
            each.dispose(close=False)
        self._turn = Turn()
        self._counter_lock = threading.Lock()
        # INVARIANT: not the parent's descriptor: a lock on it would not keep the two apart.
        self._counter = None

    def settle(self) -> None:
        """Fold SQLite's log into the file and empty it, so that bytes of deleted rows stand in neither. PostgreSQL:
        does nothing.

        Raises: StoreError when a reader holds an old snapshot; nothing is lost, try again later.
        """
        if self.path is None or self._writer is None:
            return
        with self._telling(), self._writer.connect() as plain:
            raw = plain.connection.dbapi_connection
            assert raw is not None
            cursor = raw.cursor()
            busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            cursor.close()
        if busy:
            raise StoreError("a reader still holds an older state of the store", where=self.where, repair="Try again.")

    def close(self) -> None:
        """Close every connection. Transactions still open in other threads fail."""
        for each in filter(None, (self._reader, self._writer, self._alone)):
            each.dispose()
        with self._counter_lock:
            if self._counter is not None:
                self._counter.close()
                self._counter = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({self.kind}, {self.where})"

    @contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        # SQLite's own wait sleeps and is unfair; threads of one process queue here instead, and none is starved.
        if self.kind != "sqlite":
            yield
            return
        if not self._turn.acquire(timeout=_LONGEST_QUEUE_S):
            raise StoreError(
                f"other threads have been writing for more than {_LONGEST_QUEUE_S} s",
                where=self.where,
                repair="Try again.",
            )
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, PoolTimeoutError, sqlite3.Error) as error:
            raise troubles.told(error, self.where) from None


def hold(tx: Connection, name: str) -> None:
    """Let no other write transaction pass the same `name` until this one ends.

    SQLite has one writer anyway; PostgreSQL takes an advisory lock. For "look, then write" where a unique key cannot
    decide.
    """
    if tx.dialect.name == "postgresql":
        number = int.from_bytes(
            hashlib.blake2b(name.encode(), digest_size=8, person=b"troth-hold").digest(), "big", signed=True
        )
        tx.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
