"""The questions of `bench.decision` put to Cedar through its Python package, as an engine for any policy would answer.

Cedar is no part of troth: where `cedarpy` is not installed the figure says so and counts as nothing. Policies are
parsed once, entities are made before the clock starts, and every answer is held against ours first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from bench.ratio import Figure, Measured, at_least, compare, times

BUDGET = 50
QUESTIONS = 200
NAME = "may() in process, against Cedar asked the same through cedarpy, policies parsed once"
NOBODY = "-"

Key = tuple[str, str, str | None]
"""Purpose, category, recipient."""


def figure(
    may: Callable[..., Any],
    asked: list[tuple[Any, ...]],
    words: Mapping[str, int],
    masks: Mapping[Key, tuple[int, int]],
) -> Figure:
    """How many times faster `may` answers the first questions of `asked` than Cedar, both giving the same answers."""
    try:
        import_module("cedarpy")
    except ModuleNotFoundError:
        return Figure(NAME, "not measured: cedarpy is not installed (`uv pip install cedarpy`)", f"at least {BUDGET} x")
    some, allows = asked[:QUESTIONS], engine(masks, words)

    def cedar() -> list[bool]:
        return [allows(*question) for question in some]

    ours = [bool(may(*question)) for question in some]
    assert cedar() == ours
    rounds = 100  # ours takes no measurable time over so few questions
    measured = compare(times(lambda: [may(*question) for question in some], rounds), cedar, rounds=5)
    single = Measured(measured.ratio / rounds, measured.ours_s / rounds, measured.floor_s, measured.rounds)
    return at_least(f"{NAME}, {QUESTIONS} decisions", single, BUDGET)


def engine(masks: Mapping[Key, tuple[int, int]], words: Mapping[str, int]) -> Callable[..., bool]:
    """Answers one question as Cedar does. Raises: ModuleNotFoundError."""
    cedarpy = import_module("cedarpy")
    policies = cedarpy.PolicySet.from_str("\n".join(statements(masks)))
    bits = used_bits(masks)
    people = {person: [entity(person, word, bits)] for person, word in words.items()}

    def allows(person: str, purpose: str, data: str, recipient: str | None) -> bool:
        asked = {
            "principal": f'Person::"{person}"',
            "action": f'Action::"{purpose}"',
            "resource": f'Category::"{data}"',
            "context": {"recipient": recipient or NOBODY},
        }
        return bool(cedarpy.is_authorized(asked, policies, people[person]).allowed)

    return allows


def statements(masks: Mapping[Key, tuple[int, int]]) -> Iterable[str]:
    """One `permit` for each purpose, recipient and condition, over all the categories that share it."""
    alike: dict[tuple[str, str, int, int], list[str]] = defaultdict(list)
    for (purpose, data, recipient), (mask, required) in masks.items():
        if required & ~mask == 0:  # else nobody ever gets a yes
            alike[purpose, recipient or NOBODY, mask, required].append(data)
    bits = used_bits(masks)
    for (purpose, recipient, mask, required), categories in alike.items():
        resources = ", ".join(f'Category::"{data}"' for data in categories)
        conditions = [f"[{resources}].contains(resource)", f'context.recipient == "{recipient}"']
        conditions += [f"{'' if required >> bit & 1 else '!'}principal.b{bit}" for bit in bits if mask >> bit & 1]
        yield f'permit(principal, action == Action::"{purpose}", resource) when {{ {" && ".join(conditions)} }};'


def used_bits(masks: Mapping[Key, tuple[int, int]]) -> list[int]:
    """The numbers of the bits that any mask looks at."""
    every = 0
    for mask, _ in masks.values():
        every |= mask
    return [bit for bit in range(every.bit_length()) if every >> bit & 1]


def entity(person: str, word: int, bits: list[int]) -> dict[str, Any]:
    """A person as Cedar takes one: each bit of the state an attribute."""
    attributes = {f"b{bit}": bool(word >> bit & 1) for bit in bits}
    return {"uid": {"type": "Person", "id": person}, "attrs": attributes, "parents": []}
