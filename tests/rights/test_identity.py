from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.rights.desks import ADA, BOB, NOBODY, Office, found_office
from troth.errors import MoveRefused, RequestError
from troth.foundation import people
from troth.policy.vocabulary import Right
from troth.rights import fulfilment, identity, links, register, requests
from troth.rights.requests import Request
from troth.rights.tables import request_links
from troth.rights.words import Channel, LinkUse, Proof, State
from troth.use import entrance
from troth.use.entrance import Visitor


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path) as made:
        yield made


@pytest.fixture
def office_new_to_troth(tmp_path: Path) -> Iterator[Office]:
    """Nobody is registered with troth; the shop knows them."""
    with found_office(tmp_path, register=False) as made:
        yield made


def token_in(letter: tuple[str, str, str]) -> str:
    found = re.search(r"/(?:confirm|cancel)/(\S+)", letter[2])
    assert found, letter
    return found[1]


def visitor(office: Office) -> Visitor:
    with office.desk.office.store.writing() as tx:
        person = people.load(tx, office.desk.office.keyring, ADA)
        session = entrance.begin(tx, office.desk.office, person, office.now, shown=ADA.value, known_by=[ADA])
    found = entrance.visitor_of(office.desk.office, session, office.now)
    assert found is not None
    return found


def words(office: Office, request: Request) -> list[str]:
    with office.desk.office.store.reading() as tx:
        return [step.word for step in register.history(tx, office.desk.office, request)]


def test_the_link_goes_to_the_address_on_file_and_confirms_once(office: Office) -> None:
    request = office.file(Right.ACCESS)
    identity.settle(office.desk, request.id)
    [letter] = office.letters()
    assert letter[0] == ADA.value
    assert request.number in letter[2]

    assert links.opened_by(office.desk, token_in(letter), LinkUse.CONFIRM) is not None
    confirmed = identity.confirm(office.desk, token_in(letter))

    assert confirmed is not None
    assert confirmed.request.state is State.WORKING
    assert confirmed.person.proof is Proof.LINK
    assert entrance.visitor_of(office.desk.office, confirmed.session, office.now) is not None
    assert identity.confirm(office.desk, token_in(letter)) is None
    assert links.opened_by(office.desk, token_in(letter), LinkUse.CONFIRM) is None


def test_a_link_ends_after_half_an_hour(office: Office) -> None:
    request = office.file()
    identity.settle(office.desk, request.id)
    office.company.clock.advance(timedelta(minutes=30))
    assert identity.confirm(office.desk, token_in(office.letters()[0])) is None
    assert office.load(request).state is State.IDENTITY


def test_an_address_that_is_not_on_file_gets_nothing(office: Office) -> None:
    request = office.file(Right.ACCESS, NOBODY)
    identity.settle(office.desk, request.id)
    assert office.letters() == []
    assert office.load(request).state is State.IDENTITY
    assert words(office, request) == ["received", "nobody-known"]


def test_an_address_given_beside_a_true_identifier_gets_nothing(office: Office) -> None:
    from troth.rights.requests import Intake

    mallory = people.identifier("email", "mallory@attacker.example.org")
    given = (people.identifier("id", "7"), mallory)
    request = requests.file(office.desk, Intake(Right.ACCESS, Channel.CONSOLE, given)).request
    identity.settle(office.desk, request.id)
    assert [letter[0] for letter in office.letters()] == [ADA.value]


def test_a_phone_on_file_leads_to_the_address_on_file(office: Office) -> None:
    request = office.file(Right.ACCESS, people.identifier("phone", "+353 1 496 0000"))
    identity.settle(office.desk, request.id)
    # the phone stands in the shop with blanks, and the map says no way to even it out: nobody is found by it
    assert words(office, request)[-1] in {"link-sent", "nobody-known"}
    assert {letter[0] for letter in office.letters()} <= {ADA.value}


def test_who_has_no_address_on_file_is_left_to_staff(office: Office) -> None:
    request = office.file(Right.ACCESS, people.identifier("id", "9"))
    identity.settle(office.desk, request.id)
    assert words(office, request)[-1] == "no-address"
    assert office.letters() == []


