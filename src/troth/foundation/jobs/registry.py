"""Which jobs there are, and what each does: names, steps, and what may serve as an id. Loads no engine."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from troth.errors import TrothError, UnknownName
from troth.policy.documents import nearest

Act = Callable[[str], int | None]
"""What a step does to the thing of that id: idempotent, and gives a count or nothing."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Work(NamedTuple):
    """One job to be done: the `name` of what, the `id` it is done under, and the `turn`.

    A thing that needs the same job more than once (first its plan, after approval its execution) counts turns: each
    turn runs once.
    """

    name: str
    id: str
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a job, recorded when it is done."""

    name: str
    run: Act = field(repr=False)


@dataclass(frozen=True, slots=True)
class Job:
    """What a name stands for: its steps, in order."""

    name: str
    steps: tuple[Step, ...]


_jobs: dict[str, Job] = {}


def register(name: str, *steps: Step | Act) -> None:
    """Say what the job `name` does, in this process; saying it again replaces it.

    A bare function is a step named after the job, or after itself where there are several.
    Raises: TrothError for a name that is none, or two steps of one name.
    """
    if not _NAME.fullmatch(name) or not steps:
        raise TrothError("this is not a job", where=f"job {name!r}", expected="a short lower-case name and its steps")
    made = tuple(
        step if isinstance(step, Step) else Step(name if len(steps) == 1 else step.__name__, step) for step in steps
    )
    if len({step.name for step in made}) < len(made):
        raise TrothError("two steps have one name", where=f"job {name}")
    _jobs[name] = Job(name, made)


def registered() -> tuple[str, ...]:
    """The names of all jobs of this process, sorted."""
    return tuple(sorted(_jobs))


def known(name: str) -> Job | None:
    return _jobs.get(name)


def job_named(name: str) -> Job:
    """The job of that name. Raises: UnknownName, at once: the engine itself would let such work wait for ever."""
    found = _jobs.get(name)
    if found is None:
        raise UnknownName(
            f'no job is named "{name}"',
            expected=f"one of {', '.join(registered()) or 'none yet'}",
            nearest=nearest(name, list(_jobs)),
        )
    return found


def key_of(work: Work) -> str:
    """What the engine knows the work by. Raises: UnknownName; TrothError when the id could be personal data."""
    job_named(work.name)
    if not _ID.fullmatch(work.id):
        # The id itself is not repeated: what was passed by mistake may be an address or a name.
        raise TrothError(
            "a job runs under an id",
            where=f"job {work.name}",
            expected="1 to 64 letters, digits, _ or -, like 2026-000412",
        )
    if work.turn < 0:
        raise TrothError("turns are counted from 0", where=f"job {work.name}")
    return ".".join((work.name, work.id, str(work.turn)) if work.turn else (work.name, work.id))


def work_of(key: str) -> Work:
    """The work that a key stands for; the reverse of `key_of`, for names known or not."""
    name, id_, *turn = key.split(".")
    return Work(name, id_, int(turn[0]) if turn else 0)
