"""What the standing holds cover in every store: an eye that opens what is sealed, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from troth.foundation import people
from troth.foundation.records.ended import Held
from troth.foundation.records.keys import Subject, fitted
from troth.foundation.records.subjects import find_each
from troth.policy.vocabulary import matches
from troth.protection import hold_reading
from troth.protection.tables import holds
from troth.protection.words import HoldScope

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.records.reading import Records
    from troth.foundation.store import Store
    from troth.policy.datamap import DataMap


@dataclass(frozen=True, slots=True)
class _Hold:
    """One standing hold: `place` as the register has it, `what` was sealed, `people` as each store knows them."""

    id: int
    scope: HoldScope
    place: str | None
    what: tuple[str, ...] = field(repr=False)
    people: tuple[Subject, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class HeldNow:
    """Every standing hold at one moment, and the `generation` of the register that this was read from."""

    generation: int
    datamap: DataMap = field(repr=False)
    records: Records = field(repr=False)
    holds: tuple[_Hold, ...]

    def held(self, store: str, *, only: int | None = None) -> Held:
        """What must stay in one company store; `only`: by that one hold. Raises RecordsError."""
        tables: set[str] = set()
        subjects: dict[tuple[str, tuple[Any, ...]], Subject] = {}
        single: dict[str, list[tuple[Any, ...]]] = {}
        for each in self.holds:
            if only is not None and each.id != only:
                continue
            of, _, table = (each.place or "").partition(".")
            if each.scope is HoldScope.CATEGORY:
                tables |= set(_tables_with(self.datamap, store, each.place or ""))
            elif each.scope is HoldScope.PERSON:
                subjects |= {(one.kind.id, one.key): one for one in each.people if one.kind.store == store}
            elif of == store and each.scope is HoldScope.TABLE:
                tables.add(table)
            elif of == store:
                single.setdefault(table, []).append(_key(self.records, store, table, each.what))
        frozen = MappingProxyType({name: tuple(keys) for name, keys in single.items()})
        return Held(frozenset(tables), tuple(subjects.values()), frozen)


def held_now(troth_store: Store, keyring: Keyring, datamap: DataMap, records: Records) -> HeldNow:
    """What must stay in every company store now. Who is held is looked for once, whatever number of stores is asked.

    Raises: RecordsError where who is held cannot be looked for: then nothing may end.
    """
    with troth_store.reading() as tx:
        generation = hold_reading.generation(tx)
        rows = tx.execute(select(holds).where(holds.c.lifted_at.is_(None)).order_by(holds.c.id)).all()
    sealed = (HoldScope.PERSON, HoldScope.RECORD)
    what = {row.id: tuple(opened(keyring, row.id, row.sealed)["what"]) for row in rows if row.scope in sealed}
    named = [(row.id, text) for row in rows if row.scope is HoldScope.PERSON for text in what[row.id]]
    people_of: dict[int, list[Subject]] = {}
    for (number, _), subjects in zip(
        named, find_each(records, datamap, ([people.parse(text)] for _, text in named)), strict=True
    ):
        people_of.setdefault(number, []).extend(subjects)
    found = (
        _Hold(row.id, row.scope, row.place, what.get(row.id, ()), tuple(people_of.get(row.id, ()))) for row in rows
    )
    return HeldNow(generation, datamap, records, tuple(found))


def opened(keyring: Keyring, number: int, sealed: bytes) -> Mapping[str, Any]:
    """What is sealed in a hold: `what` it keeps, and `why`."""
    return dict(json.loads(keyring.unseal(sealed, context=context_of(number))))


def context_of(number: int) -> bytes:
    """What a hold's sealed part belongs to."""
    return f"hold {number}".encode()


def _tables_with(datamap: DataMap, store: str, pattern: str) -> Iterator[str]:
    for table in datamap.stores[store].tables.values():
        if any(column.category and matches(pattern, column.category) for column in table.columns.values()):
            yield table.name


def _key(records: Records, store: str, table: str, parts: Sequence[str]) -> tuple[Any, ...]:
    seen = records.catalogue(store).table(table)
    return tuple(fitted(part, seen.columns[name]) for name, part in zip(seen.primary_key, parts, strict=True))
