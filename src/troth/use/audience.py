"""Who may be used for a purpose: everybody at once, the same answer for each as a decision would give.

1. The standing of everybody is held as bitmaps (`bitmaps`); an audience is algebra over them.
2. Each word a person says leaves a line in the same transaction (`foundation/store/changes`). Before an answer the
   lines since the last are read, and only those people anew: the answer is of one moment, and nothing is missed.
   Under a valid lease (`lease`) nothing is read as long as nobody has said anything and nothing has ended.
3. What was held is kept in the store now and then, so that a new process need not read everybody's words.
   A check reads everybody's words and compares.
4. Whatever cannot be read raises. A short list would look like an answer.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, delete, exists, select

from troth.errors import StoreError
from troth.foundation.clock import in_utc
from troth.foundation.people import PersonNumber
from troth.foundation.store import changes, hold
from troth.foundation.tables import identifiers
from troth.foundation.tables import people as people_table
from troth.use import batch, standing
from troth.use.batch import Column, Question
from troth.use.bitmaps import Planes
from troth.use.filewatch import require_whole
from troth.use.tables import audience_planes, audience_state

if TYPE_CHECKING:
    from pyroaring import BitMap

    from troth.use.lease import Lease
    from troth.use.office import Office

_STREAMED = 50_000
_CHUNK = 400
_DENSE = 8
"""Numbers that lie so close together are read as one range."""
_OFTEN = 50_000
"""So many people read anew after the last keeping are reason to keep the bitmaps again."""
_LEAST = 1_000
"""So few people are read so fast that keeping them is not worth the writing."""


@dataclass(frozen=True, slots=True)
class People:
    """An audience: how many, `len()`; who, one by one as `key=...`; `numbers` is the bitmap itself."""

    office: Office = field(repr=False)
    numbers: BitMap = field(repr=False)

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[str]:
        """Each person's key, in order of their numbers, streamed. Raises: StoreError; then the list is not whole."""
        with self.office.store.reading() as tx:
            for part in _parts(self.numbers):
                within = (
                    people_table.c.number.between(part[0], part[-1])
                    if part[-1] - part[0] < _DENSE * len(part)
                    else people_table.c.number.in_(part)
                )
                found = select(people_table.c.number, people_table.c.key).where(within).order_by(people_table.c.number)
                wanted = set(part)
                for number, key in tx.execute(found):
                    if number in wanted:
                        yield f"key={key.hex()}"


