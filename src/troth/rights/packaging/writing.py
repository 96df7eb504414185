"""Write one copy: rows stream from the store into the zip, as JSON and as CSV, and what they amount to is told last.

1. For each holding that has rows: `data/NAME.json` with every row exactly, `data/NAME.csv` safe for spreadsheets, and
   `schemas/NAME.json`, the JSON Schema of the first.
2. `facts.json` (GDPR Art. 15(1) and (2), choices, requests), `index.html` to read, `README.txt`.
3. The manifest over all of them, signed.

The rows are read once. CSV waits sealed on disk while JSON is written. Memory is bounded by one batch of rows, the few
rows that the page shows, and one compressed block; it does not grow with the number of rows.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

from troth.foundation.clock import stamp
from troth.foundation.keys import Keyring
from troth.rights.packaging import page, reading_matter, values
from troth.rights.packaging.archive import Archive, Sink
from troth.rights.packaging.contents import SHOWN, SHOWN_IN_ALL, SHOWN_LEAST, Copy, Holding, Passing
from troth.rights.packaging.manifest import Part, signed_manifest
from troth.rights.packaging.names import Names

TABLE_SCHEMA = "troth/copy-table/1"
_BLOCK = 1 << 16
_BOM = "\ufeff"  # without it Excel takes UTF-8 for something else


class Spool(Protocol):
    """Where bytes wait: `foundation.sealed_files.SealedSpool` is one."""

    def write(self, data: bytes, /) -> int: ...

    def read(self) -> Iterator[bytes]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Written:
    """A copy that was written: size and SHA-256 of the zip, its parts, and how many rows and redactions it holds."""

    size: int
    sha256: bytes
    parts: tuple[Part, ...]
    rows: int
    redactions: int


def write(copy: Copy, into: Sink, *, keyring: Keyring, spool: Callable[[], Spool]) -> Written:
    """Write `copy` as a zip into `into`. `spool` gives a place where one table's CSV can wait.

    What the holdings raise while they are read passes through; the zip is then unfinished and worth nothing.
    """
    with Archive(into, copy.made_at) as archive:
        passed = list(_data(archive, copy, spool))
        redactions = sum((Counter(dict(passing.holding.redacted())) for passing in passed), Counter[str]())
        rows = sum(passing.count for passing in passed)
        archive.add("facts.json", _by_line(reading_matter.facts_json(copy, passed, redactions)))
        archive.add("index.html", page.html(copy, passed, redactions))
        archive.add("README.txt", reading_matter.readme(copy, keyring.signing_id).encode("utf-8"))
        said = {
            "request": copy.request,
            "made_at": stamp(copy.made_at),
            "controller": copy.facts.controller,
            "policy": {"sha256": copy.facts.policy_sha256},
            "counts": {
                "rows": rows,
                "tables": sum(passing.count > 0 for passing in passed),
                "redactions": redactions.total(),
            },
        }
        for name, content in signed_manifest(keyring, said, archive.parts).items():
            archive.add(name, content)
        size, sha256 = archive.close()
    return Written(size, sha256, tuple(archive.parts), rows, redactions.total())


def _data(archive: Archive, copy: Copy, spool: Callable[[], Spool]) -> Iterator[Passing]:
    """Write the files of each holding that has rows; gives what was seen of each."""
    names, shown = Names(), 0
    for holding in copy.holdings:
        passing = Passing(holding, SHOWN if shown + SHOWN <= SHOWN_IN_ALL else SHOWN_LEAST)
        first = next(holding.rows, None)
        if first is not None:
            passing.name = names.take(holding.store, holding.table, holding.role)
            _write_rows(archive, passing, chain((first,), holding.rows), spool)
            archive.add(f"schemas/{passing.name}.json", _by_line(_schema(passing)))
            shown += len(passing.shown)
        yield passing


def _write_rows(
    archive: Archive, passing: Passing, rows: Iterator[tuple[Any, ...]], spool: Callable[[], Spool]
) -> None:
    """One holding as JSON, straight into the zip, and as CSV after it, from where it waited."""
    holding, names = passing.holding, passing.holding.names
    waiting: Spool | None = None
    lines = bytearray((_BOM + values.csv_line(names)).encode("utf-8", "replace"))
    try:
        with archive.member(f"data/{passing.name}.json") as member:
            member.write(_head(holding))
            block = bytearray()
            comma = b"\n  "
            for row in passing.watch(rows):
                block += comma + values.utf8(values.row_json(names, row))
                lines += values.csv_line(row).encode("utf-8", "replace")
                comma = b",\n  "
                if len(block) > _BLOCK:
                    member.write(bytes(block))
                    block.clear()
                if len(lines) > 4 * _BLOCK:
                    waiting = waiting or spool()
                    waiting.write(bytes(lines))
                    lines.clear()
            member.write(bytes(block) + b"\n]}\n")
            member.rows = passing.count
        with archive.member(f"data/{passing.name}.csv") as member:
            for part in waiting.read() if waiting is not None else ():
                member.write(part)
            member.write(bytes(lines))
            member.rows = passing.count
    finally:
        if waiting is not None:
            waiting.close()


def _head(holding: Holding) -> bytes:
    """The JSON of a holding up to its rows."""
    head = {
        "schema": TABLE_SCHEMA,
        "store": holding.store,
        "table": holding.table,
        "role": holding.role,
        "title": holding.title,
        "columns": [
            {
                "name": each.name,
                "title": each.title,
                "category": each.category,
                "label": each.label or None,
                "source": each.source or None,
                "purposes": [purpose.label for purpose in each.purposes],
                "kept": None if each.period is None else each.period.words,
            }
            for each in holding.fields
        ],
    }
    return _by_line(head).removesuffix(b"\n}\n") + b',\n "rows": ['


def _schema(passing: Passing) -> dict[str, Any]:
    """The JSON Schema of a holding's file: its columns, and for each the forms that its values have there."""
    holding = passing.holding
    properties = {}
    for each, seen in zip(holding.fields, passing.kinds(), strict=True):
        forms = [values.schema_of(kind) for kind in sorted(seen, key=lambda kind: kind.__name__)]
        told = {"title": each.title} | ({"description": each.label} if each.label else {})
        properties[each.name] = told | (forms[0] if len(forms) == 1 else {"anyOf": forms} if forms else {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": holding.title,
        "type": "object",
        "required": ["schema", "store", "table", "role", "title", "columns", "rows"],
        "additionalProperties": False,
        "properties": {
            "schema": {"const": TABLE_SCHEMA},
            "store": {"const": holding.store},
            "table": {"const": holding.table},
            "role": {"const": holding.role},
            "title": {"type": "string"},
            "columns": {"type": "array", "items": {"type": "object", "required": ["name", "title"]}},
            "rows": {
                "type": "array",
                "minItems": passing.count,
                "maxItems": passing.count,
                "items": {
                    "type": "object",
                    "required": list(holding.names),
                    "additionalProperties": False,
                    "properties": properties,
                },
            },
        },
    }


def _by_line(value: Mapping[str, Any]) -> bytes:
    """JSON with one member a line: for people who look into it, and written by the encoder that is quick."""
    lines = (f" {json.dumps(name)}: {json.dumps(each, ensure_ascii=False)}" for name, each in value.items())
    return values.utf8("{\n" + ",\n".join(lines) + "\n}\n")
