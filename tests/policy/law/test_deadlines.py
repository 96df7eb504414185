from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.errors import NaiveTimeError, UnknownName
from troth.policy.law import deadlines
from troth.policy.law.deadlines import SetBy
from troth.policy.law.laws import law
from troth.policy.law.provisions import Unit
from troth.policy.law.table import known_laws
from troth.policy.law.working_days import WorkingCalendar
from troth.policy.vocabulary import Right


def at(day: str, hour: int = 12, zone: dt.tzinfo = dt.UTC) -> dt.datetime:
    return dt.datetime.combine(dt.date.fromisoformat(day), dt.time(hour), zone)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        pytest.param("2026-01-31", "2026-03-02", id="31 January: 28 February is a Saturday, so Monday"),
        pytest.param("2027-01-31", "2027-03-01", id="31 January: 28 February is a Sunday, so Monday"),
        pytest.param("2025-01-31", "2025-02-28", id="31 January: 28 February, a Friday"),
        pytest.param("2028-01-31", "2028-02-29", id="31 January of a leap year: 29 February, a Tuesday"),
        pytest.param("2028-01-30", "2028-02-29", id="30 January of a leap year"),
        pytest.param("2024-01-29", "2024-02-29", id="29 January of a leap year"),
        pytest.param("2026-11-30", "2026-12-30", id="30 November: 30 December, a Wednesday"),
        pytest.param("2026-08-31", "2026-09-30", id="31 August: September has 30 days"),
        pytest.param("2026-12-15", "2027-01-15", id="over the year's end"),
        pytest.param("2026-12-31", "2027-02-01", id="31 December: 31 January is a Sunday, so Monday"),
        pytest.param("2026-03-14", "2026-04-14", id="same date, a Tuesday"),
        pytest.param("2026-04-16", "2026-05-18", id="16 May is a Saturday"),
        pytest.param("2028-02-29", "2028-03-29", id="29 February: same date"),
    ],
)
def test_a_month_ends_on_the_same_date_or_the_last_day_and_never_on_a_day_off(received: str, due: str) -> None:
    found = deadlines.response_due(at(received), "gdpr", Right.ACCESS)

    assert found.day == day(due)
    assert found.article == "GDPR Art. 12(3)"
    assert found.source.startswith("https://eur-lex.europa.eu/")
    assert found.set_by is SetBy.LAW


@pytest.mark.parametrize(
    ("name", "right", "received", "due"),
    [
        pytest.param("ccpa", Right.ACCESS, "2026-01-01", "2026-02-15", id="California 45 days, Sunday stays Sunday"),
        pytest.param("ccpa", Right.ERASURE, "2027-12-01", "2028-01-15", id="California 45 days over the year's end"),
        pytest.param("ccpa", Right.ACCESS, "2028-01-20", "2028-03-05", id="California 45 days over a leap day"),
        pytest.param("ccpa", Right.OBJECTION, "2026-03-02", "2026-03-23", id="California opt-out 15 business days"),
        pytest.param("pipl", Right.ERASURE, "2026-03-02", "2026-03-23", id="China 15 working days from a Monday"),
        pytest.param(
            "pipl", Right.RECTIFICATION, "2026-03-07", "2026-03-27", id="China 15 working days from a Saturday"
        ),
        pytest.param("pipl", Right.ACCESS, "2026-03-02", "2026-04-01", id="China 30 days by the standard"),
        pytest.param("lgpd", Right.ACCESS, "2026-02-20", "2026-03-07", id="Brazil 15 days"),
        pytest.param("fadp", Right.ACCESS, "2026-11-22", "2026-12-22", id="Switzerland 30 days"),
        pytest.param("pipeda", Right.ACCESS, "2026-01-31", "2026-03-02", id="Canada 30 days are not a month"),
        pytest.param("quebec", Right.ACCESS, "2026-06-01", "2026-07-01", id="Quebec 30 days"),
        pytest.param("virginia", Right.ACCESS, "2026-06-01", "2026-07-16", id="Virginia 45 days"),
        pytest.param("colorado", Right.ERASURE, "2026-06-01", "2026-07-16", id="Colorado 45 days"),
        pytest.param("connecticut", Right.ACCESS, "2026-06-01", "2026-07-16", id="Connecticut 45 days"),
        pytest.param("korea", Right.ACCESS, "2026-06-01", "2026-06-11", id="Korea 10 days"),
        pytest.param("uk-gdpr", Right.ACCESS, "2026-11-30", "2026-12-30", id="United Kingdom one month"),
    ],
)
def test_each_law_gives_its_own_last_day(name: str, right: Right, received: str, due: str) -> None:
    found = deadlines.response_due(at(received), name, right)

    assert (found.day, found.law, found.set_by) == (day(due), name, SetBy.LAW)


