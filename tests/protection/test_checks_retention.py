"""3.2: no row outlives its period, each period has its reason, and the page shows the same."""

from __future__ import annotations

import pytest

from tests.shopworld import World, own_verdict
from tests.sites import LocalSite
from troth.foundation.proof import run_checks
from troth.policy import reading
from troth.protection.checks import retention


def judged(world: World) -> tuple[str, str]:
    return world.own("3.2a", retention.kept_too_long)


def test_the_example_company_keeps_nothing_too_long(world: World) -> None:
    verdict, told = judged(world)

    assert verdict == "kept"
    assert "protection.retention.usage: 3 tables" in told
    assert "none older than 13 months" in told


@pytest.mark.parametrize(
    ("table", "column", "limit", "table_told"),
    [
        ("searches", "at", "2025-10-22 06:00:00", "searches"),
        ("access_log", "at", "2026-08-24 06:00:00", "access_log"),
        ("messages", "sent_at", "2024-11-22 06:00:00", "messages"),
        ("orders", "placed_at", "2016-11-22 06:00:00", "orders"),
        ("users", "closed_at", "2026-10-23 06:00:00", "users"),
    ],
)
def test_a_row_is_too_old_from_the_moment_its_period_is_over(
    world: World, table: str, column: str, limit: str, table_told: str
) -> None:
    world.sql(f"update {table} set {column} = ? where id = 1", f"{limit}.000000")
    assert judged(world)[0] == "kept"

    world.sql(f"update {table} set {column} = ? where id = 1", f"{limit[:-8]}05:59:59.999999")

    verdict, told = judged(world)
    assert verdict == "broken"
    assert f"{table_told} in shop: 1 row older than" in told
    assert f"oldest from {limit[:10]}" in told


def test_a_table_that_does_not_say_when_time_began_is_unproven(world: World) -> None:
    world.rewrite("datamap.yaml", "        starts: {visit: seen_at}\n", "")

    verdict, told = judged(world)

    assert verdict == "unproven"
    assert "sessions in shop: holds usage.visit_time, and no column says when visit was" in told


def test_times_that_cannot_be_read_are_unproven(world: World) -> None:
    world.sql("update searches set at = 'long ago' where id = 1")

    verdict, told = judged(world)

    assert verdict == "unproven"
    assert "searches.at in shop: 1 row with no time that can be read" in told


def test_rows_that_would_never_end_are_unproven(world: World) -> None:
    world.sql("update searches set at = '2099-01-01 00:00:00' where id = 1")
    verdict, told = judged(world)
    assert verdict == "unproven"
    assert "searches.at in shop: its newest row is of 2099-01-01, which is still to come" in told


def test_rows_without_a_time_are_unproven_where_time_begins_with_the_row(world: World) -> None:
    world.sql("alter table searches add column seen_at text")
    world.sql("update searches set seen_at = at where id > 1")
    text = (world.folder / "datamap.yaml").read_text()
    begin = text.index("      searches:")
    (world.folder / "datamap.yaml").write_text(
        text[:begin] + text[begin:].replace("starts: {event: at}", "starts: {event: seen_at}", 1)
    )

    verdict, told = judged(world)

    assert verdict == "unproven"
    assert "searches.seen_at in shop: 1 row with no time at all" in told


def test_a_column_of_times_that_is_gone_is_unproven(world: World) -> None:
    world.sql("drop index ix_searches_at")
    world.sql("alter table searches drop column at")

    assert judged(world)[0] == "unproven"


def test_a_shop_without_rows_proves_nothing(world: World) -> None:
    with world.seen() as seen:
        tables = [table.name for table in seen.need_map().tables() if table.personal]
    for table in tables:
        world.sql(f"delete from {table}")

    verdict, told = judged(world)

    assert verdict == "unproven"
    assert "no row has begun to age" in told


def test_a_declared_kind_without_a_period_is_broken_and_an_undeclared_one_is_told_elsewhere(world: World) -> None:
    world.sql("alter table users add column gender text")
    world.rewrite(
        "datamap.yaml",
        "          email: contact.email\n",
        "          email: contact.email\n          gender: identity.gender\n",
    )
    assert judged(world)[0] == "kept"

    world.rewrite(
        "policy.yaml",
        "data: [account.username, contact.email",
        "data: [identity.gender, account.username, contact.email",
    )

    verdict, told = judged(world)
    assert verdict == "broken"
    assert "users in shop: holds identity.gender, for which no period is declared" in told


