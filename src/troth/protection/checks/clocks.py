"""Whether the servers know what time it is: periods, deadlines, certificates and the order of a log hang on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.errors import NetworkUnreachable
from troth.foundation.attestations import reading as attestations
from troth.foundation.proof import Check, Saw, broken, check, kept, unproven
from troth.policy.vocabulary import Measure
from troth.protection.probes import clocks

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Sentence

MOST_APART = dt.timedelta(minutes=1)
"""Further apart, entries of two machines no longer stand in one order, and a link that ends is taken too late."""


@check(
    id="protection.drifting-clock",
    promise="servers are kept secure",
    applies=lambda sentence, _: sentence.meaning.measure is Measure.INFRASTRUCTURE,
    reference="GDPR Art. 32(1)(b); ISO/IEC 27002:2022 8.17",
    may_be_silent=True,
)
def drifting_clock(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """The clocks of the servers and of this machine agree to a minute, and a time service keeps this machine's.

    What it proves: each declared host that dates its answers (`Date`, RFC 9110) does so within a minute of this
    machine's clock, what the way took left aside. Where `[protection] machine` says that troth runs on one of the
    servers, the kernel says that a time service keeps its clock, or somebody has attested it (`clock`).

    What it does not prove: which of two clocks that differ is wrong; that two which agree are right; clocks of hosts
    that are not declared, or name no time.

    Repair: let a time service keep the clock. Before: the clock is four minutes behind.
    After: `apt-get install chrony`.
    """
    for host in sentence.meaning.hosts:
        try:
            apart = clocks.gap(seen, host)
        except NetworkUnreachable as problem:
            yield unproven(host, problem.message, repair=problem.repair or "start it, then run `troth check`")
            continue
        if apart is not None and apart > MOST_APART:
            repair = "let a time service keep both clocks (chrony, systemd-timesyncd)"
            yield broken(host, f"its clock and this machine's are {_told(apart)} apart", repair=repair)
        elif apart is not None:
            yield kept(host, "its clock and this machine's agree to a minute")
    if seen.settings.protection.machine == "none":
        return
    if clocks.is_kept():
        yield kept("this machine", "a time service keeps its clock")
    else:
        repair = (
            "let a time service keep it, or run `troth attest clock --owner administrator --document FILE --until DATE`"
        )
        yield attestations.look(
            seen, ("clock", sentence.id), what="that the clock of this machine is kept", repair=repair
        )


def _told(apart: dt.timedelta) -> str:
    minutes = round(apart.total_seconds() / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"


CHECKS: tuple[Check, ...] = (drifting_clock,)