@pytest.mark.parametrize(
    ("name", "right"),
    [("japan", Right.ACCESS), ("india", Right.ACCESS), ("lgpd", Right.ERASURE), ("ccpa", Right.RESTRICTION)],
)
def test_where_the_law_gives_no_number_the_house_limit_of_ten_days_holds_and_says_so(name: str, right: Right) -> None:
    found = deadlines.response_due(at("2026-06-01"), name, right)

    assert (found.day, found.set_by, found.law) == (day("2026-06-11"), SetBy.HOUSE, name)


def test_a_right_that_the_law_lacks_is_not_cited_as_if_it_had_it() -> None:
    assert deadlines.response_due(at("2026-06-01"), "ccpa", Right.RESTRICTION).article == "CCPA gives no such right"


def test_the_day_of_receipt_is_the_day_at_the_controller() -> None:
    late_evening_in_utc = at("2026-11-29", 20)

    in_shanghai = WorkingCalendar(ZoneInfo("Asia/Shanghai"))
    in_new_york = WorkingCalendar(ZoneInfo("America/New_York"))

    assert deadlines.response_due(late_evening_in_utc, "korea", Right.ACCESS, calendar=in_shanghai).day == day(
        "2026-12-10"
    )
    assert deadlines.response_due(late_evening_in_utc, "korea", Right.ACCESS, calendar=in_new_york).day == day(
        "2026-12-09"
    )


def test_an_answer_is_in_time_until_the_last_hour_of_the_last_day_at_the_controller() -> None:
    zone = ZoneInfo("Europe/Berlin")
    due = deadlines.response_due(at("2026-11-10", 9, zone), "gdpr", Right.ACCESS, calendar=WorkingCalendar(zone))

    assert due.day == day("2026-12-10")
    assert not due.is_past(dt.datetime(2026, 12, 10, 23, 59, 59, tzinfo=zone))
    assert due.is_past(dt.datetime(2026, 12, 11, 0, 0, tzinfo=zone))
    assert due.ends() == dt.datetime(2026, 12, 10, 23, 0, tzinfo=dt.UTC)


def test_a_public_holiday_at_the_end_moves_the_day_and_one_in_between_does_not() -> None:
    calendar = WorkingCalendar(holidays=frozenset({day("2026-12-25"), day("2026-12-28"), day("2026-12-08")}))

    assert deadlines.response_due(at("2026-11-25"), "gdpr", Right.ACCESS, calendar=calendar).day == day("2026-12-29")
    assert deadlines.response_due(at("2026-11-10"), "gdpr", Right.ACCESS, calendar=calendar).day == day("2026-12-10")


def test_working_days_skip_holidays_and_count_worked_weekends() -> None:
    calendar = WorkingCalendar(
        holidays=frozenset({day("2026-03-04"), day("2026-03-05")}), working=frozenset({day("2026-03-07")})
    )

    assert deadlines.response_due(at("2026-03-02"), "pipl", Right.ERASURE, calendar=calendar).day == day("2026-03-24")


def test_receipt_is_confirmed_within_ten_business_days_in_california_only() -> None:
    friday = at("2026-01-02")

    found = deadlines.acknowledge_due(friday, "ccpa", Right.ACCESS)

    assert found is not None
    assert (found.day, found.article) == (day("2026-01-16"), "CCPA Regs § 7021(a)")
    assert deadlines.acknowledge_due(friday, "ccpa", Right.OBJECTION) is None
    assert [name for name in known_laws() if deadlines.acknowledge_due(friday, name, Right.ACCESS)] == ["ccpa"]


