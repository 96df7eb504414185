"""Outputs of scanners, as they write them."""

from __future__ import annotations

import json
from typing import Any


def pip_audit(*vulnerable: str) -> bytes:
    """One dependency with these vulnerabilities."""
    vulns = [{"id": name, "fix_versions": [], "aliases": [f"CVE-{name}"], "description": ""} for name in vulnerable]
    return json.dumps({"dependencies": [{"name": "part", "version": "1.0", "vulns": vulns}], "fixes": []}).encode()


def sarif(*results: dict[str, Any], rules: Any = (), tool: str = "scanner", end: str | None = None) -> bytes:
    run: dict[str, Any] = {"tool": {"driver": {"name": tool, "rules": list(rules)}}, "results": list(results)}
    if end is not None:
        run["invocations"] = [{"executionSuccessful": True, "endTimeUtc": end}]
    return json.dumps({"version": "2.1.0", "runs": [run]}).encode()


def result(rule: str, level: str = "error", uri: str = "a.py", **more: Any) -> dict[str, Any]:
    place = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 3}}}
    return {"ruleId": rule, "level": level, "message": {"text": "x"}, "locations": [place], **more}


def cyclonedx(*found: dict[str, Any], parts: bool = False, at: str | None = None, tool: str = "vexer") -> bytes:
    said: dict[str, Any] = {"bomFormat": "CycloneDX", "specVersion": "1.6", "vulnerabilities": list(found)}
    said["metadata"] = {"tools": {"components": [{"type": "application", "name": tool}]}}
    if at is not None:
        said["metadata"]["timestamp"] = at
    if parts:
        said["components"] = [{"type": "library", "bom-ref": "r1", "name": "part", "version": "1.0"}]
    return json.dumps(said).encode()


def vulnerability(name: str, severity: str = "critical", **analysis: str) -> dict[str, Any]:
    said: dict[str, Any] = {"id": name, "ratings": [{"severity": severity}], "affects": [{"ref": "r1"}]}
    if analysis:
        said["analysis"] = analysis
    return said
