"""What lint found, as JSON and SARIF."""

from __future__ import annotations

from typing import Any

from troth.entrypoints.reports import sarif
from troth.policy.lint import LintFinding

SCHEMA = 1


def of_findings(found: tuple[LintFinding, ...]) -> dict[str, Any]:
    """The `lint` JSON shape."""
    return {
        "schema": SCHEMA,
        "findings": [
            {
                "rule": fault.rule,
                "fault": fault.fault,
                "clause": fault.clause,
                "number": fault.number,
                "line": fault.line,
                "level": fault.level.value,
                "message": fault.message,
                "reference": fault.reference,
                "repair": fault.repair,
            }
            for fault in found
        ],
    }


def to_sarif(found: tuple[LintFinding, ...], file: str) -> dict[str, Any]:
    """The same as one SARIF run; a rule for each that found something."""
    names = dict.fromkeys(fault.rule for fault in found)
    references = {fault.rule: fault.reference for fault in found}
    rules = [{"id": name, "shortDescription": {"text": name}, "help": {"text": references[name]}} for name in names]
    results = [
        {
            "ruleId": fault.rule,
            "level": fault.level.value,
            "message": {"text": f"{fault.message} Repair: {fault.repair}"},
            "locations": [sarif.location(file, fault.line)],
        }
        for fault in found
    ]
    return sarif.document(rules, results)
