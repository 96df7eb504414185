"""Views for analysis: no names, only people who may be analysed, no small groups; on every kind of store."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial

import pytest
import sqlalchemy

from tests.shopworld import NOW, World, before, founded, served, served_by_mariadb, world
from tests.use.viewing import everything, judged, make, maker, rows, wish
from troth.errors import RecordsError, TrothError, UnknownName
from troth.use.views import making, planning, words
from troth.use.views.making import ViewMaker

__all__ = ["before", "founded", "served", "served_by_mariadb", "world"]


@pytest.fixture(params=["world", "served", "served_by_mariadb"])
def shop(request: pytest.FixtureRequest) -> World:
    """The company with its shop on SQLite, on PostgreSQL and on MariaDB."""
    found: World = request.getfixturevalue(request.param)
    return wish(found, roles=True)


def permitted(world: World, purpose: str, data: str) -> int:
    with world.troth() as troth:
        return len(troth.audience(purpose, data))


def somebody_shown(world: World) -> int:
    """The number of a customer who has agreed to be counted and has clicked."""
    query = "select user_id, count(*) from click_events group by user_id order by count(*) desc, user_id"
    clicked = [row[0] for row in everything(world.address, query)]
    with world.troth() as troth:
        return int(next(who for who in clicked if troth.may(f"id={who}", "analytics", "usage.click")))


def clicks_of(world: World, who: int) -> int:
    return int(everything(world.address, f"select count(*) from click_events where user_id = {who}")[0][0])


def test_views_show_days_and_pseudonyms_of_those_who_may_and_follow_what_they_say(shop: World) -> None:
    who = somebody_shown(shop)
    assert make(shop)["analytics"] == permitted(shop, "analytics", "usage.click")
    shown = rows(shop, "click_events")
    people = {row[0] for row in shown}
    assert all(re.fullmatch("[0-9a-f]{32}", str(each).strip()) for each in people)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", str(row[1])) for row in shown)
    assert "@" not in str(shown)
    assert people.isdisjoint(row[0] for row in rows(shop, "orders", "research"))

    with shop.troth() as troth:
        troth.withdraw_consent(f"id={who}", "analytics")
    make(shop)
    without = rows(shop, "click_events")
    assert len(without) == len(shown) - clicks_of(shop, who)
    gone = people - {row[0] for row in without}
    assert len(gone) == 1

    with shop.troth() as troth:
        troth.give_consent(f"id={who}", "analytics")
        troth.restrict(f"id={who}")
    make(shop)
    assert {row[0] for row in rows(shop, "click_events")} == people - gone

    with shop.troth() as troth:
        troth.lift_restriction(f"id={who}")
    make(shop)
    assert sorted(map(str, rows(shop, "click_events"))) == sorted(map(str, shown))


def test_groups_have_at_least_as_many_people_as_the_policy_says(shop: World) -> None:
    make(shop)
    shown, groups = rows(shop, "click_events"), rows(shop, "click_events_groups")
    people: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for person, day, kind, target in shown:
        people[str(day)[:7], kind, target].add(person)
    expected = {key: len(each) for key, each in people.items() if len(each) >= 5}
    assert 0 < len(expected) < len(people), "some groups are too small, and some are not"
    assert {row[:3]: row[4] for row in groups} == expected

    shop.rewrite("policy.yaml", "smallest_group: 5\n      uses", "smallest_group: 8\n      uses")
    make(shop)
    assert {row[:3]: row[4] for row in rows(shop, "click_events_groups")} == {
        k: n for k, n in expected.items() if n >= 8
    }


def test_what_is_made_is_judged_kept_and_what_stands_beside_it_broken(world: World) -> None:
    wish(world)
    verdict, told = judged(world)
    assert verdict == "unproven"
    assert "there are no views for analytics" in told

    make(world)
    verdict, told = judged(world)
    assert verdict == "kept"
    assert "16 views for analytics and research" in told

    world.now = NOW + dt.timedelta(hours=2)
    verdict, told = judged(world)
    assert verdict == "unproven"
    assert "longer than 1 hour ago" in told


def spoil(world: World, purpose: str, statement: str) -> None:
    with sqlite3.connect(world.folder / "views" / f"{purpose}.db") as there:
        there.execute(statement)
    there.close()


@pytest.mark.parametrize(
    ("purpose", "statement", "expected"),
    [
        (
            "analytics",
            "alter table troth_view_analytics_visits add column os text",
            "os: the column (device.os) is not",
        ),
        ("analytics", "create table users as select 1 as id", "users: it shows no table of the data map"),
        ("research", "update troth_view_research_orders set status = 'a@example.org' where rowid = 1", "1 value in it"),
        ("research", "update troth_view_research_orders set day = day || ' 12:30' where rowid = 1", "times, not days"),
        (
            "research",
            "update troth_view_research_orders set person = '17' where rowid = 1",
            "1 person in them under no",
        ),
        ("research", "update troth_view_research_orders_groups set people = 4", "of fewer than 5 people"),
        (
            "research",
            "insert into troth_view_research_orders_groups values ('2020-01', 'sold', 3, 99)",
            "1 group of fewer than 5",
        ),
    ],
)
def test_each_way_to_spoil_a_view_is_told(world: World, purpose: str, statement: str, expected: str) -> None:
    make(wish(world))
    spoil(world, purpose, statement)

    verdict, told = judged(world)

    assert verdict == "broken"
    assert expected in told
    assert "@" not in told


def test_who_said_no_longer_ago_than_the_views_may_lag_must_not_be_in_them(world: World) -> None:
    wish(world)
    who = somebody_shown(world)
    make(world)
    with world.troth() as troth:
        troth.withdraw_consents([(f"id={who}", "analytics", NOW)])
    world.now = NOW + dt.timedelta(minutes=30)
    assert judged(world)[0] == "kept", "said half an hour ago; the views follow within an hour"

    make(world)
    buyer = world.ask("select min(user_id) from orders")[0][0]
    with world.troth() as troth:
        troth.object_to(f"id={buyer}", "research", at=NOW + dt.timedelta(minutes=1))
    verdict, told = judged(world)
    assert verdict == "broken"
    assert "1 person in them had not agreed, had objected or were restricted" in told


def test_a_role_that_may_read_the_views_alone_is_kept_and_one_that_may_read_more_is_broken(served: World) -> None:
    wish(served)
    make(served)
    assert "no role of the store is named" in judged(served)[1]
    wish(served, roles=True)
    engine = sqlalchemy.create_engine(served.address, isolation_level="AUTOCOMMIT")
    with engine.connect() as there, maker(served) as made:
        for role in ("shop_analyst", "shop_researcher"):
            there.exec_driver_sql(f"create role {role}")
        try:
            assert judged(served)[0] == "unproven", "the roles may read nothing yet"
            for plan in made.plans():
                for statement in making.grants(plan):
                    there.exec_driver_sql(statement)
            assert judged(served)[0] == "kept"
            there.exec_driver_sql("set role shop_analyst")
            count = there.exec_driver_sql("select count(*) from troth_view_analytics_click_events").scalar()
            assert count
            with pytest.raises(sqlalchemy.exc.ProgrammingError):
                there.exec_driver_sql("select count(*) from troth_may_analytics_customer")
            there.exec_driver_sql("reset role")

            there.exec_driver_sql("grant select on users to shop_analyst")
            verdict, told = judged(served)
            assert verdict == "broken"
            assert "role shop_analyst: may reach users, which is no view for analytics" in told
            there.exec_driver_sql("revoke select on users from shop_analyst")
            there.exec_driver_sql("create role shop_readers")
            there.exec_driver_sql("grant select on users to shop_readers")
            there.exec_driver_sql("grant shop_readers to shop_analyst")
            assert "role shop_analyst: may reach users, which is no view for analytics" in judged(served)[1]
            there.exec_driver_sql("drop owned by shop_readers")
            there.exec_driver_sql("drop role shop_readers")
            assert judged(served)[0] == "kept"
            there.exec_driver_sql("grant select (email) on users to public")
            assert judged(served)[0] == "broken"
        finally:
            there.exec_driver_sql("reset role")
            for role in ("shop_analyst", "shop_researcher"):
                there.exec_driver_sql(f"drop owned by {role}")
                there.exec_driver_sql(f"drop role {role}")
    engine.dispose()


def test_what_names_somebody_what_people_wrote_and_what_is_not_declared_is_left_out(world: World) -> None:
    with maker(wish(world)) as made:
        analytics, research = made.plans()
    left = {(each.table, each.column): each.why for each in (*analytics.left_out, *research.left_out)}
    assert left["searches", "query"] == "usage.search is what people wrote"
    assert left["reviews", "body"] == "communication.feedback is what people wrote"
    shown = {name for view in (*analytics.views, *research.views) for name in view.columns}
    assert shown.isdisjoint({"email", "user_id", "billing_name", "payment_token", "payment_last4", "ip", "os", "query"})
    assert {"kind", "target", "region", "rating", "total_cents"} <= shown


@pytest.mark.parametrize("category", ["contact.email", "profile.name", "device.ip", "payment.token", "health.record"])
def test_a_kind_of_data_that_names_somebody_is_never_shown(category: str) -> None:
    assert words.names_somebody(category)
    assert not words.names_somebody("usage.click")


def test_a_purpose_or_store_that_is_not_declared_is_told_with_the_nearest(world: World) -> None:
    wish(world)
    world.rewrite("troth.toml", '"research"', '"reserch"')
    with maker(world) as made, pytest.raises(UnknownName) as told:
        made.plans()
    assert "research" in told.value.diagnostics()
    wish(world)
    world.rewrite("troth.toml", 'store = "shop"', 'store = "show"')
    with maker(world) as made, pytest.raises(UnknownName):
        made.plans()
    (world.folder / "troth.toml").write_text("[views]\n")
    with maker(world) as made, pytest.raises(TrothError, match="no views are wanted yet"):
        made.plans()


def test_a_round_that_fails_leaves_the_views_as_they_were(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    make(wish(world))
    was = rows(world, "click_events")
    real = planning.Plan.groups

    def failing(plan: planning.Plan, view: planning.View) -> object:
        if view.table == "visits":
            raise sqlite3.OperationalError
        return real(plan, view)

    monkeypatch.setattr(planning.Plan, "groups", failing)
    monkeypatch.setattr(planning.Plan, "sha256", b"0" * 32)
    with pytest.raises(RecordsError):
        make(world)
    assert rows(world, "click_events") == was
    assert {path.name for path in (world.folder / "views").iterdir()} == {"analytics.db", "research.db"}


def test_rounds_follow_soon_after_a_word(world: World) -> None:
    wish(world)
    who, stop = somebody_shown(world), threading.Event()
    with maker(world) as made:
        thread = threading.Thread(target=making.keep_fresh, args=(partial(ViewMaker.at, made), stop))
        thread.start()
        try:
            until((world.folder / "views" / "research.db").exists)
            shown = len(rows(world, "click_events"))
            with world.troth() as troth:
                troth.withdraw_consent(f"id={who}", "analytics")
            until(lambda: shown - clicks_of(world, who) == len(rows(world, "click_events")))
        finally:
            stop.set()
            thread.join()


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def test_on_mariadb_too_a_role_that_may_read_more_than_the_views_is_broken(served_by_mariadb: World) -> None:
    shop = wish(served_by_mariadb, roles=True)
    make(shop)
    roles = ("shop_analyst", "shop_researcher")
    engine = sqlalchemy.create_engine(shop.address, isolation_level="AUTOCOMMIT")
    with engine.connect() as there, maker(shop) as made:
        try:
            for role in roles:
                there.exec_driver_sql(f"create role {role}")
            for plan in made.plans():
                for statement in making.grants(plan):
                    there.exec_driver_sql(statement)
            assert judged(shop)[0] == "kept", judged(shop)[1]
            there.exec_driver_sql("grant select on users to shop_analyst")
            verdict, told = judged(shop)
            assert verdict == "broken"
            assert "role shop_analyst: may reach users, which is no view for analytics" in told
        finally:
            for role in roles:
                there.exec_driver_sql(f"drop role if exists {role}")
    engine.dispose()
