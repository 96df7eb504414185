"""Every cell of the role x operation matrix, made from the routes that are served: what to ask, and what must come.

A route needs nothing here to be tried with ids that nobody has. Where there is something real to try it on, `REAL` says
how it is brought about, for the caller's own and for another's; a door that brings new pages adds its line there.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import httpx

from tests.entrypoints import makers, room_makers
from tests.entrypoints.makers import CONSOLE, PASSWORD, Maker, Seat, Try, form_token
from tests.rights.desks import ADA, Office
from tests.rights.site import browser
from troth.entrypoints.http import StaffRoute
from troth.foundation import staff
from troth.foundation.roles import Role
from troth.foundation.staff import Caller
from troth.foundation.store.schema import metadata
from troth.policy.vocabulary import Right
from troth.protection.training import course
from troth.rights.words import State
from troth.sharing.words import DemandState

UNKNOWN = {"number": "2026-999999", "token": "nobodys"}
"""What stands in a path for something that does not exist; `0` where nothing else is said."""


def staff_routes(application: Any) -> list[StaffRoute]:
    """The routes of the console that need somebody signed in."""
    return [route for route in console_routes(application) if getattr(route, "operation", None) is not None]


def console_routes(application: Any) -> list[Any]:
    """Every route at and below the console's path, whatever its kind."""
    routes = application.app.routes
    return [route for route in routes if re.match(rf"{CONSOLE}(/|$)", getattr(route, "path", ""))]


def seat(office: Office, application: Any, role: Role, name: str) -> Seat:
    """Somebody of that role, signed in by a link in a browser that follows nothing."""
    store = office.desk.office.store
    account = staff.add(store, name, role, now=office.now)
    token = staff.use_login_link(store, staff.issue_login_link(store, name, now=office.now), now=office.now)
    assert token is not None
    page = browser(application)
    page.follow_redirects = False
    page.cookies.set("console_session", token, domain="shop.example.com")
    return Seat(Caller(account.id, account.name, account.role), page)


def ask(seat: Seat, route: StaffRoute, what: Try, *, token: bool = True, **headers: str) -> httpx.Response:
    """Ask the route for that, with the hidden field of a form of this browser unless told not to."""
    path = route.path
    for name in re.findall(r"{(\w+)(?::\w+)?}", route.path):
        path = re.sub(rf"{{{name}(:\w+)?}}", what.path.get(name, UNKNOWN.get(name, "0")), path)
    method = next(iter(route.methods - {"HEAD"}))
    if method == "GET":
        return seat.page.get(path, headers=headers)
    fields = dict(what.form)
    if token:
        fields |= {"form_token": form_token(seat.page)}
    files = {name: ("file", content) for name, content in what.files.items()}
    return seat.page.post(path, data=fields, files=files or None, headers=headers)


def state_of(office: Office) -> str:
    """A hash of everything that troth's store holds, but for when sessions were last seen."""
    kept = hashlib.sha256()
    with sqlite3.connect(office.desk.office.store.path or "") as raw:
        for name, statement in _everything():
            for row in raw.execute(statement):
                kept.update(repr((name, row)).encode())
    return kept.hexdigest()


@cache
def _everything() -> tuple[tuple[str, str], ...]:
    """Each table of the store and what reads it; to put tables in order takes longer than to read them."""
    return tuple(
        (table.name, f'select {", ".join(names)} from "{table.name}"')
        for table in metadata.sorted_tables
        if (names := [f'"{column.name}"' for column in table.c if column.name != "seen_at"])
    )


