"""A partition that is past its time as a whole is dropped, on a real PostgreSQL; where that passed something over, not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.killing import Mortal, every_commit, mortal
from tests.protection.keepershop import OFFICER, Shop, expected, found_shop
from tests.protection.test_killed_runs import DEATHS
from tests.protection.test_killed_runs import end as end_in_a_process
from tests.servers import fresh_database
from troth.foundation import people
from troth.foundation.records import partitions
from troth.protection import holds, plans, retention
from troth.protection.holds import Order
from troth.protection.words import HoldScope, Occasion

COLUMNS = '(id int, customer_id int references customers, "at" timestamp, ip varchar(40))'
MADE = (
    "alter table visits rename to visits_before",
    f'create table visits {COLUMNS} partition by range ("at")',
    "create table visits_q3 partition of visits for values from (minvalue) to ('2026-08-24')",
    "create table visits_late partition of visits for values from ('2026-08-24') to ('2026-10-01')",
    "create table visits_now partition of visits for values from ('2026-10-01') to (maxvalue)",
    "create table visits_default partition of visits default",
    "insert into visits select * from visits_before",
    "insert into visits values (201, 1, '2026-08-23 12:00:00', 'x'), (202, 1, '2026-08-20 12:00:00', 'x')",
    "insert into visits values (203, 2, '2026-01-20 12:00:00', 'x'), (204, 1, '2026-08-23 23:59:59.999', 'x')",
    "drop table visits_before",
    "create index visits_customer on visits (customer_id)",
)
"""The limit of 90 days is 2026-08-24 06:00: `visits_q3` is past it as a whole, `visits_late` in part."""


def partitioned(shop: Shop) -> Shop:
    for statement in MADE:
        shop.sql(statement)
    return shop


@pytest.fixture
def shop(tmp_path: Path, postgresql_scratch: str) -> Shop:
    return partitioned(found_shop(tmp_path, postgresql_scratch))


def end(shop: Shop) -> retention.Run:
    with shop.keeper() as keeper:
        return retention.run(keeper, Occasion.TERMINAL)


def planned(shop: Shop) -> list[tuple[str, int, str | None]]:
    with shop.keeper() as keeper:
        plan = plans.plan(keeper)
    return [each for step in plan.steps if step.table == "visits" for each in step.partitions]


def children(shop: Shop) -> list[str]:
    found = shop.sql("select inhrelid::regclass::text from pg_inherits where inhparent = 'visits'::regclass order by 1")
    return [row[0] for row in found]


def standing(shop: Shop) -> bool:
    return bool(shop.sql("select to_regclass('visits_q3') is not null")[0][0])


def test_a_partition_that_is_past_its_time_is_dropped_and_counted(shop: Shop) -> None:
    with shop.keeper() as keeper:
        plan = plans.plan(keeper)
    [step] = [step for step in plan.steps if step.table == "visits" and step.do == "delete"]
    assert step.partitions == (("visits_q3", 4, None),)
    assert step.n == 24
    assert "    drops partition visits_q3 (4 rows)" in list(plan.words())

    done = end(shop)

    assert not standing(shop)
    assert children(shop) == ["visits_default", "visits_late", "visits_now"]
    assert done.left == {}
    assert done.counts["shop"]["visits"]["erased"] == 24 + 7  # the last are of an account that ends
    assert sorted(shop.sql("select * from visits"), key=repr) == expected()["visits"]
    assert planned(shop) == []


def test_a_hold_keeps_all_partitions_and_what_it_does_not_cover_goes_row_by_row(shop: Shop) -> None:
    with shop.keeper() as keeper:
        ada = (people.parse("id=1"),)
        holds.place(keeper, Order(HoldScope.PERSON, OFFICER, "a claim", dt.date(2027, 6, 1), known_by=ada))

    assert planned(shop) == [("visits_q3", 4, "a hold may keep rows of it")]
    end(shop)

    assert standing(shop)
    assert shop.sql("select id from visits_q3 order by id") == [(201,), (202,), (204,)]


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        (
            [
                "create function told() returns trigger language plpgsql as 'begin return old; end'",
                "create trigger tells after delete on visits_q3 for each row execute function told()",
            ],
            "a trigger of it would not be called",
        ),
        (
            ["alter table visits_q3 replica identity full", "create publication told for table visits_q3"],
            "subscribers get each of its deletions",
        ),
        (["create view shown as select * from visits_q3"], "a view reads it"),
        (
            [
                "alter table visits_q3 add primary key (id)",
                "create table marks (visit int references visits_q3 (id))",
                "create index on marks (visit)",
            ],
            "may point at its rows",
        ),
    ],
    ids=["a trigger", "subscribers", "a view", "a pointer"],
)
def test_where_dropping_would_pass_something_over_rows_go_one_by_one(
    shop: Shop, statements: list[str], why: str
) -> None:
    for statement in statements:
        shop.sql(statement)

    [(name, n, refused)] = planned(shop)
    assert (name, n) == ("visits_q3", 4)
    assert refused is not None
    assert why in refused
    end(shop)

    assert standing(shop)
    assert shop.sql("select count(*) from visits_q3") == [(0,)]


def test_a_partition_of_another_column_is_no_partition_of_time(tmp_path: Path, postgresql_scratch: str) -> None:
    shop = found_shop(tmp_path, postgresql_scratch)
    shop.sql("alter table visits rename to visits_before")
    shop.sql("create table visits " + COLUMNS + " partition by range (id)")
    shop.sql("create table visits_q3 partition of visits for values from (minvalue) to (maxvalue)")
    shop.sql("insert into visits select * from visits_before")
    shop.sql("drop table visits_before")
    shop.sql("create index visits_customer on visits (customer_id)")

    assert planned(shop) == []
    assert end(shop).left == {}
    assert shop.all()["visits"] == expected()["visits"]


def test_a_hold_that_comes_between_the_two_steps_puts_the_partition_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped = partitions.drop
    before = shop.all()["visits"]

    def hold_first(*given: Any) -> int:
        with shop.keeper() as keeper:
            holds.place(keeper, Order(HoldScope.TABLE, OFFICER, "a claim", dt.date(2027, 6, 1), place="shop.visits"))
        monkeypatch.setattr(partitions, "drop", dropped)
        return dropped(*given)

    monkeypatch.setattr(partitions, "drop", hold_first)

    end(shop)

    assert "visits_q3" in children(shop)
    assert shop.all()["visits"] == before


def test_whoever_holds_the_table_for_long_keeps_the_partition_and_not_its_rows_from_going(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlalchemy

    monkeypatch.setattr(partitions, "LOCK", "set local lock_timeout = '50ms'")
    engine = sqlalchemy.create_engine(shop.url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as other:
        other.exec_driver_sql("select count(*) from visits")  # a report that stays open: it holds a lock of readers

        done = end(shop)

    assert done.left == {}
    assert "visits_q3" in children(shop)
    assert shop.sql("select count(*) from visits_q3") == [(0,)]


@pytest.fixture(scope="module")
def process() -> Iterator[Mortal]:
    with mortal(end_in_a_process) as found:
        yield found


def test_killed_at_any_commit_partitions_go_once_and_are_counted(
    request: pytest.FixtureRequest, tmp_path: Path, process: Mortal
) -> None:
    def new(name: str) -> Shop:
        (tmp_path / name).mkdir()
        fresh = fresh_database(request.getfixturevalue("postgresql_url"))
        request.addfinalizer(lambda: fresh.__exit__(None, None, None))
        return partitioned(found_shop(tmp_path / name, fresh.__enter__()))

    def told(shop: Shop) -> dict[str, Any]:
        return {"folder": str(shop.folder), "environ": shop.environ}

    whole = process.live(told(new("whole")))
    assert whole.error is None, whole.error
    deaths = list(every_commit(whole))
    shop = new("killed")
    before = {name: len(found) for name, found in shop.all().items()}

    lives = process.until_done(told(shop), deaths[:: max(1, len(deaths) // DEATHS)])

    assert lives.kills >= 3
    assert not standing(shop)
    assert shop.sql("select count(*) from pg_class where relname = 'visits_q3'") == [(0,)]
    assert sorted(shop.sql("select * from visits"), key=repr) == expected()["visits"]
    assert lives.last.result["counts"]["visits"]["erased"] == before["visits"] - len(expected()["visits"])
    assert whole.result["counts"] == lives.last.result["counts"]
