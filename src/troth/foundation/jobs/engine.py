"""Begin a job once, and say how far it is. The engine is imported when it is first needed: it costs about a second."""

from __future__ import annotations

import contextvars
import logging
import threading
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from troth.errors import StoreError
from troth.foundation.jobs import registry
from troth.foundation.jobs.place import SCHEMA, JobFault, Place, is_made, place_of, read, written
from troth.foundation.jobs.registry import Work
from troth.foundation.store.guard import refuse_inside_writing

if TYPE_CHECKING:
    from dbos import DBOSClient, WorkflowStatus

    from troth.foundation.store import Store

log = logging.getLogger("troth.jobs")

APPLICATION = "troth"
QUEUE = "troth"
WORKFLOW = "job"
VERSION = "1"
"""One version for all of troth, so that what an older release began is finished by a newer one."""

TRIES = "tries"
_CHUNK = 500


class Started(StrEnum):
    """What `start` did. KNOWN: it had been started before, and nothing was done. LATER: the engine cannot be reached or
    was never run here; the first worker that can picks the work up from the store.
    """

    STARTED = "started"
    KNOWN = "known"
    LATER = "later"


class JobState(StrEnum):
    """How a job stands. A FAILED one is tried again by itself, at growing distances."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


_STATES = {
    "ENQUEUED": JobState.WAITING,
    "DELAYED": JobState.WAITING,
    "PENDING": JobState.RUNNING,
    "SUCCESS": JobState.DONE,
}
FAILED = ("ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one job is: `done` of `of` steps, in its `state` `since` then. Ids and counts only.

    `fault` is the kind of error that the last try ended with, and `tries` counts those that failed before this one.
    """

    name: str
    id: str
    turn: int
    state: JobState
    done: int
    of: int
    since: datetime
    tries: int = 0
    fault: str | None = None


def start(store: Store, name: str, id: str, turn: int = 0) -> Started:  # noqa: A002 - it is what it is
    """Begin the job `name` under `id`, once: double clicks, retries and redeliveries after the first do nothing.

    Call it after the commit of the row that `id` names. Where this process runs a worker with a free place, it begins
    at once; else the first worker that has one takes it.
    Raises: UnknownName for a name nobody registered; TrothError for an id that is none; StoreError inside a write
    transaction. An engine that cannot be reached raises nothing: LATER.
    """
    refuse_inside_writing("a job")
    work = Work(name, id, turn)
    key = registry.key_of(work)
    # A job that starts another must not become its parent: their steps are recorded apart.
    return contextvars.Context().run(_start, store, work, key)


def _start(store: Store, work: Work, key: str) -> Started:
    try:
        runner = running_for(store)
        if runner is not None and (told := runner.begin(work, key)) is not None:
            return told
        engine = engine_of(store)
        if engine is None:
            return Started.LATER
        return engine.enqueue(work, key)
    except (SQLAlchemyError, StoreError, OSError) as error:
        log.warning("%s: the job engine cannot be reached (%s); it is picked up later", key, type(error).__name__)
        return Started.LATER


def progress(store: Store, name: str, id: str, turn: int = 0) -> Progress | None:  # noqa: A002
    """How far that job is; None when it was never started here."""
    work = Work(name, id, turn)
    key = registry.key_of(work)
    engine = engine_of(store)
    if engine is None:
        return None
    found = engine.of_keys([key])
    return engine.progress(found[key]) if key in found else None


def listed(store: Store, *, states: Iterable[JobState] = (), most: int = 100) -> tuple[Progress, ...]:
    """The last `most` jobs in those states (all when none is named), newest first: what a console shows."""
    engine = engine_of(store)
    if engine is None:
        return ()
    wanted = set(states) or set(JobState)
    words = [word for word, state in _STATES.items() if state in wanted]
    words += FAILED if JobState.FAILED in wanted else ()
    return tuple(engine.progress(status) for status in engine.in_states(words, most=most, newest_first=True))


class Runner:
    """What a worker of this process offers to `start`: a free place, at once."""

    id: str

    def begin(self, work: Work, key: str) -> Started | None:
        """Begin it here; None when there is no place."""
        raise NotImplementedError

    def ended(self, key: str) -> None:
        """A job has ended in this process."""
        raise NotImplementedError


_runner: tuple[str, Runner] | None = None
_lock = threading.Lock()


def running_for(store: Store) -> Runner | None:
    """The worker of this process for that store."""
    held = _runner
    return held[1] if held is not None and held[0] == store.where else None


def offer(store: Store, runner: Runner | None) -> None:
    """Let `start` use this worker, or none. The engine allows one in a process."""
    global _runner  # noqa: PLW0603 - the engine itself is one for each process
    _runner = None if runner is None else (store.where, runner)


