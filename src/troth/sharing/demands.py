"""Legal demands: what an authority asks for, and how little of it is given (GDPR Art. 5(1)(c), 6(1)(c), 48).

1. A demand names the authority, its country, the law it rests on, whom it is about and which kinds of data.
2. Somebody reviews it and may only narrow it; somebody else approves what is left. Neither of them took it in, and
   both act in their own name.
3. What is approved leaves through the record of the gate, sealed for the authority's key; nothing else does.
4. The people meant are told, at once or on the day after secrecy ends; until then nothing of theirs names it.
5. A demand of a third country without a treaty (Art. 48) is taken in only with a note that says why it is looked at.

Each step is a row with its entry in the ledger. Who is meant, and what is noted, is sealed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyroaring import BitMap
from sqlalchemy import Connection, select, update

from troth.errors import AccessDenied, DemandRefused, PersonUnknown, UnknownName
from troth.foundation import mail, operations, people
from troth.foundation.canonical import digest
from troth.foundation.ledger import leaves
from troth.foundation.operations import Operation
from troth.foundation.records.subjects import find_subjects
from troth.foundation.store import hold
from troth.foundation.tables import staff as accounts
from troth.policy.documents import nearest
from troth.policy.vocabulary import CATEGORIES
from troth.sharing import demand_reading
from troth.sharing.demand_reading import Demand, Scope
from troth.sharing.tables import demand_steps, demands
from troth.sharing.words import DemandState, DemandStep

if TYPE_CHECKING:
    from troth.foundation.people import Identifier
    from troth.foundation.records.keys import Subject
    from troth.use.company import Company
    from troth.use.office import Office

EEA = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()  # noqa: SIM905
)
"""Where GDPR is law, and an order of an authority needs no treaty (Art. 48)."""

_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Order:
    """A demand as it came. `treaty` is what an order from a third country rests on; `note` is sealed."""

    authority: str
    country: str
    reference: str
    known_by: tuple[Identifier, ...]
    scope: Scope
    secret_until: dt.date | None = None
    treaty: str | None = None
    note: str = ""


def file(company: Company, order: Order, by: str | None = None) -> Demand:
    """Take a demand in; nothing leaves yet. `by` is an account; None: the operator.

    Raises: DemandRefused for one that is not whole; UnknownName for a kind of data; PersonUnknown; AccessDenied.
    """
    office = company.office
    _require_whole(office, order)
    meant = [find_subjects(company.records, company.datamap, (one,)) for one in order.known_by]
    if not all(meant):
        raise PersonUnknown("no store knows one of the people that the demand is about; nothing was done")
    kept = {
        "known_by": [[one.kind.value, one.value] for one in order.known_by],
        "emails": [sorted({mail_ for each in theirs for mail_ in _emails(each)}) for theirs in meant],
    }
    with office.deed() as tx:
        account = None if by is None else account_of(tx, by, Operation.DEMANDS_FILE)
        now = office.clock.now()
        numbers = BitMap(_number(tx, office, one) for one in order.known_by)
        made = tx.execute(
            demands.insert().values(
                authority=order.authority.strip(),
                country=order.country,
                reference=order.reference.strip(),
                treaty=(order.treaty or "").strip() or None,
                state=DemandState.FILED,
                people=numbers.serialize(),
                people_count=len(numbers),
                asked=_text(order.scope),
                secret_until=order.secret_until,
                filed_at=now,
            )
        )
        key: Any = made.inserted_primary_key
        number = int(key[0])
        sealed = office.keyring.seal(json.dumps(kept).encode(), context=_context(number, "people"))
        tx.execute(update(demands).where(demands.c.id == number).values(sealed=sealed))
        _step(tx, office, number, DemandStep.FILED, account, order.note, scope=order.scope)
        return load(tx, number)


def challenge(company: Company, number: int, by: str, note: str) -> Demand:
    """Record that the demand was objected to or taken to court, and what was said. It can still go on or be refused."""
    if not note.strip():
        raise DemandRefused("say what was objected, and where", where=f"demand {number}")
    with company.office.deed() as tx:
        found = _locked(tx, number, DemandState.FILED, DemandState.REVIEWED, DemandState.APPROVED)
        account = account_of(tx, by, Operation.DEMANDS_APPROVE)
        # what was decided before the objection is decided again
        tx.execute(update(demands).where(demands.c.id == found.id).values(state=DemandState.FILED, granted=None))
        _step(tx, company.office, number, DemandStep.CHALLENGED, account, note)
        return load(tx, number)


def review(company: Company, number: int, by: str, scope: Scope, note: str = "") -> Demand:
    """Decide how much of it the law really asks for; it can only become less.

    Raises: DemandRefused for a scope that is wider than what was asked, or empty, or a column that holds none of it;
    AccessDenied for whoever took it in.
    """
    with company.office.deed() as tx:
        found = _locked(tx, number, DemandState.FILED, DemandState.REVIEWED)
        account = account_of(tx, by, Operation.DEMANDS_APPROVE)
        _apart(found, account, DemandStep.FILED)
        if not scope.categories:
            raise DemandRefused("nothing would be given; refuse the demand instead", where=f"demand {number}")
        if not scope.within(found.asked):
            raise DemandRefused(
                "a review can only narrow what was asked for",
                where=f"demand {number}",
                expected=f"some of {', '.join(found.asked.categories)}, within its days",
            )
        holding = columns_of(company, scope.categories)
        strangers = sorted(set(scope.columns) - set(holding))
        if strangers:
            raise DemandRefused(
                "this column holds none of the kinds of data that would be given",
                where=strangers[0][:200],
                expected=f"some of {', '.join(holding)[:400]}",
            )
        values = {"granted": _text(scope), "state": DemandState.REVIEWED}
        tx.execute(update(demands).where(demands.c.id == number).values(values))
        _step(tx, company.office, number, DemandStep.REVIEWED, account, note, scope=scope)
        return load(tx, number)


def approve(company: Company, number: int, by: str, note: str = "") -> Demand:
    """Approve what the review left; by somebody who neither took it in nor reviewed it. Raises: AccessDenied."""
    with company.office.deed() as tx:
        found = _locked(tx, number, DemandState.REVIEWED)
        account = account_of(tx, by, Operation.DEMANDS_APPROVE)
        _apart(found, account, DemandStep.FILED)
        _apart(found, account, DemandStep.REVIEWED)
        tx.execute(update(demands).where(demands.c.id == number).values(state=DemandState.APPROVED))
        _step(tx, company.office, number, DemandStep.APPROVED, account, note, scope=found.granted)
        return load(tx, number)


def refuse(company: Company, number: int, by: str, note: str) -> Demand:
    """Refuse it, with the reason that the authority is given; who is meant is forgotten."""
    if not note.strip():
        raise DemandRefused("a refusal gives its reason", where=f"demand {number}")
    with company.office.deed() as tx:
        _locked(tx, number, DemandState.FILED, DemandState.REVIEWED, DemandState.APPROVED)
        account = account_of(tx, by, Operation.DEMANDS_APPROVE)
        values = {"state": DemandState.REFUSED, "sealed": None}
        tx.execute(update(demands).where(demands.c.id == number).values(values))
        _step(tx, company.office, number, DemandStep.REFUSED, account, note)
        return load(tx, number)


def carried_out_in(tx: Connection, office: Office, number: int, by: str) -> None:
    """Record, with the disclosure, that it is carried out; and tell the people meant unless that is secret."""
    account = account_of(tx, by, Operation.DEMANDS_APPROVE)
    tx.execute(update(demands).where(demands.c.id == number).values(state=DemandState.CARRIED_OUT))
    _step(tx, office, number, DemandStep.CARRIED_OUT, account, "")
    tell_in(tx, office, number)


def tell(office: Office) -> int:
    """Tell everybody whose demand was carried out and is secret no more; gives how many demands. Safe to repeat."""
    done = 0
    query = select(demands.c.id).where(demands.c.state == DemandState.CARRIED_OUT, demands.c.told_at.is_(None))
    with office.store.reading() as tx:
        waiting = list(tx.execute(query).scalars())
    for number in waiting:
        with office.deed() as tx:
            done += tell_in(tx, office, number)
    return done


def tell_in(tx: Connection, office: Office, number: int) -> bool:
    """As `tell`, for one demand, in the caller's deed; gives whether people were told now."""
    found, now = _locked(tx, number, DemandState.CARRIED_OUT), office.clock.now()
    if found.told_at is not None or found.secret(now.date()):
        return False
    kept = opened(tx, office, number)
    for place, addresses in enumerate(kept["emails"]):
        for address in addresses:
            once = f"demand {number} {place} {hashlib.sha256(address.encode()).hexdigest()[:16]}"
            letter = mail.Letter(address, "Your data were given to an authority", _words(office, found), once, once)
            mail.queue(tx, office.keyring, letter, now)
    tx.execute(update(demands).where(demands.c.id == number).values(told_at=now, sealed=None))
    _step(tx, office, number, DemandStep.TOLD, None, "")
    return True


