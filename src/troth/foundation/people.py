"""Who is meant: people as dense numbers, found by keyed hashes of their identifiers.

An identifier is strong or weak. `id` (the company's own), `key` (ours) and a *verified* e-mail are strong: they join
what belongs to one person. An unverified e-mail and a phone are weak: they find a person when only one has them, and
join nothing.

1. Strong identifiers of one call that lead to different people: PersonAmbiguous, nothing is done.
2. A person has one `id`. A call with a new `id` and a known e-mail is a recycled e-mail, or two accounts:
   PersonAmbiguous.
3. A call with weak identifiers only meets somebody again who has no strong one and is known by all of them. Otherwise
   it is a new person: a phone may be a household's, and an unverified e-mail is anybody's claim.
4. A retired identifier leads nowhere. Whoever brings it next is a new person and inherits nothing.

The store holds hashes only; the value is never in a message or a `repr`.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import islice

from sqlalchemy import Connection, RowMapping, and_, bindparam, select, update

from troth.errors import PersonAmbiguous, PersonError, PersonUnknown
from troth.foundation import ids
from troth.foundation.keys import Keyring
from troth.foundation.store import changes
from troth.foundation.store.opened import hold
from troth.foundation.tables import identifiers, people

PersonNumber = int

_LONGEST = 320
_CHUNK = 400
_AMBIGUOUS_REPAIR = "Say which one by id=..., or retire the identifier that is no longer theirs."


class Kind(StrEnum):
    """The ways to say who is meant."""

    EMAIL = "email"
    PHONE = "phone"
    ID = "id"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Identifier:
    """One way to say who is meant, normalised. `verified` says that the person showed to hold the e-mail."""

    kind: Kind
    value: str = field(repr=False)
    verified: bool = False

    @property
    def strong(self) -> bool:
        return self.kind in {Kind.ID, Kind.KEY} or (self.kind is Kind.EMAIL and self.verified)

    def __str__(self) -> str:
        return f"{self.kind}=…"


@dataclass(frozen=True, slots=True)
class PersonKey:
    """troth's own random name for a person, 128 bit. It means nothing outside and goes with the person's row."""

    raw: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The 32 hex letters that stand behind `key=`."""
        return self.raw.hex()

    def __str__(self) -> str:
        return f"PersonKey(…{self.raw.hex()[-4:]})"

    __repr__ = __str__


def parse(text: str, *, verified: bool = False) -> Identifier:
    """Read `email=...`, `phone=...`, `id=...` or `key=...`. The message of an error never repeats what was given.

    Raises: PersonError.
    """
    kind, equals, value = text.strip().partition("=")
    if not equals or kind not in {*Kind}:
        raise PersonError("a person is named in one of four ways", expected="email=..., phone=..., id=... or key=...")
    return identifier(Kind(kind), value, verified=verified)


_NO_LETTERS = frozenset({"Cc", "Cs", "Zl", "Zp"})


def identifier(kind: Kind | str, value: str, *, verified: bool = False) -> Identifier:
    """An identifier from its value: normalised, so that spellings of one thing are one thing. Raises: PersonError."""
    kind = Kind(kind)
    text = unicodedata.normalize("NFC", value).strip()
    if (
        not text
        or len(text) > _LONGEST
        # What can be printed has none of these; nearly all can.
        or (not text.isprintable() and any(unicodedata.category(letter) in _NO_LETTERS for letter in text))
    ):
        raise PersonError(f"this cannot be a person's {kind}", expected=f"1 to {_LONGEST} letters on one line")
    return Identifier(kind, _NORMAL[kind](text), verified=verified and kind is Kind.EMAIL)


def hash_of(keyring: Keyring, who: Identifier) -> bytes:
    """What the store keeps of an identifier: 16 bytes, keyed, apart for each kind."""
    return keyring.pseudonym(f"person {who.kind}", who.value.encode("utf-8"))


