"""`then: archive`: rows move to the archive that the map names, whole and once, and end there by a period of its own."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from tests.protection.keepershop import ENGINES, NOW, OFFICER, Shop, ago, found_shop, rows, url_of
from troth.protection import holds, plans, retention
from troth.protection.holds import Order
from troth.protection.words import HoldScope, Occasion

PERIOD = "visits: {data: [device.ip, usage.page, usage.click], after: visit, keep: 90 days, why: to stop attacks}"
ARCHIVED = """visits: {data: [device.ip, usage.page, usage.click], after: visit, keep: 90 days, then: archive, why: to stop attacks}
      old_visits: {data: [device.ip, usage.page, usage.click], after: archived, keep: 1 year, why: trials of attackers}"""
MAPPED = {
    "visits": "        columns: {at: usage.page, ip: device.ip}\n        starts: {visit: at}\n",
    "clicks": "        columns: {at: usage.click}\n        starts: {visit: at}\n",
    "pages": "      pages:\n        whose: customer_id\n        columns: {at: usage.page}\n        starts: {visit: at}\n",
}
OLD = """      old_visits:
        whose: customer_id
        columns: {at: usage.page, ip: device.ip, archived_at: no}
        starts: {visit: at, archived: archived_at}
      old_clicks:
        whose: customer_id
        columns: {at: usage.click, archived_at: no}
        starts: {visit: at, archived: archived_at}
