"""Look into what was handed over, where it still lies: the very bytes that the record speaks of, read anew.

Nothing here asks the gate. A file is opened, its hash is held against the record, and what stands in it is looked at
with other eyes than those that wrote it. Findings name columns and counts, never a value.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from troth.collection.patterns import Shape, embedded, shape_of
from troth.sharing.words import Form

if TYPE_CHECKING:
    from troth.sharing.disclosures import Disclosure

SAMPLE = 8 * 1024 * 1024
"""Bytes of a file that are looked into, at most; its hash is taken of all."""

_KEYS = ("person", "person_key")
ROWS = "rows"
_COUNTS = ("people", ROWS)
_AGE = b"age-encryption.org/v1\n-> X25519 "
_TELLING = (Shape.EMAIL, Shape.CARD, Shape.IBAN)
_SINGLING = frozenset({Shape.EMAIL, Shape.IP, Shape.MAC, Shape.UUID, Shape.HEX_DIGEST, Shape.PHONE, Shape.CARD,
                       Shape.IBAN, Shape.JWT, Shape.COORDINATES, Shape.USER_AGENT})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Handed:
    """A file that was handed over. `same` says whether it is the recorded one; `data` are its first bytes."""

    name: str
    same: bool
    data: bytes
    whole: bool


def at_hand(each: Disclosure, folder: Path) -> Handed | None:
    """The file of a disclosure; None where it went elsewhere, or is not there any more."""
    kind, _, place = each.destination.partition(":")
    if kind != "file":
        return None
    try:
        with (folder / place).open("rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == each.sha256
            file.seek(0)
            data = file.read(SAMPLE)
            return Handed(Path(place).name, same, data, not file.read(1))
    except OSError:
        return None


def columns_of(handed: Handed, form: Form) -> Mapping[str, Sequence[str]] | None:
    """The columns of the rows in it as text; None where they cannot be read here."""
    data = handed.data if handed.whole else handed.data[: handed.data.rfind(b"\n") + 1]
    try:
        text = data.decode()
        rows: Iterator[Mapping[str, Any]] = map(json.loads, text.splitlines())
        if form is Form.CSV:
            rows = iter(csv.DictReader(io.StringIO(text, newline="")))
        found: dict[str, list[str]] = {}
        for row in rows:
            for name, value in row.items():
                found.setdefault(str(name), []).append("" if value is None else str(value))
    except (ValueError, csv.Error, AttributeError):
        return None
    return None if form is Form.PARQUET else found


def undeclared(columns: Mapping[str, Sequence[str]], each: Disclosure) -> list[str]:
    """Columns that stand in the file and not in its record."""
    return sorted(set(columns) - set(each.categories) - set(_KEYS) - set(_COUNTS))


def cards(columns: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """In how many values of each column a card number stands."""
    return _counted(columns, lambda values: sum(Shape.CARD in embedded([each]) for each in values))


def unmasked(columns: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """In how many values of each column a mail address, a card or a bank account stands, or that are a phone number."""
    return _counted(
        {name: values for name, values in columns.items() if name not in _KEYS},
        lambda values: sum(_tells(each) for each in values),
    )


def _tells(value: str) -> bool:
    return any(shape in _TELLING for shape in embedded([value])) or shape_of(value) is Shape.PHONE


def singled_out(columns: Mapping[str, Sequence[str]], smallest: int) -> list[str]:
    """Why somebody could be singled out by these rows; nothing where nobody can.

    Each line has to be a group of at least `smallest` people; no column may name people, or hold what is one person's
    alone: addresses, numbers, keys, hashes.
    """
    rows = len(next(iter(columns.values()), ()))
    counts = columns.get(_COUNTS[0])
    if rows and counts is None:
        return ["its lines are about people one by one, not about groups"]
    faults = [f"column {name} is a name for each person" for name in _KEYS if name in columns]
    small = sum(not each.isdigit() or int(each) < smallest for each in counts or ())
    if small:
        faults.append(f"{small} of {rows} lines are about fewer than {smallest} people")
    for name, values in columns.items():
        if name not in _COUNTS and any(shape_of(each) in _SINGLING for each in set(values)):
            faults.append(f"column {name} holds what is one person's alone")
    groups = list(zip(*(values for name, values in columns.items() if name not in _COUNTS), strict=True))
    if len(set(groups)) < len(groups):
        faults.append("a group stands there twice, so that its parts can be told apart")
    return faults


def is_sealed(handed: Handed) -> bool:
    """Whether it is encrypted: in the format of age for a public key, with nothing to read or squeeze behind."""
    head, mark, body = handed.data.partition(b"\n--- ")
    if not head.startswith(_AGE) or not mark:
        return False
    return len(zlib.compress(body, 1)) >= len(body) * 0.98


def _counted(columns: Mapping[str, Sequence[str]], count: Callable[[Sequence[str]], int]) -> dict[str, int]:
    found = {name: count(values) for name, values in columns.items()}
    return {name: number for name, number in found.items() if number}
