"""Where people's data is, as declared: stores, who a person is in each, which rows are theirs, what happens to them.

Frozen facts without verbs. A row is reached by a *path* (`Whose`): a column that holds the person's key, another row
that is theirs, an identifier, a value inside JSON or text. Each form of path has a class of its own; who carries one
out ends with `assert_never`. A table shared by people has *roles*, each with its own path and its own end. A personal
table with neither holds data that lead to nobody (`whose: unidentified`, Art. 11): only periods apply to it. Names are
those of the store; a table outside its default schema is `schema.table`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from troth.policy.conditions import Condition
from troth.policy.periods import Duration
from troth.policy.vocabulary import Source

Value = str | int | float | bool | dt.date | None


class StoreKind(StrEnum):
    """What speaks at the other end of `connect`."""

    POSTGRESQL = "postgresql"
    MARIADB = "mariadb"
    SQLITE = "sqlite"
    VALKEY = "valkey"
    MONGODB = "mongodb"
    OBJECTS = "objects"
    FILES = "files"
    PROCESSOR = "processor"
    UNKNOWN = "unknown"  # the whole of `connect` comes from the environment; known when it is opened


class Normalising(StrEnum):
    """What is evened out before two identifiers are compared."""

    CASE = "case"
    SPACES = "spaces"
    UNDERSCORES = "underscores"


class Copying(StrEnum):
    """Whether a column or row stands in the copy that a person gets (Art. 15(3))."""

    YES = "yes"
    NO = "no"


class Others(StrEnum):
    """What a copy does with other people's data inside a value (Art. 15(4))."""

    REDACT = "redact"
    KEEP = "keep"
    ASK = "ask"


class RowEnd(StrEnum):
    """When a row that several people share goes."""

    WITH_LAST = "with-last"
    WITH_ANY = "with-any"
    NEVER = "never"


class ChangeTo(StrEnum):
    """What a column becomes on erasure."""

    NULL = "null"
    REDACT = "redact"
    PSEUDONYM = "pseudonym"
    STAND_IN = "stand-in"
    GENERALISE = "generalise"
    SHRED = "shred"
    CONSTANT = "constant"


@dataclass(frozen=True, slots=True)
class Place:
    """A table, or one column of it, in one store."""

    store: str
    table: str
    column: str | None = None

    def __str__(self) -> str:
        return f"{'.'.join(filter(None, (self.table, self.column)))} in {self.store}"


@dataclass(frozen=True, slots=True)
class IdentifierMap:
    """Where one identifier of a kind of person stands; `table` is the person's own or one with a path to it."""

    name: str
    table: str
    column: str
    normalise: tuple[Normalising, ...]


@dataclass(frozen=True, slots=True)
class PersonKind:
    """Who a person is in a store: a row of `table`, told apart by `key`. `id` is `store.name`, unique in the map."""

    store: str
    name: str
    table: str
    key: tuple[str, ...]
    identifiers: Mapping[str, IdentifierMap]
    line: int = field(default=0, compare=False, repr=False)

    @property
    def id(self) -> str:
        return f"{self.store}.{self.name}"


# --- paths: a row is theirs because ... -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnRow:
    """It is the person's own row. `person` here and below is the id of a PersonKind."""

    person: str


@dataclass(frozen=True, slots=True)
class ByKey:
    """`columns` hold the person's key. NULL matches nobody."""

    columns: tuple[str, ...]
    person: str
    where: Condition | None = None


@dataclass(frozen=True, slots=True)
class ByRow:
    """It hangs on a row that is theirs: `columns` equal `at` of a row of `table`.

    `at` is None where the map leaves it to the store: the columns that a foreign key names, else the primary key.
    With `at` the same form goes the other way, through a link table: `id > memberships.group_id`.
    """

    columns: tuple[str, ...]
    table: str
    at: tuple[str, ...] | None
    where: Condition | None = None


@dataclass(frozen=True, slots=True)
class ByIdentifier:
    """`column` holds an identifier of theirs, and no key: guest orders, mail logs, names as text."""

    column: str
    identifier: str
    person: str
    normalise: tuple[Normalising, ...]
    where: Condition | None = None


@dataclass(frozen=True, slots=True)
class InJson:
    """A value inside a JSON column is their key, or the `identifier` named. `keys` lead to it from the top."""

    column: str | None
    keys: tuple[str, ...]
    person: str
    identifier: str | None
    where: Condition | None = None


@dataclass(frozen=True, slots=True)
class InText:
    """Serialised text holds it: `before` + value + `after`, where the value is their key or the identifier named."""

    column: str
    before: str
    after: str
    person: str
    identifier: str | None
    where: Condition | None = None


@dataclass(frozen=True, slots=True)
class AnyPath:
    """Any one of several paths makes it theirs: a polymorphic link, an order by account or by guest address."""

    paths: tuple[SinglePath, ...]


