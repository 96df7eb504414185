"""Write in a company's store, only to carry out a right: one connection, one transaction at a time, limits of time.

A `Writer` stands beside the `Connector` of the same store and is opened for a destructive run alone. Others go on
working: each statement and each wait for a lock ends after its limit, and what others do meanwhile is either seen or
makes the transaction start anew.

- SQLite: BEGIN IMMEDIATE (nobody else writes), foreign keys enforced, freed pages overwritten (`secure_delete`).
- PostgreSQL: READ COMMITTED, so that rows committed while we waited count; a commit is on disk when it returns.
- MariaDB: REPEATABLE READ, whose range locks keep new rows of the person out until we are done; strict mode.
"""

from __future__ import annotations

import random
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote

from troth.errors import RecordsError, RuleBroken, StoreUnreachable
from troth.foundation.records.connectors import Connector
from troth.foundation.records.dialects import REPAIRS, Limits, Trouble
from troth.policy.datamap import StoreKind, StoreMap

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.exc import DBAPIError

Done = TypeVar("Done")

_AGAIN_STATES = frozenset(("40001", "40P01", "55P03", "23503", "23505"))
"""Serialization, deadlock, a lock not had in time; a row that points here, or one with the same key, has just come."""
_AGAIN_CODES = frozenset((1213, 1205, 1451, 1062))
_RULE_CODES = frozenset((1644, 3819, 4025))
_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.02
_DRIVER_KINDS = {"sqlite": StoreKind.SQLITE, "postgresql": StoreKind.POSTGRESQL, "mysql": StoreKind.MARIADB}


@dataclass(frozen=True, slots=True)
class WritingLimits:
    """Seconds that one statement, and one wait for somebody's lock, may take; relative paths start from `base`."""

    timeout_s: float = 300.0
    lock_s: float = 10.0
    base: Path = Path()


