"""Look at what became of erasures: in troth's store, in the `troth_step` of each company store, and by tombstones.

An eye: it reads both sides and holds them against each other, and asks no deed how it went. Places and numbers only.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from troth.errors import DeclarationFaults, ErasureRefused, PlaceMissing
from troth.foundation import tombstone_file
from troth.foundation.guards.tables import map_approvals
from troth.foundation.ledger import entries
from troth.foundation.records import erasing, shreds, steps
from troth.foundation.records.reach import Reach
from troth.policy.vocabulary import Right
from troth.protection import hold_reading
from troth.rights import tombstones
from troth.rights.tables import erasures, requests
from troth.rights.tombstones import Met
from troth.rights.words import ErasureState, State

if TYPE_CHECKING:
    from troth.foundation.observation import Observation

LONGEST = dt.timedelta(hours=24)
"""From the beginning of an erasure to its proof, at most."""


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of somebody who is to be erased that a hold keeps; `lifted_at` and `review` are the hold's."""

    where: str
    n: int
    hold: int
    review: dt.date
    lifted_at: dt.datetime | None

    def over(self, now: dt.datetime) -> bool:
        """Whether the hold was lifted so long ago that the rows should be gone."""
        return self.lifted_at is not None and now - self.lifted_at > LONGEST

    def forgotten(self, now: dt.datetime) -> bool:
        """Whether the day has passed by which somebody was to look at the hold again."""
        return self.lifted_at is None and now.date() > self.review


@dataclass(frozen=True, slots=True)
class Seen:
    """One erasure as troth's store has it. `left` are the places with residue, `held` those with rows that holds keep;
    `asked` is how its request stands.
    """

    name: str
    state: ErasureState
    begun_at: dt.datetime
    proven_at: dt.datetime | None
    left: tuple[tuple[str, int], ...]
    held: tuple[Held, ...]
    asked: State | None

    def late(self, now: dt.datetime) -> bool:
        """Whether it was begun so long ago that it should be proven, and no hold keeps it."""
        return not self.held and self.state is not ErasureState.PROVEN and now - self.begun_at > LONGEST

    @property
    def half(self) -> bool:
        """Whether somebody is partly gone while nobody works on it: the request has ended and the erasure has not."""
        return self.state is not ErasureState.PROVEN and self.asked is not None and not self.asked.open


def seen_erasures(seen: Observation) -> tuple[Seen, ...]:
    """Every erasure that was ever begun, the oldest first."""
    with seen.need_store().reading() as tx:
        rows = tx.execute(
            select(erasures, requests.c.state.label("asked"))
            .outerjoin(requests, requests.c.id == erasures.c.request)
            .order_by(erasures.c.id)
        ).all()
        known = {each.id: each for each in hold_reading.every(tx)}
    return tuple(
        Seen(
            row.name,
            row.state,
            row.begun_at,
            row.proven_at,
            tuple((each["where"], each["n"]) for each in json.loads(row.residue or "[]")),
            tuple(_held(each, known) for each in json.loads(row.held or "[]")),
            row.asked,
        )
        for row in rows
    )


def told_otherwise(seen: Observation) -> Iterator[str]:
    """The names of erasures that the ledger tells otherwise: when they began, and that and when they were proven."""
    with seen.need_store().reading() as tx:
        rows = tx.execute(select(erasures).order_by(erasures.c.id)).all()
        claims = []
        for row in rows:
            said = {"erasure": row.name}
            begun = {**said, "map": row.map_sha256, "plan": row.plan_sha256, "at": row.begun_at}
            claims.append(entries.Claim(row.name, row.intent, "erasure.intent", begun))
            if row.state is ErasureState.PROVEN:
                proven = {**said, "residue": json.loads(row.residue or "[]"), "at": row.proven_at}
                claims.append(entries.Claim(row.name, row.proof or 0, "erasure.proven", proven))
        yield from dict.fromkeys(entries.untrue(tx, claims))
        known = {row.name for row in rows}
        intended = {str(each.body.get("erasure")) for each in entries.of_kind(tx, "erasure.intent")}
        yield from sorted(intended - known)


def _held(said: Mapping[str, Any], known: Mapping[int, hold_reading.Hold]) -> Held:
    hold = known[said["hold"]]
    return Held(said["where"], said["n"], hold.id, hold.review, hold.lifted_at)


def done_without_proof(seen: Observation) -> int:
    """Requests for erasure that are said to be done, and for which no erasure is proven."""
    proven = select(erasures.c.request).where(erasures.c.state == ErasureState.PROVEN, erasures.c.request.is_not(None))
    done = select(requests.c.id).where(
        requests.c.right == Right.ERASURE, requests.c.state == State.DONE, requests.c.id.not_in(proven)
    )
    with seen.need_store().reading() as tx:
        return len(tx.execute(done).all())


def unknown_steps(seen: Observation) -> Iterator[tuple[str, int]]:
    """Stores in which erasures were carried out that troth's store has never heard of, with how many: it is an older
    copy of itself, or another troth works on the same store.
    """
    with seen.need_store().reading() as tx:
        known = set(tx.execute(select(erasures.c.name)).scalars())
    made = steps.table()
    statement = select(made.c.request).where(made.c.step.like("erase%")).distinct()
    for store in seen.need_records().stores:
        try:
            found = {row[0] for row in seen.need_records().execute(store, statement)}
        except PlaceMissing:
            continue  # nothing was ever carried out there
        unknown = len(found - known)
        if unknown:
            yield store, unknown


def come_back(seen: Observation) -> Sequence[Met]:
    """Everybody in the stores who shares something with a tombstone."""
    with seen.need_store().reading() as tx:
        outside = () if seen.tombstones is None else tombstone_file.read(seen.tombstones)
        tombs = tombstones.load(tx, outside)
    return tombstones.look(seen.need_records(), seen.need_map(), seen.need_keyring(), tombs)


def approved(seen: Observation) -> bool:
    """Whether somebody answers for the data map as it is."""
    statement = select(map_approvals.c.leaf).where(map_approvals.c.sha256 == seen.need_map().sha256)
    with seen.need_store().reading() as tx:
        told = entries.of_leaves(tx, tx.execute(statement).scalars())
    return any(each.says("map.approved", map=seen.need_map().sha256) for each in told.values())


def misfits(seen: Observation) -> Iterator[tuple[str, str]]:
    """Stores in which what the map says of the end of rows cannot be done, each with its first reason."""
    records = seen.need_records()
    for store in records.stores:
        kind, _ = records.kind(store)
        try:
            erasing.compile(Reach.compile(seen.need_map(), records.catalogue(store)), kind)
        except ErasureRefused as refused:
            yield store, refused.reasons[0]
        except DeclarationFaults as problem:
            fault = problem.faults[0]
            yield f"{fault.file}:{fault.line}", f"{fault.path}: {fault.message}"


def in_clear(seen: Observation) -> Iterator[tuple[str, int]]:
    """Columns that end by destroying a key and hold values that no key closes, with how many."""
    records, datamap = seen.need_records(), seen.need_map()
    for store in dict.fromkeys(place.store for place in shreds.declared(datamap)):
        if store not in records.stores:
            continue
        kind, _ = records.kind(store)
        try:
            compiled = erasing.compile(Reach.compile(datamap, records.catalogue(store)), kind)
        except (ErasureRefused, DeclarationFaults):
            continue  # told by `misfits`
        for place, counted in shreds.in_clear(compiled):
            n = int(next(iter(records.execute(store, counted)))[0])
            if n:
                yield str(place), n
