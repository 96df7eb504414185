from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy

from tests.foundation.records.stores import fill, users, visit, visits
from troth.errors import StoreUnreachable
from troth.foundation.records.reading import Records
from troth.policy.conditions import parse
from troth.policy.datamap import Place

AT = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)


def test_rows_and_values_are_counted(records: Records, shop_url: str) -> None:
    fill(shop_url, visits, [visit(AT, note="a"), visit(AT, note="b"), visit(AT)])

    assert records.count(Place("shop", "visits")) == 3
    assert records.count(Place("shop", "visits", "note")) == 2


CONDITIONS = {
    "id = 2": [2],
    "id != 2": [1, 3],
    "id <> 2 and id < 3": [1],
    "id >= 2": [2, 3],
    "note in ('a', 'it''s')": [1, 2],
    "note not in ('a')": [2],
    "note is null": [3],
    "note is not null and (id = 1 or note = 'it''s')": [1, 2],
    "note = 'x'' or 1=1 --'": [],
}


def test_a_condition_means_what_it_says(records: Records, shop_url: str) -> None:
    fill(shop_url, visits, [visit(AT, note="a"), visit(AT, note="it's"), visit(AT)])

    for condition, ids in CONDITIONS.items():
        rows = records.rows("shop", "visits", ["id"], where=parse(condition), order_by=["id"])

        assert [row[0] for row in rows] == ids, condition
        assert records.count(Place("shop", "visits"), parse(condition)) == len(ids), condition


def test_rows_come_in_the_order_and_number_asked_for(records: Records, shop_url: str) -> None:
    fill(shop_url, visits, [visit(AT) for _ in range(5)])

    assert list(records.rows("shop", "visits", ["id"], order_by=["id"], descending=True, limit=2)) == [(5,), (4,)]


def test_many_rows_are_streamed_past_the_time_limit_of_a_statement(shop_url: str) -> None:
    """The limit is on the store's work, not on how long the caller takes to read."""
    import time

    fill(shop_url, visits, [visit(AT, note="x" * 900) for _ in range(6000)])

    with Records.of_address("shop", shop_url, timeout_s=1.0) as records:
        seen = 0
        for seen, _ in enumerate(records.rows("shop", "visits", ["id", "note"]), start=1):
            if seen in (1, 3000):
                time.sleep(0.8)

    assert seen == 6000


def test_a_statement_that_works_too_long_is_stopped(shop_url: str) -> None:
    fill(shop_url, visits, [visit(AT) for _ in range(300)])

    with Records.of_address("shop", shop_url, timeout_s=0.3) as records:
        table = records.table("shop", "visits")
        many = [table.alias(f"v{i}") for i in range(5)]
        slow = sqlalchemy.select(sqlalchemy.func.count()).select_from(*many)
        with (
            pytest.raises(StoreUnreachable, match=r"did not answer within 0\.3 s"),
            pytest.warns(sqlalchemy.exc.SAWarning),
        ):
            list(records.execute("shop", slow))
        assert records.count(Place("shop", "visits")) == 300, "the next question is answered"


def test_joins_are_built_from_the_tables_that_are_there(records: Records, shop_url: str) -> None:
    fill(shop_url, users, [{"id": 1, "email": "ann@example.org"}, {"id": 2, "email": "bob@example.org"}])
    fill(shop_url, visits, [visit(AT, user_id=2), visit(AT, user_id=2)])
    people, seen = records.table("shop", "users"), records.table("shop", "visits")
    join = (
        sqlalchemy.select(people.c.email, sqlalchemy.func.count())
        .join_from(people, seen, people.c.id == seen.c.user_id)
        .group_by(people.c.email)
    )

    assert list(records.execute("shop", join)) == [("bob@example.org", 2)]


def test_nothing_but_a_select_is_carried_out(records: Records) -> None:
    table = records.table("shop", "users")

    for statement in (table.delete(), table.insert(), table.update(), sqlalchemy.text("select 1"), "select 1"):
        with pytest.raises(TypeError, match="only read"):
            records.execute("shop", statement)  # type: ignore[arg-type]


def test_the_connection_itself_cannot_write(records: Records, shop_url: str) -> None:
    """Also a statement that gets past the front door changes nothing."""
    fill(shop_url, users, [{"id": 1, "email": "ann@example.org"}])
    connector = records._connectors["shop"]

    for statement in ("delete from users", "insert into users (id, email) values (9, 'x')", "create table t (a int)"):
        with pytest.raises(StoreUnreachable, match="looks and never writes"), connector.connection() as connection:
            connection.exec_driver_sql(statement)
    assert records.count(Place("shop", "users")) == 1


