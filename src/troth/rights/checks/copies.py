"""The right of access proven as far as a sample goes: what a copy would hold, and whether those that were made open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.errors import DeclarationFaults, RecordsError
from troth.foundation.proof import Check, Grade, Saw, broken, check, counted, kept, unproven
from troth.policy.vocabulary import Right

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.datamap import StoreMap
    from troth.policy.model import Sentence
    from troth.rights.own_rows import Looked

_READ = frozenset({"postgresql", "mariadb", "sqlite", "unknown"})


@check(
    id="rights.row-unreached",
    promise="a right of access is given",
    applies=lambda sentence, _: sentence.meaning.right is Right.ACCESS,
    reference="GDPR Art. 15(1), (3), (4)",
    grade=Grade.SAMPLED,
    max_age=dt.timedelta(days=7),
)
def row_unreached(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """What a person would get is what names them: the rows on the map's paths, and the rows that hold their name.

    What it proves: for three real people of each kind, spread over the table, every text column of every table of the
    store, mapped or not, was searched for their mail address, user name and phone. Each row that holds one, and is not
    somebody else's, is on a path of the map; and no row that a path gives them names another person alone.

    What it does not prove: rows that name nobody (they are reached by keys alone, and a wrong key column shows only
    where a row names somebody); tables of more than 200,000 rows, which it says; that a request is answered in time.

    Repair: give the table a path, or a role. Before: `mail_log` holds addresses, and the map says `personal: no`.
    After: `mail_log: {whose: {match: recipient, identifier: email}}`. Where the rows are somebody else's (an address
    book): a role `about` with `copy: no`.
    """
    datamap = seen.need_map()
    records = seen.need_records()
    from troth.rights import own_rows

    stores = [store for store in datamap.stores.values() if any(table.personal for table in store.tables.values())]
    if not stores:
        yield unproven(sentence.id, "the data map names no table with people's data", repair="map the stores")
    for store in stores:
        if store.kind not in _READ:
            yield unproven(store.name, "copies are not looked at in this kind of store yet", repair="look for yourself")
        elif open_questions := datamap.open_questions(store.name):
            asked = counted(len(open_questions), "question")
            yield unproven(store.name, f"{asked} of its map open", repair="answer them in datamap.yaml")
        else:
            try:
                yield from _of(store, own_rows.look(records, datamap, store.name))
            except RecordsError as problem:
                repair = problem.repair or "make it reachable, then run `troth check`"
                yield unproven(problem.where or store.name, problem.message, repair=repair)
            except DeclarationFaults as problem:
                for fault in problem.faults:
                    yield broken(f"{fault.file}:{fault.line}", f"{fault.path}: {fault.message}", repair="mend the map")


def _of(store: StoreMap, looked: Looked) -> Iterator[Saw]:
    if not store.people:
        yield unproven(store.name, "the map does not say who a person is here", repair="say it: `person:` of the store")
        return
    if not looked.people:
        repair = "name the columns with a mail address, user name or phone under `identifiers`"
        yield unproven(store.name, "nobody here can be told from others by what they are known by", repair=repair)
        return
    for place, rows in sorted(looked.missed.items()):
        yield broken(
            f"{place} in {store.name}",
            f"{counted(rows, 'row')} that name a person of the sample, and no path leads there from them",
            repair="give the table a path or a role: `{match: column, identifier: email}`",
        )
    for place, rows in sorted(looked.strayed.items()):
        yield broken(
            f"{place} in {store.name}",
            f"{counted(rows, 'row')} that the map gives to one person name another alone",
            repair="mend `whose:` of the table, and run `troth check`",
        )
    for table, reason in sorted(looked.unsearched.items()):
        yield unproven(f"{table} in {store.name}", f"not searched: {reason}", repair="search it for yourself")
    if looked.searched and not looked.missed and not looked.strayed:
        yield kept(
            store.name,
            f"people looked up: {looked.people}; tables searched for who they are: {looked.searched}; "
            "every row that names one is on a path from them, and none that names another alone",
        )


@check(
    id="rights.copy-unusable",
    promise="a right of access is given",
    applies=lambda sentence, _: sentence.meaning.right is Right.ACCESS,
    reference="GDPR Art. 15(3)",
    grade=Grade.SAMPLED,
    max_age=dt.timedelta(days=1),
    may_be_silent=True,
)
def copy_unusable(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """A copy that waits for its person opens, is whole, and holds what stands about them.

    What it proves: each of the five newest copies that can be fetched now was unsealed, its signature and every file in
    it verified, and its rows counted; the number is that of its manifest, of troth's record and of the ledger. Where
    its person is found in the stores, no table that has rows of theirs from before the copy is missing from it.

    What it does not prove: that each value is right; tables whose rows do not say when they were made; copies that
    have ended; and, while no copy waits, anything.

    Repair: make it again. Before: the copy of request 2026-000412 holds 0 rows, and 3 orders of its person are older.
    After: `troth request access PERSON --yes`, and a copy with the orders in it.
    """
    if seen.store is None:
        return
    from troth.rights import opened_copies

    try:
        looked = opened_copies.look(seen)
    except RecordsError as problem:
        repair = problem.repair or "make it reachable, then run `troth check`"
        yield unproven(problem.where or sentence.id, problem.message, repair=repair)
        return
    except DeclarationFaults:
        return  # rights.row-unreached names each fault of the map
    again = "make it again: `troth request access PERSON --yes`"
    for each in looked:
        for fault in each.faults:
            yield broken(f"the copy of request {each.number}", fault, repair=again)
        for reason in each.unseen:
            yield unproven(f"the copy of request {each.number}", reason, repair="open it for yourself")
    whole = [each for each in looked if not each.faults and not each.unseen]
    if whole:
        rows = sum(each.rows for each in whole)
        yield kept(sentence.id, f"{counted(len(whole), 'copy')} opened: signed, whole, with {counted(rows, 'row')}")


CHECKS: tuple[Check, ...] = (row_unreached, copy_unusable)
