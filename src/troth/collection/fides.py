"""Read Fides dataset files into a first data map: collections, identities, references both ways, categories.

What the format says and a data map can say is taken over; what it leaves open (references to another dataset, fields
inside fields, categories that have no counterpart) becomes a question or a comment. Older files spell `fidesops_meta`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from troth.collection.mapwriting import DraftColumn, DraftQuestion, DraftStore, DraftTable, path_text, write_map
from troth.errors import DeclarationFaults, Fault
from troth.policy import documents
from troth.policy.documents import Document, Faults, Path_
from troth.policy.entries import Entry, entry_of
from troth.policy.vocabulary import CATEGORIES

_IDENTITIES = {"email": "email", "phone_number": "phone", "phone": "phone", "username": "username"}
_BY_FIDES: Mapping[str, str] = MappingProxyType(
    {category.fides: category.id for category in reversed(tuple(CATEGORIES.values()))}
    | {
        "user.name.first": "profile.name",
        "user.name.last": "profile.name",
        "user.contact.address": "contact.address",
        "user.contact.phone_number": "contact.phone",
        "user.contact.organization": "contact.organisation",
        "user.unique_id": "account.id",
        "user.unique_id.pseudonymous": "device.cookie",
        "user.device": "device.type",
        "user.device.cookie": "device.cookie",
        "user.behavior": "usage.interaction",
        "user.content": "communication.message",
        "user.content.private": "communication.message",
        "user.content.public": "content.authored",
        "user.account": "account.settings",
        "user.authorization": "account.password",
        "user.authorization.credentials": "account.password",
        "user.financial": "payment.bank_account",
        "user.financial.bank_account": "payment.bank_account",
        "user.payment": "transaction.payment_method",
        "user.government_id": "identity.national_id",
        "user.demographic": "identity.nationality",
        "user.location": "location.approximate",
        "user.health_and_medical": "health.record",
        "user.biometric": "biometric.template",
        "user.workplace": "work.employment",
        "user.job_title": "work.job_title",
        "user.contact": "contact.address",
        "user.telemetry": "usage.interaction",
        "user.sensor": "device.id",
        "user": "note.about",
    }
)
_HEAD = (
    "Where people's data is: taken over from Fides dataset files. Types and keys are read from the live stores;",
    "run `troth map --check` against them. Nothing runs on a store while one of its questions is open.",
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that equals a field of another collection. `outward`: rows there hang on rows here."""

    column: str
    dataset: str
    collection: str
    field: str
    outward: bool


