"""Collect what one person has a right to see (GDPR Art. 15): the facts, their choices, and all their rows.

Facts come from the policy in force, choices and requests from troth's own store, rows from every store of the data
map, set-wise and streamed: nothing is held that has passed. What is about others is left out or replaced on the way, as
the map says; `releases` decides where it says `ask`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from troth.foundation.records.copying import Labels, rows_of
from troth.foundation.records.reach import Reach
from troth.policy.rendering.annexes import SAFEGUARDS, purpose_label
from troth.rights import facts as facts_of_policy
from troth.rights import holdings, identity, opened_fields, register, releases, requests
from troth.rights.choices_on_record import said_by
from troth.rights.packaging.contents import Asked, Copy, Holding, Told
from troth.sharing import demand_reading, disclosures

if TYPE_CHECKING:
    from troth.foundation.people import PersonNumber
    from troth.rights.desk import Desk
    from troth.rights.facts import Facts
    from troth.rights.requests import Request


def collect(desk: Desk, which: int | str) -> Copy:
    """All that the copy for a request holds. Its holdings are read while the copy is written, once.

    Raises: RequestUnknown; PersonAmbiguous; and, while it is written, RecordsError when a store does not answer and
    ReleaseNeeded when a value waits for a decision of staff.
    """
    office = desk.office
    with office.store.reading() as tx:
        request = requests.load(tx, which)
        said = () if request.person is None else said_by(tx, request.person)
        asked = () if request.person is None else _asked(tx, request.person)
        told_of = () if request.person is None else told(tx, request.person, office.clock.now().date())
    facts = facts_of_policy.facts_of(office.policy)
    decided = releases.decisions_of(desk, request)
    return Copy(
        request=request.number,
        made_at=office.clock.now(),
        language=office.policy.controller.languages[0],
        facts=facts,
        choices=said,
        asked=asked,
        holdings=(
            releases.applied(office.keyring, request, holding, decided) for holding in held(desk, request, facts)
        ),
        told=told_of,
    )


def held(desk: Desk, request: Request, facts: Facts | None = None) -> Iterator[Holding]:
    """The person's rows in every store, one holding a table and role, in the order of the map; before `releases`.

    Each holding's rows are read before the next holding is asked for.
    """
    facts = facts or facts_of_policy.facts_of(desk.office.policy)
    subjects, labels = identity.subjects_of(desk, request.id), Labels()
    for store in dict.fromkeys(store for store in desk.datamap.stores if store in desk.records.stores):
        theirs = [subject for subject in subjects if subject.kind.store == store]
        if not theirs:
            continue
        reach = Reach.compile(desk.datamap, desk.records.catalogue(store))
        opener = opened_fields.opener(desk, request.person, theirs)
        for table, role, columns, rows in rows_of(desk.records, reach, theirs, labels=labels, opener=opener):
            yield holdings.holding_of(desk.office.policy, facts, table.table, table.seen, role, columns, rows)


def told(tx: Connection, person: PersonNumber, today: dt.date) -> tuple[Told, ...]:
    """To whom their data were really given, the newest first; without what a law keeps secret today."""
    hidden = demand_reading.hidden(tx, today)
    return tuple(
        Told(
            each.recipient,
            each.purpose,
            purpose_label(each.purpose),
            each.reason,
            each.at,
            each.kinds,
            SAFEGUARDS[each.safeguard] if each.safeguard is not None else "",
        )
        for each in disclosures.of_person(tx, person)
        if each.demand not in hidden
    )


def _asked(tx: Connection, person: PersonNumber) -> tuple[Asked, ...]:
    return tuple(
        Asked(each.number, each.right, each.received_at, each.state, each.closed_at)
        for each in reversed(register.of_person(tx, person))
    )