def test_whom_only_the_shop_knows_is_found_there_and_made_known(office_new_to_troth: Office) -> None:
    office = office_new_to_troth
    request = office.file(Right.ACCESS)
    settled = identity.settle(office.desk, request.id)
    assert settled.person is not None
    assert [letter[0] for letter in office.letters()] == [ADA.value]
    with office.desk.office.store.reading() as tx:
        assert people.find(tx, office.desk.office.keyring, people.identifier("id", "7")) == settled.person
    assert identity.settle(office.desk, request.id).state is State.IDENTITY
    assert len(office.letters()) == 1


def test_a_recycled_address_is_left_to_staff(office: Office) -> None:
    # troth knows the address as that of customer 7; in the shop it now stands in the row of another
    office.sql("update users set email = null where id = 7")
    office.sql("update users set email = 'ada@customer.example.org' where id = 9")
    request = office.file(Right.ACCESS)
    identity.settle(office.desk, request.id)
    assert words(office, request)[-1] == "ambiguous"
    assert office.letters() == []
    assert office.load(request).person is None


def test_who_asks_is_found_by_key_when_it_is_carried_out_whatever_changed_meanwhile(office: Office) -> None:
    request = office.file(Right.ERASURE)
    identity.settle(office.desk, request.id)
    office.sql("update users set email = 'new@customer.example.org' where id = 7")
    office.sql("update users set email = 'ada@customer.example.org' where id = 8")
    [subject] = identity.subjects_of(office.desk, request.id)
    assert subject.key == (7,)


@pytest.mark.parametrize("right", [Right.ACCESS, Right.ERASURE, Right.PORTABILITY])
def test_a_new_address_blocks_what_takes_data_for_a_while(right: Right, office: Office) -> None:
    office.company.troth.register(id="7", email="new@customer.example.org")
    office.sql("update users set email = 'new@customer.example.org' where id = 7")
    office.company.clock.advance(timedelta(days=13))
    new = people.identifier("email", "new@customer.example.org")

    request = office.file(right, new)
    identity.settle(office.desk, request.id)

    assert words(office, request)[-1] == "address-changed"
    assert office.letters() == []

    office.company.clock.advance(timedelta(days=2))
    later = office.file(right, new)
    identity.settle(office.desk, later.id)
    assert words(office, later)[-1] == "link-sent"


def test_a_new_address_does_not_block_a_restriction(office: Office) -> None:
    office.company.troth.register(id="7", email="new@customer.example.org")
    request = office.file(Right.RESTRICTION)
    identity.settle(office.desk, request.id)
    assert words(office, request)[-1] == "link-sent"


def test_a_session_is_proof_for_a_copy_and_not_for_an_erasure(office: Office) -> None:
    who = visitor(office)
    copy = office.file(Right.ACCESS, person=who.number, proof=Proof.SESSION)
    gone = office.file(Right.ERASURE, person=who.number, proof=Proof.SESSION)
    for each in (copy, gone):
        identity.settle(office.desk, each.id)

    assert office.load(copy).state is State.WORKING
    assert office.load(copy).proof is Proof.SESSION
    assert office.load(gone).state is State.IDENTITY
    assert [letter[1].partition(":")[0] for letter in office.letters() if letter[0] == ADA.value][
        -1
    ] == "Please confirm"


def test_links_for_one_request_have_an_end(office: Office) -> None:
    request = office.file()
    identity.settle(office.desk, request.id)
    for _ in range(10):
        identity.settle(office.desk, request.id, again=True)
    assert len(office.letters()) == links.MOST
    assert len(office.company.rows(request_links)) == links.MOST


def test_an_erasure_waits_and_every_address_can_stop_it(office: Office) -> None:
    request = office.file(Right.ERASURE)
    identity.settle(office.desk, request.id)
    confirmed = identity.confirm(office.desk, token_in(office.letters()[0]))
    assert confirmed is not None
    assert confirmed.request.state is State.COOLING_OFF
    assert confirmed.request.cooling_until == office.now + timedelta(days=3)
    notice = office.letters()[-1]
    assert notice[0] == ADA.value
    assert "25 November 2026" in notice[1] or "November 25, 2026" in notice[1]

    office.company.clock.advance(timedelta(days=2, hours=23))
    assert fulfilment.go_on(office.desk, request.id) is State.COOLING_OFF
    cancelled = identity.cancel(office.desk, token_in(notice))

    assert cancelled is not None
    assert cancelled.state is State.CANCELLED
    assert identity.cancel(office.desk, token_in(notice)) is None
    assert office.letters()[-1][1].endswith("was cancelled")
    office.company.clock.advance(timedelta(days=2))
    assert fulfilment.go_on(office.desk, request.id) is State.CANCELLED


