from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.policy.law import deadlines as law
from troth.policy.law.deadlines import SetBy
from troth.policy.law.laws import known_laws
from troth.policy.law.working_days import WorkingCalendar
from troth.policy.vocabulary import Right
from troth.rights import deadlines

CALENDAR = WorkingCalendar()
RECEIVED = datetime(2026, 1, 31, 9, tzinfo=UTC)

many_laws = st.lists(st.sampled_from(known_laws()), min_size=1, max_size=5, unique=True)
instants = st.datetimes(min_value=datetime(2026, 7, 1), max_value=datetime(2031, 12, 31), timezones=st.just(UTC))


@given(laws=many_laws, right=st.sampled_from(list(Right)), received=instants)
def test_the_shortest_number_of_all_laws_governs(laws: list[str], right: Right, received: datetime) -> None:
    due = deadlines.answer_due(laws, right, received, calendar=CALENDAR)
    each = [law.response_due(received, one, right, calendar=CALENDAR) for one in laws]
    numbers = [one.day for one in each if one.set_by is SetBy.LAW]
    assert due.day == (min(numbers) if numbers else min(one.day for one in each))


@given(laws=many_laws, right=st.sampled_from(list(Right)), received=instants)
def test_an_extension_is_never_shorter_and_breaks_no_law(laws: list[str], right: Right, received: datetime) -> None:
    first = deadlines.answer_due(laws, right, received, calendar=CALENDAR)
    longer = deadlines.extended_due(laws, right, received, told=received, calendar=CALENDAR)
    if longer is None:
        return
    assert longer.day > first.day
    for one in laws:
        plain = law.response_due(received, one, right, calendar=CALENDAR)
        if plain.set_by is SetBy.LAW:
            may = law.extended_due(received, one, right, told=received, calendar=CALENDAR) or plain
            assert longer.day <= may.day


def test_hard_days() -> None:
    assert deadlines.answer_due(["gdpr"], Right.ACCESS, RECEIVED, calendar=CALENDAR).day == date(2026, 3, 2)
    assert deadlines.answer_due(["gdpr", "ccpa"], Right.ACCESS, RECEIVED, calendar=CALENDAR).day == date(2026, 3, 2)
    assert deadlines.answer_due(["ccpa"], Right.ACCESS, RECEIVED, calendar=CALENDAR).day == date(2026, 3, 17)
    assert deadlines.answer_due(["gdpr", "lgpd"], Right.ACCESS, RECEIVED, calendar=CALENDAR).day == date(2026, 2, 15)


def test_an_extension_that_is_told_of_too_late_is_none() -> None:
    told = RECEIVED + timedelta(days=10)
    found = deadlines.extended_due(["gdpr"], Right.ACCESS, RECEIVED, told=told, calendar=CALENDAR)
    assert found is not None
    assert found.day == date(2026, 4, 30)
    too_late = RECEIVED + timedelta(days=40)
    assert deadlines.extended_due(["gdpr"], Right.ACCESS, RECEIVED, told=too_late, calendar=CALENDAR) is None


def test_a_law_without_extension_keeps_its_day_beside_one_that_has_one() -> None:
    assert deadlines.extended_due(["gdpr", "lgpd"], Right.ACCESS, RECEIVED, told=RECEIVED, calendar=CALENDAR) is None


def test_the_clock_stands_still_only_where_a_law_stops_it() -> None:
    received = datetime(2026, 9, 1, 9, tzinfo=UTC)
    paused = [(received, received + timedelta(days=5))]
    plain = deadlines.answer_due(["uk-gdpr"], Right.ACCESS, received, calendar=CALENDAR)
    stopped = deadlines.answer_due(["uk-gdpr"], Right.ACCESS, received, calendar=CALENDAR, paused=paused)
    assert stopped.day > plain.day
    both = deadlines.answer_due(["gdpr", "uk-gdpr"], Right.ACCESS, received, calendar=CALENDAR, paused=paused)
    assert both.day == deadlines.answer_due(["gdpr"], Right.ACCESS, received, calendar=CALENDAR).day


def test_where_no_law_gives_a_number_the_house_sets_ten_days() -> None:
    due = deadlines.answer_due([], Right.ACCESS, RECEIVED, calendar=CALENDAR)
    assert (due.day, due.set_by) == (date(2026, 2, 10), SetBy.HOUSE)


@pytest.mark.parametrize("zone_hours", [-11, 0, 13])
def test_the_day_of_receipt_is_the_controllers(zone_hours: int) -> None:
    from datetime import timezone

    calendar = WorkingCalendar(timezone(timedelta(hours=zone_hours)))
    received = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
    expected = date(2026, 4, 30) if zone_hours <= 0 else date(2026, 5, 1)
    assert deadlines.answer_due(["gdpr"], Right.ACCESS, received, calendar=calendar).day == expected
