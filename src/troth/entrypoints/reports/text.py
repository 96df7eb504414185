"""Reports for a terminal: the company's own sentence first, then the fact that breaks it, then the repair."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rich.console import Console

from troth.entrypoints.terminal import literal
from troth.foundation.proof import Finding, Report, SentenceReport, Verdict

_STYLE = {Verdict.KEPT: "green", Verdict.BROKEN: "bold red", Verdict.UNPROVEN: "yellow"}
_MARK = {Verdict.KEPT: "✓", Verdict.BROKEN: "✕", Verdict.UNPROVEN: "○"}
_INDENT = " " * 10


def write(report: Report, console: Console, *, everything: bool = False) -> None:
    """Print `report`; unproven sentences in one line each unless `everything`."""
    version = f", version {report.version}" if report.version else ", not yet published"
    console.print(
        f"{literal(report.policy_file)}{version}, checked {report.checked_at:%Y-%m-%d %H:%M} UTC", highlight=False
    )
    console.print()
    for section, sentences in _sections(report):
        counts = "   ".join(
            f"[{_STYLE[verdict]}]{count} {verdict.value}[/]"
            for verdict in Verdict
            if (count := sum(s.verdict is verdict for s in sentences))
        )
        console.print(f"{section:<12} {len(sentences):>2} sentences   {counts}", highlight=False)
    console.print()
    for verdict in (Verdict.BROKEN, Verdict.UNPROVEN, *((Verdict.KEPT,) if everything else ())):
        for sentence in report.sentences:
            if sentence.verdict is verdict:
                _sentence(sentence, report, console, everything=everything)
    console.print(
        "Sentences: " + ", ".join(f"{report.count(verdict)} {verdict.value}" for verdict in Verdict) + ".",
        highlight=False,
    )


def _sections(report: Report) -> Iterator[tuple[str, list[SentenceReport]]]:
    names = dict.fromkeys(sentence.id.partition(".")[0] for sentence in report.sentences)
    for name in names:
        yield name, [sentence for sentence in report.sentences if sentence.id.partition(".")[0] == name]


def _sentence(sentence: SentenceReport, report: Report, console: Console, *, everything: bool) -> None:
    verdict = sentence.verdict
    style = _STYLE[verdict]
    head = f"[{style}]{_MARK[verdict]} {verdict.value:<8}[/] {sentence.number:<6} {literal(sentence.id)}"
    if verdict is Verdict.UNPROVEN and not everything:
        why = sentence.findings[0].message if sentence.findings else _because(sentence)
        console.print(f"{head}  [dim]{literal(why)}[/]", highlight=False, soft_wrap=True)
        return
    console.print(f"{head}  [dim]{literal(report.policy_file)}:{sentence.line}[/]", highlight=False, soft_wrap=True)
    for line in textwrap.wrap(f'"{sentence.text}"', 100):
        console.print(_INDENT + literal(line), highlight=False, soft_wrap=True)
    if sentence.caused_by and sentence.caused_by != (sentence.number,):
        console.print(f"{_INDENT}{literal(_because(sentence))}", highlight=False, soft_wrap=True)
    for finding in sentence.findings:
        _finding(finding, console)
    for evidence in sentence.evidence if everything else ():
        console.print(
            f"{_INDENT}{literal(evidence.source)}: {literal(evidence.detail)} "
            f"[dim]({evidence.grade.value}, {evidence.check})[/]",
            highlight=False,
            soft_wrap=True,
        )
    console.print()


def _because(sentence: SentenceReport) -> str:
    causes = [number for number in sentence.caused_by if number != sentence.number]
    return f"because of {', '.join(causes)}" if causes else "no check looks at this sentence yet"


def _finding(finding: Finding, console: Console) -> None:
    place = f"{finding.where}: " if finding.where else ""
    reference = f"   ({finding.reference})" if finding.reference else ""
    for text in (
        f"{place}{finding.message}",
        f"check   {finding.check}{reference}",
        f"repair  {finding.repair}",
    ):
        console.print(_INDENT + literal(text), highlight=False, soft_wrap=True)
