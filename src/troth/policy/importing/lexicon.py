"""The words by which a line's subject is guessed, read once from `words.yaml`. A guess, never a judgement."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

from troth.policy.documents import load
from troth.policy.vocabulary import LegalBasis

READ = 2000
"""How many characters of a text are looked at: what a line is about stands at its head."""

TYPICAL_DATA: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "service.provide": ("account.*", "contact.*", "profile.*"),
        "service.improve": ("usage.*", "device.*"),
        "transactions": ("transaction.*", "payment.*", "contact.address"),
        "notices": ("contact.email", "contact.phone"),
        "support": ("communication.*", "contact.email"),
        "marketing": ("contact.email", "profile.name"),
        "analytics": ("usage.*", "device.*"),
        "research": ("communication.feedback", "transaction.purchase", "usage.*"),
        "personalisation": ("usage.*", "transaction.purchase"),
        "advertising": ("usage.*", "device.*"),
        "fraud": ("transaction.*", "payment.*", "device.ip"),
        "security": ("device.ip", "usage.visit_time", "account.username"),
        "legal": ("transaction.*",),
        "terms": ("account.*",),
    }
)
"""The data that a purpose usually takes, where a line names none; only what the source says it collects is taken."""

TYPICAL_BASIS: Mapping[str, LegalBasis] = MappingProxyType(
    {
        "service.provide": LegalBasis.CONTRACT,
        "transactions": LegalBasis.CONTRACT,
        "notices": LegalBasis.CONTRACT,
        "support": LegalBasis.CONTRACT,
        "marketing": LegalBasis.CONSENT,
        "advertising": LegalBasis.CONSENT,
        "analytics": LegalBasis.CONSENT,
        "personalisation": LegalBasis.CONSENT,
        "legal": LegalBasis.LEGAL_OBLIGATION,
        "service.improve": LegalBasis.LEGITIMATE_INTERESTS,
        "research": LegalBasis.LEGITIMATE_INTERESTS,
        "fraud": LegalBasis.LEGITIMATE_INTERESTS,
        "security": LegalBasis.LEGITIMATE_INTERESTS,
        "terms": LegalBasis.LEGITIMATE_INTERESTS,
    }
)
"""The ground that a purpose usually has; only grounds that the source itself names are taken."""


@cache
def _tables() -> Mapping[str, Mapping[str, re.Pattern[str]]]:
    name = "words.yaml"
    data = (resources.files("troth.policy.importing") / name).read_bytes()
    return MappingProxyType(
        {
            table: MappingProxyType({row: re.compile("|".join(words), re.IGNORECASE) for row, words in rows.items()})
            for table, rows in load(data, name).value.items()
        }
    )


def table(name: str) -> Mapping[str, re.Pattern[str]]:
    """The rows of one table in the order in which they are tried."""
    return _tables()[name]


def says(sign: str, text: str) -> bool:
    """Whether `text` bears the sign, one of the table `signs`."""
    return table("signs")[sign].search(text[:READ]) is not None


def found_in(name: str, text: str) -> tuple[str, ...]:
    """The rows of the table that `text` speaks of, in the order of the text; a word counts for one row only."""
    text = text[:READ]
    places: list[tuple[int, str]] = []
    for row, pattern in table(name).items():
        match = pattern.search(text)
        if match is not None:
            places.append((match.start(), row))
            text = pattern.sub(lambda taken: "_" * len(taken[0]), text)
    return tuple(row for _, row in sorted(places))


def first_in(name: str, *texts: str | None) -> str | None:
    """The first row that matches in the first of `texts` in which any row does."""
    for text in texts:
        for row, pattern in table(name).items():
            if text and pattern.search(text[:READ]):
                return row
    return None
