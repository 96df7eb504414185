"""How each store carries the conditions out: by its indexes, never by reading a whole table for one person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from tests.servers import fresh_database
from troth.foundation.records.keys import BoundKeys, Subject
from troth.foundation.records.keytables import KeyTable
from troth.foundation.records.reach import Reach
from troth.foundation.records.reading import Records
from troth.policy import mapreading
from troth.policy.datamap import DataMap

USERS = 4_000
MAP = b"""
troth: 1
stores:
  shop:
    connect: ${SHOP}
    person: {customer: {table: users, key: id}, member: {table: members, key: [tenant, no]}}
    tables:
      users: {whose: {person: customer}}
      orders: {whose: {by: user_id, person: customer}}
      items: {whose: order_id > orders}
      parcels: {whose: item_id > items}
      circles: {whose: id > circle_users.circle_id}
      circle_users: {whose: {by: user_id, person: customer}}
      folders: {whose: {any: [{by: owner_id, person: customer}, parent_id > folders]}}
      papers: {whose: {any: [{by: owner_id, person: customer}, order_id > orders]}}
      members: {whose: {person: member}}
      calls: {whose: {by: [tenant, no], person: member}}
      minutes: {whose: "tenant, call_no > calls"}
"""
TABLES = {
    "users": ("id integer not null primary key, mail varchar(40)", "n, 'mail'", 1),
    "orders": ("id integer not null primary key, user_id integer", "n, 1 + n % {users}", 3),
    "items": ("id integer not null primary key, order_id integer", "n, 1 + n % ({users} * 3)", 6),
    "parcels": ("id integer not null primary key, item_id integer", "n, 1 + n % ({users} * 6)", 6),
    "circles": ("id integer not null primary key, name varchar(40)", "n, 'circle'", 1),
    "circle_users": ("circle_id integer, user_id integer", "1 + n % {users}, 1 + (n * 7) % {users}", 3),
    "folders": ("id integer not null primary key, owner_id integer, parent_id integer",
                "n, case when n <= {users} then n end, case when n > {users} then n - {users} end", 4),
    "papers": ("id integer not null primary key, owner_id integer, order_id integer",
               "n, 1 + n % {users}, 1 + n % ({users} * 3)", 4),
    "members": ("tenant integer not null, no integer not null, primary key (tenant, no)", "n % 20, n", 1),
    "calls": ("tenant integer not null, call_no integer not null, no integer, primary key (tenant, call_no)",
              "n % 20, n, n % {users}", 3),
    "minutes": ("id integer not null primary key, tenant integer, call_no integer", "n, n % 20, n % ({users} * 3)", 4),
}  # fmt: skip
INDEXES = (
    "orders (user_id)", "items (order_id)", "parcels (item_id)", "circle_users (user_id)", "circle_users (circle_id)",
    "folders (owner_id)", "folders (parent_id)", "papers (owner_id)", "papers (order_id)", "calls (tenant, no)",
    "minutes (tenant, call_no)",
)  # fmt: skip
NUMBERS = {
    "sqlite": "with recursive s(n) as (select 1 union all select n + 1 from s where n < {count}) select {what} from s",
    "postgresql": "select {what} from generate_series(1, {count}) as s(n)",
    "mysql": "select {what} from (select seq as n from seq_1_to_{count}) as s",
}


@pytest.fixture(scope="module", params=("sqlite", "postgresql", "mariadb"))
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('plans') / 'shop.db'}"
        fill(url)
        yield url
    else:
        with fresh_database(request.getfixturevalue(f"{request.param}_url")) as url:
            fill(url)
            yield url


def fill(url: str) -> None:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    kind = engine.dialect.name
    with engine.begin() as connection:
        for name, (columns, what, share) in TABLES.items():
            connection.exec_driver_sql(f"create table {name} ({columns})")
            rows = NUMBERS[kind].format(what=what.format(users=USERS), count=USERS * share)
            connection.exec_driver_sql(f"insert into {name} {rows}".replace("%", "%" if kind == "sqlite" else "%%"))
        for at, place in enumerate(INDEXES):
            connection.exec_driver_sql(f"create index ix_{at} on {place}")
        for statement in ["analyze"] if kind != "mysql" else [f"analyze table {name}" for name in TABLES]:
            connection.exec_driver_sql(statement)
    engine.dispose()


def scanned(connection: sqlalchemy.Connection, statement: Any) -> set[str]:
    """The tables of the shop that the plan of `statement` reads from end to end."""
    kind = connection.dialect.name
    compiled = statement.compile(dialect=connection.dialect)
    values = tuple(compiled.params[name] for name in compiled.positiontup) if compiled.positional else compiled.params
    text = str(compiled)
    if kind == "sqlite":
        steps = [row[3] for row in connection.exec_driver_sql(f"explain query plan {text}", values)]
        found = {step.split()[1] for step in steps if step.startswith("SCAN")}
    elif kind == "postgresql":
        # these tables are small enough to be read whole at times; what counts is that no index is missed
        connection.exec_driver_sql("set local enable_seqscan = off")
        plan = connection.exec_driver_sql(f"explain (format json) {text}", values).scalar_one()
        plan = json.loads(plan) if isinstance(plan, str) else plan
        found = {node["Relation Name"] for node in nodes(plan[0]["Plan"]) if node["Node Type"].endswith("Seq Scan")}
    else:
        rows = connection.exec_driver_sql(f"explain {text}", values).mappings()
        found = {row["table"] for row in rows if row["type"] in ("ALL", "index") and row["table"]}
    return {table for table in TABLES for name in found if name == table or name.rpartition("_")[0] == table}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def opened(url: str) -> tuple[DataMap, Records]:
    datamap = mapreading.parse(MAP)
    return datamap, Records.open(datamap, {"SHOP": url}, base=Path())


def person(datamap: DataMap, number: int) -> tuple[Subject, Subject]:
    people = datamap.people()
    return Subject(people["shop.customer"], (number,)), Subject(people["shop.member"], (number % 20, number))


@pytest.mark.parametrize("name", TABLES)
def test_one_persons_rows_are_found_without_reading_a_whole_table(shop: str, name: str) -> None:
    datamap, records = opened(shop)
    engine = sqlalchemy.create_engine(shop, poolclass=sqlalchemy.NullPool)
    with records, engine.connect() as connection:
        reach = Reach.compile(datamap, records.catalogue("shop"))
        table = reach.table(name)
        statement = sqlalchemy.select(table.core).where(reach.whose(table, BoundKeys(person(datamap, 7))))

        assert scanned(connection, statement) == set()
        assert connection.execute(statement).first() is not None
    engine.dispose()


@pytest.mark.parametrize("name", ["orders", "items", "parcels", "circles", "calls"])
def test_a_few_people_in_a_table_are_found_without_reading_another_table(shop: str, name: str) -> None:
    datamap, records = opened(shop)
    engine = sqlalchemy.create_engine(shop, poolclass=sqlalchemy.NullPool)
    with records, engine.connect() as connection:
        reach = Reach.compile(datamap, records.catalogue("shop"))
        table = reach.table(name)
        keys = KeyTable.create(connection, reach, [person(datamap, number) for number in range(1, 21)])
        statement = sqlalchemy.select(table.core).where(reach.whose(table, keys))

        assert scanned(connection, statement) == set()
        rows = connection.execute(sqlalchemy.select(reach.owner(table, keys)).where(reach.whose(table, keys))).all()
        assert rows
    engine.dispose()
