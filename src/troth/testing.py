"""Stand-ins that tests of troth, and of software that uses troth, may rely on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from troth.foundation.clock import in_utc


class FixedClock:
    """A clock that stands still until it is told to move. It starts on 22 November 2026, 06:00 UTC, unless told
    otherwise.

    Raises: NaiveTimeError when it is set to a time without a zone.
    """

    def __init__(self, at: datetime | str = "2026-11-22T06:00:00+00:00") -> None:
        self._at = _instant(at)

    def now(self) -> datetime:
        return self._at

    def advance(self, by: timedelta) -> datetime:
        """Move forward (or back, when negative); gives the new present."""
        self._at += by
        return self._at

    def set(self, at: datetime | str) -> None:
        self._at = _instant(at)

    def __repr__(self) -> str:
        return f"FixedClock({self._at.astimezone(UTC).isoformat()})"


def _instant(at: datetime | str) -> datetime:
    return in_utc(datetime.fromisoformat(at) if isinstance(at, str) else at)
