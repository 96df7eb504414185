"""Ask the company's stores: how many, how old, what it looks like, who may see it. Nothing here can write.

Every question names a place of the catalogue; a name that the store does not have is told with the nearest one before
any SQL is made, and every name in SQL is quoted by SQLAlchemy. Each statement has a time limit.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from troth.errors import NaiveTimeError, StoreUnreachable
from troth.foundation.records import ages, instants, sampling
from troth.foundation.records.access import Grant, LinkSeen, SessionsSeen
from troth.foundation.records.catalogue import OWN, STEPS_TABLE, Catalogue
from troth.foundation.records.catalogue import Table as TableSeen
from troth.foundation.records.connectors import Connector, store_kind
from troth.foundation.records.dialects import Limits
from troth.foundation.records.instants import Times
from troth.foundation.records.statements import core_table, where_clause
from troth.policy.conditions import Condition, columns
from troth.policy.datamap import DataMap, Place, StoreKind, StoreMap

if TYPE_CHECKING:
    from sqlalchemy import CursorResult, Dialect, Table
    from sqlalchemy.sql.selectable import CompoundSelect, Select

    from troth.foundation.records.questions import Ready

_BATCH = 1000


class Records:
    """The SQL stores of one data map, open for questions. Connects when first asked; use from any thread."""

    def __init__(self, connectors: Mapping[str, Connector]) -> None:
        self._connectors = dict(connectors)
        self._catalogues: dict[str, Catalogue] = {}
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls,
        datamap: DataMap,
        environ: Mapping[str, str],
        *,
        timeout_s: float = 5.0,
        base: Path | None = None,
    ) -> Self:
        """The stores of `datamap`. `environ` fills `${NAME}`; relative file paths start from `base` (here)."""
        limits = Limits(timeout_s, base or Path())
        return cls({name: Connector(store, environ, limits) for name, store in datamap.stores.items() if store.connect})

    @classmethod
    def of_address(cls, name: str, address: str, *, timeout_s: float = 5.0) -> Self:
        """One store under `name` by its whole address, before there is a map."""
        store = StoreMap(name, StoreKind.UNKNOWN, "${ADDRESS}", {}, {})
        return cls({name: Connector(store, {"ADDRESS": address}, Limits(timeout_s, Path()))})

    def __repr__(self) -> str:
        return f"Records({', '.join(self._connectors)})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def stores(self) -> tuple[str, ...]:
        """The names of the stores, in the order of the map."""
        return tuple(self._connectors)

    def close(self) -> None:
        """End all connections; the next question would open new ones."""
        for connector in self._connectors.values():
            connector.close()

    # --- what there is ----------------------------------------------------------------------------------------------

    def catalogue(self, store: str) -> Catalogue:
        """What `store` says of itself; asked once. Raises StoreUnreachable."""
        with self._lock:
            if store not in self._catalogues:
                connector = self._connector(store)
                with connector.connection() as connection:
                    tables = connector.dialect.tables(connection)
                own = {each.name: each for each in tables if each.name.startswith(OWN)}
                theirs = {each.name: each for each in tables if each.name not in own and each.name != STEPS_TABLE}
                self._catalogues[store] = Catalogue(store, theirs, own)
            return self._catalogues[store]

    def refresh(self, store: str) -> Catalogue:
        """The catalogue of `store`, asked anew."""
        with self._lock:
            self._catalogues.pop(store, None)
        return self.catalogue(store)

    def table(self, store: str, name: str) -> Table:
        """The table as SQLAlchemy Core knows it, for `execute`: all names quoted, values as the driver gives them.

        Raises PlaceMissing.
        """
        return core_table(self.catalogue(store).table(name))

    def kind(self, store: str) -> tuple[StoreKind, str]:
        """What kind of store it is, and the name of its database (the path of its file)."""
        address = self._connector(store).address
        return store_kind(address), address.database or ""

    def address(self, store: str) -> str:
        """Where `store` is, with its password: for whoever speaks to it in another way. Raises StoreUnreachable."""
        return self._connector(store).address.render_as_string(hide_password=False)

    def link(self, store: str) -> LinkSeen:
        """How the connection to `store` is protected."""
        connector = self._connector(store)
        with connector.connection() as connection:
            return connector.dialect.link(connection, connector.address)

    def sessions(self, store: str) -> SessionsSeen:
        """Who is connected to `store` at this moment, and how, as far as this user can see."""
        connector = self._connector(store)
        with connector.connection() as connection:
            return connector.dialect.sessions(connection)

    def roles(self, store: str) -> tuple[Grant, ...]:
        """Who may do what on which table of `store`, as far as this user can see; empty for SQLite."""
        connector = self._connector(store)
        with connector.connection() as connection:
            return tuple(connector.dialect.grants(connection))

    def admits(self, store: str, user: str, password: str) -> bool:
        """Whether the server of `store` lets `user` in by `password`. Raises StoreUnreachable."""
        return self._connector(store).admits(user, password)

    # --- how many, how old ------------------------------------------------------------------------------------------

    def count(self, place: Place, *conditions: Condition) -> int:
        """How many rows of the table, or values of the column that are not NULL, meet all `conditions`."""
        import sqlalchemy

        seen = self._seen(place, *conditions)
        table = core_table(seen)
        what = sqlalchemy.func.count() if place.column is None else sqlalchemy.func.count(table.c[place.column])
        statement = sqlalchemy.select(what).select_from(table).where(where_clause(table, conditions))
        with self._connector(place.store).connection(place) as connection:
            return int(connection.execute(statement).scalar_one())

    def times(self, place: Place, *conditions: Condition) -> Times:
        """What the column of times at `place` holds: rows with a time, the oldest, the newest, the unreadable."""
        seen = self._seen(place, *conditions)
        column = self.catalogue(place.store).column(place)
        with self._connector(place.store).connection(place) as connection:
            return ages.times(connection, core_table(seen), column, conditions)

    def oldest(self, place: Place, *conditions: Condition) -> dt.datetime | None:
        """The oldest time in the column at `place`; None where no row has one that can be read."""
        return self.times(place, *conditions).oldest

    def count_before(self, place: Place, instant: dt.datetime, *conditions: Condition) -> int:
        """How many rows have a time before `instant` in the column at `place`. Raises NaiveTimeError."""
        if instant.tzinfo is None:
            raise NaiveTimeError
        seen = self._seen(place, *conditions)
        column = self.catalogue(place.store).column(place)
        with self._connector(place.store).connection(place) as connection:
            return ages.count_before(connection, core_table(seen), column, instant, conditions)

    # --- what it looks like -----------------------------------------------------------------------------------------

    def sample(self, place: Place, n: int = 500) -> list[str]:
        """At most `n` different values of the column at `place` as text, spread over the table, each cut short."""
        self.catalogue(place.store).column(place)
        return self.samples(place.store, place.table, [place.column or ""], n)[place.column or ""]

    def samples(self, store: str, table: str, names: Sequence[str], n: int = 500) -> dict[str, list[str]]:
        """The same for several columns of one table, in as few statements as it takes."""
        seen = self._seen(Place(store, table), names=names)
        with self._connector(store).connection(Place(store, table)) as connection:
            return sampling.samples(connection, seen, names, n)

    # --- rows -------------------------------------------------------------------------------------------------------

    def rows(
        self,
        store: str,
        table: str,
        columns: Sequence[str],
        *,
        where: Condition | Sequence[Condition] | None = None,
        limit: int | None = None,
        order_by: Sequence[str] = (),
        descending: bool = False,
        instants_in: Sequence[str] = (),
    ) -> Iterator[tuple[Any, ...]]:
        """The values of `columns`, one tuple a row, streamed; the columns `instants_in` as aware times (or None)."""
        import sqlalchemy

        conditions = () if where is None else tuple(where) if isinstance(where, Sequence) else (where,)
        seen = self._seen(Place(store, table), *conditions, names=(*columns, *order_by, *instants_in))
        made = core_table(seen)
        statement = sqlalchemy.select(*(made.c[name] for name in columns)).where(where_clause(made, conditions))
        ordered = (made.c[name].desc() if descending else made.c[name] for name in order_by)
        statement = statement.order_by(*ordered).limit(limit)
        at = {position for position, name in enumerate(columns) if name in instants_in}
        for row in self._stream(self._connector(store), statement, Place(store, table)):
            yield tuple(instants.read(value) if i in at else value for i, value in enumerate(row)) if at else tuple(row)

    def execute(
        self, store: str, statement: Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]
    ) -> Iterator[tuple[Any, ...]]:
        """The rows of a SELECT built on `table()`, streamed. Anything but a SELECT is refused (TypeError)."""
        from sqlalchemy.sql.selectable import CompoundSelect, Select

        if not isinstance(statement, (Select, CompoundSelect)):
            raise TypeError("records are only read: a SELECT built with SQLAlchemy Core is expected")
        return self._stream(self._connector(store), statement)

    def dialect(self, store: str) -> Dialect:
        """What statements for `store`, whose catalogue was read, are compiled for. Raises RecordsError."""
        self.catalogue(store)  # only then is it known which version answers
        return self._connector(store).sql_dialect

    def read(self, store: str, asked: Ready, bound: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All rows of a SELECT that was made ready before, with what is bound this time. Raises RecordsError."""
        return self.read_each(store, [asked], bound)[0]

    def read_each(self, store: str, asked: Sequence[Ready], bound: Mapping[str, Any]) -> list[list[tuple[Any, ...]]]:
        """The same for several, in one turn where the store can. Raises RecordsError."""
        connector = self._connector(store)
        if connector.sql_dialect.name == "postgresql":
            with connector.driver() as (driver, _):
                driver.autocommit = True  # each statement for itself: no turn for BEGIN, none for ROLLBACK
                try:
                    with driver.pipeline() if len(asked) > 1 else nullcontext():
                        cursors = [driver.execute(each.sql, each.given(bound), prepare=True) for each in asked]
                        return [cursor.fetchall() for cursor in cursors]
                finally:
                    if not driver.closed:
                        driver.autocommit = False
        with connector.connection() as connection:
            found = (connection.exec_driver_sql(each.sql, each.given(bound)) for each in asked)
            return [[tuple(row) for row in rows] for rows in found]

    def driver(self, store: str) -> AbstractContextManager[tuple[Any, Dialect]]:
        """The driver's connection to `store`, which can only read, and its dialect: for readers of this package.

        Raises RecordsError.
        """
        return self._connector(store).driver()

    def _stream(self, connector: Connector, statement: Any, place: Place | None = None) -> Iterator[tuple[Any, ...]]:
        with connector.connection(place) as connection:
            result: CursorResult[Any] = connection.execution_options(yield_per=_BATCH).execute(statement)
            with result:  # whoever stops reading half-way must not leave a cursor open at the server
                for part in result.partitions():
                    for row in part:
                        yield tuple(row)

    def _connector(self, store: str) -> Connector:
        try:
            return self._connectors[store]
        except KeyError:
            raise StoreUnreachable(
                "the data map names no such SQL store.", where=store, expected=f"one of: {', '.join(self._connectors)}"
            ) from None

    def _seen(self, place: Place, *conditions: Condition, names: Sequence[str] = ()) -> TableSeen:
        """The table at `place` with every column that a question names; raises PlaceMissing."""
        catalogue = self.catalogue(place.store)
        table = catalogue.table(place.table)
        wanted = [*names, *(name for condition in conditions for name in columns(condition))]
        if place.column is not None:
            wanted.append(place.column)
        for name in wanted:
            catalogue.column(Place(place.store, place.table, name))
        return table
