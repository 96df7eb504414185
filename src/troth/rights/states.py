"""The states of a request and the moves between them, as data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from troth.policy.vocabulary import Right
from troth.rights.words import State

ENDS = frozenset({State.DONE, State.REFUSED, State.CANCELLED})
_BEFORE_WORK = frozenset({State.COOLING_OFF, State.APPROVAL, State.WORKING})

MOVES: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.RECEIVED: frozenset({State.IDENTITY, State.REFUSED, State.CANCELLED}) | _BEFORE_WORK,
        State.IDENTITY: frozenset({State.REFUSED, State.CANCELLED}) | _BEFORE_WORK,
        State.COOLING_OFF: frozenset({State.APPROVAL, State.WORKING, State.REFUSED, State.CANCELLED}),
        State.APPROVAL: frozenset({State.WORKING, State.REFUSED, State.CANCELLED}),
        State.WORKING: frozenset({State.APPROVAL, State.RELEASE, State.DONE, State.REFUSED, State.CANCELLED}),
        State.RELEASE: frozenset({State.WORKING, State.DONE, State.REFUSED, State.CANCELLED}),
        State.DONE: frozenset(),
        State.REFUSED: frozenset(),
        State.CANCELLED: frozenset(),
    }
)
"""Where a request may go from each state."""

BY_HAND = frozenset({Right.RECTIFICATION, Right.PORTABILITY})
"""Rights that staff carry out; troth takes the request in, keeps its day and its history, and tells the person."""

ERASING: frozenset[State] = frozenset({State.DONE, State.APPROVAL})
"""Where an erasure may go once it is `working`: what has begun to be deleted is neither refused nor cancelled; a plan
that has changed before it began is approved anew."""


def allowed(right: Right, before: State) -> frozenset[State]:
    """Where a request of that right may go from `before`."""
    if right is Right.ERASURE and before is State.WORKING:
        return MOVES[before] & ERASING
    return MOVES[before]
