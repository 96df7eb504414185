"""The pages of the rights in the privacy centre, as a browser without scripts sees them."""

from __future__ import annotations

import io
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rights.desks import ADA, BOB, Office, approve_map, found_office
from tests.rights.site import browser, sign_in_person, site_of, submit
from troth.policy.vocabulary import Right
from troth.rights import cards, fulfilment, identity, requests
from troth.rights.tables import requests as table
from troth.rights.words import Proof, State

CENTRE = "/privacy/centre"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path) as made:
        approve_map(made)
        yield made


@pytest.fixture
def site(office: Office) -> Iterator[Any]:
    with site_of(office) as made:
        yield made


@pytest.fixture
def quick_office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path, more='[requests]\ncooling_off = "0 days"\n') as made:
        approve_map(made)
        yield made


def link_in(office: Office, what: str) -> str:
    found = re.search(rf"({CENTRE}/{what}/\S+)", office.letters()[-1][2])
    assert found, office.letters()
    return found[1]


@pytest.mark.parametrize("right", list(Right))
def test_each_right_can_be_used_without_a_login(right: Right, office: Office, site: Any) -> None:
    answer = submit(browser(site), f"{CENTRE}/ask/{right}", email=ADA.value, wish="one d")

    assert answer.status_code == 200
    assert "2026-000001" in answer.text
    assert "December 22, 2026" in answer.text
    [row] = office.company.rows(table)
    assert (row.right, row.state) == (right, State.IDENTITY)


def test_the_answer_is_the_same_for_people_we_know_and_people_we_do_not(office: Office, site: Any) -> None:
    def answer(email: str) -> tuple[int, str, list[str]]:
        told = submit(browser(site), f"{CENTRE}/ask/access", email=email)
        names = sorted(name for name in told.headers if name != "content-length")
        return told.status_code, re.sub(r"2026-\d{6}", "NUMBER", told.text), names

    known, unknown = answer(ADA.value), answer("nobody@customer.example.org")

    assert known == unknown
    assert len(office.letters()) == 1


def test_what_is_no_address_is_said_beside_the_field(site: Any) -> None:
    answer = submit(browser(site), f"{CENTRE}/ask/access", email="nobody")
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text


def test_a_double_click_is_one_request(office: Office, site: Any) -> None:
    page = browser(site)
    shown = page.get(f"{CENTRE}/ask/access")
    hidden = dict(re.findall(r'<input type="hidden" name="(form_token|key)" value="([^"]*)">', shown.text))
    first = page.post(f"{CENTRE}/ask/access", data={**hidden, "email": ADA.value})
    second = page.post(f"{CENTRE}/ask/access", data={**hidden, "email": ADA.value})
    other = page.post(f"{CENTRE}/ask/access", data={**hidden, "email": BOB.value})

    assert first.text == second.text
    assert other.status_code == 409
    assert len(office.company.rows(table)) == 1
    assert len(office.letters()) == 1


def test_no_form_is_taken_from_elsewhere(office: Office, site: Any) -> None:
    page = browser(site)
    assert page.post(f"{CENTRE}/ask/erasure", data={"email": ADA.value}).status_code == 403
    answer = page.post(
        f"{CENTRE}/ask/erasure", data={"email": ADA.value}, headers={"origin": "https://attacker.example.org"}
    )
    assert answer.status_code == 403
    assert office.company.rows(table) == []


def test_a_stranger_walks_from_the_form_to_the_copy(office: Office, site: Any) -> None:
    page = browser(site)
    submit(page, f"{CENTRE}/ask/access", email=ADA.value)
    link = link_in(office, "confirm")

    looked = page.get(link)
    assert office.company.rows(table)[0].state is State.IDENTITY, "to look changes nothing"
    assert "Was it you?" in looked.text
    status = submit(page, link)

    assert status.url.path == f"{CENTRE}/requests/2026-000001"
    ready = page.get(f"{CENTRE}/requests/2026-000001")
    assert "Your copy is ready" in ready.text
    copy = submit(page, f"{CENTRE}/requests/2026-000001", f"{CENTRE}/requests/2026-000001/copy")
    assert copy.headers["content-type"] == "application/zip"
    assert "no-store" in copy.headers["cache-control"]
    with zipfile.ZipFile(io.BytesIO(copy.content)) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"a pot" in everything
    assert b"cups" not in everything
    assert submit(browser(site), f"{CENTRE}/ask/access", link).status_code == 410, "a link works once"