def test_an_extension_is_counted_from_receipt_with_the_first_period() -> None:
    gdpr = deadlines.extended_due(at("2026-01-31"), "gdpr", Right.ACCESS)
    ccpa = deadlines.extended_due(at("2026-01-01"), "ccpa", Right.ACCESS)
    canada = deadlines.extended_due(at("2026-01-01"), "pipeda", Right.ACCESS)

    assert gdpr is not None
    assert (gdpr.day, gdpr.article, str(gdpr.length)) == (day("2026-04-30"), "GDPR Art. 12(3)", "3 calendar months")
    assert ccpa is not None
    assert ccpa.day == day("2026-04-01")
    assert canada is not None
    assert (canada.day, canada.article) == (day("2026-03-02"), "PIPEDA s. 8(4)")


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("ccpa", Right.OBJECTION),
        ("pipl", Right.ACCESS),
        ("lgpd", Right.ACCESS),
        ("japan", Right.ACCESS),
        ("ccpa", Right.RESTRICTION),
    ],
)
def test_where_the_law_allows_no_extension_there_is_none(name: str, right: Right) -> None:
    assert deadlines.extended_due(at("2026-01-01"), name, right) is None
    assert deadlines.extension_notice_due(at("2026-01-01"), name, right) is None


def test_an_extension_told_too_late_is_none() -> None:
    received = at("2026-03-10")

    assert deadlines.extended_due(received, "gdpr", Right.ACCESS, told=at("2026-04-10", 23)) is not None
    assert deadlines.extended_due(received, "gdpr", Right.ACCESS, told=at("2026-04-11", 0)) is None
    notice = deadlines.extension_notice_due(received, "gdpr", Right.ACCESS)
    assert notice is not None
    assert notice.day == day("2026-04-10")


def test_the_british_month_begins_with_the_latest_of_receipt_identity_and_fee_and_the_european_with_receipt() -> None:
    received, verified, paid = at("2026-03-02"), at("2026-03-10"), at("2026-03-06")

    british = deadlines.response_due(received, "uk-gdpr", Right.ACCESS, verified=verified, fee_paid=paid)
    european = deadlines.response_due(received, "gdpr", Right.ACCESS, verified=verified, fee_paid=paid)

    assert british.day == day("2026-04-10")
    assert european.day == day("2026-04-02")


def test_the_british_clock_stands_still_while_the_person_is_asked_and_overlapping_questions_count_once() -> None:
    received = at("2026-03-02")
    paused = ((at("2026-03-05"), at("2026-03-10")), (at("2026-03-08"), at("2026-03-12")))

    assert deadlines.response_due(received, "uk-gdpr", Right.ACCESS, paused=paused).day == day("2026-04-09")
    assert deadlines.response_due(received, "gdpr", Right.ACCESS, paused=paused).day == day("2026-04-02")


def test_appeals_have_their_own_days() -> None:
    received = at("2026-06-01")
    days = {name: deadlines.appeal_due(received, name, Right.ACCESS) for name in known_laws()}

    assert {name: (due.day - day("2026-06-01")).days for name, due in days.items() if due} == {
        "virginia": 60,
        "colorado": 45,
        "connecticut": 60,
    }


def test_a_british_complaint_is_acknowledged_in_thirty_days_since_the_duty_is_law() -> None:
    after = deadlines.complaint_due(at("2026-06-19"), "uk-gdpr")

    assert deadlines.complaint_due(at("2026-06-18"), "uk-gdpr") is None
    assert after is not None
    assert (after.day, after.article) == (day("2026-07-20"), "DPA 2018 s. 164A")


def test_the_strictest_of_several_laws_counts_and_is_named() -> None:
    received = at("2026-06-01")

    assert deadlines.strictest_response(received, ("gdpr", "ccpa", "pipl"), Right.ERASURE).law == "pipl"
    assert deadlines.strictest_response(received, ("gdpr", "ccpa"), Right.ACCESS).law == "gdpr"
    assert deadlines.strictest_response(received, ("gdpr", "korea"), Right.ACCESS).law == "korea"


def test_a_law_without_a_number_does_not_shorten_another_laws_day() -> None:
    found = deadlines.strictest_response(at("2026-06-01"), ("japan", "gdpr"), Right.ACCESS)

    assert (found.law, found.set_by) == ("gdpr", SetBy.LAW)


def test_a_policy_without_laws_still_has_a_day() -> None:
    found = deadlines.strictest_response(at("2026-06-01"), (), Right.ACCESS)

    assert (found.day, found.law, found.set_by) == (day("2026-06-11"), "", SetBy.HOUSE)


@pytest.mark.parametrize("name", known_laws())
def test_a_time_without_a_zone_is_refused_under_every_law(name: str) -> None:
    naive = dt.datetime(2026, 6, 1, 12)

    with pytest.raises(NaiveTimeError):
        deadlines.response_due(naive, name, Right.ACCESS)
    with pytest.raises(NaiveTimeError):
        deadlines.acknowledge_due(naive, name, Right.ACCESS)


