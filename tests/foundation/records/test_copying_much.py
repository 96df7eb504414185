"""A person with very many rows: they come a few at a time, whatever the store."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
import sqlalchemy

from troth.foundation.people import identifier
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
