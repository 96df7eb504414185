"""What legal holds keep of somebody who is to be erased: which rows stay, by which hold, until who looks at it again.

A hold outlives a request for erasure (GDPR Art. 17(3)(b) and (e)), for the rows that it covers and no others: those
stay as they are, with what they point at, and everything else goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from troth.foundation.records import erasing, recounting
from troth.foundation.records.ended import NOTHING_HELD, Held
from troth.protection import hold_reading, holds
from troth.rights.mapped import compiled

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from troth.foundation.records.keys import Subject
    from troth.policy.datamap import Place
    from troth.rights.desk import Desk

GROUND = "legal hold {number}"
"""What is told as the ground for which such rows are kept."""


def held_of(desk: Desk, store: str, people: Sequence[Subject]) -> Held:
    """What holds keep in one store now, if that is anything of these people's; else nothing. Raises RecordsError."""
    if not _any_stands(desk):
        return NOTHING_HELD
    held = holds.held_now(desk).held(store)
    return held if _rows(desk, store, people, held) else NOTHING_HELD


def kept_of(desk: Desk, people: Sequence[Subject]) -> list[dict[str, Any]]:
    """The rows of these people that holds keep: `where`, `n` and the number of the `hold`, for each hold. No values."""
    with desk.office.store.reading() as tx:
        standing = hold_reading.standing(tx)
    found, now = [], holds.held_now(desk)
    for hold in standing:
        for store in desk.records.stores:
            held = now.held(store, only=hold.id)
            rows = _rows(desk, store, people, held)
            found += [{"where": str(place), "n": n, "hold": hold.id} for place, n in sorted(rows.items(), key=str)]
    return found


def told_of(desk: Desk, people: Sequence[Subject]) -> tuple[dict[str, Any], ...]:
    """What holds keep of these people now, as it is told; nothing where no hold stands. Raises RecordsError."""
    if not _any_stands(desk):
        return ()
    kept = kept_of(desk, people)
    with desk.office.store.reading() as tx:
        return tuple(told(tx, kept))


def told(tx: Connection, kept: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same as it is told: with the ground, who answers for the hold, and the day when it is looked at again."""
    known = {each.id: each for each in hold_reading.every(tx)}
    return [
        {
            "where": each["where"],
            "n": each["n"],
            "ground": GROUND.format(number=each["hold"]),
            "until": known[each["hold"]].review.isoformat(),
            "owner": known[each["hold"]].owner,
        }
        for each in kept
    ]


def _any_stands(desk: Desk) -> bool:
    with desk.office.store.reading() as tx:
        return bool(hold_reading.standing(tx))


def _rows(desk: Desk, store: str, people: Sequence[Subject], held: Held) -> Mapping[Place, int]:
    if not held:
        return {}
    ask, now = erasing.asker(desk.records, store), desk.office.clock.now()
    return recounting.held(compiled(desk, store).sparing(held), people, ask, at=now)
