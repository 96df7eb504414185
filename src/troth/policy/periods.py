"""Lengths of time as a policy states them: `13 months`, `30 days`, `10 years`, `72 hours`."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass

from troth.errors import NaiveTimeError

_UNITS = ("hour", "day", "week", "month", "year")
_TEXT = re.compile(r"(?P<count>[0-9]{1,5})\s+(?P<unit>hour|day|week|month|year)s?\Z")


@dataclass(frozen=True, slots=True)
class Duration:
    """A length in calendar terms: a month is a month, not thirty days."""

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'' if self.count == 1 else 's'}"

    def before(self, instant: dt.datetime) -> dt.datetime:
        """The instant this long before `instant`; a day the month lacks becomes its last day.

        What began then or earlier has ended by `instant`, in the sense of `after`. At the end of a month that `after`
        shortens, some that has ended is found so only from the first of the next month on.
        """
        return self._shift(instant, -1)

    def after(self, instant: dt.datetime) -> dt.datetime:
        """The instant this long after `instant`; a day the month lacks becomes its last day."""
        return self._shift(instant, 1)

    def after_day(self, day: dt.date) -> dt.date:
        """The day this long after `day`."""
        return self.after(dt.datetime.combine(day, dt.time(), dt.UTC)).date()

    def _shift(self, instant: dt.datetime, sign: int) -> dt.datetime:
        if instant.tzinfo is None:
            raise NaiveTimeError
        if self.unit in ("month", "year"):
            months = sign * self.count * (12 if self.unit == "year" else 1)
            index = instant.year * 12 + instant.month - 1 + months
            year, month = divmod(index, 12)
            if not dt.MINYEAR <= year <= dt.MAXYEAR:
                return _end_of_time(sign, instant.tzinfo)
            last = calendar.monthrange(year, month + 1)[1]
            return instant.replace(year=year, month=month + 1, day=min(instant.day, last))
        hours = self.count * {"hour": 1, "day": 24, "week": 168}[self.unit]
        try:
            if self.unit == "hour":  # hours pass, also while clocks are put forward or back; days are of the calendar
                return (instant.astimezone(dt.UTC) + sign * dt.timedelta(hours=hours)).astimezone(instant.tzinfo)
            return instant + sign * dt.timedelta(hours=hours)
        except OverflowError:
            return _end_of_time(sign, instant.tzinfo)


def _end_of_time(sign: int, zone: dt.tzinfo) -> dt.datetime:
    """A period longer than the calendar ends with it."""
    if sign < 0:
        return dt.datetime(dt.MINYEAR, 1, 1, tzinfo=zone)
    return dt.datetime(dt.MAXYEAR, 12, 31, 23, 59, 59, tzinfo=zone)


def parse(text: str) -> Duration:
    """Read `13 months`; raises ValueError with the form that was expected."""
    match = _TEXT.match(text.strip())
    if match is None:
        raise ValueError(f'a number and a unit ({", ".join(_UNITS)}), such as "13 months"')
    return Duration(int(match["count"]), match["unit"])
