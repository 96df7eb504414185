"""What a person said about the use of their data, read from what `tables` keeps: the later word counts.

Later is the time at which it was said; of two said at the same instant, the one written later. A purpose's
objection is the latest of those to the purpose itself and those to everything. Use is restricted while any ground
stands. Folding is pure; `load` and `load_words` do the reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from itertools import groupby
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Row,
    Select,
    String,
    Table,
    bindparam,
    case,
    func,
    literal,
    null,
    select,
    true,
    type_coerce,
    union_all,
)

from troth.errors import PersonAmbiguous, PersonError, PersonUnknown, StoreError
from troth.foundation import people
from troth.foundation.keys import Keyring
from troth.foundation.people import Identifier, Kind, PersonNumber
from troth.foundation.store.columns import Instant
from troth.foundation.tables import identifiers
from troth.foundation.tables import people as people_table
from troth.use.decision import RESTRICTED_BIT, Compiled
from troth.use.tables import EVERY_PURPOSE, closings, consent_events, objections, restrictions
from troth.use.words import Closing, Consent, Ground, Objection, Restriction

Person: TypeAlias = str | Mapping[str, str] | Identifier
"""Who is meant: `"id=17"`, `{"id": "17", "email": "..."}`, or an identifier."""

ACCOUNT = "account"
"""What a closing is about."""

_CHUNK = 400
_STREAMED = 10_000


@dataclass(frozen=True, slots=True)
class Word:
    """One thing that one person said: about what (purpose or ground), which word, when; `id` grows with each word.

    `until` is the instant from which it counts no longer; None where it counts until another word is said. Of a closed
    account it is the instant until which the contract still carries a use.
    """

    about: str
    word: Consent | Objection | Restriction | Closing
    at: datetime
    id: int
    until: datetime | None = None

    def holds(self, now: datetime | None) -> bool:
        """Whether a word that has an end still holds at `now`; without a time to hold it against, it does not."""
        return self.until is None or (now is not None and now < self.until)


@dataclass(frozen=True, slots=True)
class Standing:
    """The words of one person that count. What was never spoken of is in none of the four."""

    consents: Mapping[str, Word] = field(default_factory=dict)
    objections: Mapping[str, Word] = field(default_factory=dict)
    restrictions: Mapping[str, Word] = field(default_factory=dict)
    closings: Mapping[str, Word] = field(default_factory=dict)

    def consents_to(self, purpose: str, now: datetime | None = None) -> bool:
        """Whether consent stands at `now`; without `now`, one that has an end does not."""
        word = self.consents.get(purpose)
        return word is not None and word.word is Consent.GIVEN and word.holds(now)

    def valid_until(self, now: datetime) -> datetime | None:
        """The next instant at which something that counts now ends by itself; None when nothing does."""
        ends = [w.until for w in self.consents.values() if w.until is not None and w.word is Consent.GIVEN]
        ends += [w.until for w in self.closings.values() if w.until is not None and w.word is Closing.CLOSED]
        return min((end for end in ends if end > now), default=None)

    def contract_ended(self, now: datetime | None = None) -> bool:
        """Whether the account is closed and at `now` its time is up; without `now`, as soon as it is closed."""
        return any(
            word.word is Closing.CLOSED and (now is None or word.until is None or now >= word.until)
            for word in self.closings.values()
        )

    def objects_to(self, purpose: str) -> bool:
        word = self.objection_about(purpose)
        return word is not None and word.word is Objection.RAISED

    def objection_about(self, purpose: str) -> Word | None:
        """The word that counts for `purpose`: the later of the one about it and the one about everything."""
        spoken = [self.objections[about] for about in (purpose, EVERY_PURPOSE) if about in self.objections]
        return max(spoken, key=_order, default=None)

    @property
    def restricted(self) -> bool:
        return any(word.word is Restriction.PLACED for word in self.restrictions.values())

    @property
    def restricted_for(self) -> tuple[Ground, ...]:
        """The grounds on which use is restricted now."""
        return tuple(Ground(about) for about, word in self.restrictions.items() if word.word is Restriction.PLACED)


def fold(words: Iterable[Word]) -> Standing:
    """What counts of everything a person said, in whatever order it comes."""
    last: dict[tuple[type, str], Word] = {}
    for word in words:
        known = last.get((type(word.word), word.about))
        if known is None or _order(word) > _order(known):
            last[type(word.word), word.about] = word
    of: dict[type, dict[str, Word]] = {Consent: {}, Objection: {}, Restriction: {}, Closing: {}}
    for (kind, about), word in last.items():
        of[kind][about] = word
    return Standing(of[Consent], of[Objection], of[Restriction], of[Closing])


def word_of(compiled: Compiled, standing: Standing, now: datetime | None = None) -> int:
    """The standing as one integer, by the bits that this policy assigns; right until `standing.valid_until(now)`.

    Consent that has expired by `now` is consent not given. Without `now`, no consent that has an end counts.
    """
    word = RESTRICTED_BIT if standing.restricted else 0
    if compiled.ended_bit and standing.contract_ended(now):
        word |= compiled.ended_bit
    for purpose, (given, withdrawn) in compiled.consent_bits.items() if standing.consents else ():
        spoken = standing.consents.get(purpose)
        if spoken is not None and standing.consents_to(purpose, now):
            word |= given
        elif spoken is not None and spoken.word is Consent.WITHDRAWN:
            word |= withdrawn
    for purpose, objected in compiled.objection_bits.items() if standing.objections else ():
        if standing.objects_to(purpose):
            word |= objected
    return word


def named(person: Person) -> tuple[Identifier, ...]:
    """The identifiers that `person` is named by, at least one. Raises: PersonError, which never repeats the value."""
    if isinstance(person, Identifier):
        return (person,)
    if isinstance(person, str):
        return (people.parse(person),)
    if not isinstance(person, Mapping) or not person:
        raise PersonError(
            "a person is named by text, or by a mapping of identifiers", expected="email, phone, id or key"
        )
    unknown = [kind for kind in person if kind not in {*Kind}]
    if unknown:
        raise PersonError("a person is named in one of four ways", expected="email, phone, id or key")
    return tuple(people.identifier(kind, str(value)) for kind, value in person.items() if value is not None)


def find(tx: Connection, keyring: Keyring, person: Person) -> PersonNumber | None:
    """The one person meant; None when nobody is. Raises: PersonAmbiguous, PersonError."""
    found = {number for one in named(person) if (number := people.find(tx, keyring, one)) is not None}
    if len(found) > 1:
        raise PersonAmbiguous(f"the identifiers lead to {len(found)} people; nothing was done")
    return found.pop() if found else None


def load_person(tx: Connection, keyring: Keyring, person: Person) -> PersonNumber:
    """As `find`, for who must exist. Raises: PersonUnknown, PersonAmbiguous, PersonError."""
    number = find(tx, keyring, person)
    if number is None:
        kinds = " or ".join(sorted({one.kind for one in named(person)}))
        repair = "Your app makes people known: company.register(id=..., email=...), or POST /v1/people."
        raise PersonUnknown(f"nobody is known by this {kinds}", repair=repair)
    return number


def find_many(tx: Connection, keyring: Keyring, persons: Iterable[Person]) -> Iterator[PersonNumber | None]:
    """As `find` for each in turn; who is named by one strong identifier is looked up in bulk.

    None also for who is ambiguous. Raises: PersonError.
    """
    waiting = [named(person) for person in persons]
    hashed = {
        (one.kind, one.value): people.hash_of(keyring, one)
        for known_by in waiting
        for one in known_by
        if len(known_by) == 1 and one.kind is Kind.ID
    }
    numbers: dict[bytes, int] = {}
    hashes = list(hashed.values())
    for start in range(0, len(hashes), _CHUNK):
        statement = select(identifiers.c.hash, identifiers.c.person).where(
            identifiers.c.kind == Kind.ID,
            identifiers.c.hash.in_(hashes[start : start + _CHUNK]),
            identifiers.c.until.is_(None),
        )
        numbers.update((row.hash, row.person) for row in tx.execute(statement))
    for known_by in waiting:
        if len(known_by) == 1 and known_by[0].kind is Kind.ID:
            yield numbers.get(hashed[known_by[0].kind, known_by[0].value])
        else:
            found: set[int | None] = set()
            try:
                found = {people.find(tx, keyring, one) for one in known_by} - {None}
            except PersonAmbiguous:
                found = {None}
            yield found.pop() if len(found) == 1 else None


def load(tx: Connection, person: PersonNumber) -> Standing:
    """What counts of all that this person said."""
    return fold(map(_word, tx.execute(_OF_ONE, {"person": person})))


def look_up(tx: Connection, keyring: Keyring, person: str | Identifier) -> tuple[PersonNumber, Standing] | None:
    """As `find` and `load`, in one statement: one moment, and one turn to a server. None when nobody is meant.

    Raises: PersonAmbiguous, PersonError.
    """
    [one] = named(person)
    if one.kind is Kind.KEY:
        found = tx.execute(_BY_KEY[tx.dialect.name], {"raw": bytes.fromhex(one.value)})
    else:
        known_as = people.hash_of(keyring, one)
        found = tx.execute(_BY_NAME[tx.dialect.name], {"of_kind": one.kind, "known_as": known_as})
    rows = found.all()
    number = people.only(one.kind, [(int(row.person), bool(row.id)) for row in rows if row.kind == _LEADS])
    if number is None:
        return None
    return number, fold(_word(row) for row in rows if row.kind != _LEADS and row.person == number)


def load_words(
    tx: Connection, compiled: Compiled, numbers: Iterable[PersonNumber] | None = None, now: datetime | None = None
) -> dict[PersonNumber, int]:
    """The integer of each person at `now`: of those named, or of everybody. Who said nothing has 0; who is unknown is
    missing.

    With `now`, what has expired counts no longer. The memory it takes is one entry a person.
    """
    parts: list[list[PersonNumber] | None] = [None]
    if numbers is not None:
        known = sorted(set(numbers))
        parts = [known[start : start + _CHUNK] for start in range(0, len(known), _CHUNK)]
    words: dict[PersonNumber, int] = {}
    for part in parts:
        everybody = select(people_table.c.number)
        some = everybody if part is None else everybody.where(people_table.c.number.in_(part))
        words.update(dict.fromkeys(tx.execute(some).scalars(), 0))
        words.update((person, word_of(compiled, standing, now)) for person, standing in said(tx, part))
    return words


def said(tx: Connection, part: list[PersonNumber] | None = None) -> Iterator[tuple[PersonNumber, Standing]]:
    """Where everyone stands who ever said anything, or those of `part` (at most a few hundred), in order of people.

    Streamed: each table is read once, in order of people, and never more than one person is held.
    """
    streams = []
    for kind, table, about in _SOURCES:
        statement = _said(kind, table, about).order_by(table.c.person)
        if part is None:
            statement = statement.execution_options(yield_per=_STREAMED)
        else:
            statement = statement.where(table.c.person.in_(part))
        streams.append(tx.execute(statement))
    for person, spoken in groupby(merge(*streams, key=_person), key=_person):
        yield person, fold(map(_word, spoken))


def ended(tx: Connection, after: datetime, by: datetime) -> frozenset[PersonNumber]:
    """Whose consent, or whose contract, came to its end by itself later than `after` and not later than `by`."""
    found: set[PersonNumber] = set()
    for table in (consent_events, closings):
        found.update(tx.execute(select(table.c.person).where(table.c.until > after, table.c.until <= by)).scalars())
    return frozenset(found)


def next_end(tx: Connection, after: datetime) -> datetime | None:
    """The next instant after `after` at which somebody's consent or contract comes to its end by itself."""
    ends = (
        tx.execute(select(func.min(table.c.until)).where(table.c.until > after)).scalar()
        for table in (consent_events, closings)
    )
    return min((end for end in ends if end is not None), default=None)


