"""The engine inside one process: launched for a worker, and the one function that it runs.

There is one engine for each process, and so what stands here is of the process too. Nothing of it reaches beyond this
machine: no admin server, no Conductor, no telemetry; what it says goes to our log, first lines only.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from troth.errors import TrothError
from troth.foundation.jobs import registry
from troth.foundation.jobs.engine import APPLICATION, QUEUE, VERSION, WORKFLOW, Runner, serializer
from troth.foundation.jobs.place import SCHEMA, JobFault, Place, place_of

if TYPE_CHECKING:
    from troth.foundation.store import Store

log = logging.getLogger("troth.jobs")

POLL_S = 0.2
_TOLD_AGAIN_S = 60.0

_worker: Runner | None = None
_place: Place | None = None
_at_work: Counter[str] = Counter()
_turn = threading.Lock()
_function: Any = None


def jobs_at_work() -> frozenset[str]:
    """The keys of the jobs that this process runs now."""
    with _turn:
        return frozenset(+_at_work)


def claim(worker: Runner) -> None:
    global _worker  # noqa: PLW0603
    with _turn:
        if _worker is not None:
            raise TrothError("this process runs a worker already", where=_worker.id, repair="Stop that one first.")
        _worker = worker


def release(worker: Runner, wait_s: float = 0.0) -> None:
    """Take nothing more from the queue, wait for what runs, and let the engine go."""
    global _worker, _place
    from dbos import DBOS

    if _worker is not worker:
        return
    DBOS.destroy(workflow_completion_timeout_sec=math.ceil(wait_s) if jobs_at_work() else 0)
    if _place is not None:
        _place.engine.dispose()
    with _turn:
        _worker, _place = None, None


def launch(store: Store, worker: str, at_once: int) -> None:
    global _place  # noqa: PLW0603
    from dbos import DBOS, DBOSConfig

    _tell_quietly()
    _at_work.clear()
    place = _place = place_of(store, connections=at_once + 4)
    workflow()
    config: DBOSConfig = {
        "name": APPLICATION,
        "system_database_url": place.url,
        "system_database_engine": place.engine,
        "dbos_system_schema": SCHEMA,
        "serializer": serializer(),
        "executor_id": worker,
        "application_version": VERSION,
        "use_listen_notify": False,
        "notification_listener_polling_interval_sec": POLL_S,  # nobody is notified: a stop waits for its next look
        "enable_otlp": False,
        "log_level": "WARNING",
    }
    DBOS(config=config)
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=at_once, polling_interval_sec=POLL_S, on_conflict="always_update")


def workflow() -> Any:
    """The one function that the engine knows: it runs the steps of whatever job is named."""
    global _function  # noqa: PLW0603
    if _function is None:
        from dbos import DBOS

        _function = DBOS.workflow(name=WORKFLOW)(_run)
    return _function


def _run(name: str, id_: str) -> int:
    """Every step of one job. Gives the sum of what the steps counted."""
    from dbos import DBOS

    key = str(DBOS.workflow_id)
    with _turn:
        _at_work[key] += 1
    try:
        steps = registry.job_named(name).steps
        if len(steps) == 1:
            # The record of the job's end says as much as one of its only step would, for a commit less.
            return _act(steps[0], key, id_) or 0
        return sum(DBOS.run_step({"name": step.name}, _act, step, key, id_) or 0 for step in steps)
    finally:
        with _turn:
            _at_work[key] -= 1  # it may be at work twice: taken from us while we were slow, and given back to us
        if _worker is not None:
            _worker.ended(key)


def _act(step: registry.Step, key: str, id_: str) -> int | None:
    """One step. What it raises is told by its kind alone: a message from below may hold a value."""
    try:
        return step.run(id_)
    except Exception as error:  # noqa: BLE001 - whatever it was, the job is noted as failed and tried again
        log.warning("%s, step %s: %s", key, step.name, shown(error))
        kind = type(error).__name__
    raise JobFault(kind)


def shown(error: Exception) -> str:
    """What of an error may stand in a log: all of ours, of others only the kind."""
    return str(error) if isinstance(error, TrothError) else type(error).__name__


class _Told(logging.Handler):
    """Passes the engine's warnings on under our name: first line only, no traceback, each kind once a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._told_at: dict[tuple[str, int], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and isinstance(record.exc_info[1], JobFault):
            return  # a step of ours failed, and `_act` has said so
        kind, now = (record.pathname, record.lineno), time.monotonic()
        if now - self._told_at.get(kind, -_TOLD_AGAIN_S) < _TOLD_AGAIN_S:
            return  # a database that is away is found to be away five times a second
        self._told_at[kind] = now
        log.log(record.levelno, "engine: %s", record.getMessage().split("\n")[0][:300])


def _tell_quietly() -> None:
    engine_log = logging.getLogger("dbos")
    engine_log.propagate = False
    if not any(isinstance(handler, _Told) for handler in engine_log.handlers):
        engine_log.handlers[:] = [_Told()]  # where there is one, the engine adds none that writes to the console
