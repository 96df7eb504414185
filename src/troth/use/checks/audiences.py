"""The bitmaps behind audiences are what people said; and nobody asks for a purpose that is not declared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.proof import Check, Saw, broken, check, counted, kept
from troth.policy.vocabulary import LegalBasis
from troth.use import answering

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence

_RECENT = dt.timedelta(days=7)


def _answers_for(sentence: Sentence, _: Policy) -> bool:
    opted_out = any(use.opt_out and use.basis is LegalBasis.CONSENT for use in sentence.meaning.uses)
    return opted_out or (sentence.meaning.basis is LegalBasis.CONSENT and not sentence.meaning.uses)


@check(
    id="use.audience-differs",
    promise="a use that people can opt out of at any time, or consent as a ground",
    applies=_answers_for,
    reference="GDPR Art. 5(1)(d), 7(3), 21(3)",
)
def audience_differs(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Lists of who may be used are made from what people said, and from nothing else.

    What it proves: the bitmaps that audiences are taken from are, for everybody, what that person's last words say:
    rebuilt from all words on record and compared. People who spoke since the bitmaps were kept are left aside: their
    words are read anew before any list is made. Where none are kept, each list is made from the words themselves.

    What it does not prove: that a list made earlier was not used later; that the mailer asked for one.

    Repair: rebuild them. Before: `update audience_planes ...`. After: `troth audience --purpose marketing --rebuild`.
    """
    seen.need_store()
    from troth.use import audience_reading

    compared = seen.once("audience", lambda: audience_reading.compare(seen))
    if not compared.planes:
        yield kept("audiences", "no bitmaps are kept: each list is made from everybody's words")
        return
    mine = [plane for plane in compared.planes if _is_of(plane.plane, seen.policy, sentence)]
    wrong = [plane for plane in mine if plane.too_many or plane.too_few]
    for plane in wrong:
        yield broken(
            f"audiences, {plane.plane}",
            f"{counted(plane.too_many + plane.too_few, 'person')} otherwise than they said: "
            f"{plane.too_many} too many, {plane.too_few} too few",
            repair="find out who wrote to the store past troth, then run `troth audience --purpose P --rebuild`",
        )
    if not wrong:
        yield kept("audiences", f"the bitmaps are what {counted(compared.people, 'person')} said")


def _is_of(plane: str, policy: Policy, sentence: Sentence) -> bool:
    """Whether this sentence answers for the plane: the opt-out for its purposes, the ground for all else."""
    kind, _, purpose = plane.partition(" ")
    opted_out = answering.opted_out_of(policy)
    if sentence.meaning.uses:
        own = {use.purpose for use in sentence.meaning.uses if use.opt_out}
        return kind not in {"known", "restricted"} and purpose in own
    return purpose not in opted_out


@check(
    id="use.undeclared-purpose-asked",
    promise="the purposes are named as a whole",
    applies=lambda sentence, _: bool(sentence.meaning.names_purposes),
    reference="GDPR Art. 5(1)(b), 6(4)",
)
def undeclared_purpose_asked(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - one record for all
    """Whoever asks whether data may be used names a purpose of the policy.

    What it proves: in the last seven days no program asked troth about a purpose that the policy in force does not
    declare. Such questions are refused, and each is on record with the purpose it named, how often and when.

    What it does not prove: that programs ask at all, or name the purpose they have in mind.

    Repair: declare the purpose, with its ground, or stop the job. Before: `troth.may(person, "profiling", ...)`.
    After: `{purpose: profiling, data: [...], basis: consent}` in section 2, or no such call.
    """
    seen.need_store()
    from troth.use import asked_reading

    asked = asked_reading.since(seen, seen.now - _RECENT)
    declared = set(seen.policy.purposes)
    strange = [one for one in asked if one.purpose not in declared]
    for one in strange:
        yield broken(
            f"purpose {one.purpose}",
            f"not declared; programs asked for it {counted(one.times, 'time')}, last on {one.last:%Y-%m-%d %H:%M} UTC",
            repair="declare the purpose with its ground in policy.yaml, or stop the program that asks",
        )
    if not strange:
        yield kept("questions asked", "no program asked for a purpose that is not declared in the last seven days")


CHECKS: tuple[Check, ...] = (audience_differs, undeclared_purpose_asked)
