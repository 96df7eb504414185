"""How tables stand to people, as far as a schema shows it: who has a row of their own, whose rows the others are.

A *link* is a column that points at a person. It *owns* where the row is about that person (`orders.customer_id`), and
only mentions where somebody handled it (`created_by`, `support_rep_id`, `staff_id` beside `customer_id`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from troth.collection.lexicon import guess
from troth.collection.words import Subject, is_person_word, person_word, singular, subject_of, words
from troth.foundation.records.catalogue import Catalogue, ColumnKind, Table

IDENTIFYING = (
    "contact.email",
    "account.username",
    "account.password",
    "profile.name",
    "contact.phone",
    "identity.birth_date",
    "identity.national_id",
)
"""The categories that tell one person from others; a table that has some of them has people as rows."""

_HANDLING = frozenset(
    """
    created updated modified deleted approved reviewed assigned assignee closed resolved manager supervisor rep
    support reports handler editor edited last moderator moderated admin clerk operator locked published changed
    entered salesperson verified invited inviter invited referred referrer uploaded granted revoked issued processed
    cancelled canceled registered blocked banned by
    """.split()  # noqa: SIM905
)
_ACTING = _HANDLING | {"sent", "posted", "owned", "report", "reported"}
_STAFF = frozenset(
    """employee staff agent salesperson operator admin administrator manager clerk doctor nurse instructor teacher tutor
    moderator rep worker personnel mitarbeiter empleado""".split()  # noqa: SIM905
)
_KEY_WORDS = frozenset(
    ("id", "no", "number", "num", "nr", "key", "fk", "uuid", "guid", "ref", "code", "pk", "uid", "sk")
)
_WHEREABOUTS = frozenset(("location", "locations", "position", "positions", "waypoints", "checkins"))
_ROLE_WORDS = frozenset(
    """user author sender recipient receiver owner creator buyer seller follower followed followee friend poster
    commenter voter requester reporter assignee invitee inviter participant giver host guest payer payee borrower
    account person addressee subject actor donor winner loser blocker blocked muter muted""".split()  # noqa: SIM905
)
_ABOUT = frozenset(
    (
        Subject.TRANSACTION,
        Subject.MESSAGE,
        Subject.AUTHORED,
        Subject.TRACE,
        Subject.SEARCH,
        Subject.ADDRESS,
        Subject.PROFILE,
    )
)
_NEVER_PEOPLE = _ABOUT - {Subject.PROFILE} | {Subject.WORK, Subject.THING, Subject.ORGANISATION}


@dataclass(frozen=True, slots=True)
class Link:
    """Columns that point at a row of `table`; `declared` by a foreign key, or told from the name."""

    columns: tuple[str, ...]
    table: str
    target_columns: tuple[str, ...]
    declared: bool
    owns: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """One table as it stands to people. `person`: its rows are people. `about`: its rows hang on people.

    `links` point at people; `parents` at rows that themselves hang on people; `shared` are tables of people whose rows
    point here (one address, several customers).
    """

    table: Table
    subject: Subject
    person: bool = False
    about: bool = False
    links: tuple[Link, ...] = ()
    parents: tuple[Link, ...] = ()
    shared: tuple[Link, ...] = ()
    words: frozenset[str] = field(default_factory=frozenset)

    @property
    def owners(self) -> tuple[Link, ...]:
        return tuple(link for link in self.links if link.owns)

    @property
    def context(self) -> Subject:
        """The subject that names of columns are read by."""
        if self.person:
            return Subject.PERSON
        if (
            self.about
            and self.subject in (Subject.UNKNOWN, Subject.THING)
            and any(self.table.primary_key == link.columns or link.columns in self.table.unique for link in self.owners)
        ):
            return Subject.PROFILE
        if self.about and self.subject is Subject.THING and words(self.table.name)[-1] in _WHEREABOUTS:
            return Subject.TRACE
        if self.subject is Subject.PERSON:  # a name of people, but no row of theirs: members of a group, say
            return Subject.UNKNOWN
        return self.subject


def views(catalogue: Catalogue, denied: Collection[tuple[str, str]] = ()) -> dict[str, View]:
    """Every table that holds rows, by name. Columns `denied` (table, column) point nowhere, whatever their names."""
    tables = {name: table for name, table in catalogue.tables.items() if table.holds_rows}
    people = {name for name, table in tables.items() if _is_people(table)}
    found = {name: View(table, subject_of(name), person=name in people) for name, table in tables.items()}
    for name, view in found.items():
        links = (link for link in _links(view.table, people, tables) if not _is_denied(name, link, denied))
        found[name] = replace(view, links=tuple(links))
    for name, view in found.items():
        if (
            view.person
            and any(link.owns and _is_one_to_one(view.table, link) for link in view.links)
            and not _own_login(view.table)
        ):
            found[name] = replace(view, person=False)
    return _with_parents(found, tables, denied)


def is_key_like(column: str) -> bool:
    """Whether a name ends as keys do: `user_id`, `order_no`, `customerid`."""
    parts = words(column)
    return bool(parts) and parts[-1] in _KEY_WORDS


def _is_people(table: Table) -> bool:
    subject = subject_of(table.name)
    kinds = {
        said.category
        for name, column in table.columns.items()
        if column.kind is not ColumnKind.BOOLEAN
        and (said := guess(name, table.name, Subject.PERSON)) is not None
        and said.category in IDENTIFYING
        and (said.sure > 0.83 or said.category == "account.username")
    }
    if subject is Subject.PERSON:
        return bool(kinds)
    login = {"account.password"} <= kinds and bool(kinds & {"contact.email", "account.username"})
    if subject in _NEVER_PEOPLE:
        return login and subject is not Subject.TRACE and len(kinds) >= 4
    return login or (len(kinds) >= 3 and "profile.name" in kinds and bool(kinds & {"contact.email", "contact.phone"}))


def _own_login(table: Table) -> bool:
    said = {found.category for name in table.columns if (found := guess(name, table.name, Subject.PERSON)) is not None}
    return bool(said & {"contact.email", "account.username", "account.password"})


def _is_one_to_one(table: Table, link: Link) -> bool:
    return link.columns == table.primary_key or link.columns in table.unique


def _links(table: Table, people: set[str], tables: Mapping[str, Table]) -> Iterator[Link]:
    found: list[Link] = []
    taken: set[str] = set()
    for key in table.foreign_keys:
        if key.table in people:
            found.append(Link(key.columns, key.table, key.target_columns, True))
            taken.update(key.columns)
    declared = {column for key in table.foreign_keys for column in key.columns}
    for name, column in table.columns.items():
        if name in declared or (name,) == table.primary_key or column.kind in (ColumnKind.TIME, ColumnKind.BOOLEAN):
            continue
        same = (each for each in sorted(people) if tables[each].primary_key == (name,) and len(words(name)) > 1)
        target = next(same, None) or _pointed_at(name, table, people)
        if target is not None and len(tables[target].primary_key) == 1:
            found.append(Link((name,), target, tables[target].primary_key, False))
    owning = [replace(link, owns=_owns(link)) for link in found]
    served = any(link.owns and not is_staff(link.table) for link in owning)
    for link in owning:
        yield replace(link, owns=False) if served and is_staff(link.table) else link


def _pointed_at(column: str, table: Table, people: set[str]) -> str | None:
    """The table of people that a column of that name points at, without a foreign key that says so."""
    said = guess(column, table.name, Subject.PERSON)
    if said is not None and said.sure >= 0.8 and said.category != "account.username":  # `stripe_customer_id`
        return None
    parts = [singular(word) for word in words(column)]
    keyed = len(parts) > 1 and parts[-1] in _KEY_WORDS - {"code"}
    parts = parts[:-1] if keyed else parts
    handled = len(parts) > 1 and parts[-1] in ("by", "to") and parts[-2] in _ACTING
    bare = len(parts) == 1 and table.columns[column].kind in (ColumnKind.NUMBER, ColumnKind.UUID)
    if not keyed and not handled and not bare:
        return None
    named = {person_word(name) or singular(words(name)[-1]): name for name in sorted(people, reverse=True)}
    own = {singular(word) for word in words(table.name)}
    if parts[-1] in named:
        return named[parts[-1]]
    if bare and not keyed:  # `customer`, a number, and a table of customers
        return None
    telling = handled or parts[-1] in _ROLE_WORDS or is_person_word(parts[-1]) or parts[-1] in _HANDLING
    if not telling or (set(parts) <= own and not handled):
        return None
    for word in ("user", "account", "member", "customer", "employee", "person"):
        if word in named:
            return named[word]
    return next(iter(named.values())) if len(named) == 1 else None


def _owns(link: Link) -> bool:
    parts = {singular(word) for column in link.columns for word in words(column)} | {
        word for column in link.columns for word in words(column)
    }
    return not parts & _HANDLING


def is_staff(table: str) -> bool:
    """Whether a table of that name holds the company's own people."""
    return bool({singular(word) for word in words(table)} & _STAFF)


