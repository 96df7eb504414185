"""`troth views`, as an operator types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.shopworld import World, before, founded, world
from tests.use.viewing import wish
from troth.use.views import commands

__all__ = ["before", "founded", "world"]


@pytest.fixture
def shop(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(world.folder)
    monkeypatch.setenv("SHOP_DATABASE_URL", world.address)
    return wish(world)


def run(*words: str, status: int = 0) -> str:
    result = CliRunner().invoke(commands.views, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.stdout
    return result.stdout


def test_views_are_planned_made_and_compared(shop: World) -> None:
    text = run("plan")
    assert "troth_view_analytics_click_events: person, day, kind, target" in text
    assert "left out: searches.query: usage.search is what people wrote" in text
    planned = json.loads(run("plan", "--format", "json"))
    assert [each["purpose"] for each in planned["purposes"]] == ["analytics", "research"]
    assert {each["smallest_group"] for each in planned["purposes"]} == {5}
    assert not (shop.folder / "views").exists(), "nothing is done by planning"
    assert "analytics: never made" in run("check", status=1)

    made = json.loads(run("create", "--format", "json"))["made"]
    assert [each["purpose"] for each in made] == ["analytics", "research"]
    assert f"analytics: 6 views, of {made[0]['people']} people who may be used for it now" in run("create")
    assert json.loads(run("check", "--format", "json"))["same"] is True

    shop.rewrite("policy.yaml", "data: [usage.click, usage.search, usage.interaction,", "data: [usage.interaction,")
    told = run("check", status=1)
    assert "missing, or with other columns: troth_view_analytics_click_events" in told
    run("create")
    run("check")


def test_the_file_of_a_purpose_is_closed_to_others_and_keeps_the_mode_that_was_given(shop: World) -> None:
    run("create")
    file = Path(shop.folder / "views" / "analytics.db")
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)
    run("create")
    assert file.stat().st_mode & 0o777 == 0o640
