"""Each leaf for itself: its hash, its columns against its bytes, its sealed body against what it is bound to."""

from __future__ import annotations

import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from troth.errors import KeyUnavailable
from troth.foundation.keys import Keyring
from troth.foundation.ledger import merkle, personkeys
from troth.foundation.ledger.findings import Verification, entry
from troth.foundation.ledger.rows import Row, as_bytes
from troth.foundation.ledger.tables import ledger_bodies, ledger_leaves, person_keys
from troth.foundation.ledger.words import KEY_DESTROYED, KEY_LOST, KeyUse

_GONE = b"\x00" * merkle.HASH
_END = b'","troth":1}'


class LeafCheck:
    """Looks at leaves one by one. `go_through` any number of them, then `finish`."""

    def __init__(self, tx: Connection, keyring: Keyring | None, outcome: Verification) -> None:
        self._tx = tx
        self._keyring = keyring
        self._outcome = outcome
        self._bodyless: list[tuple[int | None, int, str, str]] = []
        self._bodies = 0
        self._destroyed: set[tuple[str, str]] = set()
        self._destroyed_by_id: set[str] = set()
        self._lost_until, self._lost_at = 0, ""
        self._tails: dict[str, bytes] = {}

    def quick(self, rows: Sequence[tuple[Any, ...]]) -> list[bytes] | None:
        """The hashes of these leaves, if all of them are whole and none has a sealed body; else None, and each is to be
        looked at by `go_through`.
        """
        base = merkle.LEAF
        computed: list[bytes] = []
        try:
            ids, kinds, times, people, contents, stored = zip(*rows, strict=True)
            for content in contents:
                hashing = base.copy()
                hashing.update(content)
                computed.append(hashing.digest())
            if b"".join(computed) != b"".join(stored):
                return None
            some = self._columns_fit if None not in people else _columns_fit_one_by_one
            if not some(kinds, times, people, contents):
                return None
        except (TypeError, AttributeError, UnicodeError):  # a column is of another type
            return None
        if KEY_DESTROYED in kinds:
            for content in contents:
                self._note_destroyed(content)
        for leaf, kind, at in zip(ids, kinds, times, strict=True) if KEY_LOST in kinds else ():
            self._note_lost(leaf, kind, at)
        return computed

    def _columns_fit(
        self, kinds: Sequence[str], times: Sequence[str], people: Sequence[bytes], contents: Sequence[bytes]
    ) -> bool:
        """Whether the columns of leaves about somebody say what their bytes say: joined, and compared at once."""
        tails = self._tails
        for kind in set(kinds).difference(tails):
            tails[kind] = f',"kind":{json.dumps(kind, ensure_ascii=False)},"person":"'.encode()
        if not all([content.endswith(tails[kind], 0, -44) for kind, content in zip(kinds, contents, strict=True)]):  # noqa: C419 - quicker
            return False
        begun = ('{"at":"' + '{"at":"'.join(times)).replace(" ", "T").encode()
        ended = binascii.hexlify(b"".join(people), '"', 16).replace(b'"', _END) + _END
        return begun == b"".join([content[:33] for content in contents]) and ended == b"".join(
            [content[-44:] for content in contents]
        )

    def go_through(self, rows: Sequence[Row | None], ids: Sequence[int], first: int | None) -> list[bytes]:
        """Look closely at the leaves of these ids, at the places from `first` on; gives the hashes of their bytes,
        zeros for one that is not there.
        """
        computed: list[bytes] = []
        sealed: dict[int, tuple[int | None, dict[str, Any]]] = {}
        for at, row in enumerate(rows):
            computed.append(_GONE if row is None else merkle.leaf_hash(row.content))
            place = None if first is None else first + at
            if row is not None and row.kind == KEY_DESTROYED.encode():
                self._note_destroyed(row.content)
            if row is not None:
                self._note_lost(row.id, row.kind.decode("utf-8", "replace"), row.at.decode("utf-8", "replace"))
            if row is None or _says_the_same(row):
                continue
            claim = self._look_closer(row, place)
            if claim is not None:
                sealed[row.id] = (place, claim)
        self._go_through_bodies(sealed, ids)
        return computed

    def finish(self) -> None:
        """Say which bodies are missing with no leaf to tell why, which belong to no leaf, which keys are damaged."""
        for place, leaf, person, use in self._bodyless:
            if (person, use) not in self._destroyed and leaf > self._lost_until:
                message = "its sealed body is gone, and no entry records that the key was destroyed"
                self._outcome.add(entry(place, leaf), message, place=place, leaf=leaf)
        self._compare_destroyed()
        if self._tx.execute(select(func.count()).select_from(ledger_bodies)).scalar_one() != self._bodies:
            self._find_stray_bodies()
        if self._keyring is not None:
            self._open_keys(self._keyring)

    def _look_closer(self, row: Row, place: int | None) -> dict[str, Any] | None:
        """Why the columns and the bytes of a leaf differ; what it claims of a sealed body, where that is all."""
        where = entry(place, row.id)
        said = _parsed(row.content)
        if not {"at", "kind", "person"} <= said.keys():
            return None  # its hash is wrong too, and that is said
        at, kind, person = said["at"], said["kind"], said["person"]
        columns = {
            "kind": (row.kind, kind),
            "at": (row.at.replace(b" ", b"T", 1) + b"Z", at),
            "person": (None if row.person is None else binascii.hexlify(row.person), person),
        }
        for name, (column, word) in columns.items():
            if column != (None if word is None else str(word).encode()):
                self._outcome.add(where, f"its {name} is not what its content says", place=place, leaf=row.id)
        claim = said.get("sealed")
        return claim | {"person": person} if isinstance(claim, dict) else None

    def _go_through_bodies(self, sealed: dict[int, tuple[int | None, dict[str, Any]]], ids: Sequence[int]) -> None:
        columns = ledger_bodies.c
        statement = select(columns.leaf, columns.person, as_bytes(self._tx, columns.under), columns.sealed)
        statement = statement.where(columns.leaf.between(min(ids), max(ids)))
        mine = frozenset(ids)
        found = set()
        for leaf, person, under, body in self._tx.execute(statement):
            if leaf not in mine:
                continue
            place, claim = sealed.get(leaf, (None, {}))
            if not claim:
                continue  # found by their number
            found.add(leaf)
            self._bodies += 1
            if (person.hex(), under.decode("utf-8", "replace")) != (claim.get("person"), claim.get("under")):
                message = "its sealed body says another person or use"
                self._outcome.add(entry(place, leaf), message, place=place, leaf=leaf)
            elif hashlib.sha256(body).hexdigest() != claim.get("bytes"):
                self._outcome.add(entry(place, leaf), "its sealed body was changed", place=place, leaf=leaf)
        for leaf, (place, claim) in sealed.items():
            if leaf not in found:
                self._bodyless.append((place, leaf, str(claim.get("person")), str(claim.get("under"))))

    def _note_destroyed(self, content: bytes) -> None:
        """Remember whose key was destroyed, where an entry records it."""
        said = _parsed(content)
        if said.get("kind") == KEY_DESTROYED and isinstance(said.get("body"), dict):
            if said.get("person") is None:  # by the key's own id, when nobody knew whose it was (`shred_fields`)
                self._destroyed_by_id.add(str(said["body"].get("key")))
            else:
                self._destroyed.add((str(said.get("person")), str(said["body"].get("use"))))

    def _note_lost(self, leaf: int, kind: str, at: str) -> None:
        """Remember that the key of this controller was lost with this entry, and with it all keys of people made until
        then, and their bodies.
        """
        if kind == KEY_LOST:
            self._lost_until = max(self._lost_until, leaf)
            self._lost_at = max(self._lost_at, at.replace("T", " "))

    def _compare_destroyed(self) -> None:
        """A key is gone where an entry says so, and nowhere else: a mark that is lost would let it be made again."""
        columns = person_keys.c
        kept = select(columns.person, as_bytes(self._tx, columns["use"]), columns.key_id, columns.made_at)
        marked, lost = {}, set()
        for person, use, key_id, made_at in self._tx.execute(kept.where(columns.wrapped.is_(None))):
            named = person.hex(), use.decode("utf-8", "replace")
            marked[named] = "" if key_id is None else key_id.hex()
            if f"{made_at:%Y-%m-%d %H:%M:%S.%f}" <= self._lost_at:
                lost.add(named)
        for person, use in sorted(marked.keys() - self._destroyed - lost):
            if marked[person, use] in self._destroyed_by_id:
                continue
            self._outcome.add(f"the {use} key of person {person[:8]}...", "is gone, and no entry records it")
        for key_id in sorted(self._destroyed_by_id.difference(marked.values())):
            message = "an entry records that it was destroyed, and its mark is not there"
            self._outcome.add(f"the key {key_id}", message)
        for person, use in sorted(self._destroyed - marked.keys()):
            message = "an entry records that it was destroyed, and its mark is not there"
            self._outcome.add(f"the {use} key of person {person[:8]}...", message)

    def _find_stray_bodies(self) -> None:
        statement = select(ledger_bodies.c.leaf, ledger_leaves.c.content).outerjoin(ledger_leaves)
        for leaf, content in self._tx.execute(statement):
            if content is None or not isinstance(_parsed(content).get("sealed"), dict):
                self._outcome.add(entry(None, leaf), "has a sealed body that it is not bound to", leaf=leaf)

    def _open_keys(self, keyring: Keyring) -> None:
        columns = person_keys.c
        kept = select(columns.person, as_bytes(self._tx, columns["use"]), columns.wrapped)
        for person, use, wrapped in self._tx.execute(kept.where(columns.wrapped.is_not(None))):
            word = use.decode("utf-8", "replace")
            try:
                personkeys.unwrap(keyring, wrapped, person, KeyUse(word))
            except (KeyUnavailable, ValueError):
                self._outcome.add(f"the {word} key of person {person.hex()[:8]}...", "does not open: it was changed")


def _columns_fit_one_by_one(
    kinds: Sequence[str], times: Sequence[str], people: Sequence[bytes | None], contents: Sequence[bytes]
) -> bool:
    columns = zip(kinds, times, people, contents, strict=True)
    return all(_says_the_same(Row(0, kind.encode(), at.encode(), one, said, b"")) for kind, at, one, said in columns)


def _says_the_same(row: Row) -> bool:
    """Whether the columns and the bytes of a leaf without a sealed body say the same."""
    person = b"null" if row.person is None else b'"%b"' % binascii.hexlify(row.person)
    tail = b',"kind":"%b","person":%b,"troth":1}' % (row.kind, person)
    head = b'{"at":"%bZ","body":' % row.at.replace(b" ", b"T", 1)
    return row.content.startswith(head) and row.content.endswith(tail)


def _parsed(content: bytes) -> dict[str, Any]:
    """The object that `content` is as JSON; none where it is no such thing."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