def _with_parents(
    found: dict[str, View], tables: Mapping[str, Table], denied: Collection[tuple[str, str]]
) -> dict[str, View]:
    for name, view in found.items():
        found[name] = replace(view, about=bool(view.owners), shared=tuple(_shared(name, found)))
    for name, view in found.items():
        if view.shared and (view.subject in _ABOUT) and not view.person:
            found[name] = replace(view, about=True)
    changed = True
    while changed:
        changed = False
        for name, view in found.items():
            if view.person or view.about or view.subject in (Subject.ORGANISATION, Subject.WORK):
                continue
            parents = (link for link in _parents(view.table, tables) if not _is_denied(name, link, denied))
            if any(found[link.table].about for link in parents):
                found[name] = replace(view, about=True)
                changed = True
    for name, view in found.items():
        if view.about:
            parents = (link for link in _parents(view.table, tables) if not _is_denied(name, link, denied))
            on = (link for link in parents if found[link.table].about and link.table != name)
            found[name] = replace(view, parents=tuple(on))
    for name, view in found.items():  # a part of an order is one, whatever it is called
        of_orders = any(found[link.table].subject is Subject.TRANSACTION for link in view.parents)
        if view.subject is Subject.UNKNOWN and of_orders and not view.owners:
            found[name] = replace(view, subject=Subject.TRANSACTION)
    return found


