"""What every test would wait for and none is about: disks, ticks of a server, the list of the world's authorities.

- Files of tests live in memory (`/dev/shm`) where there is room: stores are synced for each transaction, and what a
  killed process wrote is there all the same. TMPDIR, where it is set, is obeyed instead.
- uvicorn looks ten times a second whether it is to end, and gives what is open a tenth of a second more. Here it looks
  a hundred times.
- An HTTP client reads all authorities that the machine trusts before it asks anything, some 20 ms each time. Here it
  trusts one, whose key nobody has; tests of TLS name their own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

MEMORY = Path("/dev/shm")
ROOM = 4 << 30  # bytes; what a passed test wrote goes with it (tmp_path_retention_policy)
TICK_S = 0.01


def _files_in_memory() -> None:
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM:
        return
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None  # read anew: pytest's capture has asked for it already


_files_in_memory()


class _Ticking(ModuleType):
    """asyncio, as uvicorn's server sees it: no sleep is longer than a tick."""

    def __getattr__(self, name: str) -> object:
        return getattr(asyncio, name)

    @staticmethod
    async def sleep(delay: float) -> None:
        await asyncio.sleep(min(delay, TICK_S))


@pytest.fixture(autouse=True, scope="session")
def _servers_that_end_at_once() -> Iterator[None]:
    import uvicorn.server

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uvicorn.server, "asyncio", _Ticking("asyncio"))
        yield


@pytest.fixture(autouse=True, scope="session")
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    import trustme

    path = tmp_path_factory.mktemp("authorities") / "authority.pem"
    trustme.CA().cert_pem.write_to_path(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(path))
        yield
