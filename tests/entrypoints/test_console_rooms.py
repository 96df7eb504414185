"""Rooms of the console over the registers: audits, assessments, the ledger, the brake, versions; and what leads there."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.entrypoints import room_makers
from tests.entrypoints.makers import form_token
from tests.protection.audits.outputs import cyclonedx, pip_audit, vulnerability
from tests.rights.desks import Office, found_office
from tests.rights.site import browser, sign_in_staff, site_of, submit
from troth.entrypoints.reports import audit
from troth.foundation import staff
from troth.foundation.guards import pausing
from troth.foundation.ledger import checkpoints, exports, receipts
from troth.foundation.ledger.sequencer import sequence_all
from troth.foundation.roles import Role
from troth.foundation.web.pages import Frame, Link
from troth.protection.audits import register as audits
from troth.updates import versions


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with found_office(tmp_path_factory.mktemp("rooms")) as made:
        (made.company.folder / "impact.md").write_text("Weighed.\n")
        yield made


@pytest.fixture(scope="module")
def site(office: Office) -> Iterator[Any]:
    with site_of(office) as made:
        yield made


@pytest.fixture(scope="module")
def seats(office: Office, site: Any) -> dict[Role, Any]:
    """A browser for each role, in which somebody of it is signed in."""
    pages = {role: browser(site) for role in Role}
    for role, page in pages.items():
        sign_in_staff(office, page, role)
    return pages


@pytest.fixture
def officer(seats: dict[Role, Any]) -> Any:
    return seats[Role.DPO]


# --- audits -----------------------------------------------------------------------------------------------------------


def test_holes_stand_with_their_age_and_those_that_are_open_too_long_are_told(office: Office, officer: Any) -> None:
    assert "No scan is on record" in officer.get("/console/audits").text
    desk, old = office.desk.office, office.now - dt.timedelta(days=400)
    with desk.store.writing() as tx:
        grave = cyclonedx(vulnerability("CVE-2026-0001", "critical"), vulnerability("CVE-2026-0002", "low"))
        audits.take_in(tx, desk.keyring, grave, "bom.json", old, "old scanner")
        audits.take_in(tx, desk.keyring, pip_audit("PYSEC-2026-3"), "audit.json", office.now)
    shown = officer.get("/console/audits").text
    late = re.findall(r"<b>([\w-]+)</b>(?:(?!</tr>).)*open too long", shown, re.DOTALL)
    assert late == ["CVE-2026-0001"]
    assert {"CVE-2026-0002", "PYSEC-2026-3"} <= set(re.findall(r"<b>([\w-]+)</b>", shown))


def test_who_does_not_oversee_sees_no_holes(seats: dict[Role, Any]) -> None:
    assert seats[Role.AGENT].get("/console/audits").status_code == 403


def test_a_scan_comes_by_a_file_once_under_the_name_of_who_brought_it(office: Office, officer: Any) -> None:
    here, data = "/console/audits", pip_audit("PYSEC-2026-77")
    token = form_token(officer)

    def send(content: bytes, **fields: str) -> Any:
        files = {"output": ("anything", content)}
        return officer.post(here, data={"form_token": token, **fields}, files=files)

    taken = send(data, tool="nightly")
    again, wrong, none = send(data, tool="nightly"), send(b"{"), officer.post(here, data={"form_token": token})

    assert "PYSEC-2026-77" in taken.text
    assert [each.status_code for each in (taken, again, wrong, none)] == [200, 422, 422, 422]
    assert "on record already" in again.text
    assert 'role="alert"' in wrong.text
    leaf = [each for each in office.company.leaves() if each.kind == "audit.scanned"][-1]
    with office.desk.office.store.reading() as tx:
        [dora] = [each for each in staff.list_(tx) if each.role is Role.DPO]
    assert f'"staff":{dora.id}' in leaf.content.decode()


def test_a_scan_is_brought_by_a_form_only_by_who_may(seats: dict[Role, Any]) -> None:
    assert 'type="file"' in seats[Role.DPO].get("/console/audits").text
    assert 'type="file"' not in seats[Role.AUDITOR].get("/console/audits").text


# --- staff ------------------------------------------------------------------------------------------------------------


def test_accounts_are_held_against_a_list_and_those_who_left_are_marked(seats: dict[Role, Any]) -> None:
    page, here = seats[Role.ADMINISTRATOR], "/console/staff"
    token = form_token(page)
    names = re.findall(r'<a href="/console/staff/\d+">([^<]+)</a>', page.get(here).text)

    def send(text: str) -> Any:
        return page.post(f"{here}/compare", data={"form_token": token}, files={"list": ("x.csv", text.encode())})

    held = send("\n".join(["name", *names[1:], "somebody-new"]))
    wrong = send("shoe size\n44\n")

    assert re.findall(r">([^<]+)</a>(?:(?!</tr>).)*broken\">left<", held.text, re.DOTALL) == names[:1]
    assert (wrong.status_code, "no column says how they sign in" in wrong.text) == (422, True)
    assert 'type="file"' not in seats[Role.AUDITOR].get(here).text


# --- assessments ------------------------------------------------------------------------------------------------------


def test_an_officer_records_an_assessment_and_a_fault_in_the_form_is_told(office: Office, officer: Any) -> None:
    here = "/console/assessments"
    assert ">needed<" in officer.get(here).text
    fields = {"purpose": "fraud", "document": "lost.md", "residual": "acceptable", "review": "2027-06-30"}
    wrong = submit(officer, here, **fields)
    assert wrong.status_code == 422
    assert 'value="lost.md"' in wrong.text
    assert submit(officer, here, **{**fields, "review": "soon"}).status_code == 422
    done = submit(officer, here, **{**fields, "document": "impact.md"})
    assert re.search(r"<small>fraud</small>(?:(?!</tr>).)*assessed", done.text, re.DOTALL)
    (office.company.folder / "impact.md").write_text("Weighed otherwise.\n")
    assert re.search(r"<small>fraud</small>(?:(?!</tr>).)*its hash differs", officer.get(here).text, re.DOTALL)


# --- breaches ---------------------------------------------------------------------------------------------------------


def test_what_was_typed_about_a_breach_outlives_a_fault_in_the_form(officer: Any) -> None:
    here = "/console/breaches"
    fields = {"what": "A list went astray.", "kind-integrity": "1", "role": "processor"}

    wrong = submit(officer, here, **fields, noticed="yesterday").text
    made = submit(officer, here, **fields)
    place = made.url.path
    unclear = submit(
        officer, place, f"{place}/assess", risk="none", consequences="Letters may lie.", measures="fetched"
    )

    assert "write an instant as in" in wrong
    assert re.findall(r'name="kind-(\w+)" value="1" checked', wrong) == ["integrity"]
    assert 'value="processor" selected' in wrong
    assert (made.status_code, unclear.status_code) == (200, 422)
    assert ">Letters may lie.</textarea>" in unclear.text
    assert "not a valid" not in unclear.text


# --- the ledger -------------------------------------------------------------------------------------------------------


def test_the_ledger_is_taken_away_by_who_may_and_verifies_elsewhere(
    office: Office, seats: dict[Role, Any], tmp_path: Path
) -> None:
    auditor, agent = seats[Role.AUDITOR], seats[Role.AGENT]
    sequence_all(office.desk.office.store, office.desk.office.keyring)
    with office.desk.office.store.reading() as tx:
        head, keys = checkpoints.latest(tx), checkpoints.public_keys(tx)
    assert head is not None
    assert checkpoints.claimed(head.note).root.hex() in auditor.get("/console/ledger").text
    assert agent.get("/console/ledger/export.zip").status_code == 403
    assert "Save the ledger" not in agent.get("/console/ledger").text

    saved = auditor.get("/console/ledger/export.zip")
    assert saved.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(saved.content)) as archive:
        archive.extractall(tmp_path)
    kept = auditor.get("/console/ledger/checkpoint").text
    outcome = exports.verify_export(tmp_path / "ledger", keys, [kept])
    assert outcome.holds
    assert outcome.size == checkpoints.claimed(kept).size


def test_one_entry_is_proven_by_its_number_and_its_proof_verifies_elsewhere(
    office: Office, seats: dict[Role, Any]
) -> None:
    here, auditor = "/console/ledger/entries", seats[Role.AUDITOR]
    number = room_makers.proven(office).path["number"]
    with office.desk.office.store.reading() as tx:
        keys = checkpoints.public_keys(tx)

    shown = auditor.get(here, params={"number": number})
    saved = auditor.get(f"{here}/{number}")

    proof = receipts.Receipt.read(saved.text)
    assert receipts.verify_receipt(proof, keys).root.hex() in shown.text
    assert proof.entry.decode().split('"kind":"')[1].split('"')[0] in shown.text
    assert auditor.get(here, params={"number": "999999"}).status_code == 404
    assert auditor.get(here, params={"number": "one"}).status_code == 404
    assert seats[Role.AGENT].get(here).status_code == 403


def test_a_damaged_ledger_is_not_an_entry_that_is_missing(
    office: Office, seats: dict[Role, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = room_makers.proven(office).path["number"]

    def torn(*_: object) -> None:
        raise ValueError("a tile of another length")

    monkeypatch.setattr(receipts.merkle, "inclusion_proof", torn)
    shown = seats[Role.AUDITOR].get("/console/ledger/entries", params={"number": number})

    assert (shown.status_code, "the ledger is damaged" in shown.text) == (503, True)


def test_the_audit_report_is_taken_away_signed_once_the_text_was_checked(
    office: Office, seats: dict[Role, Any]
) -> None:
    auditor, place = seats[Role.AUDITOR], "/console/ledger/report"
    assert seats[Role.ADMINISTRATOR].get(f"{place}.json").status_code == 403
    assert "was not checked yet" in auditor.get(f"{place}.html").text
    room_makers.checked(office)
    made = auditor.get(f"{place}.json").json()
    with office.desk.office.store.reading() as tx:
        audit.verify(made, list(checkpoints.public_keys(tx)))
    page = auditor.get(f"{place}.html")
    assert "attachment" in page.headers["content-disposition"]
    assert made["report"]["company"] in page.text


# --- the brake --------------------------------------------------------------------------------------------------------


def test_the_brake_is_pulled_and_let_go_by_name(office: Office, officer: Any) -> None:
    here, store = "/console/writing", office.desk.office.store
    stopped = submit(officer, here, f"{here}/pause")
    assert "Writing is stopped" in stopped.text
    with store.reading() as tx:
        assert pausing.brake(tx).paused
    going = submit(officer, here, f"{here}/resume")
    with store.reading() as tx:
        assert not pausing.brake(tx).paused
    assert re.findall(r'data-label="By">(dpo-\d+)<', going.text)


# --- versions ---------------------------------------------------------------------------------------------------------


def test_the_text_that_was_shown_is_published_and_no_other(office: Office, officer: Any) -> None:
    here, store, file = "/console/versions", office.desk.office.store, office.desk.instance.policy_file
    before = len(versions.history(store))
    file.write_text(f"{file.read_text()}# first\n")
    sha256 = re.search(r'name="sha256" value="(\w+)"', officer.get(here).text)
    assert sha256 is not None
    file.write_text(f"{file.read_text()}# second\n")
    assert "another than the one" in submit(officer, here, sha256=sha256[1]).text
    assert len(versions.history(store)) == before

    sha256 = re.search(r'name="sha256" value="(\w+)"', officer.get(here).text)
    assert sha256 is not None
    assert "word for word" in submit(officer, here, sha256=sha256[1]).text
    assert [each.sha256 for each in versions.history(store)][before:] == [sha256[1]]


def test_a_text_that_the_rules_refuse_is_told_why_and_not_published(office: Office, officer: Any) -> None:
    here, store, file = "/console/versions", office.desk.office.store, office.desk.instance.policy_file
    if unpublished := _shown(officer, here):
        submit(officer, here, sha256=unpublished)
    before = file.read_text()
    try:
        file.write_text(before.replace("30 days", "60 days"))
        known = len(versions.history(store))
        answer = submit(officer, here, sha256=_shown(officer, here))
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert len(versions.history(store)) == known
    finally:
        file.write_text(before)


def _shown(page: Any, here: str) -> str:
    found = re.search(r'name="sha256" value="(\w+)"', page.get(here).text)
    return found[1] if found else ""


def test_a_form_that_was_too_large_leads_back_to_its_page(officer: Any) -> None:
    here = "/console/attestations"
    large = officer.post(here, data={"form_token": form_token(officer), "statement": "x" * 300_000})
    assert (large.status_code, f'<a href="{here}">' in large.text.partition("<main")[2]) == (413, True)


def test_whoever_is_lost_in_the_console_is_led_back_there(office: Office, site: Any, officer: Any) -> None:
    for page in (officer, browser(site)):
        lost = page.get("/console/no-such-room")
        assert lost.status_code == 404
        assert '<a href="/console">Back to the start</a>' in lost.text
    assert '<a href="/console">' not in browser(site).get("/privacy/no-such-page").text


# --- what leads there -------------------------------------------------------------------------------------------------


def test_the_head_has_seven_entries_at_most_and_each_leads_to_what_one_may_see(seats: dict[Role, Any]) -> None:
    for role, page in seats.items():
        seen: set[str] = set()
        for path in _entries(page.get("/console").text, "Console"):
            shown = page.get(path)
            assert shown.status_code == 200, (role, path)
            head = _entries(shown.text, "Console")
            assert len(head) <= 7
            seen |= set(re.findall(r'href="(/console[^"]*)"', re.sub(r"(?s)</header>.*", "", shown.text)))
        assert all(page.get(path).status_code == 200 for path in seen)
        assert ("/console/audits" in seen) == (role is not Role.AGENT)


def _entries(text: str, label: str) -> list[str]:
    found = re.search(rf'<nav aria-label="{label}">(.*?)</nav>', text, re.DOTALL)
    assert found
    return re.findall(r'href="([^"]+)"', found[1])


def test_a_page_stands_under_the_entry_above_it() -> None:
    group = Link("Data", "/console/map", (Link("Map", "/console/map"), Link("Periods", "/console/periods")))
    frame = Frame("troth", "Console", (Link("Today", "/console"), group), home="/console")
    today = frame.links[0]
    assert frame.standing("/console") == (today, today)
    assert frame.standing("/console/periods/holds") == (group, group.below[1])
    assert frame.standing("/console/mapped") == (None, None)


def test_whatever_ends_soon_is_shown_to_somebody() -> None:
    from troth.entrypoints.console import pages
    from troth.protection import ending

    assert set(pages._SEEN_BY) == set(ending.Kind)
