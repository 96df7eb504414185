"""What staff see and do about requests, by role."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.rights.desks import ADA, NOBODY, Office, approve_map, found_office
from tests.rights.site import browser, sign_in_staff, site_of, submit
from troth.foundation.people import identifier
from troth.foundation.roles import Role
from troth.policy.vocabulary import Right
from troth.rights import fulfilment, identity, lists, requests
from troth.rights.review import MAY, Act
from troth.rights.tables import requests as table
from troth.rights.words import Channel, Proof, State

HERE = "/console/requests"
APPROVAL = '[requests]\ncooling_off = "0 days"\napproval = true\n'


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path, more=APPROVAL) as made:
        approve_map(made)
        yield made


@pytest.fixture
def site(office: Office) -> Iterator[Any]:
    with site_of(office) as made:
        yield made


def waiting_in(office: Office, state: State, right: Right) -> str:
    """The number of a request of Ada's in that state."""
    request = office.file(right, ADA, proof=Proof.OPERATOR if right is Right.ERASURE else None)
    if state is State.IDENTITY:
        return identity.settle(office.desk, request.id).number
    with office.desk.office.store.writing() as tx:
        known = requests.known_by_of(tx, office.desk.office, request)
        requests.keep_identity(tx, office.desk.office, request, known_by=known, addresses=(ADA.value,))
        identity.confirm_in(tx, office.desk, request, 1, Proof.LINK)
        now = requests.load(tx, request.id)
        if now.state is not state:
            requests.move(tx, office.desk.office, now, state)
    return request.number


CASES = {
    Act.CONFIRM: ("confirm", State.IDENTITY, Right.ACCESS, {"words": "came in person"}),
    Act.ASK: ("ask", State.WORKING, Right.RECTIFICATION, {}),
    Act.ANSWER: ("answer", State.WORKING, Right.RECTIFICATION, {"words": "done"}),
    Act.EXTEND: ("extend", State.WORKING, Right.RECTIFICATION, {"words": "many systems"}),
    Act.REFUSE: ("refuse", State.WORKING, Right.RECTIFICATION, {"ground": "unfounded", "words": "no"}),
    Act.RELEASE: ("release", State.RELEASE, Right.ACCESS, {}),
    Act.APPROVE: ("approve", State.APPROVAL, Right.ERASURE, {"plan": "a" * 64}),
}


@pytest.mark.parametrize("role", list(Role))
def test_every_role_does_what_it_may_and_is_refused_the_rest(role: Role, office: Office, site: Any) -> None:
    page = browser(site)
    sign_in_staff(office, page, role)
    listed = page.get(HERE)
    assert (listed.status_code == 200) is (Act.SEE in MAY[role])
    for act, (word, state, right, fields) in CASES.items():
        number = waiting_in(office, state, right)
        before = len(office.kinds())
        form = re.search(r'name="form_token" value="([^"]+)"', page.get(f"{HERE}/{number}").text)
        shown = page.get("/console")
        token = re.search(r'name="form_token" value="([^"]+)"', shown.text)
        assert token
        answer = page.post(f"{HERE}/{number}/{word}", data={"form_token": token[1], **fields})
        if act in MAY[role]:
            assert answer.status_code == 200, (act, answer.text)
            assert len(office.kinds()) > before
            assert form is not None
        else:
            assert answer.status_code == 403, (act, role)
            assert len(office.kinds()) == before


def test_nobody_sees_anything_without_signing_in(office: Office, site: Any) -> None:
    number = waiting_in(office, State.WORKING, Right.RECTIFICATION)
    for path in (HERE, f"{HERE}/{number}", f"{HERE}/new"):
        assert browser(site).get(path).url.path == "/console/sign-in"
    answer = submit(browser(site), "/console/sign-in", f"{HERE}/{number}/refuse", ground="unfounded", words="x")
    assert answer.url.path == "/console/sign-in"
    assert office.company.rows(table)[0].state is State.WORKING


def test_an_auditor_reads_no_words_and_no_addresses_of_a_person(office: Office, site: Any) -> None:
    request = office.file(Right.RECTIFICATION, wish="needle in the wish")
    identity.settle(office.desk, request.id)
    agent, auditor = browser(site), browser(site)
    sign_in_staff(office, agent, Role.AGENT)
    sign_in_staff(office, auditor, Role.AUDITOR)
    assert "needle in the wish" in agent.get(f"{HERE}/{request.number}").text
    assert ADA.value in agent.get(f"{HERE}/{request.number}").text
    shown = auditor.get(f"{HERE}/{request.number}")
    assert shown.status_code == 200
    assert "needle" not in shown.text
    assert ADA.value not in shown.text
    assert "<form method" not in shown.text.partition("<main")[2]


