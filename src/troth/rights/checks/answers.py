"""Whether people who ask are answered in time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.proof import Check, Saw, broken, check, counted, kept, unproven
from troth.policy.vocabulary import Right

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Sentence


@check(
    id="rights.overdue-request",
    promise="a right is given that people ask for",
    applies=lambda sentence, _: sentence.meaning.right is not None,
    reference="GDPR Art. 12(3), (4)",
    max_age=dt.timedelta(days=1),
)
def overdue_request(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Whoever asked under this right has had an answer in time, or can still have one.

    What it proves: no request under this right is open past its day, and no open one has a later day than the laws of
    the policy give. Days are counted here anew, from the day of receipt. Each request came and went as the ledger says,
    and none that the ledger has was struck.

    What it does not prove: that the answers were right; requests that came by another way and were never entered; and,
    while nobody has asked, anything.

    Repair: answer it, or take longer while the law still allows that. Before: request 2026-000412 has been open since
    March. After: `troth request show 2026-000412` says done.
    """
    right = sentence.meaning.right
    assert right is not None
    seen.need_store()
    from troth.rights import answered

    found = answered.asked_under(seen, right)
    otherwise = answered.told_otherwise(seen, right)
    for number, fault in otherwise:
        yield broken(
            f"request {number}",
            fault,
            repair="put it right by the ledger, and find out who wrote to the store past troth",
        )
    if not found.any and not otherwise:
        yield unproven(
            sentence.id,
            f"nobody has asked for {right} yet",
            repair=f"rehearse it with a made-up person: `troth request {right} id=... --yes`",
        )
        return
    for number, due in found.late:
        yield broken(
            f"request {number}",
            f"open, and due since {due.isoformat()}",
            repair=f"answer it in the console; `troth request show {number}` says what it waits for",
        )
    for number, due, last in found.too_far:
        yield broken(
            f"request {number}",
            f"its day is {due.isoformat()}, and the law gives {last.isoformat()}",
            repair="look at the clock, the time zone and the table of holidays of this company",
        )
    if found.any and not found.late and not found.too_far and not otherwise:
        yield kept(
            sentence.id,
            f"{counted(found.in_time, 'request')} answered in time"
            f"{f', {found.too_late} too late' if found.too_late else ''}, {found.open} open and in time"
            f"{f'; the fastest within {_words(found.fastest)}' if found.fastest is not None else ''}",
        )


@check(
    id="rights.copy-missing",
    promise="a right of access is given",
    applies=lambda sentence, _: sentence.meaning.right is Right.ACCESS,
    reference="GDPR Art. 15(3)",
    max_age=dt.timedelta(days=1),
    may_be_silent=True,
)
def copy_missing(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - every check takes both
    """No request for access is called done without a copy having been made for it.

    What it proves: for each request for access that is done there is a copy on record, with its size and its digest,
    also where the copy has ended since.

    What it does not prove: that the copy was complete; the look at a sample's rows says that of the paths.

    Repair: make the copy. Before: request 2026-000412 is done, and nothing could ever be fetched.
    After: `troth request access PERSON --yes`.
    """
    if seen.store is None:
        return
    from troth.rights import answered

    for number in answered.without_copy(seen):
        yield broken(
            f"request {number}",
            "said to be done, and no copy was ever made",
            repair="make it again: `troth request access PERSON --yes`",
        )


def _words(length: dt.timedelta) -> str:
    seconds = max(int(length.total_seconds()), 1)
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            return counted(seconds // size, unit)
    return counted(seconds, "second")


CHECKS: tuple[Check, ...] = (overdue_request, copy_missing)
