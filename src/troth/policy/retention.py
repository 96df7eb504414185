"""How long each kind of data is kept once periods and laws are held against each other, as one list of rules.

The list is what a keeper carries out and what the page shows, and one hash stands for it: whoever publishes another
table than the one that is carried out is found by it.

1. A period holds for the categories that it names.
2. Where a law that obliges the company to process a category (`statute` of a use, `ground` of the period) demands more
   than the period, the law's length wins for that category, and the rule stands apart under the period's name and the
   law's.
3. A category in several periods ends with the last of them: each is a rule, and a value goes when all have passed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from troth.policy.datamap import StoreMap
from troth.policy.model import Policy, RetentionPeriod, Statute
from troth.policy.periods import Duration
from troth.policy.vocabulary import expand

ARCHIVED = "archived"
"""The event from which the periods of an archive count: the moment at which a row was moved there."""

_SOME_DAY = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Rule:
    """`data` (categories) goes `keep` after `after`. `statute`: the listed law that demands it; `why`: the words."""

    id: str
    period: str
    data: tuple[str, ...]
    after: str
    keep: Duration
    then: str
    statute: str | None
    why: str | None
    number: str
    line: int = field(default=0, compare=False, repr=False)

    def as_json(self) -> dict[str, object]:
        """What the hash is made of: everything that is carried out or shown, and nothing of the file's layout."""
        return {
            "id": self.id,
            "data": sorted(self.data),
            "after": self.after,
            "keep": str(self.keep),
            "then": self.then,
            "statute": self.statute,
            "why": self.why,
        }


def rules(policy: Policy) -> tuple[Rule, ...]:
    """Every rule in the order of the page."""
    obliged = _obliged(policy)
    return tuple(
        rule
        for clause in policy.clauses()
        for name, period in clause.meaning.periods.items()
        for rule in _rules_of(
            f"{clause.id}.{name}",
            period,
            number=clause.number,
            line=clause.line,
            statutes=policy.statutes,
            obliged=obliged,
        )
    )


def rules_of(policy: Policy, category: str) -> tuple[Rule, ...]:
    """The rules that hold for one category; none where the policy says nothing of it."""
    return tuple(rule for rule in rules(policy) if category in rule.data)


def holds_in(rule: Rule, *, archive: bool) -> bool:
    """Whether a rule ends rows of a table: in an archive, those do not that end in the archive, for that was done; and
    what counts from the archiving ends rows of archives alone.
    """
    if rule.after == ARCHIVED:
        return archive
    return not (archive and rule.then == "archive")


def archives_of(store: StoreMap) -> frozenset[str]:
    """The tables of a store to which rows of others move at the end of their time."""
    return frozenset(table.archive for table in store.tables.values() if table.archive is not None)


def sha256(found: tuple[Rule, ...]) -> str:
    """The hash that stands for these rules, in whatever order they come."""
    listed = sorted((rule.as_json() for rule in found), key=lambda each: str(each["id"]))
    return hashlib.sha256(json.dumps(listed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def mark(found: tuple[Rule, ...]) -> str:
    """The first 64 bits of that hash, as a page shows it."""
    return sha256(found)[:16]


def longer(first: Duration, second: Duration) -> Duration:
    """The longer of two lengths of time."""
    return first if first.after(_SOME_DAY) >= second.after(_SOME_DAY) else second


def _obliged(policy: Policy) -> Mapping[str, Statute]:
    """The law with the longest period that some use of a category rests on, by category."""
    found: dict[str, Statute] = {}
    for use in policy.uses:
        statute = policy.statutes.get(use.statute or "")
        if statute is None or statute.keep is None:
            continue
        other = found.get(use.category)
        if other is None or other.keep is None or longer(statute.keep, other.keep) is not other.keep:
            found[use.category] = statute
    return found


def _rules_of(
    id_: str,
    period: RetentionPeriod,
    *,
    number: str,
    line: int,
    statutes: Mapping[str, Statute],
    obliged: Mapping[str, Statute],
) -> Iterator[Rule]:
    ground = statutes.get(period.ground or "")
    plain: list[str] = []
    more: dict[str, list[str]] = {}
    laws: dict[str, Statute] = {}
    for category in expand(period.data):
        law = obliged.get(category)
        demands = [each for each in (ground, law) if each is not None and each.keep is not None]
        longest = max(demands, key=lambda each: each.keep.after(_SOME_DAY), default=None)  # type: ignore[union-attr]
        if longest is None or longest.keep is None or longer(period.keep, longest.keep) is period.keep:
            plain.append(category)
        else:
            laws[longest.name] = longest
            more.setdefault(longest.name, []).append(category)
    common = {"period": id_, "after": period.after, "then": period.then, "number": number, "line": line}
    if plain:
        yield Rule(id=id_, data=tuple(plain), keep=period.keep, statute=period.ground, why=period.why, **common)  # type: ignore[arg-type]
    for name, data in more.items():
        keep = laws[name].keep
        assert keep is not None
        own = id_ if not plain and len(more) == 1 else f"{id_}.{name}"
        yield Rule(id=own, data=tuple(data), keep=keep, statute=name, why=None, **common)  # type: ignore[arg-type]
