"""Small policies for tests of checks: one section written out, the rest left away."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import troth.example
from troth.foundation.observation import Observation
from troth.foundation.proof import Check, Report, SentenceReport, Verdict, run_checks
from troth.policy import reading
from troth.policy.model import Policy

EXAMPLE = Path(troth.example.__file__).parent / "policy.yaml"
KEPT, BROKEN, UNPROVEN = Verdict.KEPT, Verdict.BROKEN, Verdict.UNPROVEN


def text_of(body: str, *, laws: str = "[]", country: str = "CN", languages: str = "[en]", zone: str = "UTC") -> bytes:
    controller = f"{{name: Example Company, country: {country}, languages: {languages}, time_zone: {zone}}}"
    return f"troth: 1\ntitle: Privacy Policy\ncontroller: {controller}\nlaws: {laws}\n{textwrap.dedent(body)}".encode()


def policy_of(body: str, **more: str) -> Policy:
    return reading.parse(text_of(body, **more), "policy.yaml")


def example() -> Policy:
    return reading.read(EXAMPLE)


def judge(checks: Sequence[Check], seen: Observation) -> Report:
    return run_checks(seen.policy, checks, seen)


def verdicts(checks: Sequence[Check], seen: Observation) -> dict[str, str]:
    """The verdict of each sentence that has one of these checks, by number."""
    report = judge(checks, seen)
    return {each.number: each.verdict.value for each in report.sentences if each.findings or each.evidence}


def said(sentence: SentenceReport) -> str:
    """Everything that is told of a sentence, for looking for words in it."""
    findings = (f"{each.where}: {each.message} [{each.repair}]" for each in sentence.findings)
    evidence = (f"{each.source}: {each.detail}" for each in sentence.evidence)
    return "\n".join((*findings, *evidence))
