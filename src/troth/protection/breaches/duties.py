"""Which duties to tell stand in a breach: those of its laws, each done, excused with a reason, waiting, or late."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from troth.policy.law.breaches import TellingDuty, telling_duties
from troth.policy.law.deadlines import WEEKENDS
from troth.policy.law.working_days import WorkingCalendar
from troth.protection.breaches.reading import Breach
from troth.protection.breaches.words import Act


@dataclass(frozen=True, slots=True)
class Standing:
    """One duty and how it stands. `done_at` where it was told or excused; `excused` where a reason stands instead."""

    duty: TellingDuty
    done_at: dt.datetime | None
    excused: bool

    def is_late(self, now: dt.datetime) -> bool:
        """Whether it waits, and its time has passed."""
        return self.done_at is None and now >= self.duty.due

    @property
    def was_late(self) -> bool:
        """Whether it was done, and after its time."""
        return self.done_at is not None and not self.excused and self.done_at >= self.duty.due


def standing(breach: Breach, *, calendar: WorkingCalendar = WEEKENDS) -> tuple[Standing, ...]:
    """Every duty of the breach with how it stands, the first due first."""
    return tuple(_standing(breach, duty) for duty in telling_duties(breach.facts, breach.laws, calendar=calendar))


def _standing(breach: Breach, duty: TellingDuty) -> Standing:
    for each in breach.acts:
        if each.act in {Act.NOTIFIED, Act.EXCUSED} and each.law == duty.law and each.told is duty.to:
            return Standing(duty, each.at, each.act is Act.EXCUSED)
    return Standing(duty, None, excused=False)
