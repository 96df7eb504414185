"""The keys of a whole batch of people in temporary tables, so that one statement a table serves all of them.

Each temporary table is shaped after the columns that its keys are compared with (type, collation), so that those are
found by their indexes on every store. Every key carries the number of its person in the batch.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from troth.foundation.records.catalogue import Column, ColumnKind
from troth.foundation.records.keys import Subject, fitted, text_of
from troth.foundation.records.pathclauses import Theirs
from troth.foundation.records.spelling import as_text, evened, exact
from troth.foundation.records.sqlite import know_letters
from troth.policy.datamap import Normalising

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, ScalarSelect, Table

    from troth.foundation.records.reach import Reach

LONGEST = 700
"""Bytes of an identifier that MariaDB can index; longer ones are nobody's."""

_CHUNK = 5000
_Form = tuple[Any, ...]
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class _Shape:
    """What one temporary table is for: the columns that a key is compared with, or an identifier evened out so."""

    kind: str
    columns: tuple[ColumnElement[Any], ...] = ()
    seen: tuple[Column, ...] = ()
    identifier: str | None = None
    normalise: tuple[Normalising, ...] = ()


class KeyTable:
    """A batch of people in temporary tables of one connection; they go with it, or with `drop`.

    Make it before the transaction that changes rows: to make an index ends a transaction on MariaDB. After a rollback
    of the transaction that it was made in, it is gone.
    """

    def __init__(self, connection: Connection, tables: dict[_Form, Table], people: int) -> None:
        self._connection = connection
        self._tables = tables
        self.people = people

    def __repr__(self) -> str:
        return f"KeyTable({self.people})"

    @classmethod
    def create(cls, connection: Connection, reach: Reach, people: Sequence[Sequence[Subject]]) -> Self:
        """The tables that the paths of `reach` need, filled. `people`: each person's subjects, in the batch's order."""
        if connection.dialect.name == "sqlite":
            know_letters(connection.connection.driver_connection)  # type: ignore[arg-type] # it is SQLite's own
        wanted = _Wanted(connection.dialect.name)
        theirs = Theirs(reach, wanted)
        for table in reach.tables:
            theirs.rows(table, table.core)
        tables = {form: _made(connection, shape) for form, shape in wanted.shapes.items()}
        for form, shape in wanted.shapes.items():
            _fill(connection, tables[form], _rows(shape, people))
            _even(connection, tables[form], shape)
        return cls(connection, tables, len(people))

    def drop(self) -> None:
        """Take the temporary tables away."""
        for table in self._tables.values():
            table.drop(self._connection, checkfirst=False)
        self._tables.clear()

    # --- Keys -------------------------------------------------------------------------------------------------------

    def hold(self, kind: str, columns: Sequence[ColumnElement[Any]], seen: Sequence[Column]) -> ColumnElement[bool]:
        import sqlalchemy

        table = self._of_key(kind, columns, seen)
        chosen = sqlalchemy.select(*_keys(table)).correlate(None)
        found: ColumnElement[bool] = (
            columns[0].in_(chosen) if len(columns) == 1 else sqlalchemy.tuple_(*columns).in_(chosen)
        )
        return found

    def equal(
        self, kind: str, identifier: str | None, text: ColumnElement[str], normalise: tuple[Normalising, ...]
    ) -> ColumnElement[bool]:
        import sqlalchemy

        table = self._tables[_value_form(kind, identifier, normalise)]
        found: ColumnElement[bool] = exact(evened(text, normalise)).in_(
            sqlalchemy.select(table.c.value).correlate(None)
        )
        return found

    def some(
        self, kind: str, identifier: str | None, test: Callable[[ColumnElement[str]], ColumnElement[bool]]
    ) -> ColumnElement[bool]:
        import sqlalchemy

        table = self._tables[_value_form(kind, identifier, ())]
        return (
            sqlalchemy.select(sqlalchemy.literal(1))
            .select_from(table)
            .where(test(as_text(table.c.value)))
            .correlate_except(table)
            .exists()
        )

    # --- Numbers ----------------------------------------------------------------------------------------------------

    def number(self, kind: str, columns: Sequence[ColumnElement[Any]], seen: Sequence[Column]) -> ColumnElement[int]:
        table = self._of_key(kind, columns, seen)
        return _lowest(table, *(key == column for key, column in zip(_keys(table), columns, strict=True)))

    def number_of(
        self, kind: str, identifier: str | None, test: Callable[[ColumnElement[str]], ColumnElement[bool]]
    ) -> ColumnElement[int]:
        table = self._tables[_value_form(kind, identifier, ())]
        return _lowest(table, test(as_text(table.c.value)))

    def number_equal(
        self, kind: str, identifier: str | None, text: ColumnElement[str], normalise: tuple[Normalising, ...]
    ) -> ColumnElement[int]:
        table = self._tables[_value_form(kind, identifier, normalise)]
        return _lowest(table, table.c.value == exact(evened(text, normalise)))

    def _of_key(self, kind: str, columns: Sequence[ColumnElement[Any]], seen: Sequence[Column]) -> Table:
        return self._tables[_key_form(self._connection.dialect.name, kind, columns, seen)]


