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
        """The instant before which whatever began has ended by `instant`: `after` read backwards, to the instant.

        What began exactly then ends at `instant` at the earliest, so compare with `<`.
        """
        return self._shift(instant, -1)

    def after(self, instant: dt.datetime) -> dt.datetime:
        """The instant this long after `instant`. Where the month has no such day, the period ends with the last hour of
        the month's last day: at the first instant of the next month.

        Source: Regulation (EEC, Euratom) 1182/71 Art. 3(2)(c). What began later never ends earlier.
        """
        return self._shift(instant, 1)

    def after_day(self, day: dt.date) -> dt.date:
        """The last day of a period that runs from `day`; one that the month lacks becomes its last day."""
        end = self.after(dt.datetime.combine(day, dt.time(), dt.UTC)).date()
        whole_months = self.unit in ("month", "year")
        return end - dt.timedelta(days=1) if whole_months and end.day != day.day else end

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
            if instant.day > last:  # of 31-day months December is the last: the next one is of the same year
                return instant.replace(
                    year=year, month=month + 2, day=1, hour=0, minute=0, second=0, microsecond=0, fold=0
                )
            return instant.replace(year=year, month=month + 1)
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
