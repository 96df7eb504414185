"""Draft a data map from a live database: who a person is, whose each row is, what each column holds, what to ask.

A draft decides nothing that only people can know. What it had to assume stands as a comment beside the line, what must
be answered first stands at the top as a question. It reads back as a data map without faults.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from troth.collection import discovery
from troth.collection.asking import questions_of
from troth.collection.discovery import ColumnFinding, Nature
from troth.collection.likely_keys import LikelyKey, believed_views, likely_keys, share_of
from troth.collection.mapwriting import DraftColumn, DraftStore, DraftTable, write_map
from troth.collection.ownership import Kind, Known, addresses_of, how, kinds_of_people, part_of, path_of
from troth.collection.relations import View
from troth.collection.words import Subject, words
from troth.errors import PlaceMissing
from troth.foundation.records.catalogue import ColumnKind, TableKind
from troth.policy.datamap import Place

if TYPE_CHECKING:
    from troth.foundation.records.reading import Records

_STARTS = {
    Subject.TRANSACTION: "order",
    Subject.TRACE: "visit",
    Subject.SEARCH: "visit",
    Subject.MESSAGE: "message",
    Subject.AUTHORED: "message",
}
_CREDENTIALS = ("account.password", "payment.card_code")
_MADE = "a materialised view: refresh it after an erasure, or the person stays in it"
_HEAD = (
    "Where people's data is: a first draft from the database itself. The comments say why each line is there.",
    "Nothing runs on a store while one of its questions is open: write the answer, or take the question out.",
)


def draft_map(address: str, *, name: str | None = None, variable: str | None = None) -> str:
    """The text of a first datamap.yaml for the database at `address`.

    The store is called `name` (the database's own name otherwise). `variable` is the environment variable that
    `connect` names; without it, the address of a file is written as it is. Reads, and never writes.
    Raises StoreUnreachable; PlaceMissing where the database has no tables.
    """
    from troth.foundation.records.reading import Records

    store = name or store_name(address)
    connect = f"${{{variable}}}" if variable else _connect(address, store)
    with Records.of_address(store, address) as records:
        return write_draft(gather(records, store), connect)


def gather(records: Records, store: str) -> Known:
    """Look at `store` once: keys, tables, columns, values."""
    catalogue = records.catalogue(store)
    if not any(table.holds_rows for table in catalogue.tables.values()):
        raise PlaceMissing("the database has no tables.", where=store, repair="Name the database that holds them.")
    keys = likely_keys(records, store)
    made = [name for name, table in catalogue.tables.items() if table.kind is TableKind.MATERIALISED]
    seen = {name: view for name, view in believed_views(catalogue, keys).items() if name not in made}
    found: dict[str, list[ColumnFinding]] = {name: [] for name in seen}
    for finding in discovery.judge(catalogue, discovery.look(records, store), seen):
        found[finding.place.table].append(finding)
    known = Known(store, seen, found, keys, made=tuple(made))
    return replace(known, addresses=_whose_addresses(records, known))


def _whose_addresses(records: Records, known: Known) -> dict[Place, LikelyKey]:
    own = [mails[0].place for name, view in known.views.items() if view.person and (mails := addresses_of(known, name))]
    if len(own) < 2:
        return {}
    best: dict[Place, LikelyKey] = {}
    for name, view in known.views.items():
        for finding in () if view.person or view.about else addresses_of(known, name):
            measured = [share_of(records, finding.place, place, fold=True) for place in own]
            most = max(measured, key=lambda each: each.share or 0.0)
            if most.share:
                best[finding.place] = most
    return best


def write_draft(known: Known, connect: str) -> str:
    """The draft of one store whose address `connect` stands for."""
    kinds = kinds_of_people(known)
    order = sorted(known.views.values(), key=lambda view: (not view.person, not _is_personal(known, view)))
    tables = [_table(known, view, kinds) for view in order]
    tables += [DraftTable(name, {"personal": False, "why": _MADE}, (), {}) for name in known.made]
    people = {kind.name: _person(kind) for kind in kinds.values()}
    questions = list(questions_of(known, kinds))
    return write_map(_HEAD, questions, [DraftStore(known.store, connect, people, tables)])


def store_name(address: str) -> str:
    """A name for the store at `address`: the database's own, as a plain word."""
    from troth.foundation.records.connectors import address_of

    database = address_of(address, {}, "store").database or "store"
    stem = re.sub(r"\.(?:db|sqlite3?|sqlite)\Z", "", database.rpartition("/")[2])
    return re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_") or "store"


def _connect(address: str, store: str) -> str:
    """`address` itself for a file; a variable for what has a host, and so a user and a password."""
    return address if address.startswith("sqlite:") else f"${{{store.upper()}_DATABASE_URL}}"


def _person(kind: Kind) -> dict[str, Any]:
    key: Any = kind.key[0] if len(kind.key) == 1 else list(kind.key)
    facts: dict[str, Any] = {"table": kind.table, "key": key}
    if kind.identifiers:
        facts["identifiers"] = dict(kind.identifiers)
    return facts


# --- tables -----------------------------------------------------------------------------------------------------------


def _is_personal(known: Known, view: View) -> bool:
    return view.person or view.about or bool(known.personal(view.table.name))


def _table(known: Known, view: View, kinds: Mapping[str, Kind]) -> DraftTable:
    path = path_of(known, view, kinds) if _is_personal(known, view) else part_of(known, view, kinds)
    if path is None:
        return _impersonal(known, view, kinds)
    facts = dict(path.facts)
    notes = {("shared" if "shared" in facts else "whose"): path.note}
    start = _start(view)
    if start:
        facts["starts"] = {_STARTS[view.subject]: start}
        notes["starts"] = "the time that a retention period counts from"
    if not path.roles:
        facts["on_erasure"] = "delete"
    columns = [*_columns(known, view, path.told), *_links(known, view, kinds, path.told)]
    order = {column: at for at, column in enumerate(view.table.columns)}
    columns.sort(key=lambda column: order[column.name])
    return DraftTable(view.table.name, facts, columns, notes)


def _impersonal(known: Known, view: View, kinds: Mapping[str, Kind]) -> DraftTable:
    facts: dict[str, Any] = {"personal": False}
    notes: dict[str, str] = {}
    unsure = [each for each in known.findings[view.table.name] if each.verdict is Nature.UNSURE]
    if unsure and view.subject is Subject.WORK:
        facts["why"] = "people of published works"
    elif unsure:
        facts["why"] = f"to be confirmed: {', '.join(str(each.place.column) for each in unsure)}"
        notes["why"] = unsure[0].evidence
    return DraftTable(view.table.name, facts, tuple(_links(known, view, kinds, frozenset())), notes)


def _start(view: View) -> str | None:
    if view.subject not in _STARTS or view.person:
        return None
    times = [name for name, column in view.table.columns.items() if column.kind is ColumnKind.TIME]
    kept = [
        name for name in times if not {"updated", "update", "modified", "deleted", "birth", "due"} & set(words(name))
    ]
    return next(iter(kept), None)


# --- columns ----------------------------------------------------------------------------------------------------------


def _columns(known: Known, view: View, told: frozenset[str]) -> Iterator[DraftColumn]:
    shared_people = len(view.owners) > 1
    for finding in known.findings[view.table.name]:
        column = finding.place.column or ""
        if finding.verdict is Nature.UNSURE and column not in told:
            note = f"perhaps {finding.category}: {finding.evidence}"
            yield DraftColumn(column, {"personal": False, "why": "to be confirmed"}, note)
        if finding.verdict is not Nature.PERSONAL or (column in told and finding.category == "transaction.purchase"):
            continue
        value: Any = finding.category
        if finding.category in _CREDENTIALS:
            value = {"data": finding.category, "copy": False, "why": "a credential"}
        elif shared_people and finding.category in ("communication.message", "content.authored"):
            value = {"data": finding.category, "others": "redact"}
        yield DraftColumn(column, value, finding.evidence)


def _links(known: Known, view: View, kinds: Mapping[str, Kind], told: frozenset[str]) -> Iterator[DraftColumn]:
    pointing = {each.place.column for each in known.findings[view.table.name] if each.verdict is Nature.LINK}
    for link in view.links:
        for column in link.columns:
            if column not in told and column in pointing:
                note = f"points at a person; {how(known, view.table.name, link)}"
                yield DraftColumn(column, {"link": kinds[link.table].name}, note)
