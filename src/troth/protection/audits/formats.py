"""What scanners write, read into one shape: SARIF 2.1.0, CycloneDX (vulnerabilities, VEX), the JSON of pip-audit.

How grave a hole is, in this order:

1. SARIF: `security-severity` of the rule (a CVSS score), else the level: error is high, warning medium, note low.
2. CycloneDX: the gravest of the ratings, else the score.
3. pip-audit says nothing of it: such a hole counts as critical until a VEX says otherwise.

What is accepted, and counts as closed: a SARIF suppression that is not rejected and has a justification; a CycloneDX
analysis `not_affected` or `false_positive` with a justification or detail, `resolved`, `resolved_with_pedigree`. A mere
mark without a reason closes nothing.

Sources: OASIS SARIF 2.1.0 sections 3.27, 3.35; CycloneDX 1.6 `vulnerabilities`; pip-audit `--format json`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from troth.errors import UnreadableFile

LARGEST = 32 * 1024 * 1024


class Format(StrEnum):
    """The formats that are read. A CycloneDX without components is a VEX: it speaks about what others found."""

    SARIF = "sarif"
    CYCLONEDX = "cyclonedx"
    VEX = "vex"
    PIP_AUDIT = "pip-audit"


class Severity(StrEnum):
    """How grave a hole is; the first is the gravest."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"


_ORDER = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Hole:
    """One thing that a tool reports. `name` is its id or rule, `place` the component or file; `key` joins scans.

    `accepted` says why it is no hole here, where somebody wrote that down.
    """

    key: str
    name: str
    place: str
    severity: Severity
    accepted: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scan:
    """One output: which tool, in which format, when (None where the tool does not say), and what it found."""

    tool: str
    format: Format
    at: dt.datetime | None
    holes: tuple[Hole, ...]


def read(data: bytes, file: str) -> Scan:
    """The scan in these bytes; the format is told by what stands in them.

    Raises: UnreadableFile for anything else, and for an inventory without vulnerabilities, which is no scan.
    """
    if len(data) > LARGEST:
        raise UnreadableFile("the output is too large.", where=file, expected=f"at most {LARGEST >> 20} MiB")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise UnreadableFile("the output is not JSON.", where=file, expected=_EXPECTED) from None
    try:
        if isinstance(found, dict) and isinstance(found.get("runs"), list):
            return _sarif(found)
        if isinstance(found, dict) and found.get("bomFormat") == "CycloneDX":
            return _cyclonedx(found, file)
        if isinstance(found, dict) and isinstance(found.get("dependencies"), list):
            return Scan("pip-audit", Format.PIP_AUDIT, None, _once(_pip_audit(found["dependencies"])))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UnreadableFile("the output does not have the shape of its format.", where=file) from None
    raise UnreadableFile("this is no output that can be read.", where=file, expected=_EXPECTED)


_EXPECTED = "SARIF 2.1.0, CycloneDX JSON with vulnerabilities, or the JSON of pip-audit"


# --- SARIF ------------------------------------------------------------------------------------------------------------


def _sarif(found: Mapping[str, Any]) -> Scan:
    if found.get("version") != "2.1.0" or not found["runs"]:
        raise ValueError("SARIF 2.1.0 with a run")
    names = dict.fromkeys(str(run["tool"]["driver"]["name"]) for run in found["runs"])
    ends = [
        at
        for run in found["runs"]
        for each in run.get("invocations") or ()
        if (at := _instant(each.get("endTimeUtc") or each.get("startTimeUtc"))) is not None
    ]
    holes = (hole for run in found["runs"] for hole in _results(run))
    return Scan(_short(" + ".join(names), 80), Format.SARIF, max(ends, default=None), _once(holes))


def _results(run: Mapping[str, Any]) -> Iterator[Hole]:
    driver = run["tool"]["driver"]
    rules = {str(rule["id"]): rule for rule in driver.get("rules") or ()}
    for result in run.get("results") or ():
        if result.get("kind", "fail") != "fail" or result.get("baselineState") == "absent":
            continue
        name = str(result.get("ruleId") or (result.get("rule") or {}).get("id") or "")
        severity = _sarif_severity(result, rules.get(name, {}))
        if severity is Severity.NONE:
            continue
        place = _location(result)
        prints = result.get("partialFingerprints") or result.get("fingerprints") or {}
        told = [f"{key}={value}" for key, value in sorted(prints.items())] or [place]
        yield Hole(_key(name, *told), _short(name, 200), _short(place, 400), severity, _suppressed(result))


def _sarif_severity(result: Mapping[str, Any], rule: Mapping[str, Any]) -> Severity:
    said = (result.get("properties") or {}).get("security-severity") or (rule.get("properties") or {}).get(
        "security-severity"
    )
    if said is not None:
        return _of_score(float(said))
    level = result.get("level") or (rule.get("defaultConfiguration") or {}).get("level") or "warning"
    return {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW}.get(level, Severity.NONE)


