"""A SELECT that is asked again and again: made ready once, then straight to the driver.

What SQLAlchemy does for one short statement takes several times as long as the statement. The values go through the
same types on their way in and out.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Dialect, Select
from sqlalchemy.exc import DBAPIError

Process = Callable[[Any], Any]


class Plain:
    """One SELECT. Safe to share between threads."""

    def __init__(self, statement: Select[Any] | CompoundSelect[Any]) -> None:
        self._statement = statement
        self._ready: dict[str, Callable[[Connection, Mapping[str, Any]], list[Any]]] = {}

    def rows(self, tx: Connection, values: Mapping[str, Any]) -> list[Any]:
        """All rows, with the columns as attributes; `values` by the names that the statement binds.

        Raises what the driver raises, in SQLAlchemy's words where `Store` expects those.
        """
        ready = self._ready.get(tx.dialect.name)
        if ready is None:
            ready = self._ready[tx.dialect.name] = self._make(tx.dialect)
        return ready(tx, values)

    def _make(self, dialect: Dialect) -> Callable[[Connection, Mapping[str, Any]], list[Any]]:
        compiled: Any = self._statement.compile(dialect=dialect)
        columns = list(self._statement.selected_columns)
        text, order, fixed = compiled.string, compiled.positiontup, dict(compiled.params)
        inward: Mapping[str, Process] = compiled._bind_processors  # noqa: SLF001 - they are nowhere else
        ways = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        outward = [(at, way) for at, way in enumerate(ways) if way is not None]
        names: Any = [column.name for column in columns]
        row: Any = namedtuple("row", names)  # type: ignore[misc] # noqa: PYI024 - they are known only here
        prepare = {"prepare": True} if dialect.name == "postgresql" else {}

        def ask(tx: Connection, values: Mapping[str, Any]) -> list[Any]:
            given = {**fixed, **values}
            given |= {name: process(given[name]) for name, process in inward.items()}
            raw: Any = tx.connection.driver_connection
            driver: Any = tx.dialect.loaded_dbapi
            try:
                found = raw.execute(text, [given[name] for name in order] if order else given, **prepare).fetchall()
            except driver.Error as problem:
                raise DBAPIError.instance(None, None, problem, driver.Error) from None
            rows = []
            for each in found:
                cells = list(each)
                for at, process in outward:
                    cells[at] = process(cells[at])
                rows.append(row._make(cells))
            return rows

        return ask