@dataclass(frozen=True, slots=True)
class FieldSeen:
    """One field: its categories, whether it is a key, which identity it is, what it refers to."""

    name: str
    categories: tuple[str, ...]
    identity: str | None
    primary_key: bool
    typed: bool
    nested: bool
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection of one dataset."""

    dataset: str
    name: str
    fields: tuple[FieldSeen, ...]
    skipped: bool

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.fields if each.primary_key)

    @property
    def identities(self) -> dict[str, str]:
        return {_IDENTITIES[each.identity]: each.name for each in self.fields if each.identity in _IDENTITIES}


@dataclass(slots=True)
class _Notes:
    """What could not be taken over as it was."""

    untyped: int = 0
    questions: list[DraftQuestion] = field(default_factory=list)


def import_datasets(data: bytes, file: str) -> str:
    """The text of a datamap.yaml for the datasets in `data`.

    Raises UnreadableFile, or DeclarationFaults where it is no dataset file.
    """
    document = documents.load(data, file)
    faults = Faults(document)
    datasets = dict(_datasets(document, faults))
    if not datasets and not faults.found:
        raise DeclarationFaults(
            [Fault(file, 1, 1, "", "there is no dataset here.", "dataset: [{fides_key: ..., collections: [...]}]")]
        )
    faults.raise_if_any()
    notes = _Notes()
    stores = [_store(name, collections, notes) for name, collections in datasets.items()]
    head = list(_HEAD)
    if notes.untyped:
        head.append(f"Fields without a data_type there: {notes.untyped}; the live store's own type counts.")
    return write_map(head, notes.questions, stores)


# --- reading ----------------------------------------------------------------------------------------------------------


def _datasets(document: Document, faults: Faults) -> Iterator[tuple[str, tuple[Collection, ...]]]:
    root = document.value
    listed = root.get("dataset") if isinstance(root, dict) else None
    if isinstance(listed, dict):
        listed = [listed]
    for at, value in enumerate(listed if isinstance(listed, list) else []):
        path: Path_ = ("dataset", at)
        entry = entry_of(value, faults, path, expected="fides_key, collections")
        if entry is None:
            continue
        key = entry.text("fides_key", required="fides_key: the name of the dataset")
        collections = tuple(_collections(entry, key or ""))
        if key:
            yield key, collections


def _collections(dataset: Entry, key: str) -> Iterator[Collection]:
    for at, value in _items(dataset, "collections"):
        entry = entry_of(value, dataset.faults, (*dataset.path, "collections", at), expected="name, fields")
        name = entry.name("name", required="name: the name of the collection") if entry else None
        if entry is not None and name:
            fields = tuple(_fields(entry, key))
            yield Collection(key, name, fields, bool(_meta(entry).get("skip_processing")))


def _fields(collection: Entry, dataset: str) -> Iterator[FieldSeen]:
    for at, value in _items(collection, "fields"):
        entry = entry_of(value, collection.faults, (*collection.path, "fields", at), expected="name, data_categories")
        name = entry.name("name", required="name: the name of the field") if entry else None
        if entry is None or not name:
            continue
        meta = _meta(entry)
        categories = entry.value.get("data_categories") or ()
        yield FieldSeen(
            name=name,
            categories=tuple(map(str, categories)) if isinstance(categories, list) else (),
            identity=str(meta["identity"]) if meta.get("identity") else None,
            primary_key=bool(meta.get("primary_key")),
            typed=bool(meta.get("data_type")),
            nested=bool(entry.value.get("fields")),
            references=tuple(_references(name, meta, dataset)),
        )


def _references(column: str, meta: Mapping[str, Any], dataset: str) -> Iterator[Reference]:
    listed = meta.get("references")
    for each in listed if isinstance(listed, list) else []:
        target = str(each.get("field", "")) if isinstance(each, dict) else ""
        collection, dot, name = target.partition(".")
        if dot and collection and name:
            outward = each.get("direction") == "to"
            yield Reference(column, str(each.get("dataset", dataset)), collection, name, outward)


def _meta(entry: Entry) -> dict[str, Any]:
    for word in ("fides_meta", "fidesops_meta"):
        value = entry.value.get(word)
        if isinstance(value, dict):
            return value
    return {}


def _items(entry: Entry, key: str) -> Iterator[tuple[int, Any]]:
    value = entry.value.get(key)
    if isinstance(value, list):
        yield from enumerate(value)
    elif value is not None:
        entry.add(f"{key} is a list.", key=key, expected=f"{key}: [{{name: ...}}]")


# --- writing ----------------------------------------------------------------------------------------------------------


def _store(name: str, collections: tuple[Collection, ...], notes: _Notes) -> DraftStore:
    by_name = {collection.name: collection for collection in collections}
    people = _people(collections)
    kinds = {
        table: {"table": table, "key": key[0] if len(key) == 1 else list(key)}
        | ({"identifiers": by_name[table].identities} if by_name[table].identities else {})
        for table, key in people.items()
    }
    paths = _paths(name, by_name, people)
    shared = {each.collection for c in collections for seen in c.fields for each in seen.references if each.outward}
    tables = [_table(by_name[each], paths.get(each), each in shared - people.keys(), notes) for each in by_name]
    pathless = [table.name for table in tables if table.facts.get("whose") == "unidentified"]
    if pathless:
        text = "No reference leads from these to a person. Whose are the rows?"
        notes.questions.append(DraftQuestion(name, ", ".join(pathless), text))
    elsewhere = dict.fromkeys(
        f"{collection.name}.{each.column} -> {each.dataset}.{each.collection}.{each.field}"
        for collection in collections
        for seen in collection.fields
        for each in seen.references
        if each.dataset != name
    )
    if elsewhere:
        text = (
            "References between datasets: people are joined across stores by identifiers alone. Which ones hold here?"
        )
        notes.questions.append(DraftQuestion(name, "; ".join(elsewhere), text))
    nested = [f"{c.name}.{each.name}" for c in collections for each in c.fields if each.nested]
    if nested:
        text = "Fields inside fields: which values in there are about people? Say the category of the whole column."
        notes.questions.append(DraftQuestion(name, ", ".join(nested), text))
    skipped = [collection.name for collection in collections if collection.skipped]
    if skipped:
        text = "Requests left these out there (skip_processing). Why? A copy and an erasure must leave nothing out."
        notes.questions.append(DraftQuestion(name, ", ".join(skipped), text))
    return DraftStore(name, f"${{{name.upper().replace('-', '_')}_DATABASE_URL}}", kinds, tables)


def _people(collections: tuple[Collection, ...]) -> dict[str, tuple[str, ...]]:
    """Collections with one row for each person: with an identity and a key that others refer to, or the only one."""
    candidates = [each for each in collections if each.identities and each.key]
    referred = {
        reference.collection
        for collection in collections
        for seen in collection.fields
        for reference in seen.references
        if not reference.outward and reference.collection != collection.name
    }
    chosen = [each for each in candidates if each.name in referred] or candidates[:1]
    return {each.name: each.key for each in chosen}


def _paths(store: str, collections: Mapping[str, Collection], people: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The path of each collection, nearest to a person first; in rounds, so that each hangs on one that has its own."""
    found: dict[str, Any] = {table: {"person": table} for table in people}
    steps = list(_steps(store, collections))
    while True:
        more: dict[str, Any] = {}
        for table, column, target, at in steps:
            if table in found or target not in found or table in more:
                continue
            if target in people and (at,) == people[target]:
                more[table] = {"by": column, "person": target} if len(people) > 1 else path_text([column])
            else:
                more[table] = path_text([column], target, None if (at,) == collections[target].key else at)
        if not more:
            break
        found |= more
    only = next(iter(people)) if people else None
    for collection in collections.values():
        for identifier, column in collection.identities.items():
            if collection.name not in found and only and identifier in collections[only].identities:
                person = {"person": only} if len(people) > 1 else {}
                found[collection.name] = {"match": column, "identifier": identifier} | person
    return found


