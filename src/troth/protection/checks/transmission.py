"""Encryption on the way: every declared host, and the link to every store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from troth.errors import NetworkUnreachable, RecordsError
from troth.foundation import addresses
from troth.foundation.proof import Check, Saw, broken, check, counted, kept, unproven
from troth.foundation.records.access import LinkKind, LinkSeen, SessionsSeen
from troth.policy.vocabulary import Measure
from troth.protection.probes import caches, outside

if TYPE_CHECKING:
    from troth.foundation.handshakes import TlsSeen
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence

SHORTEST_LIFE = dt.timedelta(days=14)
"""A certificate with less time left is as good as run out: nobody has renewed it when it was due."""

SHORTEST_AGE_S = 15_552_000
"""180 days: what Strict-Transport-Security should last at least."""


def _measure(sentence: Sentence, _: Policy) -> bool:
    return sentence.meaning.measure is Measure.TLS


@check(
    id="protection.unencrypted-page",
    promise="transmission is encrypted",
    applies=_measure,
    reference="GDPR Art. 32(1)(a); RFC 8996, RFC 9325, RFC 6797",
)
def unencrypted_page(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Each declared host speaks TLS of the declared version, shows a certificate that holds, and nothing in clear.

    What it proves: a handshake at the least declared version or above succeeds, none below it does; the chain leads to
    a known authority, the name fits, and 14 days are left; offered nothing but ciphers without encryption, without a
    certificate, or broken (RC4, 3DES, MD5), it takes none that this machine knows; the answer carries
    Strict-Transport-Security of 180 days or more; `http://` leads to `https://` or does not answer. The site named in
    settings is one of these hosts.

    What it does not prove: hosts that the policy does not name; mail between servers; whether a certificate was called
    back.

    Repair: set the server. Before: `ssl_protocols TLSv1 TLSv1.1 TLSv1.2`. After: `ssl_protocols TLSv1.2 TLSv1.3` and
    `add_header Strict-Transport-Security "max-age=31536000"`.
    """
    hosts = sentence.meaning.hosts
    if not hosts:
        yield unproven(sentence.id, "no host is named", repair="add `hosts: [...]` to this sentence in policy.yaml")
    for host in hosts:
        try:
            yield from _judge_host(seen, host, sentence.meaning.minimum or "1.2")
        except NetworkUnreachable as problem:
            yield unproven(host, problem.message, repair=problem.repair or "start it, then run `troth check`")
    if seen.site is not None:
        yield from _judge_site(seen.site.url, hosts)


def _judge_host(seen: Observation, host: str, minimum: str) -> Iterator[Saw]:
    shaken = outside.shake_hands(seen, host)
    offered = [version.value for version, yes in shaken.offered.items() if yes]
    old = [version for version in offered if version < minimum]
    unasked = [version.value for version, yes in shaken.offered.items() if yes is None and version.value < minimum]
    faults = list(_handshake_faults(host, shaken, minimum, seen.now))
    if old:
        faults.append(broken(host, f"still speaks TLS {', '.join(old)}", repair=f"allow TLS {minimum} and above only"))
    if shaken.weak is not None:
        faults.append(
            broken(
                host,
                f"takes a weak cipher where nothing better is offered ({shaken.weak})",
                repair="allow ciphers of RFC 9325 only: `ssl_ciphers HIGH:!aNULL:!eNULL:!3DES:!RC4:!MD5`",
            )
        )
    if unasked and not faults:
        yield unproven(
            host,
            f"nobody asked whether it speaks TLS {', '.join(unasked)}: this machine cannot",
            repair="run the check on a machine whose OpenSSL speaks them",
        )
    age = None
    if shaken.trusted:
        age = outside.transport_age(outside.front_page(seen, host))
        if age is None or age < SHORTEST_AGE_S:
            said = "does not say" if age is None else f"says for {age} s only"
            faults.append(
                broken(
                    host,
                    f"{said} that browsers must use TLS (Strict-Transport-Security)",
                    repair="send `Strict-Transport-Security: max-age=31536000` with every answer",
                )
            )
    plain = outside.plain_page(seen, host)
    if plain is not None and not outside.leads_to_tls(plain, host):
        faults.append(
            broken(
                host,
                f"answers without TLS (status {plain.status}) instead of leading to it",
                repair="answer every `http://` address with a redirect to `https://`",
            )
        )
    yield from faults
    if not faults and not unasked:
        without = "http leads to https" if plain is not None else "nothing answers without TLS"
        yield kept(
            host,
            f"TLS {', '.join(offered)}; certificate holds until {shaken.not_after:%Y-%m-%d}; "
            f"browsers keep to TLS for {(age or 0) // 86_400} days; {without}",
        )


def _handshake_faults(host: str, shaken: TlsSeen, minimum: str, now: dt.datetime) -> Iterator[Saw]:
    if not any(yes and version.value >= minimum for version, yes in shaken.offered.items()):
        yield broken(host, f"does not speak TLS {minimum} or above", repair=f"switch on TLS {minimum} or above")
    elif not shaken.trusted or shaken.not_after is None:
        yield broken(
            host,
            f"its certificate does not hold: {shaken.fault or 'no reason given'}",
            repair="install a certificate for this name with its whole chain",
        )
    elif shaken.not_after - now < SHORTEST_LIFE:
        yield broken(
            host,
            f"its certificate ends on {shaken.not_after:%Y-%m-%d}",
            repair="renew it, and have it renewed by itself a month ahead",
        )


