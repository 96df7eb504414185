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
from troth.foundation.records import exchanging, partitions
from troth.foundation.records.writing import Writer
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


@pytest.mark.parametrize(
    ("kind", "upper", "is_past"),
    [
        ("date", "2026-08-24", True),
        ("date", "2026-08-25", False),
        ("timestamptz", "2026-08-24 08:00:00+02", True),
        ("timestamptz", "2026-08-24 06:00:01+00", False),
        ("timestamp", "infinity", False),
    ],
)
def test_the_end_of_a_range_is_past_to_the_second_in_every_type_of_time(
    tmp_path: Path, postgresql_scratch: str, kind: str, upper: str, is_past: bool
) -> None:
    shop = found_shop(tmp_path, postgresql_scratch)
    for statement in (
        "drop table visits",
        f'create table visits {COLUMNS.replace("timestamp", kind)} partition by range ("at")',
        f"create table visits_q3 partition of visits for values from (minvalue) to ('{upper}')",
        "create index visits_customer on visits (customer_id)",
        "insert into visits values (1, 1, '2026-01-01', 'x')",
    ):
        shop.sql(statement)

    assert planned(shop) == ([("visits_q3", 1, None)] if is_past else [])
    end(shop)

    assert standing(shop) is not is_past
    assert shop.sql("select count(*) from visits") == [(0,)]


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


# --- MariaDB ----------------------------------------------------------------------------------------------------------

WITH_KEY = "(id int, customer_id int, `at` datetime, ip varchar(40), key visits_customer (customer_id))"
CUTS = {
    "columns": "range columns (`at`) (partition p0 values less than ('2020-01-01'), partition q3 values less than "
    "('2026-08-24'), partition late values less than ('2026-10-01'), partition now values less than (maxvalue))",
    "days": "range (to_days(`at`)) (partition p0 values less than (to_days('2020-01-01')), partition q3 values less than "
    "(to_days('2026-08-24')), partition late values less than (to_days('2026-10-01')), partition now values less than "
    "maxvalue)",
    "years": "range (year(`at`)) (partition p0 values less than (2020), partition q3 values less than (2026), "
    "partition now values less than maxvalue)",
}


def cut(shop: Shop, by: str = "columns") -> Shop:
    for statement in (
        "rename table visits to visits_before",
        f"create table visits {WITH_KEY} partition by {CUTS[by]}",
        "insert into visits select * from visits_before",
        "insert into visits values (201, 1, '2026-08-23 12:00:00', 'x'), (202, 1, '2025-08-20 12:00:00', 'x')",
        "insert into visits values (203, 2, '2025-01-20 12:00:00', 'x'), (204, 1, '2026-08-23 23:59:59', 'x')",
        "drop table visits_before",
    ):
        shop.sql(statement)
    return shop


def filled(shop: Shop) -> dict[str, int]:
    found = shop.sql(
        "select partition_name from information_schema.partitions where table_schema = database() "
        "and table_name = 'visits' order by partition_ordinal_position"
    )
    return {name: shop.sql(f"select count(*) from visits partition ({name})")[0][0] for (name,) in found}


def aside(shop: Shop) -> list[str]:
    return [row[0] for row in shop.sql("show tables") if row[0].startswith("troth_") and row[0] != "troth_step"]


@pytest.fixture
def mariadb_shop(tmp_path: Path, mariadb_scratch: str) -> Shop:
    return cut(found_shop(tmp_path, mariadb_scratch))


@pytest.mark.parametrize(("by", "n"), [("columns", 4), ("days", 4), ("years", 2)])
def test_in_mariadb_a_partition_that_is_past_its_time_is_emptied_at_once_and_counted(
    tmp_path: Path, mariadb_scratch: str, by: str, n: int
) -> None:
    shop = cut(found_shop(tmp_path, mariadb_scratch), by)
    assert planned(shop) == [("q3", n, None)]
    before = filled(shop)

    done = end(shop)

    assert filled(shop)["q3"] == 0
    assert filled(shop)["p0"] == before["p0"], "rows without a time lie there, and stay"
    assert aside(shop) == []
    assert done.left == {}
    assert done.counts["shop"]["visits"]["erased"] == 24 + 7
    assert sorted(shop.sql("select * from visits"), key=repr) == expected()["visits"]
    assert planned(shop) == []


def test_in_mariadb_rows_without_a_time_keep_their_partition_from_going_whole(mariadb_shop: Shop) -> None:
    mariadb_shop.sql("insert into visits values (205, 1, '2019-01-01 12:00:00', 'x')")
    assert planned(mariadb_shop)[0] == ("p0", filled(mariadb_shop)["p0"], "rows without a time lie in it")

    assert end(mariadb_shop).left == {}
    assert sorted(mariadb_shop.sql("select * from visits"), key=repr) == expected()["visits"]


