"""3.1e, and the backups of 3: what hosts tell, and how they are kept; seen where it can be, attested where it cannot."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.policies import policy_of, said
from tests.protection.hosts import HOST, Host
from tests.protection.test_probes_machine import listed, machine_with, mounted, volume
from tests.shopworld import World, own_verdict
from tests.stores import fresh_store
from troth.foundation.attestations import register
from troth.foundation.attestations.register import Statement
from troth.foundation.keys import Keyring
from troth.foundation.network import Network
from troth.foundation.observation import Observation
from troth.foundation.proof import Check, SentenceReport, run_checks
from troth.foundation.store import Store
from troth.policy.model import Policy
from troth.policy.settings import Settings
from troth.protection.checks import measures, servers

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)

SERVERS = policy_of(
    f"""
    protection:
      number: "3"
      title: Protection
      servers: {{text: Maintain secure servers, measure: infrastructure, hosts: [{HOST}]}}
    """
)


def looked_at(host: Host) -> tuple[str, str]:
    with host.up() as network:
        seen = Observation(SERVERS, datetime.now(UTC), Path(), network=network)
        found = run_checks(SERVERS, [measures.telling_host], seen).of("3a")
    return own_verdict(found), said(found)


CONTACT = b"Contact: mailto:security@example.com\r\n"


def security_text(days: int) -> bytes:
    end = datetime.now(UTC) + timedelta(days=days)
    return f"Expires: {end.isoformat(timespec='seconds')}\r\n".encode()


@pytest.mark.parametrize(
    ("contact", "days", "expected", "word"),
    [
        (CONTACT, 90, "kept", "names a contact and holds until"),
        (CONTACT, -1, "broken", "ran out on"),
        (b"# nobody\n", 90, "broken", "lacks a contact"),
        (CONTACT, None, "broken", "lacks one end"),
        (None, None, "unproven", "has no security.txt (status 404)"),
    ],
)
def test_a_host_says_whom_to_tell_about_a_hole(
    tmp_path: Path, contact: bytes | None, days: int | None, expected: str, word: str
) -> None:
    host = Host(trustme.CA(), tmp_path)
    if contact is not None:
        text = contact + (security_text(days) if days is not None else b"")
        host.answers["/.well-known/security.txt"] = (200, "text/plain; charset=utf-8", text)

    verdict, told = looked_at(host)

    assert verdict == expected
    assert word in told


@pytest.mark.parametrize(
    ("headers", "expected", "word"),
    [
        ({"Server": "nginx/1.18.0"}, "broken", "which version of its software answers (server)"),
        ({"X-Powered-By": "PHP/8.1.2"}, "broken", "(x-powered-by)"),
        ({"Server": "nginx"}, "kept", "no header names a version"),
    ],
)
def test_a_host_does_not_say_what_to_attack(tmp_path: Path, headers: dict[str, str], expected: str, word: str) -> None:
    host = Host(trustme.CA(), tmp_path, headers=headers)
    host.answers["/.well-known/security.txt"] = (200, "text/plain; charset=utf-8", CONTACT + security_text(90))

    verdict, told = looked_at(host)

    assert verdict == expected
    assert word in told


# --- ports --------------------------------------------------------------------------------------------------------

PORTS = policy_of(
    f"""
    protection:
      number: "3"
      title: Protection
      servers: {{text: Maintain secure servers, measure: infrastructure, hosts: [{HOST}], ports: [443]}}
    """
)


@contextmanager
def doors(**ports: bool) -> Iterator[Network]:
    """A host whose `p443` and others take connections, or refuse them."""
    resolve = {}
    with ExitStack() as stack:
        for name, is_open in ports.items():
            door = stack.enter_context(socket.socket())
            door.bind(("127.0.0.1", 0))  # bound and not listening: whoever comes is refused
            if is_open:
                door.listen()
            resolve[f"{HOST}:{name.removeprefix('p')}"] = ("127.0.0.1", door.getsockname()[1])
        yield Network(resolve, timeout_s=2)


def kept_servers(
    check: Check,
    *,
    policy: Policy = SERVERS,
    network: Network | None = None,
    store: Store | None = None,
    folder: Path | None = None,
    **protection: Any,
) -> SentenceReport:
    seen = Observation(policy, NOW, folder or Path(), network=network, store=store)
    seen.settings = Settings.model_validate({"protection": protection})
    return run_checks(policy, [check], seen).of("3a")


@pytest.mark.parametrize(
    ("answers", "expected", "word"),
    [
        ({"p443": True, "p22": False, "p5432": False}, "kept", "3 ports tried, open: 443, as declared"),
        ({"p443": True, "p22": False, "p5432": True}, "broken", f"port 5432 of {HOST}: takes connections"),
        ({"p443": True, "p22": True, "p5432": False}, "broken", f"port 22 of {HOST}: takes connections"),
        ({"p443": False, "p22": False, "p5432": False}, "unproven", "none of the declared ports takes a connection"),
    ],
)
def test_the_ports_that_are_open_are_those_that_are_declared(
    answers: dict[str, bool], expected: str, word: str
) -> None:
    with doors(**answers) as network:
        found = kept_servers(servers.open_port, policy=PORTS, network=network, try_ports=[22, 5432])

    assert own_verdict(found) == expected
    assert word in said(found)


def test_a_host_that_is_reached_by_one_door_only_is_not_knocked_at() -> None:
    found = kept_servers(servers.open_port, policy=PORTS, network=Network({HOST: ("127.0.0.1", 9)}), try_ports=[22])

    assert own_verdict(found) == "unproven"
    assert "one door for all its ports" in said(found)


def test_with_the_network_off_declared_ports_are_unproven_whatever_is_attested(tmp_path: Path) -> None:
    with attested(tmp_path, "open-ports") as store:
        found = kept_servers(servers.open_port, policy=PORTS, store=store, folder=tmp_path)
        assert own_verdict(found) == "unproven"

        undeclared = kept_servers(servers.open_port, store=store, folder=tmp_path)
        assert own_verdict(undeclared) == "kept"
        assert {each.grade.value for each in undeclared.evidence} == {"attested"}


@contextmanager
def attested(folder: Path, *topics: str) -> Iterator[Store]:
    """A store in which somebody has attested these topics, each for some days more than the one before."""
    folder.joinpath("servers.md").write_text("Looked at.\n")
    keyring = Keyring.create(folder)
    with fresh_store(folder) as store:
        for days, topic in enumerate(topics, 10):
            told = Statement(topic, "Looked at.", "administrator", "servers.md", NOW.date() + timedelta(days=days))
            with store.writing() as tx:
                register.attest(tx, keyring, SERVERS, folder, told, NOW)
        yield store


ATTESTED = [
    (servers.open_port, "open-ports"),
    (servers.waiting_update, "patches"),
    (servers.open_disk, "disk-encryption"),
    (servers.default_password, "default-credentials"),
]


@pytest.mark.parametrize(("check", "topic"), ATTESTED, ids=lambda each: each if isinstance(each, str) else "")
def test_what_no_probe_sees_is_attested_until_a_day_or_unproven(tmp_path: Path, check: Check, topic: str) -> None:
    assert own_verdict(kept_servers(check)) == "unproven"

    with attested(tmp_path, topic) as store:
        seen = Observation(SERVERS, NOW, tmp_path, store=store)
        report = run_checks(SERVERS, [check], seen)

    assert own_verdict(report.of("3a")) == "kept"
    assert own_verdict(report.as_of(NOW + timedelta(days=11, hours=1)).of("3a")) == "unproven"


# --- the machine itself -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed_version", "days", "expected", "word"),
    [
        ("3.0.11-1~deb12u2", {}, "kept", "2 packages, no security update waits"),
        ("3.0.13-1~deb12u1", {"changed": 9}, "broken", "have waited for more than 7 days: openssl"),
        ("3.0.13-1~deb12u1", {"put_in": 9}, "broken", "have waited for more than 7 days: openssl"),
        ("3.0.13-1~deb12u1", {}, "unproven", "patches"),
        ("3.0.11-1~deb12u2", {"asked": 9}, "unproven", "patches"),
    ],
)
def test_updates_that_wait_for_too_long_break_the_sentence(
    tmp_path: Path, listed_version: str, days: dict[str, float], expected: str, word: str
) -> None:
    root = machine_with(tmp_path, listed(openssl=listed_version), **days)

    found = kept_servers(servers.waiting_update, machine="all", root=str(root))

    assert own_verdict(found) == expected
    assert word in said(found)


def test_one_machine_of_several_speaks_for_itself_alone(tmp_path: Path) -> None:
    root = machine_with(tmp_path / "machine", listed(openssl="3.0.11-1~deb12u2"))
    assert own_verdict(kept_servers(servers.waiting_update, machine="part", root=str(root))) == "unproven"

    with attested(tmp_path, "patches") as store:
        found = kept_servers(servers.waiting_update, store=store, folder=tmp_path, machine="part", root=str(root))
    assert own_verdict(found) == "kept"
    assert {each.grade.value for each in found.evidence} == {"measured", "attested"}


def test_an_encrypted_volume_is_seen_and_one_that_looks_plain_is_left_to_who_knows(tmp_path: Path) -> None:
    mounted(tmp_path, "/dev/mapper/data /")
    volume(tmp_path, "dm-0", uuid="CRYPT-LUKS2-0f", mapped="data", slaves=("sda2",))
    looked_at = {"machine": "all", "root": str(tmp_path), "volumes": ["/srv/shop"]}
    assert own_verdict(kept_servers(servers.open_disk, **looked_at)) == "kept"

    (tmp_path / "sys/class/block/dm-0/dm/uuid").write_text("LVM-7a\n")
    assert own_verdict(kept_servers(servers.open_disk, **looked_at)) == "unproven"


def test_where_the_data_lie_on_another_machine_than_troth_sees_is_not_guessed(tmp_path: Path) -> None:
    """Troth's own paths are those of its container, and a database server's files are where nobody said."""
    mounted(tmp_path, "/dev/mapper/data /")
    volume(tmp_path, "dm-0", uuid="CRYPT-LUKS2-0f", mapped="data", slaves=("sda2",))

    assert own_verdict(kept_servers(servers.open_disk, machine="all", root=str(tmp_path))) == "unproven"


def test_the_folders_are_those_of_every_store_or_none(world: World) -> None:
    with world.seen() as seen:
        assert servers.folders_of(seen) == {world.folder.resolve()}
    world.shop_url = "postgresql://nobody@127.0.0.1:9/shop"
    with world.seen() as seen:
        assert servers.folders_of(seen) == set()
        seen.settings = Settings.model_validate({"protection": {"volumes": ["/var/lib/postgresql"]}})
        assert servers.folders_of(seen) == {world.folder.resolve(), Path("/var/lib/postgresql")}


# --- passwords that servers come with -----------------------------------------------------------------------------


def test_a_store_that_lets_nobody_in_by_such_a_password_is_kept(served: World) -> None:
    assert own_default(served) == ("kept", True)


def test_a_role_with_the_password_it_came_with_breaks_the_sentence(served: World) -> None:
    served.sql_served("drop role if exists admin")
    served.sql_served("create role admin login password 'admin'")
    try:
        assert own_default(served) == ("broken", True)
    finally:
        served.sql_served("drop role admin")


def test_a_root_without_a_password_breaks_the_sentence(world: World, mariadb_database: str) -> None:
    """The server of the tests is set up so; nobody but them reaches it."""
    world.shop_url = mariadb_database

    with world.seen() as seen:
        seen.settings = Settings.model_validate({"protection": {"try_default_credentials": True}})
        found = run_checks(seen.policy, [servers.default_password], seen).of("3.1e")

    assert own_verdict(found) == "broken"
    assert "store shop: lets root in by a password that servers come with" in said(found)


def test_nothing_is_tried_unless_the_settings_say_so(served: World) -> None:
    assert own_default(served, tries=False) == ("kept", False)


def own_default(world: World, *, tries: bool = True) -> tuple[str, bool]:
    """The verdict, and whether it was seen rather than attested."""
    with world.seen() as seen:
        seen.settings = Settings.model_validate({"protection": {"try_default_credentials": tries}})
        found = run_checks(seen.policy, [servers.default_password], seen).of("3.1e")
    return own_verdict(found), not any(each.grade.value == "attested" for each in found.evidence)


# --- backups ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "size", "expected", "word"),
    [
        (1, 9, "kept", "the newest of 1 backup is of"),
        (9, 9, "broken", "the newest backup is of 2026-11-13"),
        (1, 0, "broken", "the newest backup is empty"),
        (None, 0, "broken", "no backup lies there"),
    ],
)
def test_the_newest_backup_is_there_and_not_old(
    world: World, age: int | None, size: int, expected: str, word: str
) -> None:
    folder = world.folder / "backups"
    folder.mkdir()
    if age is not None:
        (folder / "shop.age").write_bytes(b"x" * size)
        at = (world.now - timedelta(days=age)).timestamp()
        os.utime(folder / "shop.age", (at, at))

    with world.seen() as seen:
        seen.settings = Settings.model_validate({"protection": {"backups": {"files": "backups/*", "within": "2 days"}}})
        found = run_checks(seen.policy, [servers.old_backup], seen).of("3")

    assert own_verdict(found) == expected
    assert word in said(found)


@pytest.mark.parametrize(
    ("data", "age", "expected", "word"),
    [
        (b"SQLite format 3\0" + b"x" * 80, 0, "broken", "is called encrypted, and is not"),
        (b"\x1f\x8b\x08" + b"x" * 80, 0, "broken", "is called encrypted, and is not"),
        (b"age-encryption.org/v1" + b"x" * 80, -9, "unproven", "2026-12-01, which is still to come"),
        (b"age", 0, "unproven", "less than a tenth of the size of those before"),
        (b"age-encryption.org/v1" + b"x" * 80, 0, "kept", "the newest of 3 backups is of"),
    ],
)
def test_a_backup_that_only_looks_like_one_speaks_for_nothing(
    world: World, data: bytes, age: int, expected: str, word: str
) -> None:
    folder = world.folder / "backups"
    folder.mkdir()
    for number, each in enumerate((b"x" * 100, b"x" * 100, data)):
        path = folder / f"shop-{number}.age"
        path.write_bytes(each)
        at = (world.now - timedelta(days=age if number == 2 else 2 - number, hours=1)).timestamp()
        os.utime(path, (at, at))

    with world.seen() as seen:
        seen.settings = Settings.model_validate({"protection": {"backups": {"files": "backups/*", "within": "2 days"}}})
        found = run_checks(seen.policy, [servers.old_backup], seen).of("3")

    assert own_verdict(found) == expected
    assert word in said(found)


def test_a_backup_that_nobody_put_back_on_trial_is_unproven(world: World) -> None:
    assert world.own("3", servers.old_backup)[0] == "kept"

    (world.folder / "documents" / "restore.md").unlink()

    assert world.own("3", servers.old_backup)[0] == "unproven"
