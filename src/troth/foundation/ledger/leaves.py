"""Write into the ledger what was done: one leaf for one deed, in the transaction of the deed itself.

A leaf is the canonical JSON (RFC 8785) of what happened, and its hash as RFC 6962 has it, SHA-256 over a zero byte
and the stored bytes. It names no one: the person is a keyed pseudonym, the body holds ids, hashes and words of the
policy. The pseudonym is not anonymous; who holds the key can recompute it.

What must be kept about a person in their own words goes into a sealed body beside the leaf, under a key of that person
(`personkeys`). The leaf holds two hashes of it: `bytes`, of the sealed bytes as they are stored, and `commitment`,
of the text with 32 random bytes in front, which are sealed with it. So the leaf binds the body, whoever has the key
can show what it said, and after the key is gone nobody can try guesses against the leaf.

Order in the tree, and signatures over it, come from the sequencer, which finds the leaf in `ledger_waiting`.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from troth.errors import StoreError
from troth.foundation.canonical import LARGEST_INTEGER, canonical_json
from troth.foundation.clock import stamp
from troth.foundation.keys import Keyring
from troth.foundation.ledger import personkeys
from troth.foundation.ledger.merkle import leaf_hash
from troth.foundation.ledger.tables import ledger_bodies
from troth.foundation.ledger.words import KeyUse

VERSION = 1
SALT_BYTES = 32
LONGEST = 65_535
"""Bytes of an entry, at most: what the length in an exported ledger can say."""

_LONGEST_WORD = 300
_COMMITMENT = b"troth sealed body 1\x00"

# Straight to the driver: by way of SQLAlchemy, writing a leaf would cost a good part of its commit.
_AT_ONCE = 256  # rows of one statement
_ONE_POSTGRESQL = (
    "WITH made AS (INSERT INTO ledger_leaves (kind, at, person, content, hash) VALUES (%s, %s, %s, %s, %s)"
    " RETURNING id) INSERT INTO ledger_waiting (leaf) SELECT id FROM made RETURNING leaf"
)
# Many leaves as a few long values, cut apart by the server: an array of bytes costs the driver more than the commit.
_MANY_POSTGRESQL = """
WITH given AS MATERIALIZED (
  SELECT nextval((SELECT pg_get_serial_sequence('ledger_leaves', 'id'))::regclass) AS id, listed.*
  FROM unnest(
    string_to_array(%(kinds)s, chr(10)), string_to_array(%(times)s, chr(10))::timestamptz[],
    string_to_array(%(people)s, chr(10), ''), string_to_array(%(starts)s, chr(10))::int[],
    string_to_array(%(lengths)s, chr(10))::int[]
  ) WITH ORDINALITY AS listed (kind, at, person, start, length, number)
), made AS (
  INSERT INTO ledger_leaves (id, kind, at, person, content, hash)
  SELECT id, kind, at, decode(person, 'hex'), substr(%(contents)b, start, length),
    substr(%(hashes)b, (number::int - 1) * 32 + 1, 32) FROM given RETURNING id
), waiting AS (INSERT INTO ledger_waiting (leaf) SELECT id FROM made)
SELECT id FROM given ORDER BY number"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written: the kind (`consent.given`), whom it is about, what happened, and when troth did it.

    `sealed` is what only a key of the person opens; it may hold personal data, and needs a person. `under` says which.
    """

    kind: str
    person: int | None
    body: Mapping[str, Any]
    at: datetime
    sealed: Mapping[str, Any] | None = field(default=None, repr=False)
    under: KeyUse = KeyUse.CONTENT


class Leaf(NamedTuple):
    """An entry made ready: what is stored of it. Made by `prepare`, written by `write`. It is closed, so may be shown.

    `body` are the sealed bytes, where there are any.
    """

    kind: str
    at: str
    person: bytes | None
    content: bytes
    hash: bytes
    body: bytes | None = None
    under: KeyUse = KeyUse.CONTENT


def append(  # noqa: PLR0917 - the parts of an entry, in their order
    tx: Connection,
    keyring: Keyring | None,
    kind: str,
    person: int | None,
    body: Mapping[str, Any],
    at: datetime,
    *,
    sealed: Mapping[str, Any] | None = None,
    under: KeyUse = KeyUse.CONTENT,
) -> int:
    """Write one leaf in the caller's transaction and give its id. If it cannot be written, the deed is undone with it.

    `body` must hold no personal data; text with `@`, or longer than 300 letters, is refused as a fault of the program.
    `sealed` may: it is closed under the person's key `under`, and gone for good when that key is destroyed.
    An entry about nobody needs no `keyring`.
    Raises: StoreError; ValueError or TypeError for a body without canonical JSON, or a sealed one without a person;
    NaiveTimeError; KeyUnavailable when the person's key was destroyed.
    """
    leaf = prepare(tx, keyring, Entry(kind, person, body, at, sealed, under))
    return write(tx, [leaf])[0]


def append_many(tx: Connection, keyring: Keyring, entries: Iterable[Entry]) -> list[int]:
    """As `append` for each in turn; their ids in the same order."""
    known: dict[int, bytes] = {}
    return write(tx, [_prepared(tx, keyring, entry, known) for entry in entries])


def prepare(tx: Connection | None, keyring: Keyring | None, entry: Entry) -> Leaf:
    """The leaf for `entry`, not yet written. Without a sealed body it needs no transaction. Raises as `append`."""
    return _prepared(tx, keyring, entry, {})


def _prepared(tx: Connection | None, keyring: Keyring | None, entry: Entry, known: dict[int, bytes]) -> Leaf:
    """As `prepare`; `known` keeps pseudonyms for the entries of one call."""
    body = _body_text(entry.body, entry.kind)
    person = None
    if entry.person is not None:
        person = known.get(entry.person)
        if person is None:
            if keyring is None:
                raise ValueError("an entry about a person needs the keyring")
            person = known[entry.person] = pseudonym(keyring, entry.person)
    at = _stamp(entry.at)
    sealed, closing = None, ""
    if entry.sealed is not None:
        if person is None or tx is None or keyring is None:
            raise ValueError("a sealed body needs the person whose key closes it, and a transaction")
        sealed, commitment = _seal(tx, keyring, person, entry)
        closing = (
            f'"sealed":{{"bytes":"{hashlib.sha256(sealed).hexdigest()}","commitment":"{commitment.hex()}",'
            f'"under":"{entry.under}"}},'
        )
    named = "null" if person is None else f'"{person.hex()}"'
    # Canonical JSON written out: the names stand in their order. tests hold it against `canonical_json`.
    text = f'{{"at":"{at}","body":{body},"kind":{_quoted(entry.kind)},"person":{named},{closing}"troth":{VERSION}}}'
    content = text.encode()
    if len(content) > LONGEST:
        raise StoreError(f"a ledger entry of kind {entry.kind} is too large: {len(content)} bytes of {LONGEST}")
    return Leaf(entry.kind, at, person, content, leaf_hash(content), sealed, entry.under)


def write(tx: Connection, leaves: Sequence[Leaf]) -> list[int]:
    """Write leaves that were made ready, in the caller's transaction; their ids in the same order."""
    if not leaves:
        return []
    ids = _write_sqlite(tx, leaves) if tx.dialect.name == "sqlite" else _write_postgresql(tx, leaves)
    bodies = [
        {"leaf": number, "person": leaf.person, "under": leaf.under, "sealed": leaf.body}
        for number, leaf in zip(ids, leaves, strict=True)
        if leaf.body is not None
    ]
    if bodies:
        tx.execute(ledger_bodies.insert(), bodies)
    return ids


