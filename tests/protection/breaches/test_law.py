"""Who must be told of a breach by when."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from troth.errors import NaiveTimeError, UnknownName
from troth.policy.law.breaches import BreachFacts, telling_duties
from troth.policy.law.deadlines import SetBy
from troth.policy.law.laws import known_laws
from troth.policy.law.telling import Risk, Role, Told
from troth.policy.law.working_days import WorkingCalendar

FRIDAY = dt.datetime(2026, 11, 20, 18, 5, tzinfo=dt.UTC)


def due(law: str, **facts: object) -> dict[str, str]:
    calendar = WorkingCalendar(ZoneInfo("Europe/Dublin"))
    found = telling_duties(BreachFacts(FRIDAY, **facts), [law], calendar=calendar)
    return {each.to.value: f"{each.due:%Y-%m-%dT%H:%M}" for each in found}


def test_the_authority_has_72_hours_over_a_weekend() -> None:
    [duty] = telling_duties(BreachFacts(FRIDAY), ["gdpr"])
    assert (duty.to, duty.due) == (Told.AUTHORITY, dt.datetime(2026, 11, 23, 18, 5, tzinfo=dt.UTC))
    assert (duty.article, duty.set_by) == ("GDPR Art. 33(1)", SetBy.LAW)


def test_the_72_hours_are_hours_where_clocks_change() -> None:
    before = dt.datetime(2026, 10, 24, 12, tzinfo=ZoneInfo("Europe/Dublin"))
    [duty] = telling_duties(BreachFacts(before), ["gdpr"], calendar=WorkingCalendar(ZoneInfo("Europe/Dublin")))
    assert duty.due - before.astimezone(dt.UTC) == dt.timedelta(hours=72)


@pytest.mark.parametrize(
    ("law", "facts", "expected"),
    [
        ("gdpr", {"risk": Risk.UNLIKELY}, {}),
        ("gdpr", {"risk": Risk.RISK}, {"authority": "2026-11-23T18:05"}),
        ("gdpr", {"risk": Risk.HIGH}, {"authority": "2026-11-23T18:05", "people": "2026-11-23T18:05"}),
        ("gdpr", {"role": Role.PROCESSOR}, {"controller": "2026-11-21T18:05"}),
        ("uk-gdpr", {"risk": Risk.RISK}, {"authority": "2026-11-23T18:05"}),
        ("pipl", {"risk": Risk.UNLIKELY}, {"authority": "2026-11-21T18:05"}),
        ("pipl", {}, {"authority": "2026-11-21T18:05", "people": "2026-11-21T18:05"}),
        ("lgpd", {"risk": Risk.RISK}, {"authority": "2026-11-26T00:00", "people": "2026-11-26T00:00"}),
        ("ccpa", {"people": 100}, {"people": "2026-12-21T00:00"}),
        ("fadp", {"risk": Risk.RISK}, {}),
        ("india", {}, {}),
        ("virginia", {}, {}),
        ("korea", {"people": 100, "risk": Risk.RISK}, {"people": "2026-11-23T18:05"}),
        ("korea", {"people": 100, "grave": True}, {"authority": "2026-11-23T18:05", "people": "2026-11-23T18:05"}),
        ("colorado", {}, {"people": "2026-12-21T00:00"}),
    ],
)
def test_each_law_has_its_clock(law: str, facts: dict[str, object], expected: dict[str, str]) -> None:
    assert due(law, **facts) == expected


def test_the_attorney_general_hears_within_15_days_of_the_people_when_they_are_many() -> None:
    told = dt.datetime(2026, 12, 1, 9, tzinfo=dt.UTC)
    assert due("ccpa", people=501, people_told_at=told)["authority"] == "2026-12-17T00:00"
    assert "authority" not in due("ccpa", people=500, people_told_at=told)
    assert "authority" not in due("ccpa", people=501)


def test_a_law_without_a_number_gets_the_houses_own_and_says_so() -> None:
    duties = telling_duties(BreachFacts(FRIDAY, risk=Risk.HIGH), ["gdpr"])
    assert {each.to: each.set_by for each in duties} == {Told.AUTHORITY: SetBy.LAW, Told.PEOPLE: SetBy.HOUSE}


def test_every_row_of_the_table_can_be_counted() -> None:
    for role in Role:
        facts = BreachFacts(FRIDAY.replace(year=2027), role, Risk.HIGH, 5_000, grave=True, people_told_at=FRIDAY)
        duties = telling_duties(facts, known_laws())
        assert list(duties) == sorted(duties, key=lambda each: each.due)
        assert all(each.says and each.article for each in duties)


def test_a_time_without_zone_and_a_law_that_is_none_are_told() -> None:
    with pytest.raises(NaiveTimeError):
        telling_duties(BreachFacts(FRIDAY.replace(tzinfo=None)), ["gdpr"])
    with pytest.raises(UnknownName, match='Did you mean "gdpr"'):
        telling_duties(BreachFacts(FRIDAY), ["gdrp"])
