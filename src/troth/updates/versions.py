"""Keep every published version of the policy: its exact bytes, when it was published, from when it holds, what changed.

Versions are numbered from 1 and never change. Publishing, in order:

1. The same bytes as the newest version: nothing to do, that version is the answer.
2. The text may not say that it was updated in the future, nor before the version it replaces was published.
3. A material change needs the notice that the version in force promises: the effective date of the new text lies at
   least that long after today, counted in days of the controller's time zone. Otherwise nothing is published.
4. While a business is transferred, the text that people were told under stands still (`sharing.transfers`).
5. The version and its ledger entry are written in one transaction.

What is material is told by `comparison`, never by the author.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Row, insert, select

from troth.errors import DeclarationError, UnknownName
from troth.foundation.clock import in_utc
from troth.foundation.ledger import leaves
from troth.foundation.store import hold
from troth.policy import reading
from troth.sharing import transfers
from troth.updates import archive
from troth.updates.comparison import Difference, differences, is_material
from troth.updates.tables import policy_versions

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.store import Store
    from troth.policy.model import Policy

_SHOWN = 400


class NoticeTooShort(DeclarationError):
    """A material change would hold before people have had the notice that the policy promises."""


class DatesDisagree(DeclarationError):
    """The dates that the policy states do not fit its history."""


@dataclass(frozen=True, slots=True)
class Version:
    """One published version. It holds from `effective` on; `changes` are sentences for people."""

    number: int
    sha256: str
    published_at: dt.datetime
    effective: dt.date
    updated: dt.date | None
    material: bool
    changes: tuple[str, ...]
    file: str


@dataclass(frozen=True, slots=True)
class PublishedText:
    """A version with the exact bytes that were published."""

    version: Version
    data: bytes

    def policy(self) -> Policy:
        """The text read as a policy; raises DeclarationError when this troth no longer reads it."""
        return reading.parse(self.data, self.version.file)


def publish(
    store: Store, keyring: Keyring, data: bytes, policy: Policy, now: dt.datetime, *, staff: int | None = None
) -> Version:
    """Publish the policy whose file holds `data`, and record it; cannot be undone. `staff`: the account that does.

    Gives the newest version as it stands when it has the same bytes already. `policy` is what `data` reads as; `now`
    is aware. Raises: NoticeTooShort, DatesDisagree; TransferRefused; StoreError. Nothing is written when it raises.
    """
    assert policy.sha256 == reading.parse(data, policy.file).sha256
    moment = in_utc(now)
    with store.writing() as tx:
        hold(tx, "policy_versions")
        newest = _newest(tx)
        if newest is not None and newest.version.sha256 == policy.sha256:
            return newest.version
        transfers.require_unfrozen(tx)
        version = _next(newest, policy, moment)
        tx.execute(
            insert(policy_versions).values(
                number=version.number,
                file=version.file,
                bytes=data,
                sha256=version.sha256,
                published_at=version.published_at,
                effective=version.effective,
                updated=version.updated,
                material=version.material,
                changes=json.dumps(version.changes, ensure_ascii=False),
            )
        )
        body = {
            "version": version.number,
            "policy": version.sha256,
            "effective": version.effective,
            "material": version.material,
        }
        if staff is not None:
            body["staff"] = staff
        leaves.append(tx, keyring, "policy.published", None, body, moment)
    store.changed()
    return version


def history(store: Store) -> tuple[Version, ...]:
    """Every published version, the first one first; empty before the first."""
    columns = [column for column in policy_versions.c if column.name != "bytes"]
    with store.reading() as tx:
        return tuple(_version(row) for row in tx.execute(select(*columns).order_by(policy_versions.c.number)))


def load(store: Store, number: int) -> PublishedText:
    """The text of version `number`. Raises UnknownName when there is none."""
    with store.reading() as tx:
        row = tx.execute(select(policy_versions).where(policy_versions.c.number == number)).one_or_none()
    if row is None:
        raise UnknownName(f"there is no version {number}.", repair="`troth policy history` lists them.")
    return PublishedText(_version(row), bytes(row.bytes))


def in_force(store: Store, today: dt.date) -> PublishedText | None:
    """The newest version whose effective date has come by `today`; None when there is none."""
    query = select(policy_versions).where(policy_versions.c.effective <= today)
    with store.reading() as tx:
        row = tx.execute(query.order_by(policy_versions.c.number.desc()).limit(1)).one_or_none()
    return PublishedText(_version(row), bytes(row.bytes)) if row is not None else None


def said(changes: tuple[Difference, ...]) -> tuple[str, ...]:
    """The changes as sentences for people, material ones first."""
    ordered = sorted(changes, key=lambda change: not change.material)
    return tuple(
        f"{change.number}: {change.what}{' (material)' if change.material else ''}"[:_SHOWN] for change in ordered
    )


def _next(newest: PublishedText | None, policy: Policy, now: dt.datetime) -> Version:
    """Rules 2 and 3: the version that `policy` becomes at `now`."""
    today = archive.day_of(now, policy)
    if policy.last_updated is not None and policy.last_updated > today:
        raise DatesDisagree(
            f"the policy says it was updated on {policy.last_updated}, and today is {today}.",
            where=policy.file,
            repair="Set `updated:` and its text to today.",
        )
    effective = policy.effective or today
    if newest is None:
        return Version(1, policy.sha256, now, effective, policy.last_updated, False, (), policy.file)
    last_day = archive.day_of(newest.version.published_at, policy)
    if policy.last_updated is not None and policy.last_updated < last_day:
        raise DatesDisagree(
            f"the policy says it was updated on {policy.last_updated}, "
            f"but version {newest.version.number} was published on {last_day}.",
            where=policy.file,
            repair=f"Set `updated:` and its text to {today}.",
        )
    changes = differences(newest.policy(), policy)
    material = is_material(changes)
    earliest = archive.with_notice(archive.notice_of(newest.policy()) or archive.notice_of(policy), today)
    if material and (policy.effective is None or effective < earliest):
        first = next(change for change in changes if change.material)
        raise NoticeTooShort(
            f"{first.number}: {first.what}; this is material, and the text holds from {policy.effective or 'today'}.",
            where=policy.file,
            expected=f"an effective date of {earliest} or later",
            repair=f"Set `effective:` and its text to {earliest} or later.",
        )
    return Version(
        newest.version.number + 1,
        policy.sha256,
        now,
        effective,
        policy.last_updated,
        material,
        said(changes),
        policy.file,
    )


def _newest(tx: Connection) -> PublishedText | None:
    row = tx.execute(select(policy_versions).order_by(policy_versions.c.number.desc()).limit(1)).one_or_none()
    return PublishedText(_version(row), bytes(row.bytes)) if row is not None else None


def _version(row: Row[tuple[object, ...]]) -> Version:
    return Version(
        number=row.number,
        sha256=row.sha256,
        published_at=row.published_at,
        effective=row.effective,
        updated=row.updated,
        material=row.material,
        changes=tuple(json.loads(row.changes)),
        file=row.file,
    )