def last_said(tx: Connection, table: Table, person: PersonNumber, about: str) -> Row[Any] | None:
    """The word that counts in `table` about this purpose or ground; None when nothing was said."""
    key = table.c.ground if table is restrictions else table.c.purpose
    statement = (
        select(table)
        .where(table.c.person == person, key == about)
        .order_by(table.c.at.desc(), table.c.id.desc())
        .limit(1)
    )
    return tx.execute(statement).first()


def _order(word: Word) -> tuple[datetime, int]:
    return word.at, word.id


_KINDS: Mapping[str, type[Consent | Objection | Restriction | Closing]] = {
    "consent": Consent,
    "objection": Objection,
    "restriction": Restriction,
    "closing": Closing,
}
_SOURCES = (
    ("consent", consent_events, consent_events.c.purpose),
    ("objection", objections, objections.c.purpose),
    ("restriction", restrictions, restrictions.c.ground),
    ("closing", closings, literal(ACCOUNT)),
)


def _said(kind: str, table: Table, about: ColumnElement[str]) -> Select[Any]:
    """Every word in one table; the three selects have the same columns, so that one statement can hold them all."""
    return select(
        literal(kind).label("kind"),
        table.c.person,
        type_coerce(about, String).label("about"),
        type_coerce(table.c.event, String).label("event"),
        table.c.at,
        table.c.id,
        (table.c.until if "until" in table.c else type_coerce(null(), Instant)).label("until"),
    )


