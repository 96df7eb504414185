"""Reports for a terminal: the company's own sentence first, then the fact that breaks it, then the repair."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from rich.console import Console

from troth.entrypoints.terminal import literal, shown
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
        noun = "sentence " if len(sentences) == 1 else "sentences"
        console.print(f"{section:<12} {len(sentences):>2} {noun}   {counts}", highlight=False)
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
        if console.is_terminal and console.width < len(_INDENT) + 9 + len(sentence.id) + len(why):
            console.print(head, highlight=False, soft_wrap=True)
            say(why, console, style="dim")
        else:
            console.print(f"{head}  [dim]{literal(why)}[/]", highlight=False, soft_wrap=True)
        return
    console.print(f"{head}  [dim]{literal(report.policy_file)}:{sentence.line}[/]", highlight=False, soft_wrap=True)
    for line in textwrap.wrap(f'"{sentence.text}"', 100):
        say(line, console)
    if any(number != sentence.number for number in sentence.caused_by) or not (sentence.findings or sentence.evidence):
        say(_because(sentence), console)
    for finding in sentence.findings:
        _finding(finding, console)
    for evidence in sentence.evidence if everything else ():
        say(f"{evidence.source}: {evidence.detail} ({evidence.grade.value}, {evidence.check})", console)
    console.print()


def say(text: str, console: Console, *, style: str = "") -> None:
    """One indented line; on a terminal, as many as its width needs, further in. Elsewhere a line stays one line."""
    width = max(console.width - len(_INDENT), 30) if console.is_terminal else len(text) + 1
    marked = re.match(r"(?:check|repair|law) +", text)
    further = " " * len(marked.group()) if marked else ""
    wrap = textwrap.TextWrapper(width, subsequent_indent=further, break_long_words=False, break_on_hyphens=False)
    for line in wrap.wrap(text) if len(text) > width else [text]:
        console.print(_INDENT + shown(line), style=style, highlight=False, soft_wrap=True, markup=False)


def _because(sentence: SentenceReport) -> str:
    causes = [number for number in sentence.caused_by if number != sentence.number]
    return (
        f"because of {', '.join(causes)}"
        if causes
        else "no check looks at this sentence; `troth lint` says what it lacks"
    )


def _finding(finding: Finding, console: Console) -> None:
    place = f"{finding.where}: " if finding.where else ""
    reference = f"   ({finding.reference})" if finding.reference else ""
    for text in (
        f"{place}{finding.message}",
        f"check   {finding.check}{reference}",
        f"repair  {finding.repair}",
    ):
        say(text, console)
