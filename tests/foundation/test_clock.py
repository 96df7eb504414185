from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.errors import NaiveTimeError, TrothError
from troth.foundation.clock import SystemClock, in_utc, stamp
from troth.testing import FixedClock

moments = st.datetimes(
    timezones=st.timezones() | st.just(UTC), min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)
)


def test_the_machine_s_clock_gives_an_aware_instant_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


@given(moments, moments)
def test_stamps_sort_as_the_instants_do(one: datetime, other: datetime) -> None:
    assert len(stamp(one)) == 27
    assert (stamp(one) < stamp(other)) == (one.astimezone(UTC) < other.astimezone(UTC))


@given(moments)
def test_a_stamp_reads_back_as_the_same_instant(moment: datetime) -> None:
    assert datetime.fromisoformat(stamp(moment)) == in_utc(moment)


class _NoOffset(tzinfo):
    def utcoffset(self, _moment: datetime | None) -> timedelta | None:
        return None


@pytest.mark.parametrize("naive", [datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=_NoOffset())])
def test_a_time_without_a_zone_is_refused(naive: datetime) -> None:
    with pytest.raises(NaiveTimeError):
        in_utc(naive)
    with pytest.raises(NaiveTimeError):
        stamp(naive)
    with pytest.raises(NaiveTimeError):
        FixedClock(naive)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_time_that_has_no_year_in_utc_is_refused(text: str) -> None:
    with pytest.raises(TrothError, match="outside of the years"):
        in_utc(datetime.fromisoformat(text))


def test_a_fixed_clock_moves_only_when_told() -> None:
    clock = FixedClock("2026-03-29T02:30:00+02:00")
    before = clock.now()
    assert clock.now() == before == datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert clock.advance(timedelta(hours=1)) - before == timedelta(hours=1)
    clock.set(datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=8))))
    assert clock.now().tzinfo is UTC
