"""From the rows of one person to the copy that they get, against a plain zip of JSON written by hand.

`python -m bench.package` prints it. The copy holds more than the plain zip: every row twice (JSON and CSV), schemas,
the facts of Art. 15, a page to read, a signed manifest; and it is sealed while it is written. So the ratio says what
all of that costs, and has no budget.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.ratio import Figure, Measured, compare

PEOPLE = 300
WANTED = 50
MANY = 20_000


def figures() -> Iterator[Figure]:
    """The ratios, measured now on Example Company."""
    from troth.example import company
    from troth.foundation.clock import SystemClock
    from troth.policy import settings

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "company"
        founded = company.found(folder, clock=SystemClock(), port=1, tls_port=2, people=PEOPLE)
        with founded.open() as troth:
            from troth.rights.desk import Desk

            desk = Desk.of(troth.office, settings.read(folder, founded.environ))
            try:
                tables = max(
                    (_tables(desk, number) for number in range(10, 60)),
                    key=lambda found: -abs(sum(len(rows) for _, rows in found) - WANTED),
                )
                count = sum(len(rows) for _, rows in tables)
                yield _figure(f"a copy of {count} rows", _compared(desk, tables, folder))
                holding, rows = max(tables, key=lambda each: len(each[1]))
                many = [rows[at % len(rows)] for at in range(MANY)]
                yield _figure(f"a copy of {MANY} rows", _compared(desk, [(holding, many)], folder))
            finally:
                desk.close()


def _tables(desk: Any, number: int) -> list[tuple[Any, list[tuple[Any, ...]]]]:
    """What the shop holds of one customer, in memory."""
    from troth.foundation import people
    from troth.foundation.records.copying import rows_of
    from troth.foundation.records.reach import Reach
    from troth.foundation.records.subjects import find_subjects
    from troth.rights import facts, holdings

    known = facts.facts_of(desk.office.policy)
    subjects = find_subjects(desk.records, desk.datamap, [people.identifier("id", str(number))])
    reach = Reach.compile(desk.datamap, desk.records.catalogue("shop"))
    return [
        (holdings.holding_of(desk.office.policy, known, table.table, table.seen, role, columns, iter(())), list(rows))
        for table, role, columns, rows in rows_of(desk.records, reach, subjects)
    ]


def _compared(desk: Any, tables: list[tuple[Any, list[tuple[Any, ...]]]], folder: Path) -> Measured:
    from dataclasses import replace

    from troth.foundation.sealed_files import SealedSpool, SealedWriter, new_key
    from troth.rights import facts
    from troth.rights.packaging import writing
    from troth.rights.packaging.contents import Copy

    known = facts.facts_of(desk.office.policy)
    now = desk.office.clock.now()

    def ours() -> None:
        filled = (replace(holding, rows=iter(rows)) for holding, rows in tables)
        sealed = SealedWriter(io.BytesIO(), new_key(), context=b"bench")
        writing.write(
            Copy("2026-000001", now, "en", known, (), (), filled),
            sealed,
            keyring=desk.office.keyring,
            spool=lambda: SealedSpool.beside(str(folder)),
        )
        sealed.finish()

    def by_hand() -> None:
        with zipfile.ZipFile(io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
            for holding, rows in tables:
                said = [dict(zip(holding.names, row, strict=True)) for row in rows]
                archive.writestr(f"{holding.table}-{holding.role}.json", json.dumps(said, default=str))

    return compare(ours, by_hand, rounds=5)


def _figure(what: str, measured: Measured) -> Figure:
    ours, floor = measured.ours_s * 1e3, measured.floor_s * 1e3
    return Figure(what, f"{ours:.0f} ms, {measured.ratio:.1f} x a zip of JSON by hand ({floor:.1f} ms)")


if __name__ == "__main__":
    for figure in figures():
        print(f"{figure.what}: {figure.figure}")
