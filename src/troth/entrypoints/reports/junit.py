"""JUnit XML for CI: one case a sentence; broken fails, unproven is skipped (or fails where proof is required)."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from troth.foundation.proof import Report, Verdict

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def of_report(report: Report, *, require_proof: bool = False) -> str:
    """The report as one test suite, named for the policy file."""
    unproven = report.count(Verdict.UNPROVEN)
    failures = report.count(Verdict.BROKEN) + (unproven if require_proof else 0)
    suite = ET.Element(
        "testsuite",
        name=report.policy_file,
        tests=str(len(report.sentences)),
        failures=str(failures),
        skipped=str(0 if require_proof else unproven),
        errors="0",
        timestamp=report.checked_at.isoformat(),
    )
    for sentence in report.sentences:
        case = ET.SubElement(
            suite, "testcase", classname=sentence.id, name=_clean(f"{sentence.number} {sentence.text}")
        )
        if sentence.verdict is Verdict.KEPT:
            continue
        fails = sentence.verdict is Verdict.BROKEN or require_proof
        lines = [f"{f.where}: {f.message}. Repair: {f.repair}" for f in sentence.findings]
        message = lines[0] if lines else f"because of {', '.join(sentence.caused_by)}"
        element = ET.SubElement(case, "failure" if fails else "skipped", message=_clean(message))
        element.text = _clean("\n".join(lines))
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True)


def _clean(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return _FORBIDDEN.sub("�", text)
