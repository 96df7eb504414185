"""What each column of the company's stores means to the person whose row it is: in words, from the map and the policy.

A holding is named for its table, a column for what it holds; both keep the store's own name beside the words, so that
a question about them can be asked. Pure: rows pass through unread.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from troth.foundation.records.catalogue import ColumnKind
from troth.foundation.records.catalogue import Table as TableSeen
from troth.policy.datamap import AnyPath, ByIdentifier, ByKey, SinglePath, TableMap
from troth.policy.model import Policy
from troth.policy.vocabulary import CATEGORIES
from troth.rights.facts import SOURCES, Facts, PeriodFact, source_of
from troth.rights.packaging.contents import Field, Holding

_BETWEEN = re.compile(r"[\s_\-./]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SHORT = {"id": "number", "ip": "IP address", "url": "web address", "os": "operating system", "dob": "date of birth",
          "addr": "address", "qty": "quantity", "tel": "telephone", "cc": "card"}  # fmt: skip


def holding_of(  # noqa: PLR0917 - what is known of one table, in the order in which it is found
    policy: Policy,
    facts: Facts,
    table: TableMap,
    seen: TableSeen,
    role: str | None,
    columns: Sequence[str],
    rows: Iterator[tuple[Any, ...]],
    redacted: Callable[[], Mapping[str, int]] = dict,
) -> Holding:
    """The holding for the `rows` of `table` with these `columns`, everything about them in words."""
    counting = {column: _period_after(facts, table, after) for after, column in table.starts.items()}
    fields = tuple(_field(policy, facts, table, seen, column, counting.get(column)) for column in columns)
    if not any(each.shown for each in fields):
        fields = tuple(replace(each, shown=True) for each in fields)
    numbers = Counter(policy.collected.get(each.category or "", "") for each in fields if each.category)
    return Holding(
        store=table.store,
        table=table.name,
        role=role,
        title=in_words(table.name.rpartition(".")[2]) + (f", as {in_words(role).lower()}" if role else ""),
        fields=fields,
        section=numbers.most_common(1)[0][0] if numbers else "",
        rows=rows,
        redacted=redacted,
    )


def in_words(name: str) -> str:
    """`placed_at`, `PlacedAt` and `placed-at` as "Placed at"; a name with no letters as it is."""
    parts = [part for part in _BETWEEN.split(name) if part]
    words = [_SHORT.get(part.lower(), part if part.isupper() and len(part) > 1 else part.lower()) for part in parts]
    text = " ".join(words)
    return text[:1].upper() + text[1:] if text else name


def _field(  # noqa: PLR0917 - as above
    policy: Policy, facts: Facts, table: TableMap, seen: TableSeen, name: str, counted: PeriodFact | None
) -> Field:
    mapped, found = table.columns.get(name), seen.columns.get(name)
    kind = found.kind if found is not None else ColumnKind.OTHER
    category = mapped.category if mapped is not None else None
    leads = name in _leading(table) or (mapped is not None and mapped.link is not None)
    if mapped is None or category is None:
        shown = leads if table.roles else mapped is None or mapped.personal
        return Field(name, in_words(name), kind, period=counted, counts=counted is not None, shown=shown, leads=leads)
    return Field(
        name=name,
        title=in_words(name),
        kind=kind,
        category=category,
        label=CATEGORIES[category].label,
        source=SOURCES[source_of(policy, category, mapped.source)],
        purposes=tuple(each for each in facts.purposes if category in each.categories),
        period=counted or facts.period_of(category),
        counts=counted is not None,
        leads=leads,
    )


def _leading(table: TableMap) -> frozenset[str]:
    """The columns that hold somebody's key or identifier in a row that several people share."""
    found: set[str] = set()
    for role in table.roles.values():
        paths: tuple[SinglePath, ...] = role.path.paths if isinstance(role.path, AnyPath) else (role.path,)
        for path in paths:
            if isinstance(path, ByKey):
                found |= {*path.columns}
            elif isinstance(path, ByIdentifier):
                found.add(path.column)
    return frozenset(found)


def _period_after(facts: Facts, table: TableMap, after: str) -> PeriodFact | None:
    """The period of this table that counts from `after`: the one that covers most of its columns."""
    categories = Counter(column.category for column in table.columns.values() if column.category)
    among = [period for period in facts.periods if period.after == after]
    return max(among, key=lambda period: sum(categories[each] for each in period.categories), default=None)
