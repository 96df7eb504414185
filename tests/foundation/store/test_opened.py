from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, UniqueConstraint, func, select, text

from tests.stores import fresh_store
from troth.errors import StoreBehind, StoreConflict, StoreError
from troth.foundation.store import Store, engines, guard, hold

own = MetaData()
notes = Table(
    "test_notes", own, Column("id", Integer, primary_key=True), Column("words", String(200)), UniqueConstraint("words")
)


@pytest.fixture
def store(store: Store) -> Store:
    return _with_notes(store)


@pytest.fixture
def each_store(each_store: Store) -> Store:
    return _with_notes(each_store)


def _with_notes(store: Store) -> Store:
    with store.writing() as tx:
        own.create_all(tx)
    return store


def count(store: Store) -> int:
    with store.reading() as tx:
        return tx.execute(select(func.count()).select_from(notes)).scalar_one()


def test_what_is_written_in_a_block_stands_when_the_block_is_left(each_store: Store) -> None:
    with each_store.writing() as tx:
        tx.execute(notes.insert().values(words="kept"))
    assert count(each_store) == 1


def test_a_block_that_raises_leaves_nothing(each_store: Store) -> None:
    with pytest.raises(ZeroDivisionError), each_store.writing() as tx:  # noqa: PT012 - the block is the promise
        tx.execute(notes.insert().values(words="never"))
        raise ZeroDivisionError
    assert count(each_store) == 0


def test_a_read_block_sees_one_moment(each_store: Store) -> None:
    with each_store.reading() as tx:
        before = tx.execute(select(func.count()).select_from(notes)).scalar_one()
        with each_store.writing() as other:
            other.execute(notes.insert().values(words="meanwhile"))
        assert tx.execute(select(func.count()).select_from(notes)).scalar_one() == before == 0
    assert count(each_store) == 1


def test_a_read_block_cannot_write(each_store: Store) -> None:
    with pytest.raises(StoreError, match="may not be written"), each_store.reading() as tx:
        tx.execute(notes.insert().values(words="sly"))
    with pytest.raises(StoreError), each_store.reading() as tx:
        tx.execute(text("DROP TABLE test_notes"))
    assert count(each_store) == 0


def test_a_store_opened_for_reading_cannot_write_and_makes_no_file(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'none.db'}", read_only=True) as store:
        with pytest.raises(StoreError, match=r"no store here.*troth upgrade"), store.reading():
            pass
        with pytest.raises(StoreError, match="for reading only"), store.writing():
            pass
        with pytest.raises(StoreError, match="for reading only"):
            store.changed()
        assert store.generation is None
    assert list(tmp_path.iterdir()) == []


def test_writers_at_once_wait_for_each_other_and_none_is_lost(each_store: Store) -> None:
    def add(number: int) -> None:
        with each_store.writing() as tx:
            hold(tx, "notes")
            seen = tx.execute(select(func.count()).select_from(notes)).scalar_one()
            time.sleep(0.001)
            tx.execute(notes.insert().values(words=f"number {seen}"))

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(add, range(60)))
    with each_store.reading() as tx:
        words = set(tx.execute(select(notes.c.words)).scalars())
    assert words == {f"number {i}" for i in range(60)}


def test_writing_does_not_nest_and_nothing_slow_happens_inside(store: Store) -> None:
    with store.writing():
        with pytest.raises(StoreError, match="inside another"), store.writing():
            pass
        with pytest.raises(StoreError, match="mail was begun inside"):
            guard.refuse_inside_writing("mail")
    guard.refuse_inside_writing("mail")


def test_a_second_row_of_one_key_is_a_conflict_that_shows_no_value(each_store: Store) -> None:
    with each_store.writing() as tx:
        tx.execute(notes.insert().values(words="needle@example.com"))
    with pytest.raises(StoreConflict) as caught, each_store.writing() as tx:
        tx.execute(notes.insert().values(words="needle@example.com"))
    assert "needle" not in "".join(traceback.format_exception(caught.value))


