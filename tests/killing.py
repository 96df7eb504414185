"""Kill real processes with SIGKILL, at a counted or a random moment, and start them again until they are done.

    def work(arguments: dict[str, Any]) -> object:  # importable; opens what it needs itself; safe to repeat
        ...

    with mortal(work) as process:
        whole = process.live({"url": url})                      # nobody dies: counts the commits and statements
        for death in every_commit(whole):                       # before and after each commit
            process.live({"url": fresh()}, die=death)
            assert process.live(...).done
        lives = process.until_done({"url": url}, random_deaths(20, within_s=whole.seconds))

A `mortal` is a process that has imported the module of `work` and forks for each life: a new process with nothing but
imported modules in its memory, without the second that imports cost. Connections, threads and locks are its own.
Moments are counted over every SQLAlchemy engine of the process, or those of one dialect (`only="postgresql"`).
Seeds are printed; set KILL_SEED to repeat a run.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[1]
PR_SET_PDEATHSIG = 1
BEFORE_COMMIT, AFTER_COMMIT, BEFORE_STATEMENT, SECONDS, SELF = "before commit", "after commit", "statement", "s", "self"


@dataclass(frozen=True, slots=True)
class Death:
    """When a life ends: at the `at`-th event of its kind (counted from 1), or after `at` seconds of the function."""

    kind: str
    at: float
    only: str | None = None


@dataclass(frozen=True, slots=True)
class Life:
    """How one life went. `killed`: by SIGKILL; `error`: what the function raised; counts are those of a whole life."""

    killed: bool
    error: str | None
    commits: int
    statements: int
    seconds: float
    result: Any = None

    @property
    def done(self) -> bool:
        return not self.killed and self.error is None


@dataclass(frozen=True, slots=True)
class Lives:
    """What it took until the function came to its end."""

    kills: int
    last: Life


def before_commit(n: int, only: str | None = None) -> Death:
    return Death(BEFORE_COMMIT, n, only)


def after_commit(n: int, only: str | None = None) -> Death:
    return Death(AFTER_COMMIT, n, only)


def before_statement(n: int, only: str | None = None) -> Death:
    return Death(BEFORE_STATEMENT, n, only)


def after_seconds(seconds: float) -> Death:
    return Death(SECONDS, seconds)


def every_commit(whole: Life, only: str | None = None) -> Iterator[Death]:
    """A death before and one after each commit of a life that was counted with nobody dying."""
    assert whole.commits > 0, "nothing was committed: there is nothing to kill"
    for n in range(1, whole.commits + 1):
        yield before_commit(n, only)
        yield after_commit(n, only)


def random_deaths(count: int, *, within_s: float, seed: int | None = None) -> Iterator[Death]:
    """Deaths at random moments, evenly over `within_s` seconds of a life. Prints the seed."""
    chosen = seeded(seed)
    for _ in range(count):
        yield after_seconds(chosen.uniform(0, within_s))


def seeded(seed: int | None = None) -> random.Random:
    """Random numbers of a printed seed: `seed`, else the variable KILL_SEED, else a new one."""
    if seed is None:
        seed = int(os.environ.get("KILL_SEED") or time.time_ns() % 1_000_000_007)
    print(f"kill seed {seed}")  # noqa: T201 - shown when the test fails
    return random.Random(seed)


class Mortal:
    """A process that lives, dies and lives again. One life at a time; made by `mortal`."""

    def __init__(self, function: str) -> None:
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.killing", function],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=_die_with_parent(),  # noqa: PLW1509 - one system call, no other way
        )
        self._turn = threading.Lock()
        assert self._answer() == {"ready": True}

    def live(self, arguments: Any, *, die: Death | None = None, timeout_s: float = 120.0) -> Life:
        """One life of the function, ended by `die` or by itself. A life longer than `timeout_s` fails the test."""
        with self._turn:
            order = {"arguments": arguments, "die": asdict(die) if die else None, "timeout_s": timeout_s}
            self._say(order)
            return Life(**self._answer())

    def start(self, arguments: Any, *, die: Death | None = None) -> Living:
        """Begin a life and go on here; `Living.kill` ends it from outside, `Living.wait` waits for its end."""
        self._turn.acquire()
        self._say({"arguments": arguments, "die": asdict(die) if die else None, "timeout_s": None, "tell": True})
        return Living(self._answer()["pid"], self._end)

    def until_done(self, arguments: Any, deaths: Iterable[Death], *, most: int = 20, timeout_s: float = 120.0) -> Lives:
        """Die each of `deaths` (a life that ends before its death counts as done), then live until done.

        Fails when the function raises, or is not done after `most` lives that nobody ended.
        """
        kills = 0
        for death in deaths:
            life = self.live(arguments, die=death, timeout_s=timeout_s)
            assert life.error is None, life.error
            if life.done:
                return Lives(kills, life)
            kills += 1
        for _ in range(most):
            life = self.live(arguments, timeout_s=timeout_s)
            assert life.error is None, life.error
            if life.done:
                return Lives(kills, life)
        raise AssertionError(f"not done after {most} lives that nobody ended")

    def close(self) -> None:
        if not self._turn.acquire(blocking=False):
            self._process.kill()  # a life that the test left running dies with the process that forked it
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        self._process.wait(10)

    def _end(self) -> Life:
        try:
            return Life(**self._answer())
        finally:
            self._turn.release()

    def _say(self, order: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process that forks is gone; its words are on standard error"
        return json.loads(line)


class Living:
    """A life that goes on while the test does something else."""

    def __init__(self, pid: int, end: Callable[[], Life]) -> None:
        self.pid = pid
        self._end = end

    def kill(self) -> Life:
        """SIGKILL, now."""
        os.kill(self.pid, signal.SIGKILL)
        return self._end()

    def terminate(self) -> Life:
        """SIGTERM, and wait for the end."""
        os.kill(self.pid, signal.SIGTERM)
        return self._end()

    def freeze(self) -> None:
        """SIGSTOP: alive and silent, as a process that the machine has swapped out."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def wait(self) -> Life:
        return self._end()


