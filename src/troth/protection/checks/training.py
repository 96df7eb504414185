"""Training proven: the register of who passed, held against the accounts that are open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.ledger import entries
from troth.foundation.proof import Check, Saw, broken, check, counted, kept, unproven
from troth.policy.vocabulary import Measure
from troth.protection.training import clearance, reading

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Sentence
    from troth.policy.periods import Duration
    from troth.protection.training.reading import Member

_COURSE = "have them take the course in the console, or take it in from elsewhere: `troth training import FILE`"


@check(
    id="protection.training-overdue",
    promise="employees are trained",
    applies=lambda sentence, _: sentence.meaning.measure is Measure.TRAINING,
    reference="GDPR Art. 32(4), 39(1)(b)",
)
def training_overdue(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Everybody who works with people's data has been trained, and not too long ago.

    What it proves: every account of staff that is cleared to see people's data has a training on record that still
    holds, and the ledger says the same of every training; of all accounts that are open, and not newer than `[training]
    new_staff`, as many are trained as is promised. Where `[training] required = false` lets untrained accounts see
    data, each of them breaks the sentence.

    What it does not prove: that anybody remembers; that everybody who sees data elsewhere (in the company's own tools)
    has an account here. Who has none is not counted.

    Repair: take the course, or import what was passed elsewhere; close accounts of people who left. Before: an account
    without training since it was made. After: `troth training list` says until when.
    """
    every = sentence.meaning.every or clearance.USUAL
    with seen.need_store().reading() as tx:
        members = reading.members(tx)
        forged = tuple(entries.untrue(tx, reading.claims(tx)))
    if not members:
        yield unproven("staff", "nobody has an account", repair="run `troth staff add NAME --role ROLE`")
        return
    needed = clearance.required(seen.settings.training, seen.policy)
    trained = [each for each in members if _is_trained(each, every, seen.now)]
    others = [each for each in members if each not in trained]
    bad = False
    for name in dict.fromkeys(forged):
        bad = True
        yield broken(name, f"its training {entries.NOT_AS_TOLD}", repair=_COURSE)
    for each in others:
        fault = _access_fault(each, needed=needed, now=seen.now)
        if fault is not None:
            bad = True
            yield broken(f"account {each.staff}", fault, repair=_COURSE)
    oldest = seen.settings.training.new_staff.before(seen.now)
    late = [each for each in others if each.created_at < oldest]
    counting = len(trained) + len(late)
    share = _share(sentence.meaning.share)
    if counting and len(trained) < share * counting:
        bad = True
        yield broken(
            "staff",
            f"{len(trained)} of {counting} accounts are trained within {every}; promised are {share:.0%}",
            repair=_COURSE,
        )
    if bad:
        return
    if not trained:
        yield unproven("staff", "nobody is trained yet; every account is new", repair=_COURSE)
        return
    new = f"; {counted(len(others) - len(late), 'new account')} without access" if len(others) > len(late) else ""
    first = min(each.training.passed_at for each in trained if each.training)
    within = f"{len(trained)} of {counting} accounts trained within {every}"
    yield kept("staff", f"{within}, the longest ago on {first:%Y-%m-%d}{new}")


def _is_trained(member: Member, every: Duration, now: dt.datetime) -> bool:
    found = member.training
    return found is not None and found.passed_at <= now < min(found.until, every.after(found.passed_at))


def _access_fault(member: Member, *, needed: bool, now: dt.datetime) -> str | None:
    """Why an account that is not trained sees people's data, if it does."""
    if not needed:
        return "sees people's data without a training that holds"
    if clearance.holds(member.cleared_until, now):
        return "is cleared to see people's data, and no training that holds is on record"
    return None


def _share(said: str | None) -> float:
    """The promised share of staff; all of them where the policy names none or what cannot be read."""
    number = (said or "").strip().removesuffix("%").strip()
    return min(int(number), 100) / 100 if number.isascii() and number.isdigit() else 1.0


CHECKS: tuple[Check, ...] = (training_overdue,)
