"""The register of breaches proven: no clock has run out, and nothing that the ledger knows was struck from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from troth.foundation.ledger import entries
from troth.foundation.proof import Check, Saw, broken, check, kept
from troth.policy.law.telling import Told
from troth.protection.breaches import reading

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence


def sums_up_measures(sentence: Sentence, policy: Policy) -> bool:
    """Whether the sentence is the one that promises security as a whole."""
    below = [policy.by_number[number] for number in sentence.sums if number in policy.by_number]
    return any(each.meaning.measure is not None for each in below)


@check(
    id="protection.breach-untold",
    promise="data are protected by measures, and a breach of them is told",
    applies=sums_up_measures,
    reference="GDPR Art. 33, 34; PIPL Art. 57",
)
def breach_untold(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - every check takes both
    """Every breach on record was told to whom the laws say, in time or not yet late; none was struck from the register.

    What it proves: of each breach that is open, no duty to tell the authority, the people or a controller has run past
    its time without being done or excused with a reason; a breach that is closed has no duty left; the ledger knows of
    no breach that the register lacks, and says the same of each: when it was noticed, how it was weighed, who was told
    and when.

    What it does not prove: that no breach happened which nobody entered; that what was told is true.

    Repair: tell them, then record it: `troth breach notify NUMBER --law gdpr --to authority`. Before: open for four
    days, and nobody told. After: the time and the authority's number stand in the register.
    """
    store = seen.need_store()  # first, as a policy alone needs no law
    from troth.policy.law.working_days import WorkingCalendar
    from troth.protection.breaches import duties

    calendar = WorkingCalendar(ZoneInfo(seen.policy.controller.time_zone))
    with store.reading() as tx:
        found = reading.all_(tx)
        told, kept_acts = reading.opened_in_ledger(tx)
        forged = tuple(entries.untrue(tx, (claim for breach in found for claim in reading.claims(breach))))
    bad = False
    if told > kept_acts:
        bad = True
        yield broken(
            "register of breaches",
            f"the ledger knows of {told} that were entered, the register of {kept_acts}",
            repair="put the store's last backup back beside it, and look who changed the register",
        )
    for name in dict.fromkeys(forged):
        bad = True
        yield broken(name, entries.NOT_AS_TOLD, repair="find out who changed the register, and put it right")
    late_once = 0
    for breach in found:
        for each in duties.standing(breach, calendar=calendar):
            late_once += each.was_late
            if each.is_late(seen.now) or (breach.closed_at is not None and each.done_at is None):
                bad = True
                were = "were" if each.duty.to is Told.PEOPLE else "was"
                yield broken(
                    f"breach {breach.number}",
                    f"the {each.duty.to} {were} to be told by {each.duty.due:%Y-%m-%d %H:%M} UTC ({each.duty.article})",
                    repair=f"tell them, then `troth breach notify {breach.number} --law {each.duty.law} --to ...`",
                )
    if not bad:
        open_ = sum(1 for breach in found if breach.closed_at is None)
        late = f"; {late_once} told late" if late_once else ""
        yield kept("register of breaches", f"{len(found)} on record, {open_} open, none past its time{late}")


CHECKS: tuple[Check, ...] = (breach_untold,)
