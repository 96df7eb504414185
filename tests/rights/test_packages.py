"""A copy is sealed where it waits, goes to its person alone, and ends when it should."""

from __future__ import annotations

import io
import logging
import sqlite3
import stat
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.rights.desks import ADA, BOB, Office, found_office
from troth.errors import KeyUnavailable, PlaceMissing, RequestError, StoreError
from troth.foundation.ledger.shredding import shred
from troth.foundation.ledger.words import KeyUse
from troth.policy.vocabulary import Right
from troth.rights import farewell, identity, packages
from troth.rights.packages import Download
from troth.rights.packaging import manifest
from troth.rights.requests import Request
from troth.rights.tables import packages as table
from troth.rights.words import Channel, Gone, Proof, State

NEEDLES = [b"ada@customer.example.org", b"+353 1 496 0000", b"a pot", b"leaves", b"12.50"]
OTHERS = [b"bob@customer.example.org", b"cups", b"9.00", b"+353 1 496 0001", b"+353 1 496 0002"]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path) as found:
        yield found


def confirmed(office: Office, known_by: Any = ADA, right: Right = Right.ACCESS) -> Request:
    request = office.file(right, known_by, channel=Channel.TERMINAL, proof=Proof.OPERATOR)
    settled = identity.settle(office.desk, request.id)
    assert settled.state is State.WORKING
    return settled


def made(office: Office, known_by: Any = ADA) -> Request:
    request = confirmed(office, known_by)
    assert packages.provide(office.desk, request.id).package
    return request


def fetched(office: Office, request: Request, person: int | None = None) -> Download | None:
    return packages.open_stream(office.desk, request.number, person or request.person or 0)


def content(office: Office, request: Request) -> bytes:
    download = fetched(office, request)
    assert download is not None
    data = b"".join(download.chunks)
    assert len(data) == download.size
    return data


def text_of(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())


def sealed_files(office: Office) -> list[Path]:
    return sorted((office.company.folder / "packages").iterdir())


def ledger(office: Office, start: str = "package.") -> list[str]:
    return [leaf.kind for leaf in office.company.leaves() if leaf.kind.startswith(start)]


def test_the_person_gets_all_that_is_theirs_and_nothing_of_anybody_else(office: Office) -> None:
    data = content(office, made(office))

    text = text_of(data)
    assert [needle for needle in NEEDLES if needle not in text] == []
    assert [needle for needle in OTHERS if needle in text] == []
    assert manifest.verify(io.BytesIO(data), key_id=office.desk.office.keyring.signing_id)


def test_at_rest_nothing_of_it_can_be_read_by_others_or_without_the_key(office: Office) -> None:
    made(office)

    [path] = sealed_files(office)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not any(needle in path.read_bytes() for needle in [*NEEDLES, b"PK\x03\x04", b"index.html"])
    assert path.name.replace("-", "").replace("_", "").isalnum()
    assert len(path.name) == 43


def test_to_make_it_again_is_to_find_it_made(office: Office) -> None:
    request = confirmed(office)

    first, again = packages.provide(office.desk, request.id), packages.provide(office.desk, request.number)

    assert first == again
    assert len(sealed_files(office)) == 1
    assert ledger(office) == ["package.made"]


