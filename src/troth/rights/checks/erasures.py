"""The right to erasure proven: somebody was erased and is gone, nobody is half gone, and nobody has come back."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.proof import Check, NothingToObserve, Saw, broken, check, counted, kept, unproven
from troth.policy.vocabulary import Right
from troth.rights.words import ErasureState

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence
    from troth.rights.erased import Seen
    from troth.rights.tombstones import Met

FRESH = dt.timedelta(days=90)
"""An erasure that was proven longer ago than this says nothing about today."""


def _gives_erasure(sentence: Sentence, _: Policy) -> bool:
    return sentence.meaning.right is Right.ERASURE


@check(
    id="rights.erased-in-part",
    promise="a right to erasure is given",
    applies=_gives_erasure,
    reference="GDPR Art. 17(1), 5(2), 12(3)",
)
def erased_in_part(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Whoever was erased is gone from every store, and it was proven; nobody is partly gone.

    What it proves: within the last 90 days somebody was erased, every mapped place was asked again, and a sweep through
    every text of every store found nothing of theirs. No erasure has residue, none lies between *begun* and *proven*
    for more than a day, none ended half-way, and no request is called done without a proof. No store has seen an
    erasure that troth does not know, and each is on record as the ledger says. The map can be carried out on the live
    tables, and somebody with the right role answers for it. Where the map ends a column by destroying a key (`shred`),
    all that stands there is sealed. Rows that a legal hold keeps stay (Art. 17(3)), for as long as the hold stands and
    its day of review has not passed; within a day after it is lifted they are gone.

    What it does not prove: that a hold is rightly placed; what stands in stores that the map does not name, in
    encrypted or compressed values, on paper.

    Repair: see `troth request list`, and mend what stands in the way. Before: a cache table that no map names still
    holds an erased person's address. After: it is mapped (`copies: users.email`), the map is approved, and the next
    run proves the erasure.
    """
    if seen.store is None:
        raise NothingToObserve("nobody was ever erased: troth has no store yet", repair="run `troth upgrade`")
    from troth.rights import erased

    found = erased.seen_erasures(seen)
    against = list(_half_gone(seen, found))
    yield from against
    if not found:
        yield unproven(
            sentence.id,
            "nobody was ever erased, so nothing shows that it works",
            repair="erase a made-up person: `troth request erasure PERSON --plan`, then `--yes`",
        )
        return
    proven = [each for each in found if each.proven_at is not None and seen.now - each.proven_at <= FRESH]
    open_ways = list(_unfit(seen, sentence))
    yield from open_ways
    if not proven:
        yield unproven(
            sentence.id,
            f"the last proven erasure is older than {FRESH.days} days, or there is none",
            repair="erase a made-up person, or finish the erasures that are under way",
        )
    elif not against and not open_ways:
        last = max(each.proven_at for each in proven if each.proven_at is not None)
        waiting = sum(bool(each.held) for each in found)
        yield kept(
            sentence.id,
            f"{counted(len(proven), 'erasure')} proven within {FRESH.days} days, the last on {last:%Y-%m-%d}; "
            f"none half-way{f', {waiting} but for what a legal hold keeps' if waiting else ''}",
        )