def test_a_naive_time_of_proof_is_refused_too() -> None:
    naive = dt.datetime(2026, 6, 1, 12)

    with pytest.raises(NaiveTimeError):
        deadlines.response_due(at("2026-06-01"), "gdpr", Right.ACCESS, verified=naive)
    with pytest.raises(NaiveTimeError):
        deadlines.strictest_response(naive, (), Right.ACCESS)


def test_an_unknown_law_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownName) as caught:
        deadlines.response_due(at("2026-06-01"), "gpdr", Right.ACCESS)

    assert 'Did you mean "gdpr"?' in str(caught.value)


def test_every_number_of_every_law_is_met_by_the_house_limit() -> None:
    received = at("2026-06-01")
    limit = received.date() + dt.timedelta(days=deadlines.HOUSE_LIMIT.count)

    for name in known_laws():
        for right in law(name).rights:
            assert deadlines.response_due(received, name, right).day >= limit, (name, right)


# --- what holds always ----------------------------------------------------------------------------------------

instants = st.datetimes(dt.datetime(2001, 1, 1), dt.datetime(2200, 1, 1), timezones=st.just(dt.UTC))
laws = st.sampled_from(known_laws())
rights = st.sampled_from(Right)
zones = st.sampled_from(
    [dt.UTC, ZoneInfo("Asia/Shanghai"), ZoneInfo("America/Los_Angeles"), ZoneInfo("Pacific/Auckland")]
)
calendars = st.builds(
    WorkingCalendar,
    zone=zones,
    holidays=st.frozensets(st.dates(dt.date(2001, 1, 1), dt.date(2200, 1, 1)), max_size=20),
)


@given(instants, laws, rights, calendars)
def test_no_answer_is_due_before_it_is_asked_for(
    received: dt.datetime, name: str, right: Right, calendar: WorkingCalendar
) -> None:
    due = deadlines.response_due(received, name, right, calendar=calendar)

    assert due.day > calendar.day_of(received)
    assert not due.is_past(received)
    assert due.is_past(due.ends())


@given(instants, instants, laws, rights, calendars)
def test_who_asks_later_is_never_answered_earlier(
    one: dt.datetime, other: dt.datetime, name: str, right: Right, calendar: WorkingCalendar
) -> None:
    first, second = sorted((one, other))

    before = deadlines.response_due(first, name, right, calendar=calendar)
    after = deadlines.response_due(second, name, right, calendar=calendar)

    assert before.day <= after.day


@given(instants, laws, rights, calendars)
def test_an_extension_only_ever_adds_time(
    received: dt.datetime, name: str, right: Right, calendar: WorkingCalendar
) -> None:
    longer = deadlines.extended_due(received, name, right, calendar=calendar)
    notice = deadlines.extension_notice_due(received, name, right, calendar=calendar)

    assert (longer is None) == (notice is None)
    if longer and notice:
        answer = deadlines.response_due(received, name, right, calendar=calendar)
        assert longer.day > answer.day >= notice.day


@given(instants, st.lists(laws, min_size=1, unique=True), rights)
def test_the_strictest_is_no_later_than_any_law_that_gives_a_number(
    received: dt.datetime, names: list[str], right: Right
) -> None:
    strictest = deadlines.strictest_response(received, names, right)

    dues = [deadlines.response_due(received, name, right) for name in names]
    assert all(strictest.day <= due.day for due in dues if due.set_by is SetBy.LAW)
    assert strictest in dues


@given(instants, rights, calendars)
def test_a_european_answer_is_never_due_on_a_day_off(
    received: dt.datetime, right: Right, calendar: WorkingCalendar
) -> None:
    assert calendar.is_working(deadlines.response_due(received, "gdpr", right, calendar=calendar).day)


@given(st.dates(dt.date(2001, 1, 1), dt.date(2200, 1, 1)), st.integers(1, 40), calendars)
def test_as_many_working_days_pass_as_were_asked_for(start: dt.date, count: int, calendar: WorkingCalendar) -> None:
    last = calendar.add_working(start, count)

    between = (start + dt.timedelta(days=n) for n in range(1, (last - start).days + 1))
    assert sum(calendar.is_working(each) for each in between) == count
    assert calendar.is_working(last)


def test_the_units_of_the_table_are_all_in_use_or_counted_alike() -> None:
    used = {
        handling.within.unit
        for name in known_laws()
        for e in law(name).rights.values()
        if (handling := e.handling.answer).within
    }

    assert used == set(Unit)
