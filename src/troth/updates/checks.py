"""Section 8 proven: the page says what the file says, the history is whole, changes came in time, dates are true.

The history is read from its table and judged anew: hashes, numbers and what is material are computed here, not taken
from what the publishing wrote beside them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.errors import DeclarationError
from troth.foundation import crawling
from troth.foundation.proof import Applies, Check, NothingToObserve, Saw, broken, check, counted, kept, unproven
from troth.policy import periods
from troth.updates import archive
from troth.updates.archive import Archived, date_in

if TYPE_CHECKING:
    from troth.foundation.markup import Markup
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence
    from troth.policy.periods import Duration

_TELLING = re.compile(r"\b(notif|inform|tell|announc|notice|let you know)", re.IGNORECASE)
_PUBLISH = "run `troth policy publish`"
_SHOWN = 5
_YEARLY = periods.parse("12 months")
_NUMBERED = re.compile(r"s\d[\w.-]*\Z")


def _promises(kind: str) -> Applies:
    """Whether a sentence with the meaning of section 8 says that changes happen, or that they are told."""

    def applies(sentence: Sentence, policy: Policy) -> bool:
        about = [each for each in policy.sentences if (each.meaning.notice or each.meaning.review) and not each.sums]
        if sentence not in about:
            return False
        said = "told" if _TELLING.search(sentence.text) else "changes"
        return said == kind or len(about) == 1

    return applies


@check(
    id="updates.silent-edit",
    promise="the policy may change",
    applies=_promises("changes"),
    reference="GDPR Art. 5(1)(a), 12(1); WP260 rev.01 no. 27 to 31",
)
def silent_edit(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - every check takes both
    """The page says what the policy file says, that file is the newest published version, and none was altered.

    What it proves: each sentence of the file stands on the page word for word, visible and once (the element with id
    `s` and its number), and no sentence that the file does not have; the newest version in the store has the file's
    SHA-256; versions count from 1 without a hole, each hashes to its recorded hash, each was published after the last,
    and when and as the ledger says.

    What it does not prove: that the store itself was not rewritten as a whole; that other copies of the page agree.

    Repair: publish what was changed. Before: policy.yaml edited on the server, the page follows at once.
    After: `troth policy diff`, then `troth policy publish`.
    """
    history = archive.archived(seen)
    altered = [*archive.alterations(history, seen.policy.sha256), *archive.told_otherwise(seen, history)]
    for place, what in altered:
        repair = (
            f"run `troth policy diff`, then {_PUBLISH}"
            if place == "the policy file"
            else "restore the store from a backup"
        )
        yield broken(place, what, repair=repair)
    if not history and not altered:
        yield unproven(
            seen.policy.file, "no version has been published, so an edit would leave no trace", repair=_PUBLISH
        )
    path = seen.need_site().policy
    if seen.page(path).status in {404, 410}:
        yield broken(
            path, "the policy is not published there", repair="serve the policy, or set `[site] policy` in troth.toml"
        )
        return
    differing = list(_differing(crawling.policy_page(seen), seen.policy))
    for what in differing[:_SHOWN]:
        yield broken(path, what, repair="serve the published text; " + _PUBLISH + " where the file is right")
    if len(differing) > _SHOWN:
        yield broken(path, f"{len(differing) - _SHOWN} more sentences differ", repair=_PUBLISH)
    if history and not altered and not differing:
        many = len(seen.policy.sentences)
        told = f"{counted(many, 'sentence')} as in version {history[-1].number}; versions unaltered: {len(history)}"
        yield kept(path, f"{told}")


@check(
    id="updates.change-untold",
    promise="material changes are told",
    applies=_promises("told"),
    reference="GDPR Art. 13(3), 14(4); WP260 rev.01 no. 29",
)
def change_untold(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - every check takes both
    """Every version is posted, and a material one was posted long enough before it held.

    What it proves: the page of versions lists each version; a version whose meaning is materially different from the
    one before it (compared here, anew) is recorded as material and began to hold no earlier than its publication and
    the promised notice.

    What it does not prove: that people read the page; that mail or a banner told them.

    Repair: give the change its notice. Before: `effective:` tomorrow, for a new recipient.
    After: `effective:` in 30 days, then `troth policy publish`.
    """
    history = archive.archived(seen)
    if not history:
        yield unproven(seen.policy.file, "no version has been published", repair=_PUBLISH)
        return
    path = seen.need_site().policy.rstrip("/") + "/versions"
    read = crawling.read(seen.page(path))
    fine = True
    if read is None:
        fine = False
        status = seen.page(path).status
        verdict = unproven if status >= 500 else broken
        yield verdict(
            path,
            f"the page of versions answers with status {status}",
            repair="serve the page of versions, as `troth serve` does",
        )
    else:
        missing = [each.number for each in history if not read.text_of(f"version-{each.number}")]
        for number in missing[:_SHOWN]:
            fine = False
            yield broken(
                path, f"version {number} is not listed", repair="serve the page of versions, as `troth serve` does"
            )
    material = 0
    for step in archive.steps(history, seen.policy):
        if isinstance(step, tuple):
            fine = False
            yield unproven(f"version {step[0]}", step[1], repair="compare it by hand with the version before")
            continue
        material += step.material
        if step.material and step.effective < step.earliest:
            fine = False
            what = f"is materially new and held from {step.effective}; with its notice it might from {step.earliest}"
            yield broken(
                f"version {step.number}", what, repair=f"publish it anew, to hold from {step.earliest} or later"
            )
        if step.material and not step.claimed:
            fine = False
            yield broken(f"version {step.number}", "is materially new and was posted as editorial", repair=_PUBLISH)
    if fine:
        many = len(history)
        yield kept(path, f"versions listed: {many}, of them material and told in time: {material}")


@check(
    id="updates.stale",
    promise="the day of the last change is stated",
    applies=lambda sentence, _: sentence.meaning.updated is not None,
    reference="CCPA 1798.130(a)(5); 11 CCR 7011",
)
def stale(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """The stated day of the last change is true, and not longer ago than the policy is looked over.

    What it proves: the day in the words is the declared one; it is not in the future; it is not before the version
    that the present one replaced was published; it is not older than `review` of section 8, or twelve months where
    Californian law binds.

    What it does not prove: that somebody really looked the text over.

    Repair: look the text over, set the day, publish. Before: `updated: 2024-01-09`.
    After: `updated: 2026-11-22` with the same day in `text`, then `troth policy publish`.
    """
    updated = sentence.meaning.updated
    assert updated is not None
    today = archive.day_of(seen.now, seen.policy)
    place = sentence.id
    repair = f"look the text over, set the day in `text` and `updated`, then {_PUBLISH}"
    written = date_in(sentence.text)
    fine = True
    if written is not None and written != updated:
        fine = False
        yield broken(place, f"the words say {written}, and the declared day is {updated}", repair=repair)
    if updated > today:
        fine = False
        yield broken(place, f"the stated day {updated} is still to come", repair=repair)
    limit = _review(seen.policy)
    if limit is not None and limit.after_day(updated) < today:
        fine = False
        yield broken(place, f"last updated on {updated}, more than {limit} ago", repair=repair)
    history = _history(seen)
    before = archive.replaced(history, seen.policy)
    if before is not None and updated < archive.day_of(before.published_at, seen.policy):
        fine = False
        published = archive.day_of(before.published_at, seen.policy)
        what = f"the stated day {updated} is before the version that it replaces was published ({published})"
        yield broken(place, what, repair=repair)
    if fine and written is None:
        yield unproven(
            place, "the day in the words cannot be read", repair="write it as 2026-11-22 or as November 22, 2026"
        )
    elif fine:
        yield kept(place, f"{updated}, as in the words; looked over every {limit or '(no period declared)'}")


@check(
    id="updates.effective-too-early",
    promise="the day from which the policy holds is stated",
    applies=lambda sentence, _: sentence.meaning.effective is not None,
    reference="GDPR Art. 13(3); WP260 rev.01 no. 30",
)
def effective_too_early(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """The stated beginning is on the page, is not before the last change, and leaves the promised notice.

    What it proves: the words and the published page show the declared day; it is not before the stated day of the
    last change; where the version is not the first and materially new, the promised notice lies between its last
    change and that day.

    What it does not prove: that the company worked by the older text until then.

    Repair: set a later day. Before: `updated: 2026-11-22`, `effective: 2026-11-22`, for a new purpose.
    After: `effective: 2026-12-22`, then `troth policy publish`.
    """
    effective = sentence.meaning.effective
    assert effective is not None
    place = sentence.id
    fine = True
    written = date_in(sentence.text)
    if written is not None and written != effective:
        fine = False
        yield broken(
            place,
            f"the words say {written}, and the declared day is {effective}",
            repair=f"set both to one day, then {_PUBLISH}",
        )
    history = _history(seen)
    earliest = _earliest(history, seen.policy)
    if earliest is not None and effective < earliest:
        fine = False
        yield broken(
            place,
            f"holds from {effective}; with its notice it may hold from {earliest} on",
            repair=f"set `effective:` to {earliest} or later, then {_PUBLISH}",
        )
    if not history:
        yield unproven(
            place, "no version has been published, so nobody can say whether this is the first", repair=_PUBLISH
        )
        return
    shown = crawling.policy_page(seen).text_of(f"s{sentence.number}")
    on_page = date_in(shown or "")
    if on_page != effective:
        path = seen.need_site().policy
        yield broken(
            path,
            f"the page shows {on_page or 'no day'} where the policy begins on {effective}",
            repair="serve the published text",
        )
    elif fine:
        yield kept(seen.need_site().policy, f"the page shows {effective}, in time after the last change")


def _history(seen: Observation) -> tuple[Archived, ...]:
    """The versions in the store; none where there is no store to ask."""
    try:
        return archive.archived(seen)
    except NothingToObserve:
        return ()


def _differing(page: Markup, policy: Policy) -> Iterator[str]:
    """Each sentence that the page shows otherwise than the policy, or that only one of them has."""
    from troth.policy.rendering.html import sentence_anchor

    anchors = {sentence_anchor(sentence.number): sentence for sentence in policy.sentences}
    for anchor, sentence in anchors.items():
        shown = page.texts(anchor)
        if not shown:
            yield f"sentence {sentence.number} is missing"
        elif len(shown) > 1:
            yield f"sentence {sentence.number} stands there {len(shown)} times"
        elif not shown[0]:
            yield f"sentence {sentence.number} is hidden"
        elif shown[0] != " ".join(sentence.text.split()):
            yield f"sentence {sentence.number} has other words than the policy file"
    for element_id in page.ids:
        if _NUMBERED.match(element_id) and element_id not in anchors:
            yield f"sentence {element_id[1:]} is none of the policy file"


def _earliest(history: tuple[Archived, ...], policy: Policy) -> dt.date | None:
    """The first day on which `policy` may hold by its own dates; None where it states no day of change."""
    if policy.last_updated is None:
        return None
    before = archive.replaced(history, policy)
    try:
        old = before.policy(policy.file) if before is not None else None
    except DeclarationError:
        return policy.last_updated
    if old is None:
        return policy.last_updated
    from troth.updates.comparison import differences, is_material

    if not is_material(differences(old, policy)):
        return policy.last_updated
    return archive.with_notice(archive.notice_of(old) or archive.notice_of(policy), policy.last_updated)


def _review(policy: Policy) -> Duration | None:
    """How often the policy promises to be looked over; yearly where Californian law binds and nothing is said."""
    stated = next((sentence.meaning.review for sentence in policy.sentences if sentence.meaning.review), None)
    return stated or (_YEARLY if "ccpa" in policy.laws else None)


CHECKS: tuple[Check, ...] = (silent_edit, change_untold, stale, effective_too_early)
