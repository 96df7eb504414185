"""Which days count as working days for a controller, and in which time zone its days begin.

Without a table of public holidays only Saturdays and Sundays are days off. That is the careful side: a holiday can
only move a last day later. China also makes some weekend days working days, which can move it earlier: name a table
there. No holiday is invented here; a company names its own table in the settings:

    date,name,kind
    2026-12-25,Christmas Day,holiday
    2026-02-14,Working Saturday,working
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import dataclass
from pathlib import Path

from troth.errors import DeclarationFaults, Fault, NaiveTimeError
from troth.policy.documents import read_bytes, text_of

SATURDAY, SUNDAY = 5, 6
_KINDS = ("holiday", "working")
_COLUMNS = ("date", "name", "kind")


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """The days of one controller.

    `holidays` are days off beside the weekend, `working` weekend days that are worked; a day in both is worked.
    `weekend` holds weekdays as `date.weekday` counts them (Monday 0).
    """

    zone: dt.tzinfo = dt.UTC
    holidays: frozenset[dt.date] = frozenset()
    working: frozenset[dt.date] = frozenset()
    weekend: frozenset[int] = frozenset({SATURDAY, SUNDAY})

    def __post_init__(self) -> None:
        if len(self.weekend) >= 7:
            raise ValueError("a week without a working day has no working days to count")

    def day_of(self, instant: dt.datetime) -> dt.date:
        """The day of `instant` where the controller is. Raises NaiveTimeError when it has no time zone."""
        if instant.utcoffset() is None:
            raise NaiveTimeError(repair="Give the time with its zone, such as 2026-11-22T09:00:00+00:00.")
        return instant.astimezone(self.zone).date()

    def is_working(self, day: dt.date) -> bool:
        """Whether `day` is worked."""
        return day in self.working or (day.weekday() not in self.weekend and day not in self.holidays)

    def on_or_after(self, day: dt.date) -> dt.date:
        """`day` itself where it is worked, else the next day that is."""
        while not self.is_working(day):
            day += dt.timedelta(days=1)
        return day

    def add_working(self, day: dt.date, count: int) -> dt.date:
        """The `count`-th working day after `day`; `day` itself is not counted."""
        while count > 0:
            day += dt.timedelta(days=1)
            count -= self.is_working(day)
        return day


def read_holidays(path: Path, zone: dt.tzinfo = dt.UTC) -> WorkingCalendar:
    """The calendar of a table of public holidays (CSV with the columns date, name, kind).

    Raises UnreadableFile, or DeclarationFaults with every wrong line.
    """
    return parse_holidays(read_bytes(path), path.name, zone)


def parse_holidays(data: bytes, file: str, zone: dt.tzinfo = dt.UTC) -> WorkingCalendar:
    """The calendar from the bytes of such a table; see `read_holidays`."""
    rows = csv.DictReader(io.StringIO(text_of(data, file)))
    if tuple(rows.fieldnames or ()) != _COLUMNS:
        raise DeclarationFaults(
            [Fault(file, 1, 1, "", "these are not the columns of a holiday table.", expected=",".join(_COLUMNS))]
        )
    faults: list[Fault] = []
    days: dict[str, set[dt.date]] = {kind: set() for kind in _KINDS}
    for row in rows:
        day, kind = _day(row["date"]), row["kind"]
        if day is None:
            faults.append(
                Fault(
                    file,
                    rows.line_num,
                    1,
                    "date",
                    f'"{row["date"]}" is not a day.',
                    expected="a form such as 2026-12-25",
                )
            )
        elif kind not in _KINDS:
            faults.append(
                Fault(file, rows.line_num, 1, "kind", f'"{kind}" is not a kind of day.', expected=" or ".join(_KINDS))
            )
        else:
            days[kind].add(day)
    if faults:
        raise DeclarationFaults(faults)
    return WorkingCalendar(zone, frozenset(days["holiday"]), frozenset(days["working"]))


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat((text or "").strip())
    except ValueError:
        return None
