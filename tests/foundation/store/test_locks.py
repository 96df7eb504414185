"""What one process does must not loosen the locks that SQLite holds for another part of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from troth.foundation.store import Store

_GLANCE = (
    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('select count(*) from sqlite_master'); c.close()"
)


def test_opening_a_store_again_does_not_let_another_process_delete_its_log(tmp_path: Path) -> None:
    path = tmp_path / "troth.sqlite3"
    first = Store.open(f"sqlite:///{path}")
    with first.writing() as tx:
        tx.execute(text("create table words (word text)"))
    with first.reading() as tx:
        assert tx.execute(text("select count(*) from words")).scalar() == 0

        # the same process opens the same store once more and is done with it; then somebody else looks in and leaves
        with Store.open(f"sqlite:///{path}") as second, second.reading() as again:
            again.execute(text("select 1"))
        subprocess.run([sys.executable, "-c", _GLANCE, str(path)], check=True)

    with first.writing() as tx:
        tx.execute(text("insert into words values ('kept')"))
    seen = subprocess.run(
        [sys.executable, "-c", "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('select word from words').fetchall())", str(path)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    first.close()
    assert "kept" in seen.stdout