def test_a_copy_is_its_persons_and_for_anybody_else_it_does_not_exist(office: Office, site: Any) -> None:
    ada, bob = browser(site), browser(site)
    sign_in_person(office, ada)
    sign_in_person(office, bob, BOB)
    submit(ada, f"{CENTRE}/ask/access")
    address = f"{CENTRE}/requests/2026-000001"

    stolen = submit(bob, f"{CENTRE}/ask/access", f"{address}/copy")
    looked = bob.get(address)
    never = bob.get(f"{CENTRE}/requests/2026-000099")

    assert (stolen.status_code, looked.status_code) == (404, 404)
    assert looked.text == never.text
    assert submit(browser(site), f"{CENTRE}/ask/access", f"{address}/copy").status_code == 403
    assert submit(ada, address, f"{address}/copy").status_code == 200


def test_a_restriction_in_a_session_holds_when_the_page_answers(office: Office, site: Any) -> None:
    page = browser(site)
    sign_in_person(office, page)
    answer = submit(page, f"{CENTRE}/ask/restriction")
    assert "Your data is locked." in answer.text
    assert not office.company.troth.may("id=7", "service.provide", "contact.email")
    assert "restriction.placed" in [leaf.kind for leaf in office.company.leaves()]


def test_an_erasure_takes_a_fresh_link_and_waits_and_can_be_stopped(office: Office, site: Any) -> None:
    page = browser(site)
    sign_in_person(office, page)
    shown = page.get(f"{CENTRE}/ask/erasure")
    assert "Orders" in shown.text
    submit(page, f"{CENTRE}/ask/erasure")
    assert office.company.rows(table)[0].state is State.IDENTITY
    submit(page, link_in(office, "confirm"))
    assert office.company.rows(table)[0].state is State.COOLING_OFF
    assert office.sql("select count(*) from users where id = 7") == [(1,)]

    stranger = browser(site)
    cancelling = link_in(office, "cancel")
    assert "Stop the deletion" in stranger.get(cancelling).text
    assert office.company.rows(table)[0].state is State.COOLING_OFF
    assert "Nothing was deleted" in submit(stranger, cancelling).text
    assert office.company.rows(table)[0].state is State.CANCELLED


def test_a_person_is_erased_from_the_page_on_and_it_is_proven(quick_office: Office) -> None:
    office = quick_office
    with site_of(office) as site:
        page = browser(site)
        sign_in_person(office, page)
        submit(page, f"{CENTRE}/ask/erasure")
        submit(page, link_in(office, "confirm"))

    assert office.company.rows(table)[0].state is State.DONE
    assert office.sql("select id from users order by id") == [(8,), (9,)]
    assert office.sql("select count(*) from orders where user_id = 7") == [(0,)]
    to, subject, _ = office.letters()[-1]
    assert (to, subject) == (ADA.value, "Your request 2026-000001 is done")
    assert "erasure.proven" in [leaf.kind for leaf in office.company.leaves()]


def test_a_request_for_a_copy_never_leads_to_a_deletion(office: Office, site: Any) -> None:
    page = browser(site)
    submit(page, f"{CENTRE}/ask/access", email=ADA.value)
    submit(page, link_in(office, "confirm"))
    assert office.sql("select count(*) from users") == [(3,)]
    assert not [leaf for leaf in office.company.leaves() if leaf.kind.startswith("erasure")]


def test_the_list_shows_ones_own_requests_only(office: Office, site: Any) -> None:
    page = browser(site)
    sign_in_person(office, page)
    office.file(Right.ACCESS, BOB)
    submit(page, f"{CENTRE}/ask/portability")
    shown = page.get(CENTRE)
    assert "2026-000002" in shown.text
    assert "2026-000001" not in shown.text
    assert "One of us is at it" in shown.text


def test_a_refusal_says_why_and_where_to_complain(office: Office, site: Any) -> None:
    from troth.foundation.roles import Role
    from troth.rights import review
    from troth.rights.words import RefusalGround

    page = browser(site)
    person = sign_in_person(office, page)
    request = office.file(Right.RECTIFICATION, person=person, proof=Proof.SESSION)
    dora = office.caller("dora", Role.DPO)
    review.refuse(office.desk, request.number, dora, RefusalGround.UNFOUNDED, "It is right as it is <b>here</b>.")
    shown = page.get(f"{CENTRE}/requests/{request.number}")
    assert "manifestly unfounded" in shown.text
    assert "It is right as it is &lt;b&gt;here&lt;/b&gt;." in shown.text
    assert "Data Protection Commission" in shown.text


def test_what_is_written_into_a_form_is_shown_as_it_is(office: Office, site: Any) -> None:
    answer = submit(browser(site), f"{CENTRE}/ask/rectification", email="<script>", wish="<script>alert(1)</script>")
    assert "<script>" not in answer.text


