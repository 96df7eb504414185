"""Histories of one person's consent, and whether one order explains them (Wing and Gong, for one register).

An operation has a call and a return by one clock, a kind, and what it wrote or answered. A history is linearizable when
its operations can be put in one order that respects every "returned before it was called" and in which each answer is
the last word before it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

PERSON = "id=17"
MAIL = ("marketing", "contact.email")


@dataclass(frozen=True, slots=True)
class Operation:
    """`value`: the word said, or the answer given."""

    called: float
    returned: float
    writes: bool
    value: bool


def is_linearizable(history: Sequence[Operation], first: bool) -> bool:
    """Whether one order explains `history`, when the register held `first`.

    Two short cuts that lose no order: an answer that fits is placed at once, since it changes nothing; and of the words
    that say the same and could come next, the one that returned first does, since any order with them swapped fits too.
    """
    operations = sorted(history, key=lambda one: one.called)
    waiting = [(frozenset(range(len(operations))), first)]
    seen = set(waiting)
    while waiting:
        left, value = waiting.pop()
        while True:
            ends = min((operations[n].returned for n in left), default=0.0)
            next_ = [n for n in left if operations[n].called <= ends]
            fits = {n for n in next_ if not operations[n].writes and operations[n].value == value}
            if not fits:
                break
            left -= fits
        if not left:
            return True
        for word in (True, False):
            said = [n for n in next_ if operations[n].writes and operations[n].value is word]
            if said:
                state = (left - {min(said, key=lambda n: operations[n].returned)}, word)
                if state not in seen:
                    seen.add(state)
                    waiting.append(state)
    return False


def make_history(troths: Sequence[Any], clients: int, seed: int, person: str = PERSON) -> list[Operation]:
    """`clients` threads that change one person's mind and ask about it, all at once, on these instances.

    Each history has a person of its own where there are many: what somebody said before would be read again and again.
    """
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    together = Barrier(clients)

    def act(number: int) -> list[Operation]:
        chance, troth, done = random.Random(seed * 1000 + number), troths[number % len(troths)], []
        together.wait()
        for _ in range(2):
            writes, value = chance.random() < 0.5, chance.random() < 0.5
            called = monotonic()
            if writes:
                (troth.give_consent if value else troth.withdraw_consent)(person, "marketing")
            else:
                value = bool(troth.may(person, *MAIL))
            done.append(Operation(called, monotonic(), writes, value))
        return done

    with ThreadPoolExecutor(clients) as pool:
        return [one for each in pool.map(act, range(clients)) for one in each]


def decide_many_times(
    folder: str, environ: dict[str, str], decisions: int, withdrawn: Any, ready: Any, go: Any, answers: Any
) -> None:
    """Another process: warm its memory, wait for each acknowledged withdrawal, then decide `decisions` times.

    Puts (decisions, permits, how many came from memory) into `answers`.
    """
    from troth import application

    with application.open(Path(folder), environ) as troth:
        while not troth.lease.held:
            troth.may(PERSON, *MAIL)
        assert troth.may(PERSON, *MAIL)
        ready.release()
        assert go.wait(60)
        permits = held = 0
        for _ in range(decisions):
            permits += bool(troth.may(PERSON, *MAIL))
        held = troth.lease.held
    answers.put((decisions, permits, held))