def test_a_confirming_link_cannot_cancel_nor_the_other_way_round(office: Office) -> None:
    request = office.file(Right.ERASURE)
    identity.settle(office.desk, request.id)
    token = token_in(office.letters()[0])
    assert identity.cancel(office.desk, token) is None
    identity.confirm(office.desk, token)
    assert identity.confirm(office.desk, token_in(office.letters()[-1])) is None


def test_no_waiting_time_where_the_settings_say_none(tmp_path: Path) -> None:
    with found_office(tmp_path, more='[requests]\ncooling_off = "0 days"\napproval = true\n') as office:
        request = office.file(Right.ERASURE)
        identity.settle(office.desk, request.id)
        confirmed = identity.confirm(office.desk, token_in(office.letters()[0]))
        assert confirmed is not None
        assert confirmed.request.state is State.APPROVAL


def test_a_request_nobody_confirmed_lapses(office: Office) -> None:
    request = office.file(Right.ACCESS, NOBODY)
    fulfilment.go_on(office.desk, request.id)
    office.company.clock.advance(timedelta(days=14))
    assert fulfilment.go_on(office.desk, request.id) is State.CANCELLED
    assert words(office, request)[-1] == "not-confirmed"


def test_a_store_that_is_out_of_reach_leaves_the_request_for_later(office: Office) -> None:
    request = office.file()
    office.shop.rename(office.shop.with_suffix(".away"))
    office.desk.records.close()
    from troth.errors import RecordsError

    with pytest.raises(RecordsError):
        fulfilment.go_on(office.desk, request.id)
    assert office.load(request).state is State.RECEIVED
    office.shop.with_suffix(".away").rename(office.shop)
    assert fulfilment.go_on(office.desk, request.id) is State.IDENTITY


def test_a_restriction_of_who_is_known_waits_for_no_store(office: Office) -> None:
    who = visitor(office)
    office.shop.rename(office.shop.with_suffix(".away"))
    office.desk.records.close()
    request = office.file(Right.RESTRICTION, person=who.number, proof=Proof.SESSION)
    assert fulfilment.go_on(office.desk, request.id) is State.DONE
    assert not office.company.troth.may("id=7", "service.provide", "contact.email")


def test_an_objection_is_carried_out_at_once_and_told(office: Office) -> None:
    who = visitor(office)
    assert office.company.troth.may("id=7", "fraud", "device.ip")
    request = office.file(Right.OBJECTION, person=who.number, proof=Proof.SESSION, purpose="fraud")
    assert fulfilment.go_on(office.desk, request.id) is State.DONE
    assert not office.company.troth.may("id=7", "fraud", "device.ip")
    assert office.letters()[-1][1] == f"Your request {request.number} is done"
    assert "objection.raised" in [leaf.kind for leaf in office.company.leaves()]


def test_nothing_of_a_person_is_touched_before_they_have_shown_who_they_are(office: Office) -> None:
    request = office.file(Right.RESTRICTION, BOB)
    with pytest.raises(RequestError, match="nobody has shown"):
        identity.verified(office.load(request))
    with pytest.raises(MoveRefused), office.desk.office.store.writing() as tx:
        requests.move(tx, office.desk.office, request, State.DONE)
    assert fulfilment.go_on(office.desk, request.id) is State.IDENTITY
    assert office.company.troth.may("id=8", "service.provide", "contact.email")


def test_no_letter_or_entry_names_anybody(office: Office) -> None:
    request = office.file(Right.ERASURE)
    identity.settle(office.desk, request.id)
    identity.confirm(office.desk, token_in(office.letters()[0]))
    from troth.foundation.tables import outbox

    for row in office.company.rows(outbox):
        assert "ada@" not in f"{row.reference} {row.once}"
    for leaf in office.company.leaves():
        assert b"ada@" not in leaf.content
