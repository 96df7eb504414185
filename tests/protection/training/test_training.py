"""The course, its quiz and the register: who passed is cleared, and nobody else."""

from __future__ import annotations

import datetime as dt
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from tests.protection.registers import Desk, desk_in
from troth.errors import AccessDenied, DeclarationFaults
from troth.foundation import staff
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.tables import staff as accounts
from troth.policy.periods import Duration
from troth.protection.training import certificates, course, importing, reading, register

COURSE = course.load()
YEAR = Duration(12, "month")


def answers(quiz: register.Quiz, right: int) -> dict[str, int]:
    """So many right answers, the others wrong."""
    return {
        each.question: each.order.index(0) if number < right else each.order.index(1)
        for number, each in enumerate(quiz.drawn)
    }


def take(desk: Desk, person: int, right: int) -> register.Outcome:
    with desk.store.writing() as tx:
        quiz = register.begin(tx, person, COURSE, desk.now)
        return register.answer(tx, desk.keyring, quiz, answers(quiz, right), COURSE, YEAR, desk.now)


def cleared(desk: Desk, person: int) -> dt.datetime | None:
    with desk.store.reading() as tx:
        return next(each.cleared_until for each in staff.list_(tx) if each.id == person)


def test_the_course_is_whole() -> None:
    questions = COURSE.questions()
    assert 8 <= len(COURSE.chapters) <= 10
    assert len(questions) >= 20
    assert all(len(set(each.answers)) == len(each.answers) >= 3 and each.why for each in questions.values())
    assert all(100 <= len(chapter.text.split()) <= 220 for chapter in COURSE.chapters)


@given(seed=st.integers(0, 10_000))
def test_every_draw_has_ten_questions_and_one_of_each_chapter_at_least(seed: int) -> None:
    drawn = course.draw(COURSE, random.Random(seed))
    known = COURSE.questions()
    assert len({each.question for each in drawn}) == course.QUESTIONS
    assert {known[each.question].chapter for each in drawn} == {chapter.id for chapter in COURSE.chapters}
    assert all(sorted(each.order) == list(range(len(known[each.question].answers))) for each in drawn)


def test_a_quiz_is_looked_at_on_postgresql_too_and_answered_once(tmp_path: Path, postgresql_database: str) -> None:
    with desk_in(tmp_path, url=postgresql_database) as desk:
        person = desk.person("dora")
        with desk.store.writing() as tx:
            quiz = register.begin(tx, person, COURSE, desk.now)
        with desk.store.reading() as tx:
            assert register.load(tx, quiz.id, person, COURSE, desk.now) == quiz

        def answer(_: int) -> bool:
            try:
                with desk.store.writing() as tx:
                    found = register.load(tx, quiz.id, person, COURSE, desk.now)
                    register.answer(tx, desk.keyring, found, answers(found, 10), COURSE, YEAR, desk.now)
            except AccessDenied:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(answer, range(8))) == 1


def test_two_draws_differ() -> None:
    assert len({course.draw(COURSE) for _ in range(5)}) > 1


@pytest.mark.parametrize(("right", "passes"), [(10, True), (8, True), (7, False), (0, False)])
def test_eighty_percent_pass_and_clear_the_account_for_a_year(desk: Desk, right: int, passes: bool) -> None:
    person = desk.person("dora")

    outcome = take(desk, person, right)

    assert (outcome.right, outcome.training is not None) == (right, passes)
    assert cleared(desk, person) == (YEAR.after(desk.now) if passes else None)
    with desk.store.reading() as tx:
        kinds = [kind for kind in tx.scalars(select(ledger_leaves.c.kind)) if kind.startswith("training.")]
        assert len(reading.trainings_of(tx)) == len(kinds) == passes
    assert kinds == ["training.passed"] * passes


def test_answers_that_are_none_count_for_nothing() -> None:
    drawn = course.draw(COURSE)
    assert course.right(drawn, {}) == 0
    assert course.right(drawn, {each.question: 99 for each in drawn}) == 0
    assert course.right(drawn, {"no-such-question": 0}) == 0


