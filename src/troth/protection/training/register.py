"""Record who passed the course, and clear their account until the next one is due; in one transaction, with its leaf.

A quiz is drawn and kept here, so that what was asked is not the choice of who answers. It must be answered within two
hours, once. The ledger holds the account's number, the course and its hash, and how many were right.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from troth.errors import AccessDenied
from troth.foundation import staff
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves
from troth.policy.periods import Duration
from troth.protection.training import course as courses
from troth.protection.training.course import Course, Drawn
from troth.protection.training.reading import Training
from troth.protection.training.tables import training_quizzes, trainings

QUIZ_LIFE = dt.timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Quiz:
    """Ten questions that one account was asked, in the order shown."""

    id: int
    staff: int
    drawn: tuple[Drawn, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a quiz ended; `training` where it was passed."""

    right: int
    asked: int
    training: Training | None


def begin(tx: Connection, account: int, course: Course, now: dt.datetime) -> Quiz:
    """Draw a quiz for the account. Earlier ones that were not answered end."""
    open_ = (training_quizzes.c.staff == account, training_quizzes.c.ended_at.is_(None))
    tx.execute(update(training_quizzes).where(*open_).values(ended_at=now))
    drawn = courses.draw(course)
    written = json.dumps([[each.question, list(each.order)] for each in drawn])
    made = tx.execute(training_quizzes.insert().values(staff=account, begun_at=now, drawn=written))
    number = made.inserted_primary_key
    assert number is not None  # INVARIANT: the table numbers its rows
    return Quiz(number[0], account, drawn)


def load(tx: Connection, quiz: int, account: int, course: Course, now: dt.datetime) -> Quiz:
    """The quiz of that number while it can be answered. Raises: AccessDenied when it cannot, or is somebody else's."""
    row = tx.execute(
        select(training_quizzes).where(training_quizzes.c.id == quiz, training_quizzes.c.staff == account)
    ).one_or_none()
    drawn = () if row is None else tuple(Drawn(question, tuple(order)) for question, order in json.loads(row.drawn))
    known = course.questions()
    is_open = row is not None and row.ended_at is None and row.begun_at > now - QUIZ_LIFE
    if not is_open or not all(each.question in known for each in drawn):
        raise _over()
    return Quiz(quiz, account, drawn)


def _over() -> AccessDenied:
    return AccessDenied(
        "This quiz was answered already, or its two hours are over.", repair="Begin another one in the course."
    )


def answer(  # noqa: PLR0917 - the quiz, what was given, and what it is judged by
    tx: Connection,
    keyring: Keyring,
    quiz: Quiz,
    given: Mapping[str, int],
    course: Course,
    every: Duration,
    now: dt.datetime,
) -> Outcome:
    """Judge the quiz, once. Who passed is on record and cleared from now until `every` has gone by.

    Raises: AccessDenied when it was answered meanwhile.
    """
    right, asked = courses.right(quiz.drawn, given), len(quiz.drawn)
    open_ = (training_quizzes.c.id == quiz.id, training_quizzes.c.ended_at.is_(None))
    # INVARIANT: of two answers at once, one ends the quiz.
    if tx.execute(update(training_quizzes).where(*open_).values(ended_at=now, right=right)).rowcount != 1:
        raise _over()
    if not courses.passed(right, asked):
        return Outcome(right, asked, None)
    body = {"course": course.sha256, "right": right, "asked": asked}
    made = record(tx, keyring, quiz.staff, course.name, now, every, now, right=right, asked=asked, body=body)
    return Outcome(right, asked, made)


def record(  # noqa: PLR0917 - who, what, when, for how long
    tx: Connection,
    keyring: Keyring,
    account: int,
    course: str,
    passed_at: dt.datetime,
    every: Duration,
    now: dt.datetime,
    *,
    body: Mapping[str, object],
    right: int | None = None,
    asked: int | None = None,
    file: str | None = None,
) -> Training:
    """Put a passed course on record and clear the account until it is due again, if that is later than it is now."""
    until = every.after(passed_at)
    facts = {"staff": account, "passed_at": passed_at, "until": until, **body}
    leaf = leaves.append(tx, keyring, "training.passed", None, facts, now)
    values = {"staff": account, "course": course, "passed_at": passed_at, "until": until, "leaf": leaf}
    made = tx.execute(trainings.insert().values(right=right, asked=asked, file=file, **values))
    number = made.inserted_primary_key
    assert number is not None  # INVARIANT: the table numbers its rows
    staff.clear(tx, account, until)
    return Training(number[0], account, course, passed_at, until, right, asked)
