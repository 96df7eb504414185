"""The page of attestations, by role."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rights.desks import Office, found_office
from tests.rights.site import browser, sign_in_staff, site_of, submit
from troth.foundation.attestations import reading
from troth.foundation.roles import Role

HERE = "/console/attestations"
FIELDS = {"about": "pentest", "statement": "Tested.", "document": "report.md", "until": "2027-06-30"}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path) as made:
        (made.company.folder / "report.md").write_text("They did not get in.\n")
        yield made


@pytest.fixture
def site(office: Office) -> Iterator[Any]:
    with site_of(office) as made:
        yield made


def test_an_officer_attests_in_their_own_name_and_takes_it_back(office: Office, site: Any) -> None:
    page = browser(site)
    sign_in_staff(office, page, Role.DPO)

    assert "holds" in submit(page, HERE, **FIELDS).text
    with office.desk.office.store.reading() as tx:
        [made] = reading.all_(tx)
    assert made.owner.startswith("dpo-")
    assert "withdrawn" in submit(page, HERE, f"{HERE}/{made.id}/withdraw").text


def test_a_fault_in_the_form_is_told_and_what_was_typed_stays(office: Office, site: Any) -> None:
    page = browser(site)
    sign_in_staff(office, page, Role.ADMINISTRATOR)
    answer = submit(page, HERE, **{**FIELDS, "document": "lost.md"})
    assert answer.status_code == 422
    assert "no such document" in answer.text
    assert 'value="lost.md"' in answer.text


@pytest.mark.parametrize("role", [Role.AGENT, Role.AUDITOR])
def test_who_may_only_look_has_no_form_and_cannot_send_one(office: Office, site: Any, role: Role) -> None:
    page = browser(site)
    sign_in_staff(office, page, role)
    shown = page.get(HERE)
    assert shown.status_code == 200
    assert "Attest it in my name" not in shown.text
    assert submit(page, HERE, **FIELDS).status_code == 403
    with office.desk.office.store.reading() as tx:
        assert reading.all_(tx) == ()


def test_a_store_that_cannot_be_written_is_not_told_as_an_attestation_that_is_not_there(
    office: Office, site: Any
) -> None:
    page = browser(site)
    sign_in_staff(office, page, Role.DPO)
    submit(page, HERE, **FIELDS)
    store = office.desk.office.store
    with sqlite3.connect(store.path or "") as raw:  # as a disk that has no room for another entry
        raw.execute("CREATE TRIGGER full BEFORE INSERT ON ledger_leaves BEGIN SELECT RAISE(ABORT, 'full'); END")

    answer = submit(page, HERE, f"{HERE}/1/withdraw")

    assert answer.status_code == 503
    assert "nothing was done" in answer.text
    with store.reading() as tx:
        assert reading.all_(tx)[0].withdrawn_at is None
