"""The course that ships with troth: chapters to read, questions to draw from, and how a quiz is judged.

A quiz draws ten questions of about twenty, at least one of each chapter, with the answers in random order. Who has
80 % right has passed; who has not may try again with another draw. Facts only: nothing here reads or writes.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

QUESTIONS = 10
PASS_PERCENT = 80


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `answers` in the order of the file: the first is right. `why` is told after the quiz."""

    id: str
    chapter: str
    ask: str
    answers: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """Two minutes of reading, in Markdown."""

    id: str
    title: str
    text: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """A whole course. `sha256` is that of its file: a certificate says what was taught."""

    title: str
    edition: str
    chapters: tuple[Chapter, ...]
    sha256: str

    @property
    def name(self) -> str:
        return f"{self.title} ({self.edition})"

    def questions(self) -> Mapping[str, Question]:
        """Every question by its id."""
        return {each.id: each for chapter in self.chapters for each in chapter.questions}


@dataclass(frozen=True, slots=True)
class Drawn:
    """One question of a quiz; `order` are the answers as shown, by their place in the file (0 is the right one)."""

    question: str
    order: tuple[int, ...]


@cache
def load() -> Course:
    """The course as it ships."""
    import yaml

    data = resources.files("troth.protection.training").joinpath("course.yaml").read_bytes()
    found = yaml.safe_load(data)
    chapters = tuple(
        Chapter(
            each["id"],
            each["title"],
            each["text"],
            tuple(
                Question(f"{each['id']}-{number}", each["id"], one["ask"], tuple(one["answers"]), one["why"])
                for number, one in enumerate(each["questions"], 1)
            ),
        )
        for each in found["chapters"]
    )
    return Course(found["course"], found["edition"], chapters, hashlib.sha256(data).hexdigest())


def draw(course: Course, chance: random.Random | None = None) -> tuple[Drawn, ...]:
    """Ten questions: one of each chapter, the rest from all; questions and answers in random order."""
    chance = chance or random.SystemRandom()
    first = [chance.choice(chapter.questions) for chapter in course.chapters]
    others = [each for each in course.questions().values() if each not in first]
    chosen = [*first, *chance.sample(others, QUESTIONS - len(first))]
    chance.shuffle(chosen)
    return tuple(Drawn(each.id, _order(each, chance)) for each in chosen)


def _order(question: Question, chance: random.Random) -> tuple[int, ...]:
    return tuple(chance.sample(range(len(question.answers)), len(question.answers)))


def right(drawn: Sequence[Drawn], given: Mapping[str, int]) -> int:
    """How many are right. `given` has, by question, the place (from 0) of the answer that was chosen as shown."""
    return sum(
        1
        for each in drawn
        if 0 <= (chosen := given.get(each.question, -1)) < len(each.order) and each.order[chosen] == 0
    )


def passed(number: int, asked: int) -> bool:
    """Whether so many right of so many are enough."""
    return number * 100 >= asked * PASS_PERCENT
