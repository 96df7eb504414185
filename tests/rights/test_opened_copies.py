"""rights.copy-unusable: copies that were really made, and ones that only look so."""

from __future__ import annotations

import io
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.policies import BROKEN, KEPT, UNPROVEN, judge, policy_of, said
from tests.rights.desks import ADA, Office, found_office
from tests.rights.test_packages import content, made, sealed_files
from troth.foundation.observation import Observation
from troth.foundation.proof import SentenceReport
from troth.rights import access, opened_copies, packages
from troth.rights.checks import copies
from troth.rights.packaging.contents import Copy
from troth.rights.tables import packages as table

POLICY = policy_of(
    """
    rights:
      number: "5"
      title: User Rights
      text: "You have the following rights:"
      access: {number: "5.1", title: Access, text: You may see your data., right: access}
    """
)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path) as found:
        with sqlite3.connect(found.shop) as connection:
            connection.execute("alter table orders add column placed_at text")
            connection.execute("update orders set placed_at = '2026-01-05 10:00:00'")
        yield found


def look(office: Office, **other: object) -> SentenceReport:
    desk = office.desk
    facts = {
        "datamap": desk.datamap,
        "records": desk.records,
        "store": desk.office.store,
        "keyring": desk.office.keyring,
        "packages": desk.instance.package_folder,
    }
    seen = Observation(POLICY, office.now, office.company.folder, **{**facts, **other})  # type: ignore[arg-type]
    return judge([copies.copy_unusable], seen).of("5.1")


def without(office: Office, monkeypatch: pytest.MonkeyPatch, gone: Callable[[str], bool]) -> None:
    """Let every copy be made without some tables, as a fault in the deed would."""
    honest = access.collect

    def collect(*arguments: object) -> Copy:
        copy = honest(*arguments)  # type: ignore[arg-type]
        holdings = (
            replace(each, rows=(row for row in each.rows if not row)) if gone(each.table) else each
            for each in copy.holdings
        )
        return replace(copy, holdings=holdings)

    monkeypatch.setattr(access, "collect", collect)


def test_copies_that_open_and_hold_the_rows_of_their_person_are_kept(office: Office) -> None:
    made(office)
    found = look(office)
    assert found.verdict is KEPT
    assert "1 copy opened: signed, whole, with 3 rows" in str(found.evidence)


def test_while_no_copy_waits_nothing_is_said(office: Office) -> None:
    assert look(office).evidence == ()


def test_an_empty_copy_is_broken(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    without(office, monkeypatch, lambda _: True)
    made(office)
    found = look(office)
    assert found.verdict is BROKEN
    assert "users in shop: 1 rows of its person from before it, and none in it" in said(found)


def test_a_copy_without_a_table_of_the_persons_is_broken_and_one_made_before_its_rows_is_not(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(office, monkeypatch, lambda name: name == "orders")
    made(office)
    found = look(office)
    assert found.verdict is BROKEN
    assert "orders in shop: 2 rows" in said(found)

    with sqlite3.connect(office.shop) as connection:
        connection.execute("update orders set placed_at = '2027-06-01 10:00:00'")
    assert look(office).verdict is KEPT


def test_a_file_that_is_gone_damaged_or_another_is_broken(office: Office) -> None:
    made(office)
    [path] = sealed_files(office)
    whole = path.read_bytes()
    for damaged in (whole[:-40], whole[:60] + bytes([whole[60] ^ 1]) + whole[61:], b""):
        path.write_bytes(damaged)
        assert look(office).verdict is BROKEN
    path.unlink()
    assert "its file is missing" in said(look(office))
    path.write_bytes(whole)
    assert look(office).verdict is KEPT


def test_counts_that_differ_from_those_of_the_ledger_are_broken(office: Office) -> None:
    made(office)
    with office.desk.office.store.writing() as tx:
        tx.execute(table.update().values(rows=table.c.rows + 1))
    assert "its manifest says 3, its record 4, the ledger 3" in said(look(office))


def test_what_was_changed_inside_and_sealed_again_is_broken(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    request = made(office)
    whole = io.BytesIO(content(office, request))
    changed = io.BytesIO()
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"a pot", b"a pan"))
    monkeypatch.setattr(opened_copies, "unsealed", lambda *_, **__: iter([changed.getvalue()]))
    found = said(look(office))
    assert "orders.json is not as it was signed" in found
    assert "what opens is not the file that was made" in found


def test_what_was_not_looked_at_is_unproven(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    made(office)
    assert look(office, packages=None).verdict is UNPROVEN
    assert look(office, keyring=None).verdict is UNPROVEN
    monkeypatch.setattr(opened_copies, "LARGEST", 10)
    assert look(office).verdict is UNPROVEN


def test_a_copy_whose_person_is_not_found_any_more_is_unproven(office: Office) -> None:
    made(office, ADA)
    with sqlite3.connect(office.shop) as connection:
        connection.execute("update users set id = 70, email = 'else@customer.example.org', phone = null where id = 7")
    found = look(office)
    assert found.verdict is UNPROVEN


def test_the_look_changes_nothing_and_counts_as_no_download(office: Office) -> None:
    request = made(office)
    look(office)
    with office.desk.office.store.reading() as tx:
        [row] = tx.execute(select(table)).all()
        assert packages.find(tx, request.id) is not None
    assert row.downloads == 0
