"""How much hangs on this controller's key: rows that only it opens, by what they are.

Tables of sections are looked up by name, since the foundation knows no section; one that is not there counts nothing.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, func, inspect, select

from troth.foundation.ledger.tables import ledger_bodies, person_keys
from troth.foundation.ledger.words import KeyUse
from troth.foundation.store.schema import metadata

SEALED: Final = (
    ("letters that wait", "outbox", "sealed"),
    ("second factors of staff", "staff_codes", "sealed"),
    ("requests", "requests", "known_by"),
    ("links that were sent", "request_links", "shown"),
    ("what erasures remember", "erasures", "work"),
    ("legal holds", "holds", "sealed"),
    ("breaches", "breaches", "words"),
    ("demands of authorities", "demands", "sealed"),
)
"""What is sealed by the key itself and not by a key of a person: in words, table, column."""

MATCHED: Final = (
    ("people, by their names", "identifiers"),
    ("addresses that get no mail", "suppressions"),
    ("tombstones", "tombstones"),
)
"""What is found by a hash that only this key makes: without it nobody is recognised."""


def people_keys(tx: Connection) -> dict[str, int]:
    """Keys of people that stand, by what they close."""
    counted = select(person_keys.c["use"], func.count()).where(person_keys.c.wrapped.is_not(None))
    found = {use.value: int(n) for use, n in tx.execute(counted.group_by(person_keys.c["use"]))}
    return {use.value: found.get(use.value, 0) for use in KeyUse}


def bodies(tx: Connection) -> int:
    """Sealed bodies of the ledger."""
    return int(tx.execute(select(func.count()).select_from(ledger_bodies)).scalar_one())


def sealed_rows(tx: Connection) -> tuple[tuple[str, int], ...]:
    """What is sealed, and how much of it, where there is any."""
    there = set(inspect(tx).get_table_names())
    found = [("sealed bodies of the ledger", bodies(tx)), ("keys of people", sum(people_keys(tx).values()))]
    for what, name, column in SEALED:
        table = metadata.tables.get(name)
        if table is not None and name in there:
            counted = select(func.count()).select_from(table).where(table.c[column].is_not(None))
            found.append((what, int(tx.execute(counted).scalar_one())))
    for what, name in MATCHED:
        if name in metadata.tables and name in there:
            found.append((what, int(tx.execute(select(func.count()).select_from(metadata.tables[name])).scalar_one())))
    return tuple((what, n) for what, n in found if n)
