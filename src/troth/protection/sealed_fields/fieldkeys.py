"""The keys that close fields: one for each person, made when something of theirs is first sealed, kept under a lease.

How a sealed value looks says `foundation.sealed_values`. It is bound to its place (store, table, column) and to its
person: in another column, or in the row of somebody else, it does not open.

Who is erased by destroying this key is read as nothing (`None`) from the moment on that this was acknowledged, in every
process (`fresh`).
"""

from __future__ import annotations

import os
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable
from pathlib import Path
from struct import Struct
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from troth.errors import KeyUnavailable, TrothError
from troth.foundation import people, tombstone_file
from troth.foundation.ledger import leaves, personkeys, shredding
from troth.foundation.ledger.tables import person_keys
from troth.foundation.ledger.words import KeyUse
from troth.foundation.people import Kind
from troth.foundation.sealed_values import FORMAT, ID_BYTES, NONCE_BYTES, TOMBSTONE, holders
from troth.foundation.store.changes import Changes
from troth.protection.sealed_fields.fresh import Fresh
from troth.use.office import Office
from troth.use.standing import Person, load_person

if TYPE_CHECKING:
    from troth.foundation.store import Store

_PAGE: Final = Struct(f"{NONCE_BYTES}s" * 512)
_ID_END: Final = len(FORMAT) + ID_BYTES
_BODY: Final = _ID_END + NONCE_BYTES
_MOST_KEPT: Final = 100_000
_MANY: Final = 10_000
"""Where more people than these have changed at once, every key goes."""


_Cipher = Callable[[bytes, bytes, bytes], bytes]
_Closing = tuple[_Cipher, bytes, bytes]
"""How to encrypt, how the value begins, and what it is bound to."""

_Opening = tuple[_Cipher, str, bytes]
"""How to decrypt, for whom, and what their values are bound to."""


