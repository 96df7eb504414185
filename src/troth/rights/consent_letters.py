"""Tell people before their consent ends by itself, at the address that the company's own stores hold for them.

troth keeps hashes of who people are, and no addresses. So the rows of people are read once, their keys hashed, and who
is due is met among them. Each is told once for each consent; who has no address there is not told, and nothing is lost:
the consent ends, and the privacy centre says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from sqlalchemy import select

from troth.errors import TrothError
from troth.foundation import mail, people
from troth.foundation.people import Kind, PersonNumber
from troth.foundation.tables import identifiers, outbox
from troth.policy.rendering.annexes import purpose_label
from troth.use import consent, renewal
from troth.use.renewal import Ending

if TYPE_CHECKING:
    from troth.policy.datamap import PersonKind
    from troth.rights.desk import Desk

_CHUNK = 400


def remind(desk: Desk) -> int:
    """Queue a letter to each person whose consent ends soon and who was not told yet; gives how many. Safe to repeat.

    Raises: RecordsError; StoreError.
    """
    office = desk.office
    with office.store.reading() as tx:
        due = {_once(one): one for one in renewal.due(tx, office)}
        for start in range(0, len(due), _CHUNK):
            names = list(due)[start : start + _CHUNK]
            for told in tx.execute(select(outbox.c.once).where(outbox.c.once.in_(names))).scalars().all():
                due.pop(told, None)
    if not due:
        return 0
    addresses = _addresses(desk, {one.person for one in due.values()})
    queued = 0
    with office.store.writing() as tx:
        for one in due.values():
            address = addresses.get(one.person)
            if address is None:
                continue
            try:
                mail.queue(tx, office.keyring, _letter(desk, one, address), office.clock.now())
            except TrothError:  # what stands in the store is no address that mail can go to
                continue
            queued += 1
    return queued


def _once(one: Ending) -> str:
    return f"consent ends {one.record}"


def _letter(desk: Desk, one: Ending, address: str) -> mail.Letter:
    office, site = desk.office, desk.instance.settings.site
    name = office.policy.controller.name
    words = consent.wordings(office)[one.purpose].text
    text = (
        f"On {one.until:%Y-%m-%d} your consent at {name} ends by itself ({purpose_label(one.purpose)}).\n"
        f'You had agreed to this:\n\n    "{words}"\n\n'
        "If that suits you, do nothing: from that day on we do not do it any more.\n"
        f"If you want it to go on, say so here:\n\n{site.url.rstrip('/')}{site.centre}\n"
    )
    return mail.Letter(address, f"Your consent at {name} ends soon", text, "consent ends", _once(one), one.person)


def _addresses(desk: Desk, wanted: set[PersonNumber]) -> Mapping[PersonNumber, str]:
    """The address that a store holds for each of `wanted`, where it holds one."""
    keyring = desk.office.keyring
    by_hash: dict[bytes, set[PersonNumber]] = defaultdict(set)
    with desk.office.store.reading() as tx:
        numbers = sorted(wanted)
        for start in range(0, len(numbers), _CHUNK):
            rows = tx.execute(
                select(identifiers.c.hash, identifiers.c.person).where(
                    identifiers.c.person.in_(numbers[start : start + _CHUNK]),
                    identifiers.c.kind == Kind.ID,
                    identifiers.c.until.is_(None),
                )
            )
            for row in rows:
                by_hash[bytes(row.hash)].add(row.person)
    kinds = desk.datamap.people()
    found: dict[PersonNumber, str] = {}
    for kind in kinds.values():
        for name, address in _rows(desk, kind, single=len(kinds) == 1):
            for person in by_hash.get(people.hash_of(keyring, people.identifier(Kind.ID, name)), ()):
                found.setdefault(person, address)
    return found


def _rows(desk: Desk, kind: PersonKind, *, single: bool) -> Iterator[tuple[str, str]]:
    """How troth names each person of a kind, and their address."""
    mapped = kind.identifiers.get("email")
    if mapped is None or mapped.table != kind.table or len(kind.key) != 1:
        return
    table = desk.records.table(kind.store, kind.table)
    key, address = table.c[kind.key[0]], table.c[mapped.column]
    for number, value in desk.records.execute(kind.store, select(key, address).where(address.is_not(None))):
        yield (str(number) if single else f"{kind.id}:{number}"), str(value)