def pseudonym(keyring: Keyring, person: int) -> bytes:
    """How the ledger calls a person: 16 bytes, the same in every leaf, meaningless without the key."""
    return keyring.pseudonym("ledger person", person.to_bytes(8, "big"))


def commitment_of(plain: bytes) -> bytes:
    """What a leaf holds of its sealed body: SHA-256 over a fixed word, the 32 random bytes and the canonical JSON."""
    return hashlib.sha256(_COMMITMENT + plain).digest()


def sealing_context(under: KeyUse, person: bytes) -> bytes:
    """What a sealed body is bound to beside its key: that it is a body of this ledger, of this person, for this use."""
    return b"ledger body|" + under.encode() + b"|" + person


def _write_sqlite(tx: Connection, leaves: Sequence[Leaf]) -> list[int]:
    raw: Any = tx.connection.driver_connection
    ids: list[int] = []
    for start in range(0, len(leaves), _AT_ONCE):
        # Whole statements of many rows: the driver gives way to other threads at each statement, and comes back late.
        some = leaves[start : start + _AT_ONCE]
        values: list[Any] = []
        for leaf in some:
            at = leaf.at  # and the time as SQLAlchemy keeps it
            values += (leaf.kind, f"{at[:10]} {at[11:26]}", leaf.person, leaf.content, leaf.hash)
        last: int = raw.execute(_insert_sqlite(len(some)), values).lastrowid
        # Nobody else writes until this transaction ends, so these are the ids before the last.
        ids += range(last - len(some) + 1, last + 1)
    return ids


