"""The door for the person: their choices in the privacy centre, after a link that they alone can follow.

Each choice is one button, to allow as to withdraw. Nothing here needs a reason. Who asks for a link is told the same
whether the address is known or not: what follows from it happens after the answer has gone out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup
from starlette.responses import Response

from troth.errors import AccessDenied, PersonError, TrothError, UnknownName
from troth.foundation import mail, people
from troth.foundation.people import Identifier, Kind, PersonNumber
from troth.foundation.web.pages import Ask, Handler
from troth.policy.settings import MailSettings
from troth.policy.usesettings import ConsentSettings
from troth.policy.vocabulary import Channel
from troth.use import choices, consent, entrance, guardians, restrictions
from troth.use.entrance import Visitor
from troth.use.lease import Lease
from troth.use.opening import Opened
from troth.use.recording import receipts, records
from troth.use.stopping import signals, suppression, tokens
from troth.use.words import Ground

log = logging.getLogger(__name__)

COOKIE = entrance.COOKIE
METHOD = "centre"
_HOW = {
    METHOD: "in the privacy centre",
    guardians.METHOD: "by your guardian",
    "import": "taken over from former records",
}
_SAID = {
    "ConsentGiven": "you allowed it",
    "RenewedConsentGiven": "you allowed it again",
    "ConsentRefused": "you said no",
    "ConsentWithdrawn": "you took it back",
    "ConsentExpired": "it ended by itself",
    "ConsentRequested": "it had changed, and we asked anew",
    "ConsentRequestDeferred": "your guardian was asked",
    "ConsentUnknown": "it came from elsewhere, without the words agreed to",
}
_SILENT = ConsentSettings(ask_age=False, age=None)
_DONE = {
    "allowed": "Noted: you allow this. You can change your mind at any time.",
    "stopped": "Done: this has stopped, everywhere and at once.",
    "paused": "Done: your data is locked. We keep it and do nothing else with it.",
    "resumed": "Done: your data is used again, as your choices below say.",
    "left": "You have signed out.",
    "out": "You are not signed in any more. If your data was deleted meanwhile, we wrote to you what was done, and "
    "know you no more. Else show below that it is you.",
    "guardian": "Your guardian has a letter from us. Nothing happens until they agree.",
}


Beside = Callable[[Ask, Visitor | None], Markup]
"""Makes a piece of the first page: what else a visitor, or a stranger, can do there."""


def routes(troth: Opened, beside: Beside | None = None) -> tuple[tuple[str, str, Handler], ...]:
    """(method, path, handler) of every page, where the settings put the centre; `beside` is shown on the first."""
    settings = troth.instance.settings
    centre = Centre(
        troth.lease, settings.mail, settings.site.url.rstrip("/"), settings.site.centre, beside, settings.consent
    )
    return tuple((method, centre.path + path, handler) for method, path, handler in centre.routes())


@dataclass(frozen=True, slots=True)
class Centre:
    """What the pages are made of. `address` is the site as a browser reaches it, `path` where the centre stands."""

    lease: Lease
    mailing: MailSettings
    address: str
    path: str = "/privacy/centre"
    beside: Beside | None = None
    consents: ConsentSettings = _SILENT

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """(method, path below `path`, handler) of every page."""
        return (
            ("GET", "", self.show),
            ("POST", "/link", self.ask_for_link),
            ("GET", "/enter/{token}", self.follow),
            ("POST", "/enter/{token}", self.enter),
            ("POST", "/leave", self.leave),
            ("POST", "/choice", self.choose),
            ("POST", "/pause", self.pause),
            ("GET", "/receipts/{purpose}", self.receipt),
            ("GET", "/age/{purpose}", self.ask_age),
            ("POST", "/age/{purpose}", self.answer_age),
            ("GET", "/guardian/{token}", self.show_to_guardian),
            ("POST", "/guardian/{token}", self.hear_guardian),
        )

    def show(self, ask: Ask) -> Response:
        """The choices of the person who is signed in; for anybody else, what there is to find here and the way in."""
        visitor = self._visitor(ask)
        done = _DONE.get(ask.request.query_params.get("done", ""), "")
        if visitor is None:
            return self._way_in(ask, done=done)
        office = self.lease.office
        with office.store.reading() as tx:
            lines, pause = choices.lines(tx, office, visitor.number)
        return ask.page(
            "use/centre.html",
            title="Your data and choices",
            lines=lines,
            pause=pause,
            pause_is_theirs=Ground.REQUEST in pause.grounds,
            mail=self._mailbox(),
            done=done,
            beside=self._beside(ask, visitor),
            centre=self.path,
        )

    def ask_for_link(self, ask: Ask) -> Response:
        """Say what will happen, the same for every address; then send the link where the address is on file."""
        typed = ask.form.get("email", "")
        try:
            address = people.identifier("email", typed)
        except PersonError:
            return self._way_in(
                ask, status=422, typed=typed, error="This is not an e-mail address. Write it as name@example.org."
            )
        answer = ask.page(
            "use/sent.html", title="Look into your mailbox", centre=self.path, minutes=entrance.LINK_LIFE.seconds // 60
        )
        ask.afterwards(partial(self._send_link, address))
        return answer

    def follow(self, ask: Ask) -> Response:
        """Where a link leads: a page with one button. It changes nothing: mail scanners follow links."""
        if not entrance.is_open(self.lease.office, ask.request.path_params["token"], ask.now):
            return self._ended(ask)
        return ask.page("use/follow.html", title="Open your data and choices")

    def enter(self, ask: Ask) -> Response:
        """Use up the link and sign the person in; an older session of this browser ends."""
        office = self.lease.office
        session = entrance.enter(office, ask.request.path_params["token"], ask.now)
        if session is None:
            return self._ended(ask)
        entrance.leave(office, ask.request.cookies.get(COOKIE))
        ask.cookies[COOKIE] = session
        return ask.go(self.path)

    def leave(self, ask: Ask) -> Response:
        """Sign out."""
        entrance.leave(self.lease.office, ask.request.cookies.get(COOKIE))
        ask.cookies[COOKIE] = None
        return ask.go(f"{self.path}?done=left")

    def choose(self, ask: Ask) -> Response:
        """Allow or refuse one purpose."""
        visitor, office = self._require_visitor(ask), self.lease.office
        deed = {"allow": choices.allow, "refuse": choices.refuse}.get(ask.form.get("word", ""))
        if deed is None:
            return ask.problem(
                422, "The form named no choice; nothing was done.", "Go back, reload the page and try again."
            )
        if deed is choices.allow and self._asks_age(ask.form.get("purpose", "")):
            return ask.go(f"{self.path}/age/{ask.form['purpose']}")
        try:
            with office.deed() as tx:
                deed(tx, office, visitor.number, ask.form.get("purpose", ""), method=METHOD)
                if deed is choices.allow:
                    for one in visitor.known_by:
                        if one.kind is Kind.EMAIL:  # the link went there: its holder wants these letters again
                            hashed = tokens.hash_of(office.keyring, one)
                            suppression.lift_in(tx, office, hashed, ask.form.get("purpose", ""))
        except UnknownName:
            return ask.problem(
                404, "There is no such choice any more; nothing was done.", "Go back and reload the page."
            )
        return ask.go(f"{self.path}?done={'allowed' if deed is choices.allow else 'stopped'}#choices")

    def pause(self, ask: Ask) -> Response:
        """Restrict the use of the person's data, or lift the restriction they asked for."""
        visitor, office = self._require_visitor(ask), self.lease.office
        lift = ask.form.get("word") == "resume"
        deed = restrictions.lift_in if lift else restrictions.place_in
        with office.deed() as tx:
            deed(tx, office, visitor.number, ground=Ground.REQUEST, method=METHOD)
        return ask.go(f"{self.path}?done={'resumed' if lift else 'paused'}")

    def ask_age(self, ask: Ask) -> Response:
        """Ask whether the person is old enough to consent alone, and for a guardian where they are not."""
        self._require_visitor(ask)
        purpose = ask.request.path_params["purpose"]
        return self._age_page(ask, purpose) if self._asks_age(purpose) else ask.go(self.path)

    def answer_age(self, ask: Ask) -> Response:
        """Old enough: they consent. Else their guardian is asked; the age itself is not kept."""
        visitor, office, purpose = self._require_visitor(ask), self.lease.office, ask.request.path_params["purpose"]
        if not self._asks_age(purpose):
            return ask.go(self.path)
        if ask.form.get("old_enough") == "yes":
            with office.deed() as tx:
                choices.allow(tx, office, visitor.number, purpose, method=METHOD)
            return ask.go(f"{self.path}?done=allowed#choices")
        try:
            with office.deed() as tx:
                guardians.ask_in(
                    tx,
                    office,
                    visitor.number,
                    purpose,
                    ask.form.get("guardian", ""),
                    address=self.address + self.path,
                    method=METHOD,
                )
        except PersonError:
            error = "Write the address of your mother, father or guardian, as name@example.org; not your own."
            return self._age_page(ask, purpose, status=422, error=error)
        except guardians.AskedTooOften:
            return ask.problem(429, "Your guardian was asked often enough today; nothing was done.", "Try tomorrow.")
        ask.afterwards(partial(mail.deliver, office.store, office.keyring, self.mailing, clock=office.clock))
        return ask.go(f"{self.path}?done=guardian#choices")

    def show_to_guardian(self, ask: Ask) -> Response:
        """What a guardian is asked. It changes nothing: mail scanners follow links."""
        office = self.lease.office
        with office.store.reading() as tx:
            asked = guardians.find(tx, office, ask.request.path_params["token"], ask.now)
        if asked is None:
            return self._ended(ask)
        return ask.page("use/guardian.html", title="You decide for a child", text=asked.text, done="")

    def hear_guardian(self, ask: Ask) -> Response:
        """What the guardian says."""
        said = ask.form.get("word", "")
        if said not in ("agree", "refuse"):
            return ask.problem(422, "The form named no choice; nothing was done.", "Go back and try again.")
        choice = guardians.answer(self.lease.office, ask.request.path_params["token"], agrees=said == "agree")
        if choice is None:
            return self._ended(ask)
        done = "Noted: you agree." if choice.given else "Noted: you refuse. Nothing is done with the data for this."
        return ask.page("use/guardian.html", title="Thank you", text="", done=done)

    def _asks_age(self, purpose: str) -> bool:
        office = self.lease.office
        return self.consents.ask_age and purpose in office.compiled.consent_bits and self._age() is not None

    def _age(self) -> guardians.Age | None:
        return guardians.own_consent_from(self.lease.office.policy, self.consents)

    def _age_page(self, ask: Ask, purpose: str, *, status: int = 200, error: str = "") -> Response:
        age = self._age()
        assert age is not None  # INVARIANT: asked only where there is one
        wording = consent.wording_of(self.lease.office, purpose)
        return ask.page(
            "use/age.html",
            status=status,
            title="How old are you?",
            age=age,
            text=wording.text,
            purpose=purpose,
            error=error,
            centre=self.path,
        )

    def receipt(self, ask: Ask) -> Response:
        """What the person said about one purpose, as a page; as a signed file with `.json` behind it."""
        visitor, office = self._require_visitor(ask), self.lease.office
        named = ask.request.path_params["purpose"]
        purpose = named.removesuffix(".json")
        with office.store.reading() as tx:
            found = records.of_person(tx, office, visitor.number, address=self.address + self.path, purpose=purpose)
            if not found:
                return ask.problem(404, "You never said anything about this; there is no receipt.", "See your choices.")
            made = receipts.issue(tx, office.keyring, found[0], ask.now)
        if named != purpose:
            headers = {"content-disposition": f'attachment; filename="consent-{purpose}.json"'}
            return Response(receipts.written(made), media_type="application/json", headers=headers)
        return ask.page(
            "use/receipt.html",
            title="Receipt",
            record=found[0].json,
            said=_SAID,
            how=_HOW,
            in_ledger=made["receipt"]["ledger"] is not None,
            key=office.keyring.signing_id,
            purpose=purpose,
            centre=self.path,
        )

    def _visitor(self, ask: Ask) -> Visitor | None:
        visitor = entrance.visitor_of(self.lease.office, ask.request.cookies.get(COOKIE), ask.now)
        if visitor is not None:
            if ask.request.scope.get(signals.SCOPE):
                signals.honour_number(self.lease.office, visitor.number)
            ask.signed_in = f"Signed in as {visitor.shown}" if visitor.shown else "Signed in"
            ask.leave = f"{self.path}/leave"
        return visitor

    def _require_visitor(self, ask: Ask) -> Visitor:
        visitor = self._visitor(ask)
        if visitor is None:
            raise AccessDenied(
                "You are not signed in any more; nothing was done.", repair="Ask for a new link in the privacy centre."
            )
        return visitor

    def _way_in(self, ask: Ask, *, status: int = 200, typed: str = "", error: str = "", done: str = "") -> Response:
        return ask.page(
            "use/way-in.html",
            status=status,
            title="Your data and choices",
            typed=typed,
            error=error,
            done=done,
            mail=self._mailbox(),
            beside=self._beside(ask, None),
            centre=self.path,
        )

    def _beside(self, ask: Ask, visitor: Visitor | None) -> Markup:
        return self.beside(ask, visitor) if self.beside is not None else Markup()

    def _ended(self, ask: Ask) -> Response:
        return ask.problem(
            410, "This link was used already, or its time is over.", "Ask for a new one in the privacy centre."
        )

    def _mailbox(self) -> str:
        """The address that section 9 of the policy names for questions; empty where it names none."""
        clauses = self.lease.office.policy.clauses()
        return next((clause.text or "" for clause in clauses if clause.meaning.channel is Channel.MAIL), "")

    def _send_link(self, address: Identifier) -> None:
        office = self.lease.office
        try:
            with office.store.writing() as tx:
                found = entrance.link_by_mail(tx, office, address, office.clock.now())
                if found is not None:
                    person, token = found
                    mail.queue(tx, office.keyring, self._letter(person, address, token), office.clock.now())
            if found is not None:
                mail.deliver(office.store, office.keyring, self.mailing, clock=office.clock)
        except TrothError as problem:
            log.warning("a link into the privacy centre was not sent: %s", problem)

    def _letter(self, person: PersonNumber, address: Identifier, token: str) -> mail.Letter:
        name = self.lease.office.policy.controller.name
        minutes = entrance.LINK_LIFE.seconds // 60
        text = (
            f"Somebody, most likely you, asked {name} for a way to your data and choices.\n\n"
            f"{self.address}{self.path}/enter/{token}\n\n"
            f"The link works once, and for {minutes} minutes. If it was not you, do nothing: "
            "without this link nobody gets in.\n"
        )
        subject = f"Your data and choices at {name}"
        return mail.Letter(address.value, subject, text, reference="link into the privacy centre", person=person)
