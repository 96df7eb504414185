"""What an erasure does with the person's key of sealed fields, where the map says `shred`: crypto-shredding.

1. Before the first row goes it is read which keys their values name (`named`), and that is sealed with the `remains`.
2. When every store is done, the transaction that says *erased* destroys the key of the person (`destroy`), with its
   own entry in the ledger: a process that dies before has destroyed nothing, and one that comes after finds it done.
3. Before it is called *proven* it is asked of each value that still stands there whether its key does, too
   (`still_open`): such a value is residue. Somebody else's key is never destroyed; what it closes is told.
4. The ids of the keys are among the tombstones, so that a key that a restore brings back is destroyed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select

from troth.errors import PersonError
from troth.foundation import people
from troth.foundation.ledger import leaves, shredding
from troth.foundation.ledger.tables import person_keys
from troth.foundation.ledger.words import KeyUse
from troth.foundation.people import Identifier, Kind, PersonNumber
from troth.foundation.records import erasing, shreds
from troth.foundation.records.keys import BoundKeys, Subject, text_of
from troth.foundation.records.reach import Reach
from troth.foundation.sealed_values import TOMBSTONE, head_of, key_id_of, names, sealed
from troth.policy.datamap import Place
from troth.use import standing

if TYPE_CHECKING:
    from troth.foundation.records.reading import Records
    from troth.policy.datamap import DataMap
    from troth.rights.desk import Desk
    from troth.rights.remains import Remains
    from troth.rights.tombstones import Tombs
    from troth.use.office import Office

Named = tuple[tuple[Place, bytes], ...]
"""Places with the ids of the keys that values there name."""

_FIELDS = person_keys.c["use"] == KeyUse.FIELDS


def named(records: Records, datamap: DataMap, subjects: Sequence[Subject]) -> Named:
    """Which keys the sealed values of theirs name, in the columns that the map shreds. Raises RecordsError."""
    found: dict[tuple[Place, bytes], None] = {}
    for store in dict.fromkeys(place.store for place in shreds.declared(datamap)):
        if store not in records.stores:
            continue
        reach = Reach.compile(datamap, records.catalogue(store))
        for table, end, columns in shreds.of_store(erasing.compile(reach, records.kind(store)[0])):
            reached = reach.table(table.name)
            theirs = reach.whose(reached, BoundKeys(subjects), end.role)
            for name in columns:
                column = reached.core.c[name]
                heads = select(head_of(column)).where(theirs, sealed(column)).distinct()
                ids = (key_id_of(str(head)) for (head,) in records.execute(store, heads))
                found.update(((Place(store, table.name, name), key_id), None) for key_id in ids if key_id is not None)
    return tuple(found)


def destroy(tx: Connection, desk: Desk, person: PersonNumber | None, known: Remains) -> int:
    """Destroy the key of sealed fields of whoever is erased; gives how many keys that were. Cannot be undone.

    Whom troth knows by the key or an identifier of a store counts as them where a value of theirs names their key.
    """
    if not shreds.declared(desk.datamap):
        return 0
    office = desk.office
    numbers = set() if person is None else {person}
    wanted = {key_id for _, key_id in known.sealed}
    candidates = [each for subject in known.subjects for each in known_by(subject)] if wanted else []
    for number in standing.find_many(tx, office.keyring, candidates):
        if number is not None and _key_id(tx, desk, number) in wanted:
            numbers.add(number)
    now = office.clock.now()
    gone = [shredding.shred(tx, office.keyring, each, KeyUse.FIELDS, now) for each in sorted(numbers)]
    return sum(leaf is not None for leaf in gone)


def still_open(desk: Desk, known: Remains) -> list[dict[str, Any]]:
    """Values of theirs whose key was not destroyed: places and numbers. Empty: nobody opens what was shredded."""
    found = []
    for place, key_id in known.sealed:
        statement = select(person_keys.c.destroyed_at).where(_FIELDS, person_keys.c.key_id == key_id)
        with desk.office.store.reading() as tx:
            row = tx.execute(statement).one_or_none()
        if row is not None and row.destroyed_at is not None:
            continue
        n = _standing(desk, place, key_id)
        whose = "this instance never made" if row is None else "is not theirs"
        if n:
            found.append({"where": str(place), "n": n, "why": f"sealed with a key that {whose}"})
    return found


def tombs(tx: Connection, desk: Desk, person: PersonNumber | None, known: Remains) -> Iterator[tuple[str, bytes]]:
    """What is remembered of the keys that were destroyed with an erasure, as tombstones."""
    ids = {key_id for _, key_id in known.sealed}
    mine = None if person is None else _key_id(tx, desk, person)
    gone = select(person_keys.c.key_id).where(_FIELDS, person_keys.c.destroyed_at.is_not(None))
    wanted = ids if mine is None else ids | {mine}
    for key_id in tx.execute(gone.where(person_keys.c.key_id.in_(wanted))).scalars():
        yield TOMBSTONE, bytes(key_id)


def destroy_again(tx: Connection, office: Office, tombs: Tombs) -> int:
    """Destroy the keys of sealed fields that were destroyed with an erasure and are there again; gives how many."""
    ids = {hashed for kind, hashed in tombs.by_hash if kind == TOMBSTONE}
    alive = select(person_keys.c.key_id).where(_FIELDS, person_keys.c.wrapped.is_not(None))
    back = sorted({bytes(key_id) for key_id in tx.execute(alive).scalars() if key_id is not None} & ids)
    for key_id in back:
        shredding.shred_fields(tx, office.keyring, key_id, office.clock.now())
    return len(back)


def known_by(subject: Subject) -> Iterator[Identifier]:
    """How troth may know somebody of a store: sealed columns name people by the key of their row, or an identifier."""
    said = [(Kind.ID, text_of(part)) for part in subject.key] if len(subject.key) == 1 else []
    said += [(Kind(name), value) for name, each in subject.identifiers.items() if name in {*Kind} for value in each]
    for kind, value in said:
        with suppress(PersonError):
            yield people.identifier(kind, value)


def _key_id(tx: Connection, desk: Desk, person: PersonNumber) -> bytes | None:
    called = leaves.pseudonym(desk.office.keyring, person)
    found = tx.execute(select(person_keys.c.key_id).where(_FIELDS, person_keys.c.person == called)).scalar_one_or_none()
    return None if found is None else bytes(found)


def _standing(desk: Desk, place: Place, key_id: bytes) -> int:
    """In how many rows a value of that key stands, whosever they are by now."""
    column = desk.records.table(place.store, place.table).c[place.column or ""]
    counted = select(func.count()).select_from(column.table).where(names(column, key_id))
    return int(next(iter(desk.records.execute(place.store, counted)))[0])
