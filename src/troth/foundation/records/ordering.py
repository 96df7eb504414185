"""In which order rows of several tables go or change, so that no rule of the store forbids it and no path is lost.

1. Rows are found before the rows, or the values, that lead to them are gone, be it by a rule of the store itself.
2. A row goes after the rows that point at it, or after their pointers are cut.
3. A table takes one UPDATE: its pointers are cut by the statement that changes its rows, where the order allows.
4. Where all that cannot be had, in this order: that statement is split in two; the keys of all rows to touch are
   *gathered* first, so that no path is needed any more; a pointer that may be NULL is *cut* first; a rule that can wait
   is *deferred* to the end of the transaction. What is left cannot be ordered, and says which rules stand against each
   other.

Facts in, facts out: no store, no SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

ROWS = "*"
"""Among the columns that an action reads of its own table: the rows themselves, too."""


class Deed(StrEnum):
    """What a step does to rows of its table."""

    CUT = "cut"  # pointers at rows that go become NULL
    DELETE = "delete"
    CHANGE = "change"


@dataclass(frozen=True, slots=True, order=True)
class Action:
    """One set-wise statement: what is done in which table."""

    table: str
    deed: Deed


@dataclass(frozen=True, slots=True)
class Pointer:
    """`columns` of `table` equal `at` of a row of `target`, from which rows go.

    `enforced`: a foreign key that refuses (NO ACTION, RESTRICT) or acts by itself (CASCADE). `deferrable` at the end
    of the transaction. `nullable`: the columns can be cut.
    """

    table: str
    columns: tuple[str, ...]
    target: str
    at: tuple[str, ...]
    nullable: bool
    deferrable: bool = False
    name: str | None = None

    def __str__(self) -> str:
        named = f"{self.name}: " if self.name else ""
        return f"{named}{self.table}.{', '.join(self.columns)} > {self.target}.{', '.join(self.at)}"


@dataclass(frozen=True, slots=True)
class Work:
    """All that is to be done in one store.

    `reads[action]`: the tables whose rows its condition looks at, each with the columns looked at; its own table
    stands there with the columns that say whose a row is, and ROWS where rows of it hang on others of it.
    `writes[action]`: the columns that it changes. `pointers`: those that must not be left pointing at a row that went.
    `gatherable`: tables whose rows have a key to be gathered by.
    """

    reads: Mapping[Action, Mapping[str, frozenset[str]]]
    writes: Mapping[Action, frozenset[str]]
    pointers: tuple[Pointer, ...] = ()
    gatherable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Order:
    """`actions` in order; keys of `gathered` tables are taken before the first of them.

    Pointers of `joined` tables are cut by the statement that changes them. `stuck` is empty, or holds the pointers, and
    `lost` the tables, for which there is no order at all.
    """

    actions: tuple[Action, ...]
    gathered: frozenset[str] = frozenset()
    cut: tuple[Pointer, ...] = ()
    deferred: tuple[Pointer, ...] = ()
    stuck: tuple[Pointer, ...] = ()
    lost: frozenset[str] = frozenset()
    joined: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Edge:
    """`first` comes before `then`: for the rule of `pointer`, else because it looks for rows of the table `of`."""

    first: Action
    then: Action
    pointer: Pointer | None = None
    of: str = ""


@dataclass(slots=True)
class _State:
    work: Work
    by_store: Sequence[Pointer] = ()
    gathered: set[str] = field(default_factory=set)
    cut: list[Pointer] = field(default_factory=list)
    deferred: list[Pointer] = field(default_factory=list)
    split: set[str] = field(default_factory=set)

    def actions(self) -> list[Action]:
        return sorted({*self.work.writes, *(self.cutting(pointer.table) for pointer in self.cut)})

    def cutting(self, table: str) -> Action:
        """The action that cuts the pointers of `table`."""
        change = Action(table, Deed.CHANGE)
        return change if change in self.work.writes and table not in self.split else Action(table, Deed.CUT)

    def joined(self) -> frozenset[str]:
        return frozenset(each.table for each in self.cut if self.cutting(each.table).deed is Deed.CHANGE)

    def written(self, action: Action) -> frozenset[str]:
        found = set(self.work.writes.get(action, frozenset()))
        if action.deed is not Deed.DELETE and action == self.cutting(action.table):
            found.update(name for pointer in self.cut if pointer.table == action.table for name in pointer.columns)
        return frozenset(found)

    def edges(self) -> list[_Edge]:
        actions = self.actions()
        return [*self._paths(actions), *self._pointers(frozenset(actions))]

    def _paths(self, actions: Sequence[Action]) -> Iterable[_Edge]:
        for reader, of, read in self._readers():
            if of in self.gathered:
                continue
            for writer in actions:
                if writer != reader and (self._takes(reader, writer, read) or self._lets_go(writer, read)):
                    yield _Edge(reader, writer, of=of)
        for action in actions:  # rows that go need no change
            goes = Action(action.table, Deed.DELETE)
            if action.deed is Deed.CHANGE and goes in actions and action.table not in self.gathered:
                yield _Edge(goes, action, of=action.table)

    def _takes(self, reader: Action, writer: Action, read: Mapping[str, frozenset[str]]) -> bool:
        """Whether `writer` takes rows or values away that are looked at."""
        if writer.table not in read:
            return False
        removes = writer.deed is Deed.DELETE and (writer.table != reader.table or ROWS in read[writer.table])
        return removes or bool(self.written(writer) & read[writer.table])

    def _lets_go(self, writer: Action, read: Mapping[str, frozenset[str]]) -> bool:
        """Whether the store takes values away that are looked at, when rows go to which they point."""
        return writer.deed is Deed.DELETE and any(
            set(each.columns) & read.get(each.table, frozenset())
            for each in self.by_store
            if each.target == writer.table
        )

    def _readers(self) -> Iterable[tuple[Action, str, Mapping[str, frozenset[str]]]]:
        """Each action with the table whose rows it looks for, and what it reads to find them."""
        for reader, read in self.work.reads.items():
            yield reader, reader.table, read
        for pointer in self.cut:
            read = self.work.reads.get(Action(pointer.target, Deed.DELETE), {})
            yield self.cutting(pointer.table), pointer.target, read

    def _pointers(self, actions: frozenset[Action]) -> Iterable[_Edge]:
        for pointer in self.work.pointers:
            goes = Action(pointer.target, Deed.DELETE)
            if goes not in actions or pointer in self.deferred:
                continue
            if pointer in self.cut:
                yield _Edge(self.cutting(pointer.table), goes, pointer)
                continue
            for deed in (Deed.DELETE, Deed.CHANGE):
                action = Action(pointer.table, deed)
                touches = deed is Deed.DELETE or bool(self.written(action) & set(pointer.columns))
                if action in actions and action != goes and touches:
                    yield _Edge(action, goes, pointer)


def put_in_order(work: Work, cut: Iterable[Pointer] = (), by_store: Iterable[Pointer] = ()) -> Order:
    """The order of all actions of `work`; `cut` are pointers that are cut in any case.

    `by_store`: pointers that the store cuts by itself when the rows go to which they point: who looks for rows by them
    comes before. Where it may be, the rows that have them go first, which saves it the work.
    """
    state = _State(work, tuple(dict.fromkeys(by_store)), cut=list(dict.fromkeys(cut)))
    while True:
        edges = state.edges()
        circle = _circle(state.actions(), edges)
        if circle is None:
            break
        within = [edge for edge in edges if edge.first in circle and edge.then in circle]
        if not _loosened(state, within):
            stuck = tuple(dict.fromkeys(edge.pointer for edge in within if edge.pointer))
            lost = frozenset(edge.of for edge in within if edge.pointer is None)
            return Order((), frozenset(state.gathered), tuple(state.cut), tuple(state.deferred), stuck, lost)
    for table in sorted(state.split):  # keys gathered since may have made it needless
        state.split.remove(table)
        if _circle(state.actions(), state.edges()) is not None:
            state.split.add(table)
    wishes = [_Edge(Action(each.table, Deed.DELETE), Action(each.target, Deed.DELETE), each) for each in state.by_store]
    actions = tuple(_sorted(state.actions(), state.edges(), wishes))
    gathered, cut, deferred = frozenset(state.gathered), tuple(state.cut), tuple(state.deferred)
    return Order(actions, gathered, cut, deferred, joined=state.joined())


def _loosened(state: _State, within: Sequence[_Edge]) -> bool:
    """Take one edge out of a circle in the cheapest way; False where there is none."""
    joined = state.joined() & {edge.first.table for edge in within if edge.first.deed is Deed.CHANGE}
    if joined:
        state.split.add(min(joined))
        return True
    for table in sorted({edge.of for edge in within if edge.pointer is None}):
        if table in state.work.gatherable:
            state.gathered.add(table)
            return True
    pointers = [edge.pointer for edge in within if edge.pointer is not None and edge.pointer not in state.cut]
    for pointer in pointers:
        if pointer.nullable:
            state.cut.append(pointer)
            return True
    for pointer in [edge.pointer for edge in within if edge.pointer is not None]:
        if pointer.deferrable:
            state.deferred.append(pointer)
            return True
    return False


def _circle(actions: Sequence[Action], edges: Sequence[_Edge]) -> frozenset[Action] | None:
    """A group of actions each of which would have to come before the others, or None."""
    after: dict[Action, list[Action]] = {action: [] for action in actions}
    for edge in edges:
        after[edge.first].append(edge.then)
    for start in actions:
        reached = _reachable(start, after)
        if start in reached:
            return frozenset(each for each in reached if start in _reachable(each, after))
    return None


def _reachable(start: Action, after: Mapping[Action, Sequence[Action]]) -> set[Action]:
    found: set[Action] = set()
    waiting = list(after[start])
    while waiting:
        action = waiting.pop()
        if action not in found:
            found.add(action)
            waiting.extend(after[action])
    return found


def _sorted(actions: Sequence[Action], edges: Sequence[_Edge], wishes: Sequence[_Edge]) -> list[Action]:
    """In an order that all `edges` allow, and `wishes` where it may be; cuts come early. The same for the same work."""
    left = list(actions)
    made: list[Action] = []
    while left:
        free = [each for each in left if not any(edge.then == each and edge.first in left for edge in edges)]
        later = {edge.then for edge in wishes if edge.first in left and edge.first != edge.then}
        chosen = min(free, key=lambda each: (each.deed is not Deed.CUT, each in later, actions.index(each)))
        left.remove(chosen)
        made.append(chosen)
    return made