_OF_ONE = union_all(
    *(_said(kind, table, about).where(table.c.person == bindparam("person")) for kind, table, about in _SOURCES)
)


_LEADS = "leads"
"""The kind of a row that says whom an identifier leads to; its `id` says whether it is a strong one."""


def _led_to_and_said(who: Select[Any]) -> dict[str, CompoundSelect[Any]]:
    """The people that `who` gives, and every word of each, as one statement; by the name of the engine."""
    led = who.subquery()
    leads = select(
        literal(_LEADS).label("kind"),
        led.c.person,
        type_coerce(null(), String).label("about"),
        type_coerce(null(), String).label("event"),
        type_coerce(null(), Instant).label("at"),
        case((led.c.strong, 1), else_=0).label("id"),
        type_coerce(null(), Instant).label("until"),
    )
    them = select(who.subquery().c.person)
    # A list that is made first: PostgreSQL then goes by the index whatever it believes about sizes.
    within: dict[str, Any] = {"sqlite": them, "postgresql": func.any(func.array(them.scalar_subquery()))}
    return {
        engine: union_all(
            *(
                _said(kind, table, about).where(
                    table.c.person.in_(some) if engine == "sqlite" else table.c.person == some
                )
                for kind, table, about in _SOURCES
            ),
            leads,
        )
        for engine, some in within.items()
    }


_BY_NAME = _led_to_and_said(people.LIVE_ONE)
_BY_KEY = _led_to_and_said(
    select(people_table.c.number.label("person"), true().label("strong")).where(
        people_table.c.key == bindparam("raw", type_=people_table.c.key.type)
    )
)


def _word(row: Row[Any]) -> Word:
    try:
        return Word(row.about, _KINDS[row.kind](row.event), row.at, row.id, row.until)
    except ValueError:
        raise StoreError(
            f"the store holds a word about {row.kind} that this version does not know",
            repair="Find out who wrote to the store past troth.",
        ) from None


def _person(row: Row[Any]) -> PersonNumber:
    return int(row.person)
