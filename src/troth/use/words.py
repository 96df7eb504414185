"""The closed words of choices: what can happen to a consent, an objection, a restriction. Loads nothing."""

from __future__ import annotations

from enum import StrEnum


class Consent(StrEnum):
    """What happened to a consent. The states of DPV and ISO/IEC TS 27560, in one word each."""

    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


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
