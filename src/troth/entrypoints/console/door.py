"""The console's door: who comes in, by what, and what they are asked to show again.

Three answers to whoever is not in: to sign in; to show the second factor that their session owes; to set one up, where
`[staff] second_factor = "required"` and they have none. Before what is marked STEPS_UP the factor is asked for again,
on a page that keeps what was sent and sends it on once it was shown (a 307, so without scripts and without typing
twice).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from troth.errors import AccessDenied
from troth.foundation import operations, staff
from troth.foundation.factors import arrivals, passkeys, sessions
from troth.foundation.operations import Mark, Operation
from troth.foundation.roles import Role
from troth.foundation.web.guarding import Guarded, StaffPage
from troth.foundation.web.pages import Ask, Handler, Link
from troth.protection.training import clearance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from troth.foundation.factors.provider import Provider
    from troth.foundation.keys import Keyring
    from troth.foundation.staff import Caller
    from troth.foundation.store import Store
    from troth.policy.model import Policy
    from troth.policy.settings import Instance

COOKIE = "console_session"
AWAITED = "console_awaited"
_WRONG = "Name and password do not fit, or there were too many attempts. Wait a minute and try again."
_WRONG_CODE = (
    "That does not fit, was used before, or there were too many attempts. Wait for the next code and try again."
)
_WRONG_PASSKEY = "This passkey is not one of ours, or the page was open for too long. Try again."
_STEP = ("step_code", "step_to", "credential")


@dataclass(frozen=True)
class Door:
    """Lets staff in. `policy` gives the file as it is now.

    `seen_by`: which operation opens each link of the navigation. `place`: for whom passkeys are.
    """

    instance: Instance
    store: Store
    keyring: Keyring
    policy: Callable[[], Policy]
    seen_by: Mapping[str, Operation]
    place: passkeys.Place
    provider: Provider | None = None

    @property
    def here(self) -> str:
        """Where the console stands."""
        return self.instance.settings.site.console

    def routes(self) -> tuple[tuple[str, str, Guarded], ...]:
        """(method, path below the console's, handler) of the ways in and out."""
        return (
            ("GET", "/sign-in", open_page(self.sign_in)),
            ("POST", "/sign-in", open_page(self.signing_in)),
            ("GET", "/sign-in/factor", open_page(self.factor)),
            ("POST", "/sign-in/factor", open_page(self.showing)),
            ("POST", "/sign-in/passkey", open_page(self.by_passkey)),
            ("GET", "/sign-in/provider", open_page(self.to_provider)),
            ("GET", "/sign-in/provider/back", open_page(self.from_provider)),
            ("GET", "/sign-in/{token}", open_page(self.link)),
            ("POST", "/sign-in/{token}", open_page(self.linking)),
            ("POST", "/sign-out", open_page(self.signing_out)),
            ("POST", "/step-up", open_page(self.stepping_up)),
            ("GET", "/step-up/provider", open_page(self.to_provider_again)),
        )

    # --- coming and going ---------------------------------------------------------------------------------------------

    def sign_in(self, ask: Ask) -> Response:
        return self._sign_in(ask)

    def signing_in(self, ask: Ask) -> Response:
        name = ask.form.get("name", "").strip()
        token = staff.log_in(
            self.store, self.keyring, name=name, password=ask.form.get("password", ""), source=ask.source, now=ask.now
        )
        if token is None:
            return self._sign_in(ask, status=401, name=name, error=_WRONG)
        return self.enter(ask, token)

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
        return self.enter(ask, token)

    def by_passkey(self, ask: Ask) -> Response:
        """Sign in by a passkey alone: it says who comes, and the device has verified them."""
        with self.store.writing() as tx:
            account = passkeys.shown(tx, self.keyring, self.place, None, self._answer(ask), now=ask.now)
            token = None if account is None else staff.begin_by_factor(tx, account, "passkey", ask.now)
        if token is None:
            return self._sign_in(ask, status=401, error=_WRONG_PASSKEY)
        return self.enter(ask, token)

    def to_provider(self, ask: Ask) -> Response:
        """Send the browser to the company's provider. It changes nothing here."""
        return self._to_provider(ask, "sign-in", None)

    def to_provider_again(self, ask: Ask) -> Response:
        """Send who is signed in to the provider once more, to be asked anew."""
        caller = staff.caller_of(self.store, self.token_of(ask), now=ask.now)
        if caller is None:
            return ask.go(f"{self.here}/sign-in")
        return self._to_provider(ask, "again", caller.id)

    def from_provider(self, ask: Ask) -> Response:
        """Whoever came back from the provider: in, linked, or confirmed, as it was begun for."""
        if self.provider is None:
            return ask.problem(404, "No provider is set up.", "Sign in another way.")
        kept = ask.request.cookies.get(AWAITED, "")
        ask.cookies[AWAITED] = None
        came = self.provider.come_back(self.keyring, kept, ask.request.query_params, now=ask.now)
        if came.purpose == "sign-in":
            token = arrivals.sign_in(self.store, self.provider, came, now=ask.now)
            return self.enter(ask, token, local=False)
        caller = staff.caller_of(self.store, self.token_of(ask), now=ask.now)
        if caller is None:
            return ask.go(f"{self.here}/sign-in")
        if came.purpose == "link":
            arrivals.link(self.store, came, caller.id, now=ask.now)
            return ask.go(f"{self.here}/account")
        fresh = arrivals.show_again(self.store, came, self.token_of(ask), now=ask.now)
        if fresh is not None:
            ask.cookies[COOKIE] = fresh
        return ask.go(self.here)

    def factor(self, ask: Ask) -> Response:
        """The page on which a second factor is shown that the session owes."""
        return self._factor(ask)

    def showing(self, ask: Ask) -> Response:
        if sessions.owing(self.store, self.token_of(ask), now=ask.now) is None:
            return ask.go(f"{self.here}/sign-in")
        fresh = self._shown(ask)
        if fresh is None:
            return self._factor(ask, status=401, error=_WRONG_CODE)
        return self.enter(ask, fresh, local=False)

    def signing_out(self, ask: Ask) -> Response:
        staff.log_out(self.store, self.token_of(ask), now=ask.now)
        ask.cookies[COOKIE] = None
        return ask.go(f"{self.here}/sign-in")

    def enter(self, ask: Ask, token: str, *, local: bool = True) -> Response:
        """Go on under a new token; to the factor that is owed, where one is. `local`: not by way of the provider."""
        if local and not self._may_come_locally(ask, token):
            staff.log_out(self.store, token, now=ask.now)
            raise AccessDenied(
                "You come in through the company's provider; nobody was signed in.",
                repair="Begin there, from the sign-in. Administrators may come in another way.",
            )
        ask.cookies[COOKIE] = token
        owes = sessions.owing(self.store, token, now=ask.now) is not None
        return ask.go(f"{self.here}/sign-in/factor" if owes else self.here)

    # --- shown again --------------------------------------------------------------------------------------------------

    def stepping_up(self, ask: Ask) -> Response:
        """Take the factor, and send on what was kept, to the page that it was meant for."""
        caller = staff.caller_of(self.store, self.token_of(ask), now=ask.now)
        to = ask.form.get("step_to", "")
        if caller is None or not re.fullmatch(rf"{re.escape(self.here)}(/[\w.~%-]+)*", to, re.ASCII):
            return ask.go(f"{self.here}/sign-in")
        self.seat(ask, caller)
        fresh = self._shown(ask)
        if fresh is None:
            again = self._step_up(ask, caller, to, status=401, error=_WRONG_CODE)
            return again or RedirectResponse(to, status_code=307)
        ask.cookies[COOKIE] = fresh
        return RedirectResponse(to, status_code=307)

    # --- who may ------------------------------------------------------------------------------------------------------

    def guard(self, page: StaffPage, *, operation: Operation) -> Guarded:
        """A page for whoever of staff is signed in and may do that operation; sections make theirs by it too."""
        # INVARIANT: what is sent on after a second factor was shown keeps fields, and would lose a file
        assert not (operation.steps_up and hasattr(page, "takes_file")), operation

        def handler(ask: Ask) -> Response:
            token = self.token_of(ask)
            caller = staff.caller_of(self.store, token, now=ask.now) if token else None
            if caller is None:
                owes = token and sessions.owing(self.store, token, now=ask.now) is not None
                return ask.go(f"{self.here}/sign-in/factor" if owes else f"{self.here}/sign-in")
            self.seat(ask, caller)
            operations.require(caller.role, operation)
            if Mark.OWN not in operation.mark and self._lacks_factor(caller):
                return ask.go(f"{self.here}/account")
            if operation.personal and self._is_untrained(caller, ask):
                course = f"{self.here}/training"
                return ask.page("training/first.html", status=403, title="First the course", course=course)
            if operation.steps_up and not sessions.is_fresh(caller, ask.now):
                return self._step_up(ask, caller, ask.request.url.path) or page(ask, caller)
            return page(ask, caller)

        return Guarded(handler, operation, page)

    def seat(self, ask: Ask, caller: Caller) -> None:
        """Put into the frame who is signed in, and the links that their role may follow."""
        ask.signed_in = f"{caller.name} · {caller.role.label}"
        ask.leave = f"{self.here}/sign-out"
        ask.frame = replace(ask.frame, links=tuple(self._followed(caller, ask.frame.links)))

    def token_of(self, ask: Ask) -> str:
        return ask.request.cookies.get(COOKIE, "")

    # --- inside -------------------------------------------------------------------------------------------------------

    def _sign_in(self, ask: Ask, *, status: int = 200, name: str = "", error: str = "") -> Response:
        centre = self.instance.settings.site.centre
        challenge = self._challenge(ask, None)
        facts = {"name": name, "error": error, "here": self.here, "centre": centre, "challenge": challenge}
        facts |= {"provider": self.provider.host if self.provider else ""}
        return ask.page("console/sign-in.html", title="Sign in", status=status, **facts)

    def _factor(self, ask: Ask, *, status: int = 200, error: str = "") -> Response:
        account = sessions.owing(self.store, self.token_of(ask), now=ask.now)
        if account is None:
            return ask.go(f"{self.here}/sign-in")
        with self.store.reading() as tx:
            asked = sessions.what_to_show(tx, account)
        challenge = self._challenge(ask, account) if "passkey" in asked else ""
        facts = {"asked": asked, "error": error, "here": self.here, "challenge": challenge}
        return ask.page("console/factor.html", title="Second factor", status=status, **facts)

    def _step_up(self, ask: Ask, caller: Caller, to: str, *, status: int = 200, error: str = "") -> Response | None:
        """The page that asks for a factor again; None where there is nothing that the caller could show."""
        with self.store.reading() as tx:
            asked = sessions.what_to_show(tx, caller.id)
        if not asked:
            return None
        kept = {name: value for name, value in ask.form.items() if name not in {*_STEP, "form_token"}}
        challenge = self._challenge(ask, caller.id) if "passkey" in asked else ""
        facts = {"asked": asked, "error": error, "here": self.here, "kept": kept, "to": to, "challenge": challenge} | {
            "name": caller.name
        }
        return ask.page("console/step-up.html", title="Show that it is you", status=status, **facts)

    def _shown(self, ask: Ask) -> str | None:
        """The session's new token, when the code, the password or the passkey that was sent is right."""
        token, answer = self.token_of(ask), self._answer(ask)
        if not answer.credential:
            return sessions.show(self.store, self.keyring, token, ask.form.get("step_code", ""), now=ask.now)
        with self.store.writing() as tx:
            account = sessions.account_of(tx, token, now=ask.now)
            if account is None:
                return None
            found = passkeys.shown(tx, self.keyring, self.place, account, answer, now=ask.now)
            return None if found is None else sessions.renewed(tx, token, "passkey", ask.now)

    def _answer(self, ask: Ask) -> passkeys.Answer:
        ask.cookies[AWAITED] = None
        return passkeys.Answer(ask.request.cookies.get(AWAITED, ""), ask.form.get("credential", ""))

    def _challenge(self, ask: Ask, account: int | None) -> str:
        """The challenge of a page on which a passkey can be shown, as JSON; empty where it cannot."""
        if not passkeys.is_installed():
            return ""
        with self.store.reading() as tx:
            offer = passkeys.offer_show(tx, self.keyring, self.place, account, now=ask.now)
        ask.cookies[AWAITED] = offer.kept
        return offer.options

    def _to_provider(self, ask: Ask, purpose: str, account: int | None) -> Response:
        if self.provider is None:
            return ask.problem(404, "No provider is set up.", "Sign in another way.")
        way = self.provider.begin(self.keyring, purpose, account=account, now=ask.now)
        ask.cookies[AWAITED] = way.kept
        return ask.go(way.address)

    def _may_come_locally(self, ask: Ask, token: str) -> bool:
        settings = self.instance.settings.staff.oidc
        if settings is None or settings.local == "everybody":
            return True
        with self.store.reading() as tx:
            number = sessions.account_of(tx, token, now=ask.now)
            found = None if number is None else staff.find(tx, number)
        return found is not None and found.role is Role.ADMINISTRATOR

    def _lacks_factor(self, caller: Caller) -> bool:
        """Whether a second factor is required and this session has seen none, for the account has none."""
        if self.instance.settings.staff.second_factor != "required" or caller.fresh_at is not None:
            return False
        with self.store.reading() as tx:
            return not staff.factors_of(tx, caller.id)

    def _is_untrained(self, caller: Caller, ask: Ask) -> bool:
        """Whether a training is required before people's data are seen, and this account's does not hold."""
        needed = clearance.required(self.instance.settings.training, self.policy())
        return needed and not clearance.holds(caller.cleared_until, ask.now)

    def _followed(self, caller: Caller, links: tuple[Link, ...]) -> Iterator[Link]:
        """What of the navigation is open to the caller; a group leads to the first of its pages that is."""
        for link in links:
            below = tuple(self._followed(caller, link.below))
            operation = self.seen_by.get(link.path)
            if below:
                yield replace(link, path=below[0].path, below=below)
            elif not link.below and (operation is None or operations.may(caller.role, operation)):
                yield link


def open_page(handler: Handler) -> Guarded:
    """A page for those who are not signed in yet."""
    return Guarded(handler, None, handler)
