"""Where the present moment comes from, so that rules take a time and never ask the machine.

An instant is aware and in UTC everywhere inside troth. Calendar days in a person's or a controller's zone
are computed in `troth.policy.law`, from instants.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from troth.errors import NaiveTimeError, TrothError


class Clock(Protocol):
    """Something that knows what time it is."""

    def now(self) -> datetime:
        """The present instant: aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock. It may step backwards: order of entries must never hang on it."""

    __slots__ = ()

    def now(self) -> datetime:
        return datetime.now(UTC)


def in_utc(moment: datetime) -> datetime:
    """The same instant in UTC.

    Raises: NaiveTimeError when `moment` has no time zone; TrothError when it lies outside the years 1 to 9999 there.
    """
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise NaiveTimeError
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise TrothError("this time lies outside of the years 1 to 9999 in UTC") from None


def stamp(moment: datetime) -> str:
    """The instant as RFC 3339 text in UTC with microseconds and `Z`: the same width always, so that text order is
    time order.

    Raises: NaiveTimeError when `moment` has no time zone.
    """
    utc = moment if moment.tzinfo is UTC else in_utc(moment)
    return f"{utc.isoformat(timespec='microseconds')[:26]}Z"  # a third of what a format string takes
