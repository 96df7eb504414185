"""What names a person, what is free text, and how troth's views are called. Nothing is read here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from troth.policy.vocabulary import CATEGORIES

SMALLEST_GROUP = 5
"""How many people a group has at least, where the policy gives no number."""

PERSON, DAY, MONTH, USES, PEOPLE = "person", "day", "month", "uses", "people"
ADDED = frozenset({PERSON, DAY, MONTH, USES, PEOPLE})
"""The columns of a view that are no column of its table."""
GROUPS = "_groups"
"""How the name of a view of groups ends."""

_NAMING_FAMILIES = frozenset(
    {
        "account",
        "contact",
        "profile",
        "payment",
        "family",
        "health",
        "biometric",
        "genetic",
        "origin",
        "belief",
        "union",
    }
)
_NAMING = frozenset(
    {
        "transaction.billing_address",
        "transaction.payment_method",
        "device.ip",
        "device.id",
        "device.fingerprint",
        "device.cookie",
        "device.user_agent",
        "location.precise",
        "identity.birth_date",
        "identity.national_id",
        "identity.passport",
        "identity.tax_number",
        "identity.licence",
        "note.about",
        "sexuality.orientation",
        "criminal.record",
    }
)
_FREE = frozenset({"communication", "content", "note"})
_LONGEST = 60


def names_somebody(category: str) -> bool:
    """Whether data of this kind say who somebody is, or are too delicate for a view (Art. 4(1), 9, 10)."""
    known = CATEGORIES.get(category)
    return category in _NAMING or category.partition(".")[0] in _NAMING_FAMILIES or bool(known and known.special)


def is_free_text(category: str) -> bool:
    """Whether text of this kind is whatever people wrote; it may name anybody."""
    return category.partition(".")[0] in _FREE or category == "usage.search"


def prefix(purpose: str) -> str:
    """How the names of the views for a purpose begin in a store with roles."""
    return f"troth_view_{_plain(purpose)}_"


def purpose_of(name: str, purposes: Iterable[str]) -> str | None:
    """The purpose that a view of that name is for: of those that fit, the longest."""
    fitting = [purpose for purpose in purposes if name.startswith(prefix(purpose))]
    return max(fitting, key=len, default=None)


def view_name(purpose: str, table: str) -> str:
    """The view of `table` for `purpose`; cut so that all names have at most 60 signs."""
    return _short(prefix(purpose) + _plain(table))


def may_name(purpose: str, person: str) -> str:
    """The table of those people of a kind (`shop.customer`) who may be used for `purpose`."""
    return _short(f"troth_may_{_plain(purpose)}_{_plain(person.rpartition('.')[2])}")


def _plain(name: str) -> str:
    return "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in name.lower())


def _short(name: str) -> str:
    most = _LONGEST - len(GROUPS)
    return name if len(name) <= most else f"{name[: most - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
