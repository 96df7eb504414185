"""What is past its time goes, on every engine, in short parts, once, whoever dies; and what must stay stays."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from tests.protection.keepershop import ENGINES, MAP, NOW, OFFICER, Shop, ago, expected, found_shop, rows, url_of
from troth.errors import AccessDenied, GuardClosed, IndexMissing, LimitPassed, MapUnapproved, PlanChanged, WritingPaused
from troth.foundation.guards import pausing
from troth.policy import retention as rules
from troth.protection import plans, retention
from troth.protection.words import Occasion, RunState


@pytest.fixture(params=ENGINES)
def each_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    return found_shop(tmp_path, url_of(request, tmp_path, request.param))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return found_shop(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}")


def end(shop: Shop, **more: object) -> retention.Run:
    with shop.keeper() as keeper:
        return retention.run(keeper, Occasion.TERMINAL, **more)  # type: ignore[arg-type]


def test_what_is_past_its_time_goes_and_nothing_else(each_shop: Shop) -> None:
    before = each_shop.all()

    done = end(each_shop)

    after = each_shop.all()
    assert after == expected()
    assert done.state is RunState.DONE
    assert done.left == {}
    for table, words in done.counts["shop"].items():
        assert words.get("erased", 0) == len(before[table]) - len(after[table]), table
    assert each_shop.kinds()[-2:] == ["retention.intent", "retention.ended"]


def test_a_second_run_finds_nothing_and_is_recorded(each_shop: Shop) -> None:
    end(each_shop)

    again = end(each_shop)

    assert again.counts == {"shop": {}}
    assert each_shop.all() == expected()


def test_small_parts_end_the_same(each_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from troth.foundation.records import walking

    for name, most in (("FIRST_PART", 3), ("SMALLEST", 1), ("LARGEST", 3)):
        monkeypatch.setattr(walking, name, most)

    assert end(each_shop).left == {}

    assert each_shop.all() == expected()


def test_rows_that_others_move_while_their_table_is_gone_through_end_in_the_same_run(
    tmp_path: Path, postgresql_scratch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In PostgreSQL an update puts a row elsewhere: behind the end of the table as it was when the run began."""
    from troth.foundation.records import walking

    old = ago(days=400)
    shop = found_shop(tmp_path, postgresql_scratch)
    shop.sql(f"insert into visits select n, 1, '{old}', 'x' from generate_series(1000, 4000) as n")
    shop.sql("analyze visits")
    for name, most in (("FIRST_PART", 100), ("LARGEST", 100)):
        monkeypatch.setattr(walking, name, most)
    moved: list[int] = []

    def moving(_: object) -> None:
        left = shop.sql("select count(*) from visits where id >= 1000")[0][0]
        if 0 < left < 2500 and not moved:
            moved.append(left)
            shop.sql("update visits set ip = 'moved'")

    monkeypatch.setattr(retention.pausing, "require_running", moving)

    done = end(shop)

    assert moved
    assert done.left == {}
    assert shop.sql("select count(*) from visits where id >= 1000") == [(0,)]
    assert done.counts["shop"]["visits"]["erased"] == 20 + 3001 + 7  # the last are of an account that ends


def test_the_plan_counts_what_the_run_does_and_changes_nothing(shop: Shop) -> None:
    before = shop.all()

    with shop.keeper() as keeper:
        plan = plans.plan(keeper)

    assert shop.all() == before
    found = {step.table: step for step in plan.steps if step.do != "change"}
    changed = {step.table: step.n for step in plan.steps if step.do == "change"}
    assert changed == {"orders": 3}  # one of them goes, once its item has gone
    assert (found["visits"].do, found["visits"].n) == ("delete", 20)
    assert found["visits"].oldest is not None
    assert found["visits"].oldest.date() == ago(days=90, seconds=1).date()
    assert (found["customers"].do, found["customers"].n) == ("erase", 1)
    assert (found["reviews"].do, found["reviews"].n) == ("anonymise", 2)
    assert found["orders"].waits == 2  # one goes with its item, the other's item is younger
    assert [step.table for step in plan.steps].index("items") < [step.table for step in plan.steps].index("orders")
    assert "ada@" not in "\n".join(plan.words())
    json.dumps(plan.as_json())


def test_the_longest_of_periods_and_laws_holds(shop: Shop) -> None:
    with shop.keeper() as keeper:
        found = {rule.id: rule for rule in rules.rules(keeper.office.policy)}

    assert str(found["protection.retention.orders.tax-law"].keep) == "10 years"
    assert found["protection.retention.orders.tax-law"].data == ("transaction.purchase",)
    assert str(found["protection.retention.orders"].keep) == "3 years"
    assert "transaction.purchase" not in found["protection.retention.orders"].data


def test_the_hash_of_the_rules_is_of_what_is_carried_out_and_not_of_the_file(shop: Shop) -> None:
    with shop.keeper() as keeper:
        before = rules.sha256(rules.rules(keeper.office.policy))
    shop.rewrite("policy.yaml", "We keep data for as long", "We keep your data for as long")
    with shop.keeper() as keeper:
        assert rules.sha256(rules.rules(keeper.office.policy)) == before
    shop.rewrite("policy.yaml", "keep: 90 days", "keep: 91 days")
    with shop.keeper() as keeper:
        assert rules.sha256(rules.rules(keeper.office.policy)) != before