def test_a_sample_is_spread_over_the_table_and_has_each_value_once(records: Records, shop_url: str) -> None:
    fill(shop_url, visits, [visit(AT, note=f"note {i // 2}") for i in range(4000)])
    notes = records.sample(Place("shop", "visits", "note"), 200)

    numbers = sorted(int(note.split()[1]) for note in notes)
    assert len(numbers) == len(set(numbers))
    assert 50 <= len(numbers) <= 200
    assert numbers[0] < 200
    assert numbers[-1] > 1700
    assert records.sample(Place("shop", "visits", "note"), 200) == notes, "the same table gives the same sample"


def test_a_sample_finds_the_few_values_of_a_sparse_column(records: Records, shop_url: str) -> None:
    fill(shop_url, visits, [visit(AT, note="rare" if i == 1777 else None) for i in range(3000)])

    assert records.sample(Place("shop", "visits", "note"), 50) == ["rare"]


def test_long_values_are_cut_and_pictures_left_out(tmp_path: object) -> None:
    import sqlite3

    with sqlite3.connect(f"{tmp_path}/s.db") as file:
        file.execute("create table t (picture blob, text text)")
        file.execute("insert into t values (?, ?)", (b"\x89PNG\x00\x01\xff", "x" * 10_000))
        file.execute("insert into t values (?, cast(? as text))", (b"plain words", b"\xff\xfe"))
    file.close()

    with Records.of_address("shop", f"sqlite:///{tmp_path}/s.db") as records:
        found = records.samples("shop", "t", ["picture", "text"])

    assert found["picture"] == ["plain words"]
    assert sorted(map(len, found["text"])) == [2, 2000]


def test_opening_connects_to_nothing(shop_url: str) -> None:
    records = Records.of_address("shop", "postgresql://app:secret@127.0.0.1:1/shop")

    assert records.stores == ("shop",)
    assert "secret" not in repr(records)
    assert "127.0.0.1" not in repr(records)
    records.close()


POSTGRESQL_TYPES = """
create type mood as enum ('sad', 'happy');
create domain mail as varchar(80) check (value like '%@%');
create table t (id uuid primary key, e mood, m mail, j json, jb jsonb, b bytea, a text[], i inet, c cidr, ts timestamptz,
  d date, tm time, iv interval, n numeric(10, 2), mo money, p point, bo boolean, f float8, ch char(3), r int4range);
insert into t values ('3f2504e0-4f89-11d3-9a0c-0305e82c3301', 'happy', 'ann@example.org', '{"a": 1}', '{"b": [1]}',
  '\\x00ff', '{x,y}', '192.0.2.7', '192.0.2.0/24', '2026-01-02 10:00+00', '0044-03-15 BC', '10:00', '1 day', 1.50, 2,
  '(1,2)', true, 'NaN', 'abc', '[1,3)');
"""
MARIADB_TYPES = """create table t (id int primary key, e enum('sad', 'happy'), s set('a', 'b'), j json, b blob, bi bit(3), y year,
  tm time, ts timestamp null, d date, n decimal(10, 2), f double, tb tinyblob, tx longtext, bo boolean, u uuid, i inet6);
insert into t values (1, 'happy', 'a,b', '{"a": 1}', x'00ff', b'101', 2026, '-838:59:59', null, '1000-01-01', 1.50, 1e300,
  x'ff', 'text', true, '3f2504e0-4f89-11d3-9a0c-0305e82c3301', '2001:db8::7');
"""


@pytest.mark.parametrize("engine", ["postgresql", "mariadb"])
def test_every_type_of_column_can_be_looked_at(request: pytest.FixtureRequest, engine: str) -> None:
    from tests.chinook import run_script
    from troth.collection.discovery import discover

    url = request.getfixturevalue(f"{engine}_database")
    run_script(url, POSTGRESQL_TYPES if engine == "postgresql" else MARIADB_TYPES)

    with Records.of_address("shop", url) as records:
        columns = records.catalogue("shop").table("t").columns
        assert len(discover(records, "shop")) == len(columns)
        found = records.samples("shop", "t", list(columns))
        for name in columns:
            records.times(Place("shop", "t", name))
            assert records.count(Place("shop", "t", name)) in (0, 1)
    assert found["e"] == ["happy"]
    assert found["b"] == [], "what is no text is left out"
