"""3.1e, clocks: those of hosts by what they really answer, this machine's by what its kernel says."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme

from tests.policies import policy_of, said
from tests.protection.hosts import HOST, Host
from tests.shopworld import own_verdict
from troth.foundation.network import Network, Page
from troth.foundation.observation import Observation
from troth.foundation.proof import run_checks
from troth.policy.settings import Settings
from troth.protection.checks.clocks import drifting_clock
from troth.protection.probes import clocks

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
POLICY = policy_of(
    f"""
    protection:
      number: "3"
      title: Protection
      servers: {{text: Maintain secure servers, measure: infrastructure, hosts: [{HOST}]}}
    """
)


def judged(network: Network | None, machine: str = "none") -> tuple[str, str]:
    settings = Settings.model_validate({"protection": {"machine": machine}})
    seen = Observation(POLICY, NOW, Path(), network=network, settings=settings)
    found = run_checks(POLICY, [drifting_clock], seen).of("3a")
    return own_verdict(found), said(found)


def host_dated(folder: Path, date: str | None, **more: str) -> Host:
    return Host(trustme.CA(), folder, headers=({"Date": date} if date is not None else {}) | more)


def ago(**parts: float) -> str:
    return format_datetime(datetime.now(UTC) - timedelta(**parts), usegmt=True)


@pytest.mark.parametrize(
    ("minutes", "verdict", "words"),
    [
        (0, "kept", "its clock and this machine's agree to a minute"),
        (4, "broken", "its clock and this machine's are 4 minutes apart"),
        (-10, "broken", "its clock and this machine's are"),
        (300, "broken", "its clock and this machine's are 5 hours apart"),
    ],
)
def test_a_host_whose_clock_is_another_breaks_the_sentence(
    tmp_path: Path, minutes: int, verdict: str, words: str
) -> None:
    with host_dated(tmp_path, ago(minutes=minutes)).up() as network:
        found = judged(network)

    assert found[0] == verdict
    assert words in found[1]


@pytest.mark.parametrize("date", [None, "yesterday", ""])
def test_a_host_that_names_no_time_says_nothing(tmp_path: Path, date: str | None) -> None:
    with host_dated(tmp_path, date).up() as network:
        assert judged(network)[1] == ""


def test_a_host_that_is_down_is_unproven() -> None:
    assert judged(Network({HOST: ("127.0.0.1", 9)}))[0] == "unproven"


@pytest.mark.parametrize(
    ("date", "age", "seconds"),
    [
        ("Sun, 22 Nov 2026 06:00:01 GMT", None, 0),
        ("Sun, 22 Nov 2026 05:59:59 GMT", None, 0),
        ("Sun, 22 Nov 2026 05:58:59 GMT", None, 60),
        ("Sun, 22 Nov 2026 06:01:03 GMT", None, 60),
        ("Sun, 22 Nov 2026 05:00:00 GMT", "3600", 0),
    ],
)
def test_neither_the_way_nor_the_age_of_an_answer_counts(date: str, age: str | None, seconds: int) -> None:
    """Asked at six, answered three seconds later; a date is a whole second."""
    headers = (("date", date), *((("age", age),) if age else ()))
    page = Page(f"https://{HOST}/", 200, headers, b"", "127.0.0.1")

    assert clocks.apart(page, NOW, NOW + timedelta(seconds=3)) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("kept", "verdict"), [(True, "kept"), (False, "unproven"), (None, "unproven")])
def test_a_kernel_that_hears_no_time_service_leaves_it_to_who_knows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: bool | None, verdict: str
) -> None:
    """What this machine's kernel says is not the test's to choose: the answer is given to the rule."""
    monkeypatch.setattr(clocks, "is_kept", lambda: kept)

    with host_dated(tmp_path, ago(seconds=0)).up() as network:
        assert judged(network, "all")[0] == verdict
        assert judged(network)[0] == "kept"


@pytest.mark.skipif(sys.platform != "linux", reason="missing: adjtimex")
def test_the_kernel_of_this_machine_answers() -> None:
    assert clocks.is_kept() in {True, False}
