"""After a restore: whoever was erased and stands in a store again is erased again, before anybody opens the system.

Tombstones say who (`tombstones`): those of the store, and those of the file outside it, for when troth's own store was
put back too. The same guards and the same plan as for a request say how (`erasure`). An erasure
that was under way goes on where it was. Where a part of troth's own store was put back, and with it the key of what was
sealed about somebody erased, that key is destroyed again; so is the key of their sealed fields, where it was.
Rows of which nobody can say whether they are back are listed and left alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select

from troth.foundation import sealed_values, tombstone_file
from troth.foundation.ledger import leaves, shredding
from troth.foundation.ledger.tables import person_keys
from troth.foundation.ledger.words import KeyUse
from troth.rights import erasure, farewell, shredded, tombstones
from troth.rights.erasure import Erasure
from troth.rights.tables import erasures
from troth.rights.tombstones import Met, Standing, Tomb, Tombs
from troth.rights.words import ErasureState

if TYPE_CHECKING:
    from troth.foundation.records.subjects import Subject
    from troth.rights.desk import Desk


@dataclass(frozen=True, slots=True)
class Found:
    """How many of one kind of person stand in one table of a store."""

    store: str
    kind: str
    table: str
    n: int


@dataclass(frozen=True, slots=True)
class Guarded:
    """What a guard saw and did. `remembered`: erasures with tombstones; `again`: those that were carried out again.

    `back` and `unclear` count people and rows as they were met, before anything was done; `keys` counts the keys of
    sealed words that were destroyed again.
    """

    remembered: int
    back: tuple[Found, ...]
    unclear: tuple[Found, ...]
    newcomers: int
    again: tuple[Erasure, ...]
    keys: int = 0

    @property
    def clean(self) -> bool:
        """Whether nobody who was erased is left in a store, but for what holds keep, and nobody to decide about."""
        return not self.unclear and all(each.state is ErasureState.PROVEN or each.held for each in self.again)


def guard(desk: Desk, *, act: bool = True) -> Guarded:
    """Find everybody who was erased and is back, and erase them again; with `act` false, only find them.

    Raises: GuardClosed and the other refusals of an erasure; RecordsError where a store does not answer: then the
    system must stay closed.
    """
    office = desk.office
    outside = tombstone_file.read(desk.instance.tombstone_file)
    with office.store.reading() as tx:
        tombs = tombstones.load(tx, outside)
        under_way = [
            *erasure.waiting(tx, ErasureState.PENDING),
            *erasure.waiting(tx, ErasureState.ERASED),
        ]
    met = tombstones.look(desk.records, desk.datamap, office.keyring, tombs)
    again: list[Erasure] = []
    if act:
        again = [erasure.carry_on(desk, each.name) for each in under_way]
        back = _by_tomb(each for each in met if each.standing is Standing.BACK)
        # Whom troth's own store brought back is gone from it again, whether or not a company's store has them.
        back = {**{tomb: [] for tomb in tombs.outside if tomb.person is not None}, **back}
        again += [_erase_again(desk, tomb, subjects) for tomb, subjects in back.items()]
        again = _proven(desk, again)
    keys = _shred_again(desk, tombs) if act else 0
    result = Guarded(
        len(tombs),
        _counted(met, Standing.BACK),
        _counted(met, Standing.UNCLEAR),
        sum(each.standing is Standing.NEWCOMER for each in met),
        tuple(again),
        keys,
    )
    if act:
        with office.store.writing() as tx:
            body = {
                "back": sum(each.n for each in result.back),
                "unclear": len(result.unclear),
                "again": len(again),
                "keys": keys,
            }
            leaves.append(tx, office.keyring, "restore.guarded", None, body, office.clock.now())
    return result


def _shred_again(desk: Desk, tombs: Tombs) -> int:
    """Destroy the keys of the erased that are there again; gives how many were."""
    office = desk.office
    people = {tomb.person for each in tombs.by_hash.values() for tomb in each if tomb.person is not None}
    alive = select(person_keys.c.person).where(
        person_keys.c["use"] == KeyUse.CONTENT, person_keys.c.wrapped.is_not(None)
    )
    with office.deed() as tx:
        living = {bytes(person) for person in tx.execute(alive).scalars()}
        back = [person for person in sorted(people) if leaves.pseudonym(office.keyring, person) in living]
        for person in back:
            shredding.shred(tx, office.keyring, person, KeyUse.CONTENT, office.clock.now())
        fields = shredded.destroy_again(tx, office, tombs)
    if back or fields:
        farewell.wipe(office.store)
        sealed_values.forget()
    return len(back) + fields


def _erase_again(desk: Desk, tomb: Tomb, subjects: list[Subject]) -> Erasure:
    """The erasure of somebody once more, under a name of its own beside that of the first."""
    with desk.office.store.reading() as tx:
        name = _next_name(tx, tomb.name)
    begun = erasure.begin(desk, name, subjects, person=tomb.person)
    return erasure.carry_on(desk, begun.name)


def _next_name(tx: Connection, name: str) -> str:
    """`2026-000412`, then `2026-000412+1`, `+2`, ...: the troth_step of a restored store may hold the earlier ones."""
    first = name.partition("+")[0]
    like = erasures.c.name.like(f"{first}+%")
    return f"{first}+{tx.execute(select(func.count()).where(like)).scalar_one() + 1}"


def _proven(desk: Desk, again: list[Erasure]) -> list[Erasure]:
    """The same erasures after one sweep for all of them."""
    if not again:
        return []
    names = {each.name for each in again}
    swept = {each.name: each for each in erasure.prove_waiting(desk)}
    return [swept.get(each.name, each) for each in again if each.name in names]


def _by_tomb(met: Iterable[Met]) -> dict[Tomb, list[Subject]]:
    found: dict[Tomb, list[Subject]] = defaultdict(list)
    for each in met:
        found[each.tomb].append(each.subject)
    return found


def _counted(met: Iterable[Met], standing: Standing) -> tuple[Found, ...]:
    counts = Counter(
        (each.subject.kind.store, each.subject.kind.id, each.table) for each in met if each.standing is standing
    )
    return tuple(Found(*where, n) for where, n in sorted(counts.items()))
