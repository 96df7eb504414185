"""Holds: what is kept past its time for a law or a dispute has somebody who answers for it, and a day to look again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.proof import Check, Saw, broken, check, counted, kept, unproven
from troth.policy.vocabulary import LegalBasis

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence


LONGEST = dt.timedelta(days=3 * 366)
"""A day of review that is further away is none: disputes end, and laws change."""


def _duty(sentence: Sentence, _: Policy) -> bool:
    """A sentence that says data are used to meet duties under law."""
    return any(use.basis is LegalBasis.LEGAL_OBLIGATION for use in sentence.meaning.uses)


@check(
    id="protection.hold-unreviewed",
    promise="data are used to meet duties under law",
    applies=_duty,
    reference="GDPR Art. 5(1)(e), 5(2), 17(3)(b), (e)",
    may_be_silent=True,
)
def hold_unreviewed(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Whatever is kept past its time for a law or a dispute is kept by a hold that somebody answers for.

    What it proves: every hold that stands has an owner whose account is open, a day of review that has not passed and
    is not more than three years away, and where it names a law, one that the policy lists; every hold was placed and
    lifted as the ledger says. Nothing is told while no hold stands.

    What it does not prove: that the reason is a good one. Rows past their time that no hold covers are told at the
    sentence on how long data are kept.

    Repair: look at the hold again. Before: a hold of 2024, to be looked at in May, for a dispute that ended in March.
    After: `troth hold lift 3 --as NAME`; the next run ends what it kept.
    """
    if seen.store is None:
        return
    from troth.foundation.ledger import entries
    from troth.protection import hold_reading

    with seen.store.reading() as tx:
        standing = hold_reading.standing(tx)
        forged = tuple(entries.untrue(tx, hold_reading.claims(tx)))
    fine = True
    for name in dict.fromkeys(forged):
        fine = False
        yield broken(
            name, entries.NOT_AS_TOLD, repair="find out who wrote to the store past troth, and place or lift it anew"
        )
    for each in standing:
        if each.review > (seen.now + LONGEST).date():
            fine = False
            yield unproven(
                each.name,
                f"is to be looked at again by {each.review:%Y-%m-%d} only",
                repair=f"lift it (`troth hold lift {each.id} --as NAME`), and place it with a day within three years",
            )
        faults = []
        if each.overdue(seen.now.date()):
            faults.append(f"was to be looked at again by {each.review:%Y-%m-%d}")
        if each.owner is None:
            faults.append("nobody answers for it")
        if each.statute is not None and each.statute not in seen.policy.statutes:
            faults.append("the law that it names is not listed")
        for fault in faults:
            fine = False
            yield broken(each.name, fault, repair=f"lift it (`troth hold lift {each.id} --as NAME`), or place it anew")
    if standing and fine:
        yield kept(sentence.id, f"{counted(len(standing), 'hold')}, each with its owner and its day of review")


CHECKS: tuple[Check, ...] = (hold_unreviewed,)
