"""A kept connection is asked whether it stands where that is in doubt, and never given out where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Engine

from troth.foundation import pooled


@pytest.fixture
def asked(postgresql_scratch: str) -> Iterator[tuple[Engine, list[str]]]:
    """An engine with one connection, and the times when that was asked whether it stands."""
    engine = sqlalchemy.create_engine(postgresql_scratch, pool_size=1, max_overflow=0)
    pooled.ask_when_in_doubt(engine)
    times: list[str] = []
    ping = engine.dialect.do_ping

    def noting(connection: Any) -> bool:
        times.append("asked")
        return ping(connection)

    dialect: Any = engine.dialect
    dialect.do_ping = noting
    yield engine, times
    engine.dispose()


def backend(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("select pg_backend_pid()").scalar_one())


def test_one_that_was_just_used_is_not_asked(asked: tuple[Engine, list[str]]) -> None:
    engine, times = asked

    assert len({backend(engine) for _ in range(5)}) == 1
    assert times == []


def test_one_that_rested_is_asked(asked: tuple[Engine, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    engine, times = asked
    first = backend(engine)
    monkeypatch.setattr(pooled, "REST_S", 0.0)

    assert backend(engine) == first
    assert times == ["asked"]


def test_one_that_the_server_ended_is_replaced_at_once(
    asked: tuple[Engine, list[str]], postgresql_scratch: str
) -> None:
    engine, times = asked
    first = backend(engine)
    other = sqlalchemy.create_engine(postgresql_scratch, poolclass=sqlalchemy.NullPool)
    with other.connect() as connection:
        connection.exec_driver_sql("select pg_terminate_backend(%s, 5000)", (first,))

    assert backend(engine) != first
    assert times == ["asked"], "its socket said that something had come"


def test_one_that_was_closed_here_is_replaced(asked: tuple[Engine, list[str]]) -> None:
    engine, _ = asked
    with engine.connect() as connection:
        first = connection.exec_driver_sql("select pg_backend_pid()").scalar_one()
        kept: Any = connection.connection.driver_connection
    kept.close()

    assert backend(engine) != first
