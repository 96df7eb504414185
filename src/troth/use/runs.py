"""Runs of the company's programs, each under one declared purpose: `with troth.run("fraud-watch", "fraud", data)`.

1. A run names a program, a purpose and the kinds of data it uses. What the policy does not declare is refused before
   anything is used, and the refusal is on record: somebody wrote a program for what nobody declared.
2. `run.permitted(persons)` gives those whose data may be used now, and counts them.
3. Beginning, end and refusal are each one row, and one ledger leaf in the same transaction. No one is named: programs,
   purposes, kinds of data and counts are all that is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select, update

from troth.errors import Refused, TrothError, UnknownName
from troth.foundation.canonical import canonical_json
from troth.foundation.ledger import leaves
from troth.use.decision import decide_all
from troth.use.lease import Lease
from troth.use.office import Office, unknown_purpose
from troth.use.tables import use_runs
from troth.use.words import RunState

_PROGRAM = re.compile(r"[a-z][a-z0-9-]{0,79}")
_NAMABLE = re.compile(r"[a-z][a-z0-9._-]{0,59}")
UNNAMABLE = "unnamable"
"""What stands for a purpose whose name could be a person's by mistake."""


@dataclass(slots=True)
class Run:
    """One run while it lasts. `rows` are what it used, counted by who runs it; `people` those it was let use."""

    id: int
    purpose: str
    data: tuple[str, ...]
    lease: Lease = field(repr=False)
    rows: int = 0
    people: int = 0

    def permitted(self, persons: Iterable[Any]) -> list[Any]:
        """Those of `persons` whose data may be used for this purpose now, in their order.

        Raises: PersonError; StoreError, since a short list would look like an answer.
        """
        found = self.lease.permitted(self.purpose, self.data, persons)
        self.people += len(found)
        return found

    def used(self, rows: int) -> None:
        """Count `rows` more as used."""
        self.rows += rows


@dataclass(frozen=True, slots=True)
class Beginning:
    """Which program begins to use which kinds of data, for which purpose.

    `app` is who says so over HTTP, None for a program of this process; `repeat` the keyed hash of what it called this.
    """

    program: str
    purpose: str
    data: tuple[str, ...]
    app: str | None = None
    repeat: bytes | None = None


@contextmanager
def run(lease: Lease, program: str, purpose: str, data: str | Iterable[str]) -> Iterator[Run]:
    """One run of `program` for `purpose` with these kinds of data; left by an exception it is on record as failed.

    Raises: UnknownName for a purpose that the policy does not declare; Refused for data that it does not declare for
    the purpose, or on no ground; both are on record then. TrothError for a name that is none; StoreError.
    """
    office = lease.office
    categories = tuple(dict.fromkeys((data,) if isinstance(data, str) else data))
    running = Run(begin(office, Beginning(program, purpose, categories)), purpose, categories, lease)
    try:
        yield running
    except BaseException:
        end(office, running.id, RunState.FAILED, rows=running.rows, people=running.people)
        raise
    end(office, running.id, RunState.DONE, rows=running.rows, people=running.people)


def begin(office: Office, wanted: Beginning) -> int:
    """Put on record that a run begins; gives its number, by which it is ended. Raises as `run`."""
    if not _PROGRAM.fullmatch(wanted.program):
        raise TrothError("a program is named by one lower-case word", expected='such as "fraud-watch"')
    refusal = _refusal(office, wanted)
    with office.deed() as tx:
        number = _write(tx, office, wanted, RunState.BEGUN if refusal is None else RunState.REFUSED)
    if refusal is not None:
        raise refusal
    return number


def begun(office: Office, wanted: Beginning) -> int:
    """The number of the run that `wanted.repeat` began already. Raises as `begin` where it was refused; no effect."""
    repeat = select(use_runs.c.id, use_runs.c.state).where(use_runs.c.repeat == wanted.repeat)
    with office.store.reading() as tx:
        before = tx.execute(repeat.order_by(use_runs.c.id.desc()).limit(1)).one()
    refusal = _refusal(office, wanted) if before.state is RunState.REFUSED else None
    if refusal is not None:
        raise refusal
    return int(before.id)


def end(office: Office, number: int, state: RunState, *, rows: int, people: int, app: str | None = None) -> None:
    """Put on record how a run ended, and how many rows and people it used; each app ends its own.

    Raises: TrothError for a number that no run of theirs has, or one that has ended; StoreError.
    """
    with office.deed() as tx:
        now = office.clock.now()
        body = {"run": number, "rows": rows, "people": people}
        ended = tx.execute(
            update(use_runs)
            .where(
                use_runs.c.id == number, use_runs.c.state == RunState.BEGUN, use_runs.c.app.is_not_distinct_from(app)
            )
            .values(state=state, ended_at=now, rows=rows, people=people)
        )
        if not ended.rowcount:
            raise TrothError("no run of that number is under way", expected="the number that its beginning gave")
        leaves.append(tx, office.keyring, f"use.{state}", None, body, now)


def _refusal(office: Office, wanted: Beginning) -> UnknownName | Refused | None:
    """Why the policy does not let it begin; None where it does."""
    purpose, compiled = wanted.purpose, office.compiled
    if purpose not in compiled.purposes:
        return unknown_purpose(office, purpose, "is not a purpose of this policy.", tuple(compiled.purposes))
    if wanted.data and all((purpose, category, None) in compiled.table for category in wanted.data):
        return None
    decision = decide_all(compiled, None, purpose, wanted.data)
    return Refused(
        f"{purpose} may not use this: {decision.reason.value.replace('-', ' ')}",
        where=decision.clause,
        expected=f"of: {', '.join(dict.fromkeys(use.category for use in compiled.purposes[purpose]))}",
    )


def _write(tx: Connection, office: Office, wanted: Beginning, state: RunState) -> int:
    now = office.clock.now()
    uses = office.compiled.purposes.get(wanted.purpose, ())
    grounds = sorted({use.basis.value for use in uses if use.basis is not None and use.category in wanted.data})
    named = wanted.purpose if _NAMABLE.fullmatch(wanted.purpose) else UNNAMABLE
    known = sorted(category if _NAMABLE.fullmatch(category) else UNNAMABLE for category in wanted.data)
    body = {
        "program": wanted.program,
        "purpose": named,
        "grounds": grounds,
        "data": known,
        "policy": office.policy.sha256,
    }
    leaf = leaves.append(tx, office.keyring, f"use.{state}", None, body, now)
    result = tx.execute(
        use_runs.insert().values(
            program=wanted.program,
            purpose=named,
            grounds=canonical_json(grounds).decode(),
            categories=canonical_json(known).decode(),
            state=state,
            begun_at=now,
            ended_at=None if state is RunState.BEGUN else now,
            policy_sha256=bytes.fromhex(office.policy.sha256),
            app=wanted.app,
            repeat=wanted.repeat,
            leaf=leaf,
        )
    )
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])