@lru_cache(maxsize=_AT_ONCE)
def _insert_sqlite(rows: int) -> str:
    columns = "INSERT INTO ledger_leaves (kind, at, person, content, hash) VALUES"
    return f"{columns} {', '.join(['(?, ?, ?, ?, ?)'] * rows)}"


def _write_postgresql(tx: Connection, leaves: Sequence[Leaf]) -> list[int]:
    raw: Any = tx.connection.driver_connection
    driver: Any = tx.dialect.loaded_dbapi
    try:
        if len(leaves) == 1:
            [leaf] = leaves
            row = (leaf.kind, leaf.at, leaf.person, leaf.content, leaf.hash)
            return [raw.execute(_ONE_POSTGRESQL, row, prepare=True).fetchone()[0]]
        return [number for (number,) in raw.execute(_MANY_POSTGRESQL, _joined(leaves), prepare=True)]
    except driver.Error as problem:
        raise DBAPIError.instance(None, None, problem, driver.Error) from None


def _joined(leaves: Sequence[Leaf]) -> dict[str, Any]:
    """What `_MANY_POSTGRESQL` cuts apart. A kind is a word, and has no line break in it."""
    contents = [leaf.content for leaf in leaves]
    lengths = [len(content) for content in contents]
    return {
        "kinds": "\n".join([leaf.kind for leaf in leaves]),
        "times": "\n".join([leaf.at for leaf in leaves]),
        "people": "\n".join(["" if leaf.person is None else leaf.person.hex() for leaf in leaves]),
        "starts": "\n".join(map(str, accumulate(lengths[:-1], initial=1))),
        "lengths": "\n".join(map(str, lengths)),
        "contents": b"".join(contents),
        "hashes": b"".join([leaf.hash for leaf in leaves]),
    }


def _seal(tx: Connection, keyring: Keyring, person: bytes, entry: Entry) -> tuple[bytes, bytes]:
    """The sealed bytes of the entry's closed part, and the commitment to it."""
    plain = secrets.token_bytes(SALT_BYTES) + canonical_json(entry.sealed)
    key = personkeys.key_for(tx, keyring, person, entry.under, entry.at)
    return personkeys.seal(key, plain, sealing_context(entry.under, person)), commitment_of(plain)


@lru_cache(maxsize=64)
def _stamp(at: datetime) -> str:
    return stamp(at)


_quoted = lru_cache(maxsize=256)(json.JSONEncoder(ensure_ascii=False).encode)
_written = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), default=stamp
).encode


def _body_text(body: Mapping[str, Any], kind: str) -> str:
    """The canonical JSON of `body`. What needs no rule beyond plain JSON is written by the machine's own encoder."""
    plain = _is_plain(body, kind)
    text = _written(body) if plain else canonical_json(body).decode()
    if "@" in text:
        raise _free_text(kind)
    if plain and not text.isascii():  # the order of names, and lone surrogates, are the canonical writer's
        return canonical_json(body).decode()
    return text


def _is_plain(body: Any, kind: str) -> bool:
    """Whether plain JSON is canonical for `body`, but for letters beyond ASCII. Raises StoreError for long text."""
    if type(body) is not dict:
        return _is_plain_value(body, kind)
    plain = True
    for name, value in body.items():
        made_of = type(value)
        if made_of is str:
            if len(value) > _LONGEST_WORD:
                raise _free_text(kind)
        elif made_of not in _SIMPLE:
            plain &= _is_plain_value(value, kind)
        if type(name) is not str:
            plain = False
        elif len(name) > _LONGEST_WORD:
            raise _free_text(kind)
    return plain


_SIMPLE = frozenset({type(None), bool, datetime})


def _is_plain_value(value: Any, kind: str) -> bool:
    if isinstance(value, str):
        if len(value) > _LONGEST_WORD:
            raise _free_text(kind)
        return True
    if isinstance(value, int):
        return -LARGEST_INTEGER <= value <= LARGEST_INTEGER
    if isinstance(value, Mapping):
        plain = _is_plain(dict(value), kind)
        return plain and type(value) is dict
    if isinstance(value, (list, tuple)):
        return all([_is_plain({"": each}, kind) for each in value])  # noqa: C419 - all of it is looked at
    return value is None or isinstance(value, datetime)


def _free_text(kind: str) -> StoreError:
    return StoreError(f"a ledger entry of kind {kind} would have held free text; nothing was written")
