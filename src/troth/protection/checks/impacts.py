"""Impact assessments proven: each use that is likely to be a high risk was weighed, in writing, of late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.ledger import entries
from troth.foundation.proof import Check, Grade, NothingToObserve, Saw, broken, check, counted, kept, unproven
from troth.policy.vocabulary import LegalBasis
from troth.protection.impacts import criteria, reading
from troth.protection.impacts.words import Residual

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence
    from troth.protection.impacts.criteria import Judged
    from troth.protection.impacts.reading import Assessment


def _weighs_interests(sentence: Sentence, _: Policy) -> bool:
    """The sentence at which balance tests stand: whoever weighs interests weighs the risks, too."""
    return sentence.meaning.basis is LegalBasis.LEGITIMATE_INTERESTS and not sentence.meaning.uses


@check(
    id="protection.impact-unassessed",
    promise="legitimate interests are named as a ground",
    applies=_weighs_interests,
    reference="GDPR Art. 35(1), (3), (7), (11); WP 248 rev.01",
    grade=Grade.ATTESTED,
)
def impact_unassessed(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - every check takes both
    """Each use that is likely to be a high risk to people was assessed before it began, and looked at again in time.

    What it proves: of every purpose that meets two of the criteria that the policy tells (`troth assessment list` shows
    them), the last assessment on record has its document, unaltered, and its review has not passed, and is what the
    ledger says; where it leaves a high risk, that is said.

    What it does not prove: that the assessment is right; criteria that a policy does not tell, such as automated
    decisions.

    Repair: write it, then record it. Before: fraud is judged by scores, and nobody wrote down what that means for
    people. After: `troth assessment add fraud --document documents/impact-fraud.md --review 2027-11-01`.
    """
    policy = seen.policy
    try:
        with seen.need_store().reading() as tx:
            made, people, forged = reading.latest(tx), reading.people(tx), reading.forged(tx)
    except NothingToObserve:
        needed = [each for each in criteria.judge(policy) if each.needed]
        if not needed:
            yield kept(policy.file, "no use meets two criteria for an impact assessment")
            return
        raise
    needed = [each for each in criteria.judge(policy, people) if each.needed]
    faults = [_fault(each, made.get(each.purpose), seen.folder, seen.now) for each in needed]
    yield from (fault for fault in faults if fault is not None)
    for purpose in sorted(forged):
        yield broken(
            f"purpose {purpose}",
            f"its assessment {entries.NOT_AS_TOLD}",
            repair="find out who changed the register, then record the assessment anew",
        )
    if not needed:
        yield kept(policy.file, "no use meets two criteria for an impact assessment")
    elif not any(faults) and not forged:
        names = ", ".join(each.purpose for each in needed)
        yield kept(
            "documents", f"{counted(len(needed), 'impact assessment')} at hand, unaltered, none overdue: {names}"
        )


def _fault(judged: Judged, found: Assessment | None, folder: Path, now: dt.datetime) -> Saw | None:
    where = f"purpose {judged.purpose}"
    record = f"`troth assessment add {judged.purpose} --document FILE --review DATE`"
    if found is None:
        return broken(
            where,
            f"needs an impact assessment ({', '.join(judged.met)}), and none is on record",
            repair=f"write it, then {record}",
        )
    fault = reading.fault(found, folder, now)
    if fault is not None:
        return unproven(where, fault, repair=f"look at it again, then {record}")
    if found.residual is Residual.HIGH:
        return broken(
            where,
            "its assessment leaves a high risk",
            repair="consult the authority first (Art. 36), or lower the risk; then record the new assessment",
        )
    return None


CHECKS: tuple[Check, ...] = (impact_unassessed,)
