"""What the importer guessed permits nothing until a person has confirmed it."""

from __future__ import annotations

from troth.policy import reading
from troth.use.decision import Reason, compile_policy, decide

POLICY = (
    "troth: 1\ncontroller: {name: X, country: DE}\n"
    "use: {title: Use, one: {text: To serve you., purpose: service.provide, data: [contact.email], basis: contract%s}}\n"
)
NOTHING_SAID = 0


def decided(more: str) -> Reason:
    policy = reading.parse((POLICY % more).encode())
    return decide(compile_policy(policy), NOTHING_SAID, "service.provide", "contact.email").reason


def test_a_guessed_ground_carries_nothing() -> None:
    assert decided(", guess: true") is Reason.BASIS_MISSING


def test_the_same_ground_confirmed_carries_the_use() -> None:
    assert decided("") is Reason.BASIS_APPLIES