_WORKING = (State.WORKING, Right.RECTIFICATION)
REAL: Mapping[tuple[str, str], Maker] = {
    ("GET", "/account/code"): lambda office, seat, own: _reading(makers.enrolling(office, seat, own)),
    ("POST", "/account/code"): makers.unenrolled,
    ("POST", "/account/code/confirm"): makers.enrolling,
    ("POST", "/account/code/remove"): lambda office, seat, _: makers.enrolled(office, seat),
    ("POST", "/account/recovery"): lambda office, seat, _: makers.enrolled(office, seat, shows=True),
    ("POST", "/account/passkeys"): lambda *_: Try(idle=200),
    ("POST", "/account/passkeys/new"): makers.making_a_passkey,
    ("POST", "/account/passkeys/{passkey}/remove"): makers.a_passkey,
    ("POST", "/account/provider"): lambda *_: Try(idle=422),  # there is none in this company; test_provider.py has one
    ("POST", "/account/provider/remove"): makers.linked,
    ("POST", "/account/password"): lambda *_: Try(form={"password": PASSWORD, "again": PASSWORD}),
    ("POST", "/account/sessions/{session}/end"): makers.a_session,
    ("POST", "/account/sessions/others"): lambda office, seat, _: _unnamed(makers.a_session(office, seat, own=True)),
    ("POST", "/map/approve"): makers.changed_map,
    ("GET", "/staff/{account}"): makers.an_account(),
    ("POST", "/staff/new"): makers.new_account,
    ("POST", "/staff/compare"): lambda *_: Try(files={"list": b"name\nsomebody-else\n"}),
    ("POST", "/audits"): room_makers.scanned,
    ("POST", "/staff/{account}/role"): makers.an_account(own=False, enters=True, role="agent"),
    ("POST", "/staff/{account}/close"): makers.an_account(own=False),
    ("POST", "/staff/{account}/link"): makers.an_account(own=False, enters=True, link="yes"),
    ("POST", "/staff/{account}/factors"): makers.an_account(own=False, enters=True),
    ("POST", "/staff/{account}/sessions"): lambda office, *_: Try(
        {"account": str(makers.colleague_with_session(office))}
    ),
    ("POST", "/requests/find"): lambda *_: Try(form={"kind": "email", "who": ADA.value}, idle=200),
    ("GET", "/requests/{number}"): makers.a_request(*_WORKING),
    ("POST", "/requests/new"): lambda *_: Try(
        form={"right": "access", "kind": "email", "who": ADA.value, "wish": "by letter"}
    ),
    ("POST", "/writing/pause"): makers.running,
    ("POST", "/writing/resume"): room_makers.paused,
    ("POST", "/versions"): room_makers.changed_text,
    ("POST", "/assessments"): room_makers.assessing,
    ("GET", "/ledger/checkpoint"): room_makers.sequenced,
    ("GET", "/ledger/export.zip"): room_makers.sequenced,
    ("GET", "/ledger/entries/{number}"): room_makers.proven,
    ("GET", "/ledger/report.html"): room_makers.checked,
    ("GET", "/ledger/report.json"): room_makers.checked,
    ("POST", "/attestations"): makers.attesting,
    ("POST", "/breaches"): lambda *_: Try(form={"what": "A list went astray."}),
    ("GET", "/breaches/{number}"): lambda *made: Try({"number": makers.broken_into(*made).number}),
    ("GET", "/breaches/{number}/letter/{told}"): lambda *made: Try(
        {"number": makers.broken_into(*made).number, "told": "authority"}
    ),
    ("POST", "/breaches/{number}/{act}"): lambda *made: Try(
        {"number": makers.broken_into(*made).number, "act": "assess"},
        {"risk": "unlikely", "consequences": "none", "measures": "fetched back"},
    ),
    ("GET", "/training/certificate"): makers.certified,
    ("GET", "/training/certificate.json"): makers.certified,
    ("GET", "/training/chapters/{chapter}"): lambda *_: Try({"chapter": course.load().chapters[0].id}),
    ("GET", "/training/quiz/{quiz}"): makers.a_quiz,
    ("POST", "/training/quiz/{quiz}"): makers.a_quiz,
    ("POST", "/periods/run"): makers.ending,
    ("POST", "/periods/holds"): lambda *_: Try(form=makers.HOLD),
    ("POST", "/periods/holds/{number}/lift"): makers.held,
    ("POST", "/attestations/{number}/withdraw"): makers.attested,
    ("GET", "/demands/{number}"): lambda office, seat, own: Try(
        makers.a_demand(DemandState.FILED)(office, seat, own).path
    ),
    ("POST", "/demands"): lambda *_: Try(form=makers.DEMANDING),
    ("POST", "/demands/{number}/review"): makers.a_demand(DemandState.FILED, "filed", data="transaction.purchase"),
    ("POST", "/demands/{number}/approve"): makers.a_demand(DemandState.REVIEWED, "reviewed"),
    ("POST", "/demands/{number}/challenge"): makers.a_demand(DemandState.REVIEWED, note="asked the court"),
    ("POST", "/demands/{number}/refuse"): makers.a_demand(DemandState.FILED, note="no basis in law"),
    ("POST", "/demands/{number}/carry-out"): makers.a_demand(DemandState.APPROVED, key=makers.KEY),
    ("POST", "/transfers"): makers.no_transfer,
    ("POST", "/transfers/{number}/stay"): makers.a_transfer(who=f"email={ADA.value}"),
    ("POST", "/transfers/{number}/freeze"): makers.a_transfer(),
    ("POST", "/transfers/{number}/export"): makers.a_transfer(frozen=True, due=True, key=makers.KEY),
    ("POST", "/transfers/{number}/end"): makers.a_transfer(),
    ("POST", "/requests/{number}/confirm"): makers.a_request(State.IDENTITY, Right.ACCESS, words="came in person"),
    ("POST", "/requests/{number}/link"): makers.a_request(State.IDENTITY, Right.ACCESS),
    ("POST", "/requests/{number}/ask"): makers.a_request(*_WORKING),
    ("POST", "/requests/{number}/answer"): makers.a_request(*_WORKING, words="done"),
    ("POST", "/requests/{number}/release"): makers.a_request(State.RELEASE, Right.ACCESS),
    ("POST", "/requests/{number}/approve"): makers.a_request(State.APPROVAL, Right.ERASURE, apart=True, plan="a" * 64),
    ("POST", "/requests/{number}/refuse"): makers.a_request(*_WORKING, ground="unfounded", words="no"),
    ("POST", "/requests/{number}/extend"): makers.a_request(*_WORKING, words="many systems"),
}


def _reading(what: Try) -> Try:
    return Try()


def _unnamed(what: Try) -> Try:
    return Try()


def tries(route: StaffRoute) -> Iterator[tuple[str, Maker]]:
    """(what it is called, how it is brought about) for every way in which a route is tried."""
    if "{" in route.path:
        yield "unknown", lambda *_: Try()
    real = REAL.get((method_of(route), route.path.removeprefix(CONSOLE)))
    if real is not None:
        yield "own", real
        yield "other's", real
    elif "{" not in route.path:
        yield "as it is", lambda *_: Try()


def method_of(route: StaffRoute) -> str:
    return next(iter(route.methods - {"HEAD"}))
