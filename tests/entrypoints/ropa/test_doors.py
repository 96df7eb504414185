"""The record and the audit report as commands and as a room of the console; the report is signed."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import openpyxl
import pytest

from tests.entrypoints.matrix import seat
from tests.entrypoints.ropa.records import POLICY
from tests.rights.desks import ADA, Office, found_office
from tests.rights.site import site_of
from troth.entrypoints import cli
from troth.entrypoints.reports import audit
from troth.entrypoints.reports.json import of_report
from troth.entrypoints.ropa import shapes
from troth.errors import ProofInvalid, TrothError
from troth.foundation import verdicts
from troth.foundation.ledger.notes import PublicKey
from troth.foundation.ledger.sequencer import sequence_all
from troth.foundation.proof import Evidence, Finding, Grade, Report, SentenceReport, Verdict
from troth.foundation.roles import Role
from troth.policy import reading
from troth.policy.vocabulary import Right

Run = Callable[..., str]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with found_office(tmp_path_factory.mktemp("record"), more='[record]\nkeeper = "the desk"\n') as made:
        yield made


@pytest.fixture(scope="module")
def checked(office: Office) -> Office:
    """The office with a request, a check and a signed head on record."""
    office.file(Right.ACCESS)
    policy = reading.read(office.company.folder / "policy.yaml")
    evidence = Evidence("use.made-up", Grade.MEASURED, office.now, "users in shop", "2 rows", dt.timedelta(days=1))
    finding = Finding("use.made-up", Verdict.BROKEN, "users in shop", "1 row </script>", "run `troth map`", "Art. 5")
    sentences = tuple(
        SentenceReport(s.id, s.number, s.text, Verdict.KEPT, (), (evidence,), (), s.sums, s.line)
        for s in policy.sentences[:-1]
    )
    last = policy.sentences[-1]
    broken = SentenceReport(last.id, last.number, last.text, Verdict.BROKEN, (), (), (finding,), last.sums, last.line)
    report = Report("policy.yaml", policy.sha256, office.now, (*sentences, broken))
    store = office.desk.office.store
    with store.writing() as tx:
        verdicts.record(tx, checked_at=office.now, report=of_report(report))
    sequence_all(store, office.desk.office.keyring, office.company.clock, host="shop.example.com")
    return office


@pytest.fixture
def run(office: Office, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    monkeypatch.chdir(office.company.folder)
    for name, value in office.desk.instance.environ.items():
        monkeypatch.setenv(name, value)

    def go(*arguments: str, status: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["troth", *arguments])
        capfdbinary.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as done:
            code = int(done.code or 0)
        shown = capfdbinary.readouterr()
        assert code == status, shown.err
        return (shown.out if status == 0 else shown.err).decode()

    return go


def made(office: Office) -> dict[str, Any]:
    return audit.signed(office.desk.instance, office.desk.office.store, office.now)


def test_the_record_is_written_in_each_form(checked: Office, run: Run, tmp_path: Path) -> None:
    value = json.loads(run("ropa"))
    jsonschema.validate(value, json.loads(run("ropa", "--schema")))
    assert value["controller"]["keeper"] == "the desk"
    assert run("ropa", "--format", "csv", "--columns", "ico").startswith("Business function,")
    assert "<h2" in run("ropa", "--format", "html", "--as", "processor")
    run("ropa", "--format", "xlsx", "-o", str(tmp_path / "record.xlsx"))
    assert (tmp_path / "record.xlsx").read_bytes()[:2] == b"PK"


def test_the_files_alone_give_a_record_too(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)

    value = json.loads(run("ropa"))

    assert [each["id"] for each in value["activities"]][:2] == ["service", "transactions"]
    assert value["about"]["as_of"] is None
    assert "nothing to report" in run("report", status=2)


def test_two_runs_of_the_command_give_the_same_bytes(checked: Office, run: Run) -> None:
    assert run("ropa") == run("ropa")


def test_the_record_names_version_check_and_ledger(checked: Office, run: Run) -> None:
    about = json.loads(run("ropa"))["about"]

    assert about["policy_sha256"] == hashlib.sha256((checked.company.folder / "policy.yaml").read_bytes()).hexdigest()
    assert about["map_sha256"] == hashlib.sha256((checked.company.folder / "datamap.yaml").read_bytes()).hexdigest()
    assert about["checked_at"] == checked.now.isoformat()
    assert about["ledger"] == made(checked)["report"]["ledger"]["origin"]
    assert about["root"] == made(checked)["report"]["ledger"]["root"]
    assert about["size"] > 0


def test_the_report_has_verdicts_findings_requests_registers_and_ledger(checked: Office) -> None:
    report = made(checked)["report"]

    assert report["summary"]["broken"] == 1
    assert report["open"][0]["repair"] == "run `troth map`"
    assert report["requests"]["by_right"] == [
        {
            "right": "access", "received": 1, "open": 1, "done": 0, "refused": 0, "cancelled": 0, "late": 0,
            "median_s": None, "longest_s": None,
        }
    ]  # fmt: skip
    assert [each["right"] for each in report["requests"]["open"]] == ["access"]
    assert set(report["registers"]) >= {"disclosures", "demands", "breaches", "holds", "attestations", "retention_runs"}
    assert report["ledger"]["checkpoint"].startswith(report["ledger"]["origin"] + "\n")


def test_a_request_that_waits_beyond_its_day_is_late(checked: Office) -> None:
    later = checked.now + dt.timedelta(days=60)

    report = audit.gather(checked.desk.instance, checked.desk.office.store, later)

    assert report["requests"]["by_right"][0]["late"] == 1
    assert report["requests"]["open"][0]["late"]


def test_the_report_names_nobody(checked: Office) -> None:
    text = audit.as_json(made(checked)) + audit.as_html(made(checked))

    for value in (ADA.value, "Ada", "+353 1 496 0000"):
        assert value not in text


def test_an_altered_report_is_found(checked: Office) -> None:
    found = made(checked)
    keys = [PublicKey.parse(line) for line in found["report"]["ledger"]["keys"]]
    audit.verify(json.loads(json.dumps(found)), keys)

    altered = copy.deepcopy(found)
    altered["report"]["summary"]["broken"] = 0
    with pytest.raises(ProofInvalid, match="altered"):
        audit.verify(altered, keys)
    with pytest.raises(ProofInvalid):
        audit.verify(found | {"note": found["note"].replace("troth report", "troth Report")}, keys)


def test_the_page_carries_the_report_that_is_signed(checked: Office) -> None:
    found = made(checked)
    text = audit.as_html(found)

    inside = re.search(r'<script type="application/json" id="signed">(.*?)</script>', text, re.DOTALL)
    assert inside
    assert json.loads(inside[1]) == found
    assert "1 row </script>" not in text
    assert "1 row &lt;/script&gt;" in text


def test_the_command_writes_a_report_that_verifies(checked: Office, run: Run) -> None:
    found = json.loads(run("report"))

    audit.verify(found, [PublicKey.parse(line) for line in found["report"]["ledger"]["keys"]])
    assert "Audit report" in run("report", "--format", "html")


def test_without_its_key_the_report_says_why_it_is_not_signed(checked: Office) -> None:
    key = checked.company.folder / "troth.key"
    kept = key.read_bytes()
    key.unlink()
    try:
        instance = checked.desk.instance
        bare = {name: value for name, value in instance.environ.items() if name != "TROTH_KEY"}
        found = audit.signed(
            type(instance)(instance.folder, instance.settings, bare), checked.desk.office.store, checked.now
        )
    finally:
        key.write_bytes(kept)
        key.chmod(0o600)

    assert found["note"] is None
    assert "key" in found["unsigned"]
    assert "Not signed" in audit.as_html(found)


def test_before_the_first_check_there_is_no_report(tmp_path: Path) -> None:
    with found_office(tmp_path) as fresh, pytest.raises(TrothError, match="was not checked yet"):
        made(fresh)


def test_the_console_shows_the_record_and_gives_it_away_as_files(checked: Office) -> None:
    with site_of(checked) as site:
        page = seat(checked, site, Role.AUDITOR, "una-the-auditor").page
        shown = page.get("/console/record")
        assert shown.status_code == 200
        assert "the desk" in shown.text
        assert "Gap:" in shown.text
        other = page.get("/console/record?as=processor").text
        assert "For controllers" in other
        assert page.get("/console/record?as=nonsense").status_code == 200
        jsonschema.validate(page.get("/console/record/record.json").json(), shapes.schema())
        firsts = {
            "record.xlsx": "Activity",
            "record-cnil.xlsx": "Name of the processing",
            "record-ico.xlsx": "Business function",
        }
        for name, first in firsts.items():
            given = page.get(f"/console/record/{name}")
            assert openpyxl.load_workbook(io.BytesIO(given.content))["Activities"]["A2"].value == first
            assert given.headers["content-disposition"] == f'attachment; filename="{name}"'
