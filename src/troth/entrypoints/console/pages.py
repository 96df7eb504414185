"""The pages of the console. Each shows facts that others found; only signing in and out change anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response

from troth.entrypoints.console import pictures
from troth.entrypoints.reports.json import to_report
from troth.errors import AccessDenied
from troth.foundation import staff, verdicts
from troth.foundation.proof import Report, Verdict
from troth.foundation.roles import Role
from troth.foundation.web.pages import Ask, Handler
from troth.protection.training import clearance

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.staff import Caller
    from troth.foundation.store import Store
    from troth.policy.datamap import DataMap
    from troth.policy.model import Policy
    from troth.policy.settings import Instance

COOKIE = "console_session"
HISTORY = dt.timedelta(days=90)


@dataclass(frozen=True)
class Console:
    """What the pages are made of. `policy` and `datamap` give the files as they are now."""

    instance: Instance
    store: Store
    keyring: Keyring
    policy: Callable[[], Policy]
    datamap: Callable[[], DataMap | None]

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """(method, path below /console, handler) of every page."""
        return (
            ("GET", "/sign-in", self.sign_in),
            ("POST", "/sign-in", self.signing_in),
            ("GET", "/sign-in/{token}", self.link),
            ("POST", "/sign-in/{token}", self.linking),
            ("POST", "/sign-out", self.signing_out),
            ("GET", "", self._for_staff(self.today)),
            ("GET", "/sentences", self._for_staff(self.sentences)),
            ("GET", "/sentences/{number}", self._for_staff(self.sentence)),
            ("GET", "/map", self._for_staff(self.map)),
            ("GET", "/policy", self._for_staff(self.words)),
            ("GET", "/staff", self._for_staff(self.colleagues, Role.ADMINISTRATOR, Role.DPO)),
        )

    # --- coming and going -------------------------------------------------------------------------------------

    def sign_in(self, ask: Ask) -> Response:
        return ask.page("console/sign-in.html", title="Sign in", name="", error="")

    def signing_in(self, ask: Ask) -> Response:
        name = ask.form.get("name", "").strip()
        source = ask.request.client.host if ask.request.client else ""
        token = staff.log_in(
            self.store, self.keyring, name=name, password=ask.form.get("password", ""), source=source, now=ask.now
        )
        if token is None:
            error = "Name and password do not fit, or there were too many attempts. Wait a minute and try again."
            return ask.page("console/sign-in.html", title="Sign in", status=401, name=name, error=error)
        ask.cookies[COOKIE] = token
        return ask.go("/console")

    def link(self, ask: Ask) -> Response:
        # following a link signs nobody in: mail scanners follow links
        return ask.page("console/link.html", title="Sign in")

    def linking(self, ask: Ask) -> Response:
        token = staff.use_login_link(self.store, ask.request.path_params["token"], now=ask.now)
        if token is None:
            raise AccessDenied(
                "This link was used already, or its 15 minutes are over.",
                repair="Ask for a new one: troth staff link NAME",
            )
        ask.cookies[COOKIE] = token
        return ask.go("/console")

    def signing_out(self, ask: Ask) -> Response:
        staff.log_out(self.store, ask.request.cookies.get(COOKIE, ""))
        ask.cookies[COOKIE] = None
        return ask.go("/console/sign-in")

    # --- what there is to see ---------------------------------------------------------------------------------

    def today(self, ask: Ask) -> Response:
        report = self._report(ask)
        with self.store.reading() as tx:
            since = verdicts.standing(tx)
            turns = [turn for turn in verdicts.turns(tx, limit=12) if turn.was is not None]
            runs = [pictures.Run(*run) for run in verdicts.daily_counts(tx, ask.now - HISTORY)]
        broken = [s for s in report.sentences if s.verdict is Verdict.BROKEN and s.findings] if report else []
        return ask.page(
            "console/today.html",
            title=_headline(report),
            report=report,
            broken=broken,
            since=since,
            turns=turns,
            runs=runs[-20:],
            history=pictures.history(runs),
            Verdict=Verdict,
        )

    def sentences(self, ask: Ask) -> Response:
        report = self._report(ask)
        wanted = ask.request.query_params.get("verdict", "")
        shown = [s for s in report.sentences if not wanted or s.verdict.value == wanted] if report else []
        return ask.page(
            "console/sentences.html", title="Sentences", report=report, shown=shown, wanted=wanted, Verdict=Verdict
        )

    def sentence(self, ask: Ask) -> Response:
        report = self._report(ask)
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
        )

    def map(self, ask: Ask) -> Response:
        datamap, policy = self.datamap(), self.policy()
        columns = [(place, column) for place, column in datamap.columns() if column.category] if datamap else []
        places = [(place.table, _family(column.category or "")) for place, column in columns]
        kinds = {kind for _, kind in places}
        uses = [(_family(use.category), use.purpose) for use in policy.uses if _family(use.category) in kinds]
        return ask.page(
            "console/map.html",
            title="Data map",
            datamap=datamap,
            columns=columns,
            declared=policy.collected,
            flow=pictures.flow(places, uses) if places else None,
        )

    def words(self, ask: Ask) -> Response:
        from troth.policy.lint import Level, lint

        policy = self.policy()
        return ask.page(
            "console/policy.html", title="Policy", policy=policy, faults=lint(policy, today=ask.now.date()), Level=Level
        )

    def colleagues(self, ask: Ask) -> Response:
        with self.store.reading() as tx:
            accounts = staff.list_(tx)
        return ask.page("console/staff.html", title="Staff", accounts=accounts)

    # --- who may ----------------------------------------------------------------------------------------------

    def _for_staff(self, handler: Handler, *roles: Role) -> Handler:
        def guarded(ask: Ask) -> Response:
            caller = self._caller(ask)
            if caller is None:
                return ask.go("/console/sign-in")
            if roles and caller.role not in roles:
                raise AccessDenied("Your role does not open this page.", repair="Ask an administrator.")
            ask.signed_in = f"{caller.name} · {caller.role.label}"
            ask.leave = "/console/sign-out"
            return handler(ask)

        return guarded

    def guarded(self, page: Callable[[Ask, Caller], Response]) -> Handler:
        """A page of a section's own, for whoever of staff is signed in; the section says what their role may."""

        def signed_in(ask: Ask) -> Response:
            caller = self._caller(ask)
            assert caller is not None  # INVARIANT: _for_staff has led away who is not
            return page(ask, caller)

        return self._for_staff(signed_in)

    def cleared(self, page: Callable[[Ask, Caller], Response]) -> Handler:
        """As `guarded`, for pages with people's data: shown to whoever is trained, where training is required."""

        def trained(ask: Ask, caller: Caller) -> Response:
            needed = clearance.required(self.instance.settings.training, self.policy())
            if needed and not clearance.holds(caller.cleared_until, ask.now):
                course = f"{self.instance.settings.site.console}/training"
                return ask.page("training/first.html", status=403, title="First the course", course=course)
            return page(ask, caller)

        return self.guarded(trained)

    def _caller(self, ask: Ask) -> Caller | None:
        token = ask.request.cookies.get(COOKIE, "")
        return staff.caller_of(self.store, token, now=ask.now) if token else None

    def _report(self, ask: Ask) -> Report | None:
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
