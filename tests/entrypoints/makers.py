"""What a route of the console can be tried on, brought about for the caller's own and for another's."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import unescape

import httpx
from sqlalchemy import func, select

from tests.foundation.authenticator import Authenticator
from tests.rights.desks import ADA, Office
from troth.foundation import age, operations, staff
from troth.foundation.attestations import register
from troth.foundation.attestations.register import Statement
from troth.foundation.factors import codes, sessions
from troth.foundation.guards import pausing
from troth.foundation.operations import Operation
from troth.foundation.people import Identifier
from troth.foundation.roles import Role
from troth.foundation.staff import Caller
from troth.foundation.tables import staff_passkeys, staff_providers, staff_sessions
from troth.policy.periods import Duration
from troth.policy.vocabulary import Right
from troth.protection import holds, plans
from troth.protection.breaches import register as breaches
from troth.protection.holds import Order
from troth.protection.keeper import Keeper
from troth.protection.training import course
from troth.protection.training import register as quizzes
from troth.protection.words import HoldScope
from troth.rights import identity, requests
from troth.rights.words import Channel, Proof, State
from troth.sharing import demands, transfer_reading, transfers
from troth.sharing.demand_reading import Scope
from troth.sharing.demands import Order as Demanded
from troth.sharing.tables import transfers as transfers_table
from troth.sharing.words import DemandState, TransferState

CONSOLE = "/console"
PASSWORD = "correct horse battery staple"


@dataclass
class Seat:
    """A browser in which somebody of one role is signed in."""

    caller: Caller
    page: httpx.Client


@dataclass(frozen=True)
class Try:
    """One thing to ask of a route: the values in its path, the fields of its form, and the files that go with it.

    `refused`: even by those whose role may, as under four eyes. `lost`: it is not theirs, and is not found. `shows`:
    what is sent back is a page, not a way on. `idle`: the status of what is permitted and changes nothing yet.
    """

    path: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    refused: bool = False
    lost: bool = False
    shows: bool = False
    idle: int | None = None


Maker = Callable[[Office, Seat, bool], Try]
"""Brings about what a route can be tried on: the seat's own, or another's."""


def form_token(page: httpx.Client) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page.get(f"{CONSOLE}/sign-in").text)
    assert found
    return found[1]


def waiting(office: Office, state: State, right: Right, by: int | None = None, who: Identifier = ADA) -> str:
    """The number of a request of Ada's in that state; `by` is the account that typed it in."""
    channel = Channel.CENTRE if by is None else Channel.CONSOLE
    proof = Proof.OPERATOR if right is Right.ERASURE else None
    request = office.file(right, who, channel=channel, staff=by, proof=proof)
    if state is State.IDENTITY:
        return identity.settle(office.desk, request.id).number
    with office.desk.office.store.writing() as tx:
        known = requests.known_by_of(tx, office.desk.office, request)
        requests.keep_identity(tx, office.desk.office, request, known_by=known, addresses=(who.value,))
        identity.confirm_in(tx, office.desk, request, 1, Proof.LINK)
        now = requests.load(tx, request.id)
        if now.state is not state:
            requests.move(tx, office.desk.office, now, state)
    return request.number


def a_request(state: State, right: Right, *, apart: bool = False, **form: str) -> Maker:
    """A request that the seat typed in, or that came by itself; `apart`: who typed it in may not go on."""

    def make(office: Office, seat: Seat, own: bool) -> Try:
        number = waiting(office, state, right, seat.caller.id if own else None)
        return Try({"number": number}, form, refused=apart and own)

    return make


def attested(office: Office, *_: object) -> Try:
    """An attestation that can be taken back."""
    desk = office.desk.office
    with desk.store.writing() as tx:
        made = register.attest(tx, desk.keyring, desk.policy, office.company.folder, _said(office), office.now)
    return Try({"number": str(made.id)})


def _said(office: Office) -> Statement:
    return Statement("pentest", "Nobody got in.", "dpo", "policy.yaml", office.now.date())


def attesting(office: Office, *_: object) -> Try:
    said = _said(office)
    form = {"about": said.about, "statement": said.statement, "document": said.document, "until": str(said.until)}
    return Try(form=form)


def colleague(office: Office, role: Role) -> int:
    """Somebody else of that role, with a session and a second factor of their own."""
    store, now = office.desk.office.store, office.now
    with store.reading() as tx:
        name = f"colleague-{len(staff.list_(tx))}"
    account = staff.add(store, name, role, now=now)
    staff.use_login_link(store, staff.issue_login_link(store, name, now=now), now=now)
    secret = codes.secret_of(codes.enrol(store, office.desk.office.keyring, account.id, now=now))
    code = codes.code_at(secret, codes.step_at(now))
    assert codes.confirm(store, office.desk.office.keyring, account.id, code, now=now)
    return account.id


