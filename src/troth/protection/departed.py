"""Who ended by their period is remembered as whoever was erased is: so that no restore brings them back unseen.

    announced  --their transaction is committed in the company's store-->  settled: remembered from then on

Announced before the deed, since nobody can be asked who they were after it; what was announced and not done is
forgotten. Settled are they in troth's own store and in the file of tombstones outside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update

from troth.foundation import tombstone_file
from troth.foundation.records.gone import hashes_of
from troth.protection.tables import departed

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from troth.foundation.records.keys import Subject
    from troth.use.company import Company


def announce(stores: Company, run: str, step: str, people: Sequence[Subject]) -> None:
    """Write down who is about to end in this step of a run, in place of whoever was to before."""
    office = stores.office
    with office.store.writing() as tx:
        tx.execute(delete(departed).where(*_of(run, step), departed.c.at.is_(None)))
        newest = select(func.coalesce(func.max(departed.c.person), 0)).where(departed.c.run == run)
        first = tx.execute(newest).scalar_one()
        rows = [
            {"run": run, "step": step, "person": number, "kind": kind, "hash": hashed, "at": None}
            for number, each in enumerate(people, first + 1)
            for kind, hashed in sorted(set(hashes_of(office.keyring, each)))
        ]
        if rows:
            tx.execute(departed.insert(), rows)


def settle(stores: Company, run: str, step: str) -> None:
    """Remember who ended in this step, which is done. Safe to repeat. Raises: StoreError."""
    office = stores.office
    with office.store.writing() as tx:
        waiting = (*_of(run, step), departed.c.at.is_(None))
        found: dict[int, list[tuple[str, bytes]]] = defaultdict(list)
        for row in tx.execute(select(departed).where(*waiting).order_by(departed.c.id)):
            found[row.person].append((row.kind, bytes(row.hash)))
        if not found:
            return
        now = office.clock.now()
        entries = [tombstone_file.entry_of(f"{run}.{person}", now, each) for person, each in found.items()]
        tombstone_file.add(stores.instance.tombstone_file, entries)
        tx.execute(update(departed).where(*waiting).values(at=now))


def forget(stores: Company, run: str, step: str) -> None:
    """Drop what was announced for a step that was not carried out."""
    with stores.office.store.writing() as tx:
        tx.execute(delete(departed).where(*_of(run, step), departed.c.at.is_(None)))


def _of(run: str, step: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return departed.c.run == run, departed.c.step == step
