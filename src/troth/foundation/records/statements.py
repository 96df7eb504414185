"""Names and conditions of a store as SQLAlchemy Core: every name quoted, every value bound."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, assert_never

from troth.foundation.records.catalogue import Table as TableSeen
from troth.policy.conditions import AllOf, AnyOf, Compare, Comparison, Condition
from troth.policy.datamap import StoreKind

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause, Table


def core_table(seen: TableSeen) -> Table:
    """`seen` as a Core table. Columns have no type of ours: values come as the driver gives them.

    One object for the same names: a statement over another one would be compiled anew each time. Nobody changes it.
    """
    return _core_table(seen.schema, seen.bare_name, tuple(seen.columns))


@lru_cache(maxsize=2048)
def _core_table(schema: str | None, name: str, columns: tuple[str, ...]) -> Table:
    import sqlalchemy
    from sqlalchemy import quoted_name

    named: list[sqlalchemy.Column[Any]] = [sqlalchemy.Column(quoted_name(each, quote=True)) for each in columns]
    return sqlalchemy.Table(
        quoted_name(name, quote=True),
        sqlalchemy.MetaData(),
        *named,
        schema=None if schema is None else quoted_name(schema, quote=True),
        quote_schema=True,
    )


def quoted(schema: str | None, name: str) -> str:
    """The name of a table as PostgreSQL and SQLite read it, whatever stands in it."""
    return ".".join(f'"{part.replace(chr(34), chr(34) * 2)}"' for part in (schema, name) if part)


def where_clause(table: FromClause, conditions: Iterable[Condition]) -> ColumnElement[bool]:
    """True where all `conditions` are."""
    import sqlalchemy

    return sqlalchemy.and_(sqlalchemy.true(), *(_clause(table, condition) for condition in conditions))


def _clause(table: FromClause, condition: Condition) -> ColumnElement[bool]:
    import sqlalchemy

    if isinstance(condition, AllOf):
        return sqlalchemy.and_(*(_clause(table, part) for part in condition.parts))
    if isinstance(condition, AnyOf):
        return sqlalchemy.or_(*(_clause(table, part) for part in condition.parts))
    return _comparison(table.c[condition.column], condition)


def _comparison(column: ColumnElement[Any], condition: Compare) -> ColumnElement[bool]:
    value: Any = _bound(condition.value)
    found: ColumnElement[bool]
    match condition.comparison:
        case Comparison.EQUAL:
            found = column == value
        case Comparison.DIFFERENT:
            found = column != value
        case Comparison.LESS:
            found = column < value
        case Comparison.AT_MOST:
            found = column <= value
        case Comparison.MORE:
            found = column > value
        case Comparison.AT_LEAST:
            found = column >= value
        case Comparison.IN:
            found = column.in_(value)
        case Comparison.NOT_IN:
            found = column.not_in(value)
        case Comparison.NULL:
            found = column.is_(None)
        case Comparison.NOT_NULL:
            found = column.is_not(None)
        case never:
            assert_never(never)
    return found


def _bound(value: Any) -> Any:
    """A text without a type of ours: PostgreSQL reads it as one of the column's, also where that is an enumeration."""
    import sqlalchemy

    if isinstance(value, tuple):
        return [_bound(one) for one in value]
    return sqlalchemy.literal(value, sqlalchemy.types.NullType()) if isinstance(value, str) else value


def temporary_statement(name: str, shape: str, kind: StoreKind) -> str:
    """The statement that makes an empty temporary table of the columns of `shape`; none of them ends a transaction."""
    ends = " ON COMMIT DROP" if kind is StoreKind.POSTGRESQL else ""
    return f"CREATE TEMPORARY TABLE {name}{ends} AS {shape}"


def made_table(name: str) -> Table:
    """The temporary table that leads from old values to new ones."""
    import sqlalchemy

    return sqlalchemy.Table(name, sqlalchemy.MetaData(), sqlalchemy.Column("old_value"), sqlalchemy.Column("new_value"))
