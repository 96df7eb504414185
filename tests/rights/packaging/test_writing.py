"""A copy holds every row once as JSON and once as CSV, streams, and says what it holds."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.rights.packaging.copies import FACTS, KEYRING, NOW, copy, files, holding, rows_in, written
from troth.errors import RecordsError
from troth.foundation.records.catalogue import ColumnKind
from troth.foundation.sealed_files import SealedSpool
from troth.rights.packaging import writing
from troth.rights.packaging.contents import Asked, Said

TEXT, NUMBER, TIME, BINARY, JSON = (
    ColumnKind.TEXT, ColumnKind.NUMBER, ColumnKind.TIME, ColumnKind.BINARY, ColumnKind.JSON,
)  # fmt: skip
EVERY_KIND: list[tuple[Any, ...]] = [
    (1, "Ünï \U0001f375 “q”", Decimal("12.50"), dt.datetime(2026, 3, 1, 9, 30), b"\x00\xff", {"a": [1, None]}, None),
    (2**63, "=cmd()", Decimal(-3), dt.datetime(2026, 4, 1, tzinfo=dt.UTC), None, [1, 2], True),
    (-7, 'a "quote"\r\nand a line, with; signs', None, None, b"", None, 0.1),
]
COLUMNS = {"id": NUMBER, "note": TEXT, "total": NUMBER, "placed_at": TIME, "scan": BINARY, "data": JSON, "odd": TEXT}


def test_every_value_of_every_row_stands_in_the_json_exactly() -> None:
    data, _ = written(copy([holding(EVERY_KIND, COLUMNS)]))

    rows = rows_in(data)

    assert rows[0] == {
        "id": 1, "note": "Ünï \U0001f375 “q”", "total": "12.50", "placed_at": "2026-03-01T09:30:00",
        "scan": {"base64": "AP8="}, "data": {"a": [1, None]}, "odd": None,
    }  # fmt: skip
    assert [row["id"] for row in rows] == [1, "9223372036854775808", -7]
    assert rows[1]["note"] == "=cmd()"
    assert rows[2]["note"] == 'a "quote"\r\nand a line, with; signs'


def test_every_row_stands_in_the_csv_too_and_none_runs() -> None:
    data, _ = written(copy([holding(EVERY_KIND, COLUMNS)]))

    text = files(data)["data/shop.orders.csv"].decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text, newline=""))

    assert head == list(COLUMNS)
    assert len(rows) == 3
    assert rows[1][1] == "'=cmd()"
    assert rows[2][1] == 'a "quote"\r\nand a line, with; signs'
    assert rows[1][2] == "-3"


def test_the_json_keeps_to_its_schema_and_the_schema_refuses_what_is_not_there() -> None:
    data, _ = written(copy([holding(EVERY_KIND, COLUMNS)]))
    schema = json.loads(files(data)["schemas/shop.orders.json"])
    value = json.loads(files(data)["data/shop.orders.json"])
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.validate(value, schema)

    for change in (
        lambda v: v["rows"].pop(),
        lambda v: v["rows"][0].pop("note"),
        lambda v: v["rows"][0].update(more=1),
        lambda v: v["rows"][0].update(note=7),
        lambda v: v.update(table="others"),
    ):
        other = json.loads(json.dumps(value))
        change(other)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(other, schema)


def test_what_has_no_rows_has_no_files_and_is_named_as_looked_into() -> None:
    data, done = written(copy([holding([], {"id": NUMBER}), holding([(1,)], {"id": NUMBER}, table="visits")]))

    assert not any("orders" in name for name in files(data))
    looked = {each["table"]: each["rows"] for each in json.loads(files(data)["facts.json"])["holdings"]}
    assert looked == {"orders": 0, "visits": 1}
    assert done.rows == 1


def test_the_facts_answer_each_letter_of_the_article() -> None:
    said = Said("consent", "marketing", "Marketing messages", "given", NOW, "form", "Send you marketing", "2.1c", "aa")
    asked = Asked("2026-000412", "access", NOW, "working")
    orders = holding(
        [(1, "2026-03-01 09:30:00")],
        {"id": NUMBER, "placed_at": (TIME, "transaction.purchase")},
        counts="placed_at",
        redacted=lambda: {"orders.note: others": 2},
    )
    data, done = written(copy([orders], choices=(said,), asked=(asked,)))

    facts = json.loads(files(data)["facts.json"])

    assert {each["purpose"]: each["basis"] for each in facts["purposes"]}["marketing"] == "consent"
    assert all(each["sentence"]["text"] for each in facts["purposes"])  # (a)
    held = [each["category"] for each in facts["categories"] if each["held"]]
    assert held == ["transaction.purchase"]  # (b)
    assert {each["name"] for each in facts["recipients"]} >= {"Example Pay", "Example Desk"}  # (c)
    assert "10 years" in {each["keep"] for each in facts["periods"]}  # (d)
    assert [each["right"] for each in facts["rights"]][:3] == ["access", "rectification", "erasure"]  # (e)
    assert facts["complaint"]["sentence"]["number"] == "9.2"  # (f)
    assert facts["complaint"]["authorities"]
    assert {each["from"] for each in facts["categories"]} == {  # (g)
        "you gave it to us", "recorded while you used our services",
    }  # fmt: skip
    assert "machine alone" in facts["automated_decisions"]  # (h)
    assert facts["transfers"] == [each.name for each in FACTS.recipients if each.country != "CN"]  # (2)
    assert facts["choices"][0]["text"] == "Send you marketing"
    assert facts["choices"][0]["at"] == "2026-11-22T12:30:00.000000Z"
    assert facts["requests"][0]["number"] == "2026-000412"
    assert facts["redactions"] == {"orders.note: others": 2}
    assert done.redactions == 2
    [told] = facts["holdings"]
    assert told["kept_until"] == ["2036-03-01T09:30:00.000000Z"] * 2


def test_a_store_that_fails_in_the_middle_leaves_no_copy_that_looks_whole() -> None:
    def broken() -> Iterator[tuple[int]]:
        yield (1,)
        raise RecordsError("gone")

    into = io.BytesIO()
    with pytest.raises(RecordsError):
        writing.write(copy([holding(broken(), {"id": NUMBER})]), into, keyring=KEYRING, spool=lambda: None)  # type: ignore[arg-type,return-value]

    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(into)


def test_two_tables_whose_names_differ_in_case_only_have_files_of_their_own() -> None:
    data, _ = written(copy([holding([(n,)], {"id": NUMBER}, table=name) for n, name in enumerate(["Logs", "logs"])]))

    assert rows_in(data, "data/shop.logs.json") == [{"id": 0}]
    assert rows_in(data, "data/shop.logs-2.json") == [{"id": 1}]


def test_names_that_no_file_may_have_lead_nowhere() -> None:
    hostile = ["../../x", "/etc/passwd", "C:\\x", "CON", "a\x00b", "\u202etxt", "", "x" * 300]
    data, _ = written(copy([holding([(1,)], {"id": NUMBER}, store=name, table=name, role=name) for name in hostile]))

    for name in files(data):
        assert name.count("/") <= 1
        assert ".." not in name
        assert not name.startswith("/")
        assert name.isascii()
        assert name.isprintable()
        assert "\\" not in name
        assert len(name) < 120


def test_no_value_of_a_row_names_a_file() -> None:
    data, _ = written(copy([holding([("canary7f3a",)] * 3, {"canary": TEXT})]))

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            assert b"canary7f3a" not in info.filename.encode() + info.comment + info.extra


def test_the_zip_tells_nothing_of_the_machine_and_comes_out_the_same_again() -> None:
    once, _ = written(copy([holding(EVERY_KIND, COLUMNS)]))
    again, _ = written(copy([holding(EVERY_KIND, COLUMNS)]))

    assert once == again
    with zipfile.ZipFile(io.BytesIO(once)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(2026, 11, 22, 12, 30, 0)}
        assert {info.external_attr >> 16 & 0o777 for info in archive.infolist()} == {0o600}
        assert archive.testzip() is None


MANY = """
import sys, tempfile
from pathlib import Path
from tests.rights.packaging.copies import KEYRING, copy, holding
from troth.foundation.records.catalogue import ColumnKind
from troth.foundation.sealed_files import SealedSpool, SealedWriter, new_key
from troth.rights.packaging import manifest, writing