def test_rows_that_are_nobodys_have_done_their_duty_where_the_period_ends_in_anonymity(world: World) -> None:
    world.sql("update access_log set at = '2020-01-01 00:00:00.000000', user_id = null where id = 1")
    assert judged(world)[0] == "broken"

    world.rewrite("policy.yaml", "after: visit, keep: 90 days", "after: visit, keep: 90 days, then: anonymise")
    assert judged(world)[0] == "kept"

    world.sql("update access_log set user_id = 3 where id = 1")
    assert judged(world)[0] == "broken"


def test_the_same_is_seen_on_postgresql(served: World) -> None:
    assert judged(served)[0] == "kept"

    served.sql_served("update searches set at = '2025-10-22 05:59:59+00' where id = (select min(id) from searches)")

    verdict, told = judged(served)
    assert verdict == "broken"
    assert "searches in shop: 1 row older than 13 months; oldest from 2025-10-22" in told


def test_without_map_or_stores_nothing_is_kept(world: World) -> None:
    with world.seen() as seen:
        seen.records = None
        assert own_verdict(run_checks(seen.policy, [retention.kept_too_long], seen).of("3.2a")) == "unproven"
        seen.datamap = None
        assert own_verdict(run_checks(seen.policy, [retention.kept_too_long], seen).of("3.2a")) == "unproven"


# --- 3.2b ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        (", why: to find and stop attacks}", "}", "access-logs: gives no reason"),
        (", why: to find and stop attacks}", ', why: "  "}', "access-logs: gives no reason"),
        ("keep: 10 years, ground: tax-law}", "keep: 12 years, ground: tax-law}", "keeps for 12 years, and"),
        (
            "keep: 10 years, ground: tax-law}",
            "keep: 10 years, ground: tea-law}",
            '"tea-law", which the policy does not list',
        ),
    ],
)
def test_every_period_has_a_reason(world: World, before: str, after: str, word: str) -> None:
    assert world.own("3.2b", retention.period_without_reason)[0] == "kept"

    world.rewrite("policy.yaml", before, after)

    verdict, told = world.own("3.2b", retention.period_without_reason)
    assert verdict == "broken"
    assert word in told


def page_of(world: World, **changed: str) -> str:
    policy = reading.read(world.folder / "policy.yaml")
    rows = "".join(
        f'<tr id="period-{name}"><td>data</td><td>{changed.get(name.rpartition(".")[2], str(period.keep))}</td></tr>'
        for name, period in policy.periods.items()
    )
    return f"<html lang=en><table>{rows}</table>"


@pytest.fixture
def published(world: World, site: LocalSite) -> World:
    world.network, world.site = site.network(), site.settings()
    site.put("/privacy", page_of(world))
    return world


def test_the_page_shows_the_periods_that_are_kept_to(published: World) -> None:
    assert published.own("3.2b", retention.period_unpublished)[0] == "kept"


@pytest.mark.parametrize("shown", ["14 months", "3 months", "113 months", ""])
def test_a_page_with_another_period_breaks_the_sentence(published: World, site: LocalSite, shown: str) -> None:
    site.put("/privacy", page_of(published, usage=shown))

    verdict, told = published.own("3.2b", retention.period_unpublished)

    assert verdict == "broken"
    assert "protection.retention.usage" in told


def test_a_page_without_the_table_breaks_the_sentence(published: World, site: LocalSite) -> None:
    site.put("/privacy", "<p>for as long as necessary</p>")

    assert published.own("3.2b", retention.period_unpublished)[0] == "broken"


def test_a_hidden_row_is_not_shown(published: World, site: LocalSite) -> None:
    site.put("/privacy", page_of(published).replace("<table>", "<table hidden>"))

    assert published.own("3.2b", retention.period_unpublished)[0] == "broken"


def test_a_period_on_the_page_that_nobody_declared_breaks_the_sentence(published: World, site: LocalSite) -> None:
    site.put("/privacy", page_of(published) + '<p id="period-protection.retention.tea">1 year</p>')

    verdict, told = published.own("3.2b", retention.period_unpublished)

    assert verdict == "broken"
    assert "a period that the policy does not declare: protection.retention.tea" in told


def test_a_page_that_does_not_answer_proves_nothing(published: World, site: LocalSite) -> None:
    site.put("/privacy", "later", status=503)

    assert published.own("3.2b", retention.period_unpublished)[0] == "unproven"


def test_one_sentence_alone_answers_for_both(world: World) -> None:
    world.rewrite(
        "policy.yaml",
        "      b: The retention period depends on the purpose of the information and applicable legal requirements.\n",
        "",
    )

    found = world.report(retention.CHECKS)
    checks = {finding.check for each in found.sentences if each.number.startswith("3.2") for finding in each.findings}
    checks |= {evidence.check for each in found.sentences for evidence in each.evidence}

    assert checks == {check.id for check in retention.CHECKS if not check.may_be_silent}