class _Wanted:
    """Keys that only note what is asked of them."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.shapes: dict[_Form, _Shape] = {}

    def hold(self, kind: str, columns: Sequence[ColumnElement[Any]], seen: Sequence[Column]) -> ColumnElement[bool]:
        form = _key_form(self.dialect, kind, columns, seen)
        return self._noted(form, _Shape(kind, tuple(columns), tuple(seen)))

    def equal(
        self,
        kind: str,
        identifier: str | None,
        text: ColumnElement[str],  # noqa: ARG002 - as Keys has it
        normalise: tuple[Normalising, ...],
    ) -> ColumnElement[bool]:
        form = _value_form(kind, identifier, normalise)
        return self._noted(form, _Shape(kind, identifier=identifier, normalise=normalise))

    def some(
        self,
        kind: str,
        identifier: str | None,
        test: Callable[[ColumnElement[str]], ColumnElement[bool]],  # noqa: ARG002 - as Keys has it
    ) -> ColumnElement[bool]:
        return self._noted(_value_form(kind, identifier, ()), _Shape(kind, identifier=identifier))

    def _noted(self, form: _Form, shape: _Shape) -> ColumnElement[bool]:
        import sqlalchemy

        self.shapes.setdefault(form, shape)
        return sqlalchemy.false()


def _key_form(dialect: str, kind: str, columns: Sequence[ColumnElement[Any]], seen: Sequence[Column]) -> _Form:
    """One table for all columns of one type. A text of MariaDB has a collation, which only its own column shares."""
    return ("key", kind, *(_type_of(dialect, column, each) for column, each in zip(columns, seen, strict=True)))


def _type_of(dialect: str, column: Any, seen: Column) -> str:
    if dialect not in ("mysql", "mariadb") or seen.kind is not ColumnKind.TEXT:
        return seen.type
    table = getattr(column.table, "element", column.table)
    return f"{table.name}.{column.name}"


def _value_form(kind: str, identifier: str | None, normalise: tuple[Normalising, ...]) -> _Form:
    return ("value", kind, identifier, frozenset(normalise))


def _keys(table: Table) -> list[ColumnElement[Any]]:
    return [column for column in table.c if column.name != "person"]


def _lowest(table: Table, *where: ColumnElement[bool]) -> ScalarSelect[int]:
    import sqlalchemy

    chosen = sqlalchemy.select(sqlalchemy.func.min(table.c.person)).where(*where)
    return chosen.correlate_except(table).scalar_subquery()


def _made(connection: Connection, shape: _Shape) -> Table:
    import sqlalchemy
    from sqlalchemy import Integer, LargeBinary, MetaData, String
    from sqlalchemy.dialects.mysql import VARBINARY

    name = f"troth_keys_{next(_numbers)}"
    mysql = connection.dialect.name in ("mysql", "mariadb")
    table: Table
    if shape.columns:
        person = sqlalchemy.cast(sqlalchemy.literal(0), Integer).label("person")
        like = sqlalchemy.select(person, *(column.label(f"k{at}") for at, column in enumerate(shape.columns)))
        making = sqlalchemy.CreateTableAs(like.where(sqlalchemy.false()), name, temporary=True, metadata=MetaData())
        connection.execute(making)
        table = making.table
    else:
        value = LargeBinary().with_variant(VARBINARY(LONGEST), "mysql", "mariadb") if mysql else String()
        table = sqlalchemy.Table(
            name,
            MetaData(),
            sqlalchemy.Column("person", Integer),
            sqlalchemy.Column("value", value),
            prefixes=["TEMPORARY"],
        )
        table.create(connection, checkfirst=False)
    if not (mysql and any("text" in each.type or "blob" in each.type for each in shape.seen)):
        sqlalchemy.Index(f"{name}_index", *_keys(table)).create(connection)
    return table


def _rows(shape: _Shape, people: Sequence[Sequence[Subject]]) -> Iterator[tuple[Any, ...]]:
    """(number, key columns) or (number, value), each once; what cannot stand in the columns is left out."""
    for number, subjects in enumerate(people):
        for subject in subjects:
            if subject.kind.id != shape.kind:
                continue
            if shape.columns:
                key = tuple(map(fitted, subject.key, shape.seen)) if subject.key else (None,)
                if None not in key:
                    yield (number, *key)
            elif shape.identifier is None:
                yield from ((number, text_of(value)) for value in subject.key)
            else:
                yield from ((number, value) for value in dict.fromkeys(subject.identifiers.get(shape.identifier, ())))


def _fill(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
        return
    mysql = connection.dialect.name in ("mysql", "mariadb")
    names = [column.name for column in table.c]
    waiting = iter(rows)
    while chunk := list(itertools.islice(waiting, _CHUNK)):
        if mysql and "value" in names:
            chunk = [(number, value.encode()) for number, value in chunk if len(value.encode()) <= LONGEST]
        connection.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in chunk])


def _copy(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    from psycopg import sql

    driver: Any = connection.connection.driver_connection
    statement = sql.SQL("copy {} from stdin").format(sql.Identifier(table.name))
    with driver.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(sql.SQL("analyze {}").format(sql.Identifier(table.name)))


def _even(connection: Connection, table: Table, shape: _Shape) -> None:
    """Even out the identifiers in the store, where the columns that they are compared with are evened out too."""
    if not shape.columns and shape.normalise:
        connection.execute(table.update().values(value=exact(evened(as_text(table.c.value), shape.normalise))))
