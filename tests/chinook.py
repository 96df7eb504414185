"""Chinook, a public sample database, on each kind of store: real rows of made-up people that troth was not written for.

It is found through TROTH_REAL_DATA, the folder that holds `chinook/`. Fixtures: `chinook_url` runs a test on SQLite,
PostgreSQL and MariaDB; `chinook_sqlite_url` on SQLite alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from tests.servers import fresh_database

ENGINES = ("sqlite", "postgresql", "mariadb")


def chinook_folder() -> Path:
    folder = Path(os.environ.get("TROTH_REAL_DATA", "/nowhere")) / "chinook"
    if not folder.is_dir():
        pytest.skip("real data absent: chinook (TROTH_REAL_DATA names no folder that holds it)")
    return folder


def run_script(url: str, script: str) -> None:
    """Run a whole SQL script; PostgreSQL takes it in one piece, MariaDB statement by statement."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        cursor = connection.connection.cursor()
        whole = engine.dialect.name == "postgresql"
        for statement in [script] if whole else re.split(r";\s*\n", script):
            if statement.strip():
                cursor.execute(statement)
    engine.dispose()


def _without_database(script: str) -> str:
    return re.sub(r"^(DROP DATABASE|CREATE DATABASE|USE|\\c)\b.*$", "", script, flags=re.MULTILINE)


@pytest.fixture(scope="session")
def chinook_sqlite_url() -> str:
    return f"sqlite:///{chinook_folder() / 'chinook.sqlite'}"


@pytest.fixture(scope="session")
def chinook_postgresql_url(request: pytest.FixtureRequest) -> Iterator[str]:
    script = (chinook_folder() / "chinook.postgresql.sql").read_text(encoding="utf-8-sig")
    with fresh_database(request.getfixturevalue("postgresql_url")) as url:
        run_script(url, _without_database(script))
        run_script(url, "analyze")
        yield url


@pytest.fixture(scope="session")
def chinook_mariadb_url(request: pytest.FixtureRequest) -> Iterator[str]:
    script = (chinook_folder() / "chinook.mysql.sql").read_text(encoding="utf-8-sig")
    with fresh_database(request.getfixturevalue("mariadb_url")) as url:
        run_script(url, _without_database(script))
        yield url


@pytest.fixture(scope="session", params=ENGINES)
def chinook_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"chinook_{request.param}_url")
    return url
