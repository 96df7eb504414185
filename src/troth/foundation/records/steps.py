"""`troth_step`: what troth did in a company's store, written there in the same transaction as the deed itself.

One row for each (request, step), with the counts. Whoever resumes reads it, and so neither does a thing twice nor says
that it was done when it was not. Rows named `stand-in` hold the key of the stand-in person of each kind. No row holds
anything about a person.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from troth.errors import RecordsError, StoreUnreachable
from troth.foundation.clock import stamp
from troth.foundation.records.catalogue import STEPS_TABLE
from troth.policy.datamap import StoreKind

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy import Connection, Select, Table

    from troth.foundation.records.writing import Writer

STAND_IN = "stand-in"
_LONGEST = 80


def create_statement(kind: StoreKind) -> str:
    """The SQL that makes the table; `troth grants` prints it for stores where troth may not."""
    name = "`troth_step`" if kind is StoreKind.MARIADB else '"troth_step"'
    engine = " ENGINE=InnoDB CHARACTER SET utf8mb4" if kind is StoreKind.MARIADB else ""
    return (
        f"CREATE TABLE IF NOT EXISTS {name} (request VARCHAR({_LONGEST}) NOT NULL, step VARCHAR({_LONGEST}) NOT NULL, "
        f"counts TEXT NOT NULL, at VARCHAR(40) NOT NULL, PRIMARY KEY (request, step)){engine}"
    )


@cache
def table() -> Table:
    """The table as SQLAlchemy Core knows it."""
    import sqlalchemy
    from sqlalchemy import Column, String, Text

    return sqlalchemy.Table(
        STEPS_TABLE,
        sqlalchemy.MetaData(),
        Column("request", String(_LONGEST), primary_key=True),
        Column("step", String(_LONGEST), primary_key=True),
        Column("counts", Text, nullable=False),
        Column("at", String(40), nullable=False),
    )


def prepare(writer: Writer) -> None:
    """Make sure that the table is there, in a transaction of its own: MariaDB commits when a table is made.

    Raises StoreUnreachable with the SQL to run where this user may not make it.
    """
    import sqlalchemy

    def look(connection: Connection) -> bool:
        return sqlalchemy.inspect(connection).has_table(STEPS_TABLE)

    if writer.prepared or writer.carry_out(look):
        writer.prepared = True
        return
    statement = create_statement(writer.kind)
    try:
        writer.carry_out(lambda connection: connection.exec_driver_sql(statement))
    except RecordsError:
        if not writer.carry_out(look):  # another worker may have been first
            raise StoreUnreachable(
                "its table troth_step is missing, and this user may not make it.",
                where=writer.name,
                repair=f"Run there: {statement};",
            ) from None
    writer.prepared = True


def exists_statement(kind: StoreKind) -> Select[Any]:
    """Whether the table is there, as a question that a read-only connection can ask."""
    import sqlalchemy
    from sqlalchemy import column, func, literal

    if kind is StoreKind.POSTGRESQL:
        return sqlalchemy.select(func.count()).where(func.to_regclass(literal(STEPS_TABLE)).is_not(None))
    if kind is StoreKind.SQLITE:
        listed = sqlalchemy.table("sqlite_master", column("name"))
        return sqlalchemy.select(func.count()).select_from(listed).where(column("name") == STEPS_TABLE)
    tables = sqlalchemy.table("tables", column("table_schema"), column("table_name"), schema="information_schema")
    there = (column("table_schema") == func.database(), column("table_name") == STEPS_TABLE)
    return sqlalchemy.select(func.count()).select_from(tables).where(*there)


def begin(connection: Connection, request: str, step: str, at: dt.datetime) -> Mapping[str, Any] | None:
    """Claim (request, step) for this transaction; the counts of who did it before, where it is done.

    Where another transaction holds the claim, this waits for its end.
    """
    name = connection.dialect.name
    claim = "INSERT {ignore}INTO troth_step (request, step, counts, at) VALUES ({p}, {p}, {p}, {p}){nothing}"
    words = {"ignore": "", "nothing": " ON CONFLICT DO NOTHING"}
    if name == "mysql":
        words = {"ignore": "IGNORE ", "nothing": ""}
    values = (request, step, "{}", stamp(at))
    claimed = _run(connection, claim.format(p=_place(connection), **words), values).rowcount
    return None if claimed else find(connection, request, step)


def end(connection: Connection, request: str, step: str, counts: Mapping[str, Any]) -> None:
    """Write what was done, in the same transaction."""
    text = json.dumps(counts, sort_keys=True, separators=(",", ":"))
    statement = "UPDATE troth_step SET counts = {p} WHERE request = {p} AND step = {p}"
    _run(connection, statement.format(p=_place(connection)), (text, request, step))


def find(connection: Connection, request: str, step: str) -> Mapping[str, Any] | None:
    """What (request, step) did, or None where it was not done."""
    statement = "SELECT counts FROM troth_step WHERE request = {p} AND step = {p}"
    row = _run(connection, statement.format(p=_place(connection)), (request, step)).fetchone()
    return None if row is None else dict(json.loads(row[0]))


def _run(connection: Connection, statement: str, values: tuple[str, ...]) -> Any:
    """The driver's own cursor after the statement."""
    cursor = connection.connection.cursor()
    cursor.execute(statement, values)
    return cursor


def _place(connection: Connection) -> str:
    """How the driver writes the place of a value."""
    return "?" if connection.dialect.name == "sqlite" else "%s"