def opened(tx: Connection, office: Office, number: int) -> dict[str, Any]:
    """Who is meant: `known_by` and `emails`; both empty once that is forgotten."""
    sealed = tx.execute(select(demands.c.sealed).where(demands.c.id == number)).scalar_one_or_none()
    if sealed is None:
        return {"known_by": [], "emails": []}
    found: dict[str, Any] = json.loads(office.keyring.unseal(sealed, context=_context(number, "people")))
    return found


def notes_of(tx: Connection, office: Office, number: int) -> list[tuple[DemandStep, str]]:
    """What was noted at each step."""
    query = select(demand_steps.c.step, demand_steps.c.note).where(demand_steps.c.demand == number)
    return [
        (row.step, office.keyring.unseal(row.note, context=_context(number, row.step.value)).decode())
        for row in tx.execute(query.order_by(demand_steps.c.id))
        if row.note is not None
    ]


def columns_of(company: Company, categories: Sequence[str]) -> tuple[str, ...]:
    """Every column of the data map that holds one of these kinds of data, as `store.table.column`."""
    wanted = set(categories)
    return tuple(
        f"{place.store}.{place.table}.{column.name}"
        for place, column in company.datamap.columns()
        if column.category in wanted
    )


def load(tx: Connection, number: int) -> Demand:
    """The demand of that number. Raises: DemandRefused where there is none."""
    found = demand_reading.find(tx, number)
    if found is None:
        raise DemandRefused("there is no such demand", where=f"demand {number}", repair="See `troth demand list`.")
    return found


