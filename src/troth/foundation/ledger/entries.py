"""What the ledger says of the rows of a register: each row names its entry, and the entry says what was done.

An eye, for checks: a register is a table that anybody with the store's password can write to, and its ledger is not. A
row that says something else than its entry, or names an entry that another row is of, was written past troth. That the
entries themselves are unaltered is looked at where the ledger is verified.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from troth.foundation.canonical import canonical_json

if TYPE_CHECKING:  # a check of a policy alone loads no database
    from sqlalchemy import Connection

_CHUNK = 5_000

NOT_AS_TOLD = "is not what its entry in the ledger says"
"""What is said of a row that differs from its entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as its bytes say it."""

    leaf: int
    kind: str
    at: datetime
    body: Mapping[str, Any]
    person: str | None = None
    """The pseudonym of whom it is about, in hexadecimal."""

    def says(self, kind: str, **facts: Any) -> bool:
        """Whether it is of that kind and its body says all these facts; `at` means the time of the entry itself."""
        if self.kind != kind:
            return False
        if "at" in facts and "at" not in self.body and facts.pop("at") != self.at:
            return False
        told = json.loads(canonical_json(facts))
        return all(name in self.body and self.body[name] == value for name, value in told.items())


@dataclass(frozen=True, slots=True)
class Claim:
    """One row of a register, as far as its entry must say the same."""

    name: str
    leaf: int
    kind: str
    facts: Mapping[str, Any]


def untrue(tx: Connection, claims: Iterable[Claim]) -> Iterator[str]:
    """The names of the rows that are not what their entries say, in the order of `claims`."""
    rows = tuple(claims)
    found = of_leaves(tx, (row.leaf for row in rows))
    shared = Counter(row.leaf for row in rows)
    for row in rows:
        entry = found.get(row.leaf)
        if entry is None or shared[row.leaf] > 1 or not entry.says(row.kind, **row.facts):
            yield row.name


def of_leaves(tx: Connection, leaves: Iterable[int]) -> dict[int, Entry]:
    """The entries of these leaves; one that is not there, or cannot be read, is left out."""
    from sqlalchemy import select

    from troth.foundation.ledger.tables import ledger_leaves as table

    wanted = sorted(set(leaves))
    found: dict[int, Entry] = {}
    for first in range(0, len(wanted), _CHUNK):
        some = wanted[first : first + _CHUNK]
        for leaf, content in tx.execute(select(table.c.id, table.c.content).where(table.c.id.in_(some))):
            entry = _read(leaf, content)
            if entry is not None:
                found[leaf] = entry
    return found


def of_kind(tx: Connection, *kinds: str) -> Iterator[Entry]:
    """Every entry of these kinds, the first first."""
    from sqlalchemy import select

    from troth.foundation.ledger.tables import ledger_leaves as table

    query = select(table.c.id, table.c.content).where(table.c.kind.in_(kinds)).order_by(table.c.id)
    for leaf, content in tx.execute(query):
        entry = _read(leaf, content)
        if entry is not None:
            yield entry


def _read(leaf: int, content: bytes) -> Entry | None:
    try:
        said = json.loads(content)
        return Entry(leaf, said["kind"], datetime.fromisoformat(said["at"]), said["body"], said.get("person"))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
