"""What the standing holds cover in one store: an eye that opens what is sealed, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from troth.foundation import people
from troth.foundation.records.ended import Held
from troth.foundation.records.keys import Subject, fitted
from troth.foundation.records.subjects import find_subjects
from troth.policy.vocabulary import matches
from troth.protection import hold_reading
from troth.protection.tables import holds
from troth.protection.words import HoldScope

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.records.reading import Records
    from troth.foundation.store import Store
    from troth.policy.datamap import DataMap


def held_in(
    troth_store: Store, keyring: Keyring, datamap: DataMap, records: Records, store: str, *, only: int | None = None
) -> tuple[Held, int]:
    """What must stay in one company store now, and the generation of the register that this was read from.

    `only`: by that one hold. Raises: RecordsError where who is held cannot be looked for: then nothing may end.
    """
    with troth_store.reading() as tx:
        generation = hold_reading.generation(tx)
        rows = tx.execute(select(holds).where(holds.c.lifted_at.is_(None)).order_by(holds.c.id)).all()
    rows = [row for row in rows if only is None or row.id == only]
    tables: set[str] = set()
    subjects: dict[tuple[str, tuple[Any, ...]], Subject] = {}
    single: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        if row.scope is HoldScope.TABLE:
            of, _, table = row.place.partition(".")
            tables |= {table} if of == store else set()
        elif row.scope is HoldScope.CATEGORY:
            tables |= set(_tables_with(datamap, store, row.place))
        elif row.scope is HoldScope.RECORD:
            of, _, table = row.place.partition(".")
            if of == store:
                known = opened(keyring, row.id, row.sealed)["what"]
                single.setdefault(table, []).append(_key(records, store, table, known))
        else:
            for each in _subjects(records, datamap, opened(keyring, row.id, row.sealed)["what"]):
                if each.kind.store == store:
                    subjects[each.kind.id, each.key] = each
    frozen = MappingProxyType({name: tuple(keys) for name, keys in single.items()})
    return Held(frozenset(tables), tuple(subjects.values()), frozen), generation


def opened(keyring: Keyring, number: int, sealed: bytes) -> Mapping[str, Any]:
    """What is sealed in a hold: `what` it keeps, and `why`."""
    return dict(json.loads(keyring.unseal(sealed, context=context_of(number))))


def context_of(number: int) -> bytes:
    """What a hold's sealed part belongs to."""
    return f"hold {number}".encode()


def _subjects(records: Records, datamap: DataMap, known: Sequence[str]) -> Iterator[Subject]:
    for text in known:
        yield from find_subjects(records, datamap, [people.parse(text)])


def _tables_with(datamap: DataMap, store: str, pattern: str) -> Iterator[str]:
    for table in datamap.stores[store].tables.values():
        if any(column.category and matches(pattern, column.category) for column in table.columns.values()):
            yield table.name


def _key(records: Records, store: str, table: str, parts: Sequence[str]) -> tuple[Any, ...]:
    seen = records.catalogue(store).table(table)
    return tuple(fitted(part, seen.columns[name]) for name, part in zip(seen.primary_key, parts, strict=True))
