"""What holds for every test: the same answer every time, no network beyond this machine, no silent gap.

- Time zone, language, terminal width, random numbers and hypothesis examples are fixed.
- A connection or look-up that would leave the loopback fails the test, also where the code under test
  catches `OSError`: a probe that quietly went to the internet would prove nothing.
- A test that needs a server or a browser which this machine lacks skips with a reason that starts with
  "missing:". The end of the run names them; with CI=true each such skip is a failure.
"""

from __future__ import annotations

import ipaddress
import os
import random
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest

pytest_plugins = ("tests.quick", "tests.compiled", "tests.servers")

MISSING = "missing:"
NEVER_RESOLVED = (".invalid", ".test")  # RFC 6761: answered here, so that no resolver is asked

_FIXED = {"TZ": "UTC", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "COLUMNS": "120", "TERM": "dumb"}
_KEPT = {"TROTH_REAL_DATA"}  # the one variable of ours that describes the machine and not an installation

for _name in [name for name in os.environ if name.startswith("TROTH_") and name not in _KEPT]:
    del os.environ[_name]
os.environ.update(_FIXED)

hypothesis.settings.register_profile("here", deadline=None, database=None, derandomize=True, max_examples=50)
hypothesis.settings.register_profile("soak", deadline=None, database=None, max_examples=2000)
hypothesis.settings.load_profile("soak" if os.environ.get("SOAK") == "true" else "here")


@pytest.fixture(autouse=True)
def _same_numbers_every_time() -> None:
    random.seed(20260101)


# --- no network beyond this machine ---------------------------------------------------------------------------

_connect, _connect_ex = socket.socket.connect, socket.socket.connect_ex
_sendto, _getaddrinfo = socket.socket.sendto, socket.getaddrinfo


def _stays_here(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host).split("%", 1)[0]).is_loopback
    except ValueError:
        return False


def _guard(own: socket.socket, address: Any) -> None:
    if own.family in (socket.AF_INET, socket.AF_INET6) and not _stays_here(address[0]):
        own.close()  # whoever opened it closes it for OSError only
        pytest.fail(f"this test reached for {address[0]!r}: only the loopback is allowed", pytrace=True)


def _guarded_connect(self: socket.socket, address: Any) -> None:
    _guard(self, address)
    _connect(self, address)


def _guarded_connect_ex(self: socket.socket, address: Any) -> int:
    _guard(self, address)
    return _connect_ex(self, address)


def _guarded_sendto(self: socket.socket, data: Any, *rest: Any) -> int:
    _guard(self, rest[-1])
    return _sendto(self, data, *rest)


def _guarded_getaddrinfo(host: Any, *rest: Any, **named: Any) -> list[Any]:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    # A number needs no resolver, however it is written ("2130706433" is 127.0.0.1); connecting to it is guarded above.
    if _stays_here(name) or _is_a_number(str(name)):
        return _getaddrinfo(host, *rest, **named)
    if str(name).rstrip(".").endswith(NEVER_RESOLVED):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    pytest.fail(f"this test looked up {name!r}: only the loopback is allowed", pytrace=True)


def _is_a_number(name: str) -> bool:
    try:
        socket.inet_aton(name)
    except OSError:
        try:
            ipaddress.ip_address(name.split("%", 1)[0])
        except ValueError:
            return False
    return True


@pytest.fixture(autouse=True, scope="session")
def _only_the_loopback() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _guarded_connect)
        patch.setattr(socket.socket, "connect_ex", _guarded_connect_ex)
        patch.setattr(socket.socket, "sendto", _guarded_sendto)
        patch.setattr(socket, "getaddrinfo", _guarded_getaddrinfo)
        yield


# --- no silent gap --------------------------------------------------------------------------------------------


def _what_is_missing(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    """What the skipped test wanted and this machine lacks; None for passed, failed and other skips."""
    if not report.skipped or not isinstance(report.longrepr, tuple):
        return None
    reason = str(report.longrepr[2]).removeprefix("Skipped: ")
    return reason.removeprefix(MISSING).strip() if reason.startswith(MISSING) else None


def _fail_in_ci(report: pytest.TestReport | pytest.CollectReport) -> None:
    what = _what_is_missing(report)
    if what is not None and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = (
            f"{MISSING} {what}. With CI=true everything the suite needs must be there; see scripts/provide.py"
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    report = yield
    _fail_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    report = yield
    _fail_in_ci(report)
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    gaps = Counter(what for report in terminalreporter.stats.get("skipped", []) if (what := _what_is_missing(report)))
    if gaps:
        terminalreporter.section("NOT TESTED: missing on this machine", sep="!", red=True, bold=True)
        for what, n in sorted(gaps.items()):
            terminalreporter.line(f"{what}: {n} test{'s' if n > 1 else ''} skipped")
