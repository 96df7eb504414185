"""The ground "legitimate interests": somebody weighed them, in writing, of late."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.proof import Check, Grade, Saw, broken, check, counted, kept, unproven
from troth.policy.vocabulary import LegalBasis
from troth.use.checks.grounds import LONGEST, on_ground

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Document, Sentence


@check(
    id="use.balance-untested",
    promise="legitimate interests are named as a ground",
    applies=on_ground(LegalBasis.LEGITIMATE_INTERESTS),
    reference="GDPR Art. 5(2), 6(1)(f); EDPB Guidelines 1/2024",
    grade=Grade.ATTESTED,
    max_age=dt.timedelta(days=31),
)
def balance_untested(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """For each purpose on legitimate interests somebody weighed them against the people's, in writing, of late.

    What it proves: each such purpose has a document under `balance_tests`; the file is there with the recorded
    SHA-256; it was looked at, and its next review has not passed.

    What it does not prove: that the weighing is right.

    Repair: write it, put its hash. Before: `basis: legitimate-interests` alone.
    After: `balance_tests: {fraud: {document: documents/balance-fraud.md, sha256: ..., reviewed: 2026-10-01,
    review: 12 months}}`.
    """
    ground, tests = LegalBasis.LEGITIMATE_INTERESTS, sentence.meaning.balance_tests
    needed = tuple(dict.fromkeys(use.purpose for use in seen.policy.uses if use.basis is ground))
    fine = True
    for purpose in needed:
        found = tests.get(purpose)
        saw = (
            broken(
                f"purpose {purpose}",
                "rests on legitimate interests, and nobody has weighed them against the people's",
                repair=f"write the balance test, and record it under `balance_tests: {{{purpose}: ...}}`",
            )
            if found is None
            else _document_fault(seen, purpose, found)
        )
        if saw is not None:
            fine = False
            yield saw
    if not needed:
        yield unproven(sentence.id, "no purpose rests on this ground", repair="take the ground off the list")
    elif fine:
        yield kept("documents", f"{counted(len(needed), 'balance test')} at hand, unaltered, none overdue for review")


def _document_fault(seen: Observation, purpose: str, paper: Document) -> Saw | None:
    """What speaks against a document, if anything does."""
    where = f"purpose {purpose}"
    try:
        found = hashlib.sha256((seen.folder / paper.document).read_bytes()).hexdigest()
    except OSError:
        return broken(
            where,
            f"its balance test {paper.document} is not there",
            repair="put the file where the policy says, or correct the path",
        )
    if found != paper.sha256:
        return broken(
            where,
            f"its balance test {paper.document} is not the recorded one (its hash differs)",
            repair="look at what changed, then record the new hash",
        )
    if found == hashlib.sha256().hexdigest():
        return broken(
            where, f"its balance test {paper.document} is an empty file", repair="write it, and record its hash"
        )
    today = seen.now.date()
    if paper.until is not None and paper.until < today:
        return unproven(
            where, f"its balance test was good until {paper.until}", repair="weigh again, and record the new document"
        )
    if paper.reviewed is None or paper.review is None:
        return unproven(
            where, "nobody says when its balance test was last looked at", repair="add `reviewed` and `review` to it"
        )
    if paper.review.after_day(paper.reviewed) > today + LONGEST:
        return unproven(
            where,
            f"its balance test is to be looked at every {paper.review}",
            repair="set a `review` within three years",
        )
    if paper.reviewed > today or paper.review.after_day(paper.reviewed) < today:
        return unproven(
            where,
            f"its balance test was looked at on {paper.reviewed}; that is not within {paper.review}",
            repair="look at it again, and set `reviewed`",
        )
    return None


CHECKS: tuple[Check, ...] = (balance_untested,)
