"""A privacy policy as declared: its printed text, and beside each sentence what the company means by it.

Frozen facts without verbs. A `Clause` is one place of the printed page (heading, list item, table row); a
`Sentence` is one promise in it, with the number that every output uses ("3.2a"). What a clause means stands in its
`Meaning`, one record with a field for each thing a sentence can promise.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, PlainSerializer
from pydantic.json_schema import JsonSchemaValue

from troth.policy import periods
from troth.policy.declared import Declared
from troth.policy.noise import Noise
from troth.policy.periods import Duration
from troth.policy.vocabulary import (
    Channel,
    Circumstance,
    CookieCategory,
    LegalBasis,
    Measure,
    Right,
    Safeguard,
    Source,
    expand,
    is_pattern,
)

SECTIONS = ("collection", "use", "protection", "sharing", "rights", "cookies", "links", "updates", "contact")
SCHEMA_VERSION = 1


def _duration(value: Any) -> Duration:
    if isinstance(value, Duration):
        return value
    if not isinstance(value, str):
        raise ValueError('a number and a unit, such as "13 months"')  # noqa: TRY004 - pydantic reports ValueError
    return periods.parse(value)


def _pattern(value: Any) -> str:
    if not isinstance(value, str) or not is_pattern(value):
        raise ValueError(f"unknown data category: {value}")
    return value


class _DurationSchema:
    @classmethod
    def __get_pydantic_json_schema__(cls, _: Any, __: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": r"^[0-9]{1,5} (hour|day|week|month|year)s?$", "examples": ["13 months"]}


Period = Annotated[Duration, BeforeValidator(_duration), PlainSerializer(str), _DurationSchema]
Category = Annotated[str, BeforeValidator(_pattern)]


class Document(Declared):
    """A paper that a promise rests on, by path and hash, with the role that answers for it."""

    document: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    owner: str | None = None
    reviewed: dt.date | None = None
    review: Period | None = None
    until: dt.date | None = None


class Use(Declared):
    """One use: these data, for this purpose, on exactly one ground (GDPR Art. 6(1)).

    A use without `basis` can be read, so that lint can name it; it is never permitted.
    """

    purpose: str
    data: tuple[Category, ...] = Field(min_length=1)
    basis: LegalBasis | None = None
    opt_out: Literal["at-once"] | None = None
    statute: str | None = None


class Statute(Declared):
    """A law that obliges the company: where it stands, and by when somebody looks again."""

    name: str
    law: str
    article: str
    review: dt.date
    keep: Period | None = None


class RetentionPeriod(Declared):
    """How long a kind of data is kept, counted from what, and what happens then (Art. 5(1)(e), 13(2)(a))."""

    data: tuple[Category, ...] = Field(min_length=1)
    after: str
    keep: Period
    then: Literal["delete", "anonymise", "archive"] = "delete"
    ground: str | None = None
    why: str | None = None


class Certificate(Declared):
    """A certificate that a recipient holds, with its end."""

    kind: str
    until: dt.date


class SubProcessor(Declared):
    """Another company to which a recipient hands data on (Art. 28(2), (4))."""

    name: str
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    task: str | None = None


class Transfer(Declared):
    """What a transfer to another country rests on (Art. 44 to 49), and the paper that shows it."""

    ground: Literal["adequacy", "standard-clauses", "binding-rules", "certification", "derogation"]
    document: Document | None = None
    until: dt.date | None = None


class Recipient(Declared):
    """A company or body that data are disclosed to (Art. 4(9)), by name."""

    name: str
    host: str | None = None
    purpose: str
    data: tuple[Category, ...] = Field(min_length=1)
    country: str
    contract: Document | None = None
    certificate: Certificate | None = None
    sub_processors: tuple[SubProcessor, ...] = ()
    transfer: Transfer | None = None


class CookieItem(Declared):
    """One cookie or other thing stored on the visitor's device; `name` may hold `*`."""

    name: str
    kind: Literal["cookie", "local-storage", "session-storage", "indexed-db", "cache-storage", "pixel"] = "cookie"
    life: Period | Literal["session"]
    party: Literal["first", "third"] = "first"
    purpose: str
    host: str | None = None


class Partner(Declared):
    """A site that the company's pages link to, and where its own policy stands."""

    host: str
    policy: str | None = None


class Notice(Declared):
    """How long before a material change, and by which ways, people are told."""

    material: Period
    by: tuple[Literal["page", "mail", "banner"], ...] = ("page",)