SinglePath = OwnRow | ByKey | ByRow | ByIdentifier | InJson | InText
Whose = SinglePath | AnyPath


# --- what happens when they go ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """What one column becomes; `value` is the constant, `detail` how far to generalise."""

    to: ChangeTo
    value: Value = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Until:
    """Until when a row is kept: so long after the instant in `column`."""

    column: str
    period: Duration

    def __str__(self) -> str:
        return f"{self.column} + {self.period}"


@dataclass(frozen=True, slots=True)
class DeleteRow:
    """The row goes."""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """The row stays, with these columns changed and nothing of the person's kept."""

    change: Mapping[str, Change]


@dataclass(frozen=True, slots=True)
class KeepRow:
    """A law demands the row: `keep` (None: all columns) stays on this ground until then, `change` is cut at once."""

    keep: tuple[str, ...] | None
    ground: str
    until: Until
    change: Mapping[str, Change]


OnErasure = DeleteRow | ChangeRow | KeepRow


@dataclass(frozen=True, slots=True)
class Role:
    """One of several people in a row, with the path to them and what happens to the row when they go."""

    name: str
    path: Whose
    on_erasure: OnErasure
    copy: Copying = Copying.YES


# --- tables and columns -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """One column. Exactly one holds: `category` (personal), `link` (points at another person), not `personal`.

    `copies` names the column it repeats; it follows change and erasure of the original. `scan` is off where discovery
    must not look at values.
    """

    name: str
    category: str | None = None
    source: Source | None = None
    link: str | None = None
    personal: bool = True
    copy: Copying = Copying.YES
    others: Others | None = None
    copies: Place | None = None
    scan: bool = True
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """Each row is one use of that person's data for `purpose`, at the instant in column `at`."""

    purpose: str
    at: str


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of a key-value store that match a pattern."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects of a bucket, all versions; `{key}` stands for the person's key."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Files:
    """Files of a lake that match a pattern."""

    pattern: str


Location = Keys | Objects | Files


@dataclass(frozen=True, slots=True)
class TableMap:
    """One table (collection, group of keys, objects or files). A personal one has `whose` or `roles`, never both."""

    store: str
    name: str
    personal: bool = True
    why: str | None = None
    whose: Whose | None = None
    roles: Mapping[str, Role] = field(default_factory=lambda: MappingProxyType({}))
    everyone: Condition | None = None
    shared: bool = False
    columns: Mapping[str, ColumnMap] = field(default_factory=lambda: MappingProxyType({}))
    on_erasure: OnErasure = DeleteRow()
    delete: RowEnd | None = None
    uses: tuple[Use, ...] = ()
    starts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    archive: str | None = None  # the table of the same store to which rows move whose period ends in the archive
    location: Location | None = None
    line: int = field(default=0, compare=False, repr=False)  # where the file says whose its rows are

    @property
    def place(self) -> Place:
        return Place(self.store, self.name)

    def paths(self) -> Iterator[SinglePath]:
        """Every single path by which a row of this table can be somebody's."""
        for whose in (self.whose, *(role.path for role in self.roles.values())):
            if isinstance(whose, AnyPath):
                yield from whose.paths
            elif whose is not None:
                yield whose


@dataclass(frozen=True, slots=True)
class StoreMap:
    """One store. `connect` holds `${NAME}` where the environment has a secret; None for a processor."""

    name: str
    kind: StoreKind
    connect: str | None = field(repr=False)
    people: Mapping[str, PersonKind]
    tables: Mapping[str, TableMap]
    physical: bool = False
    processor: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What the author of a draft could not know; open until `answer` is written or the entry is taken out."""

    store: str
    about: str
    ask: str
    answer: str | None
    line: int = 0

    @property
    def open(self) -> bool:
        return self.answer is None


@dataclass(frozen=True, slots=True)
class DataMap:
    """A whole map. `sha256` is the hash of the file's bytes, which a named role approves before anything is erased."""

    file: str
    stores: Mapping[str, StoreMap]
    questions: tuple[Question, ...]
    sha256: str

    def people(self) -> Mapping[str, PersonKind]:
        """Every kind of person by its id, `shop.customer`."""
        return {kind.id: kind for store in self.stores.values() for kind in store.people.values()}

    def tables(self) -> Iterator[TableMap]:
        """Every table of every store, in the order of the file."""
        for store in self.stores.values():
            yield from store.tables.values()

    def columns(self) -> Iterator[tuple[Place, ColumnMap]]:
        """Every column that the map names, with its place."""
        for table in self.tables():
            for column in table.columns.values():
                yield Place(table.store, table.name, column.name), column

    def open_questions(self, store: str) -> tuple[Question, ...]:
        """The questions that keep anything from running on `store`."""
        return tuple(question for question in self.questions if question.store == store and question.open)
