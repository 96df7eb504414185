"""The door for staff: each measure, what was looked at for it, when, and for how long that counts.

It shows the last check that was kept, and looks at nothing itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response

from troth.foundation.operations import Operation
from troth.foundation.web.guarding import Guard, Guarded, StaffRoute, guarded
from troth.foundation.web.pages import Ask

if TYPE_CHECKING:
    from troth.foundation.proof import Report, SentenceReport
    from troth.foundation.staff import Caller
    from troth.policy.model import Policy


@dataclass(frozen=True, slots=True)
class Look:
    """One thing that a probe looked at: what it saw, and until when that counts; None where it saw nothing to keep."""

    check: str
    where: str
    said: str
    verdict: str
    how: str = ""
    at: dt.datetime | None = None
    until: dt.datetime | None = None
    repair: str = ""


def routes(
    policy: Callable[[], Policy], report: Callable[[Ask], Report | None], path: str, guard: Guard
) -> tuple[tuple[str, str, Guarded], ...]:
    """(method, path, handler) of the page at `path`; `report` gives the last kept check, aged to the question."""
    return guarded(guard, Pages(policy, report, path.rpartition("/")[0]).routes(), path)


@dataclass(frozen=True, slots=True)
class Pages:
    """What the page is made of."""

    policy: Callable[[], Policy]
    report: Callable[[Ask], Report | None]
    console: str

    def routes(self) -> tuple[StaffRoute, ...]:
        """(method, path below the page's, page, operation)."""
        return (("GET", "", self.see, Operation.MEASURES_SEE),)

    def see(self, ask: Ask, caller: Caller) -> Response:  # noqa: ARG002 - the same for all who may
        """Every sentence that promises a measure, and the one that sums them up."""
        policy, report = self.policy(), self.report(ask)
        named = {each.number for each in policy.sentences if each.meaning.measure is not None}
        wanted = named | (_above(named, report) if report else set())
        shown = [each for each in report.sentences if each.number in wanted] if report else []
        return ask.page(
            "measures/list.html",
            console=self.console,
            title="Measures",
            checked_at=report.checked_at if report else None,
            measures=[(each, looks(each)) for each in shown],
        )


def looks(sentence: SentenceReport) -> list[Look]:
    """What was looked at for the sentence, what speaks against it first."""
    against = [
        Look(each.check, each.where, each.message, each.verdict.value, repair=each.repair) for each in sentence.findings
    ]
    seen = [
        Look(
            each.check, each.source, each.detail, "kept", each.grade.value, each.observed_at,
            each.observed_at + each.max_age,
        )
        for each in sentence.evidence
    ]  # fmt: skip
    return [*against, *seen]


def _above(numbers: set[str], report: Report) -> set[str]:
    """The sums right above, of which something was looked at for its own sake."""
    return {each.number for each in report.sentences if numbers & set(each.sums) and looks(each)}
