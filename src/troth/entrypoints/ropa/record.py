"""The record of processing activities as facts: what Art. 30(1) and (2) ask for, and what is missing of it.

Frozen, without verbs that look anything up. Text is English, as the vocabulary is; categories and purposes are ids of
the vocabulary.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from troth.policy.model import Recipient
from troth.policy.recordkeeping import JointController, ProcessedFor
from troth.policy.vocabulary import Right


class Field(StrEnum):
    """What a gap is missing from: the parts of an activity, and those of the record as a whole."""

    CONTROLLER = "controller"
    CONTACT = "contact"
    REPRESENTATIVE = "representative"
    OFFICER = "officer"
    JOINT = "joint-controllers"
    KEEPER = "keeper"
    PURPOSES = "purposes"
    PERSONS = "persons"
    DATA = "data"
    SPECIAL = "special-categories"
    SOURCES = "sources"
    RECIPIENTS = "recipients"
    TRANSFERS = "transfers"
    LIMITS = "time-limits"
    MEASURES = "measures"
    STORES = "stores"
    ASSESSMENT = "impact-assessment"
    RIGHTS = "rights"
    DECISIONS = "automated-decisions"
    CONTROLLERS = "controllers"


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that the record should say and nobody has declared. `line` is None where the file says nothing at all.

    `activity` is None for what is missing from the record as a whole.
    """

    field: Field
    activity: str | None
    message: str
    file: str
    line: int | None
    repair: str

    @property
    def where(self) -> str:
        """`policy.yaml:88`."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class PurposeLine:
    """One purpose on one ground. `law` is the statute of a legal obligation, `balance` the test of an interest."""

    id: str
    label: str
    basis: str | None
    law: str | None
    balance: str | None
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecipientLine:
    """One recipient. `kind` is its kind as printed; `third`: it stands in a third country; `sentence` names it."""

    known: Recipient
    kind: str
    data: tuple[str, ...]
    safeguard: str | None
    third: bool
    sentence: str

    @property
    def name(self) -> str:
        return self.known.name


@dataclass(frozen=True, slots=True)
class TransferLine:
    """Data that go to a third country: to whom, and on what ground. `onward`: a recipient hands them on."""

    recipient: str
    country: str
    ground: str | None
    document: str | None
    until: dt.date | None
    onward: str | None = None


@dataclass(frozen=True, slots=True)
class LimitLine:
    """One rule that ends data: `data` go `keep` after `after`."""

    id: str
    data: tuple[str, ...]
    keep: str
    after: str
    then: str
    because: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Executed:
    """What carries the time limits out: the mark of the rules, and the last run that ended data by them."""

    mark: str
    run: str | None
    begun_at: dt.datetime | None
    same: bool


@dataclass(frozen=True, slots=True)
class MeasureLine:
    """One measure as promised, with what is known of it today. `seen_at` is the newest evidence."""

    sentence: str
    text: str
    kind: str
    verdict: str
    seen_at: dt.datetime | None
    evidence: str


@dataclass(frozen=True, slots=True)
class StoreLine:
    """A table in which data of the activity stand."""

    store: str
    table: str
    kind: str
    processor: str | None


@dataclass(frozen=True, slots=True)
class AssessmentLine:
    """The impact assessment of one purpose: its document, or why none is needed. `met` are criteria of WP 248."""

    purpose: str
    needed: bool
    met: tuple[str, ...]
    document: str | None
    residual: str | None
    review: dt.date | None


@dataclass(frozen=True, slots=True)
class Activity:
    """One processing activity: a family of purposes."""

    id: str
    name: str
    purposes: tuple[PurposeLine, ...]
    persons: tuple[str, ...]
    data: tuple[str, ...]
    special: tuple[tuple[str, str | None], ...]
    sources: tuple[tuple[str, tuple[str, ...]], ...]
    recipients: tuple[RecipientLine, ...]
    transfers: tuple[TransferLine, ...]
    limits: tuple[LimitLine, ...]
    stores: tuple[StoreLine, ...]
    assessments: tuple[AssessmentLine, ...]
    rights: tuple[Right, ...]
    withdrawal: bool
    decisions: tuple[str, ...] | None
    joint: tuple[JointController, ...] | None


@dataclass(frozen=True, slots=True)
class ControllerLine:
    """Who is responsible. None is a gap, an empty tuple says that there is nobody."""

    name: str
    country: str
    contacts: tuple[tuple[str, str], ...]
    officer: str | None
    representative: str | None
    joint: tuple[JointController, ...] | None
    keeper: str | None


@dataclass(frozen=True, slots=True)
class About:
    """What the record was made from. `as_of` is the newest fact in it; None before anything was checked or published.

    The time of printing is not here: two records of the same facts are the same bytes.
    """

    policy_file: str
    policy_sha256: str
    policy_version: int | None
    published_at: dt.datetime | None
    changes: tuple[str, ...]
    map_file: str | None
    map_sha256: str | None
    checked_at: dt.datetime | None
    ledger: str | None
    size: int | None
    root: str | None
    as_of: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Record:
    """The whole record, as controller (Art. 30(1)) and as processor (Art. 30(2))."""

    controller: ControllerLine
    activities: tuple[Activity, ...]
    recipients: tuple[RecipientLine, ...]
    limits: tuple[LimitLine, ...]
    executed: Executed
    measures: tuple[MeasureLine, ...]
    processing_for: tuple[ProcessedFor, ...] | None
    third: str
    gaps: tuple[Gap, ...]
    about: About

    def missing(self, field: Field, activity: str | None = None) -> tuple[Gap, ...]:
        """The gaps of one field, of one activity or of the record as a whole."""
        return tuple(gap for gap in self.gaps if gap.field is field and gap.activity == activity)
