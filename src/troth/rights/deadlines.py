"""By which day a request is answered: the shortest of the laws that the policy names, with its article.

Every day comes from `policy.law.deadlines`; here it is only asked for each law and the earliest is taken.

1. Of several laws, the earliest day that one sets in numbers governs; the house's own ten days where none does.
2. A longer answer is had only where every law that sets a number allows it, or would not be broken by it: so the
   earliest of the extended days governs, and a law that knows no extension keeps its own day.
3. The person must be told of it, with reasons, within the time that each law gives for that; later there is none.
4. Days on which the clock stood still count only for laws that stop it, so a shorter law goes on governing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from troth.policy.law import deadlines as law
from troth.policy.law.deadlines import Due, Pause, SetBy
from troth.policy.law.working_days import WorkingCalendar
from troth.policy.vocabulary import Right


def answer_due(
    laws: Sequence[str],
    right: Right,
    received: datetime,
    *,
    calendar: WorkingCalendar,
    confirmed: datetime | None = None,
    paused: Sequence[Pause] = (),
) -> Due:
    """The last day on which the answer is in time under all of `laws`; a refusal has the same day.

    Raises: NaiveTimeError, UnknownName.
    """
    dues = [
        law.response_due(received, each, right, calendar=calendar, verified=confirmed, paused=paused) for each in laws
    ]
    by_law = law.strictest(due for due in dues if due.set_by is SetBy.LAW)
    return by_law or law.strictest_response(received, laws, right, calendar=calendar)


def extended_due(
    laws: Sequence[str],
    right: Right,
    received: datetime,
    *,
    told: datetime,
    calendar: WorkingCalendar,
    confirmed: datetime | None = None,
    paused: Sequence[Pause] = (),
) -> Due | None:
    """The last day after an extension that the person is told of at `told`; None where no later day can be had.

    Raises: NaiveTimeError, UnknownName.
    """
    first = answer_due(laws, right, received, calendar=calendar, confirmed=confirmed, paused=paused)
    days: list[Due] = []
    for each in laws:
        plain = law.response_due(received, each, right, calendar=calendar, verified=confirmed, paused=paused)
        if plain.set_by is not SetBy.LAW:
            continue
        longer = law.extended_due(
            received, each, right, told=told, calendar=calendar, verified=confirmed, paused=paused
        )
        days.append(longer or plain)
    found = law.strictest(days)
    return found if found is not None and found.day > first.day else None


def acknowledge_due(laws: Sequence[str], right: Right, received: datetime, *, calendar: WorkingCalendar) -> Due | None:
    """The last day on which receipt can be confirmed, where a law asks for that; troth does it at once."""
    return law.strictest(law.acknowledge_due(received, each, right, calendar=calendar) for each in laws)
