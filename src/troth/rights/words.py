"""The closed words of requests: where one stands, how it came in, who moved it, why it was refused. Loads nothing."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """Where a request stands. The last three are ends: nothing moves a request out of them.

    An erasure is `working` until it is proven; deleted and not yet proven is not done.
    """

    RECEIVED = "received"
    IDENTITY = "identity"
    COOLING_OFF = "cooling-off"
    APPROVAL = "approval"
    WORKING = "working"
    RELEASE = "release"
    DONE = "done"
    REFUSED = "refused"
    CANCELLED = "cancelled"

    @property
    def open(self) -> bool:
        """Whether an answer is still owed."""
        return self not in {State.DONE, State.REFUSED, State.CANCELLED}


WAITS_FOR = MappingProxyType(
    {
        State.RECEIVED: "It goes on by itself with `troth serve` or `troth worker`.",
        State.IDENTITY: "Who is meant is not settled. `troth request show {number}` says why; staff settle it in the "
        "console.",
        State.COOLING_OFF: "It begins by itself when the days in which it can be taken back are over.",
        State.APPROVAL: "Staff look at its plan in the console first.",
        State.WORKING: "It goes on by itself with `troth serve` or `troth worker`.",
        State.RELEASE: "Staff decide in the console what it says of other people.",
    }
)
"""What an open request waits for, as whoever typed it is told."""


class Channel(StrEnum):
    """How a request came in: the privacy centre, staff who typed it in, a terminal, an app of the company."""

    CENTRE = "centre"
    CONSOLE = "console"
    TERMINAL = "terminal"
    API = "api"


class Actor(StrEnum):
    """Who moved a request: the person, staff, who has the machine, an app of the company, or the house by itself."""

    PERSON = "person"
    STAFF = "staff"
    OPERATOR = "operator"
    APP = "app"
    HOUSE = "house"


class Proof(StrEnum):
    """What showed that the person is who they say.

    `link`: they followed a link sent to an address on file; `session`: they were in the centre already; `app`: the
    company's app had signed them in; `staff`, `operator`: somebody answers for it by name or has the machine.
    """

    LINK = "link"
    SESSION = "session"
    APP = "app"
    STAFF = "staff"
    OPERATOR = "operator"


class ErasureState(StrEnum):
    """How far an erasure is. Only proven is done.

    `pending`: begun, and perhaps some of it done. `erased`: every mapped place was asked again and holds nothing of
    theirs. `proven`: no needle of theirs was found in any store.
    """

    PENDING = "pending"
    ERASED = "erased"
    PROVEN = "proven"


class LinkUse(StrEnum):
    """What a link that was mailed for a request does: confirm who asks, or cancel."""

    CONFIRM = "confirm"
    CANCEL = "cancel"


class RefusalGround(StrEnum):
    """Why a request may be refused (GDPR Art. 11(2), 12(5), 15(4), 17(3), 18, 20, 21(1))."""

    NOT_IDENTIFIED = "not-identified"
    UNFOUNDED = "unfounded"
    EXCESSIVE = "excessive"
    LEGAL_OBLIGATION = "legal-obligation"
    LEGAL_CLAIMS = "legal-claims"
    PUBLIC_INTEREST = "public-interest"
    FREE_EXPRESSION = "free-expression"
    RIGHTS_OF_OTHERS = "rights-of-others"
    COMPELLING_GROUNDS = "compelling-grounds"
    CONDITIONS_NOT_MET = "conditions-not-met"


class Gone(StrEnum):
    """Why a copy cannot be fetched any more: its time was up, the person was erased, or the request was withdrawn."""

    EXPIRED = "expired"
    ERASED = "erased"
    WITHDRAWN = "withdrawn"


class Release(StrEnum):
    """What staff decide about a value of a copy that also speaks of somebody else (GDPR Art. 15(4))."""

    KEEP = "keep"
    REDACT = "redact"