@check(
    id="rights.erased-and-back",
    promise="a right to erasure is given",
    applies=_gives_erasure,
    reference="GDPR Art. 17(1), 32(1)(c)",
    may_be_silent=True,
)
def erased_and_back(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Nobody who was erased stands in a store again: not after a restore, an import or a late message.

    What it proves: no key and no identifier of an erased person, known by their keyed hashes, leads to rows that are
    as old as the erasure, in any store of the map. Newcomers with a recycled address or number are told apart by when
    their rows were made.

    What it does not prove: rows that lead to the person only through JSON or text; values without a key or identifier,
    which the sweep of each erasure looked for. Where a table does not say when its rows were made, a key that came back
    alone stays unproven.

    Repair: `troth restore-guard`, after every restore and before the system is opened. Before: yesterday's backup is
    put back, and a customer who was erased today can log in. After: the guard has erased them again.
    """
    if seen.store is None or seen.datamap is None or seen.records is None:
        return
    from troth.rights import erased
    from troth.rights.tombstones import Standing

    met = erased.come_back(seen)
    places = dict.fromkeys(_where(each) for each in met if each.standing is not Standing.NEWCOMER)
    back = Counter(_where(each) for each in met if each.standing is Standing.BACK)
    unclear = Counter(_where(each) for each in met if each.standing is Standing.UNCLEAR)
    for place in places:
        if back[place]:
            who = "person who was erased is" if back[place] == 1 else "people who were erased are"
            yield broken(place, f"{back[place]} {who} back", repair="run `troth restore-guard`")
        if unclear[place]:
            yield unproven(
                place,
                f"{counted(unclear[place], 'key')} of erased people in use, by nobody knows whom",
                repair="say in datamap.yaml when rows were made (`starts:`), or look at them",
            )
    if not places and any(each.state is ErasureState.PROVEN for each in erased.seen_erasures(seen)):
        yield kept(sentence.id, "nobody who was erased stands in a store again")


def _where(met: Met) -> str:
    return f"{met.table} in {met.subject.kind.store}"


def _half_gone(seen: Observation, found: tuple[Seen, ...]) -> Iterator[Saw]:
    from troth.rights import erased

    for each in found:
        where = f"erasure {each.name}"
        for place, rows in each.left:
            if each.state is not ErasureState.PROVEN:
                yield broken(
                    place,
                    f"{counted(rows, 'row')} with a value of an erased person ({where})",
                    repair="map the table, or delete these rows; then let the erasure be proven",
                )
        if each.half:
            yield broken(where, f"the request is {each.asked}, and the erasure is {each.state}", repair="carry it on")
        yield from _held_too_long(seen, each)
        if not each.half and each.late(seen.now) and not each.left:
            age = seen.now - each.begun_at
            yield broken(
                where,
                f"begun {counted(max(age.days, 1), 'day')} ago and still {each.state}",
                repair="see what stands in its way: `troth request show`; a worker must run",
            )
    for name in erased.told_otherwise(seen):
        yield broken(
            f"erasure {name}",
            "is not on record as the ledger says",
            repair="put it right by the ledger, and find out who wrote to the store past troth",
        )
    done = erased.done_without_proof(seen)
    if done:
        yield broken(
            "requests",
            f"{counted(done, 'request')} for erasure said to be done without proof",
            repair="open them again",
        )
    if seen.records is not None:
        for store, number in erased.unknown_steps(seen):
            yield broken(
                store,
                f"{counted(number, 'erasure')} carried out there of which troth's own store knows nothing",
                repair="put the newest backup of troth's own store back",
            )


def _held_too_long(seen: Observation, erasure: Seen) -> Iterator[Saw]:
    for each in erasure.held:
        rows = f"{counted(each.n, 'row')} of somebody who asked to be erased"
        if each.over(seen.now):
            yield broken(
                each.where,
                f"{rows} ({erasure.name}) still there, and hold {each.hold} was lifted on {each.lifted_at:%Y-%m-%d}",
                repair="see what stands in its way: `troth request show`; a worker must run",
            )
        elif each.forgotten(seen.now):
            yield broken(
                each.where,
                f"{rows} ({erasure.name}) kept by hold {each.hold}, which was to be looked at again by {each.review}",
                repair="look at it: `troth hold lift`, or place it anew with a later day, then lift the old one",
            )


def _unfit(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    from troth.rights import erased

    if seen.datamap is None or seen.records is None:
        yield unproven(sentence.id, "the company's stores are not connected", repair="set what datamap.yaml names")
        return
    for store in seen.datamap.stores:
        if store not in seen.records.stores:
            yield unproven(store, "nobody searches this store for erased people", repair="have its processor confirm")
    for store, reason in erased.misfits(seen):
        yield broken(store, f"erasing cannot be carried out: {reason}", repair="mend datamap.yaml, or the table")
    for place, n in erased.in_clear(seen):
        yield broken(
            place,
            f"{counted(n, 'value')} not sealed, and the map ends them by destroying a key",
            repair="seal them (`SealedText`), or say delete, null or redact in datamap.yaml",
        )
    if not erased.approved(seen):
        yield unproven(
            seen.datamap.file,
            "nobody answers for the data map as it is, so nothing may be erased by it",
            repair="read it, then run `troth map --approve --as NAME`",
        )


CHECKS: tuple[Check, ...] = (erased_in_part, erased_and_back)
