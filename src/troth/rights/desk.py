"""What carrying out a right needs at hand: troth's own office, the settings, the data map and the company's stores."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from troth.policy.datamap import DataMap
from troth.policy.law.working_days import WorkingCalendar, read_holidays
from troth.use.company import OpenCompany
from troth.use.opening import Opened

if TYPE_CHECKING:
    from troth.policy.settings import RequestSettings
    from troth.rights.company_stores import Writers

_NO_MAP = DataMap("", {}, (), "")


@dataclass(frozen=True)
class Desk(OpenCompany):
    """One controller's desk for requests, for the time that one policy and one data map are in force.

    Without a data map there are no stores: requests are taken in and tracked, and staff carry them out.
    """

    @property
    def settings(self) -> RequestSettings:
        """How this company handles requests."""
        return self.instance.settings.requests

    @cached_property
    def calendar(self) -> WorkingCalendar:
        """The controller's days: its time zone, and the public holidays where the settings name a table.

        Raises: UnreadableFile, DeclarationFaults for a table with faults.
        """
        zone = zone_of(self.office.policy.controller.time_zone)
        table = self.settings.holidays
        return read_holidays(self.instance.folder / table, zone) if table else WorkingCalendar(zone)

    @cached_property
    def writers(self) -> Writers:
        """Connections for writing in the company's stores; only a destructive run takes one."""
        from troth.rights.company_stores import Writers

        return Writers(self)

    def close(self) -> None:
        """End the connections to the company's stores; troth's own store stays open."""
        super().close()
        if "writers" in self.__dict__:
            self.writers.close()


class DeskKeeper:
    """The desk of an instance that stands open for long: made anew when the policy or the file of the map changes."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._lock = threading.Lock()
        self._kept: tuple[object, Desk] | None = None

    def __call__(self) -> Desk:
        """The desk as of now. Raises as `Desk.of`."""
        office, instance = self._opened.lease.office, self._opened.instance
        state: object = None
        with suppress(OSError):
            facts = instance.map_file.stat()
            state = (facts.st_mtime_ns, facts.st_size)
        with self._lock:
            if self._kept is None or self._kept[0] != (office.policy.sha256, state):
                old = self._kept
                self._kept = ((office.policy.sha256, state), Desk.of(office, instance))
                if old is not None:
                    old[1].close()
            return self._kept[1]

    def close(self) -> None:
        """Close the desk, if one was made."""
        with self._lock:
            if self._kept is not None:
                self._kept[1].close()
                self._kept = None


def zone_of(name: str) -> tzinfo:
    """The time zone of that name; UTC for one that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
