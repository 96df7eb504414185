"""Time in the ways that schemas write it: real types, ISO text, seconds or milliseconds since 1970, Julian days.

What has no zone is taken as UTC. What cannot be read is counted, never guessed.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

ISO = "____-__-__%"
"""What a text that may be a time looks like, as a pattern of SQL's LIKE."""

EARLIEST, LATEST = dt.datetime(1, 1, 2, tzinfo=dt.UTC), dt.datetime(9999, 12, 30, tzinfo=dt.UTC)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_JULIAN_EPOCH = 2_440_587.5  # 1970-01-01 in Julian days
_JULIAN = (1_700_000, 5_400_000)
_FIRST_EPOCH_SECOND = 10_000_000  # a smaller number is a year, a count or a number of days, not a time since 1970
_ISO_TEXT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))?\s?(Z|UTC|[-+]\d\d(?::?\d\d)?)?)?\s*\Z",
    re.IGNORECASE,
)
_PLAIN = frozenset({19, 26})  # letters in "2028-02-29 12:00:00" and in the same with microseconds


@dataclass(frozen=True, slots=True)
class Times:
    """What a column of times holds: how many rows have one, the ends, and how many values could not be read."""

    rows: int = 0
    oldest: dt.datetime | None = None
    newest: dt.datetime | None = None
    unreadable: int = 0

    def __add__(self, other: Times) -> Times:
        oldest = [each for each in (self.oldest, other.oldest) if each]
        newest = [each for each in (self.newest, other.newest) if each]
        return Times(
            self.rows + other.rows,
            min(oldest, default=None),
            max(newest, default=None),
            self.unreadable + other.unreadable,
        )


def read(value: Any, unit_s: float | None = None) -> dt.datetime | None:
    """`value` as an aware instant in UTC, or None where it is no time.

    `unit_s` is the length of one unit of a number, in seconds (0.001: milliseconds); told by its size when not given.
    """
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    if isinstance(value, (bytes, bytearray)):
        value = value.decode("ascii", "replace")
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return _of_number(float(value), unit_s)
    return None


def unit_of(smallest: float, largest: float) -> float | None:
    """The length in seconds of one unit of numbers in this range; None where they are no times."""
    if _JULIAN[0] <= smallest and largest <= _JULIAN[1]:
        return 86_400.0
    if largest < _FIRST_EPOCH_SECOND:
        return None
    for unit, limit in ((1.0, 1e11), (1e-3, 1e14), (1e-6, 1e17), (1e-9, 1e20)):
        if largest < limit:
            return unit
    return None


def number_at(instant: dt.datetime, unit_s: float) -> float:
    """`instant` as a number of units: the inverse of `read` for numbers."""
    seconds = (instant - _EPOCH).total_seconds()
    return seconds / 86_400 + _JULIAN_EPOCH if unit_s == 86_400.0 else seconds / unit_s


def _of_text(text: str) -> dt.datetime | None:
    found = _of_plain_text(text) if len(text) in _PLAIN else None
    if found is not None:
        return found
    match = _ISO_TEXT.match(text.strip())
    if match is None:
        return None
    day, clock, fraction, zone = match.groups()
    zone = "+00:00" if zone is None or zone.upper() in ("Z", "UTC") else zone
    digits = zone.replace(":", "")
    micro = ((fraction or "") + "000000")[:6]
    try:
        read_at = dt.datetime.fromisoformat(
            f"{day}T{(clock or '00:00:00') + (':00' if clock and len(clock) == 5 else '')}.{micro}"
            f"{digits[:3]}:{digits[3:] or '00'}"
        )
        return read_at.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def _of_plain_text(text: str) -> dt.datetime | None:
    """The form that nearly all have, without a zone, by the machine's own reader; None for any other."""
    if not (
        text[4] == text[7] == "-" and text[10] in " T" and text[13] == text[16] == ":" and text[19:20] in ("", ".")
    ):
        return None
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else None


def _of_number(number: float, unit_s: float | None) -> dt.datetime | None:
    unit_s = unit_s or unit_of(number, number)
    if unit_s is None:
        return None
    seconds = (number - _JULIAN_EPOCH) * 86_400 if unit_s == 86_400.0 else number * unit_s
    try:
        return _EPOCH + dt.timedelta(seconds=seconds)
    except OverflowError:
        return None
