"""The grounds: each use has exactly one, and what each ground asks for is there."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.proof import Applies, Check, Grade, Saw, broken, check, counted, kept, unproven
from troth.foundation.records import instants
from troth.policy.vocabulary import LegalBasis
from troth.use import answering
from troth.use.checks.runs import ran_on_others

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.datamap import KeepRow, PersonKind, TableMap
    from troth.policy.model import Policy, Sentence
    from troth.use.log_reading import Way

LONGEST = dt.timedelta(days=3 * 366)
"""Who looks again later than that does not look again."""

_CLOSED = "account-closed"
"""The trigger of `starts:` that says when an account was closed."""


def _is_ground(sentence: Sentence) -> bool:
    return sentence.meaning.basis is not None and not sentence.meaning.uses


def on_ground(basis: LegalBasis) -> Applies:
    return lambda sentence, _: sentence.meaning.basis is basis and _is_ground(sentence)


def _lists_grounds(sentence: Sentence, policy: Policy) -> bool:
    return any(_is_ground(policy.by_number[number]) for number in sentence.sums if number in policy.by_number)


@check(
    id="use.ground-unsettled",
    promise="the grounds are listed",
    applies=_lists_grounds,
    reference="GDPR Art. 6(1), 13(1)(c); PIPL Art. 13",
)
def ground_unsettled(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Each use rests on exactly one ground, each ground is on the list, and nothing is collected for no purpose.

    What it proves: no purpose uses a kind of data on two grounds or on none; every kind of data that section 1 names
    has a purpose; the grounds used are the grounds listed, both ways; every use that the data map records is for a
    declared purpose; no program ran within a month on a ground that is not listed.

    What it does not prove: that the ground is the right one in law.

    Repair: give the use its ground. Before: `{purpose: marketing, data: [contact.email]}`.
    After: `{purpose: marketing, data: [contact.email], basis: consent}`.
    """
    policy = seen.policy
    bases: dict[tuple[str, str], set[LegalBasis | None]] = defaultdict(set)
    for use in policy.uses:
        bases[use.purpose, use.category].add(use.basis)
    faults = list(_unsettled(bases))
    faults += _not_listed(policy, sentence, bases)
    idle = sorted(set(policy.collected) - {category for _, category in bases})
    faults += [
        broken(
            category,
            f"collected ({policy.collected[category]}), and used for no declared purpose",
            repair="name the purpose that needs it in section 2, or stop collecting it",
        )
        for category in idle
    ]
    recorded = 0
    if seen.datamap is not None:
        for table in seen.datamap.tables():
            for each in table.uses:
                recorded += 1
                if each.purpose not in policy.purposes:
                    faults.append(
                        broken(
                            str(table.place),
                            f"its rows are uses for {each.purpose}, which section 2 does not declare",
                            repair=f"declare the purpose {each.purpose} in section 2, or stop this use",
                        )
                    )
    faults += ran_on_others(seen, sentence)
    yield from faults
    if not bases:
        yield unproven(sentence.id, "no use is declared", repair="declare purposes under `use` in policy.yaml")
    elif not faults:
        tables = f"; {counted(recorded, 'table')} of the data map with uses for them" if recorded else ""
        yield kept(
            policy.file,
            f"{counted(len(bases), 'use')} for {counted(len(policy.purposes), 'purpose')}, "
            f"each on one listed ground{tables}",
        )


def _unsettled(bases: dict[tuple[str, str], set[LegalBasis | None]]) -> Iterator[Saw]:
    for (purpose, category), grounds in bases.items():
        if None in grounds:
            yield broken(
                f"{purpose}: {category}", "used on no ground", repair="add `basis:` to this use in policy.yaml"
            )
        if len(grounds) > 1:
            names = ", ".join(sorted(each.value for each in grounds if each))
            yield broken(
                f"{purpose}: {category}",
                f"used on more than one ground ({names})",
                repair="choose one ground for it, or name two purposes",
            )


