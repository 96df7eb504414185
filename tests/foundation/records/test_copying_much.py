"""A person with very many rows: they come a few at a time, whatever the store."""

from __future__ import annotations

import re
import tracemalloc
from pathlib import Path

import pytest
import sqlalchemy

from troth.foundation.people import identifier
from troth.foundation.records import copystatements
from troth.foundation.records.copying import rows_of
from troth.foundation.records.reach import Reach
from troth.foundation.records.reading import Records
from troth.foundation.records.subjects import find_subjects
from troth.policy import mapreading

ROWS = 60_000
MAP = b"""
troth: 1
stores:
  shop:
    connect: ${SHOP}
    person: {customer: {table: users, key: id}}
    tables: {users: {whose: {person: customer}}, visits: {whose: user_id}}
"""
SERIES = {
    "sqlite": "with recursive s(n) as (select 1 union all select n + 1 from s where n < {count}) select {what} from s",
    "postgresql": "select {what} from generate_series(1, {count}) as s(n)",
    "mariadb": "select {what} from (select seq as n from seq_1_to_{count}) as s",
}


@pytest.mark.parametrize("engine", SERIES)
def test_the_rows_of_a_person_with_very_many_are_never_all_in_memory(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}" if engine == "sqlite" else request.getfixturevalue(f"{engine}_scratch")
    made = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with made.begin() as connection:
        connection.exec_driver_sql("create table users (id integer not null primary key)")
        connection.exec_driver_sql(
            "create table visits (id integer not null primary key, user_id integer, page varchar(300))"
        )
        connection.exec_driver_sql("insert into users values (1)")
        page = "'/a/page/of/the/shop/with/a/long/address/that/takes/its/room/in/memory/of/whoever/reads/it/whole'"
        rows = SERIES[engine].format(count=ROWS, what=f"n, 1, {page}")
        connection.exec_driver_sql(f"insert into visits {rows}")
    made.dispose()
    datamap = mapreading.parse(MAP)
    with Records.open(datamap, {"SHOP": url}, timeout_s=60) as records:
        reach = Reach.compile(datamap, records.catalogue("shop"))
        subjects = find_subjects(records, datamap, [identifier("id", "1")])
        tracemalloc.start()
        counts = {table.name: sum(1 for _ in rows) for table, _, _, rows in rows_of(records, reach, subjects)}
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert counts == {"users": 1, "visits": ROWS}
    assert peak < 12 * 2**20, "all rows at once would take more than 15 MiB"


KINDS = {
    "small": "smallint", "whole": "integer", "large": "bigint", "yes": "boolean", "raw": "bytea", "other": "uuid",
    "word": "text", "name": "varchar(40)", "code": "character(5)", "at": "timestamptz", "day": "date",
}  # fmt: skip
ODD = {
    "short": "real", "exact": "numeric(12, 4)", "double": "double precision", "mood": "mood", "said": "jsonb",
    "from_where": "inet", "many": "integer[]", "mail": "address", "span": "int4range",
}  # fmt: skip
VALUES = {
    "small": "-7", "whole": "n", "large": "9007199254740993", "yes": "n > 2", "raw": "'\\x00ff'", "word": "'é ' || n",
    "other": "'7d444840-9dc0-11d1-b245-5ffdce74fad2'", "name": "''", "code": "'ab'", "at": "'infinity'",
    "day": "'2028-02-29'", "short": "0.1", "exact": "1.5", "double": "0.1", "mood": "'glad'", "said": "'{\"a\": [1.10]}'",
    "from_where": "'192.0.2.1'", "many": "array[n, null]", "mail": "'p@example.org'", "span": "'[1,5)'",
}  # fmt: skip


@pytest.mark.parametrize(("columns", "compact"), [(KINDS, True), (KINDS | ODD, False)], ids=["all plain", "some odd"])
def test_rows_in_binary_form_hold_the_same_values(
    postgresql_scratch: str, columns: dict[str, str], compact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL sends many rows in binary form only where nothing comes out otherwise than from its text."""
    made = sqlalchemy.create_engine(postgresql_scratch, poolclass=sqlalchemy.NullPool)
    with made.begin() as connection:
        connection.exec_driver_sql("create type mood as enum ('glad', 'sad')")
        connection.exec_driver_sql("create domain address as text")
        connection.exec_driver_sql("create table users (id integer not null primary key)")
        listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.exec_driver_sql(f"create table visits (user_id integer, {listed})")
        connection.exec_driver_sql("insert into users values (1)")
        filled = SERIES["postgresql"].format(count=60, what=", ".join(VALUES[name] for name in columns))
        connection.exec_driver_sql(f"insert into visits {filled}".replace("select ", "select 1, ", 1))
    made.dispose()
    datamap = mapreading.parse(MAP)

    def read() -> tuple[bool, list[tuple[object, ...]]]:
        with Records.open(datamap, {"SHOP": postgresql_scratch}) as records:
            reach = Reach.compile(datamap, records.catalogue("shop"))
            subjects = find_subjects(records, datamap, [identifier("id", "1")])
            [rows] = [list(rows) for table, _, _, rows in rows_of(records, reach, subjects) if table.name == "visits"]
            [prepared] = [each for each in reach.prepared.values() if isinstance(each, copystatements.Prepared)]
            [statement] = [each for each in prepared.statements if each.table.name == "visits"]
            return statement.compact, rows

    chosen, found = read()
    monkeypatch.setattr(copystatements, "_SAME_IN_BINARY", re.compile("never"))
    refused, as_text = read()

    assert (chosen, refused) == (compact, False)
    assert len(found) == 60
    assert [[(type(value), value) for value in row] for row in found] == [
        [(type(value), value) for value in row] for row in as_text
    ]