def foreign(office: Office, country: str) -> bool:
    """Whether an order from there needs a treaty to be obeyed (Art. 48)."""
    here = office.policy.controller.country
    return country != here and not (here in EEA and country in EEA)


def account_of(tx: Connection, name: str, operation: Operation) -> int:
    """The staff account of that name, which may do that. Raises: UnknownName, AccessDenied."""
    row = tx.execute(select(accounts).where(accounts.c.name == name)).one_or_none()
    if row is None:
        raise UnknownName("there is no staff account of that name", repair="See `troth staff list`.")
    if row.disabled_at is not None or not operations.may(row.role, operation):
        raise AccessDenied(
            f"this account may not {operation.what}",
            expected=f"one that is open, as {' or '.join(sorted(role.label for role in operation.roles))}",
        )
    return int(row.id)


# --- what makes a demand whole ----------------------------------------------------------------------------------------


def _require_whole(office: Office, order: Order) -> None:
    for name, text in (("authority", order.authority), ("reference", order.reference)):
        if not text.strip() or len(text) > _LONGEST or "@" in text or not text.isprintable():
            raise DemandRefused(
                f"a demand names its {name}", expected=f"1 to {_LONGEST} letters on one line, and nobody's address"
            )
    if len(order.country) != 2 or not (order.country.isascii() and order.country.isupper()):
        raise DemandRefused("the country of the authority is two letters", expected="such as IE")
    if not order.known_by:
        raise DemandRefused("a demand says whom it is about; nobody's data are given in bulk")
    if not order.scope.categories:
        raise DemandRefused("a demand names the kinds of data that it asks for", expected="such as contact.email")
    for category in order.scope.categories:
        if category not in CATEGORIES:
            raise UnknownName(
                "there is no such kind of data", expected="one of the vocabulary", nearest=nearest(category, CATEGORIES)
            )
    if order.scope.since and order.scope.until and order.scope.until < order.scope.since:
        raise DemandRefused("the last day of the period lies before its first")
    if order.secret_until is not None and order.secret_until < office.clock.now().date():
        raise DemandRefused("the day until which it is secret has passed")
    if foreign(office, order.country) and not (order.treaty or "").strip() and not order.note.strip():
        raise DemandRefused(
            "an order from there binds nobody without a treaty (GDPR Art. 48)",
            expected="the treaty that it rests on, or a note why it is looked at all the same",
        )


