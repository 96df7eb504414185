"""The keys that close fields: one for each person, made when something of theirs is first sealed, kept for a minute.

How a sealed value looks says `foundation.sealed_values`. It is bound to its place (store, table, column) and to its
person: in another column, or in the row of somebody else, it does not open.

Who is erased by destroying this key is read as nothing (`None`) within `KEPT_S` in every process. Until then a process
may still hold the key in memory.
"""

from __future__ import annotations

import os
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable
from pathlib import Path
from struct import Struct
from time import monotonic
from typing import Final

from sqlalchemy import select

from troth.errors import KeyUnavailable, TrothError
from troth.foundation import people, tombstone_file
from troth.foundation.ledger import leaves, personkeys, shredding
from troth.foundation.ledger.tables import person_keys
from troth.foundation.ledger.words import KeyUse
from troth.foundation.people import Kind
from troth.foundation.sealed_values import FORMAT, ID_BYTES, NONCE_BYTES, TOMBSTONE, holders
from troth.use.office import Office
from troth.use.standing import Person, load_person

KEPT_S: Final = 60.0
"""Seconds that a process keeps a person's key before it asks the store again whether it still stands."""

_PAGE: Final = Struct(f"{NONCE_BYTES}s" * 512)
_ID_END: Final = len(FORMAT) + ID_BYTES
_BODY: Final = _ID_END + NONCE_BYTES
_MOST_KEPT: Final = 100_000


_Cipher = Callable[[bytes, bytes, bytes], bytes]
_Closing = tuple[_Cipher, bytes, bytes, float]
"""How to encrypt, how the value begins, what it is bound to, and until when that holds."""

_Opening = tuple[_Cipher, str, bytes, float]
"""How to decrypt, for whom, what their values are bound to, and until when that holds."""


class FieldKey:
    """One person's key, ready to use. Shows nothing of itself but its id."""

    __slots__ = ("decrypt", "encrypt", "head", "tail", "until")

    def __init__(self, key: bytes, until: float, person: str = "") -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        cipher = AESGCM(key)
        self.encrypt = cipher.encrypt
        self.decrypt = cipher.decrypt
        self.head = FORMAT + personkeys.id_of(key)
        self.tail = person.encode("utf-8")
        self.until = until

    def __repr__(self) -> str:
        return f"FieldKey({self.head[len(FORMAT) :].hex()})"


