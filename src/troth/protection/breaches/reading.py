"""Eyes on the register of breaches: what is on record, as it stands there. Nothing here writes or unseals."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from troth.foundation.ledger.entries import Claim
from troth.policy.law.telling import Risk, Role, Told
from troth.protection.breaches.words import Act

if TYPE_CHECKING:  # a check of a policy alone loads no database
    from sqlalchemy import Connection, Row

    from troth.policy.law.breaches import BreachFacts


@dataclass(frozen=True, slots=True)
class Done:
    """One act. `law` and `told` for telling and for the reason why somebody need not be told."""

    act: Act
    law: str | None
    told: Told | None
    at: dt.datetime
    staff: int | None
    words: bytes | None = field(repr=False)
    leaf: int


@dataclass(frozen=True, slots=True)
class Breach:
    """One breach as the register has it; its words and persons stay sealed."""

    id: int
    number: str
    noticed_at: dt.datetime
    began_at: dt.datetime | None
    ended_at: dt.datetime | None
    role: Role
    kinds: tuple[str, ...]
    laws: tuple[str, ...]
    places: tuple[str, ...]
    risk: Risk
    grave: bool
    people: int | None
    rows: int | None
    persons: bytes | None = field(repr=False)
    words: bytes = field(repr=False)
    closed_at: dt.datetime | None
    acts: tuple[Done, ...]

    @property
    def facts(self) -> BreachFacts:
        """What its duties hang on."""
        from troth.policy.law.breaches import BreachFacts

        told = [each.at for each in self.acts if each.act is Act.NOTIFIED and each.told is Told.PEOPLE]
        return BreachFacts(self.noticed_at, self.role, self.risk, self.people, self.grave, min(told) if told else None)


def all_(tx: Connection) -> tuple[Breach, ...]:
    """Every breach, the newest first."""
    from sqlalchemy import select

    from troth.protection.breaches.tables import breach_acts, breaches

    acts: dict[int, list[Done]] = {}
    for row in tx.execute(select(breach_acts).order_by(breach_acts.c.id)):
        done = Done(row.act, row.law, row.told, row.at, row.staff, row.words, row.leaf)
        acts.setdefault(row.breach, []).append(done)
    rows = tx.execute(select(breaches).order_by(breaches.c.id.desc()))
    return tuple(_breach(row, acts) for row in rows)


def claims(breach: Breach) -> Iterator[Claim]:
    """What the ledger must say of a breach: each act, and of the last of each kind what the register has now."""
    last = {each.act: each for each in breach.acts}
    now: dict[Act, dict[str, Any]] = {
        Act.OPENED: {
            "noticed_at": breach.noticed_at,
            "role": breach.role,
            "kinds": list(breach.kinds),
            "laws": list(breach.laws),
        },
        Act.ASSESSED: {"risk": breach.risk, "grave": breach.grave},
        Act.COUNTED: {"people": breach.people, "rows": breach.rows},
    }
    where = f"breach {breach.number}"
    for each in breach.acts:
        facts: dict[str, Any] = {"breach": breach.number, "staff": each.staff, "at": each.at}
        if each.act in {Act.NOTIFIED, Act.EXCUSED}:
            facts |= {"law": each.law, "told": each.told}
        elif each is last[each.act]:
            facts |= now.get(each.act, {})
        yield Claim(where, each.leaf, f"breach.{each.act}", facts)
    unsaid = {
        Act.OPENED: True,
        Act.ASSESSED: breach.risk is not Risk.UNKNOWN,
        Act.COUNTED: breach.people is not None,
        Act.CLOSED: breach.closed_at is not None,
    }
    for act, needed in unsaid.items():
        if needed and act not in last:
            yield Claim(where, 0, f"breach.{act}", {})


def find(tx: Connection, number: str) -> Breach | None:
    """The breach of that number; None when there is none."""
    return next((each for each in all_(tx) if each.number == number), None)


def opened_in_ledger(tx: Connection) -> tuple[int, int]:
    """How many breaches the ledger says were opened, and how many of those acts the register still has."""
    from sqlalchemy import func, select

    from troth.foundation.ledger.tables import ledger_leaves
    from troth.protection.breaches.tables import breach_acts

    told = select(func.count()).select_from(ledger_leaves).where(ledger_leaves.c.kind == "breach.opened")
    kept = select(func.count()).select_from(breach_acts).where(breach_acts.c.act == Act.OPENED)
    return tx.execute(told).scalar_one(), tx.execute(kept).scalar_one()


def _breach(row: Row, acts: Mapping[int, list[Done]]) -> Breach:  # type: ignore[type-arg]
    return Breach(
        row.id,
        row.number,
        row.noticed_at,
        row.began_at,
        row.ended_at,
        row.role,
        tuple(row.kinds.split()),
        tuple(row.laws.split()),
        tuple(json.loads(row.places)),
        row.risk,
        row.grave,
        row.people,
        row.rows,
        row.persons,
        row.words,
        row.closed_at,
        tuple(acts.get(row.id, ())),
    )
