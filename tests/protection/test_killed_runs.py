"""Processes that end data on time are killed with SIGKILL, and started again: all of it goes, once, and is counted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.killing import Mortal, every_commit, mortal
from tests.protection.keepershop import NOW, Shop, expected, found_shop, rows
from tests.servers import fresh_database
from troth.protection import retention
from troth.protection.keeper import Keeper
from troth.protection.words import Occasion
from troth.testing import FixedClock

SOAK = os.environ.get("SOAK") == "true"
ENGINES = ("sqlite", "postgresql", "mariadb") if SOAK else ("sqlite", "postgresql")
DEATHS = 1000 if SOAK else 5


def end(arguments: dict[str, Any]) -> dict[str, Any]:
    """One life of a keeper: end what is past its time, two rows at a time."""
    from troth.foundation.records import walking

    walking.FIRST_PART, walking.SMALLEST, walking.LARGEST = 2, 1, 4
    keeper = Keeper.open(Path(arguments["folder"]), arguments["environ"], FixedClock(NOW))
    try:
        done = retention.run(keeper, Occasion.SCHEDULE)
    finally:
        keeper.close()
        keeper.office.store.close()
    return {"name": done.name, "counts": dict(done.counts["shop"]), "left": dict(done.left)}


@pytest.fixture(scope="module")
def process() -> Iterator[Mortal]:
    with mortal(end) as found:
        yield found


def told(shop: Shop) -> dict[str, Any]:
    return {"folder": str(shop.folder), "environ": shop.environ}


def require_whole(shop: Shop, result: dict[str, Any]) -> None:
    """Everything that was to go is gone, nothing else is, and the counts are those of the rows that really went."""
    before, after = rows(), shop.all()
    assert after == expected()
    assert result["left"] == {}
    for table, words in result["counts"].items():
        assert words.get("erased", 0) == len(before[table]) - len(after[table]), table
    kinds = [kind for kind in shop.kinds() if kind.startswith("retention.")]
    assert kinds == ["retention.intent", "retention.ended"]


@pytest.mark.parametrize("engine", ENGINES)
def test_killed_before_and_after_its_commits_a_run_ends_as_if_nothing_had_happened(
    request: pytest.FixtureRequest, tmp_path: Path, process: Mortal, engine: str
) -> None:
    counted = found_shop(tmp_path / "whole", _url(request, tmp_path / "whole", engine))
    whole = process.live(told(counted))
    assert whole.error is None, whole.error
    require_whole(counted, whole.result)
    deaths = list(every_commit(whole))

    folder = tmp_path / "killed"
    shop = found_shop(folder, _url(request, folder, engine))
    lives = process.until_done(told(shop), deaths[:: max(1, len(deaths) // DEATHS)])

    assert lives.kills >= 3
    assert lives.last.result["name"] == "retention-1"
    require_whole(shop, lives.last.result)


def _url(request: pytest.FixtureRequest, folder: Path, engine: str) -> str:
    folder.mkdir()
    if engine == "sqlite":
        return f"sqlite:///{folder / 'shop.db'}"
    fresh = fresh_database(request.getfixturevalue(f"{engine}_url"))
    request.addfinalizer(lambda: fresh.__exit__(None, None, None))
    return fresh.__enter__()