def _number(tx: Connection, office: Office, one: Identifier) -> int:
    found = people.find(tx, office.keyring, one)
    return people.register(tx, office.keyring, (one,), office.clock.now()) if found is None else found


def _emails(subject: Subject) -> tuple[str, ...]:
    return tuple(one for name, values in subject.identifiers.items() if name == "email" for one in values)


def _locked(tx: Connection, number: int, *states: DemandState) -> Demand:
    hold(tx, f"demand {number}")
    found = load(tx, number)
    if found.state not in states:
        raise DemandRefused(
            f"the demand is {found.state.value}",
            where=f"demand {number}",
            expected=f"one that is {' or '.join(state.value for state in states)}",
        )
    return found


def _apart(found: Demand, account: int, step: DemandStep) -> None:
    """Four eyes: whoever did that step may not do this one. Raises: AccessDenied."""
    done = found.did(step)
    if done is not None and done.account == account:
        raise AccessDenied(
            f"this account did the step before ({step.value}); somebody else has to do this. Nothing was done.",
            repair="Ask somebody else whose role may.",
        )


def _step(  # noqa: PLR0917 - the parts of one step
    tx: Connection,
    office: Office,
    number: int,
    step: DemandStep,
    account: int | None,
    note: str,
    *,
    scope: Scope | None = None,
) -> None:
    body: dict[str, Any] = {"demand": number, "staff": account}
    if scope is not None:
        body["scope"] = scope_hash(scope)
    now = office.clock.now()
    leaf = leaves.append(tx, office.keyring, f"demand.{step.value}", None, body, now)
    sealed = office.keyring.seal(note.strip().encode(), context=_context(number, step.value)) if note.strip() else None
    values = {"demand": number, "step": step, "staff": account, "at": now, "note": sealed, "leaf": leaf}
    tx.execute(demand_steps.insert().values(values))


def scope_hash(scope: Scope) -> str:
    """What the ledger keeps of how much was asked for or granted."""
    return digest(scope.as_json()).hex()


def _text(scope: Scope) -> str:
    return json.dumps(scope.as_json())


def _context(number: int, what: str) -> bytes:
    return f"demand {number} {what}".encode()


def _words(office: Office, found: Demand) -> str:
    granted = found.granted or found.asked
    kinds = "\n".join(f"- {CATEGORIES[each].label}" for each in granted.categories)
    return (
        f"{found.authority} ({found.country}) demanded data about you under {found.reference}.\n"
        "Two people here looked at the demand and gave no more than the law asks for:\n\n"
        f"{kinds}\n\n"
        "You can ask for a copy of all that we hold, and object to what was done.\n\n"
        f"{office.policy.controller.name}\n"
    )
