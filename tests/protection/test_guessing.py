"""Wrong passwords at a log-in: for nobody who exists, with what the form asks for, and only where settings say so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from tests.shopworld import World, own_verdict
from troth.foundation.network import Network
from troth.foundation.proof import SentenceReport, run_checks
from troth.policy.settings import Settings, SiteSettings
from troth.protection.checks import access
from troth.protection.probes import guessing

HOST = "shop.example.com"
FORM = b"""<form method="get" action="/search"><input name="q"></form>
<form method="post" action="/log-in"><input type="hidden" name="key" value="k-17"><input name="login">
<input type="password" name="password"><input type="checkbox" name="stay"><button name="go">Log in</button></form>"""


@dataclass
class Door:
    """A log-in that answers the tries one after the other; the last answer stays."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=lambda: [(401, {})])
    form: bytes = FORM
    tries: list[dict[str, list[str]]] = field(default_factory=list)
    sent: list[dict[str, str]] = field(default_factory=list)
    port: int = 0


@pytest.fixture
def door() -> Iterator[Door]:
    told = Door()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, {"Set-Cookie": "shop_form=abc; HttpOnly; SameSite=Lax"}, told.form)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            told.tries.append(parse_qs(body))
            told.sent.append(dict(self.headers.items()))
            status, headers = told.answers[min(len(told.tries), len(told.answers)) - 1]
            self._answer(status, headers, FORM)

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in {"Content-Type": "text/html", "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    told.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield told
    server.shutdown()
    server.server_close()
    thread.join()


def judged(world: World, door: Door, tries: int = 6, **site: str) -> SentenceReport:
    with world.seen() as seen:
        seen.network = Network({HOST: ("127.0.0.1", door.port)}, timeout_s=5)
        seen.site = SiteSettings.model_validate({"url": f"http://{HOST}", "login": "/log-in", **site})
        seen.settings = Settings.model_validate({"protection": {"login_tries": tries}})
        return run_checks(seen.policy, [access.endless_guessing], seen).of("3.1b")


@pytest.mark.parametrize("stop", [(429, {}), (423, {}), (401, {"Retry-After": "60"})])
def test_a_log_in_that_refuses_after_some_tries_is_kept(
    world: World, door: Door, stop: tuple[int, dict[str, str]]
) -> None:
    door.answers = [(401, {}), (401, {}), (401, {}), stop]

    found = judged(world, door)

    assert own_verdict(found) == "kept"
    assert "try 4 for an account that does not exist" in found.evidence[0].detail
    assert len(door.tries) == 4


def test_a_log_in_that_makes_guessers_wait_is_kept(world: World, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the probe is the test's: the third answer takes three seconds by it."""
    instants = iter([0.0, 0.1, 1.0, 1.1, 2.0, 5.0])
    monkeypatch.setattr(guessing, "monotonic", lambda: next(instants))

    found = judged(world, door)

    assert own_verdict(found) == "kept"
    assert found.evidence[0].detail == "try 3 for an account that does not exist was made to wait"


def test_a_log_in_that_is_slow_from_the_first_try_on_is_not_slowed_down(
    world: World, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    instants = iter([float(3 * at) for at in range(12)])
    monkeypatch.setattr(guessing, "monotonic", lambda: next(instants))

    assert own_verdict(judged(world, door)) == "broken"


def test_a_log_in_that_takes_every_try_alike_breaks_the_sentence(world: World, door: Door) -> None:
    found = judged(world, door)

    assert own_verdict(found) == "broken"
    assert found.findings[0].message == "takes 6 wrong passwords in a row and never slows down"


def test_the_form_is_sent_as_it_is_for_one_account_that_cannot_exist(world: World, door: Door) -> None:
    judged(world, door)

    names = {one["login"][0] for one in door.tries}
    assert len(names) == 1
    assert names.pop().endswith("@probe.invalid")
    assert {one["key"][0] for one in door.tries} == {"k-17"}
    assert all("go" not in one and "stay" not in one for one in door.tries)
    assert {one["Cookie"] for one in door.sent} == {"shop_form=abc"}
    assert len({one["password"][0] for one in door.tries}) == 6


def test_a_form_that_refuses_for_another_reason_proves_nothing(world: World, door: Door) -> None:
    door.answers = [(403, {})]

    assert own_verdict(judged(world, door)) == "unproven"


@pytest.mark.parametrize(
    "form", [b"<p>closed</p>", FORM.replace(b'action="/log-in"', b'action="https://elsewhere.example.org/"')]
)
def test_nothing_is_sent_where_there_is_no_form_or_it_leads_elsewhere(world: World, door: Door, form: bytes) -> None:
    door.form = form

    assert own_verdict(judged(world, door)) == "unproven"
    assert door.tries == []


def test_a_log_in_that_is_down_proves_nothing(world: World, door: Door) -> None:
    door.port = 9

    assert own_verdict(judged(world, door)) == "unproven"


def test_nothing_is_tried_unless_the_settings_say_so(world: World, door: Door) -> None:
    found = judged(world, door, tries=0)

    assert door.tries == []
    assert found.evidence == ()