def test_the_list_tells_what_is_late_and_what_is_due_soon(office: Office, site: Any) -> None:
    first = office.file()
    office.company.clock.advance(timedelta(days=25))
    second = office.file()
    page = browser(site)
    sign_in_staff(office, page, Role.DPO)
    shown = page.get(HERE).text
    assert shown.index(first.number) < shown.index(second.number)
    assert "due soon" in shown
    office.company.clock.advance(timedelta(days=6))
    sign_in_staff(office, page, Role.DPO)
    shown = page.get(HERE).text
    assert '<span class="v broken">late</span>' in shown


def test_the_plan_stands_on_the_page_before_it_is_approved_and_is_carried_out_after(office: Office, site: Any) -> None:
    number = waiting_in(office, State.APPROVAL, Right.ERASURE)
    page = browser(site)
    sign_in_staff(office, page, Role.DPO)
    shown = page.get(f"{HERE}/{number}").text
    assert "<svg" in shown
    assert re.search(r"Orders.*?broken-ink[^>]*>2<", shown, re.DOTALL)
    plan = re.search(r'name="plan" value="([0-9a-f]{64})"', shown)
    assert plan
    submit(page, f"{HERE}/{number}", f"{HERE}/{number}/approve", plan=plan[1])

    assert office.company.rows(table)[0].state is State.DONE
    assert office.sql("select count(*) from users where id = 7") == [(0,)]
    assert "approved" in page.get(f"{HERE}/{number}").text


def test_a_plan_that_changed_after_its_approval_is_not_carried_out(office: Office, site: Any) -> None:
    number = waiting_in(office, State.APPROVAL, Right.ERASURE)
    page = browser(site)
    sign_in_staff(office, page, Role.DPO)
    submit(page, f"{HERE}/{number}", f"{HERE}/{number}/approve", plan="0" * 64)
    assert office.company.rows(table)[0].state is State.APPROVAL
    assert office.sql("select count(*) from users where id = 7") == [(1,)]


def test_staff_take_in_what_came_by_letter_and_the_person_confirms_it(office: Office, site: Any) -> None:
    page = browser(site)
    sign_in_staff(office, page, Role.AGENT)
    answer = submit(page, f"{HERE}/new", right="erasure", kind="id", who="7", wish="please")
    assert answer.status_code == 200
    [row] = office.company.rows(table)
    assert (row.state, row.channel) == (State.IDENTITY, "console")
    assert office.letters()[-1][0] == ADA.value
    assert submit(page, f"{HERE}/new", right="erasure", kind="email", who="nobody").status_code == 422


def test_what_stands_in_the_way_of_an_erasure_is_told(tmp_path: Path) -> None:
    with found_office(tmp_path, more='[requests]\ncooling_off = "0 days"\n') as office, site_of(office) as site:
        request = office.file(Right.ERASURE, proof=Proof.OPERATOR)
        from troth.errors import MapUnapproved

        for _ in range(2):
            with pytest.raises(MapUnapproved):
                fulfilment.go_on(office.desk, request.id)
        assert office.kinds().count("request.blocked") == 1
        refused = office.company.troth.may(
            "id=7", "service.provide", "contact.email"
        )  # approved, so not used meanwhile
        assert refused.reason.value == "restricted"
        page = browser(site)
        sign_in_staff(office, page, Role.DPO)
        assert "troth map --approve" in page.get(f"{HERE}/{request.number}").text

        approve_map(office)
        assert fulfilment.go_on(office.desk, request.id) is State.DONE


def test_a_person_by_phone_who_has_no_address_is_confirmed_by_name(office: Office, site: Any) -> None:
    request = office.file(Right.ACCESS, identifier("id", "9"))
    identity.settle(office.desk, request.id)
    page = browser(site)
    sign_in_staff(office, page, Role.AGENT)
    answer = submit(page, f"{HERE}/{request.number}", f"{HERE}/{request.number}/confirm", words="")
    assert answer.status_code == 422
    submit(page, f"{HERE}/{request.number}", f"{HERE}/{request.number}/confirm", words="called back")
    assert office.load(request).state is State.DONE


