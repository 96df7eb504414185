"""Copies made of rows that a test writes down, with the facts of the example policy."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tests.policies import example
from troth.foundation.keys import Keyring
from troth.foundation.records.catalogue import ColumnKind
from troth.rights.facts import facts_of
from troth.rights.packaging import writing
from troth.rights.packaging.contents import Asked, Copy, Field, Holding, Said
from troth.rights.packaging.writing import Written

NOW = dt.datetime(2026, 11, 22, 12, 30, tzinfo=dt.UTC)
KEYRING = Keyring.from_text("troth-key-1:" + "A" * 43 + "=", where="tests")
POLICY = example()
FACTS = facts_of(POLICY)

Rows = Iterable[tuple[Any, ...]]


def holding(
    rows: Rows,
    columns: Mapping[str, ColumnKind | tuple[ColumnKind, str]],
    *,
    store: str = "shop",
    table: str = "orders",
    role: str | None = None,
    section: str = "1.1c",
    redacted: Callable[[], Mapping[str, int]] = dict,
    counts: str | None = None,
) -> Holding:
    """A holding of these rows; a column is its kind, or kind and category."""
    fields = []
    for name, of in columns.items():
        kind, category = of if isinstance(of, tuple) else (of, None)
        period = FACTS.period_of(category) if category else None
        label = next((each.label for each in FACTS.categories if each.category == category), "")
        fields.append(
            Field(
                name,
                name.replace("_", " "),
                kind,
                category,
                label,
                "you gave it to us" if category else "",
                tuple(p for p in FACTS.purposes if category in p.categories),
                period,
                counts=name == counts,
            )
        )
    return Holding(store, table, role, table.title(), tuple(fields), section, iter(rows), redacted)


def copy(
    holdings: Iterable[Holding],
    *,
    language: str = "en",
    choices: tuple[Said, ...] = (),
    asked: tuple[Asked, ...] = (),
) -> Copy:
    return Copy("2026-000412", NOW, language, FACTS, choices, asked, iter(holdings))


class Memory:
    """A spool that keeps what it gets."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> int:
        self.data += data
        return len(data)

    def read(self) -> Iterator[bytes]:
        yield bytes(self.data)

    def close(self) -> None:
        self.data.clear()


def written(of: Copy, spool: Callable[[], Any] = Memory) -> tuple[bytes, Written]:
    """The bytes of the zip, and what was told of it."""
    into = io.BytesIO()
    done = writing.write(of, into, keyring=KEYRING, spool=spool)
    return into.getvalue(), done


def files(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rows_in(data: bytes, name: str = "data/shop.orders.json") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(files(data)[name])["rows"]
    return rows
