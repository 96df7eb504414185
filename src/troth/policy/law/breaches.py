"""Who must be told of a breach by when, and what says so. The only place where such an instant is computed.

Counting, in order:

1. The clock starts when the company noticed the breach, whatever hour or day that is (EDPB Guidelines 9/2022); what is
   counted from telling people starts then.
2. Hours are counted as they pass. That is the careful side of Regulation 1182/71, which leaves out the first hour.
3. Calendar and business days end with the last day, in the controller's time zone.
4. "Without undue delay", "immediately": a law that gives no number gets the house's own limit, and `set_by` says so.
5. A duty that hangs on the risk stands until the risk was weighed: not knowing is no reason to wait.

Sources: GDPR Art. 33, 34, and the articles in `data/breaches.csv`. What waits for a second source is not in the table.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

from troth.policy.law.deadlines import WEEKENDS, SetBy
from troth.policy.law.laws import law as law_of
from troth.policy.law.telling import Risk, Role, Told
from troth.policy.law.working_days import WorkingCalendar


@dataclass(frozen=True, slots=True)
class BreachFacts:
    """What duties hang on. `people` None: not known yet. `grave`: special data, or somebody broke in."""

    noticed_at: dt.datetime
    role: Role = Role.CONTROLLER
    risk: Risk = Risk.UNKNOWN
    people: int | None = None
    grave: bool = False
    people_told_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class TellingDuty:
    """One duty to tell. `due` is the first instant that is too late."""

    law: str
    to: Told
    article: str
    due: dt.datetime
    set_by: SetBy
    says: str


@dataclass(frozen=True, slots=True)
class _Rule:
    law: str
    to: Told
    within: str
    article: str
    counts_from: str
    when: str
    house: str
    since: dt.date | None
    says: str


def telling_duties(
    facts: BreachFacts, laws: Iterable[str], *, calendar: WorkingCalendar = WEEKENDS
) -> tuple[TellingDuty, ...]:
    """Who must be told by when under these laws, the first due first. Laws that the table lacks give nothing.

    Raises: NaiveTimeError; UnknownName for a law that troth does not know.
    """
    found: list[TellingDuty] = []
    day = calendar.day_of(facts.noticed_at)
    for law_id in dict.fromkeys(laws):
        law = law_of(law_id)
        for rule in _rules():
            if rule.law != law_id or not _stands(rule, facts, day):
                continue
            start = facts.people_told_at if rule.counts_from == "people-told" else facts.noticed_at
            if start is None:
                continue
            due = _after(start, rule.within or rule.house, calendar)
            set_by = SetBy.LAW if rule.within else SetBy.HOUSE
            found.append(TellingDuty(law_id, rule.to, law.cite(rule.article), due, set_by, rule.says))
    return tuple(sorted(found, key=lambda each: each.due))


def _stands(rule: _Rule, facts: BreachFacts, day: dt.date) -> bool:
    if rule.since is not None and day < rule.since:
        return False
    if (facts.role is Role.PROCESSOR) != (rule.when == "processor"):
        return False
    match rule.when:
        case "risk":
            return facts.risk is not Risk.UNLIKELY
        case "high":
            return facts.risk is Risk.HIGH
        case "above-500":
            return facts.people is None or facts.people > 500
        case "grave":
            return facts.grave or facts.people is None or facts.people >= 1000
        case _:
            return True


_PERIOD = re.compile(r"([0-9]{1,3}) (hours|calendar days|business days)\Z")


def _after(start: dt.datetime, period: str, calendar: WorkingCalendar) -> dt.datetime:
    match = _PERIOD.match(period)
    assert match is not None, "the table of breaches names periods"
    count = int(match[1])
    if match[2] == "hours":
        return start.astimezone(dt.UTC) + dt.timedelta(hours=count)
    day = calendar.day_of(start)
    day = calendar.add_working(day, count) if match[2] == "business days" else day + dt.timedelta(days=count)
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), calendar.zone).astimezone(dt.UTC)


@cache
def _rules() -> tuple[_Rule, ...]:
    data = (resources.files("troth.policy.law") / "data" / "breaches.csv").read_text(encoding="utf-8")
    return tuple(
        _Rule(
            row["law"],
            Told(row["to"]),
            row["within"],
            row["article"],
            row["counts_from"],
            row["when"],
            row["house"],
            dt.date.fromisoformat(row["since"]) if row["since"] else None,
            row["says"],
        )
        for row in csv.DictReader(io.StringIO(data))
    )
