"""What troth's own registers say for the record: versions, verdicts, runs, assessments, the head of the ledger.

Only eyes are asked, and nothing is written. Without a store, or before anything was recorded, there is less to say.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from troth.entrypoints.reports.json import to_report
from troth.foundation import verdicts
from troth.foundation.ledger import checkpoints
from troth.protection import run_reading
from troth.protection.impacts import reading as impacts
from troth.updates.tables import policy_versions

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from troth.foundation.ledger.checkpoints import Checkpoint
    from troth.foundation.proof import Report
    from troth.foundation.store import Store
    from troth.policy.model import Policy
    from troth.protection.impacts.reading import Assessment
    from troth.protection.run_reading import RunSeen


@dataclass(frozen=True, slots=True)
class Published:
    """The published version that has the very bytes of the policy."""

    number: int
    at: dt.datetime
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the registers say; every part may be missing. `people`: how many people troth knows."""

    published: Published | None = None
    report: Report | None = None
    run: RunSeen | None = None
    assessments: Mapping[str, Assessment] = field(default_factory=dict)
    people: int = 0
    head: Checkpoint | None = None


def read(store: Store, policy: Policy, now: dt.datetime) -> Facts:
    """Everything that the store says about this very text of the policy, its evidence aged to `now`."""
    run = run_reading.last_done(store)
    with store.reading() as tx:
        found = verdicts.latest(tx, policy.sha256)
        head = checkpoints.latest(tx)
        return Facts(
            _published(tx, policy),
            to_report(found).as_of(now) if found else None,
            run,
            impacts.latest(tx),
            impacts.people(tx),
            checkpoints.claimed(head.note) if head else None,
        )


def _published(tx: Connection, policy: Policy) -> Published | None:
    import json

    query = select(policy_versions).where(policy_versions.c.sha256 == policy.sha256)
    row = tx.execute(query.order_by(policy_versions.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else Published(row.number, row.published_at, tuple(json.loads(row.changes)))
