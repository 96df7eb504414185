"""What the registers hold, as an auditor wants it: counts, dates, states. No name of a person, and nobody's words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from statistics import median
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from troth.foundation.attestations import reading as attestations
from troth.policy.vocabulary import Right
from troth.protection import hold_reading
from troth.protection.audits import reading as audits
from troth.protection.breaches import duties
from troth.protection.breaches import reading as breaches
from troth.protection.impacts import reading as impacts
from troth.protection.tables import retention_runs
from troth.protection.words import RunState
from troth.rights.tables import requests
from troth.rights.words import State
from troth.sharing import demand_reading
from troth.sharing.disclosures import spent_by_each
from troth.sharing.tables import disclosures

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from troth.policy.settings import Instance


def requests_of(tx: Connection, now: dt.datetime) -> dict[str, Any]:
    """For each right how many requests came and how they went, and those that are open, by number."""
    columns = (requests.c.number, requests.c.right, requests.c.state, requests.c.received_at, requests.c.due_at)
    rows = tx.execute(select(*columns, requests.c.due, requests.c.closed_at).order_by(requests.c.id)).all()
    return {
        "by_right": [
            _counts(right, found, now) for right in Right if (found := [row for row in rows if row.right is right])
        ],
        "open": [
            {
                "number": row.number,
                "right": row.right.value,
                "state": row.state.value,
                "received_at": row.received_at.isoformat(),
                "due": row.due.isoformat(),
                "late": _late(row, now),
            }
            for row in rows
            if row.state.open
        ],
    }


def _counts(right: Right, rows: Iterable[Any], now: dt.datetime) -> dict[str, Any]:
    found = list(rows)
    took = [(row.closed_at - row.received_at).total_seconds() for row in found if row.closed_at is not None]
    return {
        "right": right.value,
        "received": len(found),
        "open": sum(row.state.open for row in found),
        **{state.value: sum(row.state is state for row in found) for state in State if not state.open},
        "late": sum(_late(row, now) for row in found),
        "median_s": round(median(took)) if took else None,
        "longest_s": round(max(took)) if took else None,
    }


def _late(row: Any, now: dt.datetime) -> bool:
    return bool((row.closed_at or now) >= row.due_at)


def registers_of(tx: Connection, instance: Instance, now: dt.datetime) -> dict[str, Any]:
    """Every register of the sections, one list each."""
    return {
        "disclosures": _disclosures(tx),
        "demands": demand_reading.report(demand_reading.every(tx)),
        "breaches": [_breach(each, now) for each in breaches.all_(tx)],
        "holds": [_hold(each, now.date()) for each in hold_reading.standing(tx)],
        "retention_runs": _runs(tx),
        "attestations": [
            {
                "about": each.about,
                "owner": each.owner,
                "document": each.document,
                "sha256": each.sha256,
                "until": each.until.isoformat(),
                "fault": attestations.fault(each, instance.folder, now),
            }
            for each in attestations.all_(tx)
        ],
        "impact_assessments": [
            {
                "purpose": each.purpose,
                "document": each.document,
                "residual": each.residual.value,
                "review": each.review.isoformat(),
                "fault": impacts.fault(each, instance.folder, now),
            }
            for each in impacts.latest(tx).values()
        ],
        "scans": [
            {"tool": each.tool, "scanned_at": each.scanned_at.isoformat(), "found": each.found}
            for each in audits.last_of_each_tool(tx)
        ],
        "open_holes": sum(each.is_open for each in audits.findings(tx)),
    }


def _disclosures(tx: Connection) -> list[dict[str, Any]]:
    at = disclosures.c
    query = (
        select(
            at.recipient,
            at.purpose,
            at.reason,
            func.count().label("batches"),
            func.sum(at.rows).label("rows"),
            func.max(at.at).label("last"),
        )
        .group_by(at.recipient, at.purpose, at.reason)
        .order_by(at.recipient, at.purpose, at.reason)
    )
    spent = spent_by_each(tx)
    return [
        {
            "recipient": row.recipient,
            "purpose": row.purpose,
            "reason": row.reason.value,
            "batches": row.batches,
            "rows": int(row.rows),
            # what all batches with noise told this recipient of any one person, for whatever purpose
            "epsilon": float(spent[row.recipient]) if row.recipient in spent else None,
            "last": row.last.isoformat(),
        }
        for row in tx.execute(query)
    ]


def _breach(each: breaches.Breach, now: dt.datetime) -> dict[str, Any]:
    return {
        "number": each.number,
        "noticed_at": each.noticed_at.isoformat(),
        "closed_at": each.closed_at.isoformat() if each.closed_at else None,
        "kinds": list(each.kinds),
        "risk": each.risk.value,
        "people": each.people,
        "duties": [
            {
                "law": one.duty.law,
                "to": one.duty.to.value,
                "due": one.duty.due.isoformat(),
                "done_at": one.done_at.isoformat() if one.done_at else None,
                "excused": one.excused,
                "late": one.is_late(now) or one.was_late,
            }
            for one in duties.standing(each)
        ],
    }


def _hold(each: hold_reading.Hold, today: dt.date) -> dict[str, Any]:
    return {
        "number": each.id,
        "scope": each.scope.value,
        "place": each.place.partition("=")[0] if each.place else None,
        "law": each.statute,
        "owner": each.owner,
        "placed_at": each.placed_at.isoformat(),
        "review": each.review.isoformat(),
        "overdue": each.overdue(today),
    }


def _runs(tx: Connection) -> list[dict[str, Any]]:
    at = retention_runs.c
    query = select(at.name, at.state, at.rules_sha256, at.ended_at, at.due_at).order_by(at.id.desc()).limit(10)
    return [
        {
            "name": row.name,
            "done": row.state is RunState.DONE,
            "rules": row.rules_sha256[:16],
            "ended_at": row.ended_at.isoformat() if row.ended_at else None,
            "next_due": row.due_at.isoformat() if row.due_at else None,
        }
        for row in tx.execute(query)
    ]
