"""Training: worlds that are kept, broken and unproven."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.policies import said
from tests.protection.registers import Desk, desk_in
from tests.protection.training.test_training import take
from troth.policy.protecting import TrainingSettings
from troth.policy.settings import Settings
from troth.protection.checks.training import training_overdue


@pytest.fixture
def trained(desk: Desk) -> Desk:
    take(desk, desk.person("dora"), 10)
    return desk


def test_everybody_trained_is_kept(trained: Desk) -> None:
    assert trained.verdict(training_overdue) == "kept"
    assert "1 of 1 accounts trained within 12 months" in said(trained.report(training_overdue))


def test_nobody_of_staff_or_no_store_is_unproven(desk: Desk) -> None:
    assert desk.verdict(training_overdue) == "unproven"
    assert desk.verdict(training_overdue, store=False) == "unproven"


def test_new_accounts_that_see_nothing_do_not_count_yet(trained: Desk) -> None:
    trained.person("newcomer", days=5)
    assert trained.verdict(training_overdue) == "kept"
    assert "1 new account without access" in said(trained.report(training_overdue))


def test_only_new_accounts_prove_nothing(desk: Desk) -> None:
    desk.person("newcomer", days=5)
    assert desk.verdict(training_overdue) == "unproven"


def dropped(desk: Desk) -> None:
    desk.sql("delete from trainings")


def run_out(desk: Desk) -> None:
    desk.clock.advance(dt.timedelta(days=366))


def cleared_by_hand(desk: Desk) -> None:
    person = desk.person("temp", days=1)
    desk.sql("update staff set cleared_until = '2030-01-01 00:00:00.000000' where id = :id", id=person)


def never_trained(desk: Desk) -> None:
    desk.person("old hand", days=31)


def dated_ahead(desk: Desk) -> None:
    desk.sql("update trainings set passed_at = '2028-01-01 00:00:00.000000', until = '2029-01-01 00:00:00.000000'")


def certified_by_hand(desk: Desk) -> None:
    person = desk.person("old hand", days=31)
    desk.sql(
        "insert into trainings (staff, course, passed_at, until, leaf) "
        "select :id, course, passed_at, until, leaf from trainings",
        id=person,
    )


def made_longer(desk: Desk) -> None:
    desk.sql("update trainings set until = '2029-01-01 00:00:00.000000'")


@pytest.mark.parametrize(
    "fault", [dropped, run_out, cleared_by_hand, never_trained, dated_ahead, certified_by_hand, made_longer]
)
def test_whoever_is_not_trained_breaks_it(trained: Desk, fault: Callable[[Desk], None]) -> None:
    fault(trained)
    assert trained.verdict(training_overdue) == "broken"
    assert "dora" not in said(trained.report(training_overdue))


def test_a_closed_account_does_not_count(trained: Desk) -> None:
    trained.person("left", days=400)
    trained.sql("update staff set disabled_at = '2026-01-01 00:00:00.000000' where name = 'left'")
    assert trained.verdict(training_overdue) == "kept"


def test_where_the_untrained_may_see_data_each_of_them_breaks_it(tmp_path: Path) -> None:
    with desk_in(tmp_path, Settings(training=TrainingSettings(required=False))) as desk:
        take(desk, desk.person("dora"), 10)
        desk.person("newcomer", days=1)
        assert desk.verdict(training_overdue) == "broken"