def test_two_workers_at_once_make_one(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    request = confirmed(office)
    collect = packages.access.collect

    def late(desk: Any, which: Any) -> Any:
        monkeypatch.setattr(packages.access, "collect", collect)
        packages.provide(desk, which)  # the other worker, while this one reads
        return collect(desk, which)

    monkeypatch.setattr(packages.access, "collect", late)
    packages.provide(office.desk, request.id)

    assert len(sealed_files(office)) == 1
    assert ledger(office) == ["package.made"]
    assert content(office, request)


def test_anybody_else_gets_what_nobody_gets(office: Office) -> None:
    ada, bob = made(office), made(office, BOB)

    assert fetched(office, ada, bob.person) is None
    assert fetched(office, ada, 99) is None
    assert packages.open_stream(office.desk, "2026-999999", ada.person or 0) is None
    assert packages.open_stream(office.desk, confirmed(office).id, ada.person or 0) is None
    assert ledger(office, "package.down") == []


def test_each_download_is_on_record_before_its_first_byte(office: Office) -> None:
    request = made(office)

    download = fetched(office, request)

    assert ledger(office, "package.down") == ["package.downloaded"]
    assert download is not None
    next(download.chunks)
    content(office, request)
    with office.desk.office.store.reading() as tx:
        found = packages.find(tx, request.id)
    assert found is not None
    assert (found.downloads, found.downloaded_at) == (2, office.now)


def test_the_answer_is_kept_by_no_cache_and_tells_its_digest(office: Office) -> None:
    import base64
    import hashlib

    request = made(office)
    download = fetched(office, request)
    assert download is not None

    headers = download.headers
    data = b"".join(download.chunks)

    assert headers["cache-control"] == "no-store, private"
    assert headers["content-disposition"] == f'attachment; filename="privacy-copy-{request.number}.zip"'
    assert headers["content-length"] == str(len(data))
    assert headers["repr-digest"] == f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"
    assert headers["referrer-policy"] == "no-referrer"
    assert "ada@" not in repr(download)


def test_it_ends_after_its_time_and_its_file_and_key_go(office: Office) -> None:
    request = made(office)
    [path] = sealed_files(office)
    office.company.clock.advance(timedelta(days=30) - timedelta(seconds=1))
    assert packages.clear(office.desk) == 0
    assert fetched(office, request) is not None
    office.company.clock.advance(timedelta(seconds=1))

    assert fetched(office, request) is None
    assert packages.clear(office.desk) == 1
    assert packages.clear(office.desk) == 0

    assert not path.exists()
    [row] = office.company.rows(table)
    assert (row.key, row.file, row.sha256, row.gone) == (None, None, None, Gone.EXPIRED)
    assert ledger(office, "package.exp") == ["package.expired"]


def test_how_long_it_can_be_fetched_is_a_setting(tmp_path: Path) -> None:
    with found_office(tmp_path, more='\n[packages]\nkeep = "2 days"\nfolder = "kept/copies"\n') as office:
        request = made(office)
        assert len(list((tmp_path / "kept" / "copies").iterdir())) == 1
        office.company.clock.advance(timedelta(days=2))
        assert fetched(office, request) is None


def test_after_an_erasure_it_is_dead_at_once(office: Office) -> None:
    ada, bob = made(office), made(office, BOB)
    assert ada.person is not None
    with office.desk.office.deed() as tx:
        assert packages.forget_in(tx, office.desk.office, ada.person) == 1
        assert packages.forget_in(tx, office.desk.office, ada.person) == 0

    assert fetched(office, ada) is None
    assert fetched(office, bob) is not None
    packages.clear(office.desk)

    assert len(sealed_files(office)) == 1
    assert ledger(office, "package.era") == ["package.erased"]


def test_without_the_key_of_its_person_even_a_copy_of_the_file_stays_shut(office: Office) -> None:
    request = made(office)
    assert request.person is not None
    [path] = sealed_files(office)
    kept = path.read_bytes()
    with office.desk.office.deed() as tx:
        shred(tx, office.desk.office.keyring, request.person, KeyUse.CONTENT, office.now)
    path.write_bytes(kept)

    assert fetched(office, request) is None
    assert packages.clear(office.desk) == 1
    assert not path.exists()
    assert ledger(office, "package.era") == ["package.erased"]
    again = confirmed(office)
    with pytest.raises(KeyUnavailable):
        packages.provide(office.desk, again.id)


def test_a_request_that_was_somebody_elses_takes_its_copy_with_it(office: Office) -> None:
    request = made(office)
    with office.desk.office.deed() as tx:
        assert packages.withdraw_in(tx, office.desk.office, request.id)

    assert fetched(office, request) is None
    assert ledger(office, "package.with") == ["package.withdrawn"]


@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "swap"])
def test_a_damaged_file_is_told_before_anything_is_given(office: Office, damage: str) -> None:
    request = made(office)
    other = made(office, BOB)
    with office.desk.office.store.reading() as tx:
        names = {row.request: row.file for row in tx.execute(select(table))}
    path = office.company.folder / "packages" / names[request.id]
    data = path.read_bytes()
    if damage == "flip":
        path.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    elif damage == "cut":
        path.write_bytes(data[:-1])
    elif damage == "gone":
        path.unlink()
    else:
        path.write_bytes((path.parent / names[other.id]).read_bytes())

    with pytest.raises(StoreError, match=f"request {request.number}: its copy is missing or damaged"):
        fetched(office, request)
    assert ledger(office, "package.down") == []


