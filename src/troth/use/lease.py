"""Answer from memory, for as long as memory may be trusted (freshness).

- SQLite: what was read stays valid while the store's generation has not moved, and for at most one second by the
  monotonic clock; then the file itself is asked whether anything was written, by whomever. The generation is compared
  before each decision, so a word that was acknowledged is obeyed by the next one.
- A consent that ends by itself is never remembered beyond its end: memory is emptied every ten minutes, and does not
  keep what ends before that.
- PostgreSQL: nothing is remembered; each decision reads the store.
- No store to read: the answer is no, `standing-unknown`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any, TypeAlias

from troth.errors import PersonAmbiguous, StoreError
from troth.foundation.people import Identifier
from troth.use import standing
from troth.use.decision import Decision, Entry, Reason, decide_all, without_standing
from troth.use.office import Office
from troth.use.standing import Person

LEASE_S = 1.0
_MOST_REMEMBERED = 1_000_000
_OLDEST_S = 600.0

Data: TypeAlias = str | Iterable[str]
"""One category of data, or several of which each must pass."""

Memory: TypeAlias = tuple[
    float, Sequence[int], int, dict[Any, int], Mapping[tuple[str, str, str | None], Entry], Office
]
"""(valid until, the store's generation now, the one this was read at, the integer of each person asked about,
the table, whose policy gave the bits)."""


class Lease:
    """The decisions of one process. Safe to share between threads; `close` it when done.

    INVARIANT: `_memory` is replaced as one, never changed but for adding a person whose standing was read after the
    generation that stands beside it.
    """

    __slots__ = ("_born", "_counter", "_lock", "_memory", "_version", "_watch")

    def __init__(self, office: Office) -> None:
        self._lock = threading.Lock()
        self._counter = office.store.generation
        self._watch = None if office.store.path is None else _Watch(office.store.path)
        self._version: object = None
        self._born = -_OLDEST_S
        self._memory: Memory = _blank(office)

    @property
    def office(self) -> Office:
        """Whose policy decides now."""
        return self._memory[5]

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
        office = self.office
        compiled = office.compiled
        with office.store.reading() as tx:
            numbers = list(standing.find_many(tx, office.keyring, persons))
            known_numbers = {number for number in numbers if number is not None}
            words = standing.load_words(tx, compiled, known_numbers, office.clock.now())
        known = {
            word: bool(decide_all(compiled, word, purpose, categories, recipient)) for word in {None, *words.values()}
        }
        return [known[None if number is None else words.get(number)] for number in numbers]

    def adopt(self, office: Office) -> None:
        """Decide by the policy of `office` from now on."""
        with self._lock:
            self._memory = _blank(office)

    def close(self) -> None:
        """Forget everything. What is asked afterwards is read from the store, if that still stands open."""
        with self._lock:
            self._counter = None
            self._memory = _blank(self.office)
            if self._watch is not None:
                self._watch.close()

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
        return decide_all(office.compiled, word, purpose, categories, recipient)

    def _word(self, person: Person) -> tuple[int | None, Office]:
        """The person's integer, None for one nobody knows; and the office whose policy gave the bits their meaning."""
        memory = self._renewed()
        words, office = memory[3], memory[5]
        kept = isinstance(person, (str, Identifier))
        if kept and person in words:
            return words[person], office
        with office.store.reading() as tx:
            number = standing.find(tx, office.keyring, person)
            if number is None:
                return None, office
            said, now = standing.load(tx, number), office.clock.now()
            word, ends = standing.word_of(office.compiled, said, now), standing.valid_until(said, now)
        # INVARIANT: no memory outlives what is in it: one that may change by itself meanwhile is not remembered.
        if ends is not None and ends <= now + timedelta(seconds=_OLDEST_S + LEASE_S):
            return word, office
        if kept and self._counter is not None:
            if len(words) >= _MOST_REMEMBERED:
                words.clear()
            # INVARIANT: into the memory that was valid before the store was read, never into a later one.
            words[person] = word
        return word, office

    def _renewed(self) -> Memory:
        """A memory under a valid lease; emptied if anything was written since it was filled. Raises: StoreError."""
        counter, watch = self._counter, self._watch
        if counter is None or watch is None:
            return self._memory
        with self._lock:
            until, _, generation, words, table, office = self._memory
            # INVARIANT: clock and counter are read before the store is asked, so that what is read later is no older.
            now, seen = monotonic(), counter.value
            if now < until and seen == generation:
                return self._memory
            version = watch.version()
            if seen != generation or version != self._version or now - self._born >= _OLDEST_S:
                words, self._born = {}, now
            self._version = version
            self._memory = (now + LEASE_S, counter.cells, seen, words, table, office)
            return self._memory


class _Watch:
    """Asks a SQLite file whether anybody has written to it, by SQLite's own `data_version` on one kept connection."""

    __slots__ = ("_connection", "_file", "_opened", "_path")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._opened = 0

    def version(self) -> tuple[int, int]:
        """Two equal answers mean that nothing was written between them. Raises: StoreError when it cannot be read."""
        try:
            stat = self._path.stat()
            if self._connection is None or self._file != (stat.st_dev, stat.st_ino):
                self.close()
                self._connection = sqlite3.connect(
                    f"{self._path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
                )
                self._file = (stat.st_dev, stat.st_ino)
                self._opened += 1
            return self._opened, self._connection.execute("PRAGMA data_version").fetchone()[0]
        except (OSError, sqlite3.Error):
            raise StoreError(
                "the store cannot be read", where=str(self._path), repair="Look whether the file is there."
            ) from None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _blank(office: Office) -> Memory:
    return (-1.0, (), -1, {}, office.compiled.table, office)
