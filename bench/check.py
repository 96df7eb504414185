"""`troth check` against the least it can cost: the same SQL, and the imports it can't do without.

Two figures are judged. Over stores: every sentence of the example is judged from its databases (no page, no host), and
the floor sends the very same statements, recorded during one run, over one open connection to each database and takes
all rows. Of a policy alone: the whole command in a folder with nothing but
`policy.yaml`, in CPU time above a bare Python; beside it, reported, the ratio to `import pydantic, yaml` and to those
two with typer. It loads no database library, no network and no templates (`tests/entrypoints/test_light.py` holds it);
two thirds of what is left is typer, pydantic and yaml themselves.
"""

from __future__ import annotations

import resource
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bench.ratio import Figure, at_most, compare
from bench.startup import ENVIRON, PYTHON, TROTH, run, within

PEOPLE = 2_000
STORES_BUDGET = 3.0
ALONE_BUDGET_S = 0.5

_NEEDED = "import typer, yaml; from pydantic import BaseModel, Field; type('A', (BaseModel,), {})"

Sent = tuple[str, str, Any]
"""The database's file, the statement, its parameters."""


def figures() -> Iterator[Figure]:
    """Both figures, measured now: the stores first, since they take no other process."""
    yield from over_stores()
    yield from of_a_policy_alone()


def over_stores() -> Iterator[Figure]:
    """The example company with 2,000 people, judged from its databases."""
    from troth.entrypoints import checking
    from troth.example import company as example
    from troth.foundation.clock import SystemClock
    from troth.foundation.proof import run_checks
    from troth.policy import settings
    from troth.sections import CHECKS

    with tempfile.TemporaryDirectory(prefix="troth-bench-") as name:
        clock = SystemClock()
        company = example.found(Path(name), clock=clock, port=1, tls_port=1, people=PEOPLE)
        instance = settings.read(Path(name), company.environ)

        def ours() -> Any:
            with checking.observing(instance, clock) as seen:
                seen.network = seen.site = None
                return run_checks(seen.policy, CHECKS, seen)

        with recorded() as sent:
            report = ours()
        assert len(report.sentences) == 71
        with closing(Replay(sent)) as replay:
            yield at_most(
                f"check over stores, 71 sentences, {PEOPLE} people, against the same {len(sent)} statements",
                compare(ours, replay.once),
                STORES_BUDGET,
            )


@contextmanager
def recorded() -> Iterator[list[Sent]]:
    """What every engine of this process sends to SQLite while the block runs."""
    from sqlalchemy import Engine, event

    sent: list[Sent] = []

    def note(connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:  # noqa: FBT001 - SQLAlchemy's form
        assert not many
        rows = connection.connection.driver_connection.execute("PRAGMA database_list").fetchall()
        sent.append((rows[0][2], statement, parameters))

    event.listen(Engine, "after_cursor_execute", note)  # what was refused is no part of the floor
    try:
        yield sent
    finally:
        event.remove(Engine, "after_cursor_execute", note)


class Replay:
    """The statements of one run over one open connection to each database, all rows taken, nothing done with them."""

    def __init__(self, sent: list[Sent]) -> None:
        self._open = {file: sqlite3.connect(f"file:{file}?mode=ro", uri=True) for file in {one[0] for one in sent}}
        self._sent = sent

    def once(self) -> None:
        for file, statement, parameters in self._sent:
            self._open[file].execute(statement, parameters).fetchall()

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()


def of_a_policy_alone() -> Iterator[Figure]:
    """The command in a folder that holds the example policy and nothing else."""
    from importlib import resources

    with tempfile.TemporaryDirectory(prefix="troth-bench-") as name:
        policy = resources.files("troth.example") / "policy.yaml"
        (Path(name) / "policy.yaml").write_bytes(policy.read_bytes())
        work = answers(TROTH, "-C", name, "check", "--format", "json")
        bare = compare(work, run(PYTHON, "-c", ""), clock=spent_by_children)
        yield within("check of a policy alone, 71 sentences, CPU time above bare Python", bare, ALONE_BUDGET_S)
        libraries = compare(work, run(PYTHON, "-c", "import pydantic, yaml"), clock=spent_by_children)
        yield Figure("check of a policy alone, against importing pydantic and yaml", f"{libraries.ratio:.2f} x")
        needed = compare(work, run(PYTHON, "-c", _NEEDED), clock=spent_by_children)
        yield Figure(
            "check of a policy alone, against typer, yaml and a first model of pydantic", f"{needed.ratio:.2f} x"
        )


def spent_by_children() -> float:
    """CPU seconds of the processes that have ended: a busy machine makes them wait, and this does not count it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def answers(*command: str) -> Any:
    """One process that may say no (status 1) and may not fail."""
    import subprocess

    def once() -> None:
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRON)
        if done.returncode not in {0, 1}:
            raise subprocess.CalledProcessError(done.returncode, command, stderr=done.stderr)

    return once
