"""rights.overdue-request and rights.copy-missing, over a store with requests of every kind."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.policies import BROKEN, KEPT, UNPROVEN, judge, policy_of, said, verdicts
from tests.rights.desks import ADA, Office, found_office
from troth.foundation.observation import Observation
from troth.policy.vocabulary import Right
from troth.rights import requests
from troth.rights.checks import answers
from troth.rights.tables import requests as table
from troth.rights.words import State

POLICY = policy_of(
    """
    rights:
      number: "5"
      title: User Rights
      text: "You have the following rights:"
      access: {number: "5.1", title: Access, text: You may see your data., right: access}
      erasure: {number: "5.3", title: Deletion, text: You may have it deleted., right: erasure}
    """,
    laws="[gdpr]",
)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path) as made:
        yield made


def look(office: Office) -> dict[str, object]:
    seen = Observation(POLICY, office.now, office.company.folder, store=office.desk.office.store)
    return dict(verdicts([answers.overdue_request], seen))


def end(office: Office, number: str, state: State = State.DONE) -> None:
    with office.desk.office.store.writing() as tx:
        request = requests.load(tx, number)
        for to in (State.WORKING, state) if state is not State.CANCELLED else (state,):
            requests.move(tx, office.desk.office, request, to)


def test_who_was_answered_in_time_is_counted(office: Office) -> None:
    end(office, office.file(Right.ACCESS, ADA).number)
    office.file(Right.ACCESS, ADA)
    found = look(office)
    assert (found["5.1"], found["5.3"]) == (KEPT, UNPROVEN)


def test_a_request_that_is_done_without_a_copy_is_broken(office: Office) -> None:
    number = office.file(Right.ACCESS, ADA).number
    seen = Observation(POLICY, office.now, office.company.folder, store=office.desk.office.store)
    assert "no copy was ever made" not in said(judge(answers.CHECKS, seen).of("5.1"))

    end(office, number)

    sentence = judge(answers.CHECKS, seen).of("5.1")
    assert sentence.verdict is BROKEN
    assert f"request {number}: said to be done, and no copy was ever made" in said(sentence)


def test_an_open_request_past_its_day_breaks_the_sentence_of_its_right_alone(office: Office) -> None:
    request = office.file(Right.ACCESS)
    end(office, office.file(Right.ERASURE).number)
    office.company.clock.set(request.due_at - timedelta(seconds=1))
    assert look(office)["5.1"] == KEPT
    office.company.clock.set(request.due_at)
    found = look(office)
    assert (found["5.1"], found["5.3"]) == (BROKEN, KEPT)
    seen = Observation(POLICY, office.now, office.company.folder, store=office.desk.office.store)
    assert request.number in said(judge(answers.CHECKS, seen).of("5.1"))


def test_a_day_that_was_put_too_far_is_seen_without_asking_who_put_it(office: Office) -> None:
    request = office.file(Right.ACCESS)
    with office.desk.office.store.writing() as tx:
        tx.execute(
            table.update().values(due=request.due + timedelta(days=30), due_at=request.due_at + timedelta(days=30))
        )
    assert look(office)["5.1"] == BROKEN


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("update requests set received_at = '2027-01-01 00:00:00.000000'", "is said to have come on 2027-01-01"),
        ("update requests set state = 'done', closed_at = received_at", "no move of it leads to the state"),
        ("update request_moves set at = '2027-01-01 00:00:00.000000'", "is not what its entry in the ledger says"),
        ("delete from requests", "stands in the ledger, and was struck from the register"),
    ],
)
def test_a_request_that_the_ledger_tells_otherwise_is_broken(office: Office, statement: str, word: str) -> None:
    office.file(Right.ACCESS, ADA)
    path = office.desk.office.store.path
    assert path is not None
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)

    seen = Observation(POLICY, office.now, office.company.folder, store=office.desk.office.store)
    sentence = judge([answers.overdue_request], seen).of("5.1")

    assert sentence.verdict is BROKEN
    assert word in said(sentence)


def test_an_end_that_was_moved_alone_hides_no_late_request(office: Office) -> None:
    request = office.file(Right.ACCESS)
    with office.desk.office.store.writing() as tx:
        tx.execute(table.update().values(due_at=request.due_at + timedelta(days=900)))
    office.company.clock.set(request.due_at + timedelta(days=3))
    assert look(office)["5.1"] == BROKEN


def test_nothing_asked_is_nothing_proven_and_what_lapsed_is_no_answer(office: Office) -> None:
    assert look(office) == {"5.1": UNPROVEN, "5.3": UNPROVEN}
    end(office, office.file(Right.ACCESS).number, State.CANCELLED)
    assert look(office)["5.1"] == UNPROVEN


def test_an_extension_that_was_told_of_is_the_laws_day(office: Office) -> None:
    from troth.foundation.roles import Role
    from troth.rights import review

    request = office.file(Right.ACCESS)
    review.extend(office.desk, request.number, office.caller("dora", Role.DPO), "much to look through")
    assert look(office)["5.1"] == KEPT
