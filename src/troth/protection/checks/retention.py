"""Periods: no row outlives its own, each states its reason, and the public reads the same."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from troth.errors import PlaceMissing
from troth.foundation import crawling
from troth.foundation.proof import Applies, Check, Saw, Verdict, broken, check, counted, kept, unproven
from troth.policy import retention
from troth.policy.vocabulary import expand

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.foundation.records.instants import Times
    from troth.policy.conditions import Condition
    from troth.policy.datamap import Place, TableMap
    from troth.policy.model import Policy, RetentionPeriod, Sentence
    from troth.policy.retention import Rule

_REASON = re.compile(r"\b(depend|accord|based on|criteria|purpose|requirement)", re.IGNORECASE)
_ROW = "period-"
"""Ids of the rows of the published table begin so; the id of the period follows."""


def about(kind: str) -> Applies:
    """Of the sentences that stand over periods: the one that says how they are chosen, or the others."""

    def applies(sentence: Sentence, policy: Policy) -> bool:
        if not sentence.meaning.periods or sentence.sums:
            return False
        beside = [each for each in policy.sentences if each.clause_id == sentence.clause_id and not each.sums]
        choosing = [each for each in beside if _REASON.search(each.text)] or beside[-1:]
        return len(beside) == 1 or (sentence in choosing) == (kind == "choice")

    return applies


@check(
    id="protection.kept-too-long",
    promise="data are kept only for so long",
    applies=about("limit"),
    reference="GDPR Art. 5(1)(e)",
)
def kept_too_long(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """No row outlives the period that is declared for its kind of data.

    What it proves: in every table of the data map with data of a kind that has a period, no row is older than the
    period, counted from the column that `starts:` names; the longest of the period and the laws counts. Where troth
    ends data by a schedule, no row that was past its time when the last run began is left, and that run is no older
    than promised, nor than a month. Rows that a hold keeps or that a law lets stay (`until:`) do not count. Every kind
    of data that section 1 declares and a table holds has a period. Where time begins with the row (`visit`, `event`,
    `order`, `message`), none has no time, or one that is still to come.

    What it does not prove: backups, logs and exports outside the stores; rows whose time has not begun yet.

    Repair: let the period be carried out. Before: visits from 2023 under `keep: 13 months`.
    After: `troth retention run`, or `[retention] run = "daily 03:00"` in troth.toml.
    """
    tables = [table for table in seen.need_map().tables() if table.personal and _kinds(table)]
    records = seen.need_records()
    from troth.policy.datamap import Place

    saws: list[Saw] = []
    at = _judged_at(seen)
    for rule in _rules(seen, sentence):
        looked = _Looked()
        for table in tables:
            archive = table.name in retention.archives_of(seen.need_map().stores[table.store])
            if not (held := _kinds(table) & set(rule.data)) or not retention.holds_in(rule, archive=archive):
                continue
            column = table.starts.get(rule.after)
            if column is None:
                looked.unseen = True
                saws.append(_no_start(table, rule, sorted(held)))
                continue
            try:
                saws += _judge(seen, table, Place(table.store, table.name, column), rule, at=at, looked=looked)
            except PlaceMissing as problem:
                looked.unseen = True
                saws.append(
                    unproven(str(table.place), problem.message, repair="run `troth map --check`, then correct the map")
                )
        if looked.rows and not looked.late and not looked.unseen:
            saws.append(kept(rule.id, looked.told(rule)))
    saws += _without_period(seen, sentence, tables)
    if not saws:
        saws.append(
            unproven(", ".join(records.stores), "no row has begun to age", repair="look again when there are some")
        )
    yield from saws


@dataclass(slots=True)
class _Looked:
    """What was seen of one period so far."""

    tables: int = 0
    rows: int = 0
    late: int = 0
    held: int = 0
    oldest: dt.datetime | None = None
    unseen: bool = False

    def told(self, rule: Rule) -> str:
        seen = f"{counted(self.tables, 'table')}, {counted(self.rows, 'row')}"
        held = f"; {counted(self.held, 'row')} kept longer by a hold" if self.held else ""
        return f"{seen}, the oldest from {self.oldest:%Y-%m-%d}; none older than {rule.keep}{held}"


_MOST_LATE = dt.timedelta(days=32)
"""Who ends data once a month keeps a period; who does it once a year adds a year to it, whatever was promised."""


def _judged_at(seen: Observation) -> dt.datetime:
    """The moment by which rows are judged: the beginning of the last run, where the next is not due yet."""
    if seen.store is None:
        return seen.now
    from troth.protection import run_reading

    last = run_reading.last_done(seen.store)
    if last is None or last.due_at is None or last.overdue(seen.now):
        return seen.now
    return max(min(last.begun_at, seen.now), seen.now - _MOST_LATE)


def _judge(
    seen: Observation, table: TableMap, place: Place, rule: Rule, *, at: dt.datetime, looked: _Looked
) -> Iterator[Saw]:
    records = seen.need_records()
    conditions = _still_theirs(table, rule)
    times = records.times(place, *conditions)
    if times.unreadable:
        looked.unseen = True
        yield unproven(
            str(place),
            f"{counted(times.unreadable, 'row')} with no time that can be read",
            repair="name a column of times under `starts` in datamap.yaml",
        )
    if rule.after in _WITH_THE_ROW:
        yield from _timeless(seen, table, place, times, conditions, looked=looked)
    if times.oldest is None:
        return
    looked.tables += 1
    looked.rows += times.rows
    looked.oldest = min(times.oldest, looked.oldest or times.oldest)
    limit = rule.keep.before(at)
    if times.oldest < limit:
        counted_late = records.count_before(place, limit, *conditions)
        late, held = _late(seen, table, place, rule, at=at, counted_late=counted_late)
        looked.late += late
        looked.held += held
        if late:
            yield broken(
                str(table.place),
                f"{counted(late, 'row')} older than {rule.keep}; oldest from {times.oldest:%Y-%m-%d}",
                repair=_REPAIR,
            )


_WITH_THE_ROW = frozenset({"visit", "event", "order", "message"})
"""What a row is made by: unlike the end of something, its time has begun when the row is there."""

_AHEAD = dt.timedelta(days=1)


def _timeless(
    seen: Observation,
    table: TableMap,
    place: Place,
    times: Times,
    conditions: tuple[Condition, ...],
    *,
    looked: _Looked,
) -> Iterator[Saw]:
    """Rows that would never end, since their time is missing or still to come."""
    from troth.policy.conditions import Compare, Comparison

    column = place.column or ""
    repair = f"fill {column} with when the row was made; without it the row is never past its time"
    missing = seen.need_records().count(table.place, Compare(column, Comparison.NULL), *conditions)
    if missing:
        looked.unseen = True
        yield unproven(str(place), f"{counted(missing, 'row')} with no time at all", repair=repair)
    if times.newest is not None and times.newest > seen.now + _AHEAD:
        looked.unseen = True
        yield unproven(
            str(place), f"its newest row is of {times.newest:%Y-%m-%d}, which is still to come", repair=repair
        )


def _late(
    seen: Observation, table: TableMap, place: Place, rule: Rule, *, at: dt.datetime, counted_late: int
) -> tuple[int, int]:
    """Of the rows that are late, those that nothing excuses and those that a hold keeps."""
    from troth.errors import DeclarationFaults
    from troth.protection import late_rows

    try:
        found = late_rows.late(seen, table, rule, place.column or "", at)
    except DeclarationFaults:
        return counted_late, 0  # the map does not fit the tables: nothing is excused by it
    return min(counted_late, found.bare), found.held


_REPAIR = "run `troth retention plan`, then `troth retention run`"


def _still_theirs(table: TableMap, rule: Rule) -> tuple[Condition, ...]:
    """Where a period ends in anonymity, rows that are nobody's any more have done their duty."""
    from troth.policy.conditions import Compare, Comparison

    everyone = table.everyone
    if rule.then != "anonymise" or not isinstance(everyone, Compare) or everyone.comparison is not Comparison.NULL:
        return ()
    return (Compare(everyone.column, Comparison.NOT_NULL),)