count = int(sys.argv[1])
rows = ((n, f"note {n} of somebody with words in it", n * 100, "2026-03-01 09:30:00", "x" * (n % 90))
        for n in range(count))
columns = {"id": ColumnKind.NUMBER, "note": ColumnKind.TEXT, "total": ColumnKind.NUMBER, "placed_at": ColumnKind.TIME,
           "more": ColumnKind.TEXT}
with tempfile.NamedTemporaryFile() as file:
    sealed = SealedWriter(file, new_key(), context=b"")
    done = writing.write(copy([holding(rows, columns)]), sealed, keyring=KEYRING,
                         spool=lambda: SealedSpool.beside(tempfile.gettempdir()))
    sealed.finish()
    assert done.rows == count
# not ru_maxrss: a process begins with what its parent had
print(next(int(line.split()[1]) // 1024 for line in Path("/proc/self/status").open() if line.startswith("VmHWM")))
"""


def test_the_memory_does_not_grow_with_the_rows() -> None:
    """A million rows in the long form; at most 256 MiB for the whole process."""
    count = 1_000_000 if os.environ.get("SOAK") == "true" else 100_000
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    done = subprocess.run(
        [sys.executable, "-c", MANY, str(count)],
        capture_output=True, text=True, check=False, env=environ, cwd=Path(__file__).parents[3],
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= 256, f"{done.stdout.strip()} MiB for {count} rows"


def test_rows_are_read_one_after_the_other_as_they_are_written(tmp_path: Path) -> None:
    made: list[int] = []

    def rows() -> Iterator[tuple[int, str]]:
        for n in range(40_000):
            made.append(n)
            yield n, os.urandom(20).hex()

    class Watching:
        """Where the zip goes; notes how many rows had been read when bytes came."""

        def __init__(self) -> None:
            self.at: list[int] = []

        def write(self, data: bytes) -> int:
            self.at.append(len(made))
            return len(data)

        def flush(self) -> None: ...

    into = Watching()
    writing.write(
        copy([holding(rows(), {"id": NUMBER, "x": TEXT})]), into, keyring=KEYRING,
        spool=lambda: SealedSpool.beside(str(tmp_path)),
    )  # fmt: skip

    assert any(0 < read < 40_000 for read in into.at), "nothing left before the last row was read"
