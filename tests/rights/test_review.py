from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.rights.desks import ADA, Office, found_office
from tests.rights.test_identity import token_in
from troth.errors import AccessDenied, MoveRefused, RequestError
from troth.foundation.people import identifier
from troth.foundation.roles import Role
from troth.foundation.staff import Caller
from troth.policy.vocabulary import Right
from troth.rights import identity, register, requests, review
from troth.rights.requests import Intake, Request
from troth.rights.review import MAY, Act
from troth.rights.tables import request_pauses
from troth.rights.words import Channel, Proof, RefusalGround, State

FOUR_EYES = '[requests]\ncooling_off = "0 days"\nfour_eyes = true\n'
PLAN = "a" * 64
APPROVAL = '[requests]\ncooling_off = "0 days"\napproval = true\n'


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path) as made:
        yield made


@pytest.fixture
def careful_office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path, more=FOUR_EYES) as made:
        yield made


def confirmed(office: Office, right: Right, **more: object) -> Request:
    request = office.file(right, ADA, **more)
    identity.settle(office.desk, request.id)
    done = identity.confirm(office.desk, token_in(office.letters()[-1]))
    assert done is not None
    return done.request


def acts(office: Office) -> dict[Act, Callable[[Caller], object]]:
    """One thing to do for each act that changes something, with a request that stands where it can be done."""
    desk = office.desk
    unconfirmed = office.file(Right.ACCESS, identifier("id", "9"))
    identity.settle(desk, unconfirmed.id)
    by_hand = confirmed(office, Right.RECTIFICATION)
    held = confirmed(office, Right.ACCESS)
    with desk.office.store.writing() as tx:
        requests.move(tx, desk.office, held, State.RELEASE)
    erasure = confirmed(office, Right.ERASURE)
    return {
        Act.CONFIRM: lambda who: review.confirm(desk, unconfirmed.number, who, "came in person with the letter"),
        Act.ASK: lambda who: review.ask_back(desk, by_hand.number, who),
        Act.EXTEND: lambda who: review.extend(desk, by_hand.number, who, "many systems"),
        Act.ANSWER: lambda who: review.answer(desk, by_hand.number, who, "the name was changed"),
        Act.RELEASE: lambda who: review.release(desk, held.number, who),
        Act.APPROVE: lambda who: review.approve(desk, erasure.number, who, PLAN),
        Act.REFUSE: lambda who: review.refuse(desk, held.number, who, RefusalGround.EXCESSIVE, "asked yesterday"),
    }


@pytest.mark.parametrize("role", list(Role))
def test_each_role_does_what_the_table_says_and_nothing_else(role: Role, tmp_path: Path) -> None:
    with found_office(tmp_path, more=APPROVAL) as office:
        who = office.caller(f"a-{role}", role)
        before = len(office.kinds())
        deeds = acts(office)
        before = len(office.kinds())
        for act, deed in deeds.items():
            if act in MAY[role]:
                deed(who)
                assert len(office.kinds()) > before
                before = len(office.kinds())
            else:
                with pytest.raises(AccessDenied):
                    deed(who)
                assert len(office.kinds()) == before


def test_the_table_of_the_head_is_the_table_that_counts() -> None:
    assert MAY[Role.AUDITOR] == {Act.SEE}
    assert MAY[Role.ADMINISTRATOR] == frozenset()
    assert MAY[Role.DPO] - MAY[Role.AGENT] == {Act.REFUSE, Act.EXTEND}
    assert set(MAY) == set(Role)


def test_under_four_eyes_two_people_approve_one_of_them_the_dpo(careful_office: Office) -> None:
    office = careful_office
    request = confirmed(office, Right.ERASURE)
    assert request.state is State.APPROVAL
    ann, ben, dora = (
        office.caller("ann", Role.AGENT),
        office.caller("ben", Role.AGENT),
        office.caller("dora", Role.DPO),
    )

    assert review.approve(office.desk, request.number, ann, PLAN).state is State.APPROVAL
    assert review.approve(office.desk, request.number, ann, PLAN).state is State.APPROVAL
    assert review.approve(office.desk, request.number, ben, PLAN).state is State.APPROVAL
    assert review.approve(office.desk, request.number, dora, PLAN).state is State.WORKING


def test_nobody_approves_a_plan_that_was_not_shown(careful_office: Office) -> None:
    office = careful_office
    request = confirmed(office, Right.ERASURE)
    dora = office.caller("dora", Role.DPO)
    for nothing in ("", "any", "A" * 64):
        with pytest.raises(MoveRefused):
            review.approve(office.desk, request.number, dora, nothing)
    assert office.load(request).state is State.APPROVAL


def test_approvals_of_two_different_plans_do_not_add_up(careful_office: Office) -> None:
    office = careful_office
    request = confirmed(office, Right.ERASURE)
    ann, dora = office.caller("ann", Role.AGENT), office.caller("dora", Role.DPO)
    assert review.approve(office.desk, request.number, ann, "a" * 64).state is State.APPROVAL
    assert review.approve(office.desk, request.number, dora, "b" * 64).state is State.APPROVAL
    done = review.approve(office.desk, request.number, ann, "b" * 64)
    assert (done.state, done.plan_sha256) == (State.WORKING, "b" * 64)


def test_who_typed_a_request_in_is_no_eye_on_it(careful_office: Office) -> None:
    office = careful_office
    dora = office.caller("dora", Role.DPO)
    intake = Intake(Right.ERASURE, Channel.CONSOLE, (ADA,), staff=dora.id)
    request = requests.file(office.desk, intake).request
    identity.settle(office.desk, request.id)
    identity.confirm(office.desk, token_in(office.letters()[-1]))
    with pytest.raises(AccessDenied, match="somebody else"):
        review.approve(office.desk, request.number, dora, PLAN)