"""
TABLES = (
    "create table old_visits (id int primary key, customer_id int, {at} {time}, ip varchar(40), archived_at {time} not null)",
    "create table old_clicks (customer_id int, number int, {at} {time}, archived_at {time} not null)",
    "create index old_visits_customer on old_visits (customer_id)",
)


def archived(folder: Path, url: str) -> Shop:
    """The shop with an archive for visits (a key of numbers) and for clicks (a key of two columns)."""
    shop = found_shop(folder, url)
    quote, time = ("`at`", "datetime(6)") if url.startswith("mysql") else ('"at"', "timestamp")
    for statement in TABLES:
        shop.sql(statement.format(at=quote, time=time))
    shop.rewrite("policy.yaml", PERIOD, ARCHIVED)
    shop.rewrite("datamap.yaml", MAPPED["pages"], MAPPED["pages"] + OLD)
    for name in ("visits", "clicks"):
        before = MAPPED[name]
        shop.rewrite("datamap.yaml", before, f"{before}        archive: old_{name}\n")
    return shop


@pytest.fixture(params=ENGINES)
def each_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    return archived(tmp_path, url_of(request, tmp_path, request.param))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return archived(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}")


def end(shop: Shop) -> retention.Run:
    with shop.keeper() as keeper:
        return retention.run(keeper, Occasion.TERMINAL)


def planned(shop: Shop) -> plans.RetentionPlan:
    with shop.keeper() as keeper:
        return plans.plan(keeper)


def numbers(shop: Shop, table: str) -> list[int]:
    column = "number" if table.endswith("clicks") else "id"
    return [row[0] for row in shop.sql(f"select {column} from {table} order by 1")]


def test_what_is_past_its_time_stands_in_the_archive_and_nowhere_else(
    each_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from troth.foundation.records import walking

    for name, most in (("FIRST_PART", 3), ("SMALLEST", 1), ("LARGEST", 3)):
        monkeypatch.setattr(walking, name, most)
    late, bob = ago(days=90), 2
    steps = {step.table: step for step in planned(each_shop).steps if step.do.startswith("move")}
    assert {name: (step.do, step.n) for name, step in steps.items()} == {
        "visits": ("move to old_visits", 20),
        "clicks": ("move to old_clicks", 30),
    }

    done = end(each_shop)

    visits, clicks = rows()["visits"], rows()["clicks"]
    moved = [row for row in visits if row[2] is not None and row[2] < late]
    assert numbers(each_shop, "old_visits") == sorted(row[0] for row in moved if row[1] != bob)
    assert numbers(each_shop, "old_clicks") == sorted(row[1] for row in clicks if row[2] < late and row[0] != bob)
    assert set(numbers(each_shop, "visits")).isdisjoint(numbers(each_shop, "old_visits"))
    assert done.counts["shop"]["visits"]["archived"] == len(moved)
    assert done.left == {}
    [(ip, customer)] = {tuple(row) for row in each_shop.sql("select ip, customer_id from old_visits where id = 9")}
    assert (ip, customer) == ("192.0.2.7", 1)
    [(at,)] = each_shop.sql("select max(archived_at) from old_visits")
    assert str(at).startswith(f"{NOW:%Y-%m-%d %H:%M:%S}")


def test_rows_end_in_the_archive_by_its_own_period(shop: Shop) -> None:
    shop.sql("update customers set closed_at = null")  # no account ends meanwhile
    end(shop)
    first = set(numbers(shop, "old_visits"))
    shop.clock.advance(dt.timedelta(days=300))
    end(shop)
    both = set(numbers(shop, "old_visits"))
    assert first < both, "younger ones came after them"
    shop.clock.advance(dt.timedelta(days=66))

    done = end(shop)

    assert done.counts["shop"]["old_visits"] == {"erased": len(first)}
    assert set(numbers(shop, "old_visits")) == both - first


def test_what_a_hold_keeps_does_not_move(shop: Shop) -> None:
    with shop.keeper() as keeper:
        holds.place(keeper, Order(HoldScope.RECORD, OFFICER, "a claim", dt.date(2027, 6, 1), place="shop.visits=9"))

    end(shop)

    assert 9 in numbers(shop, "visits")
    assert 9 not in numbers(shop, "old_visits")


def restored(shop: Shop) -> list[str]:
    """Some rows that were moved, back in their table as a restore puts them: as they were, and one changed."""
    back = "insert into visits select id, customer_id, {at}, ip from old_visits where id in ({ids})"
    ids = [str(each) for each in numbers(shop, "old_visits")[:4]]
    shop.sql(back.format(ids=", ".join(ids), at=_at(shop)))
    shop.sql(f"update visits set ip = 'another' where id = {ids[3]}")
    return ids


def test_a_row_that_came_back_does_not_stand_twice_and_stops_no_run(each_shop: Shop) -> None:
    end(each_shop)
    before = each_shop.sql("select * from old_visits order by id")
    *same, changed = restored(each_shop)
    each_shop.sql(
        f"insert into visits select 900, customer_id, {_at(each_shop)}, ip from old_visits where id = {same[0]}"
    )
    [step] = [each for each in planned(each_shop).steps if each.table == "visits"]
    assert (step.n, step.clashes) == (4, 1)

    done = end(each_shop)

    there = each_shop.sql("select * from old_visits order by id")
    assert [row for row in there if row[0] != 900] == before, "in the archive they stand as they came first"
    assert [row[0] for row in there if row[0] == 900] == [900]
    assert not {*map(int, same), 900} & set(numbers(each_shop, "visits"))
    assert int(changed) in numbers(each_shop, "visits"), "which of the two is right, only people know"
    assert done.counts["shop"]["visits"] == {"archived": 4}
    assert done.left == {}


def _at(shop: Shop) -> str:
    return "`at`" if shop.environ["SHOP"].startswith("mysql") else '"at"'


def test_rows_of_which_the_store_deletes_another_number_than_it_copied_stay(shop: Shop) -> None:
    from troth.errors import RecordsError

    shop.sql("create trigger keeps before delete on visits when old.id = 9 begin select raise(ignore); end")
    before = shop.all()["visits"]

    with pytest.raises(RecordsError, match="nothing was changed"):
        end(shop)

    assert shop.all()["visits"] == before
    assert numbers(shop, "old_visits") == []


FAULTS: dict[str, tuple[str, str, str, str]] = {
    "no archive": ("datamap.yaml", "        archive: old_visits\n", "", "does not say where"),
    "no period": ("policy.yaml", "\n" + ARCHIVED.split("\n")[1], "", "would never end"),
    "no moment": ("datamap.yaml", "ip: device.ip, archived_at: no}\n        starts: {visit: at, archived: archived_at}",
                  "ip: device.ip, archived_at: no}\n        starts: {visit: at}", "when a row was archived"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_without_an_archive_that_ends_its_rows_nothing_moves_and_the_plan_says_so(shop: Shop, fault: str) -> None:
    file, before, after, word = FAULTS[fault]
    shop.rewrite(file, before, after)

    faults = [each.message for each in planned(shop).faults if each.where.table == "visits"]
    end(shop)

    assert any(word in each for each in faults), faults
    assert len(numbers(shop, "visits")) >= len(rows()["visits"]) - 14  # but for those of the account that ended
    assert numbers(shop, "old_visits") == []


def test_an_archive_that_is_no_personal_table_of_the_store_is_a_fault_of_the_map(shop: Shop) -> None:
    from troth.errors import TrothError

    def told(name: str) -> str:
        path = shop.folder / "datamap.yaml"
        text = path.read_text()
        path.write_text(text.replace("archive: old_visits", f"archive: {name}"))
        try:
            with pytest.raises(TrothError) as caught:
                planned(shop)
        finally:
            path.write_text(text)
        return str(caught.value)

    assert "attic is no other table of this store" in told("attic")
    assert "visits is no other table" in told("visits")
    assert "clicks has an archive itself" in told("clicks")


def test_the_sentence_is_kept_once_they_have_moved_and_broken_before(shop: Shop) -> None:
    from tests.policies import BROKEN, KEPT, judge, said
    from troth.foundation.observation import Observation
    from troth.protection.checks import retention as proof

    def verdict() -> Any:
        with shop.keeper() as keeper:
            seen = Observation(
                keeper.office.policy, shop.clock.now(), shop.folder, datamap=keeper.datamap, records=keeper.records,
                store=keeper.office.store, keyring=keeper.office.keyring,
            )  # fmt: skip
            return judge([each for each in proof.CHECKS if each.id == "protection.kept-too-long"], seen).of("3.1")

    before = verdict()
    assert before.verdict is BROKEN
    assert "visits in shop: 20 rows older than 90 days" in said(before)

    shop.sql("update orders set placed_at = '2026-11-01 00:00:00'")
    shop.sql("update items set placed_at = '2026-11-01 00:00:00'")
    shop.sql("delete from reviews")
    shop.sql("delete from visits where at is null")  # nobody could say when its time is up
    shop.sql("delete from pages")  # which has no archive, and could have none: its rows have no key
    end(shop)

    after = verdict()
    assert after.verdict is KEPT, said(after)
