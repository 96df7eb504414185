"""Keep data past their time, because a law or a dispute demands it: place a hold, lift it, and say what it covers.

A hold names what it keeps (everything of a person, a table, a category, one row with what hangs on it), why, who of
staff answers for it, and by which day somebody looks again. While it stands, nothing that it covers ends: not by its
period, and not by an erasure, which waits and goes on by itself when the hold is lifted. Each hold is in the ledger.

Who is meant, and why, is sealed; what is lifted is wiped of both.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, update

from troth.errors import AccessDenied, HoldRefused, PersonUnknown, PlaceMissing, UnknownName
from troth.foundation import operations, people
from troth.foundation.ledger import leaves
from troth.foundation.operations import Operation
from troth.foundation.records.keys import text_of
from troth.foundation.records.subjects import find_subjects
from troth.foundation.store import hold as hold_lock
from troth.foundation.tables import staff as accounts
from troth.policy.documents import nearest
from troth.policy.vocabulary import is_pattern
from troth.protection import held_rows, hold_reading
from troth.protection.held_rows import HeldNow
from troth.protection.hold_reading import Hold
from troth.protection.tables import holds
from troth.protection.words import HoldScope

if TYPE_CHECKING:
    from troth.foundation.people import Identifier
    from troth.use.company import Company

standing = hold_reading.standing


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be kept, and why. `place`: `store.table`, a category, or `store.table=KEY` for one row."""

    scope: HoldScope
    owner: str
    reason: str
    review: dt.date
    place: str | None = None
    statute: str | None = None
    known_by: Sequence[Identifier] = ()


def place(stores: Company, order: Order) -> Hold:
    """Place a hold, and record it; what it covers ends no more from the next part of any run on.

    Raises: HoldRefused for an order that is not whole; UnknownName, PlaceMissing, PersonUnknown for what is not there;
    AccessDenied for an owner whose role may not answer for it.
    """
    office = stores.office
    today = office.clock.now().date()
    if not order.reason.strip():
        raise HoldRefused("a hold says why", expected="a reason in words, or the case that demands it")
    if order.review <= today:
        raise HoldRefused("the day of review has passed", expected="a day after today")
    if order.statute is not None and order.statute not in office.policy.statutes:
        raise UnknownName(
            "the policy lists no such law",
            where=office.policy.file,
            expected=f"one of: {', '.join(office.policy.statutes)}" if office.policy.statutes else None,
            nearest=nearest(order.statute, list(office.policy.statutes)),
            repair="List it under `statutes:` of the sentence on legal duties, or leave the law out.",
        )
    what = _what(stores, order)
    shown = order.place.partition("=")[0] if order.place is not None else None
    with office.store.writing() as tx:
        hold_lock(tx, "holds")
        owner = _account(tx, order.owner, Operation.HOLDS_ADD)
        person = _person(tx, stores, order) if order.scope is HoldScope.PERSON else None
        now = office.clock.now()
        body = {"scope": order.scope, "place": shown, "owner": owner, "statute": order.statute, "review": order.review}
        leaf = leaves.append(tx, office.keyring, "hold.placed", person, body, now)
        values = {
            "scope": order.scope,
            "place": shown,
            "person": person,
            "statute": order.statute,
            "owner": owner,
            "review": order.review,
            "placed_at": now,
            "leaf": leaf,
        }
        number = tx.execute(holds.insert().values(values).returning(holds.c.id)).scalar_one()
        sealed = office.keyring.seal(
            json.dumps({"what": what, "why": order.reason.strip()}).encode(), context=held_rows.context_of(number)
        )
        tx.execute(update(holds).where(holds.c.id == number).values(sealed=sealed))
        [found] = [each for each in standing(tx) if each.id == number]
        return found


def lift(stores: Company, number: int, name: str) -> Hold:
    """Lift a hold in the name of a staff account, and record it; what it kept ends with the next run.

    Raises: HoldRefused where there is no such hold, or it is lifted; AccessDenied.
    """
    office = stores.office
    with office.store.writing() as tx:
        hold_lock(tx, "holds")
        found = next((each for each in standing(tx) if each.id == number), None)
        if found is None:
            raise HoldRefused("no such hold stands", where=f"hold {number}", repair="See `troth hold list`.")
        by = _account(tx, name, Operation.HOLDS_LIFT)
        now = office.clock.now()
        leaf = leaves.append(tx, office.keyring, "hold.lifted", found.person, {"hold": number, "staff": by}, now)
        values = {"lifted_at": now, "lifted_by": by, "lift_leaf": leaf, "sealed": None}
        tx.execute(update(holds).where(holds.c.id == number).values(values))
        [lifted] = [each for each in hold_reading.every(tx) if each.id == number]
        return lifted


def reason_of(tx: Connection, stores: Company, number: int) -> str:
    """Why a hold stands, in the words that were given; empty once it is lifted."""
    sealed = tx.execute(select(holds.c.sealed).where(holds.c.id == number)).scalar_one_or_none()
    if sealed is None:
        return ""
    return str(held_rows.opened(stores.office.keyring, number, sealed)["why"])


def held_now(stores: Company) -> HeldNow:
    """What must stay in every store now; see `held_rows.held_now`."""
    office = stores.office
    return held_rows.held_now(office.store, office.keyring, stores.datamap, stores.records)


# --- what an order names ----------------------------------------------------------------------------------------------


def _what(stores: Company, order: Order) -> list[str]:
    """Whom or what an order means, in texts that are sealed."""
    if order.scope is HoldScope.PERSON:
        found = find_subjects(stores.records, stores.datamap, order.known_by)
        if not found:
            raise PersonUnknown("no store knows anybody by that identifier; nothing was done")
        keyed = [f"id={each.kind.id}:{','.join(map(text_of, each.key))}" for each in found if each.key]
        return keyed or [f"{one.kind.value}={one.value}" for one in order.known_by]
    place = order.place or ""
    if order.scope is HoldScope.CATEGORY:
        if not is_pattern(place):
            raise UnknownName("there is no such category of data", expected='one such as "transaction.purchase"')
        return []
    named, _, key = place.partition("=")
    store, _, table = named.partition(".")
    mapped = stores.datamap.stores.get(store)
    if mapped is None or table not in mapped.tables:
        known = [f"{each.store}.{each.name}" for each in stores.datamap.tables()]
        raise UnknownName(
            "the data map has no such table", expected="one written as store.table", nearest=nearest(named, known)
        )
    if order.scope is HoldScope.TABLE:
        return []
    seen = stores.records.catalogue(store).table(table)
    parts = [part.strip() for part in key.split(",")] if key else []
    if not seen.primary_key or len(parts) != len(seen.primary_key):
        raise PlaceMissing(
            "the row is not named by its key",
            where=named,
            expected=f"{named}={','.join(each.upper() for each in seen.primary_key) or 'KEY (the table has none)'}",
        )
    return parts


def _person(tx: Connection, stores: Company, order: Order) -> int | None:
    for one in order.known_by:
        found = people.find(tx, stores.office.keyring, one)
        if found is not None:
            return found
    return None


def _account(tx: Connection, name: str, operation: Operation) -> int:
    row = tx.execute(select(accounts).where(accounts.c.name == name)).one_or_none()
    if row is None:
        raise UnknownName("there is no staff account of that name", repair="See `troth staff list`.")
    if row.disabled_at is not None or not operations.may(row.role, operation):
        raise AccessDenied(
            f"this account may not {operation.what}",
            expected=f"one that is open, as {' or '.join(sorted(role.label for role in operation.roles))}",
        )
    return int(row.id)
