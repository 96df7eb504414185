"""Analysis sees pseudonyms: the views that it works on, looked at as they are."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.proof import Check, Saw, broken, check, counted, kept, unproven
from troth.use.views import words

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence
    from troth.policy.usesettings import ViewSettings
    from troth.use.views.reading import RoundSeen, ViewSeen

_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ANEW = "run `troth views create`"


def _in_groups(sentence: Sentence, _: Policy) -> bool:
    return bool(sentence.meaning.uses) and sentence.meaning.smallest_group is not None


@check(
    id="use.analysis-identifies",
    promise="analysis of groups",
    applies=_in_groups,
    reference="GDPR Art. 4(5), 5(1)(c), 25, 89(1)",
)
def analysis_identifies(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Who analyses sees pseudonyms and groups, only of people who may be analysed, and no more than is declared.

    What it proves: for each purpose of the sentence there are views (`troth views create`); every column of them is of
    a kind of data that the policy declares for the purpose and that names nobody; no value in them is an e-mail
    address, or the name, address, phone or username of anybody in the store; times are days; no group is of fewer
    people than `smallest_group`; everybody shown may be used, by what had been said when the views were made, or up to
    `[views] refresh` ago; in a store with roles, the role of the purpose may read these views and no other table.

    What it does not prove: that nobody can be recognised: pseudonyms are personal data still. In SQLite, that those who
    analyse open no other file: it has no roles.

    Repair: let analysis work on the views. Before: `GRANT SELECT ON users TO analyst`.
    After: `[views] purposes = ["analytics"]`, `troth views create`, and the grants that `troth views plan` prints.
    """
    settings = seen.settings.views
    purposes = tuple(dict.fromkeys(use.purpose for use in sentence.meaning.uses))
    missing = [each for each in purposes if settings.store is None or each not in settings.purposes]
    if missing:
        yield unproven(
            sentence.id,
            f"no views are named on which {' and '.join(missing)} works",
            repair="name store and purposes under `[views]` in troth.toml, and run `troth views create`",
        )
        return
    from troth.use.views import reading

    shown, fine = 0, True
    for purpose in purposes:
        views = reading.look(seen, settings, purpose)
        last = reading.newest_round(seen, purpose)
        for saw in _of_purpose(seen, settings, sentence, purpose, views, last):
            fine = False
            yield saw
        shown += len(views)
    if fine:
        yield kept(
            f"views in {settings.store}",
            f"{counted(shown, 'view')} for {' and '.join(purposes)}: pseudonyms, days, no identifier, "
            f"no group below {sentence.meaning.smallest_group} people",
        )


def _of_purpose(  # noqa: PLR0917 - what one purpose is looked at with
    seen: Observation,
    settings: ViewSettings,
    sentence: Sentence,
    purpose: str,
    views: tuple[ViewSeen, ...],
    last: RoundSeen | None,
) -> Iterator[Saw]:
    yield from _columns(seen, settings, purpose, views)
    yield from _values(seen, settings, views)
    yield from _groups(views, sentence.meaning.smallest_group or words.SMALLEST_GROUP)
    yield from _people(seen, settings, purpose, views, last)
    yield from _roles(seen, settings, purpose, views)


def _columns(seen: Observation, settings: ViewSettings, purpose: str, views: tuple[ViewSeen, ...]) -> Iterator[Saw]:
    declared = {use.category for use in seen.policy.uses if use.purpose == purpose}
    tables = seen.need_map().stores[settings.store or ""].tables
    for view in views:
        if not view.table:
            yield broken(view.name, "it shows no table of the data map", repair=f"drop it, and {_ANEW}")
            continue
        for name in view.columns:
            column = tables[view.table].columns.get(name)
            category = column.category if column is not None else None
            if name in words.ADDED:
                continue
            if category is None or category not in declared:
                what = f"({category}) " if category else ""
                yield broken(
                    f"{view.name}.{name}",
                    f"the column {what}is not declared for {purpose}",
                    repair=f"declare it in the policy, or {_ANEW} after it was taken out",
                )
            elif words.names_somebody(category):
                yield broken(
                    f"{view.name}.{name}",
                    f"the column ({category}) names somebody",
                    repair=f"drop the view, and {_ANEW}",
                )
        if words.DAY in view.columns and any(
            not _DAY.fullmatch(str(value)) for value in view.values(words.DAY) if value is not None
        ):
            yield broken(f"{view.name}.{words.DAY}", "it holds times, not days", repair=f"drop the view, and {_ANEW}")


def _values(seen: Observation, settings: ViewSettings, views: tuple[ViewSeen, ...]) -> Iterator[Saw]:
    from troth.use.views import reading

    named = seen.once(("identifiers", settings.store), lambda: reading.identifiers(seen, settings.store or ""))
    for view in views:
        for place, name in enumerate(view.columns):
            texts = [row[place] for row in view.rows if isinstance(row[place], str)]
            found = sum(1 for text in texts if text.strip().lower() in named or ("@" in text and _MAIL.search(text)))
            if found:
                yield broken(
                    f"{view.name}.{name}",
                    f"{counted(found, 'value')} in it name somebody by name, username, phone or address",
                    repair="mend the kind of data of that column in datamap.yaml, or what is written there",
                )