def _judge_site(url: str, hosts: tuple[str, ...]) -> Iterator[Saw]:
    """The other direction: the site that settings name is one of the declared hosts, or this machine's own."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if addresses.is_this_machine(host):
        return
    if parts.scheme != "https":
        yield broken(host, "settings name the site without TLS", repair="set `[site] url` to its https address")
    elif host not in {each.lower() for each in hosts}:
        yield broken(
            host, "is the company's site, and not among the declared hosts", repair="add it to `hosts` in policy.yaml"
        )


@check(
    id="protection.unencrypted-link",
    promise="transmission is encrypted",
    applies=_measure,
    reference="GDPR Art. 32(1)(a)",
)
def unencrypted_link(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - all stores, whatever is declared
    """The link to every store of the data map is encrypted and verified, or does not leave the machine.

    What it proves: the connection that troth itself makes, with the company's own connect string, is a file, a local
    socket, a connection to this machine, or TLS with the server's certificate and name verified. A server elsewhere
    refuses whoever comes without TLS, where troth may see that: `require_secure_transport` of MariaDB and MySQL, the
    rules of PostgreSQL (`hostssl`) for those who may read them. No program that is connected at that moment, and no
    replica, comes from another machine in clear; a server that may take such connections, and does not show troth who
    is connected, is unproven. Caches of the data map and under `[protection.caches]` are reached in the same way, and
    listen without TLS on their own machine at most.

    What it does not prove: who connects at other times to a server that takes connections in clear; what lies between a
    pooler or a proxy and the programs behind it.

    Repair: verify the server. Before: `postgresql://app@db.example.com/shop?sslmode=require`.
    After: `...?sslmode=verify-full&sslrootcert=authority.pem`.
    """
    there = caches.named(seen)
    for name, address in there.items():
        yield from _told(name, partial(_cache, seen, name, address))
    stores = seen.need_records().stores
    if not stores:
        yield unproven("datamap.yaml", "no SQL store is named", repair="add `connect:` to the stores of datamap.yaml")
    for store in stores:
        if f"store {store}" not in there:
            yield from _told(f"store {store}", partial(_store, seen, store))


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a link, or could not be `seen` of it, and what mends that."""

    says: str
    repair: str
    seen: bool = True


def _told(where: str, look: Callable[[], str | Fault]) -> Iterator[Saw]:
    try:
        found = look()
    except RecordsError as problem:
        yield unproven(where, problem.message, repair=problem.repair or "start it, then run `troth check`")
        return
    if isinstance(found, str):
        yield kept(where, found)
    elif found.seen:
        yield broken(where, found.says, repair=found.repair)
    else:
        yield unproven(where, found.says, repair=found.repair)


def _store(seen: Observation, store: str) -> str | Fault:
    records = seen.need_records()
    link = records.link(store)
    fault = _link_fault(link)
    if fault is not None or link.kind is LinkKind.FILE:
        return fault or _LINKS[link.kind]
    return _sessions_fault(link, records.sessions(store)) or _how(link)


def _cache(seen: Observation, name: str, address: str) -> str | Fault:
    found = caches.look(seen, name, address)
    fault = _link_fault(found.link)
    if fault is not None:
        return fault
    knocked = f"; takes no connection in clear at {found.knocked}" if found.knocked else ""
    return _how(found.link) + knocked


def _how(link: LinkSeen) -> str:
    return _LINKS[link.kind].format(version=link.version or "TLS")


_LINKS = {
    LinkKind.FILE: "a file of this machine; nothing is transmitted",
    LinkKind.SOCKET: "a local socket; nothing leaves this machine",
    LinkKind.TLS: "reached by {version}",
    LinkKind.PLAIN: "reached on this machine only",
}


def _link_fault(link: LinkSeen) -> Fault | None:
    if link.kind in (LinkKind.FILE, LinkKind.SOCKET) or link.local:
        return None
    if link.kind is LinkKind.PLAIN:
        return Fault("data travel to it in clear", "switch TLS on at the server, and verify it in the connect string")
    if not link.verified:
        return Fault(
            "the link is encrypted, and nobody checks whose server it is",
            "verify certificate and name in the connect string (`sslmode=verify-full`)",
        )
    if link.required is False:
        return Fault(
            "the server also takes connections in clear",
            "set `require_secure_transport = ON`, write `hostssl` for `host` in pg_hba.conf, or `port 0` for a cache",
        )
    return None


def _sessions_fault(link: LinkSeen, found: SessionsSeen) -> Fault | None:
    """What is wrong with how other programs connect; nothing, where nobody from elsewhere is let in in clear."""
    if found.clear:
        roles = ", ".join(sorted(found.clear))
        return Fault(
            f"{counted(sum(found.clear.values()), 'connection')} of other machines in clear ({roles})",
            "have these programs connect by TLS and verify the server, then refuse connections without it",
        )
    if found.all_seen or found.only_here or link.required:
        return None
    return Fault(
        "how other programs connect to it may not be seen",
        "let its account see it: `grant pg_read_all_stats` or `grant select, execute` on pg_hba_file_rules "
        "(PostgreSQL), `grant select on performance_schema.threads` (MariaDB, MySQL)",
        seen=False,
    )


CHECKS: tuple[Check, ...] = (unencrypted_page, unencrypted_link)