def find(tx: Connection, keyring: Keyring, who: Identifier) -> PersonNumber | None:
    """The person whom `who` leads to now; None when it leads to nobody.

    Raises: PersonAmbiguous when a weak identifier is several people's.
    """
    if who.kind is Kind.KEY:
        return tx.execute(select(people.c.number).where(people.c.key == bytes.fromhex(who.value))).scalar_one_or_none()
    found = tx.execute(LIVE_ONE, {"of_kind": who.kind, "known_as": hash_of(keyring, who)}).all()
    return only(who.kind, [(row.person, row.strong) for row in found])


def only(kind: Kind, led_to: Iterable[tuple[PersonNumber, bool]]) -> PersonNumber | None:
    """The one of those whom one identifier leads to, each with whether it is a strong one of theirs.

    Raises: PersonAmbiguous as `find`.
    """
    found = list(led_to)
    # A verified e-mail is its holder's, whoever else once typed it.
    numbers = {person for person, strong in found if strong} or {person for person, _ in found}
    if len(numbers) > 1:
        raise PersonAmbiguous(f"this {kind} is known of {len(numbers)} people", repair=_AMBIGUOUS_REPAIR)
    return numbers.pop() if numbers else None


def load(tx: Connection, keyring: Keyring, who: Identifier) -> PersonNumber:
    """As `find`, for who must exist. Raises: PersonUnknown, PersonAmbiguous."""
    number = find(tx, keyring, who)
    if number is None:
        raise PersonUnknown(f"nobody is known by this {who.kind}")
    return number


def key_of(tx: Connection, number: PersonNumber) -> PersonKey:
    """The person's key. Raises: PersonUnknown."""
    raw = tx.execute(select(people.c.key).where(people.c.number == number)).scalar_one_or_none()
    if raw is None:
        raise PersonUnknown
    return PersonKey(raw)


def register(tx: Connection, keyring: Keyring, known_by: Iterable[Identifier], now: datetime) -> PersonNumber:
    """Give the person of these identifiers, made when new, and remember the identifiers that are new (rules in the
    head).

    Numbers are dense, start at 1 and are never given twice. Raises: PersonAmbiguous, and then nothing was done;
    PersonUnknown for a `key=` that nobody has; PersonError for no identifier.
    """
    given = _distinct(known_by)
    if not given:
        raise PersonError("a person needs at least one identifier", expected="email=..., phone=..., id=... or key=...")
    hold(tx, "people")
    live = {(row["kind"], row["hash"], row["person"]): row for row in _live_of(tx, keyring, given)}
    number = _whose(tx, keyring, given, list(live.values()))
    if number is None:
        number = ids.reserve(tx, "people")
        tx.execute(people.insert().values(number=number, key=os.urandom(16), created_at=now))
    elif any(one.kind is Kind.ID for one in given):
        _refuse_second_id(tx, keyring, given, number)
    named_anew = False
    for one in given:
        if one.kind is Kind.KEY:
            continue
        hashed = hash_of(keyring, one)
        row = live.get((one.kind, hashed, number))
        if row is None:
            named_anew = True
            tx.execute(identifiers.insert().values(_row(one, hashed, number, now)))
        elif one.strong and not row["strong"]:
            named_anew = True
            tx.execute(update(identifiers).where(identifiers.c.id == row["id"]).values(strong=True))
    if named_anew:
        changes.note(tx, [number], naming=True)
    return number


def register_many(
    tx: Connection, keyring: Keyring, everybody: Iterable[Sequence[Identifier]], now: datetime
) -> list[PersonNumber]:
    """As `register` for each in turn, and as many numbers in the same order; new people are written in bulk.

    Raises as `register`; the transaction is then to be undone as a whole.
    """
    hold(tx, "people")
    numbers: list[PersonNumber] = []
    waiting = iter(everybody)
    while chunk := [_distinct(known_by) for known_by in islice(waiting, 5000)]:
        numbers += _register_chunk(tx, keyring, chunk, now)
    return numbers