def _location(result: Mapping[str, Any]) -> str:
    for each in result.get("locations") or ():
        physical = each.get("physicalLocation") or {}
        uri = (physical.get("artifactLocation") or {}).get("uri")
        if uri:
            line = (physical.get("region") or {}).get("startLine")
            return f"{uri}:{line}" if line else str(uri)
    return ""


def _suppressed(result: Mapping[str, Any]) -> str | None:
    reasons = [
        str(each["justification"]).strip()
        for each in result.get("suppressions") or ()
        if each.get("status", "accepted") == "accepted" and str(each.get("justification") or "").strip()
    ]
    return _short(reasons[0], 400) if reasons else None


# --- CycloneDX --------------------------------------------------------------------------------------------------------


def _cyclonedx(found: Mapping[str, Any], file: str) -> Scan:
    if "vulnerabilities" not in found:
        raise UnreadableFile(
            "this is an inventory without vulnerabilities, and so no scan.",
            where=file,
            repair="Let a scanner read it first.",
        )
    about = found.get("metadata") or {}
    tools = about.get("tools") or []
    listed = tools.get("components") or tools.get("services") or [] if isinstance(tools, dict) else tools
    name = str((listed[0].get("name") if listed else None) or "cyclonedx")
    parts = {str(each.get("bom-ref")): each for each in found.get("components") or ()}
    holes = (_vulnerability(each, parts) for each in found["vulnerabilities"])
    form = Format.CYCLONEDX if parts else Format.VEX
    return Scan(_short(name, 80), form, _instant(about.get("timestamp")), _once(holes))


def _vulnerability(each: Mapping[str, Any], parts: Mapping[str, Any]) -> Hole:
    name = str(each["id"])
    refs = sorted(str(one["ref"]) for one in each.get("affects") or ())
    shown = [
        f"{parts[ref].get('name')} {parts[ref].get('version', '')}".strip() if ref in parts else ref for ref in refs
    ]
    place = ", ".join(shown)
    aliases = tuple(str(one["id"]) for one in each.get("references") or () if one.get("id"))
    severity = _rated(each.get("ratings") or ())
    return Hole(_key(name, *refs), _short(name, 200), _short(place, 400), severity, _analysed(each), aliases)


def _rated(ratings: Iterable[Mapping[str, Any]]) -> Severity:
    found = []
    for each in ratings:
        word = {"info": "none", "unknown": None}.get(each.get("severity", ""), each.get("severity"))
        if word in set(Severity):
            found.append(Severity(word))
        elif each.get("score") is not None:
            found.append(_of_score(float(each["score"])))
    return min(found, key=_ORDER.index, default=Severity.CRITICAL)


_SETTLED = frozenset({"resolved", "resolved_with_pedigree"})
_NO_HOLE = frozenset({"not_affected", "false_positive"})


def _analysed(each: Mapping[str, Any]) -> str | None:
    analysis = each.get("analysis") or {}
    state = analysis.get("state")
    why = " ".join(str(analysis.get(name) or "").strip() for name in ("justification", "detail")).strip()
    if state in _SETTLED or (state in _NO_HOLE and why):
        return _short(f"{state}: {why}" if why else state, 400)
    return None


# --- pip-audit --------------------------------------------------------------------------------------------------------


def _pip_audit(dependencies: Iterable[Mapping[str, Any]]) -> Iterator[Hole]:
    for each in dependencies:
        for one in each.get("vulns") or ():
            name, part = str(one["id"]), str(each["name"])
            place = f"{part} {each.get('version', '')}".strip()
            aliases = tuple(str(alias) for alias in one.get("aliases") or ())
            yield Hole(_key(name, part), _short(name, 200), _short(place, 400), Severity.CRITICAL, None, aliases)


# --- shared -----------------------------------------------------------------------------------------------------------


def _of_score(score: float) -> Severity:
    """CVSS bands: from 9 critical, from 7 high, from 4 medium, above 0 low."""
    bands = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
    return next((severity for least, severity in bands if score >= least), Severity.NONE)


def _once(holes: Iterable[Hole]) -> tuple[Hole, ...]:
    """Each key once: open where any of its reports is, and then the gravest."""
    found: dict[str, Hole] = {}
    for each in holes:
        known = found.get(each.key)
        if known is None or _rank(each) < _rank(known):
            found[each.key] = each
    return tuple(found.values())


def _rank(hole: Hole) -> tuple[bool, int]:
    return hole.accepted is not None, _ORDER.index(hole.severity)


def _key(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def _short(text: str, longest: int) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= longest else one_line[: longest - 1] + "…"


def _instant(text: Any) -> dt.datetime | None:
    if not isinstance(text, str):
        return None
    at = dt.datetime.fromisoformat(text)
    return at if at.tzinfo is not None else at.replace(tzinfo=dt.UTC)