def _not_listed(
    policy: Policy, sentence: Sentence, bases: dict[tuple[str, str], set[LegalBasis | None]]
) -> Iterator[Saw]:
    used = {basis for grounds in bases.values() for basis in grounds if basis is not None}
    listed = {policy.by_number[number].meaning.basis for number in sentence.sums if number in policy.by_number}
    for basis in sorted(used - listed):
        yield broken(
            basis.value, f"used, and not listed under {sentence.number}", repair=f"list it under {sentence.number}"
        )
    for extra in sorted(basis for basis in listed - used if basis is not None):
        yield broken(
            extra.value, "listed as a ground, and no use rests on it", repair="take it off the list, or name the use"
        )


@check(
    id="use.after-contract-ended",
    promise="the contract is named as a ground",
    applies=on_ground(LegalBasis.CONTRACT),
    reference="GDPR Art. 6(1)(b)",
)
def after_contract_ended(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Nothing is done on the ground of a contract once the account is closed and the closing period is over.

    What it proves: in each table whose rows the data map calls uses on this ground, no row of somebody with a closed
    account (`starts: {account-closed: ...}`) came later than the closing and the period that the sentence gives.

    What it does not prove: that the closed account itself is gone in time (the sentence on periods says that); uses
    that leave no row.

    Repair: end the sessions and the standing orders with the account. Before: an order of an account closed in March,
    placed in June. After: `closed_at` set, and no log-in possible.
    """
    closing = sentence.meaning.closing
    if closing is None:
        yield unproven(
            sentence.id,
            "the policy does not say how long after closing an account its contract still carries a use",
            repair="add `closing: 30 days` to this sentence in policy.yaml",
        )
        return
    homes = _homes(seen)
    purposes = frozenset(use.purpose for use in seen.policy.uses if use.basis is LegalBasis.CONTRACT)
    tables = answering.tables_with_uses(seen, purposes)
    if not (homes and tables):
        missing = "no table says when an account was closed" if not homes else "no table records a use on this ground"
        repair = "`starts: {account-closed: closed_at}`" if not homes else "`uses: {purpose: transactions, at: ...}`"
        yield unproven(sentence.id, missing, repair=f"add {repair} to it in datamap.yaml")
        return
    from troth.policy.datamap import Place
    from troth.use import log_reading

    rows = 0
    fine = True
    for table, use in tables:
        for path in table.paths():
            way = log_reading.way_to_people(seen, table, path)
            if way is None or way.person not in homes or not way.by_id:
                fine = False
                yield unproven(
                    str(table.place),
                    "its rows cannot be led to the account they belong to",
                    repair="name a column that holds the person's key under `whose` in datamap.yaml",
                )
                continue
            spans = list(_after_closing(seen, table, use.at, way, homes[way.person]))
            late = sum(1 for at, closed in spans if at > closing.after(closed))
            rows += len(spans)
            if late:
                fine = False
                yield broken(
                    str(table.place),
                    f"{counted(late, 'use')} for {use.purpose} came more than {closing} after their account was closed",
                    repair="end sessions and standing orders when an account is closed",
                )
    closed_accounts = sum(
        seen.need_records().count(Place(kind.store, kind.table, column)) for kind, column in homes.values()
    )
    if not closed_accounts:
        yield unproven(sentence.id, "no account has been closed yet", repair="look again when one has been")
    elif fine:
        yield kept(
            ", ".join(dict.fromkeys(str(table.place) for table, _ in tables)),
            f"{counted(closed_accounts, 'closed account')}; {counted(rows, 'use')} of theirs, "
            f"none more than {closing} later",
        )


def _homes(seen: Observation) -> dict[str, tuple[PersonKind, str]]:
    """Each kind of person with one key whose own table says when the account was closed, and the column that does."""
    found = {}
    for kind in seen.need_map().people().values():
        table = seen.need_map().stores[kind.store].tables.get(kind.table)
        if table is not None and _CLOSED in table.starts and len(kind.key) == 1:
            found[kind.id] = kind, table.starts[_CLOSED]
    return found


def _after_closing(
    seen: Observation, table: TableMap, at: str, way: Way, home: tuple[PersonKind, str]
) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """When each use by somebody with a closed account came, and when that account was closed."""
    from sqlalchemy import select

    from troth.policy.datamap import Place
    from troth.use import log_reading

    records, (kind, column) = seen.need_records(), home
    records.catalogue(table.store).column(Place(table.store, table.name, at))
    accounts = records.table(kind.store, kind.table).alias("account")
    moments, closed = way.table.c[at], accounts.c[column]
    statement = (
        select(moments, closed)
        .select_from(way.source.join(accounts, accounts.c[kind.key[0]] == way.who))
        .where(way.where, closed.is_not(None), moments.is_not(None))
        .order_by(moments.desc())
        .limit(log_reading.MOST_ROWS)
    )
    for row in records.execute(table.store, statement):
        used, ended = instants.read(row[0]), instants.read(row[1])
        if used is not None and ended is not None:
            yield used, ended


@check(
    id="use.statute-missing",
    promise="a legal obligation is named as a ground",
    applies=on_ground(LegalBasis.LEGAL_OBLIGATION),
    reference="GDPR Art. 6(1)(c), 6(3)",
    grade=Grade.ATTESTED,
    max_age=dt.timedelta(days=31),
)
def statute_missing(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Each duty that is claimed has its law: name, article, and a day on which somebody looks again.

    What it proves: every use on this ground, and every row that the data map keeps after an erasure because a law
    demands it, names a statute that the policy lists with its article; the day for looking again has not passed; no
    row is kept longer than its statute demands.

    What it does not prove: that the law says so. A named role looks at that by the day of review.

    Repair: list the law. Before: `basis: legal-obligation` alone. After: `statute: tax-law`, and
    `statutes: [{name: tax-law, law: ..., article: Art. 12, review: 2027-10-01, keep: 10 years}]`.
    """
    policy, listed = seen.policy, seen.policy.statutes
    used: dict[str, str] = {}
    fine = True
    for use in policy.uses:
        if use.basis is not LegalBasis.LEGAL_OBLIGATION:
            continue
        if use.statute is None:
            fine = False
            yield broken(
                f"{use.purpose}: {use.category}",
                "rests on a legal obligation, and no law is named",
                repair=f"add `statute:` to the use at {use.number} in policy.yaml",
            )
        else:
            used.setdefault(use.statute, f"use for {use.purpose} ({use.number})")
    for place, rule in _kept_by_law(seen):
        used.setdefault(rule.ground, place)
        statute = listed.get(rule.ground)
        if (
            statute is not None
            and statute.keep is not None
            and rule.until.period.after(seen.now) > statute.keep.after(seen.now)
        ):
            fine = False
            yield broken(
                place,
                f"kept {rule.until.period} after an erasure, and {statute.name} demands {statute.keep}",
                repair="shorten `until` in datamap.yaml",
            )
    for name, where in used.items():
        statute = listed.get(name)
        if statute is None:
            fine = False
            yield broken(
                where, f'the law "{name}" is not listed', repair=f"list it under `statutes` at {sentence.number}"
            )
        elif not statute.article.strip() or not statute.law.strip():
            fine = False
            yield broken(name, "listed without its law or article", repair="add where the duty stands")
        elif statute.review > (seen.now + LONGEST).date():
            fine = False
            yield unproven(
                name,
                f"to be looked at again by {statute.review}: laws change in less time than that",
                repair="set a `review` within three years",
            )
        elif statute.review < seen.now.date():
            fine = False
            yield unproven(
                name,
                f"to be looked at again by {statute.review}, and that day has passed",
                repair="look whether the law still says so, then set the next `review`",
            )
    if not used and fine:
        yield unproven(sentence.id, "no use names a law", repair="name the law under `statute`, or drop this ground")
    elif fine:
        names = ", ".join(f"{listed[name].article} of {listed[name].law} until {listed[name].review}" for name in used)
        yield kept(policy.file, f"every duty claimed has its law: {names}")


def _kept_by_law(seen: Observation) -> Iterator[tuple[str, KeepRow]]:
    if seen.datamap is None:
        return
    from troth.policy.datamap import KeepRow

    for table in seen.datamap.tables():
        for rule in (table.on_erasure, *(role.on_erasure for role in table.roles.values())):
            if isinstance(rule, KeepRow):
                yield str(table.place), rule


CHECKS: tuple[Check, ...] = (ground_unsettled, after_contract_ended, statute_missing)
