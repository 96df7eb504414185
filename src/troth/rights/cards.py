"""The six rights, where a request stands and what happened to it, in the words of the privacy centre."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from troth.policy.vocabulary import Right
from troth.rights.requests import Request
from troth.rights.states import BY_HAND
from troth.rights.words import Channel, State


@dataclass(frozen=True, slots=True)
class Card:
    """One right in the words of the page: its title, what it does, the word on the button, what it asks the person."""

    title: str
    says: str
    act: str
    asks: str = ""


CARDS: Mapping[Right, Card] = {
    Right.ACCESS: Card("See your data", "A complete copy you can read and keep.", "Get a copy"),
    Right.RECTIFICATION: Card(
        "Correct something",
        "Tell us what is wrong. One of us corrects it and writes to you.",
        "Correct",
        "What is wrong, and how is it right?",
    ),
    Right.PORTABILITY: Card(
        "Take your data elsewhere",
        "What you gave us, in open formats. One of us prepares it and writes to you.",
        "Take it with you",
        "Where should it go? Leave this empty to get it yourself.",
    ),
    Right.RESTRICTION: Card(
        "Pause the use of your data",
        "We keep it locked and do nothing else with it, until you say otherwise.",
        "Pause it",
    ),
    Right.OBJECTION: Card("Object to a use", "To one use of your data. For marketing, at once and for good.", "Object"),
    Right.ERASURE: Card(
        "Delete your data",
        "All but what a law makes us keep. What that is, why and until when, we show you first.",
        "See what would be deleted",
    ),
}


def says(request: Request, word: str = "") -> str:
    """Where a request stands, in a sentence for its person."""
    if (request.state, request.right, request.channel) == (State.RECEIVED, Right.ERASURE, Channel.CENTRE):
        return "We have it. Look into your mailbox in a minute: before anything is deleted, we ask whether it was you."
    if request.state is State.IDENTITY:
        return "We sent a link to your address. Follow it, and we go on." if word == "link-sent" else _BY_STAFF
    if request.state is State.WORKING and request.right in BY_HAND:
        return "One of us is at it, and writes to you when it is done."
    if request.state is State.DONE:
        return _DONE[request.right]
    return _SAYS[request.state]


_DONE: Mapping[Right, str] = {
    Right.ACCESS: "Your copy was made.",
    Right.RECTIFICATION: "It is corrected. We wrote to you what was done.",
    Right.PORTABILITY: "It is done. We wrote to you how you get it.",
    Right.RESTRICTION: "Your data is locked. You can unlock it among your data and choices.",
    Right.OBJECTION: "We do not use your data for this any more.",
    Right.ERASURE: "Your data is deleted, and we have looked for what might be left.",
}
_BY_STAFF = "One of us looks at it, and writes to you."
_SAYS: Mapping[State, str] = {
    State.RECEIVED: "We have it and are getting to it.",
    State.COOLING_OFF: "It waits, so that nobody else can do this in your name. Until then you can stop it.",
    State.APPROVAL: "One of us looks at it before it begins.",
    State.WORKING: "We are at it now.",
    State.RELEASE: "Other people stand in your copy. One of us looks at that before you get it.",
    State.REFUSED: "We cannot do this.",
    State.CANCELLED: "It was cancelled, and nothing was changed.",
}
STEPS: Mapping[str, str] = {
    "received": "You asked",
    "link-sent": "We sent you a link",
    "confirmed": "We know that it is you",
    "waited": "The waiting time ended",
    "approved": "One of us looked at it and agreed",
    "released": "One of us looked at your copy",
    "extended": "We told you that it takes longer",
    "asked": "We asked you something",
    "answered": "You answered",
    "held": "We deleted all but what a dispute or a law holds back for now",
    "done": "It was done",
    "by-hand": "It was done",
    "refused": "It was refused",
    "cancelled": "It was cancelled",
}