def _no_start(table: TableMap, rule: Rule, held: list[str]) -> Saw:
    return unproven(
        str(table.place),
        f"holds {', '.join(held)}, and no column says when {rule.after.replace('-', ' ')} was",
        repair=f"add `starts: {{{rule.after}: ...}}` to the table in datamap.yaml",
    )


def _without_period(seen: Observation, sentence: Sentence, tables: list[TableMap]) -> Iterator[Saw]:
    """Kinds of data that are declared and stored, and that no period speaks of; undeclared ones section 1 tells."""
    covered = {category for _, period in _periods(sentence) for category in expand(period.data)}
    for category in sorted({kind for table in tables for kind in _kinds(table)} - covered):
        if category in seen.policy.collected:
            places = ", ".join(dict.fromkeys(str(table.place) for table in tables if category in _kinds(table)))
            yield broken(
                places,
                f"holds {category}, for which no period is declared",
                repair="add it to one of the `periods` in policy.yaml",
            )


def _kinds(table: TableMap) -> set[str]:
    return {column.category for column in table.columns.values() if column.category is not None}


def _rules(seen: Observation, sentence: Sentence) -> tuple[Rule, ...]:
    """What is carried out and shown of the sentence's periods."""
    own = {period_id for period_id, _ in _periods(sentence)}
    return tuple(rule for rule in retention.rules(seen.policy) if rule.period in own)


