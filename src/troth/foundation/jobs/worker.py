"""Run jobs, and see to it that none is left behind.

A worker of this process, several threads of it:

- the engine's: take jobs from the queue, at most `at_once`, and run their steps;
- the heart: a sign of life in the store, once a second;
- the rounds: what a silent worker left is given back to the queue; what the store says is waiting and the engine has
  never heard of is begun; what failed is tried again, at growing distances.

Rounds are made by every worker. Two that do the same at once do no harm: the engine lets only one begin or rewind a
job, and only the present owner of a job record its steps.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlalchemy.exc import SQLAlchemyError

from troth.errors import StoreError, TrothError
from troth.foundation import ids
from troth.foundation.clock import SystemClock
from troth.foundation.jobs import beats, registry, running
from troth.foundation.jobs.engine import FAILED, Engine, Runner, Started, engine_of, offer, tries_of
from troth.foundation.jobs.registry import Work

if TYPE_CHECKING:
    from troth.foundation.store import Store

log = logging.getLogger("troth.jobs")

BEAT_S = 1.0
SILENT_S = 10.0
LOST_S = 60.0
ROUND_S = 2.0
AT_ONCE = 8
GRACE_S = 30.0

_FIRST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(minutes=10)
_TRIED = timedelta(days=30)
_KEPT = timedelta(days=90)
_FORGET_EVERY_S = 3600.0
_AGAIN_S = 5.0

Waiting = Callable[["Store"], Iterable[Work]]
"""What the store says is to be done now: rows in a state that needs work, whether it was ever begun or not."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What else a worker keeps running, in a thread of its own: `run` returns soon after the event is set.

    One that raises is begun again after five seconds.
    """

    name: str
    run: Callable[[threading.Event], object] = field(repr=False)


class Worker(Runner):
    """The worker of this process; there is one at a time. Use it in a `with`, or `start` and `stop` it.

    `waiting`: asked every two seconds what is to be done. `silent_s`: after how long without a sign of life another
    worker's jobs are taken over; `lost_s`: after how long one that the engine gave to this worker and that it is not at
    goes back. The latter is longer, since a job that has ended waits for its record.
    """

    def __init__(
        self,
        store: Store,
        *,
        waiting: Waiting | None = None,
        beside: Sequence[Beside] = (),
        at_once: int = AT_ONCE,
        silent_s: float = SILENT_S,
        lost_s: float = LOST_S,
        beat_s: float = BEAT_S,
        round_s: float = ROUND_S,
    ) -> None:
        self.id = f"w-{ids.random_token()[:16]}".replace("_", "-")
        self._store = store
        self._waiting = waiting
        self._clock = SystemClock()  # the engine stamps its own records by the machine's clock
        self._at_once = at_once
        self._beat_s = beat_s
        self._round_s = round_s
        self._watch = beats.Watch(silent_s)
        self._lost = beats.Watch(lost_s)
        self._stop = threading.Event()
        self._places = threading.Semaphore(at_once)
        self._mine: set[str] = set()
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._forgot_at = time.monotonic() - _FORGET_EVERY_S
        loops = [("heart", self._heart), ("rounds", self._rounds)]
        loops += [(one.name, _kept_running(one, self._stop)) for one in beside]
        self._threads = [threading.Thread(target=run, name=f"troth {name}", daemon=True) for name, run in loops]

    def start(self) -> None:
        """Begin. Raises: StoreError when the jobs database cannot be used; TrothError where a worker runs already."""
        running.claim(self)
        try:
            self._store.require_current()
            self._beat()
            running.launch(self._store, self.id, self._at_once)
            self._engine = engine_of(self._store)
            offer(self._store, self)
        except BaseException as error:
            running.release(self)
            if isinstance(error, SQLAlchemyError | OSError):
                raise StoreError(
                    f"the jobs database cannot be used ({type(error).__name__})", where=self._store.where
                ) from None
            raise
        for thread in self._threads:
            thread.start()
        log.info("worker %s began", self.id)

    def stop(self, *, wait_s: float = GRACE_S) -> int:
        """Begin nothing new, and wait at most `wait_s` seconds for what runs. Gives how many jobs were left running;
        another worker takes them over.
        """
        offer(self._store, None)
        self._stop.set()
        running.release(self, wait_s)
        left = self.running
        for thread in self._threads:
            thread.join(self._beat_s + 5.0)
        if not left:
            try:
                with self._store.writing() as tx:
                    beats.leave(tx, self.id)
            except StoreError as error:
                log.warning("%s", error)
        log.info("worker %s ended; %d jobs left to others", self.id, left)
        return left

    @property
    def running(self) -> int:
        """How many jobs this worker is at now."""
        return len(running.jobs_at_work())

    def begin(self, work: Work, key: str) -> Started | None:
        from dbos import DBOS, SetWorkflowID, error

        if self._stop.is_set() or not self._places.acquire(blocking=False):
            return None
        with self._lock:
            self._mine.add(key)
        try:
            with SetWorkflowID(key, workflow_id_reuse_policy="reject"):
                DBOS.start_workflow(running.workflow(), work.name, work.id)
        except error.DBOSWorkflowIDInUseError:
            self.ended(key)
            return Started.KNOWN
        except BaseException:
            self.ended(key)
            raise
        return Started.STARTED

    def ended(self, key: str) -> None:
        """A job that was begun here has ended: its place is free."""
        with self._lock:
            if key not in self._mine:
                return
            self._mine.remove(key)
        self._places.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _heart(self) -> None:
        while not self._stop.wait(self._beat_s) or self.running:
            try:
                self._beat()
            except StoreError as error:
                log.warning("no sign of life: %s", error)
            if self._stop.is_set():
                time.sleep(self._beat_s)

    def _beat(self) -> None:
        with self._store.writing() as tx:
            beats.beat(tx, self.id, self._clock.now())

    def _rounds(self) -> None:
        while not self._stop.is_set():
            for part in (self._take_over, self._pick_up, self._forget):
                try:
                    part()
                except (SQLAlchemyError, TrothError, OSError) as error:
                    log.warning("%s: %s", part.__name__.strip("_"), running.shown(error))
                except Exception as error:  # noqa: BLE001 - the rounds go on; the message may hold a value
                    log.error("%s: %s", part.__name__.strip("_"), type(error).__name__)  # noqa: TRY400
            self._stop.wait(self._round_s)

    def _take_over(self) -> None:
        """Give back what silent workers had, and forget those."""
        assert self._engine is not None
        at_work = self._engine.in_states(["PENDING"])
        with self._store.reading() as tx:
            counts = {one.worker: one.count for one in beats.beats(tx)}
        owners = {status.executor_id for status in at_work if status.executor_id}
        dead = self._watch.silent(counts, owners) - {self.id}
        # What the engine gave to this worker and never began, because it failed in between, is nobody's either.
        ours = {status.workflow_id for status in at_work if status.executor_id == self.id}
        left = list(self._lost.silent({}, ours - running.jobs_at_work()))
        if dead:
            # Asked again just before: a job that another survivor has taken meanwhile has another owner now.
            left += [status.workflow_id for status in self._engine.in_states(["PENDING"], owners=sorted(dead))]
        if left:
            self._engine.resume(left)
            log.warning("%d jobs of silent workers go on here or elsewhere: %s", len(left), ", ".join(left[:20]))
        if gone := dead & counts.keys():
            with self._store.writing() as tx:
                for worker in gone:
                    beats.leave(tx, worker)

    def _pick_up(self) -> None:
        """Begin what waits and was never begun; let what failed, or ended and still waits, run again when due."""
        assert self._engine is not None
        keys = self._keys_waiting()
        known = self._engine.of_keys(list(keys))
        for key, work in keys.items():
            if self._stop.is_set():
                return
            if key not in known:
                self._engine.enqueue(work, key)
                log.info("%s was waiting and is begun", key)
        due = [status for status in known.values() if status.status == "SUCCESS"]
        due += self._engine.in_states(FAILED, most=1000, newest_first=True)
        now_ms = self._clock.now().timestamp() * 1000
        for status in due:
            if status.workflow_id not in keys and now_ms - (status.created_at or 0) > _TRIED.total_seconds() * 1000:
                continue
            wait = min(_FIRST_WAIT * 2 ** min(tries_of(status), 12), _LONGEST_WAIT)
            if now_ms >= (status.completed_at or status.updated_at or 0) + wait.total_seconds() * 1000:
                self._engine.again(status)
                log.info("%s is tried again", status.workflow_id)

    def _keys_waiting(self) -> dict[str, Work]:
        if self._waiting is None:
            return {}
        return {registry.key_of(Work(*work)): Work(*work) for work in self._waiting(self._store)}

    def _forget(self) -> None:
        """Delete what is recorded of jobs that ended 90 days ago."""
        assert self._engine is not None
        if time.monotonic() - self._forgot_at < _FORGET_EVERY_S:
            return
        self._forgot_at = time.monotonic()
        before = (self._clock.now() - _KEPT).isoformat()
        old = self._engine.client.list_workflows(
            status=["SUCCESS", *FAILED], completed_before=before, limit=1000, load_input=False, load_output=False
        )
        if old:
            self._engine.forget([status.workflow_id for status in old])


def _kept_running(beside: Beside, stop: threading.Event) -> Callable[[], None]:
    def run() -> None:
        while not stop.is_set():
            try:
                beside.run(stop)
            except Exception as error:  # noqa: BLE001 - begun again; its message may hold a value
                log.warning("%s: %s", beside.name, running.shown(error))
            stop.wait(_AGAIN_S)

    return run