class Meaning(Declared):
    """What a sentence promises, in words that software can keep. Every field is optional; none set = unproven."""

    data: tuple[Category, ...] = ()
    source: Source | None = None
    gate: str | None = None
    purpose: str | None = None
    basis: LegalBasis | None = None
    opt_out: Literal["at-once"] | None = None
    statute: str | None = None
    uses: tuple[Use, ...] = ()
    names_purposes: tuple[str, ...] = ()
    statutes: tuple[Statute, ...] = ()
    balance_tests: dict[str, Document] = Field(default_factory=dict)
    withdraw: str | None = None
    lasts: Period | None = None
    remind: Period | None = None
    closing: Period | None = None
    measure: Measure | None = None
    hosts: tuple[str, ...] = ()
    minimum: Literal["1.2", "1.3"] | None = None
    ports: tuple[Annotated[int, Field(ge=1, le=65_535)], ...] = ()
    every: Period | None = None
    share: str | None = None
    roles: dict[str, dict[str, tuple[str, ...]]] = Field(default_factory=dict)
    periods: dict[str, RetentionPeriod] = Field(default_factory=dict)
    circumstance: Circumstance | None = None
    recipients: tuple[Recipient, ...] = ()
    safeguard: Safeguard | None = None
    smallest_group: Annotated[int, Field(ge=2)] | None = None
    noise: Noise | None = None
    right: Right | None = None
    category: CookieCategory | None = None
    items: tuple[CookieItem, ...] = ()
    choices: str | None = None
    partners: tuple[Partner, ...] = ()
    notice: Notice | None = None
    review: Period | None = None
    updated: dt.date | None = None
    effective: dt.date | None = None
    channel: Channel | None = None
    complaint: Literal["authority"] | None = None
    guess: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing was declared beside the words."""
        return not (self.model_fields_set - {"guess"})


class Controller(Declared):
    """Who decides about the data (Art. 4(7), 13(1)(a))."""

    name: str
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    languages: tuple[str, ...] = ("en",)
    time_zone: str = "UTC"


@dataclass(frozen=True)
class Clause:
    """One place of the printed page. `number` is printed at headings only; items and rows derive theirs.

    `mark` is what is printed before the words. None is the usual: the number before a heading, `-` before an item.
    Empty is nothing: a heading without a number, or a paragraph of its own among items.
    """

    id: str
    number: str
    title: str | None
    label: str | None
    text: str | None
    cells: tuple[str, ...]
    columns: tuple[str, ...]
    meaning: Meaning
    sentences: tuple[Sentence, ...]
    children: tuple[Clause, ...]
    line: int
    mark: str | None = None

    @property
    def is_heading(self) -> bool:
        return self.title is not None

    @property
    def section(self) -> str:
        """The folder of the house that this clause belongs to: `use` of `use.purposes.marketing`."""
        return self.id.partition(".")[0]

    def walk(self) -> Iterator[Clause]:
        """The clause itself, then all below it, in the order of the page."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Sentence:
    """One promise. `sums` are the numbers of the sentences directly below that it sums up; empty for a leaf."""

    number: str
    id: str
    text: str
    clause_id: str
    meaning: Meaning
    sums: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class DeclaredUse:
    """One (purpose, category, basis) with the sentence that declares it."""

    purpose: str
    category: str
    basis: LegalBasis | None
    clause_id: str
    number: str
    line: int
    opt_out: bool
    statute: str | None
    guess: bool = False

    @property
    def settled(self) -> bool:
        """Whether somebody has named a ground for it; what the importer guessed counts for nothing until confirmed."""
        return self.basis is not None and not self.guess


@dataclass(frozen=True)
class Policy:
    """A whole policy. `sha256` is the hash of the file's bytes: the version that is in force is told by it."""

    file: str
    title: str
    lead: Sentence | None
    controller: Controller
    laws: tuple[str, ...]
    rights_for: Literal["everyone", "by-law"]
    sections: tuple[Clause, ...]
    sha256: str

    def clauses(self) -> Iterator[Clause]:
        """Every clause in the order of the page."""
        for section in self.sections:
            yield from section.walk()

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """Every sentence in the order of the page; the lead is number 0."""
        lead = (self.lead,) if self.lead else ()
        return (*lead, *(sentence for clause in self.clauses() for sentence in clause.sentences))

    @cached_property
    def by_number(self) -> dict[str, Sentence]:
        return {sentence.number: sentence for sentence in self.sentences}

    @cached_property
    def by_id(self) -> dict[str, Clause]:
        return {clause.id: clause for clause in self.clauses()}

    @cached_property
    def uses(self) -> tuple[DeclaredUse, ...]:
        """Every declared (purpose, category) with its ground, in the order of the page."""
        found: list[DeclaredUse] = []
        for sentence in self.sentences:
            for use in sentence.meaning.uses:
                found.extend(
                    DeclaredUse(
                        use.purpose,
                        category,
                        use.basis,
                        sentence.id,
                        sentence.number,
                        sentence.line,
                        use.opt_out is not None,
                        use.statute,
                        sentence.meaning.guess,
                    )
                    for category in expand(use.data)
                )
        return tuple(found)

    @cached_property
    def purposes(self) -> tuple[str, ...]:
        """The closed list of purposes that some sentence declares, in the order of the page."""
        return tuple(dict.fromkeys(use.purpose for use in self.uses))

    @cached_property
    def collected(self) -> dict[str, str]:
        """Each category that section 1 says is collected, with the number of the sentence that says it."""
        found: dict[str, str] = {}
        for sentence in self.sentences:
            if sentence.id.startswith("collection"):
                for category in expand(sentence.meaning.data):
                    found.setdefault(category, sentence.number)
        return found

    @cached_property
    def periods(self) -> dict[str, RetentionPeriod]:
        """Each retention period by its id, `protection.retention.usage`."""
        return {
            f"{clause.id}.{name}": period
            for clause in self.clauses()
            for name, period in clause.meaning.periods.items()
        }

    @cached_property
    def recipients(self) -> tuple[tuple[Sentence, Recipient], ...]:
        """Each named recipient with the sentence that names its kind."""
        return tuple((sentence, recipient) for sentence in self.sentences for recipient in sentence.meaning.recipients)

    @cached_property
    def statutes(self) -> dict[str, Statute]:
        return {statute.name: statute for sentence in self.sentences for statute in sentence.meaning.statutes}

    @property
    def last_updated(self) -> dt.date | None:
        """The day that section 8 states as that of the last change."""
        return next((s.meaning.updated for s in self.sentences if s.meaning.updated), None)

    @property
    def effective(self) -> dt.date | None:
        """The day that section 8 states as the beginning."""
        return next((s.meaning.effective for s in self.sentences if s.meaning.effective), None)
