"""The closed words of choices: what can happen to a consent, an objection, a restriction. Loads nothing."""

from __future__ import annotations

from enum import StrEnum


class Consent(StrEnum):
    """What happened to a consent: the states of DPV and ISO/IEC TS 27560, in a word each. GIVEN alone permits.

    RENEWAL_ASKED: what was agreed to has changed, and the person has not agreed to what it is now. GUARDIAN_ASKED: a
    child wishes it, and its guardian has not confirmed. UNKNOWN: brought from elsewhere without the words agreed to.
    """

    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    RENEWAL_ASKED = "renewal-asked"
    GUARDIAN_ASKED = "guardian-asked"
    UNKNOWN = "unknown"


class Objection(StrEnum):
    """What happened to an objection (GDPR Art. 21)."""

    RAISED = "raised"
    LIFTED = "lifted"


class Restriction(StrEnum):
    """What happened to a restriction (Art. 18)."""

    PLACED = "placed"
    LIFTED = "lifted"


class Ground(StrEnum):
    """Why use is restricted: the person wished it, the four cases of Art. 18(1), or an erasure that is under way."""

    REQUEST = "request"
    ACCURACY_CONTESTED = "accuracy-contested"
    UNLAWFUL = "unlawful"
    LEGAL_CLAIMS = "legal-claims"
    OBJECTION_PENDING = "objection-pending"
    ERASURE = "erasure"


class Via(StrEnum):
    """How a link into the privacy centre reached the person."""

    MAIL = "mail"
    APP = "app"


class Suppression(StrEnum):
    """Why an address gets no mail: its holder said so, an imported list does, or a probe looks whether it works."""

    OPT_OUT = "opt-out"
    IMPORTED = "imported"
    PROBE = "probe"


class Closing(StrEnum):
    """What became of a person's account."""

    CLOSED = "closed"
    REOPENED = "reopened"


class Notice(StrEnum):
    """Whether a recipient has been told that a person no longer agrees. `needless`: it never had anything of theirs."""

    WAITING = "waiting"
    TOLD = "told"
    NEEDLESS = "needless"


class RunState(StrEnum):
    """How far a run of a program got. Refused: it named what the policy does not declare, and was given nothing."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"


class MessageClass(StrEnum):
    """What a message is for: it belongs to one order, to the service as a whole, or it advertises."""

    TRANSACTIONAL = "transactional"
    SERVICE = "service"
    MARKETING = "marketing"
