"""What visitors leave behind: the access log, visits, clicks and searches, each only as far as troth permits.

The access log (purpose `security`) has the full address of a customer while troth permits it; of everybody else, and
of a customer who objected, only the network. Visits note the coarse device (`service.improve`), and where the visitor
seems to be only for those who agreed to analytics. Clicks and searches are written for nobody who did not agree.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime
from typing import Final

from sqlalchemy import Engine, insert

from troth.example.shop import tables
from troth.example.shop.promises import ANALYTICS, IMPROVEMENT, SECURITY, Promises, person
from troth.example.shop.sessions import Customer

CLICKS: Final = frozenset({"open-product", "add-to-basket"})
"""The kinds of click there are; another one is a mistake of ours."""


def log_access(
    engine: Engine, promises: Promises, at: datetime, customer: Customer | None, *, address: str, page: str
) -> None:
    """One line of the access log; `page` has no query and names no other person."""
    known = customer is not None and bool(promises.may(person(customer.number), SECURITY, "device.ip"))
    row = {
        "at": at,
        "user_id": customer.number if customer and known else None,
        "ip": address if known else network_of(address),
        "page": page[:120],
    }
    with engine.begin() as tx:
        tx.execute(insert(tables.access_log).values(row))


def log_visit(engine: Engine, promises: Promises, at: datetime, number: int, *, user_agent: str, address: str) -> None:
    """One visit at log-in; the browser's own description is read and dropped."""
    who = person(number)
    if not promises.may(who, IMPROVEMENT, "device.type"):
        return
    region = region_of(address) if promises.may(who, ANALYTICS, "location.approximate") else None
    device, system, browser = device_of(user_agent)
    with engine.begin() as tx:
        tx.execute(
            insert(tables.visits).values(
                user_id=number, at=at, device_type=device, os=system, browser=browser, region=region
            )
        )


def log_click(
    engine: Engine, promises: Promises, at: datetime, customer: Customer | None, *, kind: str, target: str
) -> bool:
    """One click of a customer who agreed to be counted; whether it was written."""
    assert kind in CLICKS  # INVARIANT: events outside the list would be undeclared data
    if customer is None or not promises.may(person(customer.number), ANALYTICS, "usage.click"):
        return False
    with engine.begin() as tx:
        tx.execute(insert(tables.click_events).values(user_id=customer.number, at=at, kind=kind, target=target))
    return True


def log_search(engine: Engine, promises: Promises, at: datetime, customer: Customer | None, query: str) -> bool:
    """One search of a customer who agreed to be counted; whether it was written."""
    if customer is None or not promises.may(person(customer.number), ANALYTICS, "usage.search"):
        return False
    with engine.begin() as tx:
        tx.execute(insert(tables.searches).values(user_id=customer.number, at=at, query=query[:80]))
    return True


def network_of(address: str) -> str:
    """The network an address is in: the first 24 bits of IPv4, 48 of IPv6; empty for what is no address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network(f"{ip}/{24 if ip.version == 4 else 48}", strict=False).network_address)


_REGIONS: Final = (
    (ipaddress.ip_network("192.0.2.0/24"), "GB-ENG"),
    (ipaddress.ip_network("198.51.100.0/24"), "DE-BE"),
    (ipaddress.ip_network("203.0.113.0/24"), "US-OR"),
    (ipaddress.ip_network("2001:db8::/32"), "NL-NH"),
)


def region_of(address: str) -> str | None:
    """The region an address seems to be in (ISO 3166-2), never finer; from a table below, so nobody is asked."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    return next((region for network, region in _REGIONS if ip in network), None)


def device_of(user_agent: str) -> tuple[str, str, str]:
    """Kind of device, system and browser in one word each, from the browser's own words; `other` where unknown."""
    text = user_agent[:400]
    system = next((name for sign, name in _SYSTEMS if sign in text), "other")
    browser = next((name for sign, name in _BROWSERS if sign in text), "other")
    if system == "iPadOS" or ("Android" in text and "Mobile" not in text):
        return "tablet", system, browser
    if system in {"iOS", "Android"}:
        return "phone", system, browser
    return ("computer" if system != "other" else "other"), system, browser


_SYSTEMS: Final = (
    ("iPad", "iPadOS"),
    ("iPhone", "iOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
