"""Open the newest copies that people can fetch now, as somebody else would, and count what is in them.

An eye: it reads troth's store, the folder of sealed copies and the company's stores, and asks no deed. The file is
unsealed with the key of its row, the signature and every part are verified here, and each table's rows are counted in
the JSON itself and held against the rows that stand on the map's paths from the same person now. Numbers and places
only; nothing of a copy leaves this module, and nothing of it is written anywhere.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from troth.errors import KeyUnavailable, PersonAmbiguous, PersonError
from troth.foundation import people
from troth.foundation.keys import verify as signature_holds
from troth.foundation.ledger import checkpoints, leaves, personkeys
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.ledger.words import KeyUse
from troth.foundation.people import Identifier, Kind
from troth.foundation.sealed_files import unsealed
from troth.foundation.tables import identifiers
from troth.policy.datamap import Copying
from troth.rights.tables import packages, requests

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Row

    from troth.foundation.keys import Keyring
    from troth.foundation.observation import Observation
    from troth.foundation.records.keys import Keys, Subject
    from troth.foundation.records.reach import Reach, ReachedTable
    from troth.foundation.records.reading import Records
    from troth.policy.datamap import DataMap, PersonKind

NEWEST = 5
"""So many copies are opened: the newest of those that can be fetched."""

LARGEST = 64 << 20
"""A copy of more bytes is not opened, and that is told."""

PEOPLE = 200_000
"""Rows of one kind of person among which the person of a copy is looked for."""

_MADE = re.compile(
    r"(^|_)(created?|inserted|added|placed|made|joined|registered|registration|sign_?ed_?up|signup|since)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of one copy. `faults`: what is wrong with it; `unseen`: why something was not looked at.

    `rows` were counted in it; `compared` says whether the person's rows of today were counted beside.
    """

    number: str
    rows: int = 0
    compared: bool = False
    faults: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


@dataclass
class _Copy:
    """One copy while it is looked at: `tables` are its rows by store and table."""

    row: Row[Any] = field(repr=False)
    faults: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    tables: dict[tuple[str, str], int] = field(default_factory=dict)
    compared: bool = False


def look(seen: Observation) -> tuple[Opened, ...]:
    """Each of the newest copies, the newest first; nothing where nobody can fetch one now. Raises: NothingToObserve
    for a store, a key or a folder that is not there; RecordsError.
    """
    live = (packages.c.gone.is_(None), packages.c.ends_at > seen.now, packages.c.person.is_not(None))
    statement = (
        select(packages, requests.c.number, ledger_leaves.c.content)
        .join(requests, requests.c.id == packages.c.request)
        .outerjoin(ledger_leaves, ledger_leaves.c.id == packages.c.leaf)
        .where(*live)
        .order_by(packages.c.id.desc())
        .limit(NEWEST)
    )
    with seen.need_store().reading() as tx:
        rows = tx.execute(statement).all()
        if not rows:
            return ()
        keyring = seen.need_keyring()
        copies = [_Copy(row) for row in rows]
        contents = [_content(tx, keyring, seen.packages, copy) for copy in copies]
        known = _hashes(tx, {row.person for row in rows})
        company = frozenset((keyring.public_key, *(key.raw for key in checkpoints.public_keys(tx))))
    for copy, content in zip(copies, contents, strict=True):
        if content is not None:
            _look_into(copy, content, company)
    if seen.records is not None and seen.datamap is not None:
        read = [copy for copy, content in zip(copies, contents, strict=True) if content is not None and not copy.faults]
        _compare(seen.records, seen.datamap, keyring, read, known)
    return tuple(
        Opened(each.row.number, sum(each.tables.values()), each.compared, tuple(each.faults), tuple(each.unseen))
        for each in copies
    )


# --- the file ---------------------------------------------------------------------------------------------------------


def _content(tx: Connection, keyring: Keyring, folder: Path | None, copy: _Copy) -> bytes | None:
    """The zip; None where it does not open, or was not opened."""
    row = copy.row
    if row.size > LARGEST:
        copy.unseen.append(f"it is larger than {LARGEST >> 20} MiB")
        return None
    if folder is None:
        copy.unseen.append("the settings name no folder of copies")
        return None
    try:
        closing = personkeys.find_key(tx, keyring, leaves.pseudonym(keyring, row.person), KeyUse.CONTENT)
        if closing is None or row.key is None:
            copy.faults.append("the key that opens it is gone")
            return None
        key = personkeys.unseal(closing, row.key, b"package|" + row.file.encode())
        with (folder / row.file).open("rb") as file:
            content = b"".join(unsealed(file, key, context=row.file.encode()))
    except OSError:
        copy.faults.append("its file is missing, or cannot be read")
        return None
    except KeyUnavailable:
        copy.faults.append("it does not open: damaged, or sealed with another key")
        return None
    if len(content) != row.size or hashlib.sha256(content).digest() != row.sha256:
        copy.faults.append("what opens is not the file that was made")
    return content


def _look_into(copy: _Copy, content: bytes, company: frozenset[bytes]) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            public = base64.b64decode(manifest["key"]["ed25519"])
            if public not in company:
                copy.unseen.append("it is signed with a key that the company's ledger does not name")
            if not signature_holds(public, archive.read("manifest.sig"), archive.read("manifest.json")):
                copy.faults.append("its signature does not hold")
            parts = {part["name"]: part for part in manifest["parts"]}
            beside = {"manifest.json", "manifest.sig", "manifest.pem"}
            if {*archive.namelist()} != {*parts, *beside}:
                copy.faults.append("its files are not those that the manifest names")
                return
            for name, part in parts.items():
                _part(copy, name, part, archive.read(name))
            _counts(copy, manifest["counts"]["rows"])
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, NotImplementedError, EOFError, RuntimeError):
        copy.faults.append("it is no copy that can be read")


