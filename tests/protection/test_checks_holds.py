"""2.1f: what is kept past its time is kept by a hold that somebody answers for; 3.2: the keeper goes on keeping."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.policies import said
from tests.shopworld import NOW, World, above, own_verdict
from tests.sites import LocalSite
from troth.foundation import people, staff
from troth.foundation.guards import approvals
from troth.foundation.proof import run_checks
from troth.foundation.roles import Role
from troth.policy import reading
from troth.policy import retention as rules
from troth.policy.settings import RetentionSettings, Settings
from troth.protection import holds, retention
from troth.protection.checks import holds as hold_checks
from troth.protection.checks import keeper
from troth.protection.checks import retention as checks
from troth.protection.holds import Order
from troth.protection.keeper import Keeper
from troth.protection.words import HoldScope, Occasion
from troth.testing import FixedClock

OFFICER = "olga"
REVIEW = dt.date(2027, 5, 1)


@contextmanager
def keeper_of(world: World) -> Iterator[Keeper]:
    keeper = Keeper.open(world.folder, {"SHOP_DATABASE_URL": world.address}, FixedClock(world.now))
    try:
        yield keeper
    finally:
        keeper.close()
        keeper.office.store.close()


@pytest.fixture
def kept_world(world: World) -> World:
    """The example company with somebody who answers for things, and a keeper that runs every day."""
    with (world.folder / "troth.toml").open("a") as file:
        file.write('[retention]\nrun = "daily 03:00"\n')
    with keeper_of(world) as keeper:
        staff.add(keeper.office.store, OFFICER, Role.DPO, now=NOW)
        with keeper.office.store.writing() as tx:
            approvals.approve(tx, keeper.office.keyring, keeper.datamap, OFFICER, NOW)
    return world


def place(world: World, **more: object) -> None:
    with keeper_of(world) as keeper:
        holds.place(keeper, Order(**{"owner": OFFICER, "reason": "claim", "review": REVIEW, **more}))  # type: ignore[arg-type]


def run(world: World) -> None:
    with keeper_of(world) as keeper:
        retention.run(keeper, Occasion.SCHEDULE)


def own(world: World, statement: str) -> None:
    with sqlite3.connect(world.folder / "troth.sqlite3") as connection:
        connection.execute(statement)
    connection.close()


def judged(world: World) -> tuple[str, str]:
    return world.own("3.2a", checks.kept_too_long, keeper.keeper_stopped)


def test_rows_past_their_time_break_the_sentence_until_the_keeper_has_run(kept_world: World) -> None:
    kept_world.now += dt.timedelta(days=30)
    assert judged(kept_world)[0] == "broken"

    run(kept_world)

    verdict, told = judged(kept_world)
    assert verdict == "kept"
    assert "the last run began on 2026-12-22 and came to its end" in told


def test_between_two_runs_rows_may_be_as_late_as_the_last_run_is_old_and_no_later(kept_world: World) -> None:
    run(kept_world)
    kept_world.now += dt.timedelta(hours=24)
    at = NOW - dt.timedelta(days=90) + dt.timedelta(hours=12)
    kept_world.sql("update access_log set at = ? where id = 1", f"{at:%Y-%m-%d %H:%M:%S.%f}")
    assert judged(kept_world)[0] == "kept"

    kept_world.sql("update access_log set at = ? where id = 1", "2026-08-24 05:59:59.000000")
    assert judged(kept_world)[0] == "broken"


def test_a_keeper_that_stops_breaks_the_sentence(kept_world: World) -> None:
    run(kept_world)
    kept_world.now += dt.timedelta(hours=25, seconds=1)

    verdict, told = judged(kept_world)

    assert verdict == "broken"
    assert "the last run began on 2026-11-22, and the next was promised by 2026-11-23" in told


@pytest.mark.parametrize(
    ("statement", "verdict", "word"),
    [
        ("begun_at = '2026-11-22 05:00:00.000000'", "broken", "retention-1: is not what its entry in the ledger says"),
        ("ended_at = '2026-11-23 05:00:00.000000'", "broken", "retention-1: is not what its entry in the ledger says"),
        ("due_at = '2099-01-01 00:00:00.000000'", "unproven", "by settings the next was to begin by 2026-11-23"),
        ("due_at = null", "unproven", "by settings the next was to begin by 2026-11-23"),
    ],
)
def test_a_run_whose_record_was_changed_does_not_speak_for_the_keeper(
    kept_world: World, statement: str, verdict: str, word: str
) -> None:
    run(kept_world)
    own(kept_world, f"update retention_runs set {statement}")
    kept_world.now += dt.timedelta(days=2)

    with kept_world.seen() as seen:
        seen.settings = Settings(retention=RetentionSettings(run="daily 03:00"))
        found = run_checks(seen.policy, [keeper.keeper_stopped], seen).of("3.2a")

    assert own_verdict(found) == verdict
    assert word in said(found)


def test_a_run_once_a_year_does_not_make_a_period_a_year_longer(kept_world: World) -> None:
    run(kept_world)
    own(kept_world, "update retention_runs set due_at = '2030-01-01 00:00:00.000000'")
    kept_world.now += dt.timedelta(days=60)
    assert kept_world.own("3.2a", checks.kept_too_long)[0] == "broken"


def test_a_run_that_never_ended_breaks_the_sentence(kept_world: World) -> None:
    run(kept_world)
    own(
        kept_world,
        "update retention_runs set state = 'begun', ended_at = null, begun_at = '2026-11-01 00:00:00.000000'",
    )

    verdict, told = world_said = judged(kept_world)

    assert verdict == "broken", world_said
    assert "begun on 2026-11-01 and never ended" in told


@pytest.mark.parametrize(
    "order",
    [
        {"scope": HoldScope.RECORD, "place": "shop.searches=1"},
        {"scope": HoldScope.TABLE, "place": "shop.searches"},
        {"scope": HoldScope.CATEGORY, "place": "usage.search"},
    ],
)
def test_a_row_that_a_hold_keeps_is_not_kept_too_long(kept_world: World, order: dict[str, object]) -> None:
    kept_world.sql("update searches set at = '2020-01-01 00:00:00.000000' where id = 1")
    assert judged(kept_world)[0] == "broken"

    place(kept_world, **order)

    verdict, told = judged(kept_world)
    assert verdict == "kept"
    assert "1 row kept longer by a hold" in told


def test_a_hold_on_a_person_keeps_their_rows_and_nobody_elses(kept_world: World) -> None:
    kept_world.sql("update searches set at = '2020-01-01 00:00:00.000000' where id in (1, 2)")
    owners = [row[0] for row in kept_world.ask("select user_id from searches where id in (1, 2) order by id")]
    if owners[0] == owners[1]:
        kept_world.sql("update searches set user_id = (select max(id) from users) where id = 2")

    place(kept_world, scope=HoldScope.PERSON, known_by=(people.parse(f"id={owners[0]}"),))

    verdict, told = judged(kept_world)
    assert verdict == "broken"
    assert "searches in shop: 1 row older than 13 months" in told


def test_a_row_that_a_law_keeps_is_not_kept_too_long(kept_world: World) -> None:
    kept_world.rewrite(
        "policy.yaml", "after: order, keep: 10 years, ground: tax-law}", "after: order, keep: 1 month, why: x}"
    )
    kept_world.rewrite("policy.yaml", "review: 2027-10-01, keep: 10 years}", "review: 2027-10-01}")

    told = judged(kept_world)[1]

    assert "orders in shop" in told  # the token of the payment is not among what the law keeps
    assert "order_items in shop" not in told


# --- 2.1f -------------------------------------------------------------------------------------------------------------


def test_without_a_hold_nothing_is_told(world: World) -> None:
    found = world.report(hold_checks.CHECKS).of("2.1f")

    assert (found.findings, found.evidence) == ((), ())


def test_a_hold_with_an_owner_and_a_day_of_review_speaks_for_the_sentence(kept_world: World) -> None:
    place(kept_world, scope=HoldScope.TABLE, place="shop.searches", statute="tax-law")

    verdict, told = kept_world.own("2.1f", *hold_checks.CHECKS)

    assert verdict == "kept"
    assert "1 hold, each with its owner and its day of review" in told


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("update holds set review = '2026-11-21'", "hold 1: was to be looked at again by 2026-11-21"),
        ("update holds set owner = null", "hold 1: nobody answers for it"),
        (
            f"update staff set disabled_at = '2026-11-01 00:00:00.000000' where name = '{OFFICER}'",
            "hold 1: nobody answers",
        ),
        ("update holds set statute = 'tea-law'", "hold 1: the law that it names is not listed"),
        ("update holds set review = '2099-01-01'", "hold 1: is not what its entry in the ledger says"),
        ("update holds set lifted_at = placed_at", "hold 1: is not what its entry in the ledger says"),
    ],
)
def test_a_hold_that_nobody_looks_after_turns_this_sentence_and_those_above_alone(
    kept_world: World, statement: str, word: str
) -> None:
    place(kept_world, scope=HoldScope.RECORD, place="shop.orders=1")
    before = kept_world.verdicts()
    own(kept_world, statement)

    report = kept_world.report()

    after = {each.number: each.verdict.value for each in report.sentences}
    turned = {each for each in after if after[each] != before[each]}
    assert after["2.1f"] == "broken"
    assert turned - above(report, "2.1f") == {"2.1f"}
    assert word in said(report.of("2.1f"))


def test_a_hold_to_be_looked_at_again_in_seventy_years_is_unproven(kept_world: World) -> None:
    place(kept_world, scope=HoldScope.RECORD, place="shop.orders=1", review=dt.date(2099, 1, 1))

    verdict, told = kept_world.own("2.1f", *hold_checks.CHECKS)

    assert verdict == "unproven"
    assert "hold 1: is to be looked at again by 2099-01-01 only" in told


def test_a_lifted_hold_needs_nobody(kept_world: World) -> None:
    place(kept_world, scope=HoldScope.RECORD, place="shop.orders=1")
    with keeper_of(kept_world) as keeper:
        holds.lift(keeper, 1, OFFICER)
    own(kept_world, "update holds set review = '2020-01-01', owner = null")

    assert kept_world.report(hold_checks.CHECKS).of("2.1f").findings == ()


# --- 3.2b -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def published(kept_world: World, site: LocalSite) -> World:
    kept_world.network, kept_world.site = site.network(), site.settings()
    publish(kept_world, site)
    return kept_world


def publish(world: World, site: LocalSite, mark: str | None = None) -> None:
    found = rules.rules(reading.read(world.folder / "policy.yaml"))
    rows = "".join(f'<tr id="period-{rule.id}"><td>data</td><td>{rule.keep}</td></tr>' for rule in found)
    said_mark = rules.mark(found) if mark is None else mark
    site.put("/privacy", f'<html lang=en><table>{rows}</table><code id="periods-rules">{said_mark}</code>')


def test_the_page_the_rules_and_the_last_run_have_one_hash(published: World) -> None:
    run(published)

    verdict, told = published.own("3.2b", checks.period_unpublished)

    assert verdict == "kept"
    assert "the last run carried out the same rules" in told


@pytest.mark.parametrize("mark", ["0" * 16, "", "0{}"])
def test_a_page_made_from_other_rules_breaks_the_sentence(published: World, site: LocalSite, mark: str) -> None:
    publish(published, site, mark.format(rules.mark(rules.rules(reading.read(published.folder / "policy.yaml")))))

    verdict, told = published.own("3.2b", checks.period_unpublished)

    assert verdict == "broken"
    assert "made from other rules" in told


def test_a_run_by_other_rules_than_those_published_proves_nothing_unless_the_next_is_promised(
    published: World, site: LocalSite
) -> None:
    run(published)
    published.rewrite("policy.yaml", "after: visit, keep: 90 days", "after: visit, keep: 80 days")
    publish(published, site)

    verdict, told = published.own("3.2b", checks.period_unpublished)
    assert verdict == "kept"
    assert "the rules have changed since the last run; the next, by 2026-11-23, has them" in told

    own(published, "update retention_runs set due_at = null")

    verdict, told = published.own("3.2b", checks.period_unpublished)
    assert verdict == "unproven"
    assert "the last run carried out other rules than those published" in told
