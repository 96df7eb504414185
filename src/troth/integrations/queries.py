"""Keep of a query the people whose data may be used for a purpose: for SQLAlchemy, on the company's own store.

    rows = connection.execute(permitted_only(connection, select(users.c.email), users.c.id, "marketing",
                                             "contact.email", by=troth))

The people that the query would give are read first and asked about together; the query is then narrowed to those
permitted, by one parameter where the database takes a list as one, else by a temporary table. What cannot be asked
raises: a query that gives fewer people by mistake would look like an answer, and one that gives more is the fault that
this is here to prevent.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Select,
    Table,
    bindparam,
    false,
    func,
    select,
)
from sqlalchemy.dialects import postgresql

from troth.errors import TrothError

_FEW = 500
"""So many people stand in the statement itself."""
_ROWS = 5_000


class Permits(Protocol):
    """What answers for many at once: an opened `Troth`, or a `Client`."""

    def permitted(
        self, purpose: str, data: str | Iterable[str], persons: Sequence[Any], recipient: str | None = None
    ) -> list[Any]: ...


def permitted_only(  # noqa: PLR0917 - the purpose, the data and the recipient stand as in `may`
    connection: Connection,
    query: Select[Any],
    column: ColumnElement[Any],
    purpose: str,
    data: str | Iterable[str],
    recipient: str | None = None,
    *,
    by: Permits,
    kind: str = "id",
) -> Select[Any]:
    """`query`, narrowed to rows whose `column` names somebody whose `data` may be used for `purpose` now.

    `column` holds the company's own id of the person, or another `kind` of identifier; rows where it is NULL go. Limits
    count after the narrowing. Run the result on the same `connection`, at once: it knows nothing of what is said later.
    Raises: TrothError for a query with HAVING or of `by` that cannot answer; StoreError, NetworkUnreachable.
    """
    if query._having_criteria:  # noqa: SLF001 - there is no other way to know
        raise TrothError("a query with HAVING cannot be narrowed", expected="narrow it before it is grouped")
    everybody = (
        query.with_only_columns(column, maintain_column_froms=True)
        .order_by(None)
        .group_by(None)
        .limit(None)
        .offset(None)
        .distinct()
    )
    values = [value for value in connection.execute(everybody).scalars() if value is not None]
    persons = [{kind: str(value)} for value in values]
    places = {id(person): value for person, value in zip(persons, values, strict=True)}
    found = [places[id(person)] for person in by.permitted(purpose, data, persons, recipient)]
    return query.where(_among(connection, column, found))


def _among(connection: Connection, column: ColumnElement[Any], values: list[Any]) -> ColumnElement[bool]:
    if not values:
        return false()
    if len(values) <= _FEW:
        return column.in_(values)
    dialect = connection.dialect.name
    if dialect == "postgresql":
        return column == func.any(bindparam(None, values, type_=postgresql.ARRAY(column.type)))
    if dialect == "sqlite" and all(type(value) in {int, str} for value in values):
        listed = func.json_each(bindparam(None, json.dumps(values))).table_valued("value")
        return column.in_(select(listed.c.value))
    return column.in_(select(_kept(connection, column, values)))


def _kept(connection: Connection, column: ColumnElement[Any], values: list[Any]) -> ColumnElement[Any]:
    """A temporary table of this connection's, gone when it closes."""
    name = f"troth_{secrets.token_hex(6)}"
    table = Table(name, MetaData(), Column("person", column.type, primary_key=True), prefixes=["TEMPORARY"])
    table.create(connection)
    for start in range(0, len(values), _ROWS):
        connection.execute(table.insert(), [{"person": value} for value in values[start : start + _ROWS]])
    return table.c.person