def test_a_refused_statement_shows_no_value(each_store: Store) -> None:
    with pytest.raises(StoreError) as caught, each_store.writing() as tx:
        tx.execute(text("INSERT INTO test_notes (id, nothing) VALUES (1, :words)"), {"words": "needle"})
    assert "needle" not in "".join(traceback.format_exception(caught.value))
    assert "\n" not in str(caught.value)


def test_a_missing_table_says_troth_upgrade(each_store: Store) -> None:
    with pytest.raises(StoreBehind, match="troth upgrade"), each_store.reading() as tx:
        tx.execute(text("SELECT 1 FROM no_such_table"))


def test_sqlite_is_opened_as_the_design_says(store: Store) -> None:
    def pragmas(tx: Any) -> dict[str, Any]:
        names = (
            "journal_mode",
            "synchronous",
            "foreign_keys",
            "secure_delete",
            "busy_timeout",
            "trusted_schema",
            "query_only",
        )
        return {name: tx.execute(text(f"PRAGMA {name}")).scalar_one() for name in names}

    with store.writing() as tx:
        seen = pragmas(tx)
    assert seen == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 5000,
        "trusted_schema": 0,
        "query_only": 0,
    }
    with store.reading() as tx:
        assert pragmas(tx)["query_only"] == 1