def _groups(views: tuple[ViewSeen, ...], smallest: int) -> Iterator[Saw]:
    rows_of = {view.name: view for view in views if not view.groups}
    for view in views:
        if not view.groups or words.PEOPLE not in view.columns:
            continue
        few = sum(1 for people in view.values(words.PEOPLE) if int(people) < smallest)
        if not few and (under := rows_of.get(view.name.removesuffix(words.GROUPS))) is not None and under.whole:
            few = _too_few(view, under, smallest)
        if few:
            yield broken(
                view.name,
                f"{counted(few, 'group')} of fewer than {smallest} people",
                repair=f"{_ANEW}: it leaves groups below `smallest_group` out",
            )


def _too_few(groups: ViewSeen, rows: ViewSeen, smallest: int) -> int:
    """How many of `groups` are, by the rows themselves, about fewer people than they must be."""
    by = [name for name in groups.columns if name not in words.ADDED]
    if words.PERSON not in rows.columns or any(name not in rows.columns for name in by):
        return 0
    monthly = words.MONTH in groups.columns and words.DAY in rows.columns
    places = [rows.columns.index(name) for name in by]
    person = rows.columns.index(words.PERSON)
    day = rows.columns.index(words.DAY) if monthly else 0
    people: dict[tuple[object, ...], set[object]] = defaultdict(set)
    for row in rows.rows:
        month = (str(row[day])[:7] if row[day] is not None else None,) if monthly else ()
        people[*month, *(row[place] for place in places)].add(row[person])
    months = list(groups.values(words.MONTH)) if monthly else []
    columns = [list(groups.values(name)) for name in by]
    keys = zip(*([months] if monthly else []), *columns, strict=True) if (monthly or by) else [()] * len(groups.rows)
    return sum(1 for key in keys if len(people.get(tuple(key), ())) < smallest)


def _people(
    seen: Observation,
    settings: ViewSettings,
    purpose: str,
    views: tuple[ViewSeen, ...],
    last: RoundSeen | None,
) -> Iterator[Saw]:
    from troth.use.views import reading

    where = f"views for {purpose}"
    if last is None:
        yield unproven(where, "no round is on record that made them", repair=_ANEW)
        return
    lag = settings.refresh.before(seen.now)
    if last.at < lag:
        yield unproven(
            where,
            f"they were brought up to date on {last.at:%Y-%m-%d %H:%M} UTC, longer than {settings.refresh} ago",
            repair="keep `troth worker` or `troth serve` running, or run `troth views create`",
        )
    known = reading.persons(seen, purpose)
    shown = {
        str(value)
        for view in views
        if not view.groups and words.PERSON in view.columns
        for value in view.values(words.PERSON)
    }
    strangers = sum(1 for each in shown if known.get(each) is None)
    if strangers:
        yield broken(
            where,
            f"{_people_counted(strangers)} in them under no pseudonym of somebody troth knows",
            repair=f"find out who wrote there, and {_ANEW}",
        )
    numbers = {number for each in shown if (number := known.get(each)) is not None}
    refused = reading.refused(seen, purpose, numbers, max(lag, last.at))
    if refused:
        yield broken(
            where,
            f"{_people_counted(len(refused))} in them had not agreed, had objected or were restricted",
            repair=_ANEW,
        )


def _people_counted(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"


def _roles(seen: Observation, settings: ViewSettings, purpose: str, views: tuple[ViewSeen, ...]) -> Iterator[Saw]:
    from troth.policy.datamap import StoreKind

    store = settings.store or ""
    records = seen.need_records()
    if records.kind(store)[0] is StoreKind.SQLITE:
        return
    role = settings.roles.get(purpose)
    if role is None:
        yield unproven(
            f"views for {purpose}",
            "no role of the store is named that works on them",
            repair=f'name it in troth.toml: `[views.roles]`, `{purpose} = "analyst"`',
        )
        return
    own = {view.name for view in views}
    reach: set[str] = set()
    others: set[str] = set()
    for grant in records.roles(store):
        if grant.role.partition("@")[0].strip("'`\"") not in {role, "PUBLIC"} or not grant.privileges:
            continue
        if grant.table in own and set(grant.privileges) == {"SELECT"}:
            reach.add(str(grant.table))
        elif grant.privileges != ("USAGE",):
            others.add(grant.table or "every table")
    for name in sorted(others):
        yield broken(
            f"role {role}",
            f"may reach {name}, which is no view for {purpose}",
            repair=f"take it away from the role, and from PUBLIC: `REVOKE ALL ON {name} FROM {role}`",
        )
    if not reach and not others:
        yield unproven(f"role {role}", "it may read none of the views", repair="run what `troth views plan` prints")


CHECKS: tuple[Check, ...] = (analysis_identifies,)
