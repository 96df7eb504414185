"""Other customers, letters to them, and questions to the shop."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from starlette.responses import Response

from troth.example.shop import accounts
from troth.example.shop import letters as letter_box
from troth.example.shop import tickets as questions
from troth.example.shop.database import Found
from troth.example.shop.promises import SERVICE, person
from troth.example.shop.shell import Ask, Stop

LETTERS_AN_HOUR: Final = 30
_MESSAGE: Final = "communication.message"


def member(ask: Ask) -> Response:
    """The page of another customer, for customers, while troth permits it to be shown."""
    ask.must_be_customer()
    return ask.page("member.html", member=_member(ask))


def letters(ask: Ask) -> Response:
    """With whom the customer writes."""
    customer = ask.must_be_customer()
    with ask.shop.engine.begin() as tx:
        return ask.page("letters.html", threads=letter_box.threads_of(tx, customer.number))


def thread(ask: Ask) -> Response:
    """The letters with one other customer, and the next one."""
    customer, other = ask.must_be_customer(), ask.number("number")
    if other == customer.number:
        return ask.go("/letters")
    with ask.shop.engine.begin() as tx:
        written = letter_box.letters_between(tx, customer.number, other)
    if ask.request.method == "GET":
        return ask.page("thread.html", letters=written, other=_member(ask, needed=not written), fault="", typed="")
    recipient, body = _member(ask), ask.form.get("body", "")
    if not 1 <= len(body) <= letter_box.LONGEST:
        return ask.page(
            "thread.html",
            status=422,
            letters=written,
            other=recipient,
            fault=f"Between one and {letter_box.LONGEST:,} letters, please.",
            typed=body,
        )
    ask.must_be_permitted(SERVICE, _MESSAGE)
    if not ask.shop.promises.may(person(other), SERVICE, _MESSAGE):
        raise Stop(403, "This customer takes no letters at the moment.")
    with ask.shop.engine.begin() as tx:
        if letter_box.sent_since(tx, customer.number, ask.now - timedelta(hours=1)) >= LETTERS_AN_HOUR:
            raise Stop(429, "That were many letters.", "Please go on in an hour.")
        letter_box.send(tx, customer.number, other, body, ask.now)
    return ask.go(f"/letters/{other}?done=letter")


def tickets(ask: Ask) -> Response:
    """Questions to the shop, and the next one."""
    if ask.customer is None and ask.request.method == "GET":
        return ask.page("help.html", tickets=(), faults={}, typed={})
    customer = ask.must_be_customer()
    with ask.shop.engine.begin() as tx:
        mine = questions.tickets_of(tx, customer.number)
    if ask.request.method == "GET":
        return ask.page("help.html", tickets=mine, faults={}, typed={})
    subject, body = ask.form.get("subject", ""), ask.form.get("body", "")
    faults = {}
    if not 1 <= len(subject) <= 120 or "\n" in subject:
        faults["subject"] = "One line of up to 120 letters, please."
    if not 1 <= len(body) <= questions.LONGEST:
        faults["body"] = f"Between one and {questions.LONGEST:,} letters, please."
    if faults:
        return ask.page("help.html", status=422, tickets=mine, faults=faults, typed=ask.form)
    ask.must_be_permitted(SERVICE, _MESSAGE)
    with ask.shop.engine.begin() as tx:
        number = questions.ask(tx, customer.number, subject, body, ask.now)
    return ask.go(f"/help/{number}?done=ticket")


def ticket(ask: Ask) -> Response:
    """One question with its answers."""
    customer, number = ask.must_be_customer(), ask.number("number")
    with ask.shop.engine.begin() as tx:
        found = questions.ticket_of(tx, customer.number, number)
    if found is None:
        raise Stop(404, "You have no such question.", "All your questions stand under Help.")
    if ask.request.method == "GET":
        return ask.page("ticket.html", ticket=found[0], said=found[1], fault="", typed="")
    body = ask.form.get("body", "")
    if not 1 <= len(body) <= questions.LONGEST:
        return ask.page(
            "ticket.html",
            status=422,
            ticket=found[0],
            said=found[1],
            fault=f"Between one and {questions.LONGEST:,} letters, please.",
            typed=body,
        )
    ask.must_be_permitted(SERVICE, _MESSAGE)
    with ask.shop.engine.begin() as tx:
        questions.add(tx, number, "customer", body, ask.now)
    return ask.go(f"/help/{number}?done=ticket")


def _member(ask: Ask, *, needed: bool = True) -> Found | None:
    """The customer whose number is in the address; None or a page that says so where there is none to be shown."""
    number = ask.number("number")
    with ask.shop.engine.begin() as tx:
        found = accounts.profile_of(tx, number)
    if found is not None and ask.shop.promises.may(person(number), SERVICE, "profile.name"):
        return found
    if needed:
        raise Stop(404, "There is nobody to be seen here.")
    return None