def _periods(sentence: Sentence) -> Iterator[tuple[str, RetentionPeriod]]:
    for name, period in sentence.meaning.periods.items():
        yield f"{sentence.clause_id}.{name}", period


@check(
    id="protection.period-without-reason",
    promise="how long depends on something",
    applies=about("choice"),
    reference="GDPR Art. 5(1)(e), 5(2), 13(2)(a)",
)
def period_without_reason(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Every period says why it is so long: a purpose in words, or a law that demands it.

    What it proves: each period has a reason in words (`why`), or names a listed statute that demands no less
    (`ground`).

    What it does not prove: that the reason is a good one.

    Repair: say it. Before: `{data: [usage.*], after: visit, keep: 13 months}`.
    After: `why: to compare a month with the same month a year before`.
    """
    fine = True
    statutes = seen.policy.statutes
    for period_id, period in _periods(sentence):
        statute = statutes.get(period.ground) if period.ground is not None else None
        fault = None
        if period.ground is not None and statute is None:
            fault = f'rests on the law "{period.ground}", which the policy does not list'
        elif statute is not None and statute.keep is not None:
            if period.keep.after(seen.now) > statute.keep.after(seen.now):
                fault = f"keeps for {period.keep}, and {statute.law} demands {statute.keep}"
        elif not (period.why or "").strip() and statute is None:
            fault = "gives no reason"
        if fault is not None:
            fine = False
            yield broken(
                period_id,
                fault,
                repair="add `why:`, or the `ground:` of a listed statute, to the period in policy.yaml",
            )
    if fine:
        yield kept(seen.policy.file, f"{counted(len(sentence.meaning.periods), 'period')}, each with its reason")


@check(
    id="protection.period-unpublished",
    promise="how long depends on something",
    applies=about("choice"),
    reference="GDPR Art. 13(2)(a); PIPL Art. 17(1)(2)",
    max_age=dt.timedelta(days=7),
)
def period_unpublished(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """The periods that the public reads are those that are kept to.

    What it proves: the published page has one visible row for each rule (a period, or what a law makes longer), with
    its length, and none besides. Where the page names the hash of its rules, it is that of these very rules; where
    troth ends data, the last run carried out the rules of that hash, too, or the next one is not late.

    What it does not prove: that people find the table.

    Repair: publish the page with its annexes, as `troth serve` does. Before: "as long as necessary".
    After: `<tr id="period-protection.retention.usage"><td>...</td><td>13 months</td>...`.
    """
    page = crawling.policy_page(seen)
    path = seen.need_site().policy
    rules = _rules(seen, sentence)
    shown = {each.removeprefix(_ROW) for each in page.ids if each.startswith(_ROW)}
    fine = True
    for rule in rules:
        row = page.text_of(_ROW + rule.id)
        cells = [cell.strip() for cell in row.split("|")] if row else []
        if str(rule.keep) in cells:
            continue
        fine = False
        said = "shows no row for it" if not cells else f"does not say {rule.keep}"
        yield broken(path, f"the page {said}: {rule.id}", repair="publish the page with its table of periods")
    for rule_id in sorted(shown - {rule.id for rule in retention.rules(seen.policy)}):
        fine = False
        yield broken(
            path,
            f"the page shows a period that the policy does not declare: {rule_id[:80]}",
            repair="declare it in section 3, or publish the page anew",
        )
    carried_out = ""
    for saw in _same_hash(seen, page.text_of(MARK)):
        fine = fine and saw.verdict is Verdict.KEPT
        carried_out = "; " + saw.detail
        if saw.verdict is not Verdict.KEPT:
            yield saw
    if fine:
        yield kept(path, f"{counted(len(rules), 'period')} declared, the same shown{carried_out}")


MARK = "periods-rules"
"""The id of the element that says which rules the published table was made from."""


def _same_hash(seen: Observation, said: str | None) -> Iterator[Saw]:
    """The hash on the page against that of the rules, and against that of the last run."""
    ours = retention.sha256(retention.rules(seen.policy))
    path = seen.need_site().policy
    if said is not None and said.strip() != ours[:16]:
        yield broken(path, "the page's table was made from other rules than these", repair="publish the page anew")
        return
    if seen.store is None:
        return
    from troth.protection import run_reading

    last = run_reading.last_done(seen.store)
    if last is None:
        return
    if last.rules_sha256 == ours:
        yield kept(path, f"the last run carried out the same rules ({ours[:16]})")
    elif last.due_at is not None and not last.overdue(seen.now):
        yield kept(path, f"the rules have changed since the last run; the next, by {last.due_at:%Y-%m-%d}, has them")
    else:
        yield unproven(
            last.name, "the last run carried out other rules than those published", repair="run `troth retention run`"
        )


CHECKS: tuple[Check, ...] = (kept_too_long, period_without_reason, period_unpublished)
