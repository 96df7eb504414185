"""Durable work: what was begun is finished, whatever is killed meanwhile. The one way to the job engine (DBOS).

A job is a name and steps; it runs under an id (a request's own), and only ids and counts ever cross this line.

- `register` says what a name does; `start` begins it under an id, once, however often it is asked.
- `progress` and `listed` say how far jobs are.
- A `Worker` runs them: it resumes what a dead one left, and picks up what was committed but never started.

A step that was running when its worker died runs again, and a worker thought dead may still be at it: so every step
must be idempotent under its id. What is recorded of a finished step is not run again.
"""

from __future__ import annotations

from troth.foundation.jobs.engine import JobState, Progress, Started, listed, progress, start
from troth.foundation.jobs.registry import Step, Work, register, registered
from troth.foundation.jobs.worker import Beside, Worker

__all__ = [
    "Beside",
    "JobState",
    "Progress",
    "Started",
    "Step",
    "Work",
    "Worker",
    "listed",
    "progress",
    "register",
    "registered",
    "start",
]