def test_a_copy_cannot_be_turned_to_another_person_by_changing_its_row(office: Office) -> None:
    ada, bob = made(office), made(office, BOB)
    with office.desk.office.deed() as tx:
        tx.execute(update(table).where(table.c.request == ada.id).values(person=bob.person))

    with pytest.raises(KeyUnavailable):
        fetched(office, ada, bob.person)


def test_only_a_confirmed_request_for_access_gets_one(office: Office) -> None:
    unconfirmed = office.file()
    other = confirmed(office, right=Right.PORTABILITY)

    for request in (unconfirmed, other):
        with pytest.raises(RequestError):
            packages.provide(office.desk, request.id)
    assert not (office.company.folder / "packages").exists()


def test_a_store_that_fails_leaves_no_file_and_the_next_try_makes_it(office: Office) -> None:
    request = confirmed(office)
    shop = office.shop.read_bytes()
    with sqlite3.connect(office.shop) as connection:
        connection.execute("drop table orders")
    with pytest.raises(PlaceMissing):
        packages.provide(office.desk, request.id)
    assert not (office.company.folder / "packages").exists() or sealed_files(office) == []

    office.shop.write_bytes(shop)
    office.desk.records.close()
    office.desk.records.refresh("shop")
    assert packages.provide(office.desk, request.id).package


def test_what_a_killed_worker_left_is_cleared_a_day_later_and_nothing_else_is(office: Office) -> None:
    import os

    made(office)
    folder = office.company.folder / "packages"
    old, new, foreign = folder / ("o" * 43), folder / ("n" * 43), folder / "notes.txt"
    for path in (old, new, foreign):
        path.write_bytes(b"x")
    for path in (old, foreign):
        os.utime(path, (0, 0))

    packages.clear(office.desk)

    assert not old.exists()
    assert new.exists()
    assert foreign.exists()
    assert len(sealed_files(office)) == 3


def test_no_datum_stands_in_a_name_a_log_or_the_ledger(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with sqlite3.connect(office.shop) as connection:
        connection.execute("update orders set note = 'canary-7f3a' where user_id = 7")
        connection.execute("update users set name = 'canary-7f3a' where id = 7")
    request = made(office)
    data = content(office, request)

    assert b"canary-7f3a" in text_of(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert not any("canary" in name for name in archive.namelist())
    assert not any("canary" in path.name for path in office.company.folder.rglob("*"))
    assert "canary" not in caplog.text
    assert b"canary" not in b"".join(leaf.content for leaf in office.company.leaves())


def test_who_has_been_erased_takes_their_copies_along(office: Office) -> None:
    request = made(office)
    assert request.person is not None
    with office.desk.office.deed() as tx:
        farewell.part(tx, office.desk.office, request.person, keep_letters_of=request.number)

    [row] = office.company.rows(table)
    assert (row.gone, row.key) == (Gone.ERASED, None)
    assert fetched(office, request) is None
    packages.clear(office.desk)
    assert sealed_files(office) == []