def test_a_quiz_is_answered_once_by_its_own_person_within_its_time(desk: Desk) -> None:
    dora, adam = desk.person("dora"), desk.person("adam")
    with desk.store.writing() as tx:
        quiz = register.begin(tx, dora, COURSE, desk.now)
        with pytest.raises(AccessDenied):
            register.load(tx, quiz.id, adam, COURSE, desk.now)
        with pytest.raises(AccessDenied):
            register.load(tx, quiz.id, dora, COURSE, desk.now + register.QUIZ_LIFE)
        assert register.load(tx, quiz.id, dora, COURSE, desk.now) == quiz
        register.answer(tx, desk.keyring, quiz, answers(quiz, 3), COURSE, YEAR, desk.now)
        with pytest.raises(AccessDenied):
            register.load(tx, quiz.id, dora, COURSE, desk.now)


def test_an_older_training_never_shortens_a_clearance(desk: Desk) -> None:
    person = desk.person("dora")
    take(desk, person, 10)
    listed = b"name,course,completed_at\ndora,Elsewhere,2026-03-01\n"
    with desk.store.writing() as tx:
        importing.take_in(tx, desk.keyring, listed, "list.csv", YEAR, desk.now)
    assert cleared(desk, person) == YEAR.after(desk.now)


def test_a_list_of_another_system_is_taken_in_once(desk: Desk) -> None:
    person = desk.person("dora")
    listed = b"name,course,completed_at\nDora,Privacy basics,2026-09-30\n"
    with desk.store.writing() as tx:
        first = importing.take_in(tx, desk.keyring, listed, "list.csv", YEAR, desk.now)
        again = importing.take_in(tx, desk.keyring, listed, "list.csv", YEAR, desk.now)
    assert (len(first.new), first.known, len(again.new), again.known) == (1, 0, 0, 1)
    assert cleared(desk, person) == dt.datetime(2027, 9, 30, tzinfo=dt.UTC)


def test_a_list_with_faults_is_refused_whole_and_names_nobody(desk: Desk) -> None:
    desk.person("dora")
    listed = (
        b"name,course,completed_at\ndora,Basics,2026-09-30\nnobody.we.know,Basics,2026-09-30\n"
        b"dora,,2026-09-30\ndora,Basics,tomorrow\ndora,Basics,2030-01-01\n"
    )
    with pytest.raises(DeclarationFaults) as caught, desk.store.writing() as tx:
        importing.take_in(tx, desk.keyring, listed, "list.csv", YEAR, desk.now)
    assert [fault.line for fault in caught.value.faults] == [3, 4, 5, 6]
    assert "nobody.we.know" not in str(caught.value)
    with desk.store.reading() as tx:
        assert reading.trainings_of(tx) == ()


def test_other_columns_are_told(desk: Desk) -> None:
    with pytest.raises(DeclarationFaults, match="name,course,completed_at"), desk.store.writing() as tx:
        importing.take_in(tx, desk.keyring, b"who,when\n", "list.csv", YEAR, desk.now)


def test_a_certificate_verifies_without_us_and_an_altered_one_does_not(desk: Desk) -> None:
    training = take(desk, desk.person("dora"), 9).training
    assert training is not None
    signed = certificates.certificate(desk.keyring, "Example Company", "dora", training, COURSE)
    assert certificates.holds(signed)
    signed["certificate"]["right"] = 10
    assert not certificates.holds(signed)
    assert not certificates.holds({})


def test_the_ledger_names_no_one(desk: Desk) -> None:
    take(desk, desk.person("dora"), 10)
    with desk.store.reading() as tx:
        contents = list(tx.scalars(select(ledger_leaves.c.content)))
        assert tx.execute(select(accounts.c.name)).scalar_one() == "dora"
    assert contents
    assert not any(b"dora" in content for content in contents)
