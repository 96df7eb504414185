"""What each member of staff sees and does about their own account: password, second factors, sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup
from sqlalchemy import select
from starlette.responses import Response

from troth.entrypoints.console.door import AWAITED
from troth.errors import TrothError
from troth.foundation import staff
from troth.foundation.factors import arrivals, codes, passkeys, qr, sessions
from troth.foundation.operations import Operation
from troth.foundation.tables import staff_passkeys

if TYPE_CHECKING:
    from troth.entrypoints.console.door import Door
    from troth.foundation.staff import Caller
    from troth.foundation.web.guarding import StaffRoute
    from troth.foundation.web.pages import Ask


_MAKING = "console_making"
"""Keeps the challenge of a passkey that is made, beside that of one that is shown in another tab."""


@dataclass(frozen=True)
class OwnAccount:
    """The pages below `/account`. `company`: what an authenticator calls the account after."""

    door: Door
    company: str

    @property
    def here(self) -> str:
        return f"{self.door.here}/account"

    def routes(self) -> tuple[StaffRoute, ...]:
        """(method, path below the console's, page, operation)."""
        return (
            ("GET", "/account", self.show, Operation.OWN_SEE),
            ("GET", "/account/code", self.code, Operation.OWN_SEE),
            ("POST", "/account/code", self.enrol, Operation.OWN_FACTORS),
            ("POST", "/account/code/confirm", self.confirm, Operation.OWN_FACTORS),
            ("POST", "/account/code/remove", self.remove_code, Operation.OWN_FACTORS),
            ("POST", "/account/recovery", self.renew_recovery, Operation.OWN_FACTORS),
            ("POST", "/account/passkeys", self.offer_passkey, Operation.OWN_FACTORS),
            ("POST", "/account/passkeys/new", self.add_passkey, Operation.OWN_FACTORS),
            ("POST", "/account/passkeys/{passkey}/remove", self.remove_passkey, Operation.OWN_FACTORS),
            ("POST", "/account/provider", self.link_provider, Operation.OWN_FACTORS),
            ("POST", "/account/provider/remove", self.unlink_provider, Operation.OWN_FACTORS),
            ("POST", "/account/password", self.set_password, Operation.OWN_FACTORS),
            ("POST", "/account/sessions/others", self.end_others, Operation.OWN_SESSIONS),
            ("POST", "/account/sessions/{session}/end", self.end_session, Operation.OWN_SESSIONS),
        )

    def show(self, ask: Ask, caller: Caller) -> Response:
        return self._show(ask, caller)

    def code(self, ask: Ask, caller: Caller) -> Response:
        return self._code(ask, caller)

    def enrol(self, ask: Ask, caller: Caller) -> Response:
        try:
            codes.enrol(self.door.store, self.door.keyring, caller.id, now=ask.now)
        except TrothError as problem:
            return self._show(ask, caller, status=422, error=problem.message)
        return ask.go(f"{self.here}/code")

    def confirm(self, ask: Ask, caller: Caller) -> Response:
        typed = ask.form.get("code", "")
        recovery = codes.confirm(self.door.store, self.door.keyring, caller.id, typed, now=ask.now)
        if recovery is None:
            error = "That is not the code of now. Is the clock of the telephone right? Wait for the next and try again."
            return self._code(ask, caller, status=422, error=error)
        return self._recovery(ask, recovery)

    def remove_code(self, ask: Ask, caller: Caller) -> Response:
        with self.door.store.writing() as tx:
            if codes.forget(tx, caller.id):
                staff.record(tx, "staff.factor-removed", caller.id, ask.now, factor="code", by=caller.id)
        return ask.go(self.here)

    def renew_recovery(self, ask: Ask, caller: Caller) -> Response:
        with self.door.store.reading() as tx:
            if "code" not in staff.factors_of(tx, caller.id):
                return self._nothing(ask, caller, "Recovery codes come with the codes of a telephone.")
        return self._recovery(ask, codes.renew_recovery(self.door.store, self.door.keyring, caller.id, now=ask.now))

    def offer_passkey(self, ask: Ask, caller: Caller) -> Response:
        """The page on which the device makes a passkey."""
        if not passkeys.is_installed():
            return self._nothing(ask, caller, "Passkeys need more than is installed: pip install 'troth[staff]'.")
        door = self.door
        with door.store.reading() as tx:
            offer = passkeys.offer_new(tx, door.keyring, door.place, caller.id, caller.name, now=ask.now)
        ask.cookies[_MAKING] = offer.kept
        return ask.page("console/passkey.html", title="A passkey", challenge=offer.options, here=self.here)

    def add_passkey(self, ask: Ask, caller: Caller) -> Response:
        answer = passkeys.Answer(ask.request.cookies.get(_MAKING, ""), ask.form.get("credential", ""))
        ask.cookies[_MAKING] = None
        label, door = ask.form.get("label", ""), self.door
        if not passkeys.add(door.store, door.keyring, door.place, caller.id, answer, label=label, now=ask.now):
            return self._nothing(ask, caller, "That passkey could not be taken; nothing was changed. Try again.")
        return ask.go(self.here)

    def remove_passkey(self, ask: Ask, caller: Caller) -> Response:
        if not passkeys.remove(self.door.store, caller.id, ask.number("passkey"), now=ask.now):
            return ask.problem(404, "You have no such passkey.", "Your account lists them.")
        return ask.go(self.here)

    def link_provider(self, ask: Ask, caller: Caller) -> Response:
        """A page that leads to the provider: a form of ours may not, by our own content security policy."""
        door = self.door
        if door.provider is None:
            return self._nothing(ask, caller, "No provider is set up.")
        way = door.provider.begin(door.keyring, "link", account=caller.id, now=ask.now)
        ask.cookies[AWAITED] = way.kept
        host = door.provider.host
        return ask.page(
            "console/provider.html", title="To the provider", address=way.address, host=host, here=self.here
        )

    def unlink_provider(self, ask: Ask, caller: Caller) -> Response:
        arrivals.unlink(self.door.store, caller.id, now=ask.now)
        return ask.go(self.here)

    def set_password(self, ask: Ask, caller: Caller) -> Response:
        if ask.form.get("password", "") != ask.form.get("again"):
            return self._nothing(ask, caller, "The two are not the same; nothing was changed.")
        try:
            staff.set_password(self.door.store, caller.name, ask.form.get("password", ""), now=ask.now, by=caller.id)
        except TrothError as problem:
            return self._nothing(ask, caller, str(problem))
        return ask.go(f"{self.door.here}/sign-in")

    def end_others(self, ask: Ask, caller: Caller) -> Response:
        sessions.end_others(self.door.store, caller.id, self.door.token_of(ask), now=ask.now)
        return ask.go(self.here)

    def end_session(self, ask: Ask, caller: Caller) -> Response:
        which = ask.request.path_params["session"]
        if not sessions.end(self.door.store, caller.id, which, now=ask.now, by=caller.id):
            return ask.problem(404, "There is no such session of yours; it may have ended.", "Your account lists them.")
        return ask.go(self.here)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _show(self, ask: Ask, caller: Caller, *, status: int = 200, error: str = "") -> Response:
        with self.door.store.reading() as tx:
            account = staff.find(tx, caller.id)
            keys = tx.execute(select(staff_passkeys).where(staff_passkeys.c.staff == caller.id)).all()
            listed = sessions.list_(tx, caller.id, self.door.token_of(ask), now=ask.now)
            left = codes.recovery_left(tx, caller.id)
        assert account is not None  # INVARIANT: who has a session has an account
        return ask.page(
            "console/account.html",
            status=status,
            title="Your account",
            account=account,
            passkeys=keys,
            provider=self.door.provider.host if self.door.provider else "",
            can_passkeys=passkeys.is_installed(),
            sessions=listed,
            left=left,
            required=self.door.instance.settings.staff.second_factor == "required",
            error=error,
            here=self.here,
        )

    def _nothing(self, ask: Ask, caller: Caller, error: str) -> Response:
        return self._show(ask, caller, status=422, error=error)

    def _code(self, ask: Ask, caller: Caller, *, status: int = 200, error: str = "") -> Response:
        with self.door.store.reading() as tx:
            secret = codes.begun(tx, self.door.keyring, caller.id)
        if secret is None:
            return ask.go(self.here)
        address = codes.address_of(secret, issuer=self.company, name=caller.name)
        return ask.page(
            "console/code.html",
            status=status,
            title="Codes from a telephone",
            picture=Markup(qr.svg_of(address, label="The secret as a QR code; it stands below in letters too")),  # noqa: S704 - drawn by us
            groups=[secret[at : at + 4] for at in range(0, len(secret), 4)],
            address=address,
            error=error,
            here=self.here,
        )

    def _recovery(self, ask: Ask, recovery: tuple[str, ...]) -> Response:
        return ask.page("console/recovery.html", title="Recovery codes", codes=recovery, here=self.here)