def test_what_has_no_rule_or_no_start_is_told_with_its_line_and_the_rest_goes(shop: Shop) -> None:
    shop.rewrite("policy.yaml", "usage.page, usage.click]", "usage.page]")
    shop.rewrite("datamap.yaml", "        columns: {at: usage.page}\n        starts: {visit: at}\n",
                 "        columns: {at: usage.page}\n")  # fmt: skip

    with shop.keeper() as keeper:
        faults = {(fault.what, str(fault.where)): fault for fault in plans.plan(keeper).faults}
    done = end(shop)

    assert set(faults) == {("no rule", "clicks.at in shop"), ("no start", "pages.at in shop")}
    lines = (shop.folder / "datamap.yaml").read_text().splitlines()
    assert "customer_id" in lines[faults["no rule", "clicks.at in shop"].line - 1]
    assert "visits" in done.counts["shop"]
    assert not {"clicks", "pages"} & {step["table"] for step in done.plan["steps"]}
    assert len([row for row in shop.all()["clicks"] if row[0] != 2]) == len([r for r in rows()["clicks"] if r[0] != 2])


def test_nothing_runs_without_an_approved_map_or_while_paused_or_above_the_limit(shop: Shop) -> None:
    before = shop.all()
    (shop.folder / "datamap.yaml").write_text(MAP + "# changed\n")
    with pytest.raises(MapUnapproved):
        end(shop)
    shop.approve()
    with shop.keeper() as keeper, keeper.office.store.writing() as tx:
        pausing.pause(tx, keeper.office.keyring, NOW)
    with pytest.raises(WritingPaused):
        end(shop)
    with shop.keeper() as keeper, keeper.office.store.writing() as tx:
        pausing.resume(tx, keeper.office.keyring, NOW)
    (shop.folder / "troth.toml").write_text('[store]\nurl = "sqlite:///troth.sqlite3"\n[retention]\nrow_limit = 5\n')
    with pytest.raises(LimitPassed, match="may touch 5"):
        end(shop)

    assert shop.all() == before
    assert "retention.intent" not in shop.kinds()


def test_a_pause_stops_a_run_between_two_parts_and_the_same_run_goes_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = iter(range(1000))

    def stop_at_the_ninth(store: object) -> None:
        if next(asked) == 9:
            raise WritingPaused

    with monkeypatch.context() as patched:
        patched.setattr(pausing, "require_running", stop_at_the_ninth)
        with pytest.raises(WritingPaused):
            end(shop)
    assert shop.all() != expected()

    done = end(shop)

    assert done.name == "retention-1"
    assert shop.all() == expected()
    assert done.counts["shop"]["visits"]["erased"] == 20 + 7  # seven more with the account that ended


def test_with_approval_a_run_waits_for_a_data_protection_officer(shop: Shop) -> None:
    with (shop.folder / "troth.toml").open("a") as file:
        file.write("[retention]\napproval = true\n")
    with shop.keeper() as keeper:
        waiting = retention.ask(keeper, Occasion.SCHEDULE)
        assert retention.ask(keeper, Occasion.SCHEDULE).id == waiting.id
    with pytest.raises(GuardClosed, match="approval"):
        end(shop)
    with pytest.raises(AccessDenied):
        end(shop, approved_by="ed")
    with pytest.raises(PlanChanged):
        end(shop, approved_by=OFFICER, plan_sha256="0" * 64)
    assert "retention.intent" not in shop.kinds()

    done = end(shop, approved_by=OFFICER, plan_sha256=waiting.plan_sha256)

    assert done.staff is not None
    assert shop.all() == expected()


def test_a_missing_index_is_refused_with_the_statement_that_makes_it(shop: Shop) -> None:
    shop.sql("drop index ix_items_order_id")

    with shop.keeper() as keeper, pytest.raises(IndexMissing, match='CREATE INDEX "troth_items_order_id'):
        plans.plan(keeper, few_rows=2)


def test_rows_counted_in_seconds_or_as_text_end_to_the_second(shop: Shop) -> None:
    limit = NOW - dt.timedelta(days=90)
    texts = {
        201: f"{limit - dt.timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}",
        202: f"{limit:%Y-%m-%dT%H:%M:%S}",
        203: f"{limit - dt.timedelta(seconds=1):%Y-%m-%d %H:%M:%S}Z",
        204: f"{limit - dt.timedelta(days=1):%Y-%m-%d}",
        205: f"{limit - dt.timedelta(hours=1):%Y-%m-%d %H:%M:%S}+00:00",  # another zone: a day longer, never shorter
        206: "some day",
        209: f"{limit:%Y-%m-%d}",  # which may be its last hour
    }
    for number, text in texts.items():
        shop.sql(f"insert into visits values ({number}, 1, '{text}', 'x')")
    shop.sql(f"insert into visits values (207, 1, {limit.timestamp() - 1}, 'x'), (208, 1, {limit.timestamp()}, 'x')")

    end(shop)

    assert [row[0] for row in shop.sql("select id from visits where id > 200 order by id")] == [202, 205, 206, 208, 209]


def test_the_store_of_a_company_learns_nothing_about_a_person_from_the_steps(each_shop: Shop) -> None:
    end(each_shop)

    steps = each_shop.sql("select request, step, counts from troth_step")
    assert {row[0] for row in steps} == {"retention-1"}
    assert all(row[1].startswith("retention ") for row in steps)
    assert "example.org" not in str(steps)
