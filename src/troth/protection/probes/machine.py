"""Eyes on the machine that troth runs on: its file systems, and the updates that wait there. Files are read, no more.

`root` is where the machine's files are found: `/`, or where a container has them. What the files do not tell is None:
a disk that the provider of a virtual machine encrypts looks plain from inside, and no list of updates is no proof that
none waits.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_STATUS = "var/lib/dpkg/status"
_LISTS = "var/lib/apt/lists"
_REFRESHED = ("var/lib/apt/periodic/update-success-stamp", f"{_LISTS}/partial", _LISTS)
_NUMBERS = re.compile(r"(\d+)")
_OCTAL = re.compile(r"\\([0-7]{3})")
_SURELY_DEEP = 8


@dataclass(frozen=True, slots=True)
class Updates:
    """Packages of which a newer version is on the machine's own list of security updates.

    `asked_at` is when the machine last asked for the list, `list_changed_at` when that list was last changed where it
    comes from, `put_in_at` when a package was last put in or taken out.
    """

    waiting: tuple[str, ...]
    packages: int
    asked_at: dt.datetime
    list_changed_at: dt.datetime
    put_in_at: dt.datetime


def is_encrypted(root: Path, path: Path) -> bool:
    """Whether the file system of `path` lies on an encrypted volume (dm-crypt) of this machine, as far as it shows."""
    device = _device_of(root, path)
    block = root / "sys/class/block"
    if device is None or not device.startswith("/dev/"):
        return False
    name = device.removeprefix("/dev/")
    if name.startswith("mapper/"):
        wanted = name.removeprefix("mapper/")
        name = next((each.name for each in _folders(block) if _text(each / "dm/name") == wanted), "")
    return bool(name) and _below_is_encrypted(block / name, 0)


def updates(root: Path) -> Updates | None:
    """What waits of Debian's or Ubuntu's security updates; None where the machine keeps no such lists to be read."""
    lists = sorted((root / _LISTS).glob("*security*_Packages"))
    changed = [_changed(each) for each in lists]
    put_in = _changed(root / _STATUS)
    asked = [at for name in _REFRESHED if (at := _changed(root / name)) is not None]
    known = [at for at in changed if at is not None]
    if not known or put_in is None or not asked:
        return None
    newest: dict[str, str] = {}
    for each in lists:
        for name, version, _ in _stanzas(each):
            if name not in newest or older(newest[name], version):
                newest[name] = version
    installed = [(name, version) for name, version, state in _stanzas(root / _STATUS) if state.endswith(" installed")]
    waiting = sorted({name for name, version in installed if name in newest and older(version, newest[name])})
    return Updates(tuple(waiting), len(installed), max(asked), max(known), put_in)


def older(one: str, other: str) -> bool:
    """Whether the version `one` of a package comes before `other` (Debian policy 5.6.12)."""
    return _sortable(one) < _sortable(other)


def _sortable(version: str) -> tuple[int, list[list[tuple[int, int]] | int], list[list[tuple[int, int]] | int]]:
    epoch, _, rest = version.rpartition(":") if ":" in version else ("0", "", version)
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "0")
    return (int(epoch) if epoch.isdigit() else 0, _parts(upstream), _parts(revision))


def _parts(text: str) -> list[list[tuple[int, int]] | int]:
    """Letters and numbers in turn, letters first; a tilde comes before the end, letters before other signs."""
    found: list[list[tuple[int, int]] | int] = []
    for place, part in enumerate(_NUMBERS.split(text)):
        if place % 2:
            found.append(int(part))
        else:
            found.append([*((_rank(sign), ord(sign)) for sign in part), (0, 0)])
    return found


def _rank(sign: str) -> int:
    return -1 if sign == "~" else 1 if sign.isalpha() else 2


def _stanzas(path: Path) -> Iterator[tuple[str, str, str]]:
    """(package, version, state) of each entry of a control file; read line by line."""
    entry: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if not line.strip():
                    if "Package" in entry and "Version" in entry:
                        yield entry["Package"], entry["Version"], entry.get("Status", "")
                    entry = {}
                elif line[0].isalpha():
                    name, _, value = line.partition(":")
                    if name in ("Package", "Version", "Status"):
                        entry[name] = value.strip()
    except OSError:
        return
    if "Package" in entry and "Version" in entry:
        yield entry["Package"], entry["Version"], entry.get("Status", "")


def _device_of(root: Path, path: Path) -> str | None:
    """The device of the mount with the longest path above `path`, the last mounted of several."""
    table = _text(root / "proc/1/mounts") or _text(root / "proc/self/mounts")
    wanted = Path(os.path.normpath(path))
    found: tuple[int, str] | None = None
    for line in table.splitlines():
        device, _, rest = line.partition(" ")
        at = Path(_OCTAL.sub(lambda match: chr(int(match[1], 8)), rest.partition(" ")[0]))
        if wanted.is_relative_to(at) and (found is None or len(at.parts) >= found[0]):
            found = len(at.parts), device
    return found[1] if found else None


def _below_is_encrypted(block: Path, depth: int) -> bool:
    if _text(block / "dm/uuid").startswith("CRYPT-"):
        return True
    below = _folders(block / "slaves")
    whole = block.resolve().parent
    if not below and (block / "partition").exists() and (whole / "dm").exists():
        below = [whole]
    return depth < _SURELY_DEEP and bool(below) and all(_below_is_encrypted(each, depth + 1) for each in below)


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(path.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _changed(path: Path) -> dt.datetime | None:
    try:
        return dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    except OSError:
        return None
