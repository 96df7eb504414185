"""Which of the nine sections each part of a source belongs to, without changing the order of the page.

Each section stands once in a policy.yaml and the parts keep their order, so each section takes a run of neighbouring
parts. Among all ways to do that the one is chosen whose parts fit their sections best by the words of their titles,
then of their texts. A part whose own section is taken elsewhere stays in the run it falls into; `kind` still says
what it is about.
"""

from __future__ import annotations

from dataclasses import dataclass

from troth.policy.importing.arrangement import Draft
from troth.policy.importing.lexicon import table
from troth.policy.model import SECTIONS

_TITLE_WEIGHT = 10.0
_LATER_IN_TITLE = 3.0
_MOST_FROM_TEXT = 4.0
_NEW_RUN = 0.5
_UNFIT_RUN = 3.0
_MOST_PARTS = 120
_TEXT_READ = 4000


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring parts under one section. `kinds` says for each what it is about by its own words."""

    section: str
    parts: tuple[Draft, ...]
    kinds: tuple[str, ...]


def spread(parts: list[Draft]) -> list[Run]:
    """The parts as runs, each section once, in the order of the page."""
    scores = [fit(part) for part in parts]
    chosen = _best(scores[:_MOST_PARTS])
    chosen += [chosen[-1]] * (len(parts) - len(chosen)) if chosen else []
    runs: list[Run] = []
    for part, section, score in zip(parts, chosen, scores, strict=True):
        own = max(SECTIONS, key=lambda name: (score[name], name == section))
        kind = own if score[own] > 0 else section
        if runs and runs[-1].section == section:
            runs[-1] = Run(section, (*runs[-1].parts, part), (*runs[-1].kinds, kind))
        else:
            runs.append(Run(section, (part,), (kind,)))
    return runs


def fit(part: Draft) -> dict[str, float]:
    """How well a part fits each section. In its title the most particular word counts most, then the others."""
    words = table("sections")
    scores = dict.fromkeys(SECTIONS, 0.0)
    for rank, name in enumerate(_named(part)):
        scores[name] += _TITLE_WEIGHT if rank == 0 else _LATER_IN_TITLE
    text = " ".join(draft.words for draft in part.walk())[:_TEXT_READ]
    inner = " ".join(draft.title or "" for draft in part.walk() if draft is not part)[:_TEXT_READ]
    counts = {name: len(pattern.findall(text)) + 2 * len(pattern.findall(inner)) for name, pattern in words.items()}
    most = max(counts.values())
    for name, count in counts.items():
        scores[name] += _MOST_FROM_TEXT * count / most if most else 0.0
    return scores


def titled(part: Draft) -> str | None:
    """The section that the title alone speaks of, or None."""
    return next(iter(_named(part)), None)


def _named(part: Draft) -> list[str]:
    return [name for name, pattern in table("sections").items() if pattern.search(part.title or "")]


def _best(scores: list[dict[str, float]]) -> list[str]:
    """The section of each part: the best total over all ways that keep each section's parts together."""
    states: dict[tuple[int, int], tuple[float, tuple[int, ...]]] = {(0, -1): (0.0, ())}
    for score in scores:
        following: dict[tuple[int, int], tuple[float, tuple[int, ...]]] = {}
        for (taken, last), (total, path) in states.items():
            for index, name in enumerate(SECTIONS):
                if index != last and taken >> index & 1:
                    continue
                gain = score[name]
                if index != last:
                    if gain <= 0 and last >= 0:
                        continue
                    gain -= _NEW_RUN if gain >= _TITLE_WEIGHT else _UNFIT_RUN
                state = (taken | 1 << index, index)
                if state not in following or following[state][0] < total + gain:
                    following[state] = (total + gain, (*path, index))
        states = following
    _, path = max(states.values(), key=lambda entry: entry[0], default=(0.0, ()))
    return [SECTIONS[index] for index in path]