def test_a_refusal_has_its_ground_its_reason_and_where_to_complain(office: Office) -> None:
    request = confirmed(office, Right.ACCESS)
    dora = office.caller("dora", Role.DPO)
    with pytest.raises(RequestError, match="reason"):
        review.refuse(office.desk, request.number, dora, RefusalGround.EXCESSIVE, "  ")

    refused = review.refuse(office.desk, request.number, dora, RefusalGround.EXCESSIVE, "The same was sent last week.")

    assert (refused.state, refused.ground) == (State.REFUSED, RefusalGround.EXCESSIVE)
    to, subject, text = office.letters()[-1]
    assert to == ADA.value
    assert request.number in subject
    assert "excessive" in text
    assert "The same was sent last week." in text
    assert "Data Protection Commission" in text  # the controller of the tests is in Ireland


def test_what_has_begun_to_be_deleted_is_neither_refused_nor_cancelled(tmp_path: Path) -> None:
    with found_office(tmp_path, more='[requests]\ncooling_off = "0 days"\n') as office:
        request = confirmed(office, Right.ERASURE)
        assert request.state is State.WORKING
        dora = office.caller("dora", Role.DPO)
        with pytest.raises(MoveRefused):
            review.refuse(office.desk, request.number, dora, RefusalGround.UNFOUNDED, "no")
        with pytest.raises(MoveRefused), office.desk.office.store.writing() as tx:
            identity.cancel_in(tx, office.desk, request, by=requests.PERSON)


def test_an_extension_is_told_with_its_reason_and_only_in_time(office: Office) -> None:
    request = confirmed(office, Right.ACCESS)
    dora = office.caller("dora", Role.DPO)
    longer = review.extend(office.desk, request.number, dora, "The archive has to be fetched.")
    assert (request.due, longer.due) == (date(2026, 12, 22), date(2027, 2, 22))
    assert "The archive has to be fetched." in office.letters()[-1][2]
    with pytest.raises(MoveRefused):
        review.extend(office.desk, request.number, dora, "Again.")

    late = confirmed(office, Right.RECTIFICATION)
    office.company.clock.advance(timedelta(days=35))
    with pytest.raises(RequestError, match="no law"):
        review.extend(office.desk, late.number, dora, "Too late to say so.")


def test_what_is_done_by_hand_is_told_in_the_words_of_who_did_it(office: Office) -> None:
    request = confirmed(office, Right.RECTIFICATION, wish="Ada with one d")
    agent = office.caller("ann", Role.AGENT)
    done = review.answer(office.desk, request.number, agent, "Your name is now written as you asked.")
    assert done.state is State.DONE
    assert "Your name is now written as you asked." in office.letters()[-1][2]
    with pytest.raises(RequestError, match="itself"):
        review.answer(office.desk, confirmed(office, Right.ACCESS).number, agent, "done")


def test_staff_answer_for_an_identity_by_name_and_say_how(office: Office) -> None:
    agent = office.caller("ann", Role.AGENT)
    request = office.file(Right.ACCESS, identifier("id", "9"))
    identity.settle(office.desk, request.id)
    done = review.confirm(office.desk, request.number, agent, "Called back on the number of the contract.")
    assert (done.state, done.proof) == (State.WORKING, Proof.STAFF)
    with office.desk.office.store.reading() as tx:
        last = register.history(tx, office.desk.office, done)[-1]
    assert (last.by.staff, last.note) == (agent.id, "Called back on the number of the contract.")

    unknown = office.file(Right.ACCESS, identifier("id", "99"))
    identity.settle(office.desk, unknown.id)
    with pytest.raises(RequestError, match="nobody is known"):
        review.confirm(office.desk, unknown.number, agent, "They said so.")


def test_the_clock_of_a_law_that_stops_stands_still_while_an_answer_is_awaited(tmp_path: Path) -> None:
    from tests.use.company import POLICY

    with found_office(tmp_path, policy=POLICY.replace("laws: [gdpr]", "laws: [uk-gdpr]")) as office:
        request = confirmed(office, Right.RECTIFICATION)
        agent = office.caller("ann", Role.AGENT)
        review.ask_back(office.desk, request.number, agent)
        with pytest.raises(MoveRefused):
            review.ask_back(office.desk, request.number, agent)
        office.company.clock.advance(timedelta(days=6))
        answered = review.answered(office.desk, request.number, agent)
        assert answered.due - request.due >= timedelta(days=6)


def test_of_two_who_decide_the_same_at_once_one_does(tmp_path: Path, postgresql_database: str) -> None:
    with found_office(tmp_path, url=postgresql_database) as office:
        officers = [office.caller(name, Role.DPO) for name in ("dora", "dirk")]
        desk = office.desk

        def at_once(act: Callable[[Caller], object]) -> list[bool]:
            begin = threading.Barrier(len(officers))

            def decide(who: Caller) -> bool:
                begin.wait(20)
                try:
                    act(who)
                except MoveRefused:
                    return False
                return True

            with ThreadPoolExecutor(len(officers)) as pool:
                return sorted(pool.map(decide, officers))

        for _ in range(3):
            number = confirmed(office, Right.RECTIFICATION).number
            assert at_once(lambda who, n=number: review.ask_back(desk, n, who)) == [False, True]
            assert at_once(lambda who, n=number: review.answered(desk, n, who)) == [False, True]
            assert at_once(lambda who, n=number: review.extend(desk, n, who, "many systems")) == [False, True]
            assert at_once(lambda who, n=number: review.answer(desk, n, who, "it was changed")) == [True, True]
        assert len(office.company.rows(request_pauses)) == 3
        assert office.kinds().count("request.extended") == 3
