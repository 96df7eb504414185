"""Small rules of the shop, each alone: throttling, payments, what is cut from addresses and browsers, form keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from troth.example.shop import sessions
from troth.example.shop.footprints import device_of, network_of, region_of
from troth.example.shop.passwords import Throttle
from troth.example.shop.payment import ExamplePay


def test_the_throttle_forgets_after_its_window_and_stays_bounded() -> None:
    throttle = Throttle(by_name=2, by_address=100, window_s=60, most=50)
    for at in (0.0, 1.0):
        throttle.failed("Leaf", "192.0.2.1", at)
    assert throttle.wait_s("leaf ", "192.0.2.9", 2.0) == 59
    assert throttle.wait_s("leaf", "192.0.2.9", 61.0) == 0
    for number in range(500):
        throttle.failed(f"name {number}", f"address {number}", 100.0 + number / 1000)
    assert len(throttle._failures) <= 52


def test_a_payment_is_forgotten_after_half_an_hour() -> None:
    pay, now = ExamplePay(), datetime(2026, 11, 22, 21, 0, tzinfo=UTC)
    reference = pay.open(100, now)
    assert pay.choose(reference, "green", now + timedelta(minutes=29)) is not None
    assert pay.find(reference, now + timedelta(minutes=30)) is None


@pytest.mark.parametrize(
    ("address", "network", "region"),
    [
        ("192.0.2.77", "192.0.2.0", "GB-ENG"),
        ("2001:db8:1:2::3", "2001:db8:1::", "NL-NH"),
        ("::ffff:198.51.100.9", "198.51.100.0", None),
        ("127.0.0.1", "127.0.0.0", None),
        ("not an address", "", None),
    ],
)
def test_addresses_are_cut_to_networks_and_regions(address: str, network: str, region: str | None) -> None:
    assert (network_of(address), region_of(address)) == (network, region)


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605 Version/17.0 Mobile Safari/604",
            ("phone", "iOS", "Safari"),
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605 Version/17.0 Safari/604",
            ("tablet", "iPadOS", "Safari"),
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537 Chrome/120.0 Safari/537.36 Edg/120.0",
            ("computer", "Windows", "Edge"),
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", ("computer", "Linux", "Firefox")),
        ("curl/8", ("other", "other", "other")),
        ("", ("other", "other", "other")),
    ],
)
def test_of_a_browser_three_coarse_words_are_kept(agent: str, device: tuple[str, str, str]) -> None:
    assert device_of(agent) == device


def test_form_keys_belong_to_their_cookie_and_do_not_give_it_away() -> None:
    key = sessions.form_key("secret")
    assert sessions.is_form_key(key, None, "secret")
    assert not sessions.is_form_key(key, "other")
    assert not sessions.is_form_key("", None)
    assert not sessions.is_form_key("schlüssel", "secret")
    assert "secret" not in key