def _steps(store: str, collections: Mapping[str, Collection]) -> Iterator[tuple[str, str, str, str]]:
    """(table, column, table it hangs on, column there) for every reference inside the dataset."""
    for collection in collections.values():
        for seen in collection.fields:
            for each in seen.references:
                if each.dataset != store or each.collection not in collections:
                    continue
                if each.outward:
                    yield each.collection, each.field, collection.name, each.column
                else:
                    yield collection.name, each.column, each.collection, each.field


def _table(collection: Collection, whose: Any, shared: bool, notes: _Notes) -> DraftTable:  # noqa: FBT001
    columns = []
    for seen in collection.fields:
        category = _category(seen.categories)
        notes.untyped += not seen.typed and category is not None
        if category is not None and not seen.primary_key:
            value: Any = category
            if category == "account.password":
                value = {"data": category, "copy": False, "why": "a credential"}
            columns.append(DraftColumn(seen.name, value, ", ".join(seen.categories)))
    if whose is None and not columns:
        return DraftTable(collection.name, {"personal": False})
    facts: dict[str, Any] = {"whose": "unidentified" if whose is None else whose}
    if shared and whose is not None:
        facts["shared"] = "by-reference"
    notes_of_facts = {"shared": "rows of people point here: one row may be several people's"}
    return DraftTable(collection.name, facts | {"on_erasure": "delete"}, columns, notes_of_facts)


def _category(keys: tuple[str, ...]) -> str | None:
    """Our category for the first of `keys` that has one: the key itself, else the nearest above it."""
    for key in keys:
        while key:
            if key in _BY_FIDES:
                return _BY_FIDES[key]
            key = key.rpartition(".")[0]  # noqa: PLW2901 - the way up
    return None
