"""The sweep of `foundation.records.sweep`: rows a second, for one person and for many who wait, on three engines.

Nothing is compared: there is no hand-written program that does the same. The figures say how long a pass takes, so
that one can tell when it belongs to the request (`[erasure] sweep_inline`) and when into the night. A row here has a
name, an address, a text of 20 words, a document and some bytes; about 400 letters.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import sqlalchemy

from bench.ratio import Figure
from tests.servers import mariadb, postgresql
from troth.foundation.records.needles import Needle
from troth.foundation.records.reading import Records
from troth.foundation.records.sweep import sweep
from troth.policy.datamap import DataMap

ROWS = 50_000
WAITING = (1, 1_000)
NEEDLES_EACH = 12
_NO_MAP = DataMap("", {}, (), "")
_WORDS = ("alpha", "bravo", "shoes", "order", "delivery", "please", "thanks", "Müller", "street")


def figures() -> Iterator[Figure]:
    """Rows a second of one pass, by engine and number of people."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = {
            "SQLite": f"sqlite:///{folder / 'shop.db'}",
            "PostgreSQL": stack.enter_context(postgresql()),
            "MariaDB": stack.enter_context(mariadb()),
        }
        for engine, url in urls.items():
            _fill(url)
            for people in WAITING:
                yield _figure(engine, url, people)


def _figure(engine: str, url: str, people: int) -> Figure:
    needles = [
        Needle(person, f"waiting{person}x{number}@example.org", identifying=True)
        for person in range(people)
        for number in range(NEEDLES_EACH)
    ]
    with Records.of_address("shop", url, timeout_s=600) as records:
        begun = time.perf_counter()
        swept = sweep(
            records,
            _NO_MAP,
            [*needles, Needle(people, f"user{ROWS // 2}@example.org", identifying=True)],
            somebody=lambda _store, _table: None,
        )
        seconds = time.perf_counter() - begun
    found = [left.rows for left in swept.residue.get(people, ())]
    if found != [1]:
        raise AssertionError("the one who is there was not found")
    who = "one person" if people == 1 else f"{people} people at once"
    return Figure(f"sweep, {engine}, {who} ({len(needles)} needles)", f"{ROWS / seconds:,.0f} rows/s")


def _fill(url: str) -> None:
    engine = sqlalchemy.create_engine(url)
    metadata, chosen = sqlalchemy.MetaData(), random.Random(7)
    table = sqlalchemy.Table(
        "letters",
        metadata,
        sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True),
        sqlalchemy.Column("name", sqlalchemy.String(80)),
        sqlalchemy.Column("email", sqlalchemy.String(80)),
        sqlalchemy.Column("text", sqlalchemy.Text),
        sqlalchemy.Column("document", sqlalchemy.JSON),
        sqlalchemy.Column("raw", sqlalchemy.LargeBinary),
    )
    metadata.create_all(engine)
    with engine.begin() as connection:
        for start in range(0, ROWS, 5_000):
            connection.execute(
                table.insert(),
                [
                    {
                        "id": n + 1,
                        "name": f"Given{n} Family{n % 977}",
                        "email": f"user{n}@example.org",
                        "text": " ".join(chosen.choices(_WORDS, k=20)),
                        "document": {"word": chosen.choice(_WORDS), "n": n},
                        "raw": b"abc\x00\xff" + str(n).encode(),
                    }
                    for n in range(start, start + 5_000)
                ],
            )
    engine.dispose()
