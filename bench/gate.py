"""A batch through the gate, CSV to JSON lines: three columns dropped, one person in fifty refused, all pseudonymised.

`python -m bench.gate` prints the figures. The floor reads the same file and writes the same columns with the standard
library's `csv.DictReader` and `json.dumps`, and decides, pseudonymises and records nothing. Rate and memory are those
of a process of its own, the memory for a batch of a tenth and for the whole. Two kinds of batches cost more, and are
told beside it: a file with a quotation mark in each row, which the library's own reader has to read, and a recipient
who gets tokens only, for whom each value is searched for the number of a card.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.ratio import Figure, at_most, compare

PEOPLE = 50_000
ROWS = int(os.environ.get("GATE_ROWS", "1000000"))
COMPARED = 200_000
ENOUGH = 200_000
"""Rows a second, on a machine that does nothing else."""

MOST_MIB = 256
COLUMNS = {"amount": "transaction.purchase", "token": "payment.token", "os": "device.os"}
POLICY = f"""troth: 1
title: Privacy Policy
controller: {{name: Example Company, country: IE}}
laws: [gdpr]
use:
  number: "1"
  title: Use
  fraud: {{text: Find fraud, purpose: fraud, basis: legitimate-interests, data: [{", ".join(COLUMNS.values())}]}}
sharing:
  number: "2"
  title: Sharing
  processors:
    number: "2.1"
    title: Processors
    columns: [Who]
    pay:
      cells: [Pay]
      recipients:
        - name: Example Pay
          country: DE
          purpose: fraud
          data: [{", ".join(COLUMNS.values())}]
          contract: {{document: contract.md, sha256: {"0" * 64}}}
    till:
      cells: [Till]
      safeguard: tokens-only
      recipients:
        - name: Example Till
          country: DE
          purpose: fraud
          data: [{", ".join(COLUMNS.values())}]
          contract: {{document: contract.md, sha256: {"0" * 64}}}
"""


def found(folder: Path, rows: int) -> Path:
    """An instance with its people, and a file of `rows` rows."""
    from troth import application
    from troth.foundation.keys import Keyring
    from troth.foundation.store import Store, migrations

    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    Keyring.create(folder)
    with Store.open(f"sqlite:///{folder}/troth.sqlite3") as store:
        migrations.upgrade(store)
    with application.open(folder, {}) as troth:
        troth.register_many({"id": str(number)} for number in range(1, PEOPLE + 1))
        for number in range(1, PEOPLE, PEOPLE // 50):
            troth.object_to(f"id={number}", "fraud")
    write(folder / "rows.csv", rows)
    return folder


def write(path: Path, rows: int, note: str = "a note of some words") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("user", "at", "amount", "token", "os", "note", "ip"))
        for n in range(rows):
            at, token = f"2026-11-{n % 28 + 1:02d}T10:{n % 60:02d}:00", f"tok_{n * 7919 % 1000003:08d}"
            os_ = ("linux", "macos", "windows")[n % 3]
            writer.writerow((n * 31 % PEOPLE + 1, at, n % 1000, token, os_, note, f"192.0.2.{n % 250}"))


def through(folder: Path, recipient: str = "Example Pay") -> None:
    """The whole file through the gate."""
    from troth import application
    from troth.sharing import streams
    from troth.sharing.gate import Gate
    from troth.sharing.passage import Shape
    from troth.sharing.words import Form

    with application.open(folder, {}) as troth, (folder / "rows.csv").open("rb") as file:
        rows, shape = streams.read(file, Form.CSV), Shape("user", COLUMNS)
        Gate(troth.office, troth.instance).share(recipient, "fraud", rows, shape=shape, to="out.jsonl")


def plainly(folder: Path) -> None:
    """The same columns, with no gate."""
    with (
        (folder / "rows.csv").open(encoding="utf-8", newline="") as file,
        (folder / "plain.jsonl").open("w", encoding="utf-8") as out,
    ):
        for row in csv.DictReader(file):
            out.write(json.dumps({name: row[name] for name in ("user", *COLUMNS)}, ensure_ascii=False) + "\n")


def figures() -> list[Figure]:
    """The ratio, the rate and the memory, measured now."""
    with tempfile.TemporaryDirectory() as name:
        folder = found(Path(name), COMPARED)
        measured = compare(lambda: through(folder), lambda: plainly(folder), rounds=5)
        small = alone(folder, COMPARED // 2)
        whole = alone(folder, ROWS)
        searched = alone(folder, ROWS, "Example Till")
        quoted = alone(folder, ROWS, note="a note, of some words")
    rate = f"{whole[0]:,.0f} rows/s of processor time"
    return [
        at_most(f"{COMPARED:,} rows through the gate, against csv.DictReader and json.dumps alone", measured, 1.0),
        Figure(
            f"{ROWS:,} rows of {PEOPLE:,} people through the gate, CSV to JSON lines",
            rate,
            f"at least {ENOUGH:,}",
            whole[0] >= ENOUGH,
        ),
        Figure("the same with a quotation mark in each row", f"{quoted[0]:,.0f} rows/s of processor time"),
        Figure("the same to who gets tokens only", f"{searched[0]:,.0f} rows/s of processor time"),
        Figure(
            f"memory of that process ({COMPARED // 2:,} rows: {small[1]:.0f} MiB)",
            f"{whole[1]:.0f} MiB",
            f"at most {MOST_MIB} MiB",
            whole[1] <= MOST_MIB,
        ),
    ]


def alone(
    folder: Path, rows: int, recipient: str = "Example Pay", note: str = "a note of some words"
) -> tuple[float, float]:
    """(rows a second of processor time, MiB at most) of a process that shares a file of `rows` rows."""
    write(folder / "rows.csv", rows, note)
    command = [sys.executable, "-m", "bench.gate", str(folder), recipient]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, mebibytes = map(float, done.stdout.split())
    return rows / seconds, mebibytes


if __name__ == "__main__":
    if len(sys.argv) > 1:
        begun = time.process_time()
        through(Path(sys.argv[1]), sys.argv[2])
        print(time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        sys.exit()
    shown = figures()
    for figure in shown:
        print(f"{figure.what}: {figure.figure}, budget {figure.budget}")
    sys.exit(0 if all(figure.kept is not False for figure in shown) else 1)
