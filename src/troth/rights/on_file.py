"""What the company holds of who asks: who they are to troth and to its stores, and the addresses on file.

Only an address that a store of the company holds for the person, or that troth knew as theirs before the request came,
is on file. Where troth and the stores mean different people, nothing is settled: staff are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select

from troth.errors import PersonAmbiguous
from troth.foundation import people
from troth.foundation.people import Identifier, Kind, PersonNumber
from troth.foundation.records.subjects import Subject, find_subjects
from troth.foundation.tables import identifiers
from troth.foundation.tables import people as people_table
from troth.rights import own_ids
from troth.rights.requests import Request
from troth.use import standing

if TYPE_CHECKING:
    from troth.rights.desk import Desk


@dataclass(frozen=True, slots=True)
class OnFile:
    """What the company holds of who asks: their number with troth, how they are known, and their addresses."""

    person: PersonNumber
    known_by: tuple[Identifier, ...] = field(repr=False)
    addresses: tuple[str, ...] = field(repr=False)


def find(desk: Desk, request: Request, known_by: Sequence[Identifier]) -> OnFile | None:
    """The person whom `known_by` leads to, in troth and in the company's stores. None for nobody.

    Raises: PersonAmbiguous where troth and the stores mean different people; RecordsError.
    """
    office = desk.office
    # An address that stands alone is looked for as if it were proven: the link goes there, and proves it.
    alone = len(known_by) == 1
    asked = [replace(one, verified=one.kind is Kind.EMAIL) if alone else one for one in known_by]
    subjects = _subjects(desk, request, asked) if asked else ()
    bare = own_ids.bare(desk, subjects)
    with office.store.writing() as tx:
        person = _person_of(tx, desk, request, known_by, subjects, bare)
        if person is None:
            return None
        before = [one.value for one in known_by if one.kind is Kind.EMAIL and _knew(tx, desk, person, one, request)]
    held = [value for subject in subjects for value in subject.identifiers.get("email", ())]
    folded = {address.lower(): address for address in [*before, *held]}
    return OnFile(person, _lasting(known_by, subjects), tuple(folded.values()))


def _subjects(desk: Desk, request: Request, asked: Sequence[Identifier]) -> tuple[Subject, ...]:
    try:
        return find_subjects(desk.records, desk.datamap, asked)
    except PersonAmbiguous:
        told = own_ids.told_apart(desk, request.person, asked)
        if told is None:
            raise
        return told


def count_rows(desk: Desk, known_by: Sequence[Identifier]) -> dict[tuple[str, str], int]:
    """How many rows of each (store, table) a copy for this person would be made of.

    Raises: PersonAmbiguous; RecordsError.
    """
    from troth.foundation.records.copying import rows_of
    from troth.foundation.records.reach import Reach

    subjects = find_subjects(desk.records, desk.datamap, known_by)
    counts: dict[tuple[str, str], int] = {}
    for store in dict.fromkeys(subject.kind.store for subject in subjects):
        reach = Reach.compile(desk.datamap, desk.records.catalogue(store))
        theirs = [subject for subject in subjects if subject.kind.store == store]
        for table, _, _, rows in rows_of(desk.records, reach, theirs):
            key = (store, table.table.name)
            counts[key] = counts.get(key, 0) + sum(1 for _ in rows)
    return counts


def find_nobody(desk: Desk, known_by: Sequence[Identifier]) -> bool:
    """Whether neither troth nor any store knows somebody by this. Raises: PersonAmbiguous; RecordsError."""
    with desk.office.store.reading() as tx:
        if standing.find(tx, desk.office.keyring, {one.kind.value: one.value for one in known_by}) is not None:
            return False
    return not find_subjects(desk.records, desk.datamap, known_by)


def _person_of(  # noqa: PLR0917 - what was given and what was found
    tx: Connection,
    desk: Desk,
    request: Request,
    known_by: Sequence[Identifier],
    subjects: Sequence[Subject],
    bare: frozenset[PersonNumber],
) -> PersonNumber | None:
    keyring = desk.office.keyring
    given = request.person
    if given is None and known_by:
        given = standing.find(tx, keyring, {one.kind.value: one.value for one in known_by})
    named = _names_of(desk, subjects)
    if not named:
        return given
    led_to = {people.find(tx, keyring, one) for one in named if one.kind is Kind.ID} - {None} or set(bare)
    if len(led_to) > 1 or (led_to and given is not None and led_to != {given}):
        raise PersonAmbiguous("what was given and the rows found are different people's; nothing was done")
    if led_to:
        return led_to.pop()
    if given is not None and _has_id(tx, given) and any(one.kind is Kind.ID for one in named):
        raise PersonAmbiguous("an identifier of one account stands in the row of another; nothing was done")
    return given if given is not None else people.register(tx, keyring, named, desk.office.clock.now())


def _names_of(desk: Desk, subjects: Sequence[Subject]) -> list[Identifier]:
    """What troth knows a person by who stands in the company's stores: the key of a row, and addresses."""
    single = len(desk.datamap.people()) == 1
    keyed = [subject for subject in subjects if subject.key]
    named = []
    for subject in keyed:
        key = ",".join(str(part) for part in subject.key)
        named.append(people.identifier(Kind.ID, key if single else f"{subject.kind.id}:{key}"))
    if len(named) > 1:
        return named[:1]
    mails = [value for subject in subjects for value in subject.identifiers.get("email", ())]
    return [*named, *(people.identifier(Kind.EMAIL, value) for value in dict.fromkeys(mails) if "@" in value)]


def _lasting(known_by: Sequence[Identifier], subjects: Sequence[Subject]) -> tuple[Identifier, ...]:
    """How the person is found again when the request is carried out: by the keys of their rows, whatever address
    changes meanwhile; by what they gave where they have no row.
    """
    keys = [
        Identifier(Kind.ID, f"{subject.kind.id}:{','.join(str(part) for part in subject.key)}")
        for subject in subjects
        if subject.key
    ]
    return tuple(keys) or tuple(known_by)


def _has_id(tx: Connection, person: PersonNumber) -> bool:
    statement = select(identifiers.c.id).where(
        identifiers.c.person == person, identifiers.c.kind == Kind.ID, identifiers.c.until.is_(None)
    )
    return tx.execute(statement).first() is not None


def _knew(tx: Connection, desk: Desk, person: PersonNumber, one: Identifier, request: Request) -> bool:
    """Whether troth knew this identifier as the person's before the request came."""
    known = select(identifiers.c.id).where(
        identifiers.c.kind == one.kind,
        identifiers.c.hash == people.hash_of(desk.office.keyring, one),
        identifiers.c.person == person,
        identifiers.c.until.is_(None),
        identifiers.c.since < request.received_at,
    )
    return tx.execute(known).first() is not None


def changed_lately(tx: Connection, desk: Desk, person: PersonNumber, request: Request) -> datetime | None:
    """Until when the person's requests for data are looked at by staff, because an address of theirs is new."""
    born = tx.execute(select(people_table.c.created_at).where(people_table.c.number == person)).scalar_one()
    newest = tx.execute(
        select(func.max(identifiers.c.since)).where(
            identifiers.c.person == person,
            identifiers.c.kind.in_([Kind.EMAIL, Kind.PHONE]),
            identifiers.c.until.is_(None),
            identifiers.c.since > born,
        )
    ).scalar_one()
    if newest is None:
        return None
    until = desk.settings.freeze.after(newest)
    return until if until > request.received_at else None
