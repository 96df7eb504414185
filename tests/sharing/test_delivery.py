"""Sending to a recipient's host: only there, only by TLS, never inside; and how it ended is on record."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.example.proving import closed_port
from tests.sharing.gateworld import PAY, gate_world, receiving
from troth import DeliveryFailed, GateClosed
from troth.sharing.words import State

ROWS = [{"user": "1", "token": "tok_1", "amount": "5"}, {"user": "2", "token": "tok_2", "amount": "7"}]
HOST = "pay.example.net"
URL = f"https://{HOST}/batches"


def settings(port: int) -> str:
    return f'[site]\ntrust = "authority.pem"\n[site.resolve]\n"{HOST}" = "127.0.0.1:{port}"\n'


def test_a_batch_is_posted_whole_to_the_declared_host(tmp_path: Path) -> None:
    with receiving(tmp_path, HOST) as pay, gate_world(tmp_path, settings=settings(pay.port)) as world:
        made = world.share("Example Pay", "fraud", ROWS, PAY, to=URL)

    assert made.state is State.DONE
    assert made.destination == f"https://{HOST}"
    assert pay.got[0].count(b"\n") == 2
    assert len(pay.got[0]) == made.size


@pytest.mark.parametrize(
    "to",
    [
        "http://pay.example.net/batches",
        "https://pay.example.net.evil.example/batches",
        "https://evil.example/pay.example.net",
        "https://someone:secret@pay.example.net/",
        "https://127.0.0.1/batches",
        "ftp://pay.example.net/",
        "https://[::1/",
    ],
)
def test_another_address_than_the_declared_host_by_tls_is_refused(tmp_path: Path, to: str) -> None:
    with gate_world(tmp_path) as world:
        with pytest.raises(GateClosed):
            world.share("Example Pay", "fraud", ROWS, PAY, to=to)
        assert world.records() == ()


def test_a_declared_host_that_leads_inside_gets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from troth.foundation import addresses

    # what a resolver says is the one thing that a test on the loopback cannot have for real
    monkeypatch.setattr(addresses, "look_up", lambda *_: ("169.254.169.254",))
    with gate_world(tmp_path) as world:
        with pytest.raises(DeliveryFailed, match="inner address"):
            world.share("Example Pay", "fraud", ROWS, PAY, to=URL)
        assert [each.state for each in world.records()] == [State.STOPPED]


def test_a_redirect_is_not_followed_and_what_was_sent_counts_as_disclosed(tmp_path: Path) -> None:
    with (
        receiving(tmp_path, HOST) as pay,
        gate_world(tmp_path, settings=settings(pay.port)) as world,
    ):
        pay.status, pay.headers = 307, {"Location": f"https://{HOST}:{pay.port}/elsewhere"}
        with pytest.raises(DeliveryFailed, match="elsewhere, where nothing is sent"):
            world.share("Example Pay", "fraud", ROWS, PAY, to=URL)

        assert len(pay.got) == 1
        assert [each.state for each in world.records()] == [State.UNCERTAIN]
        assert world.entries("data.perhaps-disclosed") == [{"disclosure": 1}]


def test_a_recipient_that_hangs_up_or_refuses_counts_as_told(tmp_path: Path) -> None:
    with receiving(tmp_path, HOST) as pay, gate_world(tmp_path, settings=settings(pay.port)) as world:
        pay.status = 503
        with pytest.raises(DeliveryFailed, match="status 503"):
            world.share("Example Pay", "fraud", ROWS, PAY, to=URL)
        pay.hang_up = True
        with pytest.raises(DeliveryFailed, match="broke while the batch was on its way"):
            world.share("Example Pay", "fraud", ROWS, PAY, to=URL)

        assert [each.state for each in world.records()] == [State.UNCERTAIN, State.UNCERTAIN]


def test_a_host_that_is_down_or_is_another_by_its_certificate_gets_nothing(tmp_path: Path) -> None:
    with gate_world(tmp_path, settings=settings(closed_port()).replace('trust = "authority.pem"\n', "")) as world:
        with pytest.raises(DeliveryFailed, match="nothing has left"):
            world.share("Example Pay", "fraud", ROWS, PAY, to=URL)
        assert [each.state for each in world.records()] == [State.STOPPED]
    other = tmp_path / "other"
    other.mkdir()
    with receiving(other, "someone.example.net") as pay, gate_world(other, settings=settings(pay.port)) as world:
        with pytest.raises(DeliveryFailed, match="certificate is not trusted"):
            world.share("Example Pay", "fraud", ROWS, PAY, to=URL)
        assert pay.got == []
        assert [each.state for each in world.records()] == [State.STOPPED]
