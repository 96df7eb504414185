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
from troth.foundation.ledger.rows import Row
from troth.foundation.ledger.tables import ledger_bodies, ledger_leaves, person_keys
from troth.foundation.ledger.words import KEY_DESTROYED, KeyUse

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
        self._tails: dict[str, bytes] = {}

    def quick(self, rows: Sequence[tuple[Any, ...]]) -> list[bytes] | None:
        """The hashes of these leaves, if all of them are whole and none has a sealed body; else None, and each is to be
        looked at by `go_through`.
        """
        base, tails = merkle.LEAF, self._tails
        computed: list[bytes] = []
        times: list[str] = []
        people: list[bytes] = []
        said_times: list[bytes] = []
        said_people: list[bytes] = []
        try:
            for _, kind, at, person, content, hashed in rows:
                hashing = base.copy()
                hashing.update(content)
                digest = hashing.digest()
                computed.append(digest)
                times.append(at)
                said_times.append(content[:33])
                if person is None:
                    if digest != hashed or not content.endswith(_nobody(kind)):
                        return None
                    continue
                tail = tails.get(kind) or tails.setdefault(kind, _somebody(kind))
                if digest != hashed or not content.endswith(tail, 0, -44) or not content.endswith(_END):
                    return None
                people.append(person)
                said_people.append(content[-44:-12])
            expected = ('{"at":"' + '{"at":"'.join(times)).replace(" ", "T").encode()
            whole = expected == b"".join(said_times) and binascii.hexlify(b"".join(people)) == b"".join(said_people)
        except (TypeError, AttributeError, UnicodeError):  # a column is of another type
            return None
        return computed if whole else None

    def go_through(self, rows: Sequence[Row | None], ids: Sequence[int], first: int | None) -> list[bytes]:
        """Look closely at the leaves of these ids, at the places from `first` on; gives the hashes of their bytes,
        zeros for one that is not there.
        """
        computed: list[bytes] = []
        sealed: dict[int, tuple[int | None, dict[str, Any]]] = {}
        for at, row in enumerate(rows):
            computed.append(_GONE if row is None else merkle.leaf_hash(row.content))
            place = None if first is None else first + at
            claim = None if row is None else self._look_closer(row, place)
            if row is not None and claim is not None:
                sealed[row.id] = (place, claim)
        self._go_through_bodies(sealed, ids)
        return computed

    def finish(self) -> None:
        """Say which bodies are missing with no leaf to tell why, which belong to no leaf, which keys are damaged."""
        if self._bodyless:
            destroyed = self._destroyed()
            for place, leaf, person, use in self._bodyless:
                if (person, use) not in destroyed:
                    message = "its sealed body is gone, and no entry records that the key was destroyed"
                    self._outcome.add(entry(place, leaf), message, place=place, leaf=leaf)
        if self._tx.execute(select(func.count()).select_from(ledger_bodies)).scalar_one() != self._bodies:
            self._find_stray_bodies()
        if self._keyring is not None:
            self._open_keys(self._keyring)

    def _look_closer(self, row: Row, place: int | None) -> dict[str, Any] | None:
        """Why the columns and the bytes of a leaf differ; what it claims of a sealed body, where that is all."""
        where = entry(place, row.id)
        try:
            said = json.loads(row.content)
            at, kind, person = said["at"], said["kind"], said["person"]
        except (ValueError, KeyError, TypeError):
            return None  # its hash is wrong too, and that is said
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
        statement = select(
            ledger_bodies.c.leaf, ledger_bodies.c.person, ledger_bodies.c.under.cast(ledger_leaves.c.kind.type),
            ledger_bodies.c.sealed,
        ).where(ledger_bodies.c.leaf.between(min(ids), max(ids)))  # fmt: skip
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
            if (person.hex(), under) != (claim.get("person"), claim.get("under")):
                message = "its sealed body says another person or use"
                self._outcome.add(entry(place, leaf), message, place=place, leaf=leaf)
            elif hashlib.sha256(body).hexdigest() != claim.get("bytes"):
                self._outcome.add(entry(place, leaf), "its sealed body was changed", place=place, leaf=leaf)
        for leaf, (place, claim) in sealed.items():
            if leaf not in found:
                self._bodyless.append((place, leaf, str(claim.get("person")), str(claim.get("under"))))

    def _destroyed(self) -> set[tuple[str, str]]:
        """Whose keys were destroyed, as leaves record it: person and use."""
        found = set()
        for content in self._tx.execute(select(ledger_leaves.c.content).where(ledger_leaves.c.kind == KEY_DESTROYED)):
            said = json.loads(content[0])
            found.add((said["person"], said["body"]["use"]))
        return found

    def _find_stray_bodies(self) -> None:
        statement = select(ledger_bodies.c.leaf, ledger_leaves.c.content).outerjoin(ledger_leaves)
        for leaf, content in self._tx.execute(statement):
            if content is None or b',"sealed":{"bytes":"' not in content:
                self._outcome.add(entry(None, leaf), "has a sealed body that it is not bound to", leaf=leaf)

    def _open_keys(self, keyring: Keyring) -> None:
        columns = person_keys.c
        kept = select(columns.person, columns["use"].cast(ledger_leaves.c.kind.type)).where(
            columns.wrapped.is_not(None)
        )
        for person, use in self._tx.execute(kept).all():
            try:
                personkeys.find_key(self._tx, keyring, person, KeyUse(use))
            except (KeyUnavailable, ValueError):
                self._outcome.add(f"the {use} key of person {person.hex()[:8]}...", "does not open: it was changed")


def _somebody(kind: str) -> bytes:
    return f',"kind":{json.dumps(kind, ensure_ascii=False)},"person":"'.encode()


def _nobody(kind: str) -> bytes:
    return f',"kind":{json.dumps(kind, ensure_ascii=False)},"person":null,"troth":1}}'.encode()
