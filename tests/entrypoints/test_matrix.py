"""The role x operation matrix, every cell of it over HTTP, generated from the routes that are served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from starlette.responses import Response
from starlette.routing import Route

from tests.entrypoints.matrix import (
    REAL,
    Seat,
    Try,
    ask,
    console_routes,
    method_of,
    seat,
    staff_routes,
    state_of,
    tries,
)
from tests.rights.desks import Office, approve_map, found_office
from tests.rights.site import browser, site_of
from troth.entrypoints.console.door import Door
from troth.entrypoints.http import StaffRoute
from troth.foundation import operations
from troth.foundation.operations import Mark, Operation
from troth.foundation.roles import Role
from troth.foundation.web import forms

SETTINGS = '[requests]\ncooling_off = "0 days"\napproval = true\nfour_eyes = true\n'

COMMANDS = {
    Operation.MAP_APPROVE: "map",
    Operation.AUDITS_IMPORT: "audit import",
    Operation.STAFF_ADD: "staff add",
    Operation.STAFF_ROLE: "staff role",
    Operation.STAFF_CLOSE: "staff disable",
    Operation.STAFF_LINK: "staff link",
    Operation.STAFF_FACTORS: "staff reset",
    Operation.STAFF_COMPARE: "staff compare",
    Operation.KEY_ASK: "key rekey",
    Operation.KEY_APPROVE: "key rekey",
}
"""Rows that a command does."""

WITHIN_A_PAGE = {Operation.HOLDS_SEE, Operation.DISCLOSURES_SEE, Operation.TRAINING_SEE}
"""Rows that decide what a page shows, and are the operation of no page of their own."""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with found_office(tmp_path_factory.mktemp("matrix"), more=SETTINGS) as made:
        approve_map(made)
        yield made


@pytest.fixture(scope="module")
def site(office: Office) -> Iterator[Any]:
    with site_of(office) as made:
        yield made


@pytest.fixture(scope="module")
def seats(office: Office, site: Any) -> dict[Role, Seat]:
    return {role: seat(office, site, role, f"one-{role}") for role in Role}


@pytest.mark.parametrize("role", list(Role))
def test_every_route_gives_a_role_what_the_matrix_says_and_refuses_the_rest(
    role: Role, office: Office, site: Any, seats: dict[Role, Seat]
) -> None:
    wrong = []
    for route in staff_routes(site):
        one = seats[role]
        allowed = operations.may(role, route.operation)
        for called, make in tries(route):
            what = make(office, one, called == "own")
            before = state_of(office)
            answer = ask(one, route, what)
            if what.form.get("password") and answer.status_code == 303:  # the old sessions have ended with the old one
                one = seats[role] = seat(office, site, role, f"again-{called}-{role}")
            cell = (method_of(route), route.path, called, answer.status_code)
            if called != "unknown" and allowed and what.lost:
                fine = answer.status_code == 404 and state_of(office) == before
            elif not allowed or what.refused:
                fine = answer.status_code == 403 and state_of(office) == before
            elif what.idle is not None:
                fine = answer.status_code == what.idle and state_of(office) == before
            elif called == "unknown":
                fine = answer.status_code in {404, 422} and state_of(office) == before
            elif method_of(route) == "GET":
                fine = answer.status_code == 200 and state_of(office) == before
            else:
                fine = answer.status_code == (200 if what.shows else 303) and state_of(office) != before
            if not fine:
                wrong.append(cell)
    assert wrong == [], "\n".join(map(str, wrong))


def test_every_route_leads_a_stranger_to_the_sign_in_and_shows_nothing(office: Office, site: Any) -> None:
    stranger = Seat(None, browser(site))  # type: ignore[arg-type]
    stranger.page.follow_redirects = False
    before = state_of(office)
    for route in staff_routes(site):
        answer = ask(stranger, route, Try())
        assert (answer.status_code, answer.headers.get("location")) == (303, "/console/sign-in"), route.path
        assert answer.content == b""
    assert state_of(office) == before


def test_nothing_is_done_without_the_token_of_a_form_or_from_a_foreign_page(
    office: Office, site: Any, seats: dict[Role, Seat]
) -> None:
    dora = seats[Role.DPO]
    for route in staff_routes(site):
        if method_of(route) == "GET":
            continue
        make = REAL.get((method_of(route), route.path.removeprefix("/console")), lambda *_: Try())
        what = make(office, dora, False)
        before = state_of(office)
        for answer in (
            ask(dora, route, what, token=False),
            ask(dora, route, what, origin="https://elsewhere.example.org"),
            ask(dora, route, what, **{"sec-fetch-site": "cross-site"}),
        ):
            assert answer.status_code == 403, route.path
        assert state_of(office) == before, route.path


def test_a_visit_changes_nothing(office: Office, site: Any, seats: dict[Role, Seat]) -> None:
    before = state_of(office)
    for route in staff_routes(site):
        if method_of(route) == "GET":
            ask(seats[Role.DPO], route, Try())
    assert state_of(office) == before


def test_every_route_of_the_console_belongs_to_an_operation_or_is_the_way_in(site: Any) -> None:
    routes = console_routes(site)
    assert [route.path for route in routes if not isinstance(route, StaffRoute)] == []
    open_to_all = {route.path for route in routes if route.operation is None}
    assert all(path.startswith(("/console/sign-in", "/console/sign-out", "/console/step-up")) for path in open_to_all)


def test_every_row_of_the_matrix_has_a_route_or_a_command(site: Any) -> None:
    routed = {route.operation for route in staff_routes(site)}
    commands = set(_commands(_whole_tree()))
    assert {*COMMANDS.values()} - commands == set()
    missing = set(Operation) - routed - set(COMMANDS) - WITHIN_A_PAGE
    assert {str(row) for row in missing} == set(), "rows that nothing does"


def test_a_route_without_an_operation_is_seen(site: Any) -> None:
    application = site.app
    planted = Route("/console/planted", str)
    application.routes.append(planted)
    try:
        assert planted in console_routes(site)
        assert not isinstance(planted, StaffRoute)
    finally:
        application.routes.remove(planted)


def test_a_page_cannot_be_made_without_saying_its_operation() -> None:
    with pytest.raises(TypeError, match="operation"):
        Door.guard(None, str)  # type: ignore[call-arg, arg-type, return-value]


def test_a_page_that_asks_for_a_factor_again_takes_no_file() -> None:
    page = forms.takes_file(1_000)(lambda *_: Response())
    for row in Operation:
        if row.steps_up:
            with pytest.raises(AssertionError):
                Door.guard(None, page, operation=row)  # type: ignore[arg-type]


def test_administrators_meet_nobodys_data_and_auditors_change_nothing() -> None:
    assert [row for row in operations.allowed(Role.ADMINISTRATOR) if row.personal] == []
    assert [row for row in operations.allowed(Role.AUDITOR) if row.changes and Mark.OWN not in row.mark] == []


def test_nobody_gives_a_role_that_may_more_than_their_own() -> None:
    gives = {(giver, role) for giver in Role for role in Role if operations.may_give(giver, role)}
    assert gives == {*((Role.DPO, role) for role in Role), *((role, role) for role in Role)}


def _whole_tree() -> Any:
    from troth.entrypoints.commands import attach

    app = typer.Typer()
    attach(app)
    return typer.main.get_command(app)


def _commands(group: Any, above: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}"
