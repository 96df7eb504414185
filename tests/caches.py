"""A real cache for tests: Redis (or Valkey) on a free loopback port, with TLS, with a password, or with neither."""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import (
    START_S,
    _certificates,
    _die_with_parent,
    _folder,
    _free_port,
    _identity,
    _missing,
    _own,
    _program,
)


@dataclass(frozen=True, slots=True)
class Cache:
    """A running cache: where it answers with TLS (None: nowhere) and without (None), and what it asks for."""

    tls_port: int | None
    port: int | None
    password: str | None
    authority: Path
    socket: Path

    @property
    def address(self) -> str:
        """How a careful program reaches it."""
        asked = f":{self.password}@" if self.password else ""
        if self.tls_port is None:
            return f"redis://{asked}127.0.0.1:{self.port}/0"
        return f"rediss://{asked}127.0.0.1:{self.tls_port}/0?ssl_ca_certs={self.authority}"


@contextmanager
def redis(*options: str, tls: bool = True, plain: bool = False, password: str | None = "") -> Iterator[Cache]:
    """A cache with further `options` of the program; an empty `password` is made up, None is none at all."""
    program = _program("redis-server") or _program("valkey-server") or _missing("redis", "redis-server was not found")
    with _folder("troth-redis-") as folder:
        authority = _certificates(folder)
        _own(folder)
        made_up = secrets.token_hex(12) if password == "" else password
        cache = Cache(_free_port() if tls else None, _free_port() if plain else None, made_up, authority, folder / "s")
        settings = {
            "bind": "127.0.0.1", "protected-mode": "no", "save": "", "dir": folder, "port": cache.port or 0,
            "unixsocket": cache.socket,
        }  # fmt: skip
        if tls:
            settings |= {
                "tls-port": cache.tls_port, "tls-auth-clients": "no", "tls-cert-file": folder / "server.pem",
                "tls-key-file": folder / "server.key", "tls-ca-cert-file": authority,
            }  # fmt: skip
        if made_up:
            settings["requirepass"] = made_up
        command = [program]
        for name, value in settings.items():
            command += [f"--{name}", str(value)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*command, *options], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=_die_with_parent(), **_identity(),  # noqa: PLW1509 - one system call, no other way
            )  # fmt: skip
        try:
            _wait(process, cache, folder)
            yield cache
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def _wait(process: subprocess.Popen[bytes], cache: Cache, folder: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", cache.tls_port or cache.port or 0), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the cache did not start:\n{(folder / 'log').read_text()[-2000:]}", pytrace=False)
            time.sleep(0.02)
        else:
            return
