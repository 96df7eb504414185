"""The questions of `bench.decision` put to a Rego policy through regopy, built once, as an engine for any policy would.

regopy is no part of troth: where it is not installed the figure says so and counts as nothing. Every answer is held
against ours first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from bench.cedar import NOBODY, Key, used_bits
from bench.ratio import Figure, Measured, at_least, compare, times

BUDGET = 50
QUESTIONS = 200
NAME = "may() in process, against Rego asked the same through regopy, the bundle built once"

_RULES = """\
package troth
import rego.v1
default allow := false
allow if {
  rule := data.rules[input.question]
  count([bit | some bit in rule.set; not input.bits[bit]]) == 0
  count([bit | some bit in rule.unset; input.bits[bit]]) == 0
}
"""


def engine(masks: Mapping[Key, tuple[int, int]], words: Mapping[str, int]) -> Callable[..., bool]:
    """Answers one question as Rego does. Raises: ModuleNotFoundError."""
    regopy = import_module("regopy")
    bits = used_bits(masks)
    rules = {
        question(*key): {
            "set": [f"b{bit}" for bit in bits if mask >> bit & 1 and required >> bit & 1],
            "unset": [f"b{bit}" for bit in bits if mask >> bit & 1 and not required >> bit & 1],
        }
        for key, (mask, required) in masks.items()
        if required & ~mask == 0
    }
    rego = regopy.Interpreter()
    rego.add_module("troth", _RULES)
    rego.add_data({"rules": rules})
    bundle = rego.build("x = data.troth.allow")
    states = {person: {f"b{bit}": bool(word >> bit & 1) for bit in bits} for person, word in words.items()}

    def allows(person: str, purpose: str, data: str, recipient: str | None) -> bool:
        rego.set_input({"question": question(purpose, data, recipient), "bits": states[person]})
        return rego.query_bundle(bundle).results[0].bindings["x"] is True

    return allows


def question(purpose: str, data: str, recipient: str | None) -> str:
    return f"{purpose}|{data}|{recipient or NOBODY}"


def figure(
    may: Callable[..., Any],
    asked: list[tuple[Any, ...]],
    words: Mapping[str, int],
    masks: Mapping[Key, tuple[int, int]],
) -> Figure:
    """How many times faster `may` answers the first questions of `asked` than Rego, both giving the same answers."""
    try:
        allows = engine(masks, words)
    except ModuleNotFoundError:
        return Figure(NAME, "not measured: regopy is not installed (`uv pip install regopy`)", f"at least {BUDGET} x")
    some = asked[:QUESTIONS]
    assert [allows(*one) for one in some] == [bool(may(*one)) for one in some]
    rounds = 100  # ours takes no measurable time over so few questions
    measured = compare(
        times(lambda: [may(*one) for one in some], rounds), lambda: [allows(*one) for one in some], rounds=5
    )
    single = Measured(measured.ratio / rounds, measured.ours_s / rounds, measured.floor_s, measured.rounds)
    return at_least(f"{NAME}, {QUESTIONS} decisions", single, BUDGET)