@contextmanager
def mortal(function: Callable[[dict[str, Any]], object] | str) -> Iterator[Mortal]:
    """A process for lives of `function`, a function at the top of a module (or "module:name")."""
    name = function if isinstance(function, str) else f"{function.__module__}:{function.__qualname__}"
    process = Mortal(name)
    try:
        yield process
    finally:
        process.close()


# --- inside the process that forks ----------------------------------------------------------------------------


def _die_with_parent() -> Callable[[], None]:
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _main() -> None:
    module, _, name = sys.argv[1].partition(":")
    orders = sys.stdin
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the function prints is talk
    function = getattr(importlib.import_module(module), name)
    assert threading.active_count() == 1, "a module started a thread when it was imported: forking would lose it"
    bind = _die_with_parent()
    answers.write(json.dumps({"ready": True}) + "\n")
    answers.flush()
    while line := orders.readline():
        _fork(function, json.loads(line), answers, bind)


def _fork(function: Any, order: dict[str, Any], answers: IO[str], bind: Callable[[], None]) -> None:
    reading, writing = os.pipe()
    begun = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        bind()
        _live(function, order, writing)
    os.close(writing)
    if order.get("tell"):
        answers.write(json.dumps({"pid": pid}) + "\n")
        answers.flush()
    guard = threading.Timer(order["timeout_s"], os.kill, (pid, signal.SIGKILL)) if order["timeout_s"] else None
    if guard:
        guard.start()
    with os.fdopen(reading) as told:
        said = told.read()
    _, status = os.waitpid(pid, 0)
    late = False
    if guard:
        late = not guard.is_alive()
        guard.cancel()
        guard.join()
    life = {"killed": os.WIFSIGNALED(status), "error": None, "commits": 0, "statements": 0, "seconds": 0.0}
    if said and not life["killed"]:
        life |= json.loads(said)
    elif not life["killed"]:
        life["error"] = f"left with status {os.waitstatus_to_exitcode(status)} and said nothing"
    if late:
        life |= {"killed": False, "error": f"still at it after {order['timeout_s']} s"}
    elif life["killed"]:
        life["seconds"] = time.monotonic() - begun
    answers.write(json.dumps(life) + "\n")
    answers.flush()


def _live(function: Any, order: dict[str, Any], writing: int) -> None:
    status = 1
    try:
        random.seed()
        death = Death(**order["die"]) if order["die"] else None
        counts = _count(death)
        if death is not None and death.kind == SECONDS:
            timer = threading.Timer(death.at, _die)
            timer.daemon = True
            timer.start()
        said: dict[str, Any] = {}
        begun = time.monotonic()
        try:
            result = function(order["arguments"])
            said["result"] = result if isinstance(result, str | int | float | list | dict | None) else repr(result)
        except BaseException as error:  # noqa: BLE001 - told to the test
            said["error"] = "".join(traceback.format_exception(error))
        said |= {"seconds": time.monotonic() - begun, "commits": counts["commits"], "statements": counts["statements"]}
        with os.fdopen(writing, "w") as told:
            told.write(json.dumps(said))
        status = 0
    finally:
        sys.stderr.flush()
        os._exit(status)  # threads that still run are not waited for


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # the signal is on its way


def _count(death: Death | None) -> dict[str, int]:
    """Count statements and commits of every engine, and die at the moment asked for."""
    from sqlalchemy import Connection, Engine, event

    counts = {"commits": 0, "statements": 0}
    lock = threading.Lock()

    def met(kind: str, n: int) -> None:
        if death is not None and death.kind == kind and n == death.at:
            _die()

    def counted(connection: Connection) -> bool:
        only = death.only if death is not None else None
        return only is None or connection.dialect.name == only

    def statement(connection: Connection, *_: Any) -> None:
        if counted(connection):
            with lock:
                counts["statements"] += 1
                n = counts["statements"]
            met(BEFORE_STATEMENT, n)

    commit = Connection._commit_impl

    def committing(connection: Connection) -> None:
        if not counted(connection):
            commit(connection)
            return
        with lock:
            counts["commits"] += 1
            n = counts["commits"]
        met(BEFORE_COMMIT, n)
        commit(connection)
        met(AFTER_COMMIT, n)

    event.listen(Engine, "before_cursor_execute", statement)
    Connection._commit_impl = committing  # type: ignore[method-assign]
    return counts


if __name__ == "__main__":
    _main()