def test_what_waits_for_staff_is_told_apart_from_what_waits_for_the_person(office: Office, site: Any) -> None:
    ours = waiting_in(office, State.WORKING, Right.RECTIFICATION)
    theirs = waiting_in(office, State.IDENTITY, Right.ACCESS)
    nobodys = identity.settle(office.desk, office.file(Right.ACCESS, NOBODY).id).number
    page = browser(site)
    sign_in_staff(office, page, Role.AGENT)

    shown = page.get(f"{HERE}?show=ours").text

    assert [number in shown for number in (ours, theirs, nobodys)] == [True, False, True]
    assert "2 wait for us" in shown
    assert "3 open" in shown
    assert "to be done by hand" in shown


def test_a_list_is_chosen_sorted_and_paged_by_its_address(office: Office, site: Any) -> None:
    first, *_, last = [office.file(Right.ACCESS).number for _ in range(lists.PAGE + 1)]
    other = office.file(Right.ERASURE).number
    page = browser(site)
    sign_in_staff(office, page, Role.AUDITOR)

    one = page.get(f"{HERE}?right=access&order=oldest").text
    two = page.get(f"{HERE}?right=access&order=oldest&page=2").text
    past = page.get(f"{HERE}?page=99")

    assert (first in one, last in one, other in one) == (True, False, False)
    assert (first in two, last in two) == (False, True)
    assert f"{HERE}?right=access&amp;order=oldest&amp;page=2" in one
    assert "There is no such page any more" in past.text
    assert page.get(f"{HERE}?show=nonsense&right=none&order=x&page=-1").status_code == 200


def test_the_list_is_taken_away_as_it_is_chosen(office: Office, site: Any) -> None:
    mine = waiting_in(office, State.WORKING, Right.RECTIFICATION)
    other = office.file(Right.ACCESS).number
    page = browser(site)
    sign_in_staff(office, page, Role.AUDITOR)

    answer = page.get(f"{HERE}/list.csv?show=ours")

    head, row = csv.reader(answer.text.splitlines())
    assert dict(zip(head, row, strict=True))["number"] == mine
    assert dict(zip(head, row, strict=True))["state"] == "to be done by hand"
    assert other not in answer.text
    assert "attachment" in answer.headers["content-disposition"]


def test_a_number_leads_to_its_request_and_a_person_to_theirs(office: Office, site: Any) -> None:
    hers = waiting_in(office, State.WORKING, Right.RECTIFICATION)
    page = browser(site)
    sign_in_staff(office, page, Role.AGENT)

    found = submit(page, HERE, f"{HERE}/find", kind="email", who=ADA.value)

    assert page.get(HERE, params={"number": hers}).url.path == f"{HERE}/{hers}"
    assert "No request has that number" in page.get(HERE, params={"number": "2026-9"}).text
    assert hers in found.text
    assert ADA.value not in found.text
    assert hers not in submit(page, HERE, f"{HERE}/find", kind="email", who=NOBODY.value).text
    assert "one of the four ways" in submit(page, HERE, f"{HERE}/find", kind="shoe size", who="44").text


def test_what_was_typed_stays_in_the_form_that_is_refused(office: Office, site: Any) -> None:
    page = browser(site)
    sign_in_staff(office, page, Role.AGENT)

    refused = submit(page, f"{HERE}/new", right="erasure", kind="email", who="nobody", wish="please").text

    assert 'value="erasure" selected' in refused
    assert 'value="nobody"' in refused
    assert ">please</textarea>" in refused


def test_no_code_of_a_machine_stands_where_staff_read_a_word(office: Office, site: Any) -> None:
    page = browser(site)
    sign_in_staff(office, page, Role.DPO)
    for request in (
        office.file(Right.OBJECTION, purpose="*", proof=Proof.APP, channel=Channel.API),
        office.file(Right.ERASURE, channel=Channel.TERMINAL, proof=Proof.OPERATOR),
        office.file(Right.RECTIFICATION, NOBODY),
    ):
        identity.settle(office.desk, request.id)
        shown = page.get(f"{HERE}/{request.number}").text.partition("<main")[2]
        text = re.sub(r"<[^>]+>", " ", shown)
        assert not re.search(r"\b(cooling-off|rectification|api|house|not-identified)\b", text), text
    assert "Nobody is known by what they gave" in text


def test_the_reason_that_was_typed_outlives_a_fault_in_the_form(office: Office, site: Any) -> None:
    number = waiting_in(office, State.WORKING, Right.RECTIFICATION)
    page = browser(site)
    sign_in_staff(office, page, Role.DPO)

    refused = submit(page, f"{HERE}/{number}", f"{HERE}/{number}/refuse", ground="a whim", words="a long reason")

    assert refused.status_code == 422
    assert refused.text.count(">a long reason</textarea>") == 1
    assert "we could not establish that the data are yours" in refused.text
