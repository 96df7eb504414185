"""The harness itself: a process dies where it is told to, and a second life finds what the first one committed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.killing import after_commit, before_commit, before_statement, every_commit, mortal, random_deaths


def count_to_five(arguments: dict[str, Any]) -> int:
    """Five transactions of one row each, going on where an earlier life stopped."""
    engine = sa.create_engine(f"sqlite:///{arguments['path']}")
    with engine.begin() as tx:
        tx.exec_driver_sql("create table if not exists counted (n integer primary key)")
    for n in range(1, 6):
        with engine.begin() as tx:
            tx.exec_driver_sql("insert or ignore into counted values (?)", (n,))
    return rows(arguments["path"])


def fail(_: dict[str, Any]) -> None:
    raise ValueError("on purpose")


def linger(arguments: dict[str, Any]) -> None:
    Path(arguments["path"]).touch()
    time.sleep(60)


def rows(path: str) -> int:
    with sa.create_engine(f"sqlite:///{path}").connect() as connection:
        return int(connection.exec_driver_sql("select count(*) from counted").scalar_one())


def test_a_life_ends_before_or_after_the_commit_it_is_told(tmp_path: Path) -> None:
    with mortal(count_to_five) as process:
        whole = process.live({"path": str(tmp_path / "whole")})
        assert (whole.done, whole.result, whole.commits) == (True, 5, 6)
        kept = []
        for n, death in enumerate(every_commit(whole)):
            path = str(tmp_path / f"killed-{n}")
            assert process.live({"path": path}, die=death).killed
            kept.append(rows(path) if n else None)
            assert process.live({"path": path}).result == 5
        assert kept == [None, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]


def test_random_deaths_end_in_one_whole_life(tmp_path: Path) -> None:
    with mortal(count_to_five) as process:
        whole = process.live({"path": str(tmp_path / "whole")})
        lives = process.until_done({"path": str(tmp_path / "a")}, random_deaths(10, within_s=whole.seconds / 4))
        assert lives.last.result == 5
        assert lives.kills > 0


def test_a_statement_can_be_the_last(tmp_path: Path) -> None:
    with mortal(count_to_five) as process:
        lives = process.until_done(
            {"path": str(tmp_path / "a")}, [before_commit(2), after_commit(2), before_statement(3)]
        )
        assert (lives.kills, lives.last.result) == (3, 5)


def test_what_the_function_raises_is_told_and_is_no_kill() -> None:
    with mortal(fail) as process:
        life = process.live({})
        assert not life.killed
        assert life.error is not None
        assert "on purpose" in life.error


def test_a_life_can_be_ended_from_outside(tmp_path: Path) -> None:
    with mortal(linger) as process:
        living = process.start({"path": str(tmp_path / "begun")})
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)
        assert living.kill().killed
