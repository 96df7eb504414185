"""Which people a transaction changed, so that whoever holds a copy of what they said can follow exactly.

- A writer calls `note` in its own transaction: the change and the news of it are there together, or neither.
- A reader keeps the *version* of its copy and asks `since`: every change that its copy lacks, none twice, none missed.

A version is the greatest `id` on SQLite, whose writers queue; on PostgreSQL it is the snapshot itself, since there a
smaller number can be committed later.
"""

from __future__ import annotations

import sys
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Boolean, Connection, LargeBinary, bindparam, delete, func, insert, select, text, update

from troth.foundation.store.tables import store_changes, store_trims

_NOTED = "troth_noted"
_SHORT = 4_000
"""Bytes of people that fit into one notification, which takes 8,000 letters at most."""
_MANY = 100_000
"""So many people in one row at most; more are several rows."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a copy of an older version lacks. `people` is None when everything is to be read anew.

    `naming`: identifiers changed, so that what was found by one may now be found otherwise.
    """

    version: str
    people: frozenset[int] | None
    naming: bool = False

    def __bool__(self) -> bool:
        return self.people is None or bool(self.people)


@dataclass(frozen=True, slots=True)
class Mark:
    """A transaction of PostgreSQL that noted a change: its number, and what can be told of it in a few letters.

    `news` is empty where there is more to say than that; whoever hears it has to ask.
    """

    xid: int
    news: str


def note(tx: Connection, people: Iterable[int] | None, *, naming: bool = False) -> None:
    """Say, within the transaction that changes it, that these people stand otherwise now; None is everybody."""
    parts: list[bytes | None] = [None]
    if people is not None:
        numbers = array("I", sorted(set(people)))
        parts = [_packed(numbers[start : start + _MANY]) for start in range(0, len(numbers), _MANY)]
    on_postgresql = tx.dialect.name == "postgresql"
    for packed in parts:
        if on_postgresql:
            xid = int(tx.execute(_NOTE_WITH_XID, {"people": packed, "naming": naming}).scalar_one())
            short = packed is not None and not naming and len(packed) <= _SHORT and _NOTED not in tx.info
            tx.info[_NOTED] = Mark(xid, f"{xid} {b64encode(packed or b'').decode()}" if short else "")
        else:
            tx.execute(insert(store_changes).values(people=packed, naming=naming))


def begun(tx: Connection) -> None:
    """Forget what an earlier transaction on this connection noted."""
    tx.info.pop(_NOTED, None)


def mark(tx: Connection) -> Mark | None:
    """What this transaction noted, on PostgreSQL; else None: then nobody has to be waited for."""
    found: Mark | None = tx.info.pop(_NOTED, None)
    return found


def heard(news: str) -> tuple[int, frozenset[int]] | None:
    """The transaction and the people of a `Mark.news`; None where it does not say."""
    xid, _, packed = news.partition(" ")
    try:
        return int(xid), frozenset(_unpacked(b64decode(packed, validate=True)))
    except ValueError:
        return None


def version(tx: Connection) -> str:
    """The version of what this transaction sees, to be asked `since` later."""
    trims = tx.execute(_TRIMS).scalar() or 0
    if tx.dialect.name == "postgresql":
        seen = tx.execute(text("SELECT CAST(pg_current_snapshot() AS text)")).scalar_one()
    else:
        seen = tx.execute(_GREATEST).scalar_one()
    return f"{trims}/{seen}"


def since(tx: Connection, known: str | None) -> Changes:
    """All that changed between the version `known` and what this transaction sees; None knows nothing yet."""
    now = version(tx)
    if known is None or known.partition("/")[0] != now.partition("/")[0]:
        return Changes(now, None, naming=True)
    if known == now:
        return Changes(now, frozenset())
    position = known.partition("/")[2]
    if tx.dialect.name == "postgresql":
        rows = tx.execute(_UNSEEN, {"seen": position}).all()
    else:
        rows = list(tx.execute(_NEWER, {"seen": int(position)}))
    return gathered(now, [(row.people, bool(row.naming)) for row in rows])


def gathered(now: str, rows: Iterable[tuple[bytes | None, bool]]) -> Changes:
    """The rows of `store_changes` as one."""
    people: set[int] | None = set()
    naming = False
    for packed, also_named in rows:
        naming |= also_named
        if packed is None:
            people = None
        elif people is not None:
            people.update(_unpacked(packed))
    return Changes(now, None if people is None else frozenset(people), naming)


def trim(tx: Connection, known: str) -> str:
    """Let go of the lines that a copy of the version `known` has in it; gives what that version is called from now on.

    Nothing goes, and the version stays, where something is newer. Other copies are then read anew, once.
    """
    seen = version(tx).partition("/")[2]
    if known.partition("/")[2] != seen and since(tx, known):
        return known
    # INVARIANT: only what was visible above: a line that is committed meanwhile is in no copy yet.
    old = _VISIBLE if tx.dialect.name == "postgresql" else text("id <= CAST(:seen AS INTEGER)")
    if not tx.execute(delete(store_changes).where(old.bindparams(seen=seen))).rowcount:
        return f"{known.partition('/')[0]}/{seen}"
    if not tx.execute(update(store_trims).values(trims=store_trims.c.trims + 1)).rowcount:
        tx.execute(insert(store_trims).values(one=1, trims=1))
    return f"{int(known.partition('/')[0]) + 1}/{seen}"


# Made once: after each word of anybody, every process that decides from memory asks them.
_TRIMS = select(store_trims.c.trims)
_GREATEST = select(func.coalesce(func.max(store_changes.c.id), 0))
_NEWER = select(store_changes.c.people, store_changes.c.naming).where(store_changes.c.id > bindparam("seen"))
_NOTE_WITH_XID = (
    insert(store_changes)
    .values(
        xid=text("CAST(CAST(pg_current_xact_id() AS text) AS bigint)"),
        people=bindparam("people", type_=LargeBinary),
        naming=bindparam("naming", type_=Boolean),
    )
    .returning(store_changes.c.xid)
)
_VISIBLE = text("pg_visible_in_snapshot(CAST(CAST(xid AS text) AS xid8), CAST(:seen AS pg_snapshot))")
_UNSEEN = text(
    "SELECT people, naming FROM store_changes "
    "WHERE xid >= CAST(CAST(pg_snapshot_xmin(CAST(:seen AS pg_snapshot)) AS text) AS bigint) "
    "AND NOT pg_visible_in_snapshot(CAST(CAST(xid AS text) AS xid8), CAST(:seen AS pg_snapshot))"
)


def _packed(numbers: array[int]) -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _unpacked(packed: bytes) -> array[int]:
    numbers = array("I")
    numbers.frombytes(packed)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
