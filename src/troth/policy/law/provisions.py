"""What a law gives and asks, as frozen facts: rights, periods, duties to inform.

An article is written as lawyers cite it inside its law ("Art. 12(3)", "§ 1798.130(a)(2)"); `Law.cite` puts the law's
short name before it. No verbs here: `laws` reads these facts, `deadlines` counts with them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from troth.policy.vocabulary import LegalBasis, Right


class Confidence(StrEnum):
    """`check`: seen in one source only. Such a fact is kept for the reader, never counted with, never shown as fact."""

    FIRM = "firm"
    CHECK = "check"


class Unit(StrEnum):
    """What a legal period is counted in.

    Business days (United States) and working days (China, the European Union) are the days that the calendar of the
    controller calls working; the word is kept because each law uses its own.
    """

    CALENDAR_MONTH = "calendar month"
    CALENDAR_DAY = "calendar day"
    BUSINESS_DAY = "business day"
    WORKING_DAY = "working day"


class Start(StrEnum):
    """The events a period may be counted from; the latest of those named counts."""

    RECEIPT = "receipt"
    VERIFIED = "verified"
    FEE_PAID = "fee-paid"


class PeriodEnd(StrEnum):
    """What happens to a period whose last day is no working day.

    `AS_COUNTED` leaves it there, which is the earlier day and so never too late.
    """

    NEXT_WORKING_DAY = "next-working-day"
    AS_COUNTED = "as-counted"


class Scope(StrEnum):
    """How far a right reaches: whole, on conditions of the law, or only as an opt-out of certain uses."""

    FULL = "full"
    CONDITIONAL = "conditional"
    OPT_OUT = "opt-out"


class IdentityRule(StrEnum):
    """How sure a company may ask to be before it answers."""

    NONE = "none"
    DOUBT_ONLY = "doubt-only"
    REASONABLE = "reasonable"
    MATCH = "match"


class FeeRule(StrEnum):
    """What an answer may cost the person."""

    FREE = "free"
    FREE_PER_YEAR = "free-per-year"
    MINIMAL = "minimal"
    ACTUAL_COST = "actual-cost"


class FurtherRight(StrEnum):
    """Rights that some laws give beside the six of `Right`, and that a policy must tell of."""

    WITHDRAW_CONSENT = "withdraw-consent"
    AUTOMATED_DECISIONS = "automated-decisions"
    EXPLANATION = "explanation"
    OPT_OUT_OF_SALE = "opt-out-of-sale"
    LIMIT_SENSITIVE = "limit-sensitive"
    NO_RETALIATION = "no-retaliation"
    APPEAL = "appeal"
    SHARING_INFORMATION = "sharing-information"
    NOMINATE = "nominate"
    GRIEVANCE = "grievance"


class Duty(StrEnum):
    """What a law says that a published policy must contain or do."""

    IDENTITY = "identity"
    REPRESENTATIVE = "representative"
    OFFICER = "officer"
    PURPOSES = "purposes"
    BASIS_OF_PURPOSES = "basis-of-purposes"
    INTERESTS = "interests"
    LISTED_BASES = "listed-bases"
    RECIPIENTS = "recipients"
    TRANSFERS = "transfers"
    PERIODS = "periods"
    RIGHTS = "rights"
    WITHDRAWAL = "withdrawal"
    COMPLAINT = "complaint"
    OBLIGATORY_DATA = "obligatory-data"
    AUTOMATED_DECISIONS = "automated-decisions"
    SOURCES = "sources"
    CHILDREN = "children"
    COOKIE_CONSENT = "cookie-consent"
    ANONYMITY = "anonymity"
    CHANGE_NOTICE = "change-notice"
    REQUEST_HANDLING = "request-handling"
    YEARLY_UPDATE = "yearly-update"
    SALE_STATEMENT = "sale-statement"
    TRUTHFULNESS = "truthfulness"


@dataclass(frozen=True, slots=True)
class Length:
    """A legal period: `1 calendar month`, `45 calendar days`, `10 business days`."""

    count: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'' if self.count == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Provision:
    """One place in a law; `says` is what it means, in a sentence, where the article alone does not tell."""

    article: str
    says: str | None = None
    confidence: Confidence = Confidence.FIRM


@dataclass(frozen=True, slots=True)
class Limit:
    """By when something must be done. `within` is None where the law gives a duty and no number ("without delay").

    `stops` is true where the clock stands still while an answer that is needed from the person is awaited.
    `since` is the first day on which the limit is law; None where it always was, for troth.
    """

    within: Length | None
    article: str
    counted_from: tuple[Start, ...] = (Start.RECEIPT,)
    stops: bool = False
    since: dt.date | None = None
    says: str | None = None
    confidence: Confidence = Confidence.FIRM


@dataclass(frozen=True, slots=True)
class Extension:
    """How much longer an answer may take, and by when the person must have been told so, with reasons."""

    by: Length
    told_within: Length
    article: str
    confidence: Confidence = Confidence.FIRM


@dataclass(frozen=True, slots=True)
class Fee:
    """What an answer may cost; `times` is how often a year it is free where that is counted."""

    rule: FeeRule
    article: str
    times: int | None = None
    says: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """How a person's identity may be asked for."""

    rule: IdentityRule
    article: str
    says: str | None = None


@dataclass(frozen=True, slots=True)
class Handling:
    """How a request is answered under one law, as a whole or for one right."""

    answer: Limit
    acknowledge: Limit | None = None
    extension: Extension | None = None
    appeal: Limit | None = None
    fee: Fee | None = None
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One right as one law gives it."""

    right: Right
    article: str
    scope: Scope
    handling: Handling
    says: str | None = None


@dataclass(frozen=True, slots=True)
class Law:
    """One law. `bases` are the grounds it knows, None where it does not work with grounds.

    `silence` is what an unanswered request counts as. `authorities` are codes of `authorities.csv`. `acts` are names of
    further acts that its articles cite by themselves.
    """

    id: str
    name: str
    short: str
    source: str
    checked_on: dt.date
    confidence: Confidence
    in_force: dt.date | None
    authorities: tuple[str, ...]
    countries: tuple[str, ...]
    ends: PeriodEnd
    bases: frozenset[LegalBasis] | None
    consent_age: int | None
    handling: Handling
    complaint: Limit | None
    silence: str | None
    acts: tuple[str, ...]
    rights: Mapping[Right, Entitlement]
    further_rights: Mapping[FurtherRight, Provision]
    duties: Mapping[Duty, Provision]

    def cite(self, article: str) -> str:
        """`article` with the law's short name before it ("GDPR Art. 12(3)"), unless it names an act of its own."""
        return article if article.startswith(self.acts) else f"{self.short} {article}"

    def binds(self, day: dt.date) -> bool:
        """Whether the law's duties are in force on `day`. A date still to be confirmed is not relied on: it binds."""
        return self.in_force is None or day >= self.in_force