class FieldKeys:
    """The keys that the types of one company's software use. Safe to share between threads; a fork starts anew.

    Types are declared before an instance is open, so this is made empty, and `serve` gives it the instance.
    """

    def __init__(self) -> None:
        self._office: Office | None = None
        self._closing: dict[tuple[str, str], FieldKey] = {}
        self._opening: dict[bytes, FieldKey] = {}
        self._sealing: list[dict[str, _Closing]] = []
        self._unsealing: list[dict[bytes, _Opening]] = []
        self._nonces: list[bytes] = []
        os.register_at_fork(after_in_child=self._nonces.clear)
        holders.add(self)

    def serve(self, office: Office) -> None:
        """Use the keys of this instance from now on."""
        self.forget()
        self._office = office

    def forget(self) -> None:
        """Let every key in memory go; the store is asked again."""
        self._closing, self._opening = {}, {}
        for sealing in self._sealing:
            sealing.clear()
        for unsealing in self._unsealing:
            unsealing.clear()

    def sealer(self, kind: str, place: bytes) -> Callable[[str, bytes], str]:
        """What seals for one place: `seal(person, plain)`, under the key of the person, who is known by their `kind`.

        Who is not known yet is registered. It raises: KeyUnavailable when their key was destroyed; PersonError;
        StoreError; TrothError when no instance serves.
        """
        known: dict[str, _Closing] = {}
        self._sealing.append(known)
        take, text_of = self._nonces.pop, b2a_base64

        def seal(person: str, plain: bytes) -> str:
            held = known.get(person)
            if held is None or held[3] < monotonic():
                if len(known) >= _MOST_KEPT:
                    known.clear()
                key = self._closing.get((kind, person))
                if key is None or key.until < monotonic():
                    key = self._made(kind, person)
                held = known[person] = key.encrypt, key.head, place + key.tail, key.until
            encrypt, head, bound, _ = held
            try:
                nonce = take()
            except IndexError:
                nonce = self._fresh()
            return text_of(head + nonce + encrypt(nonce, plain, bound), newline=False).decode()

        return seal

    def opener(self, place: bytes) -> Callable[[str, str], bytes | None]:
        """What opens for one place: `open(person, sealed)`; it gives None when the key was destroyed: gone for good.

        It raises: KeyUnavailable for a value of another place or another person, an altered one, and a key that this
        instance never made; StoreError; TrothError when no instance serves.
        """
        known: dict[bytes, _Opening] = {}
        self._unsealing.append(known)
        bytes_of = a2b_base64

        def open_(person: str, sealed: str) -> bytes | None:
            try:
                raw = bytes_of(sealed)
            except ValueError:
                raw = b""
            head = raw[:_ID_END]
            held = known.get(head)
            if held is None or held[3] < monotonic():
                if not raw.startswith(FORMAT) or len(raw) < _BODY:
                    raise KeyUnavailable("a sealed column holds what troth did not seal", where=_shown(place))
                key = self._opening.get(head)
                if key is None or key.until < monotonic():
                    key = self._found(head, place)
                if key is None:
                    known.pop(head, None)
                    return None
                if len(known) >= _MOST_KEPT:
                    known.clear()
                held = known[head] = key.decrypt, person, place + person.encode("utf-8"), key.until
            decrypt, whose, bound, _ = held
            try:
                return decrypt(
                    raw[_ID_END:_BODY], raw[_BODY:], bound if whose == person else place + person.encode("utf-8")
                )
            except Exception as error:  # noqa: BLE001 - the library's own class is loaded only when it is needed
                raise _told(error, place) from None

        return open_

    def make(self, persons: Iterable[str], kind: str = Kind.ID) -> int:
        """Make the keys of many people at once, so that none has to be made in the middle of a write; gives how many.

        Raises: as `sealed`.
        """
        office, named = self._serving(), [people.identifier(kind, person) for person in persons]
        now, count = office.clock.now(), 0
        with office.deed() as tx:
            for one, number in zip(
                named, people.register_many(tx, office.keyring, [[one] for one in named], now), strict=True
            ):
                called = leaves.pseudonym(office.keyring, number)
                key = personkeys.key_for(tx, office.keyring, called, KeyUse.FIELDS, now)
                self._keep(kind, one.value, key)
                count += 1
        return count

    def index(self, place: bytes, value: str) -> str:
        """A keyed hash of `value` for this place: 32 hex letters, the same for the same value."""
        return self._serving().keyring.pseudonym("field index", place + b"|" + value.encode("utf-8")).hex()

    def _made(self, kind: str, person: str) -> FieldKey:
        office, now = self._serving(), self._serving().clock.now()
        one = people.identifier(kind, person)
        with office.store.reading() as tx:
            known = people.find(tx, office.keyring, one)
            called = None if known is None else leaves.pseudonym(office.keyring, known)
            key = None if called is None else personkeys.find_key(tx, office.keyring, called, KeyUse.FIELDS)
        if key is None:
            with office.deed() as tx:
                called = leaves.pseudonym(office.keyring, people.register(tx, office.keyring, [one], now))
                key = personkeys.key_for(tx, office.keyring, called, KeyUse.FIELDS, now)
        return self._keep(kind, person, key)

    def _keep(self, kind: str, person: str, key: bytes) -> FieldKey:
        if len(self._closing) >= _MOST_KEPT:
            self._closing = {}
        made = self._closing[kind, person] = FieldKey(key, monotonic() + KEPT_S, person)
        return made

    def _found(self, head: bytes, place: bytes) -> FieldKey | None:
        """The key that `head` names; None when it was destroyed. Raises: KeyUnavailable when there never was one."""
        office, key_id = self._serving(), head[len(FORMAT) :]
        statement = select(person_keys).where(person_keys.c.key_id == key_id, person_keys.c["use"] == KeyUse.FIELDS)
        with office.store.reading() as tx:
            row = tx.execute(statement).one_or_none()
        self._opening.pop(head, None)
        if row is None:
            raise KeyUnavailable(
                f"a value was sealed with key {key_id.hex()}, which this instance never made",
                where=_shown(place),
                repair="Open the instance that sealed it, or put its store back.",
            )
        if row.wrapped is None:
            return None
        if len(self._opening) >= _MOST_KEPT:
            self._opening = {}
        key = personkeys.unwrap(office.keyring, row.wrapped, row.person, KeyUse.FIELDS)
        made = self._opening[head] = FieldKey(key, monotonic() + KEPT_S)
        return made

    def _fresh(self) -> bytes:
        """A nonce, and a page of more: to ask the system for each would cost as much as half the cipher.

        INVARIANT: no two calls give the same bytes: `pop` is one step in every thread, and a child of a fork has none.
        """
        first, *rest = _PAGE.unpack(os.urandom(_PAGE.size))
        self._nonces.extend(rest)
        return bytes(first)

    def _serving(self) -> Office:
        if self._office is None:
            raise TrothError(
                "no instance serves sealed columns", repair="Call `troth.open(folder).seal_fields()` when you start."
            )
        return self._office


def destroy(office: Office, person: Person, outside: Path | None = None) -> int | None:
    """Destroy the person's key: what was sealed with it is unreadable in every copy and every backup of it. For good.

    Gives the leaf that records it; None when it was done before. Other processes notice within `KEPT_S`. A backup of
    *troth's own* store still holds the key; the file of tombstones `outside` remembers its id, so that
    `troth restore-guard` destroys it again. Raises: PersonUnknown, PersonAmbiguous; StoreError.
    """
    with office.deed() as tx:
        number, now = load_person(tx, office.keyring, person), office.clock.now()
        leaf = shredding.shred(tx, office.keyring, number, KeyUse.FIELDS, now)
        mine = person_keys.c.person == leaves.pseudonym(office.keyring, number), person_keys.c["use"] == KeyUse.FIELDS
        key_id = tx.execute(select(person_keys.c.key_id).where(*mine)).scalar_one()
        if outside is not None and leaf is not None and key_id is not None:
            entry = tombstone_file.entry_of(f"fields {bytes(key_id).hex()}", now, [(TOMBSTONE, bytes(key_id))])
            tombstone_file.add(outside, [entry])
    office.store.settle()
    return leaf


def _told(error: Exception, place: bytes) -> Exception:
    from cryptography.exceptions import InvalidTag

    if not isinstance(error, InvalidTag | ValueError):
        return error
    message = "a sealed value does not open here: it was altered, or belongs to another row or column"
    return KeyUnavailable(message, where=_shown(place))


def _shown(place: bytes) -> str:
    return place.decode("utf-8").split("|")[1]


FIELD_KEYS: Final = FieldKeys()
"""Those that a type uses when it is given no others."""