class Engine:
    """The engine's own records, seen and changed from outside: public calls of DBOSClient only."""

    def __init__(self, place: Place) -> None:
        from dbos import DBOSClient

        self.place = place
        self.client: DBOSClient = DBOSClient(
            system_database_url=place.url,
            system_database_engine=place.engine,
            dbos_system_schema=SCHEMA,
            serializer=serializer(),
            application_name=APPLICATION,
            retry_connection_errors=False,
        )

    def enqueue(self, work: Work, key: str) -> Started:
        from dbos import error

        try:
            self.client.enqueue(
                {
                    "workflow_name": WORKFLOW,
                    "queue_name": QUEUE,
                    "workflow_id": key,
                    "workflow_id_reuse_policy": "reject",
                },
                work.name,
                work.id,
            )
        except error.DBOSWorkflowIDInUseError:
            return Started.KNOWN
        return Started.STARTED

    def of_keys(self, keys: Sequence[str]) -> dict[str, WorkflowStatus]:
        """What is recorded of those jobs; the ones never started are left out."""
        found: dict[str, WorkflowStatus] = {}
        for begin in range(0, len(keys), _CHUNK):
            chunk = list(keys[begin : begin + _CHUNK])
            for status in self.client.list_workflows(workflow_ids=chunk, load_input=False):
                found[status.workflow_id] = status
        return found

    def in_states(
        self, words: Sequence[str], *, most: int | None = None, newest_first: bool = False, owners: Sequence[str] = ()
    ) -> list[WorkflowStatus]:
        """Jobs in those states of the engine's, at most `most`; of those `owners` only, where any is named."""
        return self.client.list_workflows(
            status=list(words),
            name=WORKFLOW,
            limit=most,
            sort_desc=newest_first,
            load_input=False,
            executor_id=list(owners) or None,
        )

    def resume(self, keys: Sequence[str]) -> None:
        """Give running jobs back to the queue, whoever had them; a former owner can record nothing more of them."""
        self.client.resume_workflows(list(keys), queue_name=QUEUE)

    def again(self, status: WorkflowStatus) -> bool:
        """Let a job that ended run once more: a failed one from the step that failed, another from its beginning.

        False when somebody else was quicker.
        """
        from dbos import error

        first = 1
        if status.status in FAILED:
            first += self._steps_done(status.workflow_id)
        try:
            self.client.update_workflow_attributes(status.workflow_id, {TRIES: tries_of(status) + 1})
            self.client.rewind_workflow(status.workflow_id, start_step=first, queue_name=QUEUE)
        except error.DBOSException:
            return False
        return True

    def forget(self, keys: Sequence[str]) -> None:
        """Delete what is recorded of those jobs."""
        self.client.delete_workflows(list(keys))

    def progress(self, status: WorkflowStatus) -> Progress:
        work = registry.work_of(status.workflow_id)
        state = _STATES.get(status.status, JobState.FAILED)
        job = registry.known(work.name)
        done = 0
        if state is JobState.DONE and job is not None:
            done = len(job.steps)
        elif state is not JobState.WAITING or tries_of(status):
            done = self._steps_done(status.workflow_id)
        moment = status.created_at
        if state is JobState.RUNNING:
            moment = status.dequeued_at or status.created_at
        elif state in {JobState.DONE, JobState.FAILED}:
            moment = status.completed_at or status.updated_at
        fault = status.error.kind if isinstance(status.error, JobFault) else None
        return Progress(
            name=work.name,
            id=work.id,
            turn=work.turn,
            state=state,
            done=done,
            of=len(job.steps) if job is not None else done,
            since=_instant(moment),
            tries=tries_of(status),
            fault=fault or ("Unknown" if state is JobState.FAILED else None),
        )

    def close(self) -> None:
        self.client.destroy()
        self.place.engine.dispose()

    def _steps_done(self, key: str) -> int:
        steps = self.client.list_workflow_steps(key)
        return sum(step["error"] is None for step in steps)


_engines: weakref.WeakKeyDictionary[Store, Engine] = weakref.WeakKeyDictionary()


def engine_of(store: Store) -> Engine | None:
    """The engine beside that store, connected; None while no worker has ever run there.

    It is closed with the store object. Raises: SQLAlchemyError when its database is out of reach.
    """
    with _lock:
        engine = _engines.get(store)
        if engine is None:
            place = place_of(store)
            if not is_made(place):
                place.engine.dispose()
                return None
            engine = Engine(place)
            _engines[store] = engine
            weakref.finalize(store, engine.close)
        return engine


def serializer() -> Any:
    """The engine's way to write values: `place.written`."""
    from dbos import Serializer

    class IdsAndCounts(Serializer):
        def name(self) -> str:
            return "troth_json"

        def serialize(self, data: Any) -> str:
            return written(data)

        def deserialize(self, serialized_data: str) -> Any:
            return read(serialized_data)

    return IdsAndCounts()


def tries_of(status: WorkflowStatus) -> int:
    return int((status.attributes or {}).get(TRIES, 0))


def _instant(milliseconds: int | None) -> datetime:
    return datetime.fromtimestamp((milliseconds or 0) / 1000, UTC)
