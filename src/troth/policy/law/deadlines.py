"""Legal time: by which day a request must be answered, and what says so. The only place where such a day is computed.

Counting, in order:

1. The day of the event is the day it had in the controller's time zone, and is not counted itself.
   (Regulation 1182/71 Art. 3(1))
2. The event is the latest of those the law counts from: receipt, proof of identity, payment of a fee.
3. Months end on the same date of the later month, or on its last day where that date is missing. (Art. 3(2)(c))
   Days are counted as they come; business and working days only where the calendar calls them worked.
4. Days on which the clock stood still are added, where the law stops it.
5. A period of a law that says so ends on the next working day where it would end on a day off. (Art. 3(4))

A law that gives a duty and no number ("without delay"), a right that the law does not have, and a fact that is not
yet confirmed all get the house's own limit of ten days, and `Due.set_by` says so. The legal day is the limit, not the
plan: what a machine can do is done at once.

Sources: Regulation (EEC, Euratom) 1182/71 Art. 3 and the articles in `data/`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from troth.policy.law.laws import law as law_of
from troth.policy.law.provisions import Confidence, Handling, Law, Length, Limit, PeriodEnd, Start, Unit
from troth.policy.law.working_days import WorkingCalendar
from troth.policy.periods import Duration
from troth.policy.vocabulary import Right

HOUSE_LIMIT = Length(10, Unit.CALENDAR_DAY)
"""Within this a request is answered where no law gives a number; every number in `data/` is met by it."""

Pause = tuple[dt.datetime, dt.datetime]
"""From the moment a needed answer was asked of the person until it came."""

WEEKENDS = WorkingCalendar()
"""The calendar of a controller that named no table of holidays: UTC, Saturdays and Sundays off."""


class SetBy(StrEnum):
    """Whose limit a day is: a law's, or the house's own where the law gives no number."""

    LAW = "law"
    HOUSE = "house"


@dataclass(frozen=True, slots=True)
class Due:
    """The last day on which something is in time, and what says so. In time until that day ends in `zone`."""

    day: dt.date
    law: str
    article: str
    source: str
    length: Length
    set_by: SetBy
    zone: dt.tzinfo

    def ends(self) -> dt.datetime:
        """The instant at which it is too late: the beginning of the next day."""
        return dt.datetime.combine(self.day + dt.timedelta(days=1), dt.time(), self.zone)

    def is_past(self, now: dt.datetime) -> bool:
        """Whether `now` is too late. Raises NaiveTimeError when it has no time zone."""
        return WorkingCalendar(self.zone).day_of(now) > self.day


def response_due(
    received: dt.datetime,
    law: str,
    right: Right,
    *,
    calendar: WorkingCalendar = WEEKENDS,
    verified: dt.datetime | None = None,
    fee_paid: dt.datetime | None = None,
    paused: Sequence[Pause] = (),
) -> Due:
    """The last day on which the answer to a request is in time under one law; a refusal has the same day.

    `verified` and `fee_paid` count only where the law counts from them, `paused` only where it stops the clock.
    A right that the law does not have, or an answer without a number, is due within `HOUSE_LIMIT`.

    Raises: NaiveTimeError when a time has no zone; UnknownName for an unknown law.
    """
    read = law_of(law)
    entitlement = read.rights.get(right)
    limit = entitlement.handling.answer if entitlement else None
    start = _start(limit, received, verified, fee_paid, calendar)
    if entitlement is None or limit is None or not _is_law(read, limit, start):
        article = read.cite(limit.article if limit else "gives no such right")
        return _house(read, article, calendar.day_of(received), calendar)
    return _due(read, limit, limit.within or HOUSE_LIMIT, start, calendar, _stood_still(limit, paused, calendar))


def extended_due(
    received: dt.datetime,
    law: str,
    right: Right,
    *,
    told: dt.datetime | None = None,
    calendar: WorkingCalendar = WEEKENDS,
    verified: dt.datetime | None = None,
    fee_paid: dt.datetime | None = None,
    paused: Sequence[Pause] = (),
) -> Due | None:
    """The last day of an extended answer, counted with the first period as one; None where the law allows none.

    `told` is when the person was told of the extension with its reasons: too late, and there is no extension.
    Left out, the answer is what could still be had.

    Raises: NaiveTimeError, UnknownName.
    """
    read = law_of(law)
    handling = _handling(read, right)
    if handling is None or handling.extension is None or handling.answer.within is None:
        return None
    limit, extension = handling.answer, handling.extension
    start = _start(limit, received, verified, fee_paid, calendar)
    if extension.confidence is Confidence.CHECK or not _is_law(read, limit, start):
        return None
    still = _stood_still(limit, paused, calendar)
    last_notice = _last_day(start, extension.told_within, calendar, read.ends, still)
    if told is not None and calendar.day_of(told) > last_notice:
        return None
    whole = Length(handling.answer.within.count + extension.by.count, extension.by.unit)
    due = _due(read, limit, whole, start, calendar, still)
    return replace(due, article=read.cite(extension.article))


def extension_notice_due(
    received: dt.datetime, law: str, right: Right, *, calendar: WorkingCalendar = WEEKENDS
) -> Due | None:
    """The last day on which the person can be told of an extension; None where the law allows none."""
    read = law_of(law)
    handling = _handling(read, right)
    if handling is None or handling.extension is None or handling.extension.confidence is Confidence.CHECK:
        return None
    limit = Limit(handling.extension.told_within, handling.extension.article)
    return _limited(read, limit, received, calendar)


def acknowledge_due(
    received: dt.datetime, law: str, right: Right, *, calendar: WorkingCalendar = WEEKENDS
) -> Due | None:
    """The last day on which receipt of a request can be confirmed; None where the law does not ask for it."""
    read = law_of(law)
    handling = _handling(read, right)
    return _limited(read, handling.acknowledge if handling else None, received, calendar)


def appeal_due(received: dt.datetime, law: str, right: Right, *, calendar: WorkingCalendar = WEEKENDS) -> Due | None:
    """The last day on which an appeal against a refusal is answered; `received` is that of the appeal."""
    read = law_of(law)
    handling = _handling(read, right)
    return _limited(read, handling.appeal if handling else None, received, calendar)


def complaint_due(received: dt.datetime, law: str, *, calendar: WorkingCalendar = WEEKENDS) -> Due | None:
    """The last day of the company's first answer to a complaint; None where the law sets none on that day."""
    read = law_of(law)
    return _limited(read, read.complaint, received, calendar)


