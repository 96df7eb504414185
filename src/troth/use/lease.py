"""Answer from memory, for as long as memory may be trusted (freshness).

- SQLite: what was read stays valid while the store's generation has not moved, and for at most one second by the
  monotonic clock. The generation is compared before each decision, so a word that was acknowledged is obeyed by the
  next one: whom the store names as changed is taken out of memory. After the second the file itself is asked whether
  anything was written, by whomever; then everybody is.
- PostgreSQL: a thread of its own follows the store under a lease (`foundation/store/readers`). A change takes those
  people out of memory before its writer acknowledges it. Without a valid lease each decision reads the store.
- No store to read: the answer is no, `standing-unknown`.

What ends by itself, such as a consent that lasts a year, bounds the lease: at that instant the person is read anew.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, TypeAlias

from troth.errors import PersonAmbiguous, StoreError
from troth.foundation.clock import in_utc
from troth.foundation.people import Identifier, Kind, PersonNumber
from troth.foundation.store import changes
from troth.foundation.store.changes import Changes
from troth.foundation.store.readers import LEASE_S, Follower
from troth.use import standing
from troth.use.decision import Decision, Entry, Reason, decide_all, without_standing
from troth.use.filewatch import FileWatch
from troth.use.office import Office
from troth.use.standing import Person, Standing
from troth.use.strangers import Strangers

_MOST_REMEMBERED = 1_000_000
_PATIENCE = 2
"""On PostgreSQL so many questions are answered from the store before a lease is taken: a command asks once."""

Data: TypeAlias = str | Iterable[str]
"""One category of data, or several of which each must pass."""

Memory: TypeAlias = tuple[
    float, Sequence[int], int, dict[Any, int], Mapping[tuple[str, str, str | None], Entry], Office
]
"""(valid until, the store's generation now, the one this was read at, the integer of each person asked about,
the table, whose policy gave the bits)."""

_STILL = (0,)
"""The generation where there is none to look at: on PostgreSQL, who follows takes out what has changed."""

_leases: weakref.WeakSet[Lease] = weakref.WeakSet()


class Lease:
    """The decisions of one process. Safe to share between threads; `close` it when done.

    INVARIANT: `_memory` is replaced as one. What is added to its people was read after the changes that were obeyed
    when the reading began (`_epoch`), and no change has been obeyed since.
    """

    __slots__ = (
        "__weakref__",
        "_asked",
        "_closed",
        "_counter",
        "_ends",
        "_epoch",
        "_follower",
        "_keys",
        "_lock",
        "_memory",
        "_position",
        "_strangers",
        "_version",
        "_watch",
    )  # fmt: skip

    def __init__(self, office: Office) -> None:
        self._lock = threading.RLock()
        self._counter = office.store.generation
        self._watch = None if office.store.path is None else FileWatch(office.store.path)
        self._version: object = None
        self._position: str | None = None
        self._memory: Memory = _blank(office)
        self._epoch = 0
        self._keys: dict[PersonNumber, set[Person]] = {}
        self._ends: dict[PersonNumber, float] = {}
        self._follower: Follower | None = None
        self._asked = 0
        self._closed = False
        self._strangers = Strangers()
        _leases.add(self)

    @property
    def office(self) -> Office:
        """Whose policy decides now."""
        return self._memory[5]

    @property
    def held(self) -> bool:
        """Whether decisions come from memory at this moment, for people who were asked about before."""
        until, cells, generation, *_ = self._memory
        return monotonic() < until and len(cells) > 0 and cells[0] == generation

    def moment(self) -> int | None:
        """A number: what was read from the store after it was given still holds when it is given again.

        None where no lease is valid now. What ends by itself is the caller's to look at. Raises: StoreError.
        """
        with self._lock:
            until, cells, generation, *_ = self._renewed()
            return self._epoch if monotonic() < until and cells[0] == generation else None

    def may(self, person: Person, purpose: str, data: Data, recipient: str | None = None) -> Decision:
        """Whether `data` of `person` may be used for `purpose` now, and given to `recipient`; rules: see `decision`.

        Raises: PersonError when `person` is no way to name one. Never raises for what cannot be read: that is a no.
        """
        try:
            until, cells, generation, words, table, _ = self._memory
            if monotonic() < until and cells[0] == generation:
                word = words[person]
                mask, required, permitted, refusals = table[purpose, data, recipient]  # type: ignore[index] # if not, TypeError
                seen = word & mask
                return permitted if seen == required else refusals[seen]
        except (KeyError, TypeError, ValueError):  # not asked about before; several categories; closed
            pass
        return self._look(person, purpose, (data,) if isinstance(data, str) else tuple(data), recipient)

    def permitted(self, purpose: str, data: Data, persons: Iterable[Any], recipient: str | None = None) -> list[Any]:
        """Those of `persons` for whom the answer is yes, in their order. Raises as `answers`."""
        asked = list(persons)
        return [person for person, yes in zip(asked, self.answers(purpose, data, asked, recipient), strict=True) if yes]

    def answers(self, purpose: str, data: Data, persons: Iterable[Person], recipient: str | None = None) -> list[bool]:
        """The answer for each of `persons`, read from the store in one go.

        Raises: PersonError; StoreError, since refusals would look like people's own words.
        """
        categories = (data,) if isinstance(data, str) else tuple(data)
        office = self._renewed()[5]
        compiled = office.compiled
        with office.store.reading() as tx:
            numbers = list(standing.find_many(tx, office.keyring, persons))
            wanted = {number for number in numbers if number is not None}
            words = standing.load_words(tx, compiled, wanted, office.clock.now())
        known = {
            word: bool(decide_all(compiled, word, purpose, categories, recipient)) for word in {None, *words.values()}
        }
        return [known[None if number is None else words.get(number)] for number in numbers]

    def adopt(self, office: Office) -> None:
        """Decide by the policy of `office` from now on."""
        with self._lock:
            self._epoch += 1
            self._forget()
            until = -1.0 if self._follower is None else self._memory[0]
            self._memory = (until, *_blank(office)[1:]) if until < 0 else (
                until, _STILL, 0, {}, office.compiled.table, office
            )  # fmt: skip

    def close(self) -> None:
        """Forget everything. What is asked afterwards is read from the store, if that still stands open."""
        self._strangers.write(self.office)
        with self._lock:
            self._closed = True
            self._counter = None
            self._forget()
            self._memory = _blank(self.office)
            follower, self._follower = self._follower, None
            if self._watch is not None:
                self._watch.close()
        if follower is not None:
            follower.close()

    # What `foundation/store/readers` calls, on PostgreSQL; on SQLite `apply` alone is called, from here.

    def apply(self, new: Changes) -> None:
        """Take out of memory whoever has changed."""
        with self._lock:
            self._epoch += 1
            words = self._memory[3]
            if new.people is None:
                self._forget()
                words.clear()
                return
            for number in new.people:
                for key in self._keys.pop(number, ()):
                    words.pop(key, None)
                self._ends.pop(number, None)
            if new.naming:  # a mail or a phone may lead to somebody else now; the company's own id leads to one person
                for key in [key for key in words if not _is_id(key)]:
                    del words[key]

    def grant(self, until: float) -> None:
        """Decide from memory until then."""
        with self._lock:
            if self._closed:
                return
            _, _, _, words, table, office = self._memory
            self._memory = (self._bounded(until, monotonic()), _STILL, 0, words, table, office)

    def revoke(self) -> None:
        """Decide no more from memory."""
        with self._lock:
            self._epoch += 1
            self._forget()
            self._memory = _blank(self._memory[5])

    def __repr__(self) -> str:
        return f"Lease({self.office.store.where})"

    def _look(self, person: Person, purpose: str, categories: tuple[str, ...], recipient: str | None) -> Decision:
        office = self.office
        try:
            word, office = self._word(person)
        except PersonAmbiguous:
            return without_standing(office.compiled, Reason.PERSON_AMBIGUOUS, purpose, categories, recipient)
        except StoreError:
            return without_standing(office.compiled, Reason.STANDING_UNKNOWN, purpose, categories, recipient)
        decision = decide_all(office.compiled, word, purpose, categories, recipient)
        if decision.reason is Reason.PURPOSE_NOT_DECLARED:
            self._strangers.hear(office, purpose)
        return decision

    def _word(self, person: Person) -> tuple[int | None, Office]:
        """The person's integer, None for one nobody knows; and the office whose policy gave the bits their meaning."""
        memory = self._renewed()
        until, words, office, epoch = memory[0], memory[3], memory[5], self._epoch
        kept = isinstance(person, (str, Identifier)) and monotonic() < until
        found = words.get(person) if kept else None
        if found is not None:
            return found, office
        known = self._said(office, person)
        if known is None:
            return None, office
        number, said = known
        now = in_utc(office.clock.now())
        word = standing.word_of(office.compiled, said, now)
        if kept:
            with self._lock:
                # INVARIANT: into the memory that was valid before the store was read, never into a later one.
                if self._epoch == epoch and self._memory[3] is words and not self._closed:
                    self._remember(person, number, word, said.valid_until(now), now)
        return word, office

    @staticmethod
    def _said(office: Office, person: Person) -> tuple[PersonNumber, Standing] | None:
        if isinstance(person, (str, Identifier)):
            with office.store.reading_once() as tx:
                return standing.look_up(tx, office.keyring, person)
        with office.store.reading() as tx:
            number = standing.find(tx, office.keyring, person)
            return None if number is None else (number, standing.load(tx, number))

    def _remember(self, person: Person, number: PersonNumber, word: int, ends: datetime | None, now: datetime) -> None:
        words = self._memory[3]
        if len(words) >= _MOST_REMEMBERED:
            words.clear()
            self._forget()
        if ends is not None:
            self._ends[number] = end = monotonic() + (ends - now).total_seconds()
            self._memory = (min(self._memory[0], end), *self._memory[1:])
        words[person] = word
        self._keys.setdefault(number, set()).add(person)

    def _forget(self) -> None:
        self._keys.clear()
        self._ends.clear()

    def _bounded(self, until: float, now: float) -> float:
        """`until`, or the next instant at which something that is remembered ends; what has ended is taken out."""
        if not self._ends:
            return until
        for number in [number for number, end in self._ends.items() if end <= now]:
            del self._ends[number]
            for key in self._keys.pop(number, ()):
                self._memory[3].pop(key, None)
        return min(until, *self._ends.values()) if self._ends else until

    def _renewed(self) -> Memory:
        """A memory under a valid lease, without whoever has changed since they were read. Raises: StoreError.

        On PostgreSQL the memory as it is: whoever follows keeps the lease, or there is none.
        """
        counter, watch = self._counter, self._watch
        if counter is None or watch is None:
            return self._followed()
        with self._lock:
            until, cells, generation, words, table, office = self._memory
            # INVARIANT: clock and counter are read before the store is asked, so that what is read later is no older.
            now, seen = monotonic(), counter.value
            if now < until and seen == generation:
                return self._memory
            if now < until and self._position is not None:
                # The lease is not made longer by this: what was written past troth is still seen when it ends.
                with office.store.reading() as tx:
                    new = changes.since(tx, self._position)
                self.apply(new)
                self._position = new.version
                self._memory = (until, cells, seen, words, table, office)
                return self._memory
            version = watch.version()
            if seen != generation or version != self._version:
                self._epoch += 1
                self._forget()
                words, self._position = {}, None
                # INVARIANT: before anybody is read into the empty memory, so that no change after it is missed.
                with office.store.reading() as tx:
                    self._position = changes.version(tx)
            self._version = version
            self._memory = (now, counter.cells, seen, words, table, office)
            self._memory = (self._bounded(now + LEASE_S, now), *self._memory[1:])
            return self._memory

    def _followed(self) -> Memory:
        store = self.office.store
        if self._follower is None and store.path is None and not store.read_only and not self._closed:
            with self._lock:
                self._asked += 1
                if self._asked > _PATIENCE and self._follower is None:
                    self._follower = Follower(store, self, lambda: monotonic())  # noqa: PLW0108 - tests move the clock
        return self._memory

    def _begin_anew(self) -> None:
        """In a child process, where no thread follows and every lock and connection is the parent's."""
        office = self.office
        self._lock = threading.RLock()
        self._epoch += 1
        self._forget()
        self._follower = None
        self._asked = 0
        self._memory, self._position = _blank(office), None
        office.store.forked()
        if not self._closed and office.store.path is not None:
            self._counter = office.store.generation
            self._watch = FileWatch(office.store.path)


def _after_fork() -> None:
    for lease in list(_leases):
        lease._begin_anew()  # noqa: SLF001 - one life, begun again


os.register_at_fork(after_in_child=_after_fork)


def _is_id(person: Any) -> bool:
    if isinstance(person, Identifier):
        return person.kind in {Kind.ID, Kind.KEY}
    return isinstance(person, str) and person.lstrip().startswith(("id=", "key="))


def _blank(office: Office) -> Memory:
    return (-1.0, (), -1, {}, office.compiled.table, office)
