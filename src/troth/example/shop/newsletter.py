"""The newsletter: sent to those troth permits and to nobody else, stopped by one click without logging in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from secrets import token_urlsafe

from sqlalchemy import Engine, insert, select

from troth.example.shop import accounts, post
from troth.example.shop.promises import LETTER_DATA, MARKETING, Promises, person
from troth.example.shop.tables import newsletter_sends, profiles, users


def subscribed(promises: Promises, number: int) -> bool:
    """Whether that customer may get the newsletter now."""
    return bool(promises.may(person(number), MARKETING, LETTER_DATA))


def send(
    engine: Engine, promises: Promises, mail: post.Post, *, campaign: str, subject: str, body: str, now: datetime
) -> int:
    """Send one newsletter; how many people got it.

    Sent again under the same name, it reaches only those it has not reached yet. The audience is asked for once, and
    each person once more in the moment of sending: whoever withdraws while the letters go out gets none. Each letter
    has the headers that stop it with one click (RFC 8058).
    """
    with engine.begin() as tx:
        reached = set(tx.scalars(select(newsletter_sends.c.user_id).where(newsletter_sends.c.campaign == campaign)))
        waiting = [number for number in accounts.open_accounts(tx) if number not in reached]
    permitted = set(promises.permitted(MARKETING, LETTER_DATA, [person(number) for number in waiting]))
    sent = 0
    for number in waiting:
        if person(number) in permitted and promises.may(person(number), MARKETING, LETTER_DATA):
            _send_one(engine, promises, mail, number, campaign=campaign, subject=subject, body=body, now=now)
            sent += 1
    return sent


def _send_one(
    engine: Engine,
    promises: Promises,
    mail: post.Post,
    number: int,
    *,
    campaign: str,
    subject: str,
    body: str,
    now: datetime,
) -> None:
    stop_key = token_urlsafe(24)
    with engine.begin() as tx:
        reader = tx.execute(
            select(users.c.email, profiles.c.name)
            .join(profiles, profiles.c.user_id == users.c.id)
            .where(users.c.id == number)
        ).one()
        tx.execute(insert(newsletter_sends).values(user_id=number, campaign=campaign, stop_key=stop_key, sent_at=now))
        post.note(tx, customer_number=number, order_id=None, template="newsletter", kind=post.MARKETING, at=now)
    who = {"id": str(number), "email": reader.email}
    mail.carry(compose(promises, who, name=reader.name, subject=subject, body=body))


def compose(promises: Promises, to: Mapping[str, str], *, name: str, subject: str, body: str) -> EmailMessage:
    """One newsletter as its reader gets it, with the way out in its headers and at its end."""
    way_out = promises.unsubscribe_headers(to, MARKETING)
    stop = way_out["List-Unsubscribe"].strip("<>")
    words = f"Dear {name},\n\n{body}\n\nYou asked for this letter. To get no more of them: {stop}\n"
    letter = post.letter(to["email"], subject, words)
    for header, value in way_out.items():
        letter[header] = value
    return letter


def stop(engine: Engine, promises: Promises, stop_key: str) -> bool:
    """Withdraw the consent of whoever got the letter with that key; whether there was such a letter."""
    with engine.begin() as tx:
        number = tx.scalar(select(newsletter_sends.c.user_id).where(newsletter_sends.c.stop_key == stop_key))
    if number is None:
        return False
    promises.withdraw_consent(person(int(number)), MARKETING)
    return True
