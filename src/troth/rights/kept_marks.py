"""Which values of people who are gone a law keeps, and where: as keyed hashes, so that later sweeps let them be.

An invoice that is kept holds a name. Whoever comes back from a backup, or comes anew, and is erased has the same name;
the sweep for them must not call the invoice residue, nor may it excuse one row more than the law keeps.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from troth.policy.datamap import Place
from troth.rights.tables import erasures, kept_marks

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.rights.remains import Remains

_CHUNK = 400


def remember(tx: Connection, keyring: Keyring, erasure: int, known: Remains) -> None:
    """Mark what the map lets stay of somebody whose erasure begins."""
    rows = [
        {
            "hash": _hash(keyring, value),
            "erasure": erasure,
            "store": place.store,
            "table": place.table,
            "column": place.column or "",
            "rows": n,
        }
        for (_, value, place), n in known.kept.items()
    ]
    if rows:
        tx.execute(kept_marks.insert(), rows)


def allowed(
    tx: Connection, keyring: Keyring, person: int, name: str, known: Remains
) -> dict[tuple[int, str, Place], int]:
    """In how many rows each needle of the erasure `name` may stand, under the number `person`.

    What was kept by other erasures is added; what was kept by an earlier run of the same one stands in the same rows.
    """
    found = {(person, value, place): n for (_, value, place), n in known.kept.items()}
    values = {_hash(keyring, needle.value): needle.value for needle in known.needles}
    hashes = list(values)
    again: dict[tuple[int, str, Place], int] = defaultdict(int)
    others: dict[tuple[int, str, Place], int] = defaultdict(int)
    for start in range(0, len(hashes), _CHUNK):
        marks = select(kept_marks, erasures.c.name).join(erasures, erasures.c.id == kept_marks.c.erasure)
        for row in tx.execute(marks.where(kept_marks.c.hash.in_(hashes[start : start + _CHUNK]))):
            key = (person, values[bytes(row.hash)], Place(row.store, row.table, row.column))
            if row.name == name:
                continue
            if _first(row.name) == _first(name):
                again[key] = max(again[key], row.rows)
            else:
                others[key] += row.rows
    return {key: max(found.get(key, 0), again.get(key, 0)) + others.get(key, 0) for key in {*found, *again, *others}}


def _first(name: str) -> str:
    """The name of the erasure that one after a restore repeats."""
    return name.partition("+")[0]


def _hash(keyring: Keyring, value: str) -> bytes:
    return keyring.pseudonym("kept value", value.lower().encode("utf-8", "surrogatepass"))
