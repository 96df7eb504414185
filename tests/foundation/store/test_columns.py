from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, func, select, text
from sqlalchemy.exc import StatementError

from troth.errors import NaiveTimeError, StoreError
from troth.foundation.roles import Role
from troth.foundation.store import Store
from troth.foundation.store.columns import Instant, OneOf

own = MetaData()
times = Table(
    "test_times", own, Column("id", Integer, primary_key=True), Column("at", Instant), Column("role", OneOf(Role))
)


@pytest.fixture
def times_store(each_store: Store) -> Store:
    with each_store.writing() as tx:
        own.create_all(tx)
    return each_store


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('shared') / 'troth.db'}") as store:
        with store.writing() as tx:
            own.create_all(tx)
        yield store


def test_an_instant_comes_back_aware_and_in_utc(times_store: Store) -> None:
    here = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=-5)))
    with times_store.writing() as tx:
        tx.execute(times.insert().values(at=here))
        back = tx.execute(select(times.c.at)).scalar_one()
        assert back == here
        assert back.tzinfo is UTC
        assert tx.execute(select(func.max(times.c.at))).scalar_one() == here
        assert tx.execute(select(times.c.id).where(times.c.at <= here)).scalar_one()
        assert tx.execute(select(times.c.id).where(times.c.at < here)).first() is None


@given(
    moments=st.lists(
        st.datetimes(timezones=st.timezones(), min_value=datetime(1900, 1, 2), max_value=datetime(9998, 1, 1)),
        max_size=5,
    )
)
def test_the_store_orders_instants_as_time_does(shared_store: Store, moments: list[datetime]) -> None:
    with shared_store.writing() as tx:
        tx.execute(times.delete())
        for moment in moments:
            tx.execute(times.insert().values(at=moment))
        assert list(tx.execute(select(times.c.at).order_by(times.c.at)).scalars()) == sorted(
            m.astimezone(UTC) for m in moments
        )


@pytest.mark.parametrize("wrong", [datetime(2026, 1, 1), "2026-01-01"])
def test_a_time_without_a_zone_does_not_get_in(times_store: Store, wrong: Any) -> None:
    with pytest.raises((NaiveTimeError, StatementError)) as caught, times_store.writing() as tx:
        tx.execute(times.insert().values(at=wrong))
    assert isinstance(caught.value, NaiveTimeError) or isinstance(caught.value.__cause__, NaiveTimeError)


def test_only_words_of_the_set_get_in_and_out(times_store: Store) -> None:
    class Other(StrEnum):
        KING = "king"

    with times_store.writing() as tx:
        tx.execute(times.insert().values(role=Role.AUDITOR))
        assert tx.execute(select(times.c.role)).scalar_one() is Role.AUDITOR
    with pytest.raises((ValueError, StatementError)), times_store.writing() as tx:
        tx.execute(times.insert().values(role=Other.KING))
    with pytest.raises(StoreError, match="does not know as Role"), times_store.writing() as tx:  # noqa: PT012 - the block is the promise
        tx.execute(text("UPDATE test_times SET role = 'king'"))
        tx.execute(select(times.c.role)).all()
