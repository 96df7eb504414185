"""Reach a company's store: its address from the data map and the environment, its dialect, its troubles in our words.

Nothing is opened before it is asked for. No password, address or value ever stands in a message or in `repr`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from troth.errors import PlaceMissing, RecordsError, StoreUnreachable
from troth.foundation.records.dialects import REPAIRS, Dialect, Limits, Trouble
from troth.policy.datamap import Place, StoreKind, StoreMap

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy import Dialect as SQLDialect

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SCHEMES = {
    "postgresql": StoreKind.POSTGRESQL,
    "postgres": StoreKind.POSTGRESQL,
    "mysql": StoreKind.MARIADB,
    "mariadb": StoreKind.MARIADB,
    "sqlite": StoreKind.SQLITE,
    **dict.fromkeys(("redis", "rediss", "valkey", "valkeys"), StoreKind.VALKEY),
}
_GONE = {Trouble.TABLE_GONE, Trouble.COLUMN_GONE}
_OF_PLACES = _GONE | {Trouble.FORBIDDEN, Trouble.HIDDEN, Trouble.TIMEOUT}


def address_of(connect: str, environ: Mapping[str, str], store: str) -> URL:
    """The address that `connect` stands for, with `${NAME}` taken from `environ`.

    Where `${NAME}` is a part of an address, its value stands for that part as it is: a password needs no quoting.
    Raises StoreUnreachable where a variable is not set or the address has no form that SQL stores have.
    """
    import sqlalchemy
    from sqlalchemy.exc import ArgumentError

    def fill(text: str) -> str:
        return _VARIABLE.sub(lambda match: _value(match[1], environ, store), text)

    whole = _VARIABLE.fullmatch(connect.strip())
    try:
        if whole:
            return sqlalchemy.make_url(fill(connect.strip()))
        address = sqlalchemy.make_url(connect)
        query = {
            name: fill(value) if isinstance(value, str) else tuple(map(fill, value))
            for name, value in address.query.items()
        }
        parts: dict[str, Any] = {
            name: fill(value)
            for name in ("username", "password", "host", "database")
            if (value := getattr(address, name)) is not None
        }
        return address.set(query=query, **parts)
    except (ArgumentError, ValueError):
        raise StoreUnreachable(
            "its connect string is no address.", where=store, repair="Write kind://user@host:port/database."
        ) from None


def store_kind(address: URL) -> StoreKind:
    """The kind of store at an address; UNKNOWN for one that nothing here speaks."""
    return _SCHEMES.get(address.get_backend_name(), StoreKind.UNKNOWN)


def dialect_of(address: URL, store: str) -> Dialect:
    """The dialect of an address; raises StoreUnreachable for a kind of store that this reader does not speak."""
    match store_kind(address):
        case StoreKind.POSTGRESQL:
            from troth.foundation.records.postgresql import PostgreSQL

            return PostgreSQL()
        case StoreKind.MARIADB:
            from troth.foundation.records.mariadb import MariaDB

            return MariaDB()
        case StoreKind.SQLITE:
            from troth.foundation.records.sqlite import SQLite

            return SQLite()
        case _:
            raise StoreUnreachable(
                "its kind cannot be read yet.", where=store, expected="postgresql, mysql, mariadb or sqlite"
            )


class Connector:
    """One store. Connects when first asked; at most a few connections, each able only to read."""

    def __init__(self, store: StoreMap, environ: Mapping[str, str], limits: Limits) -> None:
        self.name = store.name
        self._store = store
        self._environ = environ
        self._limits = limits
        self._engine: Engine | None = None
        self._address: URL | None = None
        self._dialect: Dialect | None = None

    def __repr__(self) -> str:
        return f"Connector({self.name!r})"

    @property
    def address(self) -> URL:
        if self._address is None:
            if self._store.connect is None:
                raise StoreUnreachable("it is asked by letters, not by questions.", where=self.name)
            self._address = address_of(self._store.connect, self._environ, self.name)
        return self._address

    @property
    def dialect(self) -> Dialect:
        if self._dialect is None:
            self._dialect = dialect_of(self.address, self.name)
        return self._dialect

    @property
    def sql_dialect(self) -> SQLDialect:
        """What statements are compiled for; it knows the server's version once there was a connection."""
        return self._opened().dialect

    @contextmanager
    def connection(self, place: Place | None = None) -> Iterator[Connection]:
        """A connection for one or a few statements; it can only read.

        Every trouble comes out as a RecordsError that names `place`, or the store where none is asked about.
        """
        with self._in_our_words(place), self._opened().connect() as connection:
            yield connection

    @contextmanager
    def driver(self) -> Iterator[tuple[Any, SQLDialect]]:
        """The driver's own connection, and the dialect to compile for: for reading much with little around it.

        It can only read. Whoever changes a setting of it puts it back. Troubles come out as with `connection`.
        """
        from sqlalchemy.exc import DBAPIError

        try:
            engine = self._opened()
            dbapi: Any = engine.dialect.loaded_dbapi
            pooled = engine.raw_connection()
            try:
                yield pooled.driver_connection, engine.dialect
            except dbapi.Error as problem:
                raise DBAPIError(None, None, problem) from None
            finally:
                pooled.close()
        except Exception as problem:
            self._say(problem, None)
            raise

    def _opened(self) -> Engine:
        if self._engine is None:
            self._engine = self.dialect.engine(self.address, self._limits)
        return self._engine

    @contextmanager
    def _in_our_words(self, place: Place | None) -> Iterator[None]:
        try:
            yield
        except Exception as problem:
            self._say(problem, place)
            raise

    def _say(self, problem: Exception, place: Place | None) -> None:
        """Raise what `problem` is in our words; give way where it is no trouble of the store."""
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError

        if isinstance(problem, DBAPIError):
            raise self.told(self.dialect.trouble(problem), place) from None
        if isinstance(problem, RecordsError):
            problem.where = problem.where or self.name
        elif isinstance(problem, (SQLAlchemyError, OSError)):
            trouble = Trouble.TIMEOUT if "QueuePool limit" in str(problem) else Trouble.OTHER
            raise self.told(trouble, place) from None

    def told(self, trouble: Trouble, place: Place | None = None) -> RecordsError:
        """The error that says `trouble` of this store, or of one place in it."""
        message = trouble.value
        if trouble is Trouble.TIMEOUT:
            message = f"it did not answer within {self._limits.timeout_s:g} s."
        kind = PlaceMissing if trouble in _GONE else StoreUnreachable
        where = str(place) if place is not None and trouble in _OF_PLACES else self.name
        return kind(message, where=where, repair=REPAIRS.get(trouble))

    def admits(self, user: str, password: str) -> bool:
        """Whether the server lets `user` in by `password`, asked once on a connection of its own.

        Raises StoreUnreachable where it says neither yes nor no.
        """
        from sqlalchemy.exc import DBAPIError

        engine = self.dialect.engine(self.address.set(username=user, password=password), self._limits)
        try:
            with engine.connect():
                return True
        except DBAPIError as problem:
            trouble = self.dialect.trouble(problem)
            if trouble in (Trouble.CREDENTIALS, Trouble.FORBIDDEN):
                return False
            raise self.told(trouble) from None
        finally:
            engine.dispose()

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


def _value(name: str, environ: Mapping[str, str], store: str) -> str:
    value = environ.get(name)
    if not value:
        raise StoreUnreachable(
            f"the environment has no {name}, which its connect string names.", where=store, repair=f"Set {name}."
        )
    return value