def an_account(*, own: bool = True, enters: bool = False, **form: str) -> Maker:
    """The seat's own account, or that of an agent.

    `own`: whether it may be done to oneself. `enters`: it makes or enters what the account's role may, which only
    those do who may as much.
    """

    def make(office: Office, seat: Seat, mine: bool) -> Try:
        if mine:
            return Try({"account": str(seat.caller.id)}, form, refused=not own)
        refused = enters and not operations.may_give(seat.caller.role, Role.AGENT)
        return Try({"account": str(colleague(office, Role.AGENT))}, form, refused=refused, shows="link" in form)

    return make


def a_session(office: Office, seat: Seat, own: bool) -> Try:
    """A session of the seat's own beside the one they are in, or one of somebody else."""
    store, now = office.desk.office.store, office.now
    if own:
        staff.use_login_link(store, staff.issue_login_link(store, seat.caller.name, now=now), now=now)
    account = seat.caller.id if own else colleague_with_session(office)
    with store.reading() as tx:
        listed = sessions.list_(tx, account, seat.page.cookies["console_session"], now=now)
    which = next(each.id for each in listed if not each.here)
    return Try({"session": which}, lost=not own)


def colleague_with_session(office: Office) -> int:
    account = colleague(office, Role.AGENT)
    store, now = office.desk.office.store, office.now
    with store.writing() as tx:
        staff.begin(tx, account, "link", now, password=None, factor="code")
    return account


def enrolling(office: Office, seat: Seat, own: bool) -> Try:
    """The seat has begun to set up codes, and has its first."""
    store, keyring, now = office.desk.office.store, office.desk.office.keyring, office.now
    with store.writing() as tx:
        codes.forget(tx, seat.caller.id)
    secret = codes.secret_of(codes.enrol(store, keyring, seat.caller.id, now=now))
    return Try(form={"code": codes.code_at(secret, codes.step_at(now))}, shows=True)


def enrolled(office: Office, seat: Seat, *, shows: bool = False) -> Try:
    """The seat has codes, and has just shown one."""
    what = enrolling(office, seat, own=True)
    store, keyring, now = office.desk.office.store, office.desk.office.keyring, office.now
    assert codes.confirm(store, keyring, seat.caller.id, what.form["code"], now=now)
    with store.writing() as tx:
        tx.execute(staff_sessions.update().where(staff_sessions.c.staff == seat.caller.id).values(fresh_at=now))
    return Try(shows=shows)


def unenrolled(office: Office, seat: Seat, own: bool) -> Try:
    with office.desk.office.store.writing() as tx:
        codes.forget(tx, seat.caller.id)
    return Try()


def making_a_passkey(office: Office, seat: Seat, own: bool) -> Try:
    """The seat's device has made a passkey for the challenge of the page."""
    page = seat.page.post(f"{CONSOLE}/account/passkeys", data={"form_token": form_token(seat.page)}).text
    found = re.search(r'data-options="([^"]+)"', page)
    assert found, page
    device = Authenticator("shop.example.com", "https://shop.example.com")
    return Try(form={"label": "a device", "credential": device.make(unescape(found[1]))})


def a_passkey(office: Office, seat: Seat, own: bool) -> Try:
    account = seat.caller.id if own else colleague(office, Role.AGENT)
    facts = {"public_key": b"", "sign_count": 0, "label": "a device", "added_at": office.now, "backed_up": False}
    with office.desk.office.store.writing() as tx:
        name = f"{account}-{own}-{tx.execute(select(func.count()).select_from(staff_passkeys)).scalar()}"
        made = tx.execute(
            staff_passkeys.insert()
            .values(staff=account, credential=name.encode(), **facts)
            .returning(staff_passkeys.c.id)
        )
        return Try({"passkey": str(made.scalar_one())}, lost=not own)


def linked(office: Office, seat: Seat, own: bool) -> Try:
    """The seat is linked to somebody at a provider."""
    with office.desk.office.store.writing() as tx:
        tx.execute(staff_providers.delete().where(staff_providers.c.staff == seat.caller.id))
        facts = {"staff": seat.caller.id, "subject": f"subject {seat.caller.id:08}".encode(), "linked_at": office.now}
        tx.execute(staff_providers.insert().values(**facts))
    return Try()


def changed_map(office: Office, seat: Seat, own: bool) -> Try:
    """The map as it is, after a change of a letter that nobody has answered for."""
    file = office.desk.instance.map_file
    file.write_text(f"{file.read_text()}# {len(file.read_text())}\n")
    return Try(form={"sha256": hashlib.sha256(file.read_bytes()).hexdigest()})


def running(office: Office, *_: object) -> Try:
    """Nothing is stopped."""
    desk = office.desk.office
    with desk.store.writing() as tx:
        pausing.resume(tx, desk.keyring, office.now)
    return Try()


