"""troth's own store ends its own rows on time, and runs by the clock do what the settings say."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tests.protection.keepershop import NOW, OFFICER, Shop, expected, found_shop, rows
from troth.entrypoints import watching
from troth.errors import DeclarationFaults
from troth.foundation import staff, verdicts
from troth.foundation.keys import Keyring
from troth.foundation.schedules import Daily, Every
from troth.foundation.store import Store
from troth.foundation.store.schema import metadata
from troth.policy import settings
from troth.policy.periods import Duration
from troth.protection import own_periods, retention, tidying
from troth.protection.words import Occasion, RunState
from troth.sections import load_tables


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return found_shop(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}")


def instance_of(shop: Shop, more: str = "") -> settings.Instance:
    with (shop.folder / "troth.toml").open("a") as file:
        file.write(more)
    return settings.read(shop.folder, shop.environ)


def test_every_own_period_is_of_a_table_and_a_column_that_there_is() -> None:
    load_tables()

    for each in own_periods.OWN:
        assert each.column in metadata.tables[each.table].c, each.table
        assert each.why


def test_rows_of_troths_own_go_when_their_time_is_up_and_not_before(shop: Shop) -> None:
    with Store.open(f"sqlite:///{shop.folder / 'troth.sqlite3'}") as store:
        keyring = Keyring.load(shop.folder, {})
        staff.issue_login_link(store, OFFICER, now=NOW)
        for days in (0, 1):
            with store.writing() as tx:
                report = {
                    "clauses": [],
                    "summary": {"kept": 0, "broken": 0, "unproven": 0},
                    "policy": {"hash": "0" * 64},
                }
                verdicts.record(tx, checked_at=NOW + dt.timedelta(days=days), report=report)
        with store.reading() as tx:
            assert list(own_periods.late(tx, NOW + dt.timedelta(days=1))) == []
        assert tidying.tidy(store, keyring, NOW + dt.timedelta(days=1)) == {}

        later = NOW + dt.timedelta(days=500)
        with store.reading() as tx:
            assert {each.table: n for each, n in own_periods.late(tx, later)} == {"staff_links": 1, "check_runs": 1}
        assert tidying.tidy(store, keyring, later) == {"staff_links": 1, "check_runs": 1}
        assert tidying.tidy(store, keyring, later) == {}

    assert shop.kinds().count("retention.own") == 1


def test_a_run_by_the_clock_ends_what_is_past_its_time_and_promises_the_next(shop: Shop) -> None:
    watching.end_on_time(instance_of(shop, '[retention]\nrun = "every 12 hours"\n'), shop.clock)

    assert shop.all() == expected()
    with shop.keeper() as keeper, keeper.office.store.reading() as tx:
        [run] = retention.latest(tx)
    assert (run.occasion, run.state) == (Occasion.SCHEDULE, RunState.DONE)
    assert run.due_at == NOW + dt.timedelta(hours=13)


def test_with_approval_a_run_by_the_clock_only_writes_down_its_plan(shop: Shop) -> None:
    instance = instance_of(shop, '[retention]\nrun = "daily 03:00"\napproval = true\n')
    for _ in range(2):
        watching.end_on_time(instance, shop.clock)

    assert shop.all() == {name: sorted(found, key=repr) for name, found in rows().items()}
    with shop.keeper() as keeper, keeper.office.store.reading() as tx:
        assert [run.state for run in retention.latest(tx)] == [RunState.WAITING]


@pytest.mark.parametrize(
    ("said", "when", "interval"),
    [
        ("daily 03:00", Daily, Duration(1, "day")),
        ("every 6 hours", Every, Duration(6, "hour")),
        ("every 1 week", Every, Duration(1, "week")),
    ],
)
def test_when_a_run_is_due_is_read_from_the_settings(shop: Shop, said: str, when: type, interval: Duration) -> None:
    instance = instance_of(shop, f'[retention]\nrun = "{said}"\n')

    assert isinstance(watching._when(instance, said), when)
    assert retention.interval(said) == interval


@pytest.mark.parametrize("said", ["nightly", "daily 25:00", "daily 3:00", "every day"])
def test_what_is_no_time_for_a_run_is_a_fault_of_the_settings(shop: Shop, said: str) -> None:
    with pytest.raises(DeclarationFaults):
        instance_of(shop, f'[retention]\nrun = "{said}"\n')
