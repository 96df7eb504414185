"""What a recipient could learn about few people by subtracting one batch of groups from another.

Each group by itself is of enough people. But 41 people this week and 40 last week, counted the same way, tell of one:
what changed is theirs. So it is remembered who was in each group that left, and a group stays behind where it and an
earlier one of the same name differ by fewer people than a group must have, and not by none. Whom it is about, and why,
is in nobody's answer: only how many rows stayed.

Batches are compared that went to one recipient, whatever the purpose, and that count by the same kinds of data made
coarser in the same way. What is counted in another way (by month and by week) is not put together here: whoever
publishes several cuts of the same people needs noise, not groups (WP216, section 3.1.3).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyroaring import BitMap
from sqlalchemy import Connection, func, select

from troth.foundation.canonical import digest
from troth.sharing.tables import disclosed_groups, disclosures
from troth.sharing.words import State

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring

Key = tuple[Any, ...]
_AT_ONCE = 500
_TOLD = [state for state in State if state.told]


@dataclass(frozen=True, slots=True)
class Counting:
    """One way to count: which column holds which kind of data, and how it was made coarser. `names` are the columns in
    the order of a group's values.
    """

    recipient: str
    names: tuple[str, ...]
    categories: Mapping[str, str]
    coarser: Mapping[str, str] = field(default_factory=dict)

    @property
    def order(self) -> Sequence[int]:
        """The places of the values in an order that does not depend on what the columns are called."""
        return sorted(range(len(self.names)), key=lambda at: (*self._said(at), at))

    @property
    def id(self) -> bytes:
        """What is the same for two batches that count the same way."""
        return digest([list(self._said(at)) for at in self.order])

    def _said(self, at: int) -> tuple[str, str]:
        name = self.names[at]
        return self.categories[name], self.coarser.get(name, "")


@dataclass(frozen=True, slots=True)
class Telling:
    """The groups of a batch that is about to leave, by what they are called in the record."""

    counting: bytes
    groups: Mapping[bytes, BitMap] = field(repr=False)
    newest: int


def too_near(
    tx: Connection, keyring: Keyring, counting: Counting, groups: Mapping[Key, BitMap], smallest: int
) -> tuple[frozenset[Key], Telling]:
    """The groups that have to stay, and what is to be remembered of the others."""
    called = {_called(keyring, counting, key): key for key in groups}
    newest = _newest(tx, counting.recipient, counting.id)
    near = {
        called[name]
        for name, before in _earlier(tx, counting, list(called))
        if 0 < groups[called[name]].symmetric_difference_cardinality(before) < smallest
    }
    staying = {name: groups[key] for name, key in called.items() if key not in near}
    return frozenset(near), Telling(counting.id, staying, newest)


def still_apart(tx: Connection, recipient: str, telling: Telling) -> bool:
    """Whether nothing else that counts so was recorded since; `tx` is the transaction that records this batch."""
    return _newest(tx, recipient, telling.counting) == telling.newest


def remember(tx: Connection, disclosure: int, recipient: str, telling: Telling) -> None:
    """Write down who is in each group of a batch that leaves."""
    rows = [
        {
            "disclosure": disclosure,
            "recipient": recipient,
            "counting": telling.counting,
            "called": name,
            "people": people.serialize(),
        }
        for name, people in telling.groups.items()
    ]
    if rows:
        tx.execute(disclosed_groups.insert(), rows)


def _called(keyring: Keyring, counting: Counting, key: Key) -> bytes:
    """A group's name in the record: a keyed hash, for its values may be of people."""
    values = json.dumps([key[at] for at in counting.order], default=str, ensure_ascii=True)
    return keyring.pseudonym("group", counting.id + values.encode())


def _earlier(tx: Connection, counting: Counting, names: Sequence[bytes]) -> Iterator[tuple[bytes, BitMap]]:
    table = disclosed_groups.c
    asked = (
        select(table.called, table.people)
        .join(disclosures, disclosures.c.id == table.disclosure)
        .where(table.recipient == counting.recipient, table.counting == counting.id, disclosures.c.state.in_(_TOLD))
        .distinct()
    )
    for start in range(0, len(names), _AT_ONCE):
        for row in tx.execute(asked.where(table.called.in_(names[start : start + _AT_ONCE]))):
            yield bytes(row.called), BitMap.deserialize(row.people)


def _newest(tx: Connection, recipient: str, counting: bytes) -> int:
    table = disclosed_groups.c
    newest = select(func.coalesce(func.max(table.id), 0))
    return int(tx.execute(newest.where(table.recipient == recipient, table.counting == counting)).scalar_one())