class Writer:
    """One store, able to write. Connects when first asked; at most one connection. Use from one thread."""

    def __init__(self, store: StoreMap, environ: Mapping[str, str], limits: WritingLimits | None = None) -> None:
        self.name = store.name
        self.limits = limits or WritingLimits()
        self._connector = Connector(store, environ, Limits(self.limits.timeout_s, self.limits.base))
        self._engine: Engine | None = None
        self.prepared = False  # whether its table of steps was seen

    @classmethod
    def of_address(cls, name: str, address: str, limits: WritingLimits | None = None) -> Self:
        """One store under `name` by its whole address."""
        return cls(StoreMap(name, StoreKind.UNKNOWN, "${ADDRESS}", {}, {}), {"ADDRESS": address}, limits)

    def __repr__(self) -> str:
        return f"Writer({self.name!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def kind(self) -> StoreKind:
        """Which words of SQL it speaks."""
        return _DRIVER_KINDS.get(self.engine.dialect.name, StoreKind.UNKNOWN)

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            address, dialect = self._connector.address, self._connector.dialect
            dialect.engine(address, Limits(self.limits.lock_s, self.limits.base)).dispose()  # its own refusals first
            make = {"sqlite": _sqlite, "postgresql": _postgresql, "postgres": _postgresql}
            self._engine = make.get(address.get_backend_name(), _mariadb)(address, self.limits)
        return self._engine

    def carry_out(
        self,
        work: Callable[[Connection], Done],
        *,
        before: Callable[[Connection], None] | None = None,
        after: Callable[[Connection], None] | None = None,
    ) -> Done:
        """The outcome of `work` in one transaction; done anew, a few times, where others' work made it fail.

        So it is where the connection was lost, even while committing: `work` is to be safe to repeat.

        `before` and `after` have the same connection, outside that transaction: for temporary tables.

        Committed at the end, rolled back where anything is raised. Every trouble comes out as a RecordsError in our
        words, without a value: RuleBroken where a rule of the store stands against it.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._once(work, before, after)
            except _Again as again:
                if attempt == _ATTEMPTS:
                    raise again.told from None
                pause = _FIRST_PAUSE_S * 2**attempt
                time.sleep(pause * (0.5 + random.random()))  # noqa: S311 - no secret: two that met shall not meet again
        raise AssertionError

    def outside(self, work: Callable[[Connection], Done]) -> Done:
        """The outcome of `work` outside a transaction: for statements that cannot stand in one."""
        with self._told(), self.engine.connect() as connection:
            if self.engine.dialect.name == "sqlite":
                return work(connection.execution_options(isolation_level="AUTOCOMMIT", troth_plain=True))
            return work(connection.execution_options(isolation_level="AUTOCOMMIT"))

    def close(self) -> None:
        self._connector.close()
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _once(
        self,
        work: Callable[[Connection], Done],
        before: Callable[[Connection], None] | None,
        after: Callable[[Connection], None] | None,
    ) -> Done:
        with self._told(), self.engine.connect() as connection:
            try:
                with self._told(connection):
                    if before is not None:
                        before(connection)
                        connection.commit()
                    with connection.begin():
                        return work(connection)
            finally:
                if after is not None and not connection.invalidated and not connection.closed:
                    after(connection)
                    connection.commit()

    @contextmanager
    def _told(self, connection: Connection | None = None) -> Iterator[None]:
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError

        driver: Any = self.engine.dialect.loaded_dbapi
        try:
            yield
        except (DBAPIError, driver.Error) as problem:
            told = problem if isinstance(problem, DBAPIError) else _as_told(problem, driver)
            lost = told.connection_invalidated or self.engine.dialect.is_disconnect(told.orig, None, None)  # type: ignore[arg-type]
            if lost and connection is not None:
                connection.invalidate()
            if lost or _passing(told):
                raise _Again(self._say(told)) from None
            raise self._say(told) from None
        except RecordsError as problem:
            problem.where = problem.where or self.name
            raise
        except (SQLAlchemyError, OSError):
            raise self._connector.told(Trouble.OTHER) from None

    def _say(self, problem: DBAPIError) -> RecordsError:
        from sqlalchemy.exc import IntegrityError

        if isinstance(problem, IntegrityError) or _raised_there(problem):
            return RuleBroken(
                f"a rule of the store forbids it{_rule(problem)}; nothing was changed.",
                where=self.name,
                repair="Let datamap.yaml say what becomes of these rows, or mend the rule.",
            )
        trouble = self._connector.dialect.trouble(problem)
        if trouble is Trouble.FORBIDDEN:
            return StoreUnreachable(
                "this user may not change that.", where=self.name, repair=REPAIRS[Trouble.FORBIDDEN]
            )
        return self._connector.told(trouble)


class _Again(RecordsError):
    """Others' work stood in the way; the same may succeed at once."""

    def __init__(self, told: RecordsError) -> None:
        self.told = told
        super().__init__(told.message, where=told.where, repair=told.repair)


def _as_told(problem: Exception, driver: Any) -> DBAPIError:
    """A driver's own error in the form that SQLAlchemy gives it."""
    from sqlalchemy.exc import DBAPIError

    told: Any = DBAPIError.instance(None, None, problem, driver.Error)
    return told  # type: ignore[no-any-return]


def _passing(problem: DBAPIError) -> bool:
    """Whether the same transaction may succeed when it starts anew."""
    if getattr(problem.orig, "sqlstate", None) in _AGAIN_STATES:
        return True
    arguments: tuple[Any, ...] = getattr(problem.orig, "args", ())
    return bool(arguments) and arguments[0] in _AGAIN_CODES


def _raised_there(problem: DBAPIError) -> bool:
    """Whether a trigger or a CHECK of the store said no, where the driver has no class for that."""
    state = getattr(problem.orig, "sqlstate", None)
    arguments: tuple[Any, ...] = getattr(problem.orig, "args", ())
    return state == "P0001" or (bool(arguments) and arguments[0] in _RULE_CODES)


