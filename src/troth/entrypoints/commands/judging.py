"""`troth check` and `troth lint`: the text against reality, and against the law."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from troth.entrypoints.terminal import coloured, literal

if TYPE_CHECKING:
    from rich.console import Console

    from troth.policy.lint import LintFinding


class CheckFormat(StrEnum):
    """How the verdicts are written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"


class LintFormat(StrEnum):
    """How the faults are written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def check(
    clause: Annotated[str | None, typer.Option("--clause", help="A sentence (3.2a, or its id) or a section.")] = None,
    form: Annotated[CheckFormat, typer.Option("--format", help="How to write the verdicts.")] = CheckFormat.TEXT,
    require_proof: Annotated[bool, typer.Option("--require-proof", help="Unproven fails too.")] = False,  # noqa: FBT002
    everything: Annotated[bool, typer.Option("--all", "-a", help="Show kept sentences and all evidence.")] = False,  # noqa: FBT002
    remember: Annotated[bool, typer.Option(help="Keep the outcome in the store, for the page and the console.")] = True,  # noqa: FBT002
) -> None:
    """Give a verdict for every sentence: kept, broken or unproven.

    Example: troth check --clause 3.2a

    Exit status: 0 none broken, 1 some broken (or unproven with --require-proof), 2 could not run.
    """
    from troth.entrypoints import checking
    from troth.foundation.proof import Verdict

    instance = checking.here()
    if remember:
        checking.place(instance)
    report = checking.check(instance, only=clause)
    if remember and clause is None:
        checking.remember(instance, report)
    if form is CheckFormat.TEXT:
        from troth.entrypoints.reports import text

        text.write(report, _console(), everything=everything or clause is not None)
    elif form is CheckFormat.JSON:
        from troth.entrypoints.reports.json import of_report

        _write_json(of_report(report))
    elif form is CheckFormat.SARIF:
        from troth.entrypoints.reports import sarif
        from troth.sections import CHECKS

        _write_json(sarif.of_report(report, CHECKS))
    else:
        from troth.entrypoints.reports import junit

        sys.stdout.write(junit.of_report(report, require_proof=require_proof) + "\n")
    failed = report.count(Verdict.BROKEN) or (require_proof and report.count(Verdict.UNPROVEN))
    raise typer.Exit(1 if failed else 0)


def lint(
    policy: Annotated[Path | None, typer.Argument(help="The policy file; by default that of troth.toml.")] = None,
    form: Annotated[LintFormat, typer.Option("--format", help="How to write the faults.")] = LintFormat.TEXT,
) -> None:
    """Hold the text against the law and against itself.

    Example: troth lint policy.yaml

    Exit status: 0 no error, 1 a fault of level error, 2 the policy could not be read.
    """
    from troth.entrypoints import checking
    from troth.foundation.clock import SystemClock
    from troth.policy import reading
    from troth.policy.lint import Level
    from troth.policy.lint import lint as find_faults

    path = policy or checking.here().policy_file
    read = reading.read(path)
    found = find_faults(read, today=SystemClock().now().date())
    if form is LintFormat.TEXT:
        _write_faults(found, read.file, _console())
    elif form is LintFormat.JSON:
        from troth.entrypoints.reports.faults import of_findings

        _write_json(of_findings(found))
    else:
        from troth.entrypoints.reports.faults import to_sarif

        _write_json(to_sarif(found, read.file))
    raise typer.Exit(1 if any(fault.level is Level.ERROR for fault in found) else 0)


def _write_faults(found: tuple[LintFinding, ...], file: str, console: Console) -> None:
    from troth.entrypoints.reports.text import say

    for fault in found:
        place = f"{literal(file)}:{fault.line}"
        number = f" {fault.number}" if fault.number else ""
        console.print(f"{place}  {fault.level.value}  {literal(fault.rule)}{number}", highlight=False, soft_wrap=True)
        for line in (fault.message, f"law     {fault.reference}", f"repair  {fault.repair}"):
            say(line, console)
    levels = [fault.level.value for fault in found]
    tallies = {level: levels.count(level) for level in levels}
    counts = ", ".join(f"{n} {level}{'' if n == 1 else 's'}" for level, n in tallies.items())
    console.print(f"Faults: {counts}." if counts else "No faults.", highlight=False)


def _console() -> Console:
    from rich.console import Console

    return Console(soft_wrap=True, file=coloured())


def _write_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