def retire(tx: Connection, keyring: Keyring, who: Identifier, now: datetime) -> int:
    """End an identifier: from now on it leads to nobody, and a newcomer who brings it inherits nothing. Gives how
    many ended.

    Raises: PersonError for a `key=`, which ends with the person only.
    """
    if who.kind is Kind.KEY:
        raise PersonError("a key is not retired; it goes with the person")
    statement = update(identifiers).where(
        identifiers.c.kind == who.kind, identifiers.c.hash == hash_of(keyring, who), identifiers.c.until.is_(None)
    )
    ended = tx.execute(statement.values(until=now).returning(identifiers.c.person)).scalars().all()
    changes.note(tx, ended, naming=True)
    return len(ended)


def _register_chunk(
    tx: Connection, keyring: Keyring, chunk: list[list[Identifier]], now: datetime
) -> list[PersonNumber]:
    """Who is certainly new goes in by bulk, who is known and unchanged is only looked up; the others go one by one."""
    hashed = [[(one, hash_of(keyring, one)) for one in given] for given in chunk]
    live: dict[tuple[str, bytes], list[RowMapping]] = defaultdict(list)
    for kind in Kind:
        for row in _live(tx, kind, [h for pairs in hashed for one, h in pairs if one.kind is kind]):
            live[row["kind"], row["hash"]].append(row)
    uses = Counter((one.kind, h) for pairs in hashed for one, h in pairs)
    numbers: list[PersonNumber | None] = [_unchanged(pairs, live) for pairs in hashed]
    new = [
        place
        for place, pairs in enumerate(hashed)
        if numbers[place] is None
        and any(one.strong for one, _ in pairs)
        and all(one.kind is not Kind.KEY and not live.get((one.kind, h)) and uses[one.kind, h] == 1 for one, h in pairs)
    ]
    if new:
        first = ids.reserve(tx, "people", len(new))
        keys = os.urandom(16 * len(new))
        person_rows, identifier_rows = [], []
        for i, place in enumerate(new):
            numbers[place] = number = first + i
            person_rows.append({"number": number, "key": keys[16 * i : 16 * i + 16], "created_at": now})
            identifier_rows += [_row(one, h, number, now) for one, h in hashed[place]]
        tx.execute(people.insert(), person_rows)
        tx.execute(identifiers.insert(), identifier_rows)
        changes.note(tx, range(first, first + len(new)), naming=True)
    return [register(tx, keyring, given, now) if n is None else n for n, given in zip(numbers, chunk, strict=True)]


def _unchanged(
    pairs: list[tuple[Identifier, bytes]], live: Mapping[tuple[str, bytes], list[RowMapping]]
) -> PersonNumber | None:
    """The person of whom all this is known already, by strong identifiers that all say the same; None for anything
    else.
    """
    led_to = {row["person"] for one, h in pairs if one.strong for row in live.get((one.kind, h), ()) if row["strong"]}
    if len(led_to) != 1:
        return None
    number: PersonNumber = led_to.pop()
    for one, h in pairs:
        mine = [row for row in live.get((one.kind, h), ()) if row["person"] == number]
        if not mine or (one.strong and not mine[0]["strong"]):
            return None
    return number


def _whose(tx: Connection, keyring: Keyring, given: list[Identifier], live: list[RowMapping]) -> PersonNumber | None:
    strong = {(one.kind, hash_of(keyring, one)) for one in given if one.strong}
    numbers = {row["person"] for row in live if row["strong"] and (row["kind"], row["hash"]) in strong}
    numbers |= {load(tx, keyring, one) for one in given if one.kind is Kind.KEY}
    if not numbers and not strong:
        met = Counter(row["person"] for row in live)
        numbers = {number for number, count in met.items() if count == len(given) and not _has_strong(tx, number)}
    if len(numbers) > 1:
        raise PersonAmbiguous(
            f"the identifiers lead to {len(numbers)} people; nothing was done", repair=_AMBIGUOUS_REPAIR
        )
    return numbers.pop() if numbers else None