def _rule(problem: DBAPIError) -> str:
    """The name of the rule, where the driver gives it apart from the values."""
    diagnostic = getattr(problem.orig, "diag", None)
    names = [getattr(diagnostic, each, None) for each in ("table_name", "constraint_name")]
    said = ", ".join(str(name) for name in names if name)
    if not said and isinstance(problem.orig, sqlite3.Error):
        said = str(getattr(problem.orig, "sqlite_errorname", "") or "")
    if not said:
        match = re.search(r"CONSTRAINT `((?:[^`]|``)+)`", str(problem.orig))
        said = match[1].replace("``", "`") if match else ""
    return f" ({said})" if said else ""


# --- one engine for each kind -----------------------------------------------------------------------------------------


def _sqlite(address: URL, limits: WritingLimits) -> Engine:
    import sqlalchemy
    from sqlalchemy import event

    from troth.foundation.records.sqlite import know_letters

    path = limits.base / (address.database or "")

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw",
            uri=True,
            timeout=limits.lock_s,
            check_same_thread=False,
            isolation_level=None,
        )
        connection.text_factory = _text
        know_letters(connection)
        for pragma in ("foreign_keys = ON", "secure_delete = ON", "temp_store = MEMORY", "recursive_triggers = ON"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    engine = sqlalchemy.create_engine(
        "sqlite+pysqlite://", creator=connect, poolclass=sqlalchemy.QueuePool, pool_size=1, max_overflow=0,
        hide_parameters=True, skip_autocommit_rollback=True,
    )  # fmt: skip

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("troth_plain"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgresql(address: URL, limits: WritingLimits) -> Engine:
    import sqlalchemy

    from troth.foundation.records.postgresql import know_letters

    engine = sqlalchemy.create_engine(
        address.set(drivername="postgresql+psycopg"),
        connect_args={"connect_timeout": max(2, round(limits.lock_s))},
        isolation_level="READ COMMITTED",
        pool_size=1, max_overflow=0, hide_parameters=True,
    )  # fmt: skip
    know_letters(engine)

    @sqlalchemy.event.listens_for(engine, "connect")
    def _set(connection: Any, _: object) -> None:
        with connection.cursor() as cursor:
            whole_ms, lock_ms = int(limits.timeout_s * 1000), int(limits.lock_s * 1000)
            cursor.execute(
                "set time zone 'UTC'; set datestyle to iso; set synchronous_commit = on; "
                "set row_security = off; "  # as where it is only read
                f"set statement_timeout = {whole_ms}; set lock_timeout = {lock_ms}; "
                f"set idle_in_transaction_session_timeout = {whole_ms}"
            )
        connection.commit()

    return engine


def _mariadb(address: URL, limits: WritingLimits) -> Engine:
    import sqlalchemy

    engine = sqlalchemy.create_engine(
        address.set(drivername="mysql+pymysql"),
        connect_args={"connect_timeout": max(1, round(limits.lock_s)), "read_timeout": round(limits.timeout_s) + 5},
        isolation_level="REPEATABLE READ",
        pool_size=1, max_overflow=0, hide_parameters=True,
    )  # fmt: skip

    @sqlalchemy.event.listens_for(engine, "connect")
    def _set(connection: Any, _: object) -> None:
        modes = "STRICT_ALL_TABLES"
        with connection.cursor() as cursor:
            if "MariaDB" in connection.get_server_info():
                modes += ",SIMULTANEOUS_ASSIGNMENT"  # a CASE sees the row as it was, as everywhere else
                cursor.execute("set session max_statement_time = %s", (limits.timeout_s,))
            cursor.execute("set session innodb_lock_wait_timeout = %s", (max(1, round(limits.lock_s)),))
            cursor.execute("set session foreign_key_checks = 1, session time_zone = '+00:00'")
            cursor.execute("set session sql_mode = concat_ws(',', nullif(@@sql_mode, ''), %s)", (modes,))
        connection.commit()

    return engine


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")  # what is not UTF-8 comes back as it was, or is refused
