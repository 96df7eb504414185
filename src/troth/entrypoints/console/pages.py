"""The pages of the console. Each shows facts that others found; each belongs to an operation of the matrix."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from starlette.responses import Response

from troth.entrypoints.console import pictures
from troth.entrypoints.console.account import OwnAccount
from troth.entrypoints.console.colleagues import Colleagues
from troth.entrypoints.reports.json import to_report
from troth.foundation import operations, staff, verdicts
from troth.foundation.guards import approvals
from troth.foundation.operations import Operation
from troth.foundation.proof import Report, Verdict
from troth.foundation.web.guarding import Guarded, StaffRoute, carry_out, guarded
from troth.foundation.web.pages import Ask
from troth.protection import ending
from troth.rights import lists

if TYPE_CHECKING:
    from troth.entrypoints.console.door import Door
    from troth.foundation.staff import Caller
    from troth.foundation.store import Store
    from troth.policy.datamap import DataMap
    from troth.policy.model import Policy

HISTORY = dt.timedelta(days=90)
_SEEN_BY = {
    ending.Kind.ATTESTATION: Operation.ATTESTATIONS_SEE,
    ending.Kind.ASSESSMENT: Operation.ASSESSMENTS_SEE,
    ending.Kind.TRAINING: Operation.TRAINING_SEE,
    ending.Kind.HOLD: Operation.HOLDS_SEE,
    ending.Kind.RECIPIENT: Operation.RECIPIENTS_SEE,
    ending.Kind.STATUTE: Operation.POLICY_SEE,
    ending.Kind.BALANCE: Operation.POLICY_SEE,
    ending.Kind.KEY: Operation.LEDGER_SEE,
}
"""Who sees on the page of today that it ends: those who see it where it stands."""


@dataclass(frozen=True)
class Console:
    """What the pages are made of. `policy` and `datamap` give the files as they are now."""

    door: Door
    policy: Callable[[], Policy]
    datamap: Callable[[], DataMap | None]

    def routes(self) -> tuple[tuple[str, str, Guarded], ...]:
        """(method, path below the console's, handler) of every page that is the console's own."""
        own = OwnAccount(self.door, self.policy().controller.name)
        pages = (*self._routes(), *own.routes(), *Colleagues(self.door).routes())
        return (*self.door.routes(), *guarded(self.door.guard, pages, ""))

    @property
    def store(self) -> Store:
        return self.door.store

    def _routes(self) -> tuple[StaffRoute, ...]:
        return (
            ("GET", "", self.today, Operation.SENTENCES_SEE),
            ("GET", "/sentences", self.sentences, Operation.SENTENCES_SEE),
            ("GET", "/sentences/{number}", self.sentence, Operation.SENTENCES_SEE),
            ("GET", "/map", self.map, Operation.MAP_SEE),
            ("POST", "/map/approve", self.approve_map, Operation.MAP_APPROVE),
            ("GET", "/policy", self.words, Operation.POLICY_SEE),
        )

    # --- what there is to see ---------------------------------------------------------------------------------

    def today(self, ask: Ask, caller: Caller) -> Response:
        report, within = self.report(ask), self.door.instance.settings.schedule.remind
        with self.store.reading() as tx:
            ends = ending.soon(tx, self.policy(), ask.now, within) if within is not None else ()
            since = verdicts.standing(tx)
            turns = [turn for turn in verdicts.turns(tx, limit=12) if turn.was is not None]
            runs = [pictures.Run(*run) for run in verdicts.daily_counts(tx, ask.now - HISTORY)]
            waiting = lists.count(tx, ask.now) if operations.may(caller.role, Operation.REQUESTS_SEE) else None
        broken = [s for s in report.sentences if s.verdict is Verdict.BROKEN and s.findings] if report else []
        return ask.page(
            "console/today.html",
            title=_headline(report),
            report=report,
            waiting=waiting,
            broken=broken,
            since=since,
            turns=turns,
            runs=runs[-20:],
            ends=[each for each in ends if operations.may(caller.role, _SEEN_BY[each.kind])],
            within=within,
            history=pictures.history(runs),
            here=self.door.here,
            Verdict=Verdict,
        )

    def sentences(self, ask: Ask, caller: Caller) -> Response:  # noqa: ARG002 - the same for all who may
        report = self.report(ask)
        wanted = ask.request.query_params.get("verdict", "")
        shown = [s for s in report.sentences if not wanted or s.verdict.value == wanted] if report else []
        return ask.page(
            "console/sentences.html",
            title="Sentences",
            report=report,
            shown=shown,
            wanted=wanted,
            here=self.door.here,
            Verdict=Verdict,
        )

    def sentence(self, ask: Ask, caller: Caller) -> Response:  # noqa: ARG002 - the same for all who may
        report = self.report(ask)
        number = ask.request.path_params["number"]
        found = next((s for s in report.sentences if s.number == number), None) if report else None
        if report is None or found is None:
            return ask.problem(404, "The policy has no sentence of that number.", "See the list of sentences.")
        with self.store.reading() as tx:
            since = verdicts.standing(tx).get(number)
        return ask.page(
            "console/sentence.html",
            title=f"Sentence {number}",
            sentence=found,
            report=report,
            since=since,
            policy=self.policy(),
            here=self.door.here,
        )

    def approve_map(self, ask: Ask, caller: Caller) -> Response:
        """Answer for the map that was shown, by name; another than that is not approved by mistake."""
        datamap = self.datamap()
        if datamap is None:
            return ask.problem(404, "There is no data map.", "`troth map URL` drafts one from a live database.")
        if ask.form.get("sha256") != datamap.sha256:
            return self.map(ask, caller, "The file is another than the one that was shown. Look again.")

        def approve() -> None:
            with self.store.writing() as tx:
                approvals.approve(tx, self.door.keyring, datamap, caller.name, ask.now)

        return carry_out(ask, approve, then=f"{self.door.here}/map", again=partial(self.map, ask, caller))

    def map(self, ask: Ask, caller: Caller, error: str = "") -> Response:
        datamap, policy = self.datamap(), self.policy()
        columns = [(place, column) for place, column in datamap.columns() if column.category] if datamap else []
        places = [(place.table, _family(column.category or "")) for place, column in columns]
        kinds = {kind for _, kind in places}
        uses = [(_family(use.category), use.purpose) for use in policy.uses if _family(use.category) in kinds]
        with self.store.reading() as tx:
            approved = approvals.approvals_of(tx, datamap.sha256) if datamap else ()
        return ask.page(
            "console/map.html",
            status=422 if error else 200,
            title="Data map",
            datamap=datamap,
            columns=columns,
            declared=policy.collected,
            flow=pictures.flow(places, uses) if places else None,
            approved=approved,
            may_approve=operations.may(caller.role, Operation.MAP_APPROVE),
            error=error,
            here=self.door.here,
        )

    def words(self, ask: Ask, caller: Caller) -> Response:  # noqa: ARG002 - the same for all who may
        from troth.policy.lint import Level, lint

        policy = self.policy()
        return ask.page(
            "console/policy.html", title="Policy", policy=policy, faults=lint(policy, today=ask.now.date()), Level=Level
        )

    def report(self, ask: Ask) -> Report | None:
        """The last kept check of this very text, aged to now; None when there is none."""
        with self.store.reading() as tx:
            found = verdicts.latest(tx, self.policy().sha256)
        return to_report(found).as_of(ask.now) if found else None


def login_link(store: Store, name: str, now: dt.datetime) -> str:
    """The path of a one-time sign-in for the account `name`."""
    return f"/console/sign-in/{staff.issue_login_link(store, name, now=now)}"


def _family(category: str) -> str:
    return category.partition(".")[0]


def _headline(report: Report | None) -> str:
    if report is None:
        return "Nothing was checked yet"
    count = report.count(Verdict.BROKEN)
    if count:
        return f"{count} sentence{' is' if count == 1 else 's are'} broken"
    unproven = report.count(Verdict.UNPROVEN)
    return f"Nothing is broken; {unproven} unproven" if unproven else "Every sentence is kept"