def _part(copy: _Copy, name: str, part: Mapping[str, Any], content: bytes) -> None:
    if hashlib.sha256(content).hexdigest() != part["sha256"] or len(content) != part["size"]:
        copy.faults.append(f"{name} is not as it was signed")
    elif name.startswith("data/") and name.endswith(".json"):
        told = json.loads(content)
        place = (str(told["store"]), str(told["table"]))
        copy.tables[place] = copy.tables.get(place, 0) + len(told["rows"])


def _counts(copy: _Copy, said: int) -> None:
    """The rows in it, those the manifest says, those of troth's own row, and those in the ledger: one number."""
    try:
        entered = json.loads(copy.row.content)["body"]["rows"]
    except (TypeError, ValueError, KeyError):
        entered = None
    found = sum(copy.tables.values())
    if not found == said == copy.row.rows == entered:
        copy.faults.append(
            f"it holds {found} rows; its manifest says {said}, its record {copy.row.rows}, the ledger {entered}"
        )


# --- the rows of today ------------------------------------------------------------------------------------------------


def _compare(
    records: Records, datamap: DataMap, keyring: Keyring, copies: Sequence[_Copy], known: Mapping[bytes, int]
) -> None:
    """Hold each copy against what leads to its person now."""
    wanted = {copy.row.person for copy in copies}
    found = _subjects(records, datamap, keyring, {h: number for h, number in known.items() if number in wanted})
    for copy in copies:
        subjects = found.get(copy.row.person)
        if not subjects:
            copy.unseen.append("its person is not found in the stores, so its rows were not counted there")
            continue
        there = list(_rows_before(records, datamap, subjects, copy.row.made_at))
        copy.compared = True
        for place, before in there:
            if before and not copy.tables.get(place):
                store, table = place
                copy.faults.append(f"{table} in {store}: {before} rows of its person from before it, and none in it")


def _subjects(
    records: Records, datamap: DataMap, keyring: Keyring, known: Mapping[bytes, int]
) -> dict[int, tuple[Subject, ...]]:
    """Who of the stores' people the numbers are, by what troth keeps of them: a hash of each identifier."""
    from troth.foundation.records.subjects import find_subjects

    found: dict[int, tuple[Subject, ...]] = {}
    for kind in datamap.people().values():
        if kind.store not in records.stores or not set(known.values()) - found.keys():
            continue
        for number, key in _met(records, keyring, kind, known):
            if number not in found:
                text = ",".join(map(str, key))
                try:
                    found[number] = find_subjects(records, datamap, [Identifier(Kind.ID, f"{kind.id}:{text}")])
                except PersonAmbiguous:
                    found[number] = ()
    return found


def _met(
    records: Records, keyring: Keyring, kind: PersonKind, known: Mapping[bytes, int]
) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The rows of a kind of person that one of the hashes leads to, by number and key."""
    own = {name: each.column for name, each in kind.identifiers.items() if each.table == kind.table}
    read = {name: column for name, column in own.items() if name in {"email", "phone"}}
    for at, row in enumerate(records.rows(kind.store, kind.table, [*kind.key, *read.values()])):
        if at >= PEOPLE:
            return
        key, values = tuple(row[: len(kind.key)]), row[len(kind.key) :]
        named = [(Kind(name), str(value)) for name, value in zip(read, values, strict=True) if value is not None]
        text = ",".join(map(str, key))
        for which, value in (*named, (Kind.ID, text), (Kind.ID, f"{kind.id}:{text}")):
            try:
                hashed = people.hash_of(keyring, people.identifier(which, value))
            except PersonError:
                continue
            if hashed in known:
                yield known[hashed], key
                break


def _hashes(tx: Connection, numbers: set[int]) -> dict[bytes, int]:
    rows = select(identifiers.c.hash, identifiers.c.person).where(
        identifiers.c.person.in_(numbers), identifiers.c.until.is_(None)
    )
    return {bytes(row.hash): row.person for row in tx.execute(rows)}


def _rows_before(
    records: Records, datamap: DataMap, subjects: Sequence[Subject], made_at: dt.datetime
) -> Iterator[tuple[tuple[str, str], int]]:
    """By store and table: how many rows lead to them and were made before that moment, where the table says when.

    The table of people themselves needs no time: who asked stood in it. Tables with roles are left out, since their
    map may keep rows from a copy.
    """
    from troth.foundation.records.keys import BoundKeys
    from troth.foundation.records.reach import Reach

    for store in records.stores:
        reach = Reach.compile(datamap, records.catalogue(store))
        keys = BoundKeys(subjects)
        mine = {each.kind.table for each in subjects if each.kind.store == store and each.key}
        for reached in reach.tables:
            table = reached.table
            columns = [reached.column(name) for name in reached.seen.columns]
            copied = any(each.personal and each.copy is Copying.YES and each.link is None for each in columns)
            if table.whose is None or table.shared or not copied:
                continue
            yield (store, table.name), _count(records, reach, reached, keys, None if table.name in mine else made_at)


def _count(records: Records, reach: Reach, reached: ReachedTable, keys: Keys, before: dt.datetime | None) -> int:
    import sqlalchemy

    from troth.foundation.records import passing

    statement = sqlalchemy.select(sqlalchemy.func.count()).select_from(reached.core).where(reach.whose(reached, keys))
    if before is not None:
        seen = reached.seen.columns
        made = [name for name in reached.table.starts.values() if name in seen] or [n for n in seen if _MADE.search(n)]
        if not made:
            return 0
        column = reached.core.c[made[0]]
        statement = statement.where(passing.before(column, seen[made[0]], before, records.kind(reach.store)[0]))
    return int(next(iter(records.execute(reach.store, statement)))[0])
