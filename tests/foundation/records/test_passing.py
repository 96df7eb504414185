"""A time before an instant, whatever a column of SQLite holds it as."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy

from troth.foundation.records import passing
from troth.foundation.records.catalogue import Column, ColumnKind
from troth.policy.datamap import StoreKind

LIMIT = dt.datetime(2025, 10, 28, 12, tzinfo=dt.UTC)
BEFORE = (
    "2025-10-28 11:59:59", "2025-10-28T11:59:59.9", "2025-10-27", "2025-10-26 23:59:59+02:00", "2025-10-26 10:00:00-05:00",
    "0001-01-02", "1999-12-31T23:59:59Z", 1_761_609_599, 1_761_609_599_000, 2_460_976.4,
)  # fmt: skip
NOT_BEFORE = (
    "2025-10-28 12:00:00", "2025-10-28T12:00:00", "2025-10-28 11:00:00+02:00", "2025-10-27 23:00:00+02:00", "2025-10-28", "2025-10-29", "2026-01-01 00:00:00",
    "2024/01/01", "1234567890", "20240101", "", "-1234-56-78", "yesterday", b"2024-01-01", b"2024-01-01 00:00:00",
    1_761_652_800, 3, -5, 12.5, None,
)  # fmt: skip


@pytest.mark.parametrize("declared", ["", "text", "text collate nocase", "numeric", "timestamp", "blob"])
def test_what_is_before_an_instant_passes_and_nothing_else_does(declared: str) -> None:
    values = [*BEFORE, *NOT_BEFORE]
    if declared.startswith("text"):  # numbers that go in come out as text, which is no time
        values = [value for value in values if not isinstance(value, int | float)]
    if declared in ("numeric", "timestamp"):  # and such texts come out as numbers
        values = [value for value in values if not (isinstance(value, str) and value.isdigit())]
    table = sqlalchemy.table("t", sqlalchemy.column("n"), sqlalchemy.column("at"))
    column = Column("at", declared, ColumnKind.TEXT, nullable=True)

    with sqlalchemy.create_engine("sqlite://").connect() as store:
        store.exec_driver_sql(f"create table t (n integer primary key, at {declared})")
        store.exec_driver_sql("insert into t (at) values (?)", [(value,) for value in values])
        condition = passing.before(table.c.at, column, LIMIT, StoreKind.SQLITE)
        found = store.execute(sqlalchemy.select(table.c.n).where(condition).order_by(table.c.n)).scalars().all()

    assert [values[number - 1] for number in found] == [value for value in values if value in BEFORE]
