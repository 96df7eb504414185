"""A customer's own page: profile, choices, password, leaving."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.responses import Response

from troth.example.shop import accounts, newsletter, passwords, sessions
from troth.example.shop.promises import ANALYTICS, MARKETING, SERVICE, person
from troth.example.shop.shell import Ask, Stop
from troth.example.shop.words import AVATARS

_CHOICES: Final = {
    ("newsletter", "on"): (MARKETING, True),
    ("newsletter", "off"): (MARKETING, False),
    ("counting", "on"): (ANALYTICS, True),
    ("counting", "off"): (ANALYTICS, False),
}


def account(ask: Ask) -> Response:
    """Everything the account has, and what its owner chose."""
    return _page(ask, {}, {})


def change_profile(ask: Ask) -> Response:
    """Write name, picture and bio."""
    customer = ask.must_be_customer()
    ask.must_be_permitted(SERVICE, "profile.name")
    typed = {name: ask.form.get(name, "") for name in ("name", "avatar", "bio")}
    with ask.shop.engine.begin() as tx:
        faults = accounts.change_profile(tx, customer.number, **typed)
    return _page(ask, faults, typed, status=422) if faults else ask.go("/account?done=saved")


def change_password(ask: Ask) -> Response:
    """Set a new password; the one before it has to be given, and other devices are logged out."""
    customer = ask.must_be_customer()
    _must_know_password(ask, "current")
    fault = accounts.password_fault(ask.form.get("password", ""))
    if fault:
        return _page(ask, {"password": fault}, {}, status=422)
    assert ask.session is not None  # INVARIANT: must_be_customer found one
    with ask.shop.engine.begin() as tx:
        accounts.change_password(tx, customer.number, ask.form["password"], kept=ask.session)
    return ask.go("/account?done=password")


def open_centre(ask: Ask) -> Response:
    """Take the customer into the privacy centre as the person the shop knows, by a link that works once."""
    customer = ask.must_be_customer()
    return ask.go(urlsplit(ask.shop.promises.centre_link(person(customer.number))).path)


def close(ask: Ask) -> Response:
    """Close the account: consents are withdrawn first, then nobody can log in to it any more."""
    customer = ask.must_be_customer()
    _must_know_password(ask, "closing")
    for purpose, data in ((MARKETING, "contact.email"), (ANALYTICS, "usage.click")):
        if ask.shop.promises.may(person(customer.number), purpose, data):
            ask.shop.promises.withdraw_consent(person(customer.number), purpose)
    with ask.shop.engine.begin() as tx:
        accounts.close_account(tx, customer.number, ask.now)
    ask.session = None
    ask.cookies[sessions.SESSION_COOKIE] = None
    return ask.go("/?done=closed")


def choose(ask: Ask) -> Response:
    """Give or withdraw one consent: one click each way."""
    customer = ask.must_be_customer()
    what, how = ask.form.get("what", ""), ask.form.get("how", "")
    if (what, how) not in _CHOICES:
        raise Stop(400, "There is no such choice.")
    purpose, given = _CHOICES[what, how]
    if given:
        ask.shop.promises.give_consent(person(customer.number), purpose, language="en", method="account-page")
    else:
        ask.shop.promises.withdraw_consent(person(customer.number), purpose)
    return ask.go(f"/account?done={what}-{how}#choices")


def stop_newsletter(ask: Ask) -> Response:
    """The link in each newsletter: a page with one button, and the POST that the button or a mail program sends."""
    key = ask.request.path_params["key"]
    if ask.request.method == "GET":
        return ask.page("stop.html", stopped=False, key=key)
    if not newsletter.stop(ask.shop.engine, ask.shop.promises, key):
        raise Stop(
            404,
            "This link is not one of ours, or too old.",
            "You can stop the newsletter in your account and in the privacy centre.",
        )
    return ask.page("stop.html", stopped=True, key=key)


def _must_know_password(ask: Ask, field: str) -> None:
    customer = ask.must_be_customer()
    at = ask.now.timestamp()
    if ask.shop.throttle.wait_s(customer.username, ask.address, at):
        raise Stop(429, "Too many tries.", "Please wait a quarter of an hour.")
    with ask.shop.engine.begin() as tx:
        password_hash = accounts.account_of(tx, customer.number).password_hash
    if not passwords.matches(password_hash, ask.form.get(field, "")):
        ask.shop.throttle.failed(customer.username, ask.address, at)
        raise Stop(403, "This is not your present password.", "Nothing was changed. Go back and try again.")


def _page(ask: Ask, faults: dict[str, str], typed: dict[str, str], *, status: int = 200) -> Response:
    customer = ask.must_be_customer()
    with ask.shop.engine.begin() as tx:
        mine = accounts.account_of(tx, customer.number)
        profile = accounts.profile_of(tx, customer.number)
    assert profile is not None  # INVARIANT: the session belongs to an open account
    return ask.page(
        "account.html",
        status=status,
        mine=mine,
        profile=typed or profile._asdict(),
        avatars=AVATARS,
        faults=faults,
        shortest=passwords.SHORTEST,
        newsletter=newsletter.subscribed(ask.shop.promises, customer.number),
        counting=bool(ask.shop.promises.may(person(customer.number), ANALYTICS, "usage.click")),
    )
