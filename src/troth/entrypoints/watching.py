"""Look at every sentence on schedule, keep the outcome, and tell the owner by mail when a verdict turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from troth.entrypoints import checking
from troth.foundation.proof import Report, Verdict
from troth.foundation.verdicts import Turn

if TYPE_CHECKING:
    from troth.policy.settings import Instance


def look(instance: Instance) -> tuple[Turn, ...]:
    """Check once, keep the run, and queue a mail to the owner when a sentence turned. Returns what turned."""
    report = checking.check(instance)
    turned = checking.remember(instance, report)
    news = [turn for turn in turned if turn.was is not None]
    if news and instance.settings.mail.owner:
        _tell(instance, report, news)
    return turned


def letter(report: Report, turns: Sequence[Turn]) -> tuple[str, str]:
    """Subject and text of the mail about sentences that turned: each with its words, its finding and its repair."""
    broken = [turn for turn in turns if turn.now is Verdict.BROKEN]
    subject = (
        f"{len(broken)} sentence{'s' if len(broken) != 1 else ''} of the privacy policy broken"
        if broken
        else f"{len(turns)} sentence{'s' if len(turns) != 1 else ''} of the privacy policy turned"
    )
    lines = [f"Checked {report.checked_at:%Y-%m-%d %H:%M} UTC.", ""]
    for turn in turns:
        sentence = report.of(turn.number)
        lines.append(f"{turn.number}  {turn.was} -> {turn.now}")
        lines.append(f'  "{sentence.text}"')
        for finding in sentence.findings:
            lines.append(f"  {finding.where}: {finding.message}")
            lines.append(f"  repair: {finding.repair}")
        lines.append("")
    return subject, "\n".join(lines)


def _tell(instance: Instance, report: Report, news: Sequence[Turn]) -> None:
    raise NotImplementedError