def test_many_requests_from_one_network_have_to_wait_and_a_person_who_is_signed_in_does_not(
    office: Office, site: Any
) -> None:
    page = browser(site)
    codes = [submit(page, f"{CENTRE}/ask/access", email=f"n{n}@customer.example.org").status_code for n in range(33)]
    assert codes[:30] == [200] * 30
    assert codes[-1] == 429
    sign_in_person(office, page)
    assert submit(page, f"{CENTRE}/ask/access").status_code == 200


def test_no_page_leads_to_a_right_that_is_none(site: Any) -> None:
    assert browser(site).get(f"{CENTRE}/ask/everything").status_code == 404


def test_what_a_request_waits_for_is_a_sentence(office: Office) -> None:

    for state in State:
        request = office.load(office.file(Right.ACCESS))
        with office.desk.office.store.writing() as tx:
            tx.execute(table.update().where(table.c.id == request.id).values(state=state))
        with office.desk.office.store.reading() as tx:
            assert cards.says(requests.load(tx, request.id), "nobody-known").endswith(".")


def test_a_link_that_has_ended_leads_on_to_the_centre(site: Any) -> None:
    for path in ("enter", "confirm", "cancel"):
        answer = browser(site).get(f"/privacy/centre/{path}/used-or-never-given")
        assert answer.status_code == 410
        assert "This link has ended" in answer.text
        assert '<a href="/privacy/centre">Your data and choices</a>' in answer.text.partition("<main")[2]


def test_whoever_asks_is_told_by_when_it_is_answered_and_where_to_complain(office: Office, site: Any) -> None:
    page = browser(site)
    sign_in_person(office, page)
    for right in Right:
        shown = page.get(f"/privacy/centre/ask/{right}").text
        assert ("It holds at once." in shown) is (right in {Right.RESTRICTION, Right.OBJECTION})
        assert bool(re.search(r"answer by <b>\w+ \d+, \d{4}</b> at the latest", shown)) is ("at once" not in shown)
        assert "How to complain" in shown
        assert "https://" in shown.partition("How to complain")[2]


def test_the_plan_of_a_person_speaks_of_no_table_and_no_date_of_a_machine(office: Office, site: Any) -> None:
    page = browser(site)
    sign_in_person(office, page)

    shown = page.get("/privacy/centre/ask/erasure").text.partition("<main")[2]

    assert "Orders" in shown
    assert "shop." not in shown
    assert not re.search(r"\d{4}-\d\d-\d\d", shown)


def test_whose_session_ended_meanwhile_is_told_why_and_not_just_shown_the_door(site: Any) -> None:
    shown = browser(site).get("/privacy/centre/requests/2026-000001")

    assert shown.url.path == "/privacy/centre"
    assert "If your data was deleted meanwhile" in shown.text


def test_what_is_paused_is_not_offered_to_be_paused_again(office: Office, site: Any) -> None:
    page = browser(site)
    sign_in_person(office, page)
    before = page.get("/privacy/centre").text
    submit(page, "/privacy/centre/ask/restriction")

    after = page.get("/privacy/centre").text

    assert ("Pause it" in before, "Pause it" in after) == (True, False)
    assert "none of this happens" in after


def test_a_request_that_was_taken_in_is_shown_as_such_when_it_could_not_be_done_at_once(
    office: Office, site: Any
) -> None:
    page = browser(site)
    sign_in_person(office, page)
    with sqlite3.connect(office.desk.office.store.path or "") as raw:
        raw.execute("CREATE TRIGGER full BEFORE INSERT ON restrictions BEGIN SELECT RAISE(ABORT, 'full'); END")

    shown = submit(page, f"{CENTRE}/ask/restriction")

    assert shown.status_code == 200
    assert "We are at it now" in shown.text
    with sqlite3.connect(office.desk.office.store.path or "") as raw:
        raw.execute("DROP TRIGGER full")
    [work] = fulfilment.waiting(office.desk.office.store, office.now)
    assert fulfilment.go_on(office.desk, work.id) is State.DONE


def test_the_last_letter_names_the_entry_that_proves_the_deletion(quick_office: Office) -> None:
    office = quick_office
    request = office.file(Right.ERASURE)
    fulfilment.go_on(office.desk, request.id)
    token = link_in(office, "confirm").rpartition("/")[2]
    identity.confirm(office.desk, token)
    assert fulfilment.go_on(office.desk, request.id) is State.DONE

    [proven] = [leaf for leaf in office.company.leaves() if leaf.kind == "erasure.proven"]

    assert f"as entry {proven.id}." in office.letters()[-1][2]


def test_whoever_asks_for_deletion_is_sent_to_their_mailbox_at_once(office: Office) -> None:
    request = office.load(office.file(Right.ERASURE))

    assert request.state is State.RECEIVED
    assert "mailbox" in cards.says(request)
