"""SARIF 2.1.0 (OASIS) for code hosts: every broken or unproven sentence at its line of policy.yaml."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from troth.foundation.proof import Check, Report, Verdict

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {Verdict.BROKEN: "error", Verdict.UNPROVEN: "note"}


def of_report(report: Report, checks: tuple[Check, ...]) -> dict[str, Any]:
    """One run: a rule for each check that found something, a result for each finding."""
    used = {finding.check for sentence in report.sentences for finding in sentence.findings}
    rules = [
        {
            "id": check.id,
            "shortDescription": {"text": (check.look.__doc__ or check.id).strip().splitlines()[0]},
            "help": {"text": check.reference},
        }
        for check in checks
        if check.id in used
    ]
    results = [
        {
            "ruleId": finding.check,
            "level": _LEVEL[finding.verdict],
            "message": {"text": f"{sentence.number} {finding.where}: {finding.message}. Repair: {finding.repair}"},
            "locations": [location(report.policy_file, sentence.line)],
            "partialFingerprints": {"sentence/v1": f"{sentence.id}:{finding.check}:{finding.where}"},
            "properties": {"clause": sentence.id, "number": sentence.number, "verdict": finding.verdict.value},
        }
        for sentence in report.sentences
        for finding in sentence.findings
    ]
    return document(rules, results)


def location(file: str, line: int) -> dict[str, Any]:
    """A place in a file, by line from 1."""
    return {"physicalLocation": {"artifactLocation": {"uri": file}, "region": {"startLine": max(line, 1)}}}


def document(rules: list[dict[str, Any]], results: list[dict[str, Any]]) -> dict[str, Any]:
    """A whole SARIF log of one run of troth."""
    driver = {"name": "troth", "version": version("troth"), "rules": rules}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
