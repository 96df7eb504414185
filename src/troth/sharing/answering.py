"""Carry out a legal demand: what was approved, of whom it is about, sealed for the authority, and nothing else.

Rows are read as for a copy (`records.copying`): columns that the map leaves out of copies stay, and what is about other
people is replaced. Of each row only the approved columns leave. A row that has a time (the map's `starts`) leaves only
when it lies within the approved days; of a table that is not one row a person, a row without a readable time stays.

The record of the disclosure, the demand's last step and their ledger entries are one transaction, before the file gets
its name. After a crash between the two, `troth share --resume` says whether it left, and one that did not is repeated.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from troth.errors import DemandRefused, GateClosed
from troth.foundation import age, people
from troth.foundation.guards import pausing
from troth.foundation.operations import Operation
from troth.foundation.records import instants
from troth.foundation.records.copying import Labels, rows_of
from troth.foundation.records.reach import Reach
from troth.foundation.records.subjects import find_subjects
from troth.policy.datamap import OwnRow
from troth.policy.vocabulary import Circumstance, Safeguard
from troth.sharing import demand_reading, demands, disclosures, recording
from troth.sharing.delivery import deliver, destination_of
from troth.sharing.disclosures import Disclosure, HeldBack
from troth.sharing.recording import Leaving
from troth.sharing.spool import Spool
from troth.sharing.tables import disclosures as table
from troth.sharing.words import DemandState, Form, State

if TYPE_CHECKING:
    from troth.foundation.records.copying import Part
    from troth.sharing.demand_reading import Scope
    from troth.use.company import Company

PURPOSE = "legal"
"""The purpose under which what an authority got is on record."""


def carry_out(company: Company, number: int, by: str, to: str | Path, key: str) -> Disclosure:
    """Write the sealed package to the file `to`, for the public key `key` of the authority; gives its record.

    Raises: DemandRefused unless it is approved, or nothing of it is there; AccessDenied; KeyUnavailable for what is no
    key; GateClosed; RecordsError; StoreError. Nothing has left then.
    """
    office = company.office
    pausing.require_running(office.store)
    age.require_key(key)
    with office.store.reading() as tx:
        found = _ready(demands.load(tx, number), _told(tx, number))
        demands.account_of(tx, by, Operation.DEMANDS_APPROVE)
        meant = [people.parse("=".join(each)) for each in demands.opened(tx, office, number)["known_by"]]
        numbers = demand_reading.people_of(tx, number)
    scope = found.granted
    assert scope is not None
    destination = destination_of(Path(to), None, company.instance.folder)
    categories: dict[str, str] = {}
    rows = dropped = 0
    with Spool(destination.path) as spool:
        sealing = age.Sealing(spool, key)
        for place, one in enumerate(meant, 1):
            for line, kinds, left in _lines(company, (one,), scope, place):
                dropped += left
                if line is not None:
                    rows += 1
                    categories |= kinds
                    sealing.write(line)
        if not rows:
            raise DemandRefused(
                "nothing of what was approved is there; nothing has left",
                where=f"demand {number}",
                repair="Refuse the demand with that as the reason.",
            )
        sealing.close()
        spool.settle()
        back = HeldBack(refused={"outside-the-period": dropped} if dropped else {})
        leaving = Leaving(
            found.authority, PURPOSE, Circumstance.LEGAL_DEMAND, Safeguard.ENCRYPTED, destination.text, spool.token,
            Form.JSONL, rows, numbers, categories, back, spool.size, spool.sha256, number,
        )  # fmt: skip
        with office.deed() as tx:
            _ready(demands.load(tx, number), _told(tx, number))
            made = recording.begin(tx, office, leaving)
            if found.state is DemandState.APPROVED:
                demands.carried_out_in(tx, office, number, by)
        outcome, problem = deliver(spool, destination, company.instance)
        with office.deed() as tx:
            recording.end(tx, office, made, outcome)
        if problem is not None:
            raise problem
    with office.store.reading() as tx:
        record = disclosures.find(tx, made)
    assert record is not None
    return record


def _ready(found: demand_reading.Demand, told: bool) -> demand_reading.Demand:  # noqa: FBT001 - a fact of the record
    """Approved and not carried out; or carried out, and what was to leave never did. Raises: DemandRefused."""
    again = found.state is DemandState.CARRIED_OUT and not told and found.told_at is None
    if found.state is not DemandState.APPROVED and not again:
        raise DemandRefused(
            f"the demand is {found.state.value}; nothing has left",
            where=f"demand {found.id}",
            expected="one that was reviewed, and approved by somebody else",
        )
    return found


def _told(tx: Any, number: int) -> bool:
    states = tx.execute(select(table.c.state).where(table.c.demand == number)).scalars()
    return any(State(each).told for each in states)


def _lines(
    company: Company, known_by: Sequence[people.Identifier], scope: Scope, place: int
) -> Iterator[tuple[bytes | None, Mapping[str, str], int]]:
    """Each row of one person as a line, with the kinds of data in it; or no line, for one outside the days."""
    subjects = find_subjects(company.records, company.datamap, known_by)
    if not subjects:
        raise GateClosed("no store knows one of the people any more; nothing has left")
    labels = Labels()
    for store in dict.fromkeys(each.kind.store for each in subjects):
        reach = Reach.compile(company.datamap, company.records.catalogue(store))
        theirs = [each for each in subjects if each.kind.store == store]
        for part in rows_of(company.records, reach, theirs, labels=labels):
            yield from _of_part(part, scope, place)


def _of_part(part: Part, scope: Scope, place: int) -> Iterator[tuple[bytes | None, Mapping[str, str], int]]:
    reached, role, names, rows = part
    wanted = {
        name: category
        for name in names
        if (category := reached.column(name).category) in scope.categories and category is not None
        if not scope.columns or f"{reached.table.store}.{reached.name}.{name}" in scope.columns
    }
    kinds = {f"{reached.name}.{name}": category for name, category in wanted.items()}
    timed = [name for name in names if name in set(reached.table.starts.values())]
    own = isinstance(reached.table.whose, OwnRow)
    for row in rows if wanted else ():
        value = dict(zip(names, row, strict=True))
        if not _inside([instants.read(value[name]) for name in timed], scope, own=own):
            yield None, {}, 1
            continue
        line = {"person": place, "store": reached.table.store, "table": reached.name, "role": role}
        line["row"] = {name: value[name] for name in wanted}
        yield json.dumps(line, ensure_ascii=False, default=plain).encode() + b"\n", kinds, 0


def _inside(times: Sequence[dt.datetime | None], scope: Scope, *, own: bool) -> bool:
    """Whether a row lies within the days; `own` rows, one a person, belong to no day."""
    if own or (scope.since is None and scope.until is None):
        return True
    known = [each.date() for each in times if each is not None]
    return bool(known) and all(
        (scope.since is None or scope.since <= day) and (scope.until is None or day <= scope.until) for day in known
    )


def plain(value: Any) -> str:
    """What JSON has no word for, as a text."""
    return base64.b64encode(value).decode() if isinstance(value, (bytes, bytearray, memoryview)) else str(value)
