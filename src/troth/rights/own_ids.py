"""Whose rows are meant by an id of the company's, where several kinds of people may have the same.

An app makes people known under its own key, `id=7`. A data map with customers and employees calls the same row
`shop.customer:7`, since an employee 7 may be somebody else. The two are one person

1. when no other kind has that key, or
2. when an address in the row is known as theirs.

They are two when the person is known under addresses and none of them stands in the row, which has some. Where nothing
tells, somebody has to say: an ambiguity stops and asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from troth.errors import PersonAmbiguous
from troth.foundation import people
from troth.foundation.people import Identifier, Kind, PersonNumber
from troth.foundation.records.subjects import Subject, find_subjects
from troth.foundation.tables import identifiers

if TYPE_CHECKING:
    from troth.rights.desk import Desk


def bare(desk: Desk, subjects: Sequence[Subject]) -> frozenset[PersonNumber]:
    """Whom troth knows by the key of one of these rows alone, and who is the person of that row.

    Asks the stores only where somebody is known by such a key and their address does not settle it.
    Raises: PersonAmbiguous where nothing tells whether they are one; RecordsError.
    """
    if len(desk.datamap.people()) == 1:
        return frozenset()
    with desk.office.store.reading() as tx:
        known = [(each, number) for each in subjects if (number := _known_as(tx, desk, each)) is not None]
        same = {number: _same(tx, desk, subject, number) for subject, number in known}
    for subject, number in known:
        if same[number] is None and not _only_kind(desk, subject):
            raise PersonAmbiguous(
                f"another kind of person than {subject.kind.id} has the same key; nothing was done",
                repair=f"Make people known as id={subject.kind.id}:KEY, or with their address.",
            )
        if same[number] is False and _only_kind(desk, subject):
            same[number] = True  # an address has changed since; the key is theirs alone
    return frozenset(number for _, number in known if same[number] is not False)


def told_apart(desk: Desk, person: PersonNumber | None, known_by: Sequence[Identifier]) -> tuple[Subject, ...] | None:
    """The person of the one row, of all kinds that have this id, whose address is known as theirs; else None.

    Raises: RecordsError.
    """
    ids = [one for one in known_by if one.kind is Kind.ID and ":" not in one.value]
    if len(ids) != 1:
        return None
    with desk.office.store.reading() as tx:
        number = person if person is not None else people.find(tx, desk.office.keyring, ids[0])
    if number is None:
        return None
    found = []
    for subjects in _by_kind(desk, ids[0], [one for one in known_by if one.kind is not Kind.ID]):
        with desk.office.store.reading() as tx:
            if any(_same(tx, desk, subject, number) for subject in subjects):
                found.append(subjects)
    return found[0] if len(found) == 1 else None


def _by_kind(desk: Desk, one: Identifier, others: Sequence[Identifier]) -> Iterator[tuple[Subject, ...]]:
    for kind in desk.datamap.people().values():
        if len(kind.key) == 1 and kind.store in desk.records.stores:
            try:
                yield find_subjects(desk.records, desk.datamap, [replace(one, value=f"{kind.id}:{one.value}"), *others])
            except PersonAmbiguous:
                continue


def _known_as(tx: Connection, desk: Desk, subject: Subject) -> PersonNumber | None:
    if not subject.key:
        return None
    return people.find(tx, desk.office.keyring, people.identifier(Kind.ID, _key(subject)))


def _same(tx: Connection, desk: Desk, subject: Subject, number: PersonNumber) -> bool | None:
    """Whether an address tells that they are one (true), or two (false); None where there is none to compare."""
    addresses = [people.identifier(Kind.EMAIL, value) for value in subject.identifiers.get("email", ()) if "@" in value]
    if any(people.find(tx, desk.office.keyring, one) == number for one in addresses):
        return True
    on_file = select(identifiers.c.id).where(
        identifiers.c.person == number, identifiers.c.kind == Kind.EMAIL, identifiers.c.until.is_(None)
    )
    return False if addresses and tx.execute(on_file).first() is not None else None


def _only_kind(desk: Desk, subject: Subject) -> bool:
    try:
        found = find_subjects(desk.records, desk.datamap, [Identifier(Kind.ID, _key(subject))])
    except PersonAmbiguous:
        return False
    return any(each.kind.id == subject.kind.id and each.key == subject.key for each in found)


def _key(subject: Subject) -> str:
    return ",".join(str(part) for part in subject.key)
