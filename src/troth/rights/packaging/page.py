"""The page of a copy: one HTML file that needs nothing else and asks nobody, made to be read by the person it is about.

Everything is escaped, no script runs, and the page forbids itself to load anything (its own CSP): what somebody once
typed into a form is shown and nothing more. Rows are grouped under the sentence of the policy that names their kind.
A long table shows its first rows and says where the rest is.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from troth.policy.vocabulary import CATEGORIES
from troth.rights.facts import PeriodFact, PurposeFact, RecipientFact
from troth.rights.packaging import cells, reading_matter
from troth.rights.packaging.contents import Copy, Passing, Told

_ONE_BY_ONE = 2
"""Up to so many rows are shown as a list of facts, one below the other; more as a table."""


@dataclass(frozen=True, slots=True)
class Group:
    """All holdings under one sentence of the policy, and what the policy says of the kinds of data in them."""

    anchor: str
    number: str
    label: str
    text: str
    holdings: tuple[Passing, ...]
    purposes: tuple[PurposeFact, ...]
    periods: tuple[PeriodFact, ...]
    recipients: tuple[RecipientFact, ...]
    sources: tuple[str, ...]
    held: frozenset[str]

    @property
    def count(self) -> int:
        return sum(each.count for each in self.holdings)

    @property
    def first(self) -> datetime | None:
        return min((each.first for each in self.holdings if each.first), default=None)

    @property
    def last(self) -> datetime | None:
        return max((each.last for each in self.holdings if each.last), default=None)

    @property
    def until(self) -> datetime | None:
        """When the last of its rows has had its time; None where that hangs on something yet to come."""
        return max((each.until[1] for each in self.holdings if each.until), default=None)


def html(copy: Copy, passed: Sequence[Passing], redactions: Mapping[str, int]) -> Iterator[bytes]:
    """The page, piece by piece."""
    facts, held = copy.facts, reading_matter.held_in(passed)
    style = _style()
    parts = _template().generate(
        copy=copy,
        facts=facts,
        groups=tuple(_groups(copy, passed)),
        passed=passed,
        rows=sum(each.count for each in passed),
        first=min((each.first for each in passed if each.first), default=None),
        held=held,
        purposes=[each for each in facts.purposes if held.intersection(each.categories)],
        recipients=[each for each in facts.recipients if held.intersection(each.categories)],
        told=_by_recipient(copy.told),
        periods=[each for each in facts.periods if held.intersection(each.categories)],
        sources=reading_matter.sources(facts, held),
        unnamed=sorted(reading_matter.unnamed(facts, held)),
        redactions=sorted(redactions.items()),
        text=cells.Writing(copy.language),
        span=_span(passed),
        names=lambda categories, among=held: _names(categories, among),
        every_name=lambda categories: _names(sorted(categories), frozenset(categories)),
        one_by_one=_ONE_BY_ONE,
        style=style,
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        spoken=Markup(' lang="{}"').format(copy.language) if copy.language.partition("-")[0] != "en" else "",
    )
    waiting: list[str] = []
    size = 0
    for part in parts:
        waiting.append(part)
        size += len(part)
        if size > 1 << 16:
            yield "".join(waiting).encode("utf-8", "replace")
            waiting, size = [], 0
    yield "".join(waiting).encode("utf-8", "replace")


def _by_recipient(told: Sequence[Told]) -> list[tuple[Told, int, frozenset[str]]]:
    """For each recipient and purpose the last time, how often, and all kinds of data that were given."""
    found: dict[tuple[str, str], list[Told]] = {}
    for each in told:
        found.setdefault((each.recipient, each.purpose), []).append(each)
    return [
        (max(times, key=lambda each: each.at), len(times), frozenset(kind for each in times for kind in each.kinds))
        for times in found.values()
    ]


def _groups(copy: Copy, passed: Sequence[Passing]) -> Iterator[Group]:
    """The holdings by the sentence that names their kind, in the order of the policy; then those that none names."""
    facts = copy.facts
    quotes = {each.sentence.number: each.sentence for each in facts.categories}
    found: dict[str, list[Passing]] = {number: [] for number in (*quotes, "")}
    for each in passed:
        found[each.holding.section if each.holding.section in quotes else ""].append(each)
    for number, holdings in found.items():
        if not any(each.count for each in holdings):
            continue
        held = reading_matter.held_in(holdings)
        quote = quotes.get(number)
        label, _, rest = quote.text.partition(": ") if quote else ("Further data", "", "")
        yield Group(
            anchor=f"s{number.replace('.', '-')}" if number else "further",
            number=number,
            label=label if rest or not quote else f"{label[:60].rstrip()}…" if len(label) > 60 else label,
            text=rest if quote else "Our policy has no sentence of its own for these.",
            holdings=tuple(each for each in holdings if each.count),
            purposes=tuple(each for each in facts.purposes if held.intersection(each.categories)),
            periods=tuple(each for each in facts.periods if held.intersection(each.categories)),
            recipients=tuple(each for each in facts.recipients if held.intersection(each.categories)),
            sources=tuple(
                dict.fromkeys(field.source for each in holdings for field in each.holding.fields if field.source)
            ),
            held=held,
        )


@dataclass(frozen=True, slots=True)
class Span:
    """The months from the first entry to the last, cut into at most `BARS` equal parts, for the small pictures."""

    start: int
    months: int

    BARS = 36

    def bars(self, holdings: Sequence[Passing]) -> list[tuple[float, float]]:
        """Place and height of each bar that is not empty, in hundredths."""
        step = max(1, -(-self.months // self.BARS))
        found: dict[int, int] = {}
        for passing in holdings:
            for (year, month), count in passing.months.items():
                bar = (year * 12 + month - 1 - self.start) // step
                found[bar] = found.get(bar, 0) + count
        wide = 100 / max(1, -(-self.months // step))
        most = max(found.values(), default=1)
        return [(round(bar * wide, 2), round(15 + 85 * count / most, 1)) for bar, count in sorted(found.items())]

    @property
    def width(self) -> float:
        step = max(1, -(-self.months // self.BARS))
        return round(100 / max(1, -(-self.months // step)) * 0.8, 2)


def _span(passed: Sequence[Passing]) -> Span:
    months = [year * 12 + month - 1 for each in passed for year, month in each.months]
    return Span(min(months), max(months) - min(months) + 1) if months else Span(0, 1)


def _names(categories: Iterable[str], held: frozenset[str]) -> str:
    """In words, those of the kinds that the person has data of."""
    return ", ".join(CATEGORIES[each].label for each in categories if each in held and each in CATEGORIES)


@cache
def _style() -> str:
    """The sheet of every page of ours, and what only this one needs. Nothing that could end a style element."""
    sheet = resources.files("troth.foundation.web").joinpath("static/troth.css").read_text(encoding="utf-8")
    own = resources.files("troth.rights.packaging").joinpath("templates/copy.css").read_text(encoding="utf-8")
    return f"{sheet}\n{own}"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("troth.rights.packaging"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("copy.html")
