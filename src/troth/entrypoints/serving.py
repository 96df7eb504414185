"""Run the pages on real sockets, with the worker inside.

`uvicorn` serves one application on as many sockets as there are (plain and TLS); it runs in threads, so that a
demonstration can check its own pages while they are up.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from troth.errors import TrothError

if TYPE_CHECKING:
    from troth.policy.settings import Instance

_START_S = 20.0


@dataclass(frozen=True, slots=True)
class Door:
    """One socket to serve on; with `certificate` (certificate and key in one PEM file) it speaks TLS."""

    port: int
    host: str = "127.0.0.1"
    certificate: Path | None = None


@contextmanager
def listening(application: Any, *doors: Door) -> Iterator[None]:
    """Serve `application` on every door until the block ends; entered once all of them accept connections."""
    import uvicorn

    servers = []
    for door in doors:
        config = uvicorn.Config(
            application,
            host=door.host,
            port=door.port,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            ssl_certfile=str(door.certificate) if door.certificate else None,
        )
        servers.append(_server(config))
    threads = [threading.Thread(target=server.run, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        deadline = time.monotonic() + _START_S
        while not all(server.started for server in servers):
            if time.monotonic() > deadline or not all(thread.is_alive() for thread in threads):
                raise TrothError(
                    "the server did not start.", repair="See whether the port is free; name another with --port."
                )
            time.sleep(0.01)
        yield
    finally:
        for server in servers:
            server.should_exit = True
        for thread in threads:
            thread.join(timeout=5)


def _server(config: Any) -> Any:
    """A server that leaves the process's signals to whoever started it."""
    import uvicorn

    class Quiet(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    return Quiet(config)


def run(instance: Instance, *, host: str, port: int, worker: bool = True) -> None:
    """Serve one instance until it is stopped; with `worker`, run its jobs and schedules in the same process."""
    from troth.entrypoints import http, working

    require_port(port)
    stop = working.listen_for_stop()
    inside = working.inside(instance) if worker else nullcontext()
    with http.built(instance) as application, inside as at_work, listening(application, Door(port, host)):
        print(f"troth serves on http://{host}:{port}/privacy (Ctrl-C stops)", flush=True)  # noqa: T201 - talk of a running server
        working.wait_for(stop)
    working.leave(at_work)


def require_port(port: int) -> None:
    """Raise with the repair when somebody listens on `port` of this machine already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise TrothError(f"port {port} is in use.", repair="Name another with --port.") from None
