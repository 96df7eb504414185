"""Cookies as a browser would keep them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.cookies import scanner
from troth.policy.model import CookieItem
from troth.policy.periods import parse

NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)
URL = "http://shop.example.com/"


def cookie(line: str):
    return scanner.read(line, "/", URL, NOW)


@pytest.mark.parametrize(
    ("line", "days"),
    [
        ("a=1", None),
        ("a=1; Max-Age=86400", 1),
        ("a=1; max-age=86400; Expires=Wed, 01 Jan 2031 00:00:00 GMT", 1),
        ("a=1; Expires=Tue, 24 Nov 2026 06:00:00 GMT", 2),
        ("a=1; expires=Tue, 24-Nov-2026 06:00:00 GMT", 2),
        ("a=1; Expires=some day", None),
        ("a=1; Max-Age=soon", None),
        ("a=1; Max-Age=99999999999999999999", 36524.99),
    ],
)
def test_how_long_a_cookie_stays(line: str, days: float | None) -> None:
    found = cookie(line)

    assert found is not None
    stays = None if found.ends is None else (found.ends - NOW) / dt.timedelta(days=1)
    assert stays is None if days is None else stays == pytest.approx(days, abs=1)


def test_domain_and_cross_site_are_told() -> None:
    found = cookie("a=1; Domain=.Example.com; SameSite=None; Secure")

    assert found is not None
    assert (found.domain, found.cross_site) == ("example.com", True)
    assert cookie("a=1").domain == "shop.example.com"  # type: ignore[union-attr]


def test_the_value_is_not_kept() -> None:
    assert "ada" not in repr(cookie("a=ada@example.org; Path=/ada"))


def item(name: str, life: str = "1 day", kind: str = "cookie") -> CookieItem:
    return CookieItem.model_validate({"name": name, "life": life, "purpose": "analytics", "kind": kind})


def test_the_exact_name_goes_before_a_pattern_and_the_longer_pattern_before_the_shorter() -> None:
    items = [item("_pk*"), item("_pk_id.*"), item("_pk_id.1.x")]

    assert scanner.item_of(cookie("_pk_id.1.x=1"), items) is items[2]  # type: ignore[arg-type]
    assert scanner.item_of(cookie("_pk_id.7=1"), items) is items[1]  # type: ignore[arg-type]
    assert scanner.item_of(cookie("_pk=1"), items) is items[0]  # type: ignore[arg-type]
    assert scanner.item_of(cookie("_PK=1"), items) is None  # type: ignore[arg-type]


def test_an_item_of_another_kind_is_no_cookie() -> None:
    assert scanner.item_of(cookie("cart=1"), [item("cart", kind="local-storage")]) is None  # type: ignore[arg-type]


@given(st.integers(1, 800), st.integers(1, 800))
def test_a_cookie_outlives_its_declared_life_exactly_when_it_stays_longer(stays: int, declared: int) -> None:
    found = cookie(f"a=1; Max-Age={stays * 86400}")

    assert found is not None
    assert scanner.outlives(found, parse(f"{declared} days"), NOW) == (stays > declared)


def test_a_session_cookie_outlives_nothing_and_a_lasting_one_outlives_a_session() -> None:
    assert not scanner.outlives(cookie("a=1"), "session", NOW)  # type: ignore[arg-type]
    assert scanner.outlives(cookie("a=1; Max-Age=60"), "session", NOW)  # type: ignore[arg-type]


@given(st.text(max_size=120))
def test_any_line_is_read_or_left_out(line: str) -> None:
    scanner.read(line, "/", URL, NOW)