def _refuse_second_id(tx: Connection, keyring: Keyring, given: list[Identifier], number: PersonNumber) -> None:
    statement = select(identifiers.c.hash).where(
        identifiers.c.person == number, identifiers.c.kind == Kind.ID, identifiers.c.until.is_(None)
    )
    has = set(tx.execute(statement).scalars())
    brings = {hash_of(keyring, one) for one in given if one.kind is Kind.ID}
    if len(has | brings) > 1:
        raise PersonAmbiguous(
            "an identifier of another account came with a new id; nothing was done", repair=_AMBIGUOUS_REPAIR
        )


def _has_strong(tx: Connection, number: PersonNumber) -> bool:
    statement = select(identifiers.c.id).where(identifiers.c.person == number, identifiers.c.strong).limit(1)
    return tx.execute(statement).first() is not None


# Made once: it takes longer to make than to ask.
LIVE_ONE = select(identifiers.c.person, identifiers.c.strong).where(
    identifiers.c.kind == bindparam("of_kind"),
    identifiers.c.hash == bindparam("known_as"),
    identifiers.c.until.is_(None),
)


def _live_of(tx: Connection, keyring: Keyring, given: list[Identifier]) -> Iterator[RowMapping]:
    for kind in {one.kind for one in given}:
        yield from _live(tx, kind, [hash_of(keyring, one) for one in given if one.kind is kind])


def _live(tx: Connection, kind: Kind, hashes: list[bytes]) -> list[RowMapping]:
    found: list[RowMapping] = []
    for start in range(0, len(hashes), _CHUNK):
        statement = select(identifiers).where(
            and_(
                identifiers.c.kind == kind,
                identifiers.c.hash.in_(hashes[start : start + _CHUNK]),
                identifiers.c.until.is_(None),
            )
        )
        found += tx.execute(statement).mappings()
    return found


def _distinct(known_by: Iterable[Identifier]) -> list[Identifier]:
    """Each identifier once; where one is given verified and unverified, the verified one."""
    distinct: dict[tuple[Kind, str], Identifier] = {}
    for one in known_by:
        if (one.kind, one.value) not in distinct or one.verified:
            distinct[one.kind, one.value] = one
    return list(distinct.values())


def _row(one: Identifier, hashed: bytes, number: PersonNumber, now: datetime) -> dict[str, object]:
    return {"kind": one.kind.value, "hash": hashed, "person": number, "strong": one.strong, "since": now, "until": None}


def _email(text: str) -> str:
    local, at, domain = text.lower().rpartition("@")
    if not at or not local or not domain or re.search(r"\s", text):
        raise PersonError("this is not an e-mail address", expected="name@domain")
    return f"{unicodedata.normalize('NFC', local)}@{unicodedata.normalize('NFC', domain).rstrip('.')}"


def _phone(text: str) -> str:
    """`+` and digits. `00` in front is `+`; blanks, dots, dashes, slashes and brackets are nothing."""
    bare = re.sub(r"[\s./()\u2010-\u2015-]", "", unicodedata.normalize("NFKC", text).removeprefix("tel:"))
    digits = "".join(str(unicodedata.digit(letter, -1)) for letter in bare.removeprefix("+"))
    plus = bare.startswith("+")
    if "-" in digits or not 5 <= len(digits) <= 17:
        raise PersonError("this is not a phone number", expected="digits, with + and the country in front")
    if not plus and digits.startswith("00"):
        plus, digits = True, digits[2:]
    return f"+{digits}" if plus else digits


def _key(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{32}", text.lower()):
        raise PersonError("this is not a key of troth", expected="32 hex letters")
    return text.lower()


_NORMAL: dict[Kind, Callable[[str], str]] = {Kind.EMAIL: _email, Kind.PHONE: _phone, Kind.ID: str, Kind.KEY: _key}
