"""Read datamap.yaml into a `DataMap`, or tell everything that is wrong with it at once.

The words of paths are read by `pathreading`, those of `on_erasure` by `endreading`, columns by `columnreading`; what
only shows when the whole map is known (paths that lead nowhere, two people in a row without a rule) by `mapfaults`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from troth.policy import conditions, documents
from troth.policy.columnreading import read_columns
from troth.policy.datamap import (
    DataMap,
    DeleteRow,
    Files,
    IdentifierMap,
    Keys,
    Location,
    Normalising,
    Objects,
    OnErasure,
    PersonKind,
    Question,
    Role,
    RowEnd,
    StoreKind,
    StoreMap,
    TableMap,
    Use,
    Whose,
)
from troth.policy.documents import Document, Faults, Path_
from troth.policy.endreading import read_end
from troth.policy.entries import Entry, entry_of, known, name_of, shown
from troth.policy.mapfaults import find_faults
from troth.policy.pathreading import FORMS, Surroundings, normalised_as, read_identifier_place, read_whose

VERSION = 1
STORE_KEYS = ("connect", "kind", "person", "tables", "collections", "on_erasure", "opendsr")
TABLE_KEYS = (
    "whose", "columns", "on_erasure", "delete", "personal", "why", "everyone", "shared", "uses", "starts", "archive",
    "keys", "objects", "files",
)  # fmt: skip
SCHEMES: Mapping[str, StoreKind] = MappingProxyType(
    {
        "postgresql": StoreKind.POSTGRESQL,
        "postgres": StoreKind.POSTGRESQL,
        "mysql": StoreKind.MARIADB,
        "mariadb": StoreKind.MARIADB,
        "sqlite": StoreKind.SQLITE,
        "redis": StoreKind.VALKEY,
        "rediss": StoreKind.VALKEY,
        "valkey": StoreKind.VALKEY,
        "mongodb": StoreKind.MONGODB,
        "s3": StoreKind.OBJECTS,
        "file": StoreKind.FILES,
    }
)
_SCHEME = re.compile(r"([a-z][a-z0-9]*)(?:\+[a-z0-9_]+)?:")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LITERAL_SECRET = re.compile(r"://[^/@]*:([^@]*)@|[?&](?:password|passwd|pwd|secret|token)=([^&]*)", re.IGNORECASE)


def read(path: Path) -> DataMap:
    """Read the data map at `path`.

    Raises UnreadableFile (missing, binary, too large, empty) or DeclarationFaults with every fault of the file.
    """
    return parse(documents.read_bytes(path), path.name)


def parse(data: bytes, file: str = "datamap.yaml") -> DataMap:
    """Read a data map from its bytes; see `read`."""
    document = documents.load(data, file)
    faults = Faults(document)
    datamap = _Reader(document, faults).datamap(hashlib.sha256(data).hexdigest())
    if not faults.found:
        find_faults(datamap, faults)
    faults.raise_if_any()
    return datamap


class _Reader:
    def __init__(self, document: Document, faults: Faults) -> None:
        self.document = document
        self.faults = faults
        self.people: dict[str, PersonKind] = {}

    def datamap(self, sha256: str) -> DataMap:
        root = entry_of(self.document.value, self.faults, (), expected="troth: 1, then stores:")
        root = root or Entry(self.faults, (), {})
        root.only("troth", "stores", "questions", thing="a data map")
        if root.value.get("troth") != VERSION:
            root.add(
                f"{shown(root.value.get('troth'))} is no version this troth reads.",
                key="troth",
                expected=f"troth: {VERSION}",
            )
        entries = {
            name: entry
            for name, value, path in root.entries("stores", expected="the stores by name")
            if (entry := entry_of(value, self.faults, path, expected="connect, person, tables"))
        }
        if "stores" not in root:
            root.add("`stores` is missing.", expected="stores: {shop: {connect: ..., person: ..., tables: ...}}")
        for name, entry in entries.items():  # all kinds of people first: a path may name one of another store
            self._people(name, entry)
        stores = {name: self._store(name, entry) for name, entry in entries.items()}
        questions = self._questions(root, tuple(stores))
        return DataMap(self.document.file, MappingProxyType(stores), questions, sha256)

    def _questions(self, root: Entry, stores: tuple[str, ...]) -> tuple[Question, ...]:
        value = root.value.get("questions")
        if value is None:
            return ()
        if not isinstance(value, list):
            root.add(
                "questions is a list.", key="questions", expected="- {store: shop, about: ..., ask: ..., answer: }"
            )
            return ()
        found = []
        for at, each in enumerate(value):
            entry = entry_of(each, self.faults, ("questions", at), expected="store, about, ask, answer")
            if entry is None:
                continue
            entry.only("store", "about", "ask", "answer", thing="a question")
            store = entry.text("store") or (stores[0] if len(stores) == 1 else None)
            if store is None:
                entry.add("it is not said which store this is about.", expected=f"store: one of {', '.join(stores)}")
            elif known(store, stores, "store of this map", self.faults, (*entry.path, "store")):
                answer = entry.value.get("answer")
                said = None if answer is None or answer == "" else str(answer)
                ask = entry.text("ask", required="ask: the question") or ""
                found.append(Question(store, entry.text("about") or "", ask, said, self.document.place(entry.path)[0]))
        return tuple(found)

    # --- stores and people ------------------------------------------------------------------------------------------

    def _people(self, store: str, entry: Entry) -> None:
        tables = tuple(self._tables_of(entry))
        for name, value, path in entry.entries("person", expected="person: {customer: {table: users, key: id}}"):
            kind = entry_of(value, self.faults, path, expected="table, key, identifiers")
            if kind is None:
                continue
            kind.only("table", "key", "identifiers", thing="a kind of person")
            table = kind.name("table", required="table: the table with one row for each person")
            key = kind.names("key", required="key: the column that tells people apart")
            if table is None or not known(
                table, tables, "table of this store in the map", self.faults, (*path, "table")
            ):
                continue
            identifiers = {
                each: found
                for each, place, at in kind.entries("identifiers", expected="identifiers: {email: column}")
                if (found := self._identifier(each, place, at, table, tables))
            }
            line = self.document.key_place(path)[0]
            made = PersonKind(store, name, table, key, MappingProxyType(identifiers), line)
            self.people[made.id] = made

    def _identifier(
        self, name: str, value: Any, path: Path_, table: str, tables: tuple[str, ...]
    ) -> IdentifierMap | None:
        normalise: tuple[Normalising, ...] | None = None
        if isinstance(value, dict):
            entry = Entry(self.faults, path, value)
            entry.only("column", "normalise", thing="an identifier")
            value = entry.value.get("column")
            normalise = entry.words("normalise", Normalising, "a way to even out")
        column = name_of(value, self.faults, path)
        if column is None:
            return None
        try:
            place = read_identifier_place(column, table, tables)
        except ValueError as problem:
            self.faults.add(path, "this place cannot be read.", expected=str(problem))
            return None
        return IdentifierMap(name, *place, normalised_as(name) if normalise is None else normalise)

    def _tables_of(self, entry: Entry) -> dict[str, tuple[Any, Path_]]:
        return {
            name: (value, path)
            for word in ("tables", "collections")
            for name, value, path in entry.entries(word, expected="the tables by name")
        }

    def _store(self, name: str, entry: Entry) -> StoreMap:
        entry.only(*STORE_KEYS, thing="a store")
        processor = entry.text("opendsr")
        connect = entry.text("connect", required=None if processor else "connect: ${SHOP_DATABASE_URL}")
        if processor and connect:
            entry.add("a processor is asked by `opendsr`, a store by `connect`; not both.", expected="one of the two")
        kind = self._kind(entry, connect, processor)
        end = entry.entry("on_erasure", expected="{physical: yes}")
        if end:
            end.only("physical", thing="on_erasure of a store")
        tables = {}
        for table, (value, path) in self._tables_of(entry).items():
            if (
                made := entry_of(value, self.faults, path, expected="whose, columns, on_erasure; or personal: no")
            ) is not None:
                tables[table] = self._table(name, table, made, tuple(self._tables_of(entry)))
        if not tables and not processor and not entry.faults.found:
            entry.add("the store has no tables.", expected="tables: {users: {whose: {person: customer}, columns: ...}}")
        people = {kind.name: kind for kind in self.people.values() if kind.store == name}
        return StoreMap(
            name=name,
            kind=kind,
            connect=connect,
            people=MappingProxyType(people),
            tables=MappingProxyType(tables),
            physical=end.yes("physical", default=False) if end else False,
            processor=processor,
        )

    def _kind(self, entry: Entry, connect: str | None, processor: str | None) -> StoreKind:
        if processor:
            return StoreKind.PROCESSOR
        for match in _LITERAL_SECRET.finditer(connect or ""):
            secret = match[1] or match[2] or ""
            if secret and not _VARIABLE.fullmatch(secret):
                entry.add(
                    "a password stands in the file.",
                    key="connect",
                    expected="it in the environment, such as ${SHOP_PASSWORD}; the one written here is to be changed",
                )
        named = entry.word("kind", StoreKind, "a kind of store")
        scheme = _SCHEME.match(connect or "")
        if scheme is None:
            return named or StoreKind.UNKNOWN
        if not known(scheme[1], SCHEMES, "kind of store that troth reads", self.faults, (*entry.path, "connect")):
            return StoreKind.UNKNOWN
        return SCHEMES[scheme[1]]

    # --- tables and columns -----------------------------------------------------------------------------------------

    def _table(self, store: str, name: str, entry: Entry, tables: tuple[str, ...]) -> TableMap:
        entry.only(*TABLE_KEYS, thing="a table")
        location = self._location(entry)
        around = Surroundings(store, self.people, tables, location)
        columns = read_columns(entry, around)
        if not entry.yes("personal", default=True):
            for key in ("whose", "on_erasure", "delete", "everyone", "shared", "uses", "archive"):
                if key in entry:
                    entry.add(
                        f"a table that is not personal has no `{key}`.", key=key, expected="personal: no, with why"
                    )
            for column in columns.values():
                if column.personal and column.category:
                    entry.add(
                        f"{column.name} is personal, and its table is not.", key="columns", expected="one of the two"
                    )
            return TableMap(store, name, False, entry.text("why"), columns=MappingProxyType(columns), location=location)
        whose: Whose | None = None
        roles: dict[str, Role] = {}
        if "whose" in entry:
            whose, roles = read_whose(entry.value["whose"], self.faults, (*entry.path, "whose"), around)
        else:
            entry.add(
                "it is not said whose the rows are.",
                expected=f"whose: {FORMS}; whose: unidentified where nothing leads to a person; or personal: no",
            )
        delete = entry.word("delete", RowEnd, "an end of a shared row")
        if delete is not None and not roles and not entry.faults.found:
            entry.add("`delete` is for rows that several people share by roles.", key="delete", expected="on_erasure")
        shared = entry.value.get("shared")
        if shared not in (None, "by-reference"):
            entry.add(f"{shown(shared)} is no way to share.", key="shared", expected="by-reference")
        end: OnErasure = DeleteRow()
        if "on_erasure" in entry:
            personal = [column.name for column in columns.values() if column.category]
            end = read_end(entry.value["on_erasure"], self.faults, (*entry.path, "on_erasure"), personal)
            if roles:
                entry.add(
                    "each role says for itself what happens.", key="on_erasure", expected="on_erasure inside the roles"
                )
        return TableMap(
            store=store,
            name=name,
            why=entry.text("why"),
            whose=whose,
            roles=MappingProxyType(roles),
            everyone=entry.parsed("everyone", conditions.parse),
            shared=shared == "by-reference",
            columns=MappingProxyType(columns),
            on_erasure=end,
            delete=(delete or RowEnd.WITH_LAST) if roles else None,
            uses=self._uses(entry),
            starts=self._starts(entry),
            archive=entry.text("archive"),
            location=location,
            line=self.document.place((*entry.path, "whose"))[0],
        )

    def _location(self, entry: Entry) -> Location | None:
        given = [(key, make) for key, make in (("keys", Keys), ("objects", Objects), ("files", Files)) if key in entry]
        if len(given) > 1:
            entry.add("keys, objects and files are three kinds of things.", expected="one of them")
        for key, make in given:
            pattern = entry.text(key, required=f'{key}: a pattern, such as "{key}/*"')
            return make(pattern) if pattern else None
        return None

    def _uses(self, entry: Entry) -> tuple[Use, ...]:
        value = entry.value.get("uses")
        if value is None:
            return ()
        parts = (
            [((*entry.path, "uses", at), each) for at, each in enumerate(value)]
            if isinstance(value, list)
            else [((*entry.path, "uses"), value)]
        )
        found = []
        for path, each in parts:
            use = entry_of(each, self.faults, path, expected="{purpose: marketing, at: sent_at}")
            if use is not None:
                use.only("purpose", "at", thing="a use")
                purpose = use.text("purpose", required="purpose: a purpose of the policy")
                at = use.name("at", required="at: the column with the time of the use")
                if purpose and at:
                    found.append(Use(purpose, at))
        return tuple(found)

    def _starts(self, entry: Entry) -> Mapping[str, str]:
        pairs = entry.entries("starts", expected="{order: placed_at}: the word of the policy, the column with the time")
        found = {word: column for word, value, path in pairs if (column := name_of(value, self.faults, path))}
        return MappingProxyType(found)
