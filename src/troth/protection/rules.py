"""Which rows of which table end when: the policy's rules held against the data map and the live tables.

An eye and no deed: it says what should end, and touches nothing.

1. Every column with a category ends when all rules of that category have passed, each counted from the column that
   `starts:` names; a column that a law keeps on erasure (`until:`) also waits for that.
2. A row ends when all its columns have ended. A column that ends before its row becomes NULL, or is redacted.
3. Rows that are a person's own (an account) end as an erasure of that person does, with all that hangs on them; where
   such a row only changes on erasure, it changes so at the end of its time.
4. Rows that end in anonymity (`then: anonymise`) stay, and lose what the map's own `change:` names.
5. Rows that end in the archive (`then: archive`) move to the table that the map names under `archive:`. That one has a
   period of its own, which counts from the moment of the move (`after: archived`), or nothing moves.

Every fault is told at once, with the line of the map: a category without a rule, a rule without a column to count from.
What has a fault is left alone; the rest is carried out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from troth.foundation.records.catalogue import Catalogue, ColumnKind
from troth.foundation.records.catalogue import Table as TableSeen
from troth.foundation.records.ended import Archive, Passed, TableEnding
from troth.foundation.records.settings import REDACTED, Fixed, fit
from troth.policy.datamap import ChangeRow, ChangeTo, DataMap, KeepRow, OnErasure, Place, StoreMap, TableMap
from troth.policy.model import Policy
from troth.policy.retention import ARCHIVED, Rule, archives_of, holds_in, longer
from troth.policy.retention import rules as rules_of_policy

NO_RULE, NO_START, MISFIT = "no rule", "no start", "misfit"


@dataclass(frozen=True, slots=True)
class RuleFault:
    """One thing that keeps data from ending on time. `what` is NO_RULE, NO_START or MISFIT; `line` is the map's."""

    what: str
    where: Place
    message: str
    line: int


@dataclass(frozen=True, slots=True)
class StoreRules:
    """How everything ends in one store. `people`: tables that are people's own, and end as an erasure does."""

    store: str
    endings: tuple[TableEnding, ...]
    people: tuple[TableEnding, ...]
    faults: tuple[RuleFault, ...]


@dataclass
class _Column:
    """What one column waits for."""

    passed: tuple[Passed, ...]
    then: str
    rules: tuple[str, ...]


@dataclass
class _Found:
    faults: list[RuleFault] = field(default_factory=list)
    columns: dict[str, _Column] = field(default_factory=dict)


def store_rules(policy: Policy, datamap: DataMap, catalogue: Catalogue) -> StoreRules:
    """How the rows of one store end. Columns that the map does not name, or without a category, hold nothing back."""
    by_category: dict[str, list[Rule]] = {}
    for rule in rules_of_policy(policy):
        for category in rule.data:
            by_category.setdefault(category, []).append(rule)
    mapped = datamap.stores[catalogue.store]
    own = {kind.table for kind in mapped.people.values()}
    endings: list[TableEnding] = []
    people: list[TableEnding] = []
    faults: list[RuleFault] = []
    archives = archives_of(mapped)
    for table in sorted(mapped.tables.values(), key=lambda each: each.name not in archives):
        seen = catalogue.tables.get(table.name)
        if not table.personal or table.location is not None or seen is None or not seen.holds_rows:
            continue
        found = _columns(table, seen, by_category, archive=table.name in archives)
        faults += found.faults
        goes = table.name in own and not isinstance(table.on_erasure, ChangeRow)
        ending, more = _ending(table, seen, found, own=table.name in own, stays=table.name in own and not goes)
        if ending is not None and _moves(found):
            ended = {each.table for each in endings if each.row}
            ending, unfit = _to_archive(mapped, table, seen, catalogue, ending=ending, ended=ended)
            more += unfit
        faults += more
        if ending is not None:
            (people if goes else endings).append(ending)
    return StoreRules(catalogue.store, tuple(endings), tuple(people), tuple(faults))


def _columns(table: TableMap, seen: TableSeen, by_category: Mapping[str, list[Rule]], *, archive: bool) -> _Found:
    found = _Found()
    kept = _kept_until(table)
    for column in table.columns.values():
        if column.category is None or column.name not in seen.columns:
            continue
        rules = [rule for rule in by_category.get(column.category, []) if holds_in(rule, archive=archive)]
        where = Place(table.store, table.name, column.name)
        if not rules:
            message = f"holds {column.category}, for which no period is declared"
            found.faults.append(RuleFault(NO_RULE, where, message, table.line))
        passed: list[Passed] = []
        for rule in rules:
            start = table.starts.get(rule.after)
            if start is None or start not in seen.columns:
                message = f"holds {column.category}, and no column says when {rule.after.replace('-', ' ')} was"
                found.faults.append(RuleFault(NO_START, where, message, table.line))
            else:
                passed.append(Passed(start, rule.keep))
        whole = len(passed) == len(rules) and bool(rules)
        passed += [until for until, columns in kept if columns is None or column.name in columns]
        thens = {rule.then for rule in rules}
        then = next((word for word in ("archive", "anonymise") if word in thens), "delete")
        names = tuple(rule.id for rule in rules)
        found.columns[column.name] = _Column(_longest(passed) if whole else (), then, names)
    return found


def _kept_until(table: TableMap) -> list[tuple[Passed, tuple[str, ...] | None]]:
    said: list[OnErasure] = [role.on_erasure for role in table.roles.values()] or [table.on_erasure]
    return [(Passed(each.until.column, each.until.period), each.keep) for each in said if isinstance(each, KeepRow)]