class Audience:
    """The audiences of one process. Safe to share between threads.

    With the `lease` of the process, what was read holds for as long as the lease says; without, the store is asked
    each time.
    """

    def __init__(self, office: Office, lease: Lease | None = None) -> None:
        self.office = office
        self._lease = lease
        self._moment: int | None = None
        self._ends: datetime | None = None
        self._lock = threading.Lock()
        self._planes: Planes | None = None
        self._version: str | None = None
        self._at: datetime | None = None
        self._behind = 0
        self._column: Column | None = None

    def of(self, purpose: str, data: str | Iterable[str], recipient: str | None = None) -> BitMap:
        """The numbers of all people whose `data` may be used for `purpose` now, and given to `recipient`.

        Several categories must all pass. What is not declared has no audience. Raises: StoreError.
        """
        from pyroaring import BitMap

        categories = (data,) if isinstance(data, str) else tuple(data)
        entries = [self.office.compiled.table.get((purpose, category, recipient)) for category in categories]
        if not entries or None in entries:
            return BitMap()
        with self._lock:
            planes = self._present()
            found = [planes.audience(entry[0], entry[1]) for entry in entries if entry is not None]
        return BitMap.intersection(*found)

    def rebuild(self) -> None:
        """Read everybody's words anew, whatever is held, and keep the result. Raises: StoreError."""
        with self._lock:
            with self.office.store.reading() as tx:
                self._read_everybody(tx)
            self._keep()

    def words(self, numbers: Iterable[PersonNumber]) -> dict[PersonNumber, int]:
        """The integer of each of these people now; who is unknown is missing. Raises: StoreError."""
        with self._lock:
            planes = self._present()
            found = ((number, planes.word(number)) for number in numbers)
            return {number: word for number, word in found if word is not None}

    def many(self, numbers: Any, questions: Sequence[Question], which: Any = None) -> Any:
        """Yes or no for each of `numbers`: by the only question, or by the one whose place `which` gives.

        An array of numpy where there is numpy (extra `arrays`), else a list. Numbers nobody has: no.
        Raises: TrothError where the arrays do not fit; StoreError.
        """
        if hasattr(numbers, "to_array"):  # a bitmap
            numbers = numbers.to_array()
        batch.placed(questions, len(numbers), which)
        masks = batch.masks_of(self.office.compiled, questions)
        with self._lock:
            planes = self._present()
            if batch.has_arrays() and not any(bit >= batch.KNOWN_BIT for bit in planes.bits):
                if self._column is None:
                    self._column = Column(planes)
                return self._column.answers(numbers, masks, which)
            return batch.answers([planes.word(number) for number in numbers], masks, which)

    def adopt(self, office: Office) -> None:
        """Answer by the policy of `office` from now on."""
        with self._lock:
            self.office, self._planes, self._version, self._column = office, None, None, None

    def _present(self) -> Planes:
        """The planes as of now: what has changed since is read first."""
        try:
            # INVARIANT: asked before the store is read: what changes in between is a change of the next moment.
            moment = None if self._lease is None else self._lease.moment()
            if self._planes is None or moment is None or moment != self._moment or self._has_ended():
                self._planes, self._moment = self._followed(), moment
        except BaseException:
            self._planes = self._column = None  # half of the changes may be in
            raise
        return self._planes

    def _has_ended(self) -> bool:
        """Whether something that was read counts no longer, by the clock alone."""
        return self._ends is not None and in_utc(self.office.clock.now()) >= self._ends

    def _followed(self) -> Planes:
        path = self.office.store.path
        with self.office.store.reading() as tx:
            if path is not None:
                require_whole(path, lambda pragma: int(tx.exec_driver_sql(pragma).scalar_one()))
            if self._planes is None:
                self._take_kept(tx)
            now = in_utc(self.office.clock.now())
            new = changes.since(tx, self._version)
            if self._planes is None or new.people is None:
                self._read_everybody(tx)
            else:
                ended = standing.ended(tx, self._at, now) if self._at is not None else frozenset()
                self._read(tx, self._planes, new.people | ended, now)
                self._version, self._at = new.version, now
            if self._lease is not None:
                self._ends = standing.next_end(tx, now)
        assert self._planes is not None
        if self._behind >= _OFTEN:
            self._keep()
        return self._planes

    def _read(self, tx: Connection, planes: Planes, numbers: Iterable[PersonNumber], now: datetime) -> None:
        wanted = sorted(numbers)
        compiled = self.office.compiled
        for start in range(0, len(wanted), _CHUNK):
            part = wanted[start : start + _CHUNK]
            known = {int(row.number) for row in tx.execute(_known().where(people_table.c.number.in_(part)))}
            words = dict.fromkeys(known, 0)
            for number, said in standing.said(tx, part):
                if number in known:
                    words[number] = standing.word_of(compiled, said, now)
            for number in part:
                word = words.get(number)
                planes.put(number, word, None if self._column is None else self._column.word(number))
                if self._column is not None:
                    self._column.put(number, word)
        self._behind += len(wanted)

    def _read_everybody(self, tx: Connection) -> None:
        """Streamed: what it takes is the bitmaps and a few thousand people at a time."""
        compiled, now = self.office.compiled, in_utc(self.office.clock.now())
        planes = Planes(compiled)
        version = changes.version(tx)
        for part in tx.execute(_known().execution_options(yield_per=_STREAMED)).partitions():
            planes.known.update(array("I", [row.number for row in part]))
        waiting: list[tuple[PersonNumber, int]] = []
        for number, said in standing.said(tx):
            if number in planes.known:
                waiting.append((number, standing.word_of(compiled, said, now)))
            if len(waiting) >= _STREAMED:
                planes.put_many(waiting)
                waiting.clear()
        planes.put_many(waiting)
        self._planes, self._version, self._at, self._column = planes, version, now, None
        self._behind = 0 if len(planes.known) < _LEAST else _OFTEN

    def _take_kept(self, tx: Connection) -> None:
        """What another process kept, when it was for this policy."""
        from pyroaring import BitMap

        compiled = self.office.compiled
        kept = tx.execute(select(audience_state)).first()
        if kept is None or bytes(kept.policy_sha256).hex() != compiled.sha256:
            return
        rows = tx.execute(select(audience_planes)).all()
        with suppress(KeyError, ValueError):  # not whole: read everybody
            self._planes = Planes(compiled, {row.name: BitMap.deserialize(row.bits) for row in rows})
            self._version, self._at, self._behind = kept.version, kept.saved_at, 0

    def _keep(self) -> None:
        """Keep the planes in the store, unless it takes no writing now; lines that nobody needs any more go."""
        planes, version, compiled = self._planes, self._version, self.office.compiled
        self._behind = 0
        if planes is None or version is None or self._at is None or self.office.store.read_only:
            return
        state = {"one": 1, "policy_sha256": bytes.fromhex(compiled.sha256), "saved_at": self._at}
        with suppress(StoreError), self.office.store.writing() as tx:
            hold(tx, "audience")
            tx.execute(delete(audience_planes))
            tx.execute(delete(audience_state))
            rows = [{"name": name, "bits": bits.serialize()} for name, bits in planes.named(compiled).items()]
            tx.execute(audience_planes.insert(), rows)
            kept = changes.trim(tx, version)
            tx.execute(audience_state.insert().values(version=kept, **state))
            version = kept
        self._version = version


def _parts(numbers: Iterable[int]) -> Iterator[list[int]]:
    waiting = iter(numbers)
    while part := list(islice(waiting, _CHUNK)):
        yield part


def _known() -> Select[Any]:
    """Everybody whom some identifier still leads to; who was erased has none."""
    leads = exists().where(identifiers.c.person == people_table.c.number, identifiers.c.until.is_(None))
    return select(people_table.c.number).where(leads).order_by(people_table.c.number)
