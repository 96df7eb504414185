"""What scanners write, read into one shape."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.protection.audits.outputs import cyclonedx, pip_audit, result, sarif, vulnerability
from troth.errors import UnreadableFile
from troth.protection.audits import formats
from troth.protection.audits.formats import Format, Severity


def severities(data: bytes) -> list[str]:
    return [hole.severity.value for hole in formats.read(data, "output.json").holes]


def accepted(data: bytes) -> list[str | None]:
    return [hole.accepted for hole in formats.read(data, "output.json").holes]


def test_what_pip_audit_found_counts_as_critical_as_it_does_not_say() -> None:
    scan = formats.read(pip_audit("PYSEC-1", "PYSEC-2"), "audit.json")
    assert (scan.tool, scan.format, scan.at) == ("pip-audit", Format.PIP_AUDIT, None)
    assert [(hole.name, hole.place, hole.severity) for hole in scan.holes] == [
        ("PYSEC-1", "part 1.0", Severity.CRITICAL),
        ("PYSEC-2", "part 1.0", Severity.CRITICAL),
    ]
    assert scan.holes[0].aliases == ("CVE-PYSEC-1",)


@pytest.mark.parametrize(
    ("level", "score", "severity"),
    [
        ("error", None, "high"),
        ("warning", None, "medium"),
        ("note", None, "low"),
        ("note", "9.8", "critical"),
        ("error", "8.9", "high"),
        ("error", "6.9", "medium"),
        ("error", "0.5", "low"),
    ],
)
def test_a_score_goes_before_the_level_in_sarif(level: str, score: str | None, severity: str) -> None:
    rules = [{"id": "R1", "properties": {"security-severity": score}}] if score else []
    assert severities(sarif(result("R1", level), rules=rules)) == [severity]


def test_what_is_no_fault_in_sarif_is_no_hole() -> None:
    assert (
        severities(sarif(result("R1", kind="pass"), result("R2", "none"), result("R3", baselineState="absent"))) == []
    )


def test_sarif_says_when_and_where() -> None:
    scan = formats.read(sarif(result("R1"), end="2026-11-01T10:00:00Z"), "output.sarif")
    assert scan.at == dt.datetime(2026, 11, 1, 10, tzinfo=dt.UTC)
    assert scan.holes[0].place == "a.py:3"


@pytest.mark.parametrize(
    ("suppression", "why"),
    [
        ({"kind": "external", "justification": "only in tests"}, "only in tests"),
        ({"kind": "external", "status": "accepted", "justification": "only in tests"}, "only in tests"),
        ({"kind": "external", "status": "underReview", "justification": "only in tests"}, None),
        ({"kind": "external", "status": "rejected", "justification": "only in tests"}, None),
        ({"kind": "inSource"}, None),
        ({"kind": "inSource", "justification": " "}, None),
    ],
)
def test_a_suppression_counts_with_a_reason_that_nobody_rejected(suppression: dict[str, str], why: str | None) -> None:
    assert accepted(sarif(result("R1", suppressions=[suppression]))) == [why]


@pytest.mark.parametrize(
    ("analysis", "counts"),
    [
        ({"state": "not_affected", "justification": "code_not_reachable"}, True),
        ({"state": "false_positive", "detail": "another part of that name"}, True),
        ({"state": "not_affected"}, False),
        ({"state": "resolved"}, True),
        ({"state": "exploitable", "detail": "it is"}, False),
        ({"state": "in_triage"}, False),
    ],
)
def test_a_vex_counts_with_a_reason(analysis: dict[str, str], counts: bool) -> None:
    [why] = accepted(cyclonedx(vulnerability("CVE-1", **analysis)))
    assert (why is not None) is counts


def test_a_cyclonedx_with_parts_is_a_scan_and_one_without_a_vex() -> None:
    assert formats.read(cyclonedx(parts=True), "bom.json").format is Format.CYCLONEDX
    scan = formats.read(cyclonedx(vulnerability("CVE-1"), parts=True), "bom.json")
    assert scan.holes[0].place == "part 1.0"
    assert formats.read(cyclonedx(), "vex.json").format is Format.VEX


def test_the_gravest_rating_counts_and_an_unknown_one_is_critical() -> None:
    both = {"id": "A", "ratings": [{"severity": "low"}, {"score": 7.5}], "affects": []}
    none = {"id": "B", "ratings": [{"severity": "unknown"}], "affects": []}
    assert severities(cyclonedx(both, none)) == ["high", "critical"]


def test_a_hole_reported_twice_is_one_and_open_where_one_report_is() -> None:
    quiet = result("R1", suppressions=[{"kind": "external", "justification": "x"}])
    assert accepted(sarif(quiet, result("R1"))) == [None]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"not json", "not JSON"),
        (b"[]", "no output that can be read"),
        (b"{}", "no output that can be read"),
        (b'{"bomFormat": "CycloneDX", "components": []}', "no scan"),
        (b'{"version": "2.0.0", "runs": [{}]}', "shape"),
        (b'{"version": "2.1.0", "runs": [{"tool": {}}]}', "shape"),
        (b'{"dependencies": [{"vulns": [{"id": "A"}]}]}', "shape"),
        (b'{"bomFormat": "CycloneDX", "vulnerabilities": [{"ratings": []}]}', "shape"),
        (b"[" * 100_000, "not JSON"),
        (b" " * (formats.LARGEST + 1), "too large"),
    ],
)
def test_what_is_no_output_is_told(data: bytes, told: str) -> None:
    with pytest.raises(UnreadableFile, match=told):
        formats.read(data, "output.json")
