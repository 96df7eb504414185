"""How often something may be tried: each try is counted before it is made, so that tries at once count too.

A counter stands for one who (an account name, the network a request came from), kept as a keyed hash. After `free`
tries without success in a row it closes for `first`, and for twice as long at each further try, up to `longest`.
It is forgotten a day after the last try. Counting is the same for those who exist and those who do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Network, ip_address

from sqlalchemy import Connection, delete, select

from troth.foundation.keys import Keyring
from troth.foundation.store.opened import hold
from troth.foundation.tables import login_failures as tries

_MEMORY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """How many tries are free, how long the first closing lasts, and the longest."""

    free: int
    first: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(minutes=15)


def source_of(host: str) -> str:
    """By what tries from a network address are counted: of IPv6 the first 64 bits, since whoever has one has them all.

    An IPv4 address that is written as IPv6 is the IPv4 address; what is no address is itself.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address) >> 64 << 64, 64)))


def take(tx: Connection, keyring: Keyring, kind: str, who: str, *, limit: Limit, now: datetime) -> bool:
    """Count one try of `who`, and say whether it may be made. A try while closed is refused and not counted.

    Commit before making the try. Two counters in one transaction: always in the same order of kinds.
    """
    key = _key(keyring, kind, who)
    hold(tx, f"try {key.hex()}")
    row = tx.execute(
        select(tries.c.tried, tries.c.last_at, tries.c.closed_until).where(tries.c.who == key)
    ).one_or_none()
    if row is not None and row.closed_until is not None and row.closed_until > now:
        return False
    count = 1 if row is None or row.last_at < now - _MEMORY else row.tried + 1
    over = count - limit.free
    closed_until = now + min(limit.first * 2 ** min(over, 20), limit.longest) if over >= 0 else None
    values = {"tried": count, "last_at": now, "closed_until": closed_until}
    if row is None:
        tx.execute(tries.insert().values(who=key, **values))
    else:
        tx.execute(tries.update().where(tries.c.who == key).values(**values))
    return True


def tried(tx: Connection, keyring: Keyring, kind: str, who: str) -> int:
    """How many tries without success in a row are counted for `who`; 0 when it was never tried or was forgotten."""
    return tx.execute(select(tries.c.tried).where(tries.c.who == _key(keyring, kind, who))).scalar_one_or_none() or 0


def forgive(tx: Connection, keyring: Keyring, kind: str, who: str) -> None:
    """Start again from nothing: a try succeeded."""
    tx.execute(delete(tries).where(tries.c.who == _key(keyring, kind, who)))


def give_back(tx: Connection, keyring: Keyring, kind: str, who: str, *, limit: Limit) -> None:
    """Take back the one try that succeeded, where others go on trying under the same `who`: an office's address."""
    row = tries.c.who == _key(keyring, kind, who)
    tx.execute(tries.update().where(row, tries.c.tried > 0).values(tried=tries.c.tried - 1))
    tx.execute(tries.update().where(row, tries.c.tried < limit.free).values(closed_until=None))


def sweep(tx: Connection, now: datetime) -> int:
    """Forget counters that nobody has touched for a day. Gives how many went."""
    return tx.execute(delete(tries).where(tries.c.last_at < now - _MEMORY)).rowcount


def _key(keyring: Keyring, kind: str, who: str) -> bytes:
    return keyring.pseudonym(f"try {kind}"[:16], who.encode("utf-8", "surrogatepass"))