def _longest(passed: list[Passed]) -> tuple[Passed, ...]:
    """One condition a column of times: the longest."""
    found: dict[str, Passed] = {}
    for each in passed:
        other = found.get(each.column)
        found[each.column] = each if other is None else Passed(each.column, longer(each.keep, other.keep))
    return tuple(sorted(found.values(), key=lambda each: each.column))


def _ending(
    table: TableMap, seen: TableSeen, found: _Found, *, own: bool, stays: bool
) -> tuple[TableEnding | None, list[RuleFault]]:
    if not found.columns:
        return None, []
    faults: list[RuleFault] = []
    whole = all(column.passed for column in found.columns.values())
    row = _longest([each for column in found.columns.values() for each in column.passed]) if whole else ()
    thens = {column.then for column in found.columns.values()}
    rules = tuple(dict.fromkeys(name for column in found.columns.values() for name in column.rules))
    anonymise = stays or ("anonymise" in thens and "archive" not in thens)
    settings: dict[str, Fixed] = {}
    if anonymise:
        settings = _cut(table, seen, faults)
        if not settings:
            return None, faults
    early = {} if own else dict(_early(table, seen, found, row, cut=settings, faults=faults))
    columns = {name: passed for name, (passed, _) in early.items()}
    settings |= {name: setting for name, (_, setting) in early.items()}
    if not row and not columns:
        return None, faults
    return TableEnding(
        table.name, row, MappingProxyType(columns), MappingProxyType(settings), anonymise and bool(row), rules
    ), faults


def _moves(found: _Found) -> bool:
    return any(column.then == "archive" for column in found.columns.values())


def _to_archive(
    mapped: StoreMap,
    table: TableMap,
    seen: TableSeen,
    catalogue: Catalogue,
    *,
    ending: TableEnding,
    ended: Collection[str],
) -> tuple[TableEnding | None, list[RuleFault]]:
    """The same ending with the archive where its rows go; none where there is none that fits, and why."""
    target = mapped.tables.get(table.archive or "")
    there = catalogue.tables.get(table.archive or "")
    names = tuple(name for name, column in seen.columns.items() if not column.computed)
    message = None
    if target is None:
        message = "its rows are to be archived, and the map does not say where: give it `archive: TABLE`"
    elif ending.anonymise:
        message = "its rows are a person's own, and only change: they cannot move to an archive"
    elif there is None or not there.holds_rows:
        message = f"the store has no table {table.archive} for its archive"
    elif not seen.primary_key:
        message = "its rows are to be archived, and it has no key by which they could be told apart"
    elif target.starts.get(ARCHIVED) not in there.columns:
        message = f"{target.name} does not say when a row was archived: give it `starts: {{archived: COLUMN}}`"
    elif target.name not in ended:
        message = f"rows of its archive {target.name} would never end: declare a period `after: archived`"
    elif missing := [name for name in names if name not in there.columns]:
        message = f"{target.name} lacks columns of it: {', '.join(missing)}"
    if message is not None or target is None:
        return None, [RuleFault(MISFIT, table.place, message or "", table.line)]
    return replace(ending, archive=Archive(target.name, names, target.starts[ARCHIVED])), []


def _early(
    table: TableMap,
    seen: TableSeen,
    found: _Found,
    row: tuple[Passed, ...],
    *,
    cut: Mapping[str, Fixed],
    faults: list[RuleFault],
) -> Iterator[tuple[str, tuple[tuple[Passed, ...], Fixed]]]:
    """The columns that end before their row does, each with what takes the place of its value."""
    counted_from = {passed.column for column in found.columns.values() for passed in column.passed}
    for name, column in found.columns.items():
        if not column.passed or column.passed == row or name in counted_from or name in cut or name in seen.primary_key:
            continue
        live = seen.columns[name]
        if live.nullable:
            yield name, (column.passed, Fixed(None))
        elif live.kind is ColumnKind.TEXT and not any(index.unique and name in index.columns for index in seen.indexes):
            yield name, (column.passed, Fixed(REDACTED))
        else:
            message = f"ends before its row ({' and '.join(map(str, column.passed))}), and NULL may not stand there"
            faults.append(RuleFault(MISFIT, Place(table.store, table.name, name), message, table.line))


_STAY_THEIRS = (ChangeTo.PSEUDONYM, ChangeTo.STAND_IN, ChangeTo.GENERALISE, ChangeTo.SHRED)


def _cut(table: TableMap, seen: TableSeen, faults: list[RuleFault]) -> dict[str, Fixed]:
    """What a row loses that stays without anybody: the map's own `change:`, if it leaves nothing of the value."""
    said: list[OnErasure] = [role.on_erasure for role in table.roles.values()] or [table.on_erasure]
    found: dict[str, Fixed] = {}
    for each in said:
        if not isinstance(each, ChangeRow):
            message = (
                "its rows are to become anonymous, and the map does not say how: give it `on_erasure: {change: ...}`"
            )
            faults.append(RuleFault(MISFIT, table.place, message, table.line))
            return {}
        for name, wanted in each.change.items():
            place = Place(table.store, table.name, name)
            if wanted.to in _STAY_THEIRS or name not in seen.columns:
                message = (
                    f"{wanted.to.value} makes no row anonymous at the end of its time; say null, redact or a constant"
                )
                faults.append(RuleFault(MISFIT, place, message, table.line))
                return {}
            try:
                setting = fit(wanted, seen.columns[name], seen)
            except ValueError as problem:
                faults.append(RuleFault(MISFIT, place, f"{wanted.to.value} does not fit: {problem}", table.line))
                return {}
            assert isinstance(setting, Fixed)
            found[name] = setting
    return found
