"""The JSON shapes of reports, and their way back: a stored report is read again from the JSON it was shown as."""

from __future__ import annotations

import datetime as dt
from typing import Any

from troth.foundation.proof import Evidence, Finding, Grade, Report, SentenceReport, Verdict

SCHEMA = 1


def of_report(report: Report) -> dict[str, Any]:
    """The `check` shape: policy, clauses in the order of the page, summary."""
    return {
        "schema": SCHEMA,
        "policy": {"file": report.policy_file, "version": report.version, "hash": report.policy_sha256},
        "checked_at": report.checked_at.isoformat(),
        "clauses": [_clause(sentence) for sentence in report.sentences],
        "summary": {verdict.value: report.count(verdict) for verdict in Verdict},
    }


def _clause(sentence: SentenceReport) -> dict[str, Any]:
    return {
        "id": sentence.id,
        "number": sentence.number,
        "text": sentence.text,
        "line": sentence.line,
        "verdict": sentence.verdict.value,
        "sums": list(sentence.sums),
        "caused_by": list(sentence.caused_by),
        "evidence": [
            {
                "check": evidence.check,
                "grade": evidence.grade.value,
                "observed_at": evidence.observed_at.isoformat(),
                "source": evidence.source,
                "detail": evidence.detail,
                "max_age_s": int(evidence.max_age.total_seconds()),
            }
            for evidence in sentence.evidence
        ],
        "findings": [
            {
                "check": finding.check,
                "verdict": finding.verdict.value,
                "where": finding.where,
                "message": finding.message,
                "repair": finding.repair,
                "reference": finding.reference,
            }
            for finding in sentence.findings
        ],
    }


def to_report(value: dict[str, Any]) -> Report:
    """The report that `of_report` wrote; raises ValueError for another schema."""
    if value.get("schema") != SCHEMA:
        raise ValueError(f"a report of schema {value.get('schema')}; this troth reads {SCHEMA}")
    return Report(
        value["policy"]["file"],
        value["policy"]["hash"],
        dt.datetime.fromisoformat(value["checked_at"]),
        tuple(_sentence(clause) for clause in value["clauses"]),
        value["policy"]["version"],
    )


def _sentence(clause: dict[str, Any]) -> SentenceReport:
    return SentenceReport(
        id=clause["id"],
        number=clause["number"],
        text=clause["text"],
        verdict=Verdict(clause["verdict"]),
        caused_by=tuple(clause["caused_by"]),
        evidence=tuple(
            Evidence(
                each["check"],
                Grade(each["grade"]),
                dt.datetime.fromisoformat(each["observed_at"]),
                each["source"],
                each["detail"],
                dt.timedelta(seconds=each["max_age_s"]),
            )
            for each in clause["evidence"]
        ),
        findings=tuple(
            Finding(
                each["check"],
                Verdict(each["verdict"]),
                each["where"],
                each["message"],
                each["repair"],
                each["reference"],
            )
            for each in clause["findings"]
        ),
        sums=tuple(clause["sums"]),
        line=clause["line"],
    )
