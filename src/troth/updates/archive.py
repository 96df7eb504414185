"""The history of the policy as it lies in the store, read and judged anew; and the days that a text states.

An eye: it reads the table of versions for itself and computes hashes and meanings from the stored bytes. What the
publishing wrote beside them (is it material, when does it hold) is taken as a claim and compared.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from troth.errors import DeclarationError, StoreError
from troth.foundation.proof import NothingToObserve
from troth.policy import reading

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Notice, Policy

_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_ISO = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b|(\d{4})\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*日")
_MONTH_FIRST = re.compile(r"\b([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b")
_DAY_FIRST = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)?\.?\s+(?:of\s+)?([A-Za-z]{3,9})\.?,?\s+(\d{4})\b")


@dataclass(frozen=True, slots=True)
class Archived:
    """One version as it lies in the store: the bytes, and what was claimed of them."""

    number: int
    data: bytes
    sha256: str
    published_at: dt.datetime
    effective: dt.date
    material: bool

    def policy(self, file: str) -> Policy:
        """The bytes read as a policy; raises DeclarationError."""
        return reading.parse(self.data, file)


@dataclass(frozen=True, slots=True)
class Step:
    """From one version to the next, judged from the two texts. `earliest` is the first day on which it may hold."""

    number: int
    material: bool
    claimed: bool
    effective: dt.date
    earliest: dt.date


def archived(seen: Observation) -> tuple[Archived, ...]:
    """Every version in the store, by number. Raises NothingToObserve without a store that can be read."""
    return seen.once(("policy versions",), lambda: _archived(seen))


def alterations(versions: tuple[Archived, ...], current: str) -> Iterator[tuple[str, str]]:
    """What shows that the history was changed, or that the file with the hash `current` is not its newest version.

    Each as (place, what). An empty history shows nothing.
    """
    for expected, version in enumerate(versions, start=1):
        if version.number != expected:
            yield f"version {expected}", f"is missing; version {version.number} stands in its place"
            break
    for version in versions:
        if hashlib.sha256(version.data).hexdigest() != version.sha256:
            yield f"version {version.number}", "its text does not have the hash that was recorded when it was published"
    for before, after in itertools.pairwise(versions):
        if after.published_at <= before.published_at:
            yield f"version {after.number}", f"was published no later than version {before.number}"
    if versions and versions[-1].sha256 != current:
        yield "the policy file", f"is not version {versions[-1].number}, the newest that was published"


def told_otherwise(seen: Observation, versions: tuple[Archived, ...]) -> Iterator[tuple[str, str]]:
    """What the ledger says otherwise of the history than it stands there, each as (place, what)."""
    from troth.foundation.ledger import entries

    with seen.need_store().reading() as tx:
        told = {each.body.get("version"): each for each in entries.of_kind(tx, "policy.published")}
    for version in versions:
        entry = told.pop(version.number, None)
        facts = {"effective": version.effective, "material": version.material, "at": version.published_at}
        if entry is None:
            yield f"version {version.number}", "no entry in the ledger says that it was published"
        elif not entry.says(entry.kind, policy=version.sha256, **facts):
            yield f"version {version.number}", entries.NOT_AS_TOLD
    for number in told:
        yield f"version {number}", "was published, by the ledger, and is not in the history"


def steps(versions: tuple[Archived, ...], policy: Policy) -> Iterator[Step | tuple[int, str]]:
    """Each step from one version to the next; (number, why) where one of the two cannot be read any more."""
    from troth.updates.comparison import differences, is_material

    for before, after in itertools.pairwise(versions):
        try:
            old, new = before.policy(policy.file), after.policy(policy.file)
        except DeclarationError:
            yield after.number, "one of the two texts is no policy that this version can read"
            continue
        material = is_material(differences(old, new))
        published = day_of(after.published_at, policy)
        earliest = with_notice(notice_of(old) or notice_of(new), published) if material else published
        yield Step(after.number, material, after.material, new.effective or after.effective, earliest)


def replaced(versions: tuple[Archived, ...], policy: Policy) -> Archived | None:
    """The version that `policy` replaced when it was published; None for a first one, and for one not yet published."""
    return versions[-2] if len(versions) > 1 and versions[-1].sha256 == policy.sha256 else None


def notice_of(policy: Policy) -> Notice | None:
    """The notice of material changes that a policy promises."""
    return next((sentence.meaning.notice for sentence in policy.sentences if sentence.meaning.notice), None)


def with_notice(notice: Notice | None, day: dt.date) -> dt.date:
    """The first day on which a material change told on `day` may hold; `day` itself where nothing is promised."""
    if notice is None:
        return day
    return notice.material.after(dt.datetime.combine(day, dt.time(), dt.UTC)).date()


def day_of(instant: dt.datetime, policy: Policy) -> dt.date:
    """The day of `instant` at the controller's; in UTC where its time zone has no known name."""
    try:
        zone: dt.tzinfo = ZoneInfo(policy.controller.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = dt.UTC
    return instant.astimezone(zone).date()


def date_in(text: str) -> dt.date | None:
    """The one day written in `text`, as 2026-11-22, November 22, 2026, 22 November 2026 or 2026年11月22日."""
    found: set[dt.date] = set()
    try:
        for match in _ISO.finditer(text):
            year, month, day = (int(part) for part in match.groups() if part is not None)
            found.add(dt.date(year, month, day))
        for named, day_written, year_written in (
            *(match.groups() for match in _MONTH_FIRST.finditer(text)),
            *((match[2], match[1], match[3]) for match in _DAY_FIRST.finditer(text)),
        ):
            number = _month(named.lower())
            if number:
                found.add(dt.date(int(year_written), number, int(day_written)))
    except ValueError:
        return None
    return found.pop() if len(found) == 1 else None


def _month(name: str) -> int:
    """The number of a month by its name or its usual short form; 0 for any other word."""
    return next((i for i, each in enumerate(_MONTHS, 1) if name == each or name in {each[:3], each[:4]}), 0)


def _archived(seen: Observation) -> tuple[Archived, ...]:
    store = seen.need_store()
    from sqlalchemy import select

    from troth.updates.tables import policy_versions

    columns = policy_versions.c
    query = select(
        columns.number, columns.bytes, columns.sha256, columns.published_at, columns.effective, columns.material
    )
    try:
        with store.reading() as tx:
            rows = tx.execute(query.order_by(columns.number)).all()
    except StoreError as problem:
        raise NothingToObserve(
            "the history of the policy cannot be read",
            where=problem.where,
            repair=problem.repair or "run `troth upgrade`",
        ) from None
    return tuple(
        Archived(row.number, bytes(row.bytes), row.sha256, row.published_at, row.effective, row.material)
        for row in rows
    )
