"""What the machine's own files tell: encrypted volumes, updates that wait, versions in order."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from troth.protection.probes import machine

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
INSTALLED = """Package: openssl
Status: install ok installed
Version: 3.0.11-1~deb12u2

Package: gone
Status: deinstall ok config-files
Version: 1.0-1

Package: tzdata
Status: install ok installed
Version: 2024a-0+deb12u1
"""


def listed(**versions: str) -> str:
    return "\n\n".join(
        f"Package: {name}\nVersion: {version}\nArchitecture: amd64" for name, version in versions.items()
    )


def machine_with(root: Path, updates: str, *, asked: float = 1, changed: float = 1, put_in: float = 1) -> Path:
    """The files of a machine that asked, put packages in, and whose list was changed so many days ago."""
    lists = root / "var/lib/apt/lists"
    (lists / "partial").mkdir(parents=True)
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").write_text(INSTALLED)
    file = lists / "deb.example.org_debian-security_dists_bookworm-security_main_binary-amd64_Packages"
    file.write_text(updates)
    for path, days in (
        (file, changed),
        (root / "var/lib/dpkg/status", put_in),
        (lists / "partial", asked),
        (lists, asked),
    ):
        at = (NOW - timedelta(days=days)).timestamp()
        os.utime(path, (at, at))
    return root


def volume(root: Path, name: str, *, uuid: str = "", mapped: str = "", slaves: tuple[str, ...] = ()) -> None:
    block = root / "sys/class/block" / name
    block.mkdir(parents=True, exist_ok=True)
    if uuid:
        (block / "dm").mkdir()
        (block / "dm/uuid").write_text(uuid + "\n")
        (block / "dm/name").write_text(mapped + "\n")
    for each in slaves:
        (block / "slaves").mkdir(exist_ok=True)
        (root / "sys/class/block" / each).mkdir(parents=True, exist_ok=True)
        (block / "slaves" / each).symlink_to(root / "sys/class/block" / each)


def mounted(root: Path, *lines: str) -> None:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/mounts").write_text("\n".join(f"{line} ext4 rw 0 0" for line in lines) + "\n")


def test_what_is_newer_on_the_list_waits_and_what_was_taken_out_does_not(tmp_path: Path) -> None:
    root = machine_with(tmp_path, listed(openssl="3.0.13-1~deb12u1", gone="2.0-1", tzdata="2024a-0+deb12u1"), asked=2)

    found = machine.updates(root)

    assert found is not None
    assert (found.waiting, found.packages) == (("openssl",), 2)
    assert NOW - found.asked_at == timedelta(days=2)
    assert NOW - found.list_changed_at == timedelta(days=1)


def test_a_machine_without_such_lists_tells_nothing(tmp_path: Path) -> None:
    assert machine.updates(tmp_path) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.0", "1.0.1"),
        ("1.0~rc1", "1.0"),
        ("1.0~rc1", "1.0~rc2"),
        ("1.9", "1.10"),
        ("1.0", "1.0a"),
        ("1.0a", "1.0+b"),
        ("2.0", "1:0.1"),
        ("1.0-1", "1.0-1+deb12u1"),
        ("1.0-1~deb12u1", "1.0-1"),
        ("3.0.11-1~deb12u2", "3.0.13-1~deb12u1"),
    ],
)
def test_versions_stand_in_the_order_of_the_distribution(one: str, other: str) -> None:
    assert machine.older(one, other)
    assert not machine.older(other, one)
    assert not machine.older(one, one)


def test_a_volume_is_encrypted_when_it_is_so_all_the_way_down(tmp_path: Path) -> None:
    mounted(
        tmp_path, "/dev/sda1 /", "/dev/mapper/data /srv/shop\\040data", "/dev/mapper/vg-db /var/lib/db", "tmpfs /run"
    )
    volume(tmp_path, "sda1")
    volume(tmp_path, "dm-0", uuid="CRYPT-LUKS2-0f", mapped="data", slaves=("sda2",))
    volume(tmp_path, "dm-1", uuid="LVM-7a", mapped="vg-db", slaves=("dm-0",))

    assert machine.is_encrypted(tmp_path, Path("/srv/shop data/orders"))
    assert machine.is_encrypted(tmp_path, Path("/var/lib/db"))
    assert not machine.is_encrypted(tmp_path, Path("/var/lib"))
    assert not machine.is_encrypted(tmp_path, Path("/srv/shop data/../elsewhere"))
    assert not machine.is_encrypted(tmp_path, Path("/run/troth"))


def test_a_volume_of_which_one_part_is_plain_is_not_encrypted(tmp_path: Path) -> None:
    mounted(tmp_path, "/dev/mapper/vg-db /")
    volume(tmp_path, "dm-0", uuid="CRYPT-LUKS2-0f", mapped="data")
    volume(tmp_path, "dm-1", uuid="LVM-7a", mapped="vg-db", slaves=("dm-0", "sdb1"))

    assert not machine.is_encrypted(tmp_path, Path("/srv"))


def test_a_machine_that_shows_no_mounts_tells_nothing(tmp_path: Path) -> None:
    assert not machine.is_encrypted(tmp_path, Path("/srv"))
