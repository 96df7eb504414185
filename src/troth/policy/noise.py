"""How much a recipient of groups may be told about any one person: differential privacy, as declared."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from troth.policy.declared import Declared
from troth.policy.vocabulary import Safeguard

if TYPE_CHECKING:
    from troth.policy.documents import Faults, Path_
    from troth.policy.model import Meaning, Policy, Sentence

_Loss = Annotated[float, Field(ge=0.01, le=10, strict=True)]
_Budget = Annotated[float, Field(ge=0.01, le=100, strict=True)]


class Noise(Declared):
    """Groups are told with noise (differential privacy): what a batch says is as likely with any one person in it as
    without, but for a factor of e^epsilon and a chance of one in a thousand million.

    `budget` is the most that the epsilons of all batches to a recipient may come to, whatever for, and for good.
    `groups` is in how many groups of one batch a person counts at most; the more, the more noise is in each.
    """

    epsilon: _Loss
    budget: _Budget
    groups: Annotated[int, Field(ge=1, le=100, strict=True)] = 1

    @property
    def cost(self) -> Decimal:
        """What one batch costs, exactly as it was written: ten times 0.1 are 1."""
        return exactly(self.epsilon)


def exactly(number: float) -> Decimal:
    """The decimal number that somebody wrote, so that sums of them are those of paper."""
    return Decimal(repr(number))


def find_own_faults(meaning: Meaning, faults: Faults, path: Path_) -> None:
    """Add what is wrong with the noise of one clause."""
    noise = meaning.noise
    if noise is None:
        return
    if meaning.safeguard is not Safeguard.ANONYMISED:
        faults.add(
            (*path, "noise"),
            "noise is added to groups that a recipient gets, and this is no such place.",
            expected="safeguard: anonymised beside it",
            at_key=True,
        )
    if exactly(noise.budget) < noise.cost:
        faults.add(
            (*path, "noise", "budget"),
            f"the budget of {noise.budget:g} does not pay for one batch.",
            expected=f"at least the epsilon of one, {noise.epsilon:g}",
        )


def find_faults(policy: Policy, faults: Faults) -> None:
    """Add each recipient that gets groups with noise by one sentence and something exact by another.

    What it gets elsewhere could be put beside the groups; then noise would protect nobody, and its sum mean nothing.
    """
    noisy: dict[str, Sentence] = {}
    for sentence, each in policy.recipients:
        if sentence.meaning.noise is not None:
            noisy.setdefault(each.name, sentence)
    for sentence, at, name in _placed(policy):
        first = noisy.get(name)
        if first is None or first is sentence:
            continue
        noise, theirs = sentence.meaning.noise, first.meaning.noise
        assert theirs is not None
        path: Path_ = (*sentence.clause_id.split("."), "recipients", at, "name")
        if noise is None:
            faults.add(
                path,
                f"{name} gets groups with noise by sentence {first.number}, and data without any here.",
                expected="the same noise here, or another recipient",
            )
        elif noise.budget != theirs.budget:
            faults.add(
                path,
                f"{name} has a budget of {theirs.budget:g} by sentence {first.number}, and {noise.budget:g} here.",
                expected="one budget: it is spent by all that the recipient is told, whatever for",
            )


def _placed(policy: Policy) -> Iterator[tuple[Sentence, int, str]]:
    """Each recipient by name, with its sentence and its place in the list there."""
    for sentence in policy.sentences:
        for at, each in enumerate(sentence.meaning.recipients):
            yield sentence, at, each.name
