"""How the pages say money, dates and outcomes."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

SAID: Final = {
    "saved": "Saved.",
    "password": "Your new password is set. Other devices were logged out.",
    "in-basket": "It is in your basket.",
    "basket": "Your basket is up to date.",
    "review": "Thank you. Your review is on the page.",
    "letter": "Your letter was delivered.",
    "ticket": "We have your question. The answer will stand here.",
    "newsletter-on": "You will get our newsletter. You can stop it here at any time.",
    "newsletter-off": "You will get no more newsletters.",
    "counting-on": "Thank you. What you open and search is counted from now on.",
    "counting-off": "Nothing you open or search is counted any more.",
    "welcome": "Welcome! Your account is open.",
    "bye": "You are logged out.",
    "closed": "Your account is closed. What is left of it will be deleted within 30 days.",
    "declined": "The payment was declined. Nothing was charged; you can try again.",
}
"""What a page may say after something was done, by the word in its address: nothing from outside is shown there."""

REASONS: Final = {
    "restricted": "You asked that your data is only kept and not used at the moment.",
    "contract-ended": "Your account is closed.",
    "objection-stands": "You objected to this use.",
    "consent-not-given": "You have not agreed to this use.",
    "consent-withdrawn": "You withdrew your consent to this use.",
    "standing-unknown": "We cannot read your choices at the moment, so we do nothing. Please try again soon.",
    "person-unknown": "Your account is not ready yet. Log out and in again, please.",
    "person-ambiguous": "Your account is not ready yet. Please ask us.",
}
"""Why troth said no, in plain words, by its reason; reasons that are our own mistake are not here."""

STATUSES: Final = {"paid": "Paid, being packed", "sent": "On its way", "delivered": "Delivered", "returned": "Returned"}


def money(cents: int) -> str:
    """1290 as €12.90."""
    return f"€{cents // 100:,}.{cents % 100:02}"


def day(at: datetime) -> str:
    """A date in words: 9 January 2024."""
    return f"{at.day} {at:%B %Y}"


def moment(at: datetime) -> str:
    """A date and a time: 9 January 2024, 14:05 (UTC)."""
    return f"{day(at)}, {at:%H:%M} UTC"


def machine(at: datetime) -> str:
    """The same for `<time datetime>`."""
    return at.isoformat(timespec="minutes")


@cache
def style() -> bytes:
    """The style sheet."""
    return files("troth.example.shop").joinpath("static/shop.css").read_bytes()


@cache
def style_address() -> str:
    """Where the style sheet is served: its name changes with its content, so that browsers may keep it for good."""
    return f"/shop/{sha256(style()).hexdigest()[:16]}.css"
