"""Caches: how they are reached (3.1a), and whether they ask who comes (3.1e); on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from socket import create_server
from threading import Thread

import pytest

from tests.caches import Cache, redis
from tests.policies import policy_of, said
from tests.shopworld import own_verdict
from troth.errors import StoreUnreachable
from troth.foundation.observation import Observation
from troth.foundation.proof import Check, run_checks
from troth.foundation.records.access import LinkKind, LinkSeen
from troth.foundation.records.reading import Records
from troth.policy import mapreading
from troth.policy.settings import Settings
from troth.protection.checks import servers, transmission
from troth.protection.probes import caches
from troth.protection.probes.caches import CacheSeen

POLICY = policy_of(
    """
    protection:
      number: "3"
      title: Protection
      tls: {text: Use TLS, measure: tls, hosts: [shop.example.com]}
      servers: {text: Maintain secure servers, measure: infrastructure, hosts: [shop.example.com]}
    """
)
MAP = b"""
troth: 1
stores:
  shop:
    connect: "sqlite:///shop.db"
    person: {customer: {table: users, key: id}}
    tables: {users: {whose: {person: customer}, columns: {id: no}}}
"""


@pytest.fixture(scope="module")
def safe() -> Iterator[Cache]:
    with redis() as cache:
        yield cache


def seen_with(folder: Path, address: str, **more: object) -> Observation:
    settings = Settings.model_validate({"protection": {"caches": {"sessions": address}, **more}})
    return Observation(POLICY, datetime.now(UTC), folder, settings=settings)


def judged(folder: Path, address: str, check: Check = transmission.unencrypted_link, **more: object) -> tuple[str, str]:
    """What a check says where the company has this cache, and one store that is a file."""
    (folder / "shop.db").touch()
    datamap = mapreading.parse(MAP, "datamap.yaml")
    with Records.open(datamap, {}, base=folder) as records:
        seen = seen_with(folder, address, **more)
        seen.datamap, seen.records = datamap, records
        found = run_checks(POLICY, [check], seen).of("3a" if check is transmission.unencrypted_link else "3b")
    return own_verdict(found), said(found)


def of_the_map(folder: Path, address: str, check: Check) -> tuple[str, str]:
    """What a check says where the cache is a store of the data map."""
    lines = MAP.replace(b'"sqlite:///shop.db"', b"${CACHE}")
    datamap = mapreading.parse(lines, "datamap.yaml")
    with Records.open(datamap, {"CACHE": address}, base=folder) as records:
        seen = Observation(POLICY, datetime.now(UTC), folder, datamap=datamap, records=records)
        found = run_checks(POLICY, [check], seen).of("3a" if check is transmission.unencrypted_link else "3b")
    return own_verdict(found), said(found)


# --- links ------------------------------------------------------------------------------------------------------------


def test_a_cache_with_tls_alone_is_reached_verified_and_takes_nothing_in_clear(safe: Cache, tmp_path: Path) -> None:
    found = caches.look(seen_with(tmp_path, safe.address), "cache sessions", safe.address)

    assert found.link == LinkSeen(LinkKind.TLS, "TLSv1.3", verified=True, required=True, local=True)
    assert found.asks
    verdict, told = judged(tmp_path, safe.address)
    assert verdict == "kept"
    assert "cache sessions: reached by TLSv1.3" in told


def test_a_cache_that_also_listens_without_tls_is_seen_by_its_settings(tmp_path: Path) -> None:
    with redis("--bind", "127.0.0.1", "-192.0.2.1", plain=True) as cache:
        found = caches.look(seen_with(tmp_path, cache.address), "cache sessions", cache.address)

    assert found.link.required is False


def test_without_tls_a_cache_that_is_bound_to_its_own_machine_takes_nothing_from_elsewhere(tmp_path: Path) -> None:
    with redis(tls=False, plain=True) as cache:
        found = caches.look(seen_with(tmp_path, cache.address), "cache sessions", cache.address)
        verdict, told = judged(tmp_path, cache.address)

    assert found.link == LinkSeen(LinkKind.PLAIN, required=True, local=True)
    assert verdict == "kept"
    assert "reached on this machine only" in told


def test_a_certificate_of_an_unknown_authority_is_no_protected_connection(safe: Cache, tmp_path: Path) -> None:
    verdict, told = judged(tmp_path, safe.address.partition("?")[0])

    assert verdict == "unproven"
    assert "no protected connection could be made" in told
    assert str(safe.password) not in told


@pytest.mark.parametrize("words", ["ssl_cert_reqs=none", "ssl_check_hostname=false&ssl_ca_certs={}"])
def test_an_address_that_does_not_have_the_server_verified_is_seen(safe: Cache, tmp_path: Path, words: str) -> None:
    address = f"{safe.address.partition('?')[0]}?{words.format(safe.authority)}"

    assert caches.look(seen_with(tmp_path, address), "cache sessions", address).link.verified is False


def test_whoever_may_not_read_its_settings_knows_nothing_of_its_ports(tmp_path: Path) -> None:
    with redis("--rename-command", "CONFIG", "") as cache:
        found = caches.look(seen_with(tmp_path, cache.address), "cache sessions", cache.address)

    assert found.link.required is None
    assert found.knocked == caches.PORT


def test_a_local_socket_leaves_nothing_of_the_machine(safe: Cache, tmp_path: Path) -> None:
    address = f"unix://:{safe.password}@{safe.socket}"

    assert caches.look(seen_with(tmp_path, address), "cache sessions", address).link.kind is LinkKind.SOCKET


@pytest.mark.parametrize(
    ("link", "word"),
    [
        (LinkSeen(LinkKind.PLAIN), "data travel to it in clear"),
        (LinkSeen(LinkKind.TLS, "TLSv1.3", verified=False), "nobody checks whose server it is"),
        (LinkSeen(LinkKind.TLS, "TLSv1.3", verified=True, required=False), "also takes connections in clear"),
    ],
)
def test_a_cache_elsewhere_that_is_not_reached_by_tls_breaks_the_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: LinkSeen, word: str
) -> None:
    """No other machine is at hand in a test: what would be seen there is given to the rule."""
    monkeypatch.setattr(caches, "look", lambda *_: CacheSeen(link, asks=True))

    verdict, told = judged(tmp_path, "rediss://cache.example.com/0")

    assert verdict == "broken"
    assert word in told


@pytest.mark.parametrize("address", ["redis://127.0.0.1:1/0", "http://127.0.0.1:6379", "redis://127.0.0.1:port/0"])
def test_a_cache_that_does_not_answer_is_unproven(tmp_path: Path, address: str) -> None:
    assert judged(tmp_path, address)[0] == "unproven"
    assert judged(tmp_path, address, servers.default_password)[0] == "unproven"


def test_what_answers_in_another_language_is_no_cache(tmp_path: Path) -> None:
    with create_server(("127.0.0.1", 0)) as door:
        Thread(target=_greet, args=(door,), daemon=True).start()
        address = f"redis://127.0.0.1:{door.getsockname()[1]}/0"

        with pytest.raises(StoreUnreachable, match="nothing that is a cache answers there"):
            caches.look(seen_with(tmp_path, address), "cache sessions", address)


def _greet(door) -> None:
    with closing(door.accept()[0]) as caller:
        caller.sendall(b"220 mail.example.com ready\r\n")
        caller.recv(1024)


# --- passwords --------------------------------------------------------------------------------------------------------


def test_a_cache_without_a_password_breaks_the_sentence_on_servers(tmp_path: Path) -> None:
    with redis(password=None) as cache:
        verdict, told = judged(tmp_path, cache.address, servers.default_password)

    assert verdict == "broken"
    assert "cache sessions: answers whoever reaches it, without a password" in told


def test_a_password_that_pages_on_the_web_give_breaks_the_sentence_where_it_may_be_tried(tmp_path: Path) -> None:
    with redis(password="foobared") as cache:
        tried = judged(tmp_path, cache.address, servers.default_password, try_default_credentials=True)
        left = judged(tmp_path, cache.address, servers.default_password)

    assert tried[0] == "broken"
    assert "by a password that pages on the web give" in tried[1]
    assert left[0] == "unproven"


def test_a_cache_that_asks_and_refuses_is_kept(safe: Cache, tmp_path: Path) -> None:
    verdict, told = judged(tmp_path, safe.address, servers.default_password, try_default_credentials=True)

    assert verdict == "kept"
    assert "asks for a password, and refused 4 that pages on the web give" in told


def test_a_store_of_the_data_map_that_is_a_cache_is_looked_at_as_one(safe: Cache, tmp_path: Path) -> None:
    verdict, told = of_the_map(tmp_path, safe.address, transmission.unencrypted_link)

    assert verdict == "kept"
    assert "store shop: reached by TLSv1.3" in told
    with redis(password=None) as cache:
        assert of_the_map(tmp_path, cache.address, servers.default_password)[0] == "broken"


def test_a_wrong_password_is_told_without_it(safe: Cache, tmp_path: Path) -> None:
    address = safe.address.replace(str(safe.password), "wrong-word")

    verdict, told = judged(tmp_path, address)

    assert verdict == "unproven"
    assert "it refuses the user name or the password" in told
    assert "wrong-word" not in told
