"""How connections to troth's own store are made: one address, two engines (one that writes, one that cannot).

SQLite: WAL, `synchronous=FULL`, busy timeout 5 s, foreign keys enforced, `secure_delete`, temporary tables in memory
only. PostgreSQL: UTC, lock timeout 5 s, reads from one read-only snapshot, few connections. Parameters never appear in
an error text: engines hide them, and `troubles` drops the driver's own words.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.pool import QueuePool

from troth.errors import StoreError
from troth.foundation import pooled

BUSY_S = 5
"""Seconds that a writer waits for another before it is refused."""

_MOST_CONNECTIONS = 14
"""To PostgreSQL, of each engine. A server takes a hundred of all processes together, and refuses what goes beyond. Who
finds all of ours in use waits, since each is needed for milliseconds."""

_WAIT_S = 30


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store is. `where` is what may be shown: the path, or host and database, without user or password."""

    kind: str
    url: URL = field(repr=False)
    where: str
    path: Path | None


def address(url: str) -> Address:
    """Read the address of a store: `sqlite:///path/troth.db` or `postgresql://user@host/database`.

    Raises: StoreError for any other kind, for a store in memory (other processes could not see it), and for options.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise _bad_address("the address of the store is not a URL") from None
    name = parsed.get_backend_name()
    if name == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise _bad_address("a store in memory would be invisible to other processes")
        if parsed.query or parsed.database.startswith("file:"):
            raise _bad_address("a SQLite store takes no options in its address")
        path = Path(parsed.database)
        return Address("sqlite", URL.create("sqlite+pysqlite", database=str(path)), str(path), path)
    if name in {"postgresql", "postgres"}:
        if not parsed.database:
            raise _bad_address("the address of the store names no database")
        clean = URL.create(
            "postgresql+psycopg",
            parsed.username,
            parsed.password,
            parsed.host,
            parsed.port,
            parsed.database,
            parsed.query,
        )
        return Address("postgresql", clean, f"{parsed.host or 'local'}/{parsed.database}", None)
    raise _bad_address(f"a store of kind {name} is not known")


def engine(at: Address, *, writes: bool) -> Engine:
    """An engine for the store at `at`, connecting on first use; with `writes=False` it cannot change anything."""
    return _sqlite(at, writes=writes) if at.kind == "sqlite" else _postgresql(at, writes=writes)


def engine_of_statements(at: Address) -> Engine:
    """An engine for a PostgreSQL store on which each statement is a transaction of its own that changes nothing.

    Its connections stay so: to make one of `engine` so, and back, takes longer than a short statement does.
    """
    return _postgresql(at, writes=False, alone=True)


def provide_file(path: Path) -> None:
    """Make sure that the file of a SQLite store is there, its owner's only; SQLite gives its log the same mode.

    Raises: StoreError when the folder is missing or refuses.
    """
    # INVARIANT: a store that is there is never opened past SQLite. Closing any descriptor of a file drops every POSIX
    # lock that this process holds on it; another process would then think itself alone, and delete the log under us.
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    except FileNotFoundError:
        raise StoreError(
            "the folder of the store is missing", where=str(path), repair=f"mkdir -p {path.parent}"
        ) from None
    except OSError as error:
        raise StoreError(f"the store cannot be opened: {error.strerror}", where=str(path)) from None


def _sqlite(at: Address, *, writes: bool) -> Engine:
    assert at.path is not None
    location = at.path.absolute().as_uri() + ("" if writes else "?mode=ro")
    made = create_engine(
        "sqlite+pysqlite://",
        creator=lambda: _sqlite_connection(location, writes=writes),
        poolclass=QueuePool,
        pool_size=4,
        max_overflow=60,
        hide_parameters=True,
    )
    dialect: Any = made.dialect
    dialect.do_begin = _begin_immediate if writes else _begin
    event.listen(made, "connect", lambda _connection, record: record.info.update(file=_file_at(at.path)))
    event.listen(made, "checkout", lambda _connection, record, _proxy: _require_same_file(record.info["file"], at.path))
    return made


def _sqlite_connection(location: str, *, writes: bool) -> Any:
    import sqlite3

    # Transactions are begun by the dialect (`_begin`), so that the driver never begins one, late and deferred.
    connection = sqlite3.connect(location, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    pragmas = ["foreign_keys = ON", "temp_store = MEMORY", "trusted_schema = OFF"]
    pragmas += ["journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"] if writes else ["query_only = ON"]
    try:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _file_at(path: Path | None) -> tuple[int, int] | None:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found is not None else None


def _require_same_file(opened: tuple[int, int] | None, path: Path | None) -> None:
    # A store put back from a backup is another file of the same name; a kept connection would go on with the old one.
    if opened != _file_at(path):
        raise DisconnectionError


# Of the dialect itself: a listener for the word BEGIN would cost a third of what a short transaction takes.
def _begin(connection: Any) -> None:
    connection.cursor().execute("BEGIN")


def _begin_immediate(connection: Any) -> None:
    connection.cursor().execute("BEGIN IMMEDIATE")


def _postgresql(at: Address, *, writes: bool, alone: bool = False) -> Engine:
    settings = f"-c TimeZone=UTC -c lock_timeout={BUSY_S}s -c idle_in_transaction_session_timeout=60s"
    arguments: dict[str, Any] = {"connect_timeout": BUSY_S, "application_name": "troth"}
    if "options" not in at.url.query:
        arguments["options"] = settings + (" -c default_transaction_read_only=on" if alone else "")
    options: dict[str, Any] = {} if writes else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    of_all: dict[str, Any] = {}
    if alone:
        options, of_all = {}, {"isolation_level": "AUTOCOMMIT"}
    made = create_engine(
        at.url,
        connect_args=arguments,
        pool_size=4,
        max_overflow=_MOST_CONNECTIONS - 4,
        pool_timeout=_WAIT_S,
        hide_parameters=True,
        execution_options=options,
        **of_all,
    )
    pooled.ask_when_in_doubt(made)
    return made


def _bad_address(message: str) -> StoreError:
    return StoreError(message, where="store", expected="sqlite:///path/troth.db or postgresql://user@host/database")