def _is_denied(table: str, link: Link, denied: Collection[tuple[str, str]]) -> bool:
    return not link.declared and any((table, column) in denied for column in link.columns)


def _parents(table: Table, tables: Mapping[str, Table]) -> Iterator[Link]:
    """Links to rows that this table's rows are parts of: declared, or told from `order_id` and a table of orders."""
    declared = {column for key in table.foreign_keys for column in key.columns}
    for key in table.foreign_keys:
        if key.table in tables:
            yield Link(key.columns, key.table, key.target_columns, True)
    by_word = {_last_words(name): name for name in sorted(tables, reverse=True) if len(tables[name].primary_key) == 1}
    for column in table.columns:
        parts = tuple(singular(word) for word in words(column))
        if column in declared or (column,) == table.primary_key or len(parts) < 2 or parts[-1] not in _KEY_WORDS:
            continue
        target = by_word.get(parts[:-1]) or by_word.get(parts[-2:-1])
        if target is not None and target != table.name:
            yield Link((column,), target, tables[target].primary_key, False)


def _last_words(table: str) -> tuple[str, ...]:
    return tuple(singular(word) for word in words(table.rpartition(".")[2]))


def _shared(name: str, found: Mapping[str, View]) -> Iterator[Link]:
    """Foreign keys of tables of people that point at `name`."""
    for other, view in found.items():
        if view.person and other != name:
            for key in view.table.foreign_keys:
                if key.table == name:
                    yield Link(key.columns, other, key.target_columns, True)
