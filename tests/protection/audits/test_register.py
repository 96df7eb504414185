"""Scans taken in: since when a hole is open, and what the check makes of it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from sqlalchemy import select
from typer.testing import CliRunner

from tests.policies import EXAMPLE, said
from tests.protection.audits.outputs import cyclonedx, pip_audit, result, sarif, vulnerability
from tests.protection.registers import POLICY, Desk
from tests.stores import fresh_store
from troth.errors import TrothError
from troth.foundation import keys
from troth.foundation.attestations import register as attestations
from troth.foundation.attestations.register import Statement
from troth.foundation.keys import Keyring
from troth.foundation.ledger.tables import ledger_leaves
from troth.protection.audits import commands, reading, register
from troth.protection.audits.reading import FindingSeen
from troth.protection.checks.audits import audit_overdue


def take(desk: Desk, data: bytes, tool: str | None = None) -> register.Taken:
    with desk.store.writing() as tx:
        return register.take_in(tx, desk.keyring, data, "output.json", desk.now, tool)


def findings(desk: Desk) -> dict[str, FindingSeen]:
    with desk.store.reading() as tx:
        return {each.name: each for each in reading.findings(tx)}


def test_a_hole_is_as_old_as_its_first_report(desk: Desk) -> None:
    first = desk.now
    take(desk, pip_audit("A"))
    desk.clock.advance(dt.timedelta(days=7))
    taken = take(desk, pip_audit("A", "B"))

    assert (taken.found, taken.new, taken.closed) == (2, 1, 0)
    found = findings(desk)
    assert (found["A"].first_seen, found["B"].first_seen) == (first, desk.now)


def test_what_is_no_longer_reported_is_closed_and_begins_anew_when_it_comes_back(desk: Desk) -> None:
    take(desk, pip_audit("A", "B"))
    desk.clock.advance(dt.timedelta(days=1))
    assert take(desk, pip_audit("B")).closed == 1
    assert not findings(desk)["A"].is_open
    desk.clock.advance(dt.timedelta(days=1))
    take(desk, pip_audit("B", "A"))
    assert findings(desk)["A"].is_open
    assert findings(desk)["A"].first_seen == desk.now


def test_one_tool_closes_nothing_of_another(desk: Desk) -> None:
    take(desk, pip_audit("A"))
    take(desk, sarif())
    assert findings(desk)["A"].is_open


@pytest.mark.parametrize("name", ["A", "CVE-A"])
def test_a_vex_speaks_about_what_others_found_before_or_after_it(desk: Desk, name: str) -> None:
    vex = cyclonedx(vulnerability(name, state="not_affected", justification="code_not_present"))
    take(desk, pip_audit("A"))
    take(desk, vex)
    assert not findings(desk)["A"].is_open

    desk.clock.advance(dt.timedelta(days=1))
    take(desk, pip_audit("A", "B"))
    found = findings(desk)
    assert (found["A"].is_open, found["B"].is_open) == (False, True)

    desk.clock.advance(dt.timedelta(days=1))
    take(desk, cyclonedx(vulnerability(name, state="exploitable")))
    assert findings(desk)["A"].is_open


def test_the_same_output_again_is_nothing_and_an_older_one_is_refused(desk: Desk) -> None:
    old, new = sarif(end="2026-11-01T10:00:00Z"), sarif(end="2026-11-20T10:00:00Z")
    take(desk, new)
    assert take(desk, new).again
    with pytest.raises(TrothError, match="newer output"):
        take(desk, old)
    assert take(desk, old, tool="the other repository").new == 0
    with pytest.raises(TrothError, match="in the future"):
        take(desk, sarif(end="2027-01-01T10:00:00Z"))


def test_an_import_is_one_entry_of_the_ledger_with_the_outputs_hash(desk: Desk) -> None:
    take(desk, pip_audit("A"))
    with desk.store.reading() as tx:
        [(kind, content)] = tx.execute(select(ledger_leaves.c.kind, ledger_leaves.c.content)).all()
        [scan] = reading.scans(tx)
    assert kind == "audit.scanned"
    assert scan.sha256.encode() in content


# --- the check --------------------------------------------------------------------------------------------------------


@pytest.fixture
def looked_after(desk: Desk) -> Desk:
    """Scanned today, with one accepted hole and one that is new; tested from outside."""
    take(desk, cyclonedx(vulnerability("A", state="not_affected", justification="code_not_present")))
    take(desk, pip_audit("A", "B"))
    told = Statement("pentest", "Tested.", "dpo", desk.paper("report.md"), dt.date(2027, 6, 1))
    with desk.store.writing() as tx:
        attestations.attest(tx, desk.keyring, POLICY, desk.folder, told, desk.now)
    return desk


def test_scanned_mended_and_tested_is_kept(looked_after: Desk) -> None:
    assert looked_after.verdict(audit_overdue) == "kept"
    assert {each.grade.value for each in looked_after.report(audit_overdue).evidence} == {"measured", "attested"}


def test_no_scan_no_test_or_no_store_is_unproven(desk: Desk) -> None:
    assert desk.verdict(audit_overdue) == "unproven"
    take(desk, pip_audit())
    assert desk.verdict(audit_overdue) == "unproven"
    assert "nobody has attested a test by somebody from outside" in said(desk.report(audit_overdue))
    assert desk.verdict(audit_overdue, store=False) == "unproven"


def test_without_a_scanner_an_assessment_can_be_attested(desk: Desk) -> None:
    for topic in ("vulnerability-assessment", "pentest"):
        told = Statement(topic, "Looked at.", "dpo", desk.paper("report.md"), dt.date(2027, 6, 1))
        with desk.store.writing() as tx:
            attestations.attest(tx, desk.keyring, POLICY, desk.folder, told, desk.now)
    assert desk.verdict(audit_overdue) == "kept"
    desk.clock.set("2027-06-02T00:00:00+00:00")
    assert desk.verdict(audit_overdue) == "unproven"


def test_a_vex_alone_is_no_scan(desk: Desk) -> None:
    take(desk, cyclonedx())
    assert "no output of a scanner is on record" in said(desk.report(audit_overdue))


def open_for_long(desk: Desk) -> None:
    desk.clock.advance(dt.timedelta(days=14))


def not_scanned_for_long(desk: Desk) -> None:
    desk.sql("update audit_scans set scanned_at = '2025-11-01 00:00:00.000000'")


def struck(desk: Desk) -> None:
    desk.sql("delete from audit_findings where name = 'B'")


def closed_by_hand(desk: Desk) -> None:
    desk.sql("update audit_findings set closed_at = '2026-11-22 00:00:00.000000' where name = 'B'")


def dated_ahead(desk: Desk) -> None:
    desk.sql("update audit_findings set first_seen = '2027-11-22 00:00:00.000000' where name = 'B'")


def said_to_be_less(desk: Desk) -> None:
    desk.sql("update audit_findings set severity = 'low' where name = 'B'")


def accepted_by_hand(desk: Desk) -> None:
    desk.sql("update audit_findings set accepted = 'not reachable' where name = 'B'")


def scanned_later(desk: Desk) -> None:
    desk.sql("update audit_scans set scanned_at = '2026-11-22 05:59:00.000000' where tool = 'pip-audit'")


def a_scan_is_struck(desk: Desk) -> None:
    desk.sql("delete from audit_findings where tool <> 'pip-audit'")
    desk.sql("delete from audit_scans where tool <> 'pip-audit'")
    desk.sql("update audit_findings set accepted = null")


def made_younger(desk: Desk) -> None:
    desk.clock.advance(dt.timedelta(days=13))
    take(desk, pip_audit("A", "B", "C"))
    desk.sql("update audit_findings set first_seen = '2026-12-05 06:00:00.000000' where name = 'B'")
    desk.clock.advance(dt.timedelta(days=3))


FAULTS = [
    *(open_for_long, not_scanned_for_long, struck, closed_by_hand, dated_ahead),
    *(said_to_be_less, accepted_by_hand, scanned_later, a_scan_is_struck, made_younger),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_overdue_or_was_hushed_up_is_broken(looked_after: Desk, fault: Callable[[Desk], None]) -> None:
    fault(looked_after)
    assert looked_after.verdict(audit_overdue) == "broken"


def test_a_day_earlier_it_is_not_too_long(looked_after: Desk) -> None:
    looked_after.clock.advance(dt.timedelta(days=13))
    assert looked_after.verdict(audit_overdue) == "kept"


def test_a_high_hole_has_ninety_days_and_a_medium_one_no_limit(looked_after: Desk) -> None:
    take(looked_after, pip_audit("A"))
    take(looked_after, sarif(result("R1", "error"), result("R2", "warning")))
    looked_after.clock.advance(dt.timedelta(days=89))
    assert looked_after.verdict(audit_overdue) == "kept"
    looked_after.clock.advance(dt.timedelta(days=1))
    report = said(looked_after.report(audit_overdue))
    assert "R1 (high) is open since" in report
    assert "R2" not in report


def test_an_output_that_was_altered_in_the_store_is_unproven(looked_after: Desk) -> None:
    looked_after.sql("update audit_scans set output = zeroblob(20)")
    assert looked_after.verdict(audit_overdue) == "unproven"
    assert "is not the one taken in" in said(looked_after.report(audit_overdue))


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_takes_in_and_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "troth.toml").write_text('[store]\nurl = "sqlite:///troth.db"\n')
    (tmp_path / "policy.yaml").write_bytes(EXAMPLE.read_bytes())
    (tmp_path / "audit.json").write_bytes(pip_audit("A"))
    with fresh_store(tmp_path) as store:
        keys.confirm(store, Keyring.create(tmp_path))
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.add_typer(commands.audit, name="audit")

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["audit", *arguments])
        return done.exit_code, done.stdout

    assert run("list") == (0, "")
    assert "1 reported, 1 new" in run("import", "audit.json")[1]
    assert run("import", "audit.json")[1] == "This very output is on record already.\n"
    code, listed = run("list", "--format", "json")
    assert code == 1
    assert [each["name"] for each in json.loads(listed)["findings"]] == ["A"]
    assert "critical  A  part 1.0" in run("list")[1]
