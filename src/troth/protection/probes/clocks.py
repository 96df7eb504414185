"""Eyes for clocks: how far a host's is from this machine's, and whether this machine's is kept by a time service.

Both are read, and neither is set. Which of two clocks is wrong shows here as little as the right time does.
"""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING

from troth.foundation.clock import SystemClock

if TYPE_CHECKING:
    from troth.foundation.network import Page
    from troth.foundation.observation import Observation

_ERROR = 5
_SIZE = 1024
_SECOND = dt.timedelta(seconds=1)


def gap(seen: Observation, host: str) -> dt.timedelta | None:
    """How far, at least, the clock by which `host` dates its answers is from this machine's; None without a date.

    What the way takes is not held against it, and neither is the age of an answer that a cache kept. Asked once a run.
    Raises NetworkUnreachable.
    """

    def ask() -> dt.timedelta | None:
        machine = SystemClock()  # certificates and dates go by it; a check's own moment may be another
        before = machine.now()
        page = seen.need_network().fetch(f"https://{host}/", headers={"Cache-Control": "no-cache"})
        return apart(page, before, machine.now())

    return seen.once(("clock", host), ask)


def apart(page: Page, before: dt.datetime, after: dt.datetime) -> dt.timedelta | None:
    """How far the `Date` of an answer, a whole second, lies outside the time in which it was asked for and came."""
    from email.utils import parsedate_to_datetime

    try:
        named = parsedate_to_datetime(page.header("date") or "")
        begin = named + dt.timedelta(seconds=int(page.header("age") or 0))
        return max(begin - after, before - (begin + _SECOND), dt.timedelta())
    except (ValueError, TypeError, OverflowError):
        return None


def is_kept() -> bool | None:
    """Whether the kernel says that a time service keeps this machine's clock; None where it cannot be asked.

    It says no some hours after the last word of such a service. A virtual machine whose clock its host keeps may never
    have heard one, so that no is no proof.
    """
    if sys.platform != "linux":
        return None
    import ctypes

    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_SIZE))  # modes 0: read
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _ERROR
