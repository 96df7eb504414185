"""What a copy is made of: the facts, the choices, and one `Holding` for each table in which rows are the person's.

Rows are an iterator that is read once, from the store to the file; nothing here keeps them. What has to be known of
all rows (how many, since when, until when) is counted while they pass (`Passing`), beside the few that the page shows.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from troth.foundation.records import instants
from troth.foundation.records.catalogue import ColumnKind
from troth.rights.facts import Facts, PeriodFact, PurposeFact

SHOWN = 50
"""Rows of one table that the page shows at most; all of them stand in the files beside it."""

SHOWN_IN_ALL = 3_000
"""Rows that the page shows at most in all, and then `SHOWN_LEAST` of each further table."""

SHOWN_LEAST = 5


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a holding, with what it means. `name` is the store's, `title` is for people to read."""

    name: str
    title: str
    kind: ColumnKind
    category: str | None = None
    label: str = ""
    source: str = ""
    purposes: tuple[PurposeFact, ...] = ()
    period: PeriodFact | None = None
    counts: bool = False  # the period of this table counts from the instant in this column
    shown: bool = True  # on the page; what only holds rows together stands in the files alone
    leads: bool = False  # to somebody: a key of theirs, or a label in its place


@dataclass(frozen=True, slots=True)
class Holding:
    """The person's rows of one table; of one role in it where several people share its rows.

    `section` is the number of the sentence under which the page shows it, empty for what the policy does not name.
    `redacted` is asked after the rows have been read: how many values were replaced because they were about others, by
    the rule of the map that said so.
    """

    store: str
    table: str
    role: str | None
    title: str
    fields: tuple[Field, ...]
    section: str
    rows: Iterator[tuple[Any, ...]] = field(repr=False)
    redacted: Callable[[], Mapping[str, int]] = dict

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.fields)


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that the person chose: about which purpose or ground, which word, when, by which way, in which words.

    `text` is what they agreed to, letter for letter, empty for a word that has none; `sentence` its number then.
    """

    kind: str
    about: str
    label: str
    word: str
    at: dt.datetime
    method: str
    text: str = ""
    sentence: str = ""
    text_sha256: str = ""
    policy_sha256: str = ""
    policy_updated: dt.date | None = None
    language: str = ""
    counts: bool = False  # it is the word that counts now


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of the person's under their rights."""

    number: str
    right: str
    received_at: dt.datetime
    state: str
    closed_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """One time that data of the person's were given to somebody (Art. 15(1)(c)); `kinds` are the kinds of data."""

    recipient: str
    purpose: str
    label: str
    reason: str
    at: dt.datetime
    kinds: tuple[str, ...]
    safeguard: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """All that one copy holds. `request` is the number of the request that it answers."""

    request: str
    made_at: dt.datetime
    language: str
    facts: Facts
    choices: tuple[Said, ...] = field(repr=False)
    asked: tuple[Asked, ...] = field(repr=False)
    holdings: Iterator[Holding] = field(repr=False)
    told: tuple[Told, ...] = field(default=(), repr=False)


@dataclass(slots=True)
class Passing:
    """What was seen of a holding's rows while they passed.

    `first` and `last` are the ends of the times at which they were made, as the first column of times says; `begun` are
    the ends of those from which the period counts.
    """

    holding: Holding
    show: int
    count: int = 0
    first: dt.datetime | None = None
    last: dt.datetime | None = None
    months: Counter[tuple[int, int]] = field(default_factory=Counter)
    shown: list[tuple[Any, ...]] = field(default_factory=list, repr=False)
    shapes: set[tuple[type, ...]] = field(default_factory=set)
    begun: list[dt.datetime] = field(default_factory=list)
    clock: int | None = None
    counting: int | None = None
    name: str = ""  # of the files, without folder and ending

    def __post_init__(self) -> None:
        counting = [i for i, each in enumerate(self.holding.fields) if each.counts]
        times = [i for i, each in enumerate(self.holding.fields) if each.kind is ColumnKind.TIME]
        self.counting = next(iter(counting), None)
        self.clock = next(iter([*times, *counting]), None)

    def watch(self, rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """The rows as they are, each counted on its way."""
        shapes, clock, counting = self.shapes, self.clock, self.counting
        for row in rows:
            self.count += 1
            if self.count <= self.show:
                self.shown.append(row)
            shape = tuple(map(type, row))
            if shape not in shapes:
                shapes.add(shape)
            if clock is not None:
                at = instants.read(row[clock])
                self._made(at)
                if counting is not None:
                    self._begun(at if counting == clock else instants.read(row[counting]))
            yield row

    def _made(self, at: dt.datetime | None) -> None:
        if at is None:
            return
        self.months[at.year, at.month] += 1
        if self.first is None or at < self.first:
            self.first = at
        if self.last is None or at > self.last:
            self.last = at

    def _begun(self, at: dt.datetime | None) -> None:
        if at is not None:
            self.begun = [min(at, *self.begun), max(at, *self.begun)] if self.begun else [at, at]

    def kinds(self) -> tuple[set[type], ...]:
        """The types of the values of each column, in all rows."""
        return tuple({shape[at] for shape in self.shapes} for at in range(len(self.holding.fields)))

    @property
    def categories(self) -> frozenset[str]:
        """The kinds of data that some row has a value of."""
        if not self.count:
            return frozenset()
        return frozenset(
            each.category
            for each, seen in zip(self.holding.fields, self.kinds(), strict=True)
            if each.category is not None and seen - {type(None)}
        )

    @property
    def until(self) -> tuple[dt.datetime, dt.datetime] | None:
        """When the first and the last of the rows have had their time; None where no period counts from them."""
        period = None if self.counting is None else self.holding.fields[self.counting].period
        if period is None or not self.begun:
            return None
        return period.keep.after(self.begun[0]), period.keep.after(self.begun[1])
