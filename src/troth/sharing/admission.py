"""Decide for a whole column of people at once whose rows may go to one recipient for one purpose.

Each person is looked up once, in bulk, and decided by the same table as every other decision (`use.decision`); all
kinds of data that leave must pass. Who is unknown or ambiguous does not pass. `unchanged` answers, at the very end and
inside the transaction that records the disclosure, whether anybody said something meanwhile that changes the answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pyroaring import BitMap
from sqlalchemy import Connection, Table, func, select

from troth.errors import PersonError
from troth.foundation import people
from troth.foundation.people import Identifier, Kind, PersonNumber
from troth.foundation.tables import people as people_table
from troth.sharing import notices
from troth.use import standing
from troth.use.decision import Reason, decide_all
from troth.use.office import Office
from troth.use.tables import consent_events, objections, restrictions

Found = TypeVar("Found")

_MOST_REMEMBERED = 200_000
_READ_WHOLE = 300_000
"""Up to so many people in all, everybody's standing is read in one go, not that of each part of the batch."""

_AT_ONCE = 20_000
_SPOKEN = (consent_events, objections, restrictions)
_REASONS = tuple(Reason)
_UNKNOWN = -_REASONS.index(Reason.PERSON_UNKNOWN)


class Admission:
    """The decisions of one batch. `passed` are the numbers of those whose rows go, `refused` counts rows by why not.

    `name` gives what a person is called by outside, for `names`.
    """

    def __init__(
        self,
        office: Office,
        purpose: str,
        categories: Sequence[str],
        recipient: str | None,
        kind: Kind,
        *,
        name: Callable[[int], str] = str,
        on_consent: bool = False,
    ) -> None:
        self.passed = BitMap()
        self.refused: Counter[Reason] = Counter()
        self._office, self._purpose, self._categories = office, purpose, tuple(categories)
        self._recipient, self._kind = recipient, kind
        self._known: dict[Any, int] = {}
        self._name = name
        self._called: dict[Any, str | None] = {}
        self._reasons: dict[int, Reason | None] = {}
        self._words: Mapping[PersonNumber, int] | None = None
        self._agreeing: BitMap | None = None
        self._on_consent = on_consent
        with office.store.reading() as tx:
            self._spoken = _spoken(tx)
            if on_consent:
                self._agreeing = self._read_agreeing(tx)
            if tx.execute(select(func.count()).select_from(people_table)).scalar_one() <= _READ_WHOLE:
                self._words = standing.load_words(tx, office.compiled)

    def codes(self, values: Sequence[Any]) -> list[int]:
        """For each value of the person's column the number of who is meant, or 0 or less where the row does not go.

        Raises: StoreError, and then nothing may leave.
        """
        codes = self._each(self._known, values)
        if min(codes, default=1) <= 0:
            self.refused.update(_REASONS[-code] for code in codes if code <= 0)
        return codes

    def names(self, values: Sequence[Any]) -> list[str | None]:
        """For each value of the person's column what they are called outside, or None where the row does not go.

        Raises: as `codes`.
        """
        names = self._each(self._called, values)
        if None in names:
            known = self._known
            self.refused.update(
                _REASONS[-known[value]] for value, name in zip(values, names, strict=True) if name is None
            )
        return names

    def _each(self, remembered: Mapping[Any, Found], values: Sequence[Any]) -> list[Found]:
        try:
            return list(map(remembered.__getitem__, values))
        except KeyError:
            self._look_up(values)
            return list(map(remembered.__getitem__, values))

    def unchanged(self, tx: Connection) -> bool:
        """Whether everybody who passed still passes; `tx` holds the store's write lock or is its latest moment."""
        if _spoken(tx) == self._spoken:
            return True
        words = standing.load_words(tx, self._office.compiled, self.passed)
        if self._on_consent and not self.passed <= self._read_agreeing(tx):
            return False
        return all(number in words and self._reason(words[number]) is None for number in self.passed)

    def _read_agreeing(self, tx: Connection) -> BitMap:
        """Whose consent names this recipient; nobody's where there is none."""
        now = self._office.clock.now()
        return notices.agreeing(tx, self._purpose, self._recipient or "", self._categories, now)

    def _look_up(self, values: Iterable[Any]) -> None:
        wanted = set(values)
        if len(self._known) + len(wanted) > _MOST_REMEMBERED:
            self._known.clear()
            self._called.clear()
        new = [value for value in wanted if value not in self._known]
        office = self._office
        with office.store.reading() as tx:
            numbers = self._numbers(tx, new)
            words = self._words
            if words is None:
                words = standing.load_words(tx, office.compiled, set(numbers.values()))
        for value in new:
            number = numbers.get(value)
            word = None if number is None else words.get(number)
            if number is None or word is None:
                self._known[value], self._called[value] = _UNKNOWN, None
                continue
            reason = self._reason(word)
            if reason is None and self._agreeing is not None and number not in self._agreeing:
                reason = Reason.CONSENT_NOT_GIVEN
            if reason is None:
                self._known[value], self._called[value] = number, self._name(number)
                self.passed.add(number)
            else:
                self._known[value], self._called[value] = -_REASONS.index(reason), None

    def _numbers(self, tx: Connection, values: Sequence[Any]) -> dict[Any, PersonNumber]:
        """Who is meant by each value; those who cannot be told are left out."""
        named: list[tuple[Any, Identifier]] = []
        hashed: dict[bytes, Any] = {}
        keyring, plain = self._office.keyring, self._kind is Kind.ID
        for value in values:
            if plain and type(value) is str and value.isascii() and value.isalnum() and len(value) <= 100:
                # such an id is normal as it stands; this is what `people.hash_of` gives of it
                hashed[keyring.pseudonym("person id", value.encode())] = value
            elif (who := self._named(value)) is not None:
                named.append((value, who))
        found = {hashed[each]: number for each, number in _by_hash(tx, list(hashed))}
        whom = standing.find_many(tx, keyring, [who for _, who in named])
        return found | {value: number for (value, _), number in zip(named, whom, strict=True) if number is not None}

    def _named(self, value: Any) -> Identifier | None:
        if value is None:
            return None
        try:
            return people.identifier(self._kind, str(value))
        except PersonError:
            return None

    def _reason(self, word: int) -> Reason | None:
        """Why a person with this standing does not pass; None for who does."""
        if word not in self._reasons:
            decision = decide_all(self._office.compiled, word, self._purpose, self._categories, self._recipient)
            self._reasons[word] = None if decision else decision.reason
        return self._reasons[word]


def _by_hash(tx: Connection, hashes: Sequence[bytes]) -> Iterable[tuple[bytes, PersonNumber]]:
    """The people whose `id` has one of these hashes. Straight to the driver: it takes and gives thousands at once."""
    head = "SELECT hash, person FROM identifiers WHERE kind = 'id' AND until IS NULL AND hash"
    cursor: Any = tx.connection.cursor()
    try:
        for start in range(0, len(hashes), _AT_ONCE):
            part = hashes[start : start + _AT_ONCE]
            if tx.dialect.name == "sqlite":
                cursor.execute(f"{head} IN ({','.join('?' * len(part))})", part)
            else:
                cursor.execute(f"{head} = ANY(%s)", (part,))
            yield from cursor.fetchall()
    finally:
        cursor.close()


def _spoken(tx: Connection) -> tuple[tuple[int, int], ...]:
    """How much was said in all: it changes with every word, also with one that a slower transaction brings in late."""

    def of(table: Table) -> tuple[int, int]:
        row = tx.execute(select(func.count(), func.coalesce(func.max(table.c.id), 0)).select_from(table)).one()
        return int(row[0]), int(row[1])

    return tuple(of(table) for table in _SPOKEN)