def test_in_mariadb_a_hold_that_comes_between_the_steps_puts_the_rows_back(
    mariadb_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, taken, before = mariadb_shop, exchanging.take_off, mariadb_shop.all()["visits"]

    def hold_after(*given: Any) -> bool:
        done = taken(*given)
        assert filled(shop)["q3"] == 0
        shop.sql("insert into visits values (206, 1, '2026-08-01 12:00:00', 'late')")
        with shop.keeper() as keeper:
            holds.place(keeper, Order(HoldScope.TABLE, OFFICER, "a claim", dt.date(2027, 6, 1), place="shop.visits"))
        return done

    monkeypatch.setattr(exchanging, "take_off", hold_after)

    end(shop)

    assert {row[0] for row in shop.all()["visits"]} == {row[0] for row in before} | {206}
    assert aside(shop) == []
    assert shop.sql("select count(*) from troth_step where step like 'retention drop %%'") == [(0,)]


def test_in_mariadb_a_row_without_a_time_that_came_meanwhile_stays(
    mariadb_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, taken = mariadb_shop, exchanging.take_off
    shop.sql("delete from visits where `at` is null")
    shop.sql("insert into visits values (205, 1, '2019-01-01 12:00:00', 'x')")
    came = []

    def late(writer: Any, parent: Any, each: Any, *more: Any) -> bool:
        if each.partition.name == "p0":
            shop.sql("insert into visits values (207, 1, null, 'x')")
            came.append(each)
        return taken(writer, parent, each, *more)

    monkeypatch.setattr(exchanging, "take_off", late)

    assert end(shop).left == {}

    assert len(came) == 1
    assert aside(shop) == []
    assert [row[0] for row in shop.sql("select id from visits where id > 200")] == [207]


def test_in_mariadb_whoever_holds_the_table_for_long_keeps_the_partition_and_not_its_rows_from_going(
    mariadb_shop: Shop,
) -> None:
    import sqlalchemy

    engine = sqlalchemy.create_engine(mariadb_shop.url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as other:
        other.exec_driver_sql("select count(*) from visits")  # a report that stays open

        done = end(mariadb_shop)

    assert done.left == {}
    assert aside(mariadb_shop) == []
    assert sorted(mariadb_shop.sql("select * from visits"), key=repr) == expected()["visits"]


def test_in_mariadb_who_may_not_make_tables_ends_rows_one_by_one(
    request: pytest.FixtureRequest, tmp_path: Path, mariadb_scratch: str
) -> None:
    import sqlalchemy

    shop = cut(found_shop(tmp_path, mariadb_scratch))
    assert end(shop).left == {}  # makes troth_step
    shop.sql("insert into visits values (208, 1, '2026-08-01 12:00:00', 'x')")
    address = sqlalchemy.make_url(mariadb_scratch)
    name, word = f"few_{address.database}"[:30], "of-the-test"
    shop.sql(f"create user {name}@'127.0.0.1' identified by '{word}'")
    request.addfinalizer(lambda: shop.sql(f"drop user {name}@'127.0.0.1'"))
    shop.sql(f"grant select, insert, update, delete on {address.database}.* to {name}@'127.0.0.1'")
    few = Shop(tmp_path, address.set(username=name, password=word).render_as_string(hide_password=False), shop.clock)

    assert planned(few) == [("q3", 1, "the user of the store may not make, alter and drop tables")]
    assert end(few).left == {}
    assert shop.sql("select id from visits where id = 208") == []


class Died(BaseException):
    """The process ends here."""


@pytest.mark.parametrize(
    ("at", "aside_then"),
    [("before exchange", 0), ("after exchange", 4), ("before drop", 4), ("after drop", 0)],
)
def test_in_mariadb_whoever_dies_beside_a_statement_that_commits_by_itself_is_gone_on_from(
    mariadb_shop: Shop, monkeypatch: pytest.MonkeyPatch, at: str, aside_then: int
) -> None:
    alive, before = Writer.outside, len(mariadb_shop.all()["visits"])

    def mortal_outside(self: Writer, work: Any) -> Any:
        name = getattr(work, "__name__", "")
        if at == f"before {name}":
            raise Died
        done = alive(self, work)
        if at == f"after {name}":
            raise Died
        return done

    monkeypatch.setattr(Writer, "outside", mortal_outside)
    with pytest.raises(Died):
        end(mariadb_shop)
    assert sum(mariadb_shop.sql(f"select count(*) from {name}")[0][0] for name in aside(mariadb_shop)) == aside_then
    monkeypatch.setattr(Writer, "outside", alive)

    done = end(mariadb_shop)

    assert (filled(mariadb_shop)["q3"], aside(mariadb_shop)) == (0, [])
    assert done.name == "retention-1"
    assert done.counts["shop"]["visits"]["erased"] == before - len(expected()["visits"])
    assert sorted(mariadb_shop.sql("select * from visits"), key=repr) == expected()["visits"]


def test_in_mariadb_killed_at_any_commit_partitions_go_once_and_are_counted(
    request: pytest.FixtureRequest, tmp_path: Path, process: Mortal
) -> None:
    def new(name: str) -> Shop:
        (tmp_path / name).mkdir()
        fresh = fresh_database(request.getfixturevalue("mariadb_url"))
        request.addfinalizer(lambda: fresh.__exit__(None, None, None))
        return cut(found_shop(tmp_path / name, fresh.__enter__()))

    def told(shop: Shop) -> dict[str, Any]:
        return {"folder": str(shop.folder), "environ": shop.environ}

    whole = process.live(told(new("whole")))
    assert whole.error is None, whole.error
    deaths = list(every_commit(whole))
    shop = new("killed")
    before = {name: len(found) for name, found in shop.all().items()}

    lives = process.until_done(told(shop), deaths[:: max(1, len(deaths) // DEATHS)])

    assert lives.kills >= 3
    assert (filled(shop)["q3"], aside(shop)) == (0, [])
    assert sorted(shop.sql("select * from visits"), key=repr) == expected()["visits"]
    assert lives.last.result["counts"]["visits"]["erased"] == before["visits"] - len(expected()["visits"])
