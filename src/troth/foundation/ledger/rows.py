"""Leaves as the database holds them, straight from the driver: quickly, or past every type where one is damaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, LargeBinary, cast, func, type_coerce

_WHOLE = {
    "sqlite": "SELECT id, kind, at, person, content, hash FROM ledger_leaves ORDER BY id",
    "postgresql": "SELECT id, kind, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), person, content, hash"
    " FROM ledger_leaves ORDER BY id",
}
_CAREFUL = {
    "sqlite": "SELECT id, CAST(kind AS BLOB), CAST(at AS BLOB), CAST(person AS BLOB), CAST(content AS BLOB),"
    " CAST(hash AS BLOB) FROM ledger_leaves WHERE id BETWEEN ? AND ?",
    "postgresql": "SELECT id, convert_to(kind, 'UTF8'),"
    " convert_to(to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), 'UTF8'), person, content, hash"
    " FROM ledger_leaves WHERE id BETWEEN %s AND %s",
}


def as_bytes(tx: Connection, column: ColumnElement[Any]) -> ColumnElement[bytes]:
    """A column of text as its bytes: damaged text is no text, and a driver would refuse the whole row."""
    if tx.dialect.name == "sqlite":
        return cast(column, LargeBinary)
    return type_coerce(func.convert_to(column, "UTF8"), LargeBinary)


class Row(NamedTuple):
    """One leaf as it is. `at` is its column as text: date, blank, time with microseconds, in UTC."""

    id: int
    kind: bytes
    at: bytes
    person: bytes | None
    content: bytes
    hash: bytes


class Rows:
    """The leaves of one snapshot."""

    def __init__(self, tx: Connection) -> None:
        self._kind = tx.dialect.name
        self._raw: Any = tx.connection.driver_connection
        self._stream: Iterator[tuple[Any, ...]] | None = None
        self._streamed: Any = None

    def close(self) -> None:
        """End what is being read. INVARIANT: before the transaction ends, or its snapshot outlives it."""
        if self._streamed is not None:
            self._streamed.close()
        self._stream = iter(())

    def next(self, ids: Sequence[int]) -> list[tuple[Any, ...]] | None:
        """The rows of these ids if they are the next ones in the order of ids, as the driver gives them: texts as
        text. None once they were not, or could not be read so: then each is looked at by `careful`.
        """
        if self._stream is None:
            self._stream = self._begun()
        try:
            rows = list(islice(self._stream, len(ids)))
            if len(rows) == len(ids) and all([row[0] == leaf for row, leaf in zip(rows, ids, strict=True)]):  # noqa: C419 - quicker
                return rows
        except Exception as error:  # the kinds of errors are the driver's
            if not type(error).__module__.startswith(("sqlite3", "psycopg")):
                raise
        self.close()
        return None

    def careful(self, ids: Sequence[int]) -> list[Row | None]:
        """The leaves of these ids, in this order, whatever stands in them; None for one that is not there."""
        if not ids:
            return []
        cursor = self._cursor()
        found = cursor.execute(_CAREFUL[self._kind], (min(ids), max(ids)))
        by = {
            leaf: Row(leaf, kind or b"", at or b"", person, content or b"", hashed or b"")
            for leaf, kind, at, person, content, hashed in found
        }
        return [by.get(leaf) for leaf in ids]

    def count(self) -> int:
        """How many leaves there are."""
        return int(self._cursor().execute("SELECT count(*) FROM ledger_leaves").fetchone()[0])

    def ids(self, above: int = -(2**63)) -> Iterator[int]:
        """Every id larger than `above`, ascending."""
        mark = "?" if self._kind == "sqlite" else "%s"
        found = self._cursor().execute(f"SELECT id FROM ledger_leaves WHERE id > {mark} ORDER BY id", (above,))  # noqa: S608
        for (leaf,) in found.fetchall():
            yield int(leaf)

    def given(self) -> int:
        """SQLite: the id that was given last, whether or not its leaf is still there."""
        found = self._cursor().execute("SELECT seq FROM sqlite_sequence WHERE name = 'ledger_leaves'").fetchone()
        return found[0] if found and isinstance(found[0], int) else 0

    def _cursor(self) -> Any:
        return self._raw.cursor() if self._kind == "sqlite" else self._raw.cursor(binary=True)

    def _begun(self) -> Iterator[tuple[Any, ...]]:
        if self._kind == "sqlite":
            self._streamed = self._raw.cursor()
        else:
            self._streamed = self._raw.cursor("ledger_leaves", binary=True)  # at the server: memory does not grow
            self._streamed.itersize = 2000
        return iter(self._streamed.execute(_WHOLE[self._kind]))
