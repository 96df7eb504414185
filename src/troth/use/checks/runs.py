"""Programs and their purposes: nothing is used for what nobody declared, and no more than each purpose declares."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.proof import Check, Grade, Saw, broken, check, counted, kept, unproven
from troth.policy.vocabulary import LegalBasis
from troth.use.words import RunState

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence
    from troth.use.run_reading import RunSeen

_LASTS = dt.timedelta(days=1)
"""A run that began longer ago and has not ended says nothing."""


def _names_purposes(sentence: Sentence, _: Policy) -> bool:
    return bool(sentence.meaning.names_purposes)


def _uses(sentence: Sentence, _: Policy) -> bool:
    uses = sentence.meaning.uses
    return bool(uses) and not any(use.opt_out and use.basis is LegalBasis.CONSENT for use in uses)


@check(
    id="use.undeclared-purpose",
    promise="the purposes are named",
    applies=_names_purposes,
    reference="GDPR Art. 5(1)(b)",
    grade=Grade.SAMPLED,
    max_age=dt.timedelta(days=31),
)
def undeclared_purpose(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """No program of the company uses data for a purpose that section 2 does not declare.

    What it proves: of the programs that ran under `troth.run` within a month, each named a declared purpose when it ran
    last. One that names another is given nothing; that somebody wrote it is what is found. No run that is among the
    newest 100,000 entries of the ledger was struck from the record.

    What it does not prove: anything about programs that reach data past troth.

    Repair: declare the purpose, or take the program away. Before: `troth.run("ratings", "profiling", data)`.
    After: `troth.run("ratings", "fraud", data)`, where that is what it is for.
    """
    seen.need_store()
    from troth.use import run_reading

    latest = _latest(run_reading.recent(seen))
    declared = set(seen.policy.purposes)
    faults = [each for each in latest if each.purpose not in declared]
    struck = run_reading.struck(seen)
    if struck:
        yield broken(
            "runs of programs",
            f"{counted(struck, 'run')} in the ledger that the record lacks",
            repair="put the record right by the ledger, and find out who wrote to the store past troth",
        )
    for each in faults:
        given = "was refused" if each.state is RunState.REFUSED else "ran"
        yield broken(
            f"program {each.program}",
            f"named the purpose {each.purpose}, which section 2 does not declare, and {given} on "
            f"{each.begun_at:%Y-%m-%d}",
            repair=f"declare {each.purpose} in section 2, or take the program away; what ran for it must be undone",
        )
    if not latest and not struck:
        yield unproven(
            sentence.id,
            "no program has run under a purpose within a month",
            repair="have each program that uses data run under its purpose: `with troth.run(...)`",
        )
    elif not faults and not struck:
        programs = {each.program for each in latest}
        purposes = {each.purpose for each in latest}
        yield kept(
            "runs of programs",
            f"{counted(len(programs), 'program')}, for {counted(len(purposes), 'purpose')}, each of them declared",
        )


@check(
    id="use.outside-purpose",
    promise="any other use",
    applies=_uses,
    reference="GDPR Art. 5(1)(b), (c)",
    grade=Grade.SAMPLED,
    max_age=dt.timedelta(days=31),
)
def outside_purpose(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """What is used for these purposes is used by named programs, and is no more than the policy declares for them.

    What it proves: for each purpose of the sentence a program ran under `troth.run` within a month; when each ran last,
    every kind of data it used is declared for that purpose, and it asked for no other.

    What it does not prove: that the program does what its purpose says; anything about what reads the stores past
    troth. That objections and restrictions are obeyed, and that each purpose has its ground, other sentences tell.

    Repair: name the purpose and its data where the work begins. Before: `for order in everything: look(order)`.
    After: `with troth.run("fraud-watch", "fraud", ["transaction.purchase"]) as run: ... run.permitted(persons)`.
    """
    seen.need_store()
    from troth.use import run_reading

    latest = _latest(run_reading.recent(seen))
    done, fine = 0, True
    for purpose in dict.fromkeys(use.purpose for use in sentence.meaning.uses):
        declared = {use.category for use in seen.policy.uses if use.purpose == purpose}
        proven = 0
        for each in (run for run in latest if run.purpose == purpose):
            more = sorted(each.categories - declared)
            if more and (each.state is RunState.REFUSED or each.policy == seen.policy.sha256):
                fine = False
                how = "asked for" if each.state is RunState.REFUSED else "used"
                yield broken(
                    f"program {each.program}",
                    f"{how} {', '.join(more)} for {purpose}, which the policy does not declare for it",
                    repair=f"let it use what {purpose} declares, or declare the data there",
                )
            elif not more and _counts(each, seen.now):
                proven += 1
        done += proven
        if not proven and fine:
            fine = False
            yield unproven(
                sentence.id,
                f"no program has run for {purpose} within a month, so nothing shows what is used for it",
                repair=f'have what works for it run under its purpose: `with troth.run("...", "{purpose}", data)`',
            )
    if fine:
        yield kept("runs of programs", f"{counted(done, 'program')}, each with no more data than its purpose declares")


def ran_on_others(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Programs that ran, under this policy, on a ground that is not on the list of grounds."""
    if seen.store is None:
        return
    from troth.use import run_reading

    policy = seen.policy
    listed = {policy.by_number[number].meaning.basis for number in sentence.sums if number in policy.by_number}
    known = {basis.value for basis in listed if basis is not None}
    said = set()
    for run in run_reading.recent(seen):
        for ground in sorted(run.grounds - known):
            if run.policy == policy.sha256 and (run.program, ground) not in said:
                said.add((run.program, ground))
                yield broken(
                    f"program {run.program}",
                    f"ran for {run.purpose} on the ground {ground}, which is not listed under {sentence.number}",
                    repair="find out who wrote to the store past troth; no policy in force permits that ground",
                )


def _counts(run: RunSeen, now: dt.datetime) -> bool:
    return run.state is RunState.DONE or (run.state is RunState.BEGUN and run.begun_at > now - _LASTS)


def _latest(runs: tuple[RunSeen, ...]) -> tuple[RunSeen, ...]:
    """The last run of each program for each purpose; a refusal counts until the program runs again under any purpose.

    A failed run says nothing, and hides nothing.
    """
    found: dict[tuple[str, str], RunSeen] = {}
    ran_since: set[str] = set()
    for each in runs:  # the newest first
        if each.state is RunState.REFUSED and each.program in ran_since:
            continue
        if each.state is not RunState.FAILED:
            found.setdefault((each.program, each.purpose), each)
            ran_since.add(each.program)
    return tuple(found.values())


CHECKS: tuple[Check, ...] = (undeclared_purpose, outside_purpose)
