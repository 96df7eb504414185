"""Lengths of time in calendar terms: the end of February, of years, of summer time."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.policy import periods

BERLIN = ZoneInfo("Europe/Berlin")
instants = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2090, 1, 1), timezones=st.just(dt.UTC))
lengths = st.builds(
    periods.Duration, st.integers(0, 130), st.sampled_from(["hour", "day", "week", "month", "year"])
)  # a hundred and thirty years at most


def noon(day: str, zone: dt.tzinfo = dt.UTC) -> dt.datetime:
    return dt.datetime.combine(dt.date.fromisoformat(day), dt.time(12), zone)


@pytest.mark.parametrize(
    ("text", "begun", "ended"),
    [
        pytest.param("4 years", "2028-02-29", "2032-02-29", id="from leap day to leap day"),
        pytest.param("12 months", "2027-02-28", "2028-02-28", id="into a leap year: the same date, not the last"),
        pytest.param("13 months", "2026-12-31", "2028-01-31", id="over two ends of a year"),
        pytest.param("365 days", "2028-02-29", "2029-02-28", id="days as they come"),
        pytest.param("366 days", "2027-12-31", "2028-12-31", id="a leap year has 366 days"),
        pytest.param("1 week", "2028-02-26", "2028-03-04", id="a week over a leap day"),
    ],
)
def test_a_period_ends_by_the_calendar(text: str, begun: str, ended: str) -> None:
    assert periods.parse(text).after(noon(begun)) == noon(ended)


@pytest.mark.parametrize(
    ("text", "begun", "last"),
    [
        pytest.param("1 year", "2028-02-29", "2029-02-28", id="a leap day has no anniversary: the last of February"),
        pytest.param("10 years", "2028-02-29", "2038-02-28", id="ten years of tax law from a leap day"),
        pytest.param("1 month", "2028-01-31", "2028-02-29", id="into February of a leap year"),
        pytest.param("1 month", "2027-01-31", "2027-02-28", id="into February"),
        pytest.param("2 months", "2027-12-31", "2028-02-29", id="over the end of a year into February"),
        pytest.param("1 month", "2027-05-31", "2027-06-30", id="into a month of thirty days"),
    ],
)
def test_where_the_month_has_no_such_day_the_last_hour_of_its_last_day_is_the_end(
    text: str, begun: str, last: str
) -> None:
    """Regulation 1182/71 Art. 3(2)(c)."""
    length, day = periods.parse(text), dt.date.fromisoformat(last)

    assert length.after(noon(begun)) == dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC)
    assert length.after_day(dt.date.fromisoformat(begun)) == day


@pytest.mark.parametrize("day", ["2027-03-27", "2027-10-30"], ids=["clocks go forward", "clocks go back"])
def test_days_keep_the_time_of_day_over_summer_time_and_hours_pass_as_they_pass(day: str) -> None:
    begun = noon(day, BERLIN)

    next_day = periods.parse("1 day").after(begun)
    hours = periods.parse("72 hours").after(begun)

    assert (next_day.hour, next_day.day) == (12, begun.day + 1)
    assert hours.astimezone(dt.UTC) - begun.astimezone(dt.UTC) == dt.timedelta(hours=72)
    assert periods.parse("72 hours").before(hours) == begun


def test_months_over_summer_time_keep_the_time_of_day() -> None:
    assert periods.parse("6 months").after(noon("2027-01-15", BERLIN)) == noon("2027-07-15", BERLIN)


near = st.timedeltas(dt.timedelta(days=-4), dt.timedelta(days=4))
DAYS = [noon("2027-01-01") + dt.timedelta(days=day) for day in range(430)]  # with a leap day
HOURS = (-25, -1, 1, 25, 49, 73)


@given(begun=instants, length=lengths, off=near)
def test_who_asks_by_the_age_of_rows_and_who_asks_row_by_row_say_the_same(
    begun: dt.datetime, length: periods.Duration, off: dt.timedelta
) -> None:
    assert agree(length, begun, length.after(begun) + off)


def test_they_say_the_same_at_every_end_of_a_month() -> None:
    for months in range(14):
        length = periods.Duration(months, "month")
        for begun in DAYS:
            assert all(agree(length, begun, length.after(begun) + dt.timedelta(hours=hours)) for hours in HOURS)


def test_what_began_later_never_ends_earlier() -> None:
    for months in range(1, 14):
        length = periods.Duration(months, "month")
        begun = [day + dt.timedelta(hours=hours) for day in DAYS for hours in (-12, 0, 11)]
        ends = [length.after(each) for each in begun]
        assert ends == sorted(ends)


def agree(length: periods.Duration, begun: dt.datetime, now: dt.datetime) -> bool:
    """Whether `before` and `after` say the same, whatever they say at the very instant of the end."""
    found, ended = begun < length.before(now), length.after(begun)
    return ended <= now if found else ended >= now


def test_the_cut_of_a_day_that_the_earlier_month_lacks_takes_in_that_whole_month() -> None:
    month, now = periods.parse("1 month"), noon("2027-03-31")

    assert month.before(now) == dt.datetime(2027, 3, 1, tzinfo=dt.UTC)
    assert month.after(noon("2027-02-28") + dt.timedelta(hours=11)) < now