class FieldKey:
    """One person's key, ready to use. Shows nothing of itself but its id."""

    __slots__ = ("called", "decrypt", "encrypt", "head", "tail")

    def __init__(self, key: bytes, called: bytes, person: str = "") -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        cipher = AESGCM(key)
        self.encrypt = cipher.encrypt
        self.decrypt = cipher.decrypt
        self.head = FORMAT + personkeys.id_of(key)
        self.tail = person.encode("utf-8")
        self.called = called

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
        self._kept: dict[bytes, list[tuple[dict[Any, Any], Any]]] = {}
        self._nonces: list[bytes] = []
        self._fresh = Fresh(self._drop)
        os.register_at_fork(after_in_child=self._begin_anew)
        holders.add(self)

    def serve(self, office: Office) -> None:
        """Use the keys of this instance from now on."""
        self._office = office
        self._fresh.serve(office.store)

    def rest(self, store: Store) -> None:
        """Serve no more, where it is this store that is closed."""
        if self._fresh.serves(store):
            self._fresh.serve(None)
            self._office = None

    def forget(self) -> None:
        """Let every key in memory go; the store is asked again."""
        self._fresh.apply(Changes("", None, naming=True))

    def sealer(self, kind: str, place: bytes) -> Callable[[str, bytes], str]:
        """What seals for one place: `seal(person, plain)`, under the key of the person, who is known by their `kind`.

        Who is not known yet is registered. It raises: KeyUnavailable when their key was destroyed; PersonError;
        StoreError; TrothError when no instance serves.
        """
        known: dict[str, _Closing] = {}
        self._sealing.append(known)
        take, text_of, fresh = self._nonces.pop, b2a_base64, self._fresh

        def seal(person: str, plain: bytes) -> str:
            until, cells, seen = fresh.valid
            held = known.get(person) if monotonic() < until and cells[0] == seen else None
            if held is None:
                held = self._held_to_seal(known, kind, person, place)
            encrypt, head, bound = held
            try:
                nonce = take()
            except IndexError:
                nonce = self._another_nonce()
            return text_of(head + nonce + encrypt(nonce, plain, bound), newline=False).decode()

        return seal

    def opener(self, place: bytes) -> Callable[[str, str], bytes | None]:
        """What opens for one place: `open(person, sealed)`; it gives None when the key was destroyed: gone for good.

        It raises: KeyUnavailable for a value of another place or another person, an altered one, and a key that this
        instance never made; StoreError; TrothError when no instance serves.
        """
        known: dict[bytes, _Opening] = {}
        self._unsealing.append(known)
        bytes_of, fresh = a2b_base64, self._fresh

        def open_(person: str, sealed: str) -> bytes | None:
            try:
                raw = bytes_of(sealed)
            except ValueError:
                raw = b""
            until, cells, seen = fresh.valid
            held = known.get(raw[:_ID_END]) if monotonic() < until and cells[0] == seen else None
            if held is None:
                held = self._held_to_open(known, person, raw, place)
                if held is None:
                    return None
            decrypt, whose, bound = held
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
        now, made, epoch = office.clock.now(), [], self._ready()
        with office.deed() as tx:
            for one, number in zip(
                named, people.register_many(tx, office.keyring, [[one] for one in named], now), strict=True
            ):
                called = leaves.pseudonym(office.keyring, number)
                key = personkeys.key_for(tx, office.keyring, called, KeyUse.FIELDS, now)
                made.append((one.value, FieldKey(key, called, one.value)))
        for person, ready in made:
            self._remember(epoch, ready.called, self._closing, (kind, person), ready)
        return len(made)

    def index(self, place: bytes, value: str) -> str:
        """A keyed hash of `value` for this place: 32 hex letters, the same for the same value."""
        return self._serving().keyring.pseudonym("field index", place + b"|" + value.encode("utf-8")).hex()

    def _held_to_seal(self, known: dict[str, _Closing], kind: str, person: str, place: bytes) -> _Closing:
        epoch = self._ready()
        held = known.get(person) if epoch is not None else None
        if held is not None:
            return held
        key = self._closing.get((kind, person)) if epoch is not None else None
        if key is None:
            key = self._made(kind, person)
            self._remember(epoch, key.called, self._closing, (kind, person), key)
        made = key.encrypt, key.head, place + key.tail
        self._remember(epoch, key.called, known, person, made)
        return made

    def _held_to_open(self, known: dict[bytes, _Opening], person: str, raw: bytes, place: bytes) -> _Opening | None:
        """Raises: KeyUnavailable when it is no sealed value, or its key was never made; StoreError."""
        if not raw.startswith(FORMAT) or len(raw) < _BODY:
            raise KeyUnavailable("a sealed column holds what troth did not seal", where=_shown(place))
        head, epoch = raw[:_ID_END], self._ready()
        held = known.get(head) if epoch is not None else None
        if held is not None:
            return held
        key = self._opening.get(head) if epoch is not None else None
        if key is None:
            key = self._found(head, place)
            if key is None:
                return None
            self._remember(epoch, key.called, self._opening, head, key)
        made = key.decrypt, person, place + person.encode("utf-8")
        self._remember(epoch, key.called, known, head, made)
        return made

    def _ready(self) -> int | None:
        """What to give `_remember` for what is read from now on; None where nothing in memory may be used."""
        self._serving()
        return self._fresh.epoch if self._fresh.renew() else None

    def _remember(self, epoch: int | None, called: bytes, memory: dict[Any, Any], name: Any, value: Any) -> None:
        """Keep a key of the person whom the ledger calls so, unless somebody has changed since it was read."""
        if epoch is None:
            return
        with self._fresh.lock:
            if not self._fresh.still(epoch):
                return
            if len(self._kept) >= _MOST_KEPT and called not in self._kept:
                self._empty()
            memory[name] = value
            self._kept.setdefault(called, []).append((memory, name))

    def _drop(self, new: Changes) -> None:
        office = self._office
        if new.people is None or office is None or len(new.people) > _MANY:
            self._empty()
            return
        for number in new.people if self._kept else ():
            for memory, name in self._kept.pop(leaves.pseudonym(office.keyring, number), ()):
                memory.pop(name, None)
        if new.naming:  # a mail or a phone may lead to somebody else now
            self._closing.clear()
            for sealing in self._sealing:
                sealing.clear()

    def _empty(self) -> None:
        memories: list[dict[Any, Any]] = [self._closing, self._opening, self._kept, *self._sealing, *self._unsealing]
        for memory in memories:
            memory.clear()

    def _begin_anew(self) -> None:
        """In a child of a fork, which shares neither nonces nor lease."""
        self._nonces.clear()
        self._fresh.begin_anew()

    def _made(self, kind: str, person: str) -> FieldKey:
        office, now = self._serving(), self._serving().clock.now()
        one = people.identifier(kind, person)
        with office.store.reading() as tx:
            known = people.find(tx, office.keyring, one)
            called = None if known is None else leaves.pseudonym(office.keyring, known)
            key = None if called is None else personkeys.find_key(tx, office.keyring, called, KeyUse.FIELDS)
        if key is None or called is None:
            with office.deed() as tx:
                called = leaves.pseudonym(office.keyring, people.register(tx, office.keyring, [one], now))
                key = personkeys.key_for(tx, office.keyring, called, KeyUse.FIELDS, now)
        return FieldKey(key, called, person)

    def _found(self, head: bytes, place: bytes) -> FieldKey | None:
        """The key that `head` names; None when it was destroyed. Raises: KeyUnavailable when there never was one."""
        office, key_id = self._serving(), head[len(FORMAT) :]
        statement = select(person_keys).where(person_keys.c.key_id == key_id, person_keys.c["use"] == KeyUse.FIELDS)
        with office.store.reading() as tx:
            row = tx.execute(statement).one_or_none()
        if row is None:
            raise KeyUnavailable(
                f"a value was sealed with key {key_id.hex()}, which this instance never made",
                where=_shown(place),
                repair="Open the instance that sealed it, or put its store back.",
            )
        if row.wrapped is None:
            return None
        return FieldKey(personkeys.unwrap(office.keyring, row.wrapped, row.person, KeyUse.FIELDS), row.person)

    def _another_nonce(self) -> bytes:
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

    Gives the leaf that records it; None when it was done before. When this returns, no process opens it any more. A
    backup of *troth's own* store still holds the key; the file of tombstones `outside` remembers its id, so that
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
