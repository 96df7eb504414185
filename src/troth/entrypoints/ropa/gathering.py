"""Make the record of policy, data map, settings and registers. Pure: facts in, record out.

1. An activity is a family of purposes: what stands before the dot (`service` of `service.provide`).
2. What an activity says follows from what its purposes use: persons and stores by the map's columns, time limits by the
   rules that are carried out, recipients by their purpose.
3. What nobody declared is a gap that names file and line, never an empty place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from troth.entrypoints.ropa import gaps, owed
from troth.entrypoints.ropa.areas import Area, area_of
from troth.entrypoints.ropa.facts import Facts
from troth.entrypoints.ropa.record import (
    About,
    Activity,
    AssessmentLine,
    ControllerLine,
    Executed,
    LimitLine,
    MeasureLine,
    PurposeLine,
    RecipientLine,
    Record,
    StoreLine,
    TransferLine,
)
from troth.policy import retention
from troth.policy.datamap import ByIdentifier, ByKey, ByRow, DataMap, InJson, InText, OwnRow, TableMap
from troth.policy.model import DeclaredUse, Policy, Sentence, Statute
from troth.policy.recordkeeping import RecordSettings
from troth.policy.rendering.annexes import ENDS, SAFEGUARDS, protected_by, purpose_label
from troth.policy.sources import sources
from troth.policy.vocabulary import CATEGORIES, Channel, LegalBasis, Source
from troth.protection.impacts import criteria
from troth.sharing import recipients


@dataclass(frozen=True)
class Told:
    """Everything that the record is made of. `settings_line` is where `[record]` stands in troth.toml, if it does."""

    policy: Policy
    datamap: DataMap | None
    settings: RecordSettings
    facts: Facts
    today: dt.date
    map_file: str = "datamap.yaml"
    settings_line: int | None = None

    @cached_property
    def area(self) -> Area:
        return area_of(self.policy.laws, self.policy.controller.country)

    @cached_property
    def rules(self) -> tuple[retention.Rule, ...]:
        return retention.rules(self.policy)

    @cached_property
    def families(self) -> dict[str, tuple[DeclaredUse, ...]]:
        """The uses of each activity, in the order of the page."""
        found: dict[str, list[DeclaredUse]] = {}
        for use in self.policy.uses:
            found.setdefault(use.purpose.partition(".")[0], []).append(use)
        return {name: tuple(uses) for name, uses in found.items()}

    @cached_property
    def judged(self) -> dict[str, criteria.Judged]:
        return {each.purpose: each for each in criteria.judge(self.policy, self.facts.people)}

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        return sources(self.policy)


def gather(told: Told) -> Record:
    """The whole record; see the head of this module."""
    everyone = tuple(_recipients(told))
    activities = tuple(_activity(told, name, uses, everyone) for name, uses in told.families.items())
    made = Record(
        controller=_controller(told),
        activities=activities,
        recipients=everyone,
        limits=tuple(_limit(rule, told.policy) for rule in told.rules),
        executed=_executed(told),
        measures=tuple(_measures(told)),
        processing_for=told.settings.processing_for,
        third=f"outside {told.area.name}",
        gaps=(),
        about=_about(told),
    )
    return gaps.with_gaps(made, told)


def _activity(told: Told, name: str, uses: tuple[DeclaredUse, ...], everyone: tuple[RecipientLine, ...]) -> Activity:
    policy = told.policy
    purposes = tuple(dict.fromkeys(use.purpose for use in uses))
    data = tuple(dict.fromkeys(use.category for use in uses))
    bases = {use.basis for use in uses}
    tables = tuple(_tables(told.datamap, frozenset(data)))
    receiving = tuple(each for each in everyone if each.known.purpose in purposes)
    decided = told.settings.automated_decisions
    joint = told.settings.joint_controllers
    declared = {sentence.meaning.right for sentence in policy.sentences}
    return Activity(
        id=name,
        name=purpose_label(purposes[0]) if len(purposes) == 1 else _family_label(name, purposes),
        purposes=tuple(_purposes(policy, uses)),
        persons=_persons(told.datamap, tables),
        data=data,
        special=tuple(
            (each, told.settings.special_conditions.get(each))
            for each in data
            if each in CATEGORIES and CATEGORIES[each].special
        ),
        sources=tuple(_by_source(data, told.sources)),
        recipients=receiving,
        transfers=tuple(_transfers(receiving, told.area)),
        limits=tuple(
            _limit(rule, policy, only=frozenset(data)) for rule in told.rules if not set(rule.data).isdisjoint(data)
        ),
        stores=tuple(_store_line(told.datamap, table) for table in tables),
        assessments=tuple(_assessment(told, purpose) for purpose in purposes),
        rights=tuple(right for right in owed.rights(bases) if right in declared),
        withdrawal=LegalBasis.CONSENT in bases,
        decisions=None if decided is None else tuple(decided[each] for each in purposes if each in decided),
        joint=None if joint is None else tuple(j for j in joint if not j.purposes or set(j.purposes) & set(purposes)),
    )


def _family_label(name: str, purposes: tuple[str, ...]) -> str:
    return f"{name.replace('_', ' ').capitalize()} ({len(purposes)} purposes)"


def _purposes(policy: Policy, uses: tuple[DeclaredUse, ...]) -> Iterator[PurposeLine]:
    grouped: dict[tuple[str, LegalBasis | None, str | None], list[str]] = {}
    for use in uses:
        grouped.setdefault((use.purpose, use.basis, use.statute), []).append(use.number)
    tests = {
        purpose: paper.document
        for sentence in policy.sentences
        for purpose, paper in sentence.meaning.balance_tests.items()
    }
    for (purpose, basis, statute), numbers in grouped.items():
        yield PurposeLine(
            purpose,
            purpose_label(purpose),
            basis.value if basis else None,
            _law(policy.statutes.get(statute)) if statute else None,
            tests.get(purpose) if basis is LegalBasis.LEGITIMATE_INTERESTS else None,
            tuple(dict.fromkeys(numbers)),
        )


def _law(statute: Statute | None) -> str | None:
    return f"{statute.law}, {statute.article}" if statute else None


# --- from the map -------------------------------------------------------------------------------------------------


def _tables(datamap: DataMap | None, data: frozenset[str]) -> Iterator[TableMap]:
    for table in datamap.tables() if datamap else ():
        if table.personal and any(column.category in data for column in table.columns.values()):
            yield table


def _persons(datamap: DataMap | None, tables: tuple[TableMap, ...]) -> tuple[str, ...]:
    """The kinds of persons whom rows of these tables lead to, in words."""
    if datamap is None:
        return ()
    kinds = datamap.people()
    found: dict[str, None] = {}
    for table in tables:
        reached = tuple(_reached(datamap, table, frozenset()))
        for each in reached:
            found[kinds[each].name.replace("_", " ") if each in kinds else each] = None
        if not reached:
            found["people who are not identified (Art. 11)"] = None
    return tuple(found)


def _reached(datamap: DataMap, table: TableMap, seen: frozenset[str]) -> Iterator[str]:
    for path in table.paths():
        match path:
            case OwnRow() | ByKey() | ByIdentifier() | InJson() | InText():
                yield path.person
            case ByRow():
                other = datamap.stores[table.store].tables.get(path.table)
                if other is not None and path.table not in seen:
                    yield from _reached(datamap, other, seen | {table.name})


def _store_line(datamap: DataMap | None, table: TableMap) -> StoreLine:
    assert datamap is not None  # INVARIANT: a table comes from a map
    store = datamap.stores[table.store]
    return StoreLine(table.store, table.name, store.kind.value, store.processor)


# --- from the policy ----------------------------------------------------------------------------------------------


def _by_source(data: tuple[str, ...], sources: Mapping[str, Source]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for source in Source:
        found = tuple(each for each in data if sources.get(each) is source)
        if found:
            yield source.value, found


def _recipients(told: Told) -> Iterator[RecipientLine]:
    for each in recipients.register(told.policy):
        clause = told.policy.by_id.get(told.policy.by_number[each.number].clause_id)
        kind = (clause.cells[0] if clause and clause.cells else clause.label if clause else None) or each.clause
        yield RecipientLine(
            each.recipient,
            kind,
            each.categories,
            protected_by(each.safeguard, each.noise) or None,
            told.area.is_third(each.recipient.country),
            each.number,
        )


def _transfers(receiving: tuple[RecipientLine, ...], area: Area) -> Iterator[TransferLine]:
    for each in receiving:
        known, rests = each.known, each.known.transfer
        if each.third:
            yield TransferLine(
                known.name,
                known.country,
                rests.ground if rests else None,
                rests.document.document if rests and rests.document else None,
                rests.until if rests else None,
            )
        for below in known.sub_processors:
            if area.is_third(below.country):
                yield TransferLine(known.name, below.country, rests.ground if rests else None, None, None, below.name)


def _limit(rule: retention.Rule, policy: Policy, only: frozenset[str] | None = None) -> LimitLine:
    because = rule.why or "no reason declared"
    if rule.statute is not None:
        because = _law(policy.statutes.get(rule.statute)) or rule.statute
    data = tuple(each for each in rule.data if only is None or each in only)
    return LimitLine(rule.id, data, str(rule.keep), rule.after.replace("-", " "), ENDS[rule.then], because, rule.number)


def _executed(told: Told) -> Executed:
    run = told.facts.run
    return Executed(
        retention.mark(told.rules),
        run.name if run else None,
        run.begun_at if run else None,
        run is not None and run.rules_sha256 == retention.sha256(told.rules),
    )


def _controller(told: Told) -> ControllerLine:
    policy, settings = told.policy, told.settings
    ways = {s.meaning.channel: s.text for s in policy.sentences if s.meaning.channel is not None}
    rep = settings.representative
    named = f"{rep.name}, {rep.contact}" if rep else None
    if named is None and settings.no_representative:
        named = f"none: {settings.no_representative}"
    if named is None and not (told.area.representative and told.area.is_third(policy.controller.country)):
        named = f"not needed: established in {told.area.name}"
    return ControllerLine(
        policy.controller.name,
        policy.controller.country,
        tuple((channel.value, text) for channel, text in ways.items() if channel is not Channel.OFFICER),
        ways.get(Channel.OFFICER),
        named,
        settings.joint_controllers,
        settings.keeper,
    )


# --- from the registers -------------------------------------------------------------------------------------------


def _measures(told: Told) -> Iterator[MeasureLine]:
    report = told.facts.report
    seen = {each.number: each for each in report.sentences} if report else {}
    for sentence in told.policy.sentences:
        kind = _kind_of(sentence)
        if kind is None:
            continue
        judged = seen.get(sentence.number)
        newest = max(judged.evidence, key=lambda each: each.observed_at, default=None) if judged else None
        yield MeasureLine(
            sentence.number,
            sentence.text,
            kind,
            judged.verdict.value if judged else "unproven",
            newest.observed_at if newest else None,
            f"{newest.source}: {newest.detail} ({newest.grade.value})" if newest else "nothing was observed yet",
        )


def _kind_of(sentence: Sentence) -> str | None:
    if sentence.meaning.measure is not None:
        return sentence.meaning.measure.value
    return SAFEGUARDS[sentence.meaning.safeguard] if sentence.meaning.safeguard is not None else None


def _assessment(told: Told, purpose: str) -> AssessmentLine:
    judged, on_record = told.judged[purpose], told.facts.assessments.get(purpose)
    met = tuple(each.value for each in judged.met)
    if on_record is None:
        return AssessmentLine(purpose, judged.needed, met, None, None, None)
    return AssessmentLine(purpose, judged.needed, met, on_record.document, on_record.residual.value, on_record.review)


def _about(told: Told) -> About:
    facts, policy, datamap = told.facts, told.policy, told.datamap
    moments = chain(
        [facts.published.at] if facts.published else [],
        [facts.report.checked_at] if facts.report else [],
        [facts.run.begun_at] if facts.run else [],
        [each.at for each in facts.assessments.values()],
    )
    return About(
        policy.file,
        policy.sha256,
        facts.published.number if facts.published else None,
        facts.published.at if facts.published else None,
        facts.published.changes if facts.published else (),
        datamap.file if datamap else None,
        datamap.sha256 if datamap else None,
        facts.report.checked_at if facts.report else None,
        facts.head.origin if facts.head else None,
        facts.head.size if facts.head else None,
        facts.head.root.hex() if facts.head else None,
        max(moments, default=None),
    )
