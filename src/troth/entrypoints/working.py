"""The worker of one instance: jobs, the checks and the mail by schedule, and whatever else must run all the time.

`troth worker` is nothing but this; `troth serve` and `troth demo` run it inside, unless told not to. Any number may run
at once, on any number of machines where the store is PostgreSQL.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from troth.entrypoints import watching
from troth.foundation.clock import Clock, SystemClock
from troth.foundation.jobs import Beside, Worker
from troth.foundation.store import Store

if TYPE_CHECKING:
    from troth.foundation.jobs.worker import Waiting
    from troth.policy.settings import Instance


@dataclass(frozen=True, slots=True)
class Duties:
    """What the sections have for a worker: what the store says is waiting, and what runs beside the jobs."""

    waiting: Waiting | None = None
    beside: tuple[Beside, ...] = ()


def duties(instance: Instance, store: Store, clock: Clock, open_: ExitStack) -> Duties:  # noqa: ARG001 - as the worker calls it
    """Register every job of every section in this process, and give what else the worker is to do.

    What must stay open as long as the worker runs is entered in `open_`.
    """
    from troth.application import open as open_troth
    from troth.rights import fulfilment, rounds
    from troth.rights.desk import DeskKeeper
    from troth.use import closing
    from troth.use.views import making

    desk = DeskKeeper(open_.enter_context(open_troth(instance.folder, instance.environ, clock)))
    open_.callback(desk.close)
    fulfilment.register(desk)
    return Duties(
        waiting=lambda of: fulfilment.waiting(of, clock.now()),
        beside=(
            Beside("requests", partial(rounds.keep_making, desk)),
            Beside("closings", partial(closing.keep_following, desk)),
            Beside("views", partial(making.keep_fresh, lambda: making.ViewMaker.at(desk()))),
        ),
    )


@contextmanager
def inside(instance: Instance, clock: Clock | None = None) -> Iterator[Worker]:
    """Run the worker while the block runs; at its end wait at most 30 s for the jobs that are running.

    Raises: StoreError when the store or the jobs database cannot be used.
    """
    clock = clock or SystemClock()
    with ExitStack() as open_:
        store = open_.enter_context(Store.open(instance.store_url))
        found = duties(instance, store, clock, open_)
        worker = Worker(store, waiting=found.waiting, beside=found.beside)
        open_.enter_context(watching.on_schedule(instance, clock))
        yield open_.enter_context(worker)


def run(instance: Instance) -> None:
    """Work until stopped politely (SIGTERM, Ctrl-C). Jobs still running after 30 s are left to another worker."""
    stop = listen_for_stop()
    _log_to_standard_error()
    with inside(instance) as worker:
        sys.stderr.write(f"troth works as {worker.id} (Ctrl-C stops)\n")
        sys.stderr.flush()
        wait_for(stop)
    leave(worker)


def leave(worker: Worker | None) -> None:
    """End the process now where jobs still run: their threads would hold it up, and another worker takes them over."""
    if worker is not None and worker.running:
        sys.stderr.write(f"{worker.running} jobs are left to another worker\n")
        sys.stderr.flush()
        os._exit(0)


def listen_for_stop() -> threading.Event:
    """From now on SIGTERM sets the event that is given, and does nothing else. Call it before what takes its time."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    return stop


def wait_for(stop: threading.Event) -> None:
    """Block until `stop` is set, or Ctrl-C."""
    try:
        while not stop.wait(1.0):
            pass
    except KeyboardInterrupt:
        return


def _log_to_standard_error() -> None:
    """What the worker does, in ids and counts, one line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    ours = logging.getLogger("troth")
    ours.setLevel(logging.INFO)
    ours.propagate = False
    ours.addHandler(handler)
