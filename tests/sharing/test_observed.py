"""Which hosts were reached, read from logs of every kind."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.sharing import observed

AT = dt.datetime(2026, 11, 22, 5, 0, tzinfo=dt.UTC)
EPOCH = str(int(AT.timestamp()))


@pytest.mark.parametrize(
    ("line", "host", "at"),
    [
        (
            f"{EPOCH}.120   180 192.0.2.9 TCP_TUNNEL/200 411 CONNECT pay.example.net:443 - HIER_DIRECT/1 -",
            "pay.example.net",
            AT,
        ),
        (
            f"{EPOCH}.120 180 192.0.2.9 TCP_MISS/200 41 GET http://Pay.Example.NET/a?email=x@y.example - X/1 text/html",
            "pay.example.net",
            AT,
        ),
        (
            '192.0.2.9 - ana [22/Nov/2026:05:00:00 +0000] "CONNECT pay.example.net:443 HTTP/1.1" 200 39 "-" "-"',
            "pay.example.net",
            AT,
        ),
        (
            '192.0.2.9 - - [22/Nov/2026:06:00:00 +0100] "GET https://pay.example.net/ HTTP/1.1" 200 39',
            "pay.example.net",
            AT,
        ),
        (
            '{"time": "2026-11-22T05:00:00Z", "client": "192.0.2.9", "host": "pay.example.net:443"}',
            "pay.example.net",
            AT,
        ),
        (
            f'{{"query_timestamp": {EPOCH}, "query_name": "pay.example.net.", "srcaddr": "192.0.2.9"}}',
            "pay.example.net",
            AT,
        ),
        (f'{{"ts": {EPOCH}000, "url": "https://pay.example.net/x"}}', "pay.example.net", AT),
        (
            "22-Nov-2026 05:00:00.000 client @0x7f 192.0.2.9#53 (pay.example.net): query: pay.example.net IN A +",
            "pay.example.net",
            None,
        ),
        ("Nov 22 05:00:00 dnsmasq[5]: query[A] pay.example.net from 192.0.2.9", "pay.example.net", None),
        (f"2 123 eni-1 10.0.0.9 203.0.113.7 5000 443 6 9 900 {EPOCH} {EPOCH} ACCEPT OK", "203.0.113.7", AT),
        ('{"host": "web1.shop.example.com", "query": "pay.example.net"}', "pay.example.net", None),
        ('{"host": "pay.example.net", "url": "/v1/charge", "query": "a=1"}', "pay.example.net", None),
        ('{"server_name": "pay.example.net", "dstaddr": "203.0.113.7"}', "pay.example.net", None),
        ("ads.exämple.net", "ads.xn--exmple-cua.net", None),
        ("::ffff:203.0.113.7", "203.0.113.7", None),
        ("2001:db8::7", "2001:db8::7", None),
        ("[2001:db8::7]:443", "2001:db8::7", None),
        ("pay.example.net", "pay.example.net", None),
        ("pay.example.net, 2026-11-22T05:00:00+00:00", "pay.example.net", AT),
    ],
)
def test_a_line_of_each_kind_gives_its_host_and_its_time(line: str, host: str, at: dt.datetime | None) -> None:
    outbound = observed.of_lines(["# comment", "", line])

    assert list(outbound.hosts) == [host]
    found = outbound.hosts[host]
    assert (found and found.replace(microsecond=0)) == at
    assert (outbound.lines, outbound.unread) == (1, 0)


def test_lines_of_no_known_kind_are_counted(tmp_path) -> None:
    assert observed.of_lines(["what is this line", "{broken", "pay.example.net"]).unread == 2


def test_the_last_time_counts() -> None:
    lines = [f"pay.example.net 2026-11-2{day}T05:00:00+00:00" for day in (2, 1)]

    assert observed.of_lines(lines).hosts["pay.example.net"] == AT


@given(st.text(max_size=200))
def test_no_line_makes_it_fail(line: str) -> None:
    observed.of_lines([line])


@pytest.mark.parametrize(
    ("pattern", "host", "named"),
    [
        ("pay.example.net", "pay.example.net", True),
        ("pay.example.net", "pay.example.net.evil.example", False),
        ("*.example.net", "a.b.example.net", True),
        ("*.example.net", "example.net", False),
        ("*.example.net", "badexample.net", False),
        ("203.0.113.0/24", "203.0.113.7", True),
        ("203.0.113.0/24", "203.0.114.7", False),
    ],
)
def test_a_host_is_named_by_itself_by_a_star_or_by_a_network(pattern: str, host: str, named: bool) -> None:
    assert observed.is_one_of(host, [pattern]) is named


def test_addresses_inside_are_nobody_s() -> None:
    assert observed.is_inner("10.0.0.9")
    assert observed.is_inner("db.internal")
    assert not observed.is_inner("pay.example.net")