def new_account(office: Office, seat: Seat, own: bool) -> Try:
    role = seat.caller.role if own else Role.AGENT
    with office.desk.office.store.reading() as tx:
        name = f"new-{len(staff.list_(tx))}"
    return Try(form={"name": name, "role": role}, refused=not operations.may_give(seat.caller.role, role))


HOLD = {"scope": "table", "what": "shop.users", "reason": "a dispute", "review": "2030-01-01"}


def held(office: Office, seat: Seat, own: bool) -> Try:
    """A hold that the seat placed, or the officer."""
    with office.desk.office.store.reading() as tx:
        officer = next(each.name for each in staff.list_(tx) if each.role is Role.DPO)
    owner = seat.caller.name if own and seat.caller.role is Role.DPO else officer
    order = Order(HoldScope.TABLE, owner, "a dispute", dt.date(2030, 1, 1), place="shop.users")
    return Try({"number": str(holds.place(office.desk, order).id)})


def ending(office: Office, seat: Seat, own: bool) -> Try:
    running(office)
    # as the site does: by the map as its file is now
    keeper = Keeper.of(office.desk.office, office.desk.instance)
    try:
        return Try(form={"plan": plans.plan(keeper).hash})
    finally:
        keeper.close()


_DEMAND = Demanded("Example Court", "IE", "s. 10 Example Act", (ADA,), Scope(("transaction.purchase",)))
DEMANDING = {
    "authority": "Example Court",
    "country": "IE",
    "reference": "s. 10 Example Act",
    "who": f"email={ADA.value}",
    "data": "transaction.purchase",
}


def helper(office: Office, role: Role = Role.AGENT) -> str:
    """The name of somebody else of that role."""
    with office.desk.office.store.reading() as tx:
        name = f"helper-{len(staff.list_(tx))}"
    return staff.add(office.desk.office.store, name, role, now=office.now).name


def a_demand(state: DemandState, step: str = "", **form: str) -> Maker:
    """A demand in that state; `step`: what the seat did before, so that it may not do this."""

    def make(office: Office, seat: Seat, own: bool) -> Try:
        able = seat.caller.role in Operation.DEMANDS_APPROVE.roles
        mine = seat.caller.name if own and able else ""
        filed = demands.file(office.desk, _DEMAND, mine if step == "filed" and mine else helper(office))
        if state is not DemandState.FILED:
            by = mine if step == "reviewed" and mine else helper(office)
            demands.review(office.desk, filed.id, by, _DEMAND.scope)
        if state is DemandState.APPROVED:
            demands.approve(office.desk, filed.id, helper(office))
        return Try({"number": str(filed.id)}, form, refused=bool(step) and bool(mine))

    return make


def a_transfer(*, frozen: bool = False, due: bool = False, **form: str) -> Maker:
    """A transfer that was announced; no other is under way."""

    def make(office: Office, seat: Seat, own: bool) -> Try:
        no_transfer(office)
        desk = office.desk.office
        number = transfers.announce(desk, "Example Buyer", "IE", "We are sold.").id
        if frozen:
            transfers.freeze(desk, number)
        if due:
            with desk.store.writing() as tx:
                tx.execute(transfers_table.update().values(due=office.now.date()))
        return Try({"number": str(number)}, form)

    return make


def no_transfer(office: Office, *_: object) -> Try:
    """Nothing under way."""
    desk = office.desk.office
    with desk.store.reading() as tx:
        open_ = [each.id for each in transfer_reading.every(tx) if each.state is not TransferState.ENDED]
    for number in open_:
        transfers.end(desk, number)
    return Try(form={"buyer": "Example Buyer", "country": "IE", "notice": "We are sold."})


KEY = age.new_key()[1]


def broken_into(office: Office, *_: object) -> breaches.Breach:
    desk, now = office.desk.office, office.now
    opening = breaches.Opening(now, "A list went astray.")
    with desk.store.writing() as tx:
        return breaches.open_(tx, desk.keyring, ("gdpr",), opening, now)


def a_quiz(office: Office, seat: Seat, own: bool) -> Try:
    """A quiz of the seat's own, or of somebody else."""
    account = seat.caller.id if own else colleague(office, Role.AGENT)
    with office.desk.office.store.writing() as tx:
        made = quizzes.begin(tx, account, course.load(), office.now)
    return Try({"quiz": str(made.id)}, lost=not own, shows=True)


def certified(office: Office, seat: Seat, own: bool) -> Try:
    """The seat passed the course."""
    desk, now = office.desk.office, office.now
    with desk.store.writing() as tx:
        quizzes.record(tx, desk.keyring, seat.caller.id, "course", now, Duration(12, "month"), now, body={})
    return Try()
