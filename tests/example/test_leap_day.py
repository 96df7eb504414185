"""A company that is founded on 29 February and lives on to the end of the February after, by the machine's own clock.

Every other test hands a clock in. Here the whole process believes the day, so that whatever asks the machine itself is
seen as well: links, certificates, signatures, stamps of files.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

LEAP_DAY = "2028-02-29 12:00:00"
AFTERWARDS = "2028-02-29 23:30:00"  # in Shanghai, where the company is, it is the first of March
A_YEAR_ON = "2029-02-28 23:59:00"

FOUND = """
from troth.example import company
from troth.foundation.clock import SystemClock

company.found(Path(sys.argv[1]), clock=SystemClock(), port=1, tls_port=1, people=10)
"""
RUN = """
from troth.entrypoints import cli

ended = []
for command in json.loads(sys.argv[2]):
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        sys.argv = ["troth", "-C", FOLDER, *command]
        try:
            cli.main()
            status = 0
        except SystemExit as done:
            status = done.code or 0
    ended.append([status, told.getvalue()])
print(json.dumps(ended))
"""


def on(moment: str, script: str, folder: Path, *commands: list[str]) -> Any:
    """Run `script` in a process for which it is `moment` (UTC) and time goes on from there."""
    heads = "import contextlib, io, json, sys\nfrom pathlib import Path\nFOLDER = sys.argv[1]\n"
    faked = ["faketime", "--exclude-monotonic", "-f", f"@{moment}"]
    environ = os.environ | {"TZ": "UTC", "SHOP_DATABASE_URL": f"sqlite:///{folder / 'shop.sqlite3'}"}
    command = [*faked, sys.executable, "-c", heads + script, str(folder), json.dumps(commands)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout) if commands else None


def findings(checked: str, name: str) -> list[str]:
    return [
        each["message"]
        for clause in json.loads(checked)["clauses"]
        for each in clause["findings"]
        if each["check"] == name
    ]


def test_a_company_founded_on_a_leap_day_keeps_its_word_a_year_later(tmp_path: Path) -> None:
    if shutil.which("faketime") is None:
        pytest.skip("missing: faketime")
    on(LEAP_DAY, FOUND, tmp_path)
    asked, erased, planned, verified = on(
        AFTERWARDS,
        RUN,
        tmp_path,
        ["request", "access", "id=shop.customer:2", "--yes"],
        ["request", "erasure", "id=shop.customer:5", "--yes", "--format", "json"],
        ["retention", "plan"],
        ["ledger", "verify"],
    )
    before, ran, after, verified_again = on(
        A_YEAR_ON,
        RUN,
        tmp_path,
        ["check", "--format", "json"],
        ["retention", "run", "--yes"],
        ["check", "--format", "json"],
        ["ledger", "verify"],
    )

    assert [status for status, _ in (asked, erased, planned, verified, ran, verified_again)] == [0] * 6
    assert "due 2028-03-31" in asked[1]  # 30 days after the first of March
    assert json.loads(erased[1])["state"] == "proven"
    assert "Nothing is past its time." in planned[1]
    assert findings(before[1], "protection.kept-too-long")
    assert findings(after[1], "protection.kept-too-long") == []
