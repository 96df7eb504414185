"""What another process does in the freshness tests: decide, over and over, and tell of every late permit."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Any

PEOPLE = 40


def decide_all_the_time(
    folder: str, environ: dict[str, str], acknowledged: Any, ready: Any, stop: Any, answers: Any
) -> None:
    """Decide about everyone in turn until `stop`. `acknowledged[n]` is when n's withdrawal was acknowledged, 0 before.

    Puts (decisions, permits, permits that were asked for after the acknowledgement) into `answers`. `monotonic` is one
    clock for all processes of a machine.
    """
    from troth import application

    decisions = permits = late = 0
    with application.open(Path(folder), environ) as troth:
        troth.may("id=0", "marketing", "contact.email")
        ready.release()
        while not stop.is_set():
            for n in range(PEOPLE):
                asked = monotonic()
                decision = troth.may(f"id={n}", "marketing", "contact.email")
                decisions += 1
                if decision:
                    permits += 1
                    late += 0 < acknowledged[n] < asked
    answers.put((decisions, permits, late))
