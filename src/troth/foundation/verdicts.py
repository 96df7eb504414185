"""The history of verdicts: every run of `troth check`, and every sentence that turned.

A run is kept as the JSON it was shown as; what turned since the run before stands in rows of its own, so that
"broken since" is a look-up. Runs are evidence and are not changed; old ones are thinned by `forget_before`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from troth.foundation.proof import Verdict
from troth.foundation.tables import check_runs, verdict_turns


@dataclass(frozen=True, slots=True)
class Turn:
    """One sentence whose verdict changed: from what, to what, when. `was` is None at the first look."""

    number: str
    clause_id: str
    was: Verdict | None
    now: Verdict
    at: dt.datetime


def record(tx: Connection, *, checked_at: dt.datetime, report: Mapping[str, Any]) -> tuple[Turn, ...]:
    """Keep one whole run (the `check` JSON shape) and return the sentences that turned since the run before."""
    before = standing(tx)
    summary = report["summary"]
    inserted = tx.execute(
        insert(check_runs).values(
            checked_at=checked_at,
            policy_sha256=report["policy"]["hash"],
            kept=summary["kept"],
            broken=summary["broken"],
            unproven=summary["unproven"],
            report=json.dumps(report, ensure_ascii=False, separators=(",", ":")),
        )
    )
    # a single-row insert always has its key
    run = inserted.inserted_primary_key[0]  # type: ignore[index]
    turns = []
    for clause in report["clauses"]:
        verdict = Verdict(clause["verdict"])
        last = before.get(clause["number"])
        if last is None or last.now is not verdict:
            turns.append(Turn(clause["number"], clause["id"], last.now if last else None, verdict, checked_at))
    if turns:
        tx.execute(
            insert(verdict_turns),
            [
                {"run": run, "number": t.number, "clause_id": t.clause_id, "was": t.was, "verdict": t.now, "at": t.at}
                for t in turns
            ],
        )
    return tuple(turns)


def standing(tx: Connection) -> dict[str, Turn]:
    """By number: the last turn of each sentence, so that `.at` is since when it has had its verdict."""
    latest = select(func.max(verdict_turns.c.id)).group_by(verdict_turns.c.number)
    rows = tx.execute(select(verdict_turns).where(verdict_turns.c.id.in_(latest)))
    return {row.number: Turn(row.number, row.clause_id, row.was, row.verdict, row.at) for row in rows}


def turns(tx: Connection, *, limit: int = 100) -> tuple[Turn, ...]:
    """The latest turns, newest first."""
    rows = tx.execute(select(verdict_turns).order_by(verdict_turns.c.id.desc()).limit(limit))
    return tuple(Turn(row.number, row.clause_id, row.was, row.verdict, row.at) for row in rows)


def latest(tx: Connection, policy_sha256: str | None = None) -> dict[str, Any] | None:
    """The last whole run as the JSON it was shown as; of one policy text only, where its hash is given."""
    query = select(check_runs.c.report).order_by(check_runs.c.id.desc()).limit(1)
    if policy_sha256 is not None:
        query = query.where(check_runs.c.policy_sha256 == policy_sha256)
    found = tx.execute(query).scalar()
    return json.loads(found) if found else None


def daily_counts(tx: Connection, since: dt.datetime) -> list[tuple[dt.datetime, int, int, int]]:
    """(time, kept, broken, unproven) of each run since then, oldest first."""
    columns = (check_runs.c.checked_at, check_runs.c.kept, check_runs.c.broken, check_runs.c.unproven)
    rows = tx.execute(select(*columns).where(check_runs.c.checked_at >= since).order_by(check_runs.c.id))
    return [(row.checked_at, row.kept, row.broken, row.unproven) for row in rows]


def forget_before(tx: Connection, instant: dt.datetime) -> int:
    """Delete whole runs older than `instant` but the newest one; turns stay. Returns how many went."""
    newest = select(func.max(check_runs.c.id)).scalar_subquery()
    gone = tx.execute(delete(check_runs).where(check_runs.c.checked_at < instant, check_runs.c.id != newest))
    return gone.rowcount
