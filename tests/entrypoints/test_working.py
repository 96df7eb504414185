"""`troth worker` as a process of its own, and the worker inside `troth serve`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.entrypoints.test_watching import POLICY
from troth.entrypoints import beginning, working
from troth.foundation import jobs, schedules, verdicts
from troth.foundation.jobs import Started, beats
from troth.foundation.store import Store
from troth.policy import settings
from troth.policy.settings import Instance


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    (tmp_path / "policy.yaml").write_text(POLICY % "+49 30 901820")
    (tmp_path / "troth.toml").write_text('[schedule]\ncheck = "1 hour"\n')
    for _ in beginning.begin(tmp_path, {}, database=None, policy=None):
        pass
    return settings.read(tmp_path, {})


def until(asked: Callable[[], object], within_s: float = 40.0) -> None:
    deadline = time.monotonic() + within_s
    while not asked():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def process(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "troth.entrypoints.cli", *arguments],
        cwd=folder, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def workers_of(store: Store) -> list[str]:
    with store.reading() as tx:
        return [beat.worker for beat in beats.beats(tx)]


def test_the_worker_checks_by_schedule_beats_and_leaves_politely(instance: Instance) -> None:
    running = process(instance.folder, "worker")
    try:
        with Store.open(instance.store_url, read_only=True) as store:
            until(lambda: len(workers_of(store)) == 1)

            def looked() -> object:
                with store.reading() as tx:
                    return verdicts.latest(tx) is not None and schedules.last_runs(tx)[0].ended_at is not None

            until(looked)
            running.send_signal(signal.SIGTERM)
            out, told = running.communicate(timeout=40)
            assert workers_of(store) == []
    finally:
        running.kill()
        running.communicate()
    assert (running.returncode, out) == (0, "")
    assert "troth works as w-" in told
    assert "Traceback" not in told


def test_two_workers_of_one_instance_run_beside_each_other(instance: Instance) -> None:
    both = [process(instance.folder, "worker") for _ in range(2)]
    try:
        with Store.open(instance.store_url, read_only=True) as store:
            until(lambda: len(workers_of(store)) == 2)
            for one in both:
                one.send_signal(signal.SIGTERM)
            assert [one.wait(timeout=40) for one in both] == [0, 0]
            assert workers_of(store) == []
    finally:
        for one in both:
            one.kill()
            one.communicate()


@pytest.mark.parametrize("arguments", [(), ("--no-worker",)])
def test_serve_runs_the_worker_inside_unless_told_not_to(instance: Instance, arguments: tuple[str, ...]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = process(instance.folder, "serve", "--port", str(port), *arguments)
    try:
        assert running.stdout is not None
        assert "troth serves on" in running.stdout.readline()
        assert httpx.get(f"http://127.0.0.1:{port}/privacy", timeout=60).status_code == 200
        with Store.open(instance.store_url, read_only=True) as store:
            assert len(workers_of(store)) == (0 if arguments else 1)
            running.send_signal(signal.SIGTERM)
            assert running.wait(timeout=40) == 0
            assert workers_of(store) == []
    finally:
        running.kill()
        running.communicate()


def test_a_job_that_a_page_starts_is_run_by_the_worker_inside(instance: Instance) -> None:
    ran: list[str] = []
    jobs.register("fulfil", ran.append)
    with working.inside(instance), Store.open(instance.store_url) as of_the_page:
        assert jobs.start(of_the_page, "fulfil", "2026-000001") is Started.STARTED
        until(lambda: ran == ["2026-000001"])


@pytest.mark.parametrize("command", [["check"], ["--help"], ["worker", "--help"], ["staff", "list"]])
def test_what_runs_no_jobs_loads_no_engine(instance: Instance, command: list[str]) -> None:
    code = (
        "import sys\nfrom troth.entrypoints import cli\n"
        f"sys.argv = ['troth', *{command!r}]\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        "assert 'dbos' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=instance.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_worker_is_told_to_upgrade_a_store_that_is_behind(instance: Instance) -> None:
    with Store.open(instance.store_url) as store, store.writing() as tx:
        tx.exec_driver_sql("update alembic_version set version_num = '0001'")
    running = process(instance.folder, "worker")
    _, told = running.communicate(timeout=40)
    assert running.returncode == 2
    assert "Run `troth upgrade`." in told
    assert "Traceback" not in told
