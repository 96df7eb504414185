"""How one goes through a table a part at a time, so that no part has to look for its rows anew, or lock many.

- *Blocks* (PostgreSQL, one plain table): the table's own blocks from the first to the last, each read once and without
  an index. Before that, one part is asked for as rows: where few are due, an index finds them, and that was all.
- *Key* (a key of one whole number, or SQLite's own number of the row): from the first due row to the last.
- *Some* (any other table): so many due rows, again and again.

`Pace` says how many rows a part may cover: by the clock, and never more than could all be due in time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from troth.foundation.records.catalogue import ColumnKind
from troth.foundation.records.statements import quoted
from troth.policy.datamap import StoreKind

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Table

    from troth.foundation.records.catalogue import Table as TableSeen

FIRST_PART, SMALLEST, LARGEST = 20_000, 50, 500_000
_TELLING = 500  # rows: a part that touched fewer says nothing about what a row costs
_AT_ONCE = 500  # keys that are bound into one statement
_BLOCKS_SINCE = (14,)  # PostgreSQL reads a range of blocks alone
_OVER = 1.2  # no part is to take longer than so many times what it should, even where every row of it is due

Narrow = Callable[[Any], Any]
Next = Callable[[int], Any]
"""The next place to go on from, None at the end, once it is known how many rows a part touched."""


@dataclass
class Pace:
    """How many rows the next part covers. `row_s`: what a touched row cost at most of late, at first a guess."""

    part_s: float
    size: int = field(default_factory=lambda: FIRST_PART)
    row_s: float = 5e-6
    longest_s: float = field(default=0.0, init=False)

    def after(self, touched: int, took: float) -> None:
        """Learn from a part that touched so many rows and took so many seconds."""
        took = max(took, 1e-4)
        self.longest_s = max(self.longest_s, took)
        if touched >= _TELLING:
            self.row_s = max(took / touched, self.row_s * 0.7)
        grown = self.size * min(max(self.part_s / took, 0.25), 2.0)
        self.size = int(min(max(min(grown, _OVER * self.part_s / self.row_s), SMALLEST), LARGEST))


@dataclass(frozen=True, slots=True)
class Due:
    """The rows of one table that are due now."""

    core: Table
    condition: ColumnElement[bool]


class Walk(Protocol):
    """One way through one table. A place in it is whatever `start` and `Next` give."""

    def start(self, connection: Connection, due: Due, /) -> Any:
        """Where to begin; None where no row is due."""
        ...

    def part(self, connection: Connection, due: Due, at: Any, size: int, /) -> tuple[Narrow, Next]:
        """What makes a statement over all that is due one over the rows of one part alone, and where to go on from."""
        ...


def choose(seen: TableSeen, kind: StoreKind, connection: Connection, *, twice: bool = False) -> Walk:
    """The best way through this table. `twice`: two statements in a row are to be over the very same rows."""
    if kind is StoreKind.POSTGRESQL and _one_heap(connection, seen):
        return _Blocks(seen)
    if len(seen.primary_key) == 1 and seen.columns[seen.primary_key[0]].kind is ColumnKind.NUMBER:
        return _Key(seen.primary_key[0])
    if kind is StoreKind.SQLITE and seen.row_number is not None:
        return _Key(seen.row_number)
    return _Some(seen, kind, twice)


# --- along a key ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Key:
    name: str

    def start(self, connection: Connection, due: Due) -> Any:
        import sqlalchemy

        column = self._column(due)
        asked = sqlalchemy.select(column).select_from(due.core).where(due.condition).limit(1)
        low = connection.execute(asked.order_by(column)).scalar()  # the first is soon found, the least of all is not
        if low is None:
            return None
        return low, True, connection.execute(asked.order_by(column.desc())).scalar(), False

    def part(self, connection: Connection, due: Due, at: Any, size: int) -> tuple[Narrow, Next]:
        import sqlalchemy

        low, itself, high, dense = at
        column = self._column(due)
        after = column >= low if itself else column > low
        if dense:  # no more rows than keys: where most keys are taken, nobody needs to be asked
            upper = low + size if low + size < high else None
        else:
            beyond = sqlalchemy.select(column).select_from(due.core).where(after, column <= high).order_by(column)
            upper = connection.execute(beyond.limit(1).offset(size - 1)).scalar()
        until = column <= (high if upper is None else upper)

        def further(touched: int) -> Any:
            if upper is None or upper == high:
                return None
            whole = isinstance(upper, int) and isinstance(high, int)
            return upper, False, high, whole and (touched * 2 >= size if dense else upper - low <= 2 * size)

        return lambda made: made.where(after, until), further

    def _column(self, due: Due) -> ColumnElement[Any]:
        import sqlalchemy

        if self.name in due.core.c:
            return due.core.c[self.name]
        return sqlalchemy.literal_column(self.name, sqlalchemy.Integer)


# --- rows as they come ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Some:
    seen: TableSeen
    kind: StoreKind
    twice: bool

    def start(self, connection: Connection, due: Due) -> Any:
        return 0 if _any(connection, due) else None

    def part(self, connection: Connection, due: Due, at: Any, size: int) -> tuple[Narrow, Next]:
        size = min(size, _AT_ONCE) if self.twice else size
        return self._narrowing(connection, due, size), lambda touched: at + 1 if touched >= size else None

    def _narrowing(self, connection: Connection, due: Due, size: int) -> Narrow:
        import sqlalchemy

        columns = [due.core.c[name] for name in self.seen.primary_key]
        mine: Any = sqlalchemy.tuple_(*columns) if len(columns) > 1 else columns[0] if columns else None
        chosen = sqlalchemy.select(*columns).where(due.condition).limit(size)
        if self.kind is StoreKind.POSTGRESQL:
            return lambda made: _rows(due, made, size)
        if self.twice:
            rows = connection.execute(chosen.with_for_update()).all()  # by name: nothing else may be meant next time
            keys = [tuple(row) if len(columns) > 1 else row[0] for row in rows]
            return lambda made: made.where(mine.in_(keys))
        if self.kind is StoreKind.MARIADB:
            return lambda made: made.with_dialect_options(mysql_limit=size)
        return lambda made: made.where(mine.in_(chosen.correlate(None)))


# --- along the blocks of a table in PostgreSQL ------------------------------------------------------------------------


@dataclass
class _Blocks:
    seen: TableSeen
    last: int = 0
    in_block: float = 100.0

    def start(self, connection: Connection, due: Due) -> Any:
        import sqlalchemy

        if not _any(connection, due):
            return None
        statement = sqlalchemy.text(
            "select pg_relation_size(oid) / current_setting('block_size')::int, reltuples / nullif(relpages, 0) "
            "from pg_class where oid = cast(:name as regclass)"
        )
        blocks, in_block = connection.execute(statement, {"name": quoted(due.core.schema, due.core.name)}).one()
        self.last = int(blocks)
        self.in_block = float(in_block or 0) if (in_block or 0) > 0 else self.in_block
        return -1  # before the first block: rows, wherever they stand

    def part(self, _: Connection, due: Due, at: Any, size: int) -> tuple[Narrow, Next]:
        import sqlalchemy

        if at < 0:
            return lambda made: _rows(due, made, size), lambda touched: 0 if touched >= size else None
        upper = at + max(int(size / self.in_block), 1)
        name = quoted(due.core.schema, due.core.name)
        # our own whole numbers, written out: the planner knows what a range of blocks costs
        within: ColumnElement[bool] = sqlalchemy.literal_column(
            f"{name}.ctid >= '({at},0)' and {name}.ctid < '({upper},0)'"
        )
        return lambda made: made.where(within), lambda _touched: None if upper >= self.last else upper


def _any(connection: Connection, due: Due) -> bool:
    import sqlalchemy

    one: Any = sqlalchemy.select(sqlalchemy.literal_column("1")).select_from(due.core).where(due.condition).limit(1)
    return connection.execute(one).first() is not None


def _rows(due: Due, made: Any, size: int) -> Any:
    """`made` for at most `size` due rows, by where they stand."""
    import sqlalchemy

    place: Any = sqlalchemy.literal_column(f"{quoted(due.core.schema, due.core.name)}.ctid")
    chosen = sqlalchemy.select(place).select_from(due.core).where(due.condition).limit(size).correlate(None)
    return made.where(place == sqlalchemy.func.any(sqlalchemy.func.array(chosen.scalar_subquery())))


def _one_heap(connection: Connection, seen: TableSeen) -> bool:
    """Whether all rows stand in blocks of this very table: it has no partitions, and nothing inherits from it."""
    import sqlalchemy

    if (connection.dialect.server_version_info or ()) < _BLOCKS_SINCE:
        return False
    statement = (
        "select c.relkind = 'r' and a.amname = 'heap' "
        "and not exists (select from pg_inherits i where i.inhparent = c.oid) "
        "from pg_class c join pg_am a on a.oid = c.relam where c.oid = cast(:name as regclass)"
    )
    return bool(connection.execute(sqlalchemy.text(statement), {"name": quoted(seen.schema, seen.bare_name)}).scalar())