def test_the_files_of_a_store_are_its_owner_s_only(store: Store) -> None:
    with store.writing() as tx:
        tx.execute(notes.insert().values(words="x"))
        assert store.path is not None
        files = list(store.path.parent.glob("troth.db*"))
        assert len(files) >= 3
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_another_process_that_writes_too_long_is_told_not_waited_for_for_ever(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_S", 0.05)
    with Store.open(f"sqlite:///{store.path}") as other, store.writing():
        started = time.monotonic()
        failure: list[BaseException] = []

        def write() -> None:
            try:
                with other.writing():
                    pass
            except StoreError as error:
                failure.append(error)

        thread = threading.Thread(target=write)
        thread.start()
        thread.join(4)
    assert "another process has been writing" in str(failure[0])
    assert time.monotonic() - started < 3


def test_deleted_words_are_in_no_file_after_settling(store: Store) -> None:
    assert store.path is not None
    with store.writing() as tx:
        tx.execute(notes.insert().values(words="needle-in-the-store"))
    store.settle()
    assert b"needle" in store.path.read_bytes()
    with store.writing() as tx:
        tx.execute(notes.delete())
    store.settle()
    for file in store.path.parent.glob("troth.db*"):
        assert b"needle" not in file.read_bytes()


def test_settling_says_when_a_reader_is_in_the_way(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_S", 0.2)
    with Store.open(f"sqlite:///{store.path}") as impatient:
        with store.reading() as tx:
            tx.execute(select(notes)).all()
            with store.writing() as writer:
                writer.execute(notes.insert().values(words="later"))
            with pytest.raises(StoreError, match="Try again"):
                impatient.settle()
        impatient.settle()


WRITER = """
import sys
from sqlalchemy import text
from troth.foundation.store import Store
store = Store.open(sys.argv[1])
n = 0
while True:
    with store.writing() as tx:
        tx.execute(text("INSERT INTO test_notes (words) VALUES (:a)"), {"a": f"{n} first"})
        tx.execute(text("INSERT INTO test_notes (words) VALUES (:a)"), {"a": f"{n} second"})
    print(n, flush=True)
    n += 1
"""


def test_a_writer_killed_at_any_time_leaves_whole_transactions_and_every_acknowledged_one(tmp_path: Path) -> None:
    with _with_notes(fresh_store(tmp_path)) as store:
        for wait in (0.0, 0.01, 0.03):
            with store.writing() as tx:
                tx.execute(notes.delete())
            with _process(WRITER, f"sqlite:///{store.path}") as writer:
                assert writer.stdout is not None
                acknowledged = int(writer.stdout.readline())
                time.sleep(wait)
                writer.send_signal(signal.SIGKILL)
                acknowledged = max([acknowledged, *map(int, writer.stdout.read().split())])
            with store.reading() as tx:
                words = set(tx.execute(select(notes.c.words)).scalars())
            assert {f"{n} first" for n in range(acknowledged + 1)} <= words
            assert {word.split()[0] for word in words if "first" in word} == {
                word.split()[0] for word in words if "second" in word
            }
            assert len(words) % 2 == 0


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nothing",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///x.db?mode=ro",
        "sqlite:///file:x.db",
        "mysql://user:SECRET@example.com/x",
        "postgresql://user:SECRET@example.com",
        "postgresql://user:SECRET@example.com:port/x",
    ],
)
def test_an_address_of_another_kind_is_refused_in_one_line_without_the_password(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store.open(url)
    told = "".join(traceback.format_exception(caught.value))
    assert "SECRET" not in told
    assert "\n" not in str(caught.value)
    assert "sqlite:///path" in str(caught.value)


def test_a_store_s_name_shows_no_password() -> None:
    with Store.open("postgresql://user:SECRET@db.example.com/troth") as store:
        assert "SECRET" not in repr(store)
        assert "user" not in repr(store)
        assert store.where == "db.example.com/troth"


def test_a_missing_folder_is_told_with_the_repair(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"folder of the store is missing.*mkdir -p"):
        Store.open(f"sqlite:///{tmp_path / 'no' / 'troth.db'}")


def test_a_file_that_is_no_store_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, " * 100)
    with (
        Store.open(f"sqlite:///{path}") as store,
        pytest.raises(StoreError, match="not a SQLite store"),
        store.writing(),
    ):
        pass
    assert path.read_text().startswith("Dear reader")


def test_a_server_that_is_not_there_is_told_in_one_line() -> None:
    with Store.open("postgresql://user:SECRET@127.0.0.1:1/troth") as store:
        with pytest.raises(StoreError, match="cannot be reached") as caught, store.reading():
            pass
        assert "SECRET" not in "".join(traceback.format_exception(caught.value))


def test_a_wrong_password_is_told_without_it(postgresql_url: str) -> None:
    from sqlalchemy import make_url

    wrong = make_url(postgresql_url).set(password="SECRET").render_as_string(hide_password=False)
    with Store.open(wrong) as store, pytest.raises(StoreError) as caught, store.reading():
        pass
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


def test_every_process_hears_of_a_change(each_store: Store) -> None:
    generation = each_store.generation
    if generation is not None:
        assert each_store.path is not None
        with Store.open(f"sqlite:///{each_store.path}") as other:
            assert other.generation is not None
            before = other.generation.value
            each_store.changed()
            assert other.generation.value == before + 1
        return
    import psycopg

    with psycopg.connect(_plain(each_store), autocommit=True) as listener:
        listener.execute("LISTEN troth_changed")
        each_store.changed()
        heard = list(listener.notifies(timeout=5, stop_after=1))
    assert [note.channel for note in heard] == ["troth_changed"]


def _plain(store: Store) -> str:
    assert store._writer is not None
    return store._writer.url.set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def _process(source: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", source, *arguments], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_a_store_put_back_from_a_backup_is_seen_by_the_next_transaction(store: Store) -> None:
    assert store.path is not None
    store.settle()
    backup = store.path.with_name("backup.db")
    backup.write_bytes(store.path.read_bytes())
    with store.writing() as tx:
        tx.execute(notes.insert().values(words="after the backup"))
    assert count(store) == 1
    store.settle()

    backup.rename(store.path)

    assert count(store) == 0
    with store.writing() as tx:
        tx.execute(notes.insert().values(words="anew"))
    assert count(store) == 1


def test_the_store_is_an_ordinary_database_file(store: Store) -> None:
    with sqlite3.connect(f"file:{store.path}?mode=ro", uri=True) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    plain.close()
