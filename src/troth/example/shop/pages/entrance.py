"""Opening an account, logging in and out."""

from __future__ import annotations

import re
from typing import Final

from starlette.responses import Response

from troth.example.shop import accounts, footprints, passwords, sessions
from troth.example.shop.promises import MARKETING, person
from troth.example.shop.shell import Ask, Stop

_INSIDE: Final = re.compile(r"/(?:basket|checkout|account|orders|letters|help|goods)(?:/[a-z0-9-]+)*\Z")


def join(ask: Ask) -> Response:
    """Open an account. The newsletter box is empty until somebody ticks it."""
    if ask.customer is not None:
        return ask.go("/account")
    if ask.request.method == "GET":
        return ask.page("join.html", faults={}, typed={}, shortest=passwords.SHORTEST)
    if wait_s := ask.shop.joins.wait_s("join", ask.address, ask.now.timestamp()):
        raise Stop(429, "Too many new accounts from your network.", f"Please try again in {wait_s // 60 + 1} minutes.")
    wanted = accounts.Wanted.of(ask.form)
    faults = wanted.faults()
    if not faults:
        ask.shop.joins.failed("join", ask.address, ask.now.timestamp())
        number = accounts.open_account(ask.shop.engine, wanted, ask.now)
        if number is not None:
            _tell(ask, number, wanted.email, wanted.phone)
            if ask.form.get("newsletter") == "yes":
                ask.shop.promises.give_consent(person(number), MARKETING, language="en", method="sign-up-form")
            return _enter(ask, number, "/account?done=welcome")
        faults["username"] = "This user name or e-mail address is in use already. If it is yours, log in."
    return ask.page("join.html", status=422, faults=faults, typed=ask.form, shortest=passwords.SHORTEST)


def login(ask: Ask) -> Response:
    """Log in by user name or e-mail address; wrong name and wrong password get the same answer in the same time."""
    then = ask.form.get("then", "") or ask.query("then", most=120)
    then = then if _INSIDE.match(then) else "/account"
    if ask.request.method == "GET":
        return ask.go(then) if ask.customer else ask.page("login.html", wrong="", name="", then=then)
    name, password, at = ask.form.get("login", ""), ask.form.get("password", ""), ask.now.timestamp()
    if wait_s := ask.shop.throttle.wait_s(name, ask.address, at):
        words = f"Too many tries. Please wait {wait_s // 60 + 1} minutes."
        response = ask.page("login.html", status=429, wrong=words, name=name, then=then)
        response.headers["retry-after"] = str(wait_s)
        return response
    with ask.shop.engine.begin() as tx:
        found = accounts.find_by_login(tx, name)
    if not passwords.matches(found.password_hash if found else None, password) or found is None:
        ask.shop.throttle.failed(name, ask.address, at)
        return ask.page(
            "login.html", status=401, wrong="This name and this password do not belong together.", name=name, then=then
        )
    ask.shop.throttle.succeeded(name)
    # Told again each time: an account opened while troth could not be reached becomes known now.
    _tell(ask, found.id, found.email, found.phone or "")
    agent = ask.request.headers.get("user-agent", "")
    footprints.log_visit(ask.shop.engine, ask.shop.promises, ask.now, found.id, user_agent=agent, address=ask.address)
    return _enter(ask, found.id, then)


def logout(ask: Ask) -> Response:
    """End the session."""
    if ask.session is not None:
        with ask.shop.engine.begin() as tx:
            sessions.end(tx, ask.session)
        ask.session = None
    ask.cookies[sessions.SESSION_COOKIE] = None
    return ask.go("/?done=bye")


def _tell(ask: Ask, number: int, email: str, phone: str) -> None:
    if phone:
        ask.shop.promises.register(id=str(number), email=email, phone=phone)
    else:
        ask.shop.promises.register(id=str(number), email=email)


def _enter(ask: Ask, number: int, then: str) -> Response:
    with ask.shop.engine.begin() as tx:
        ask.cookies[sessions.SESSION_COOKIE] = sessions.begin(tx, ask.now, customer_number=number, before=ask.session)
    ask.cookies[sessions.FORM_COOKIE] = None
    return ask.go(then)