def strictest(dues: Iterable[Due | None]) -> Due | None:
    """The earliest of several days; of equal ones a law's before the house's, then the first named."""
    found = [due for due in dues if due is not None]
    return min(found, key=lambda due: (due.day, due.set_by is SetBy.HOUSE)) if found else None


def strictest_response(
    received: dt.datetime, laws: Sequence[str], right: Right, *, calendar: WorkingCalendar = WEEKENDS
) -> Due:
    """The earliest day that any of `laws` sets in numbers for the answer; the house's own limit where none does.

    Without any law the limit is what the policy promises by itself, and `Due.law` is empty.

    Raises: NaiveTimeError, UnknownName.
    """
    dues = [response_due(received, law, right, calendar=calendar) for law in laws]
    by_law = strictest(due for due in dues if due.set_by is SetBy.LAW)
    if by_law is not None or dues:
        return by_law or dues[0]
    day = _last_day(calendar.day_of(received), HOUSE_LIMIT, calendar, PeriodEnd.AS_COUNTED, 0)
    return Due(day, "", "the policy's own promise", "", HOUSE_LIMIT, SetBy.HOUSE, calendar.zone)


def _handling(law: Law, right: Right) -> Handling | None:
    entitlement = law.rights.get(right)
    return entitlement.handling if entitlement else None


def _is_law(law: Law, limit: Limit, day: dt.date) -> bool:
    """Whether the limit is a sure number that is law on `day`."""
    begun = limit.since is None or day >= limit.since
    return limit.within is not None and limit.confidence is Confidence.FIRM and begun and law.binds(day)


def _limited(law: Law, limit: Limit | None, received: dt.datetime, calendar: WorkingCalendar) -> Due | None:
    start = calendar.day_of(received)
    if limit is None or limit.within is None or not _is_law(law, limit, start):
        return None
    return _due(law, limit, limit.within, start, calendar)


def _start(
    limit: Limit | None,
    received: dt.datetime,
    verified: dt.datetime | None,
    fee_paid: dt.datetime | None,
    calendar: WorkingCalendar,
) -> dt.date:
    days = [calendar.day_of(received)]
    counted = limit.counted_from if limit else ()
    for start, instant in ((Start.VERIFIED, verified), (Start.FEE_PAID, fee_paid)):
        if instant is not None:
            day = calendar.day_of(instant)
            days.extend([day] if start in counted else [])
    return max(days)


def _due(law: Law, limit: Limit, length: Length, start: dt.date, calendar: WorkingCalendar, still: int = 0) -> Due:  # noqa: PLR0917 - all six are the rule
    day = _last_day(start, length, calendar, law.ends, still)
    return Due(day, law.id, law.cite(limit.article), law.source, length, SetBy.LAW, calendar.zone)


def _house(law: Law, article: str, start: dt.date, calendar: WorkingCalendar) -> Due:
    day = _last_day(start, HOUSE_LIMIT, calendar, PeriodEnd.AS_COUNTED, 0)
    return Due(day, law.id, article, law.source, HOUSE_LIMIT, SetBy.HOUSE, calendar.zone)


def _last_day(start: dt.date, length: Length, working: WorkingCalendar, ends: PeriodEnd, stood_still: int) -> dt.date:
    """The last day of `length` after `start`, which is not counted itself."""
    count: dict[Unit, Callable[[dt.date, int], dt.date]] = {
        Unit.CALENDAR_MONTH: _months_after,
        Unit.CALENDAR_DAY: lambda day, days: day + dt.timedelta(days=days),
        Unit.BUSINESS_DAY: working.add_working,
        Unit.WORKING_DAY: working.add_working,
    }
    last = count[length.unit](start, length.count) + dt.timedelta(days=stood_still)
    return working.on_or_after(last) if ends is PeriodEnd.NEXT_WORKING_DAY else last


def _months_after(day: dt.date, months: int) -> dt.date:
    return Duration(months, "month").after_day(day)


def _stood_still(limit: Limit, paused: Sequence[Pause], working: WorkingCalendar) -> int:
    """Whole days of the pauses, each counted once where pauses overlap; 0 where the law's clock does not stop."""
    still: set[dt.date] = set()
    for begun, ended in paused:
        day, last = working.day_of(begun), working.day_of(ended)
        while limit.stops and day < last:
            still.add(day)
            day += dt.timedelta(days=1)
    return len(still)
