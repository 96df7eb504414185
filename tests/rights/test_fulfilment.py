"""Requests go on by themselves: by a worker, by the clock, and again after whatever stopped them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.rights.desks import ADA, BOB, Office, approve_map, found_office
from tests.rights.test_identity import token_in
from troth.errors import StoreError
from troth.foundation import jobs, mail, people
from troth.policy.vocabulary import Right
from troth.rights import fulfilment, identity, links, requests, rounds
from troth.rights.requests import Intake
from troth.rights.words import Channel, LinkUse, Proof, State


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path, more='[mail]\nowner = "privacy@example.org"\n') as made:
        approve_map(made)
        yield made


def ask(office: Office, right: Right, who: object = ADA) -> str:
    intake = Intake(right, Channel.TERMINAL, (who,), proof=Proof.OPERATOR)  # type: ignore[arg-type]
    return requests.file(office.desk, intake).request.number


@pytest.mark.parametrize("right", [Right.ACCESS, Right.ERASURE, Right.RESTRICTION, Right.OBJECTION])
def test_to_go_on_again_changes_nothing_more(right: Right, office: Office) -> None:
    number = ask(office, right)
    assert fulfilment.go_on(office.desk, number) is State.DONE
    leaves = len(office.company.leaves())
    for _ in range(3):
        assert fulfilment.go_on(office.desk, number) is State.DONE
        assert fulfilment.fulfil(office.desk, number) is State.DONE
    assert len(office.company.leaves()) == leaves


def test_what_was_committed_and_never_handed_over_is_picked_up_by_a_worker(office: Office) -> None:
    store = office.desk.office.store
    numbers = [ask(office, Right.RESTRICTION), ask(office, Right.ACCESS, BOB)]
    fulfilment.register(lambda: office.desk)
    worker = jobs.Worker(store, waiting=lambda of: fulfilment.waiting(of, office.now), round_s=0.1)
    with worker:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with store.reading() as tx:
                states = [requests.load(tx, number).state for number in numbers]
            if states == [State.DONE, State.DONE]:
                break
            time.sleep(0.05)
    assert states == [State.DONE, State.DONE]


def test_a_move_that_cannot_be_written_down_is_not_made(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from troth.foundation.ledger import leaves

    number = ask(office, Right.RESTRICTION)

    def full(*_: object, **__: object) -> int:
        raise StoreError("the ledger cannot be written")

    with monkeypatch.context() as broken:
        broken.setattr(leaves, "append", full)
        with pytest.raises(StoreError):
            fulfilment.go_on(office.desk, number)
    assert office.company.troth.may("id=7", "service.provide", "contact.email")
    assert fulfilment.go_on(office.desk, number) is State.DONE
    assert not office.company.troth.may("id=7", "service.provide", "contact.email")


def test_an_erasure_goes_on_when_its_waiting_time_is_over_and_not_before(office: Office) -> None:
    request = office.file(Right.ERASURE)
    fulfilment.go_on(office.desk, request.id)
    identity.confirm(office.desk, token_in(office.letters()[-1]))
    store = office.desk.office.store
    office.company.clock.advance(timedelta(days=2, hours=23, minutes=59))
    assert list(fulfilment.waiting(store, office.now)) == []
    assert fulfilment.go_on(office.desk, request.id) is State.COOLING_OFF
    assert office.sql("select count(*) from users where id = 7") == [(1,)]
    office.company.clock.advance(timedelta(minutes=1))
    assert [work.id for work in fulfilment.waiting(store, office.now)] == [request.number]
    assert fulfilment.go_on(office.desk, request.id) is State.DONE
    assert office.sql("select count(*) from users where id = 7") == [(0,)]


def test_five_hundred_hijacked_sessions_erase_nobody_inside_the_waiting_time(office: Office) -> None:
    """Who holds a stolen session and not the mailbox: no link, no erasure. Scripted, all at the same person."""
    for n in range(500):
        request = office.file(Right.ERASURE, person=1, proof=Proof.SESSION, key=f"attack-{n}")
        if n % 50 == 0:
            assert fulfilment.go_on(office.desk, request.id) is State.IDENTITY
            assert fulfilment.fulfil(office.desk, request.id) is State.IDENTITY
    office.company.clock.advance(timedelta(days=2))
    assert office.sql("select count(*) from users") == [(3,)]
    assert len(office.letters()) <= 20, "nor is the person flooded with mail"


def test_staff_are_reminded_once_of_what_is_due_soon(office: Office) -> None:
    number = ask(office, Right.RECTIFICATION)
    fulfilment.go_on(office.desk, number)
    assert rounds.remind(office.desk) == 0
    office.company.clock.advance(timedelta(days=24))
    for _ in range(3):
        assert rounds.remind(office.desk) == 1
    reminders = [letter for letter in office.letters() if letter[0] == "privacy@example.org"]
    assert len(reminders) == 1
    assert number in reminders[0][2]


def test_a_round_goes_on_when_a_part_of_it_fails(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    ask(office, Right.ACCESS)
    rounds.make(office.desk)
    made = rounds.make(office.desk)
    assert made == office.now
    assert not caplog.records


def test_an_erasure_leaves_nothing_that_the_person_said_in_the_register(office: Office) -> None:
    request = office.file(Right.ERASURE, wish="camellia-in-the-wish", proof=Proof.OPERATOR, channel=Channel.TERMINAL)
    assert fulfilment.go_on(office.desk, request.id) is State.DONE
    assert office.company.rows(requests.requests)[0].wish is None
    path = office.desk.office.store.path
    assert path is not None
    files = [file.read_bytes() for file in path.parent.glob(f"{path.name}*")]
    assert not any(b"camellia" in data or b"ada@customer" in data for data in files)


def test_what_else_somebody_had_asked_for_ends_with_their_erasure_and_holds_nothing_of_theirs(office: Office) -> None:
    with office.desk.office.store.reading() as tx:
        person = people.load(tx, office.desk.office.keyring, ADA)
    others = [
        requests.file(
            office.desk, Intake(right, Channel.CENTRE, (who,), person=number, proof=Proof.SESSION, wish="tea")
        )
        for right, who, number in (
            (Right.RECTIFICATION, ADA, person),
            (Right.PORTABILITY, ADA, person),
            (Right.ACCESS, ADA, person),
            (Right.RECTIFICATION, BOB, None),
        )
    ]
    for filed in (others[0], others[1], others[3]):
        fulfilment.go_on(office.desk, filed.request.id)
    erasing = ask(office, Right.ERASURE)

    assert fulfilment.go_on(office.desk, erasing) is State.DONE

    ended = [office.load(filed.request).state for filed in others]
    assert ended[:3] == [State.CANCELLED] * 3
    assert ended[3].open
    of_ada = [row for row in office.company.rows(requests.requests) if row.person == person]
    assert len(of_ada) == 4
    assert all(row.known_by is row.wish is row.addresses is None for row in of_ada)
    assert [work.id for work in fulfilment.waiting(office.desk.office.store, office.now)] == []


def test_whoever_floods_a_mailbox_first_does_not_keep_the_notice_of_an_erasure_out_of_it(office: Office) -> None:
    with office.desk.office.store.writing() as tx:
        for n in range(mail.MOST_A_DAY):
            letter = mail.Letter(ADA.value, "Hello", "Hello.\n", f"flood {n}")
            assert mail.queue(tx, office.desk.office.keyring, letter, office.now) is mail.MailState.WAITING
    request = office.file(Right.ERASURE, person=1, proof=Proof.SESSION)
    fulfilment.go_on(office.desk, request.id)
    store = office.desk.office.store
    with store.writing() as tx:
        token = links.make(
            tx, office.desk, office.load(request), LinkUse.CONFIRM, ADA.value, ends_at=office.now + links.LIFE
        )
    before = office.letters()
    assert len(before) == mail.MOST_A_DAY, "a link that anybody can ask for waits for another day"

    assert identity.confirm(office.desk, token) is not None

    [notice] = office.letters()[len(before) :]
    assert notice[0] == ADA.value
    assert "/cancel/" in notice[2]
