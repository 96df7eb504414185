"""Whether what ends data on time goes on doing so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.proof import Check, Saw, broken, check, kept, unproven
from troth.protection.checks.retention import about

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Sentence

_LONGEST_RUN = dt.timedelta(days=1)


@check(
    id="protection.keeper-stopped",
    promise="data are kept only for so long",
    applies=about("limit"),
    reference="GDPR Art. 5(1)(e), 5(2)",
    may_be_silent=True,
)
def keeper_stopped(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """What ends data on time goes on doing so: no run is late, and none stopped half-way.

    What it proves: the last run of `troth retention` came to its end, and by when it promised the next has not passed,
    nor what `[retention] run` says now; it began and ended when the ledger says, by the same rules.
    Nothing is told where no run was ever promised: then the company's own jobs are trusted, and only rows are judged.

    What it does not prove: that jobs outside troth run.

    Repair: keep a worker running. Before: the machine with `troth worker` was taken away in May.
    After: `troth serve` or `troth worker` runs, and `troth retention run` was called once.
    """
    if seen.store is None:
        return
    from troth.foundation.ledger import entries
    from troth.protection import run_reading

    last, begun = run_reading.last_done(seen.store), run_reading.under_way(seen.store)
    fine = True
    if begun is not None and seen.now - begun.begun_at > _LONGEST_RUN:
        fine = False
        yield broken(
            begun.name,
            f"begun on {begun.begun_at:%Y-%m-%d} and never ended",
            repair="run `troth retention run`: it goes on where it stopped",
        )
    if last is None:
        return
    forged = run_reading.told_otherwise(seen.store)
    if forged is not None:
        fine = False
        yield broken(forged, entries.NOT_AS_TOLD, repair="find out who wrote to the store past troth, then run it anew")
    promised = run_reading.interval(seen.settings.retention.run)
    latest = None if promised is None else promised.after(last.begun_at) + run_reading.GRACE
    if latest is not None and latest < seen.now and (last.due_at is None or last.due_at > latest):
        yield unproven(
            last.name,
            f"it began on {last.begun_at:%Y-%m-%d}, and by settings the next was to begin by {latest:%Y-%m-%d}",
            repair="run `troth retention run`, and keep a worker running",
        )
        return
    if last.due_at is None:
        return
    if last.overdue(seen.now):
        yield broken(
            last.name,
            f"the last run began on {last.begun_at:%Y-%m-%d}, and the next was promised by {last.due_at:%Y-%m-%d}",
            repair="run `troth retention run`, and keep a worker running",
        )
    elif fine:
        yield kept(sentence.id, f"the last run began on {last.begun_at:%Y-%m-%d} and came to its end")


CHECKS: tuple[Check, ...] = (keeper_stopped,)
