"""What staff read where a request has a word of a machine: its right, where it stands, how it came, who showed what."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from troth.policy.vocabulary import Right
from troth.rights.states import BY_HAND
from troth.rights.words import Actor, Channel, Gone, Proof, Release, State

if TYPE_CHECKING:
    from troth.rights.requests import Request

RIGHTS: Mapping[Right, str] = MappingProxyType(
    {
        Right.ACCESS: "access",
        Right.RECTIFICATION: "correction",
        Right.ERASURE: "deletion",
        Right.RESTRICTION: "restriction",
        Right.PORTABILITY: "portability",
        Right.OBJECTION: "objection",
    }
)
CHANNELS: Mapping[Channel, str] = MappingProxyType(
    {
        Channel.CENTRE: "in the privacy centre",
        Channel.CONSOLE: "by another way, typed in by staff",
        Channel.TERMINAL: "from a terminal",
        Channel.API: "from an app of the company",
    }
)
PROOFS: Mapping[Proof, str] = MappingProxyType(
    {
        Proof.LINK: "a link to an address on file",
        Proof.SESSION: "being signed in to the privacy centre",
        Proof.APP: "an app of the company",
        Proof.STAFF: "staff, by name",
        Proof.OPERATOR: "the operator",
    }
)
GONE: Mapping[Gone, str] = MappingProxyType(
    {
        Gone.EXPIRED: "its time was up",
        Gone.ERASED: "the person was erased",
        Gone.WITHDRAWN: "the request was withdrawn",
    }
)
ACTORS: Mapping[Actor, str] = MappingProxyType(
    {
        Actor.PERSON: "the person",
        Actor.STAFF: "staff",
        Actor.OPERATOR: "the operator",
        Actor.APP: "an app of the company",
        Actor.HOUSE: "troth, by itself",
    }
)
RELEASES: Mapping[Release, str] = MappingProxyType({Release.KEEP: "shown", Release.REDACT: "replaced"})
_STATES: Mapping[State, str] = MappingProxyType(
    {
        State.RECEIVED: "received",
        State.IDENTITY: "not confirmed yet",
        State.COOLING_OFF: "in its waiting time",
        State.APPROVAL: "waits for approval",
        State.WORKING: "under way",
        State.RELEASE: "other people in it: waits for release",
        State.DONE: "done",
        State.REFUSED: "refused",
        State.CANCELLED: "cancelled",
    }
)


def stands(right: Right, state: State) -> str:
    """Where a request of that right stands, in words."""
    return "to be done by hand" if state is State.WORKING and right in BY_HAND else _STATES[state]


def of(request: Request) -> str:
    """Where that request stands, in words."""
    return stands(request.right, request.state)
