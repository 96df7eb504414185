"""What a check is, and how observations become a verdict for every sentence.

A verdict is *kept*, *broken* or *unproven*; there is no fourth. A check observes reality itself and yields what it
saw: `kept` (evidence), `broken` or `unproven` (findings). Rules, in order, for one sentence:

1. Some finding says broken: broken.
2. Some finding says unproven, no check applies, or nothing was seen: unproven.
3. Otherwise there is evidence, and nothing against it: kept.

A sentence that sums up others takes the worst of its own observations and theirs, and names in `caused_by` the
sentences whose own observations made it so. What a probe could not reach is unproven, never kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from troth.errors import NetworkUnreachable, RecordsError, TrothError

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence


class Verdict(StrEnum):
    """What can be said of a sentence today."""

    KEPT = "kept"
    BROKEN = "broken"
    UNPROVEN = "unproven"


class Grade(StrEnum):
    """How we know: a probe saw all of it, a sample of it, or a named role says so with a document."""

    MEASURED = "measured"
    SAMPLED = "sampled"
    ATTESTED = "attested"


class NothingToObserve(TrothError):
    """There is nothing here that a check could look at."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen and speaks for the sentence. Older than `max_age`, it speaks no longer."""

    check: str
    grade: Grade
    observed_at: dt.datetime
    source: str
    detail: str
    max_age: dt.timedelta


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was seen against the sentence, or that could not be seen; always with its repair."""

    check: str
    verdict: Verdict
    where: str
    message: str
    repair: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Saw:
    """What a check yields. `where` is the place looked at, never a value found there.

    `grade` and `max_age` are the check's own, unless this one thing was seen otherwise or holds for another time: what
    is attested holds until the day that its owner named.
    """

    verdict: Verdict
    where: str
    detail: str
    repair: str = ""
    grade: Grade | None = None
    max_age: dt.timedelta | None = None


def kept(where: str, detail: str) -> Saw:
    """The place was looked at and holds what the sentence says."""
    return Saw(Verdict.KEPT, where, detail)


def broken(where: str, detail: str, *, repair: str) -> Saw:
    """The place was looked at and contradicts the sentence; `repair` is the command or act that mends it."""
    return Saw(Verdict.BROKEN, where, detail, repair)


def unproven(where: str, detail: str, *, repair: str) -> Saw:
    """The place could not be looked at, or held nothing to judge; `repair` says what would make it observable."""
    return Saw(Verdict.UNPROVEN, where, detail, repair)


def counted(number: int, noun: str) -> str:
    """A number with its noun as details say it: `1 row`, `2 rows`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


_AHEAD = dt.timedelta(days=1)
"""What was seen later than that from now was seen by another clock."""

Look = Callable[["Observation", "Sentence"], Iterator[Saw]]
Applies = Callable[["Sentence", "Policy"], bool]


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it looks for, at which sentences, how sure it is and for how long.

    `id` reads as a promise broken (`protection.kept-too-long`) and is never renamed once released. `promise` says in
    words which sentences it applies to, `reference` where the duty stands. The docstring of `look` is its page. One
    that `may_be_silent` adds to what others see, and leaves the verdict to them where it sees nothing.
    """

    id: str
    promise: str
    applies: Applies
    reference: str
    grade: Grade
    max_age: dt.timedelta
    look: Look
    may_be_silent: bool = False

    @property
    def section(self) -> str:
        return self.id.partition(".")[0]


def check(
    *,
    id: str,  # noqa: A002 - the word of the field
    promise: str,
    applies: Applies,
    reference: str,
    grade: Grade = Grade.MEASURED,
    max_age: dt.timedelta = dt.timedelta(days=1),
    may_be_silent: bool = False,
) -> Callable[[Look], Check]:
    """Make a `Check` of the function that looks; its docstring says what it proves and what it does not."""

    def made(look: Look) -> Check:
        return Check(id, promise, applies, reference, grade, max_age, look, may_be_silent)

    return made


@dataclass(frozen=True, slots=True)
class SentenceReport:
    """The verdict of one sentence with everything that speaks for and against it."""

    id: str
    number: str
    text: str
    verdict: Verdict
    caused_by: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    findings: tuple[Finding, ...]
    sums: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """One run of `troth check`: every sentence in the order of the page."""

    policy_file: str
    policy_sha256: str
    checked_at: dt.datetime
    sentences: tuple[SentenceReport, ...]
    version: int | None = None

    def count(self, verdict: Verdict) -> int:
        return sum(1 for sentence in self.sentences if sentence.verdict is verdict)

    def of(self, number: str) -> SentenceReport:
        """The report of the sentence `number`; raises KeyError."""
        for sentence in self.sentences:
            if sentence.number == number:
                return sentence
        raise KeyError(number)

    def as_of(self, now: dt.datetime) -> Report:
        """The same report read at `now`: evidence past its age or of a day to come has gone, and verdicts follow."""
        rows = [_Row.of_report(sentence, now) for sentence in self.sentences]
        return Report(self.policy_file, self.policy_sha256, self.checked_at, _settle(rows), self.version)


def run_checks(
    policy: Policy,
    checks: Sequence[Check],
    seen: Observation,
    *,
    only: Sequence[str] | None = None,
    progress: Callable[[Sentence], None] | None = None,
) -> Report:
    """Look at every sentence of `policy` with every check that applies to it.

    `only` are numbers of sentences: they and those they sum up are looked at and reported. A check that cannot
    reach what it looks at leaves its sentence unproven; so does one that fails itself, and the finding names it.
    """
    numbers = _with_those_below(policy, only) if only is not None else None
    rows: list[_Row] = []
    for sentence in policy.sentences:
        if numbers is not None and sentence.number not in numbers:
            continue
        if progress is not None:
            progress(sentence)
        row = _Row(sentence.id, sentence.number, sentence.text, sentence.sums, sentence.line)
        for each in checks:
            if each.applies(sentence, policy):
                row.judged = True
                _look(each, seen, sentence, row)
        rows.append(row)
    return Report(policy.file, policy.sha256, seen.now, _settle(rows))


@dataclass(slots=True)
class _Row:
    """One sentence while its verdict is made."""

    id: str
    number: str
    text: str
    sums: tuple[str, ...]
    line: int
    judged: bool = False
    evidence: list[Evidence] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def of_report(cls, report: SentenceReport, now: dt.datetime) -> _Row:
        row = cls(report.id, report.number, report.text, report.sums, report.line)
        row.findings = list(report.findings)
        for evidence in report.evidence:
            seen = f"last seen {evidence.observed_at:%Y-%m-%d %H:%M} UTC"
            if -_AHEAD <= now - evidence.observed_at <= evidence.max_age:
                row.evidence.append(evidence)
            else:
                ahead = evidence.observed_at > now
                age = f"{seen}; that is {'still to come' if ahead else 'older than its age limit'}"
                row.findings.append(
                    Finding(evidence.check, Verdict.UNPROVEN, evidence.source, age, "run `troth check`")
                )
        row.judged = bool(row.evidence or row.findings)
        return row

    @property
    def own(self) -> Verdict | None:
        """The verdict of its own observations; None for a sum that nothing was looked at for."""
        if any(finding.verdict is Verdict.BROKEN for finding in self.findings):
            return Verdict.BROKEN
        if self.findings or not self.evidence:
            return None if self.sums and not self.judged else Verdict.UNPROVEN
        return Verdict.KEPT


def _look(each: Check, seen: Observation, sentence: Sentence, row: _Row) -> None:
    before = len(row.evidence) + len(row.findings)
    try:
        for saw in each.look(seen, sentence):
            if saw.verdict is Verdict.KEPT:
                age = each.max_age if saw.max_age is None else saw.max_age
                row.evidence.append(Evidence(each.id, saw.grade or each.grade, seen.now, saw.where, saw.detail, age))
            else:
                row.findings.append(Finding(each.id, saw.verdict, saw.where, saw.detail, saw.repair, each.reference))
    except (NetworkUnreachable, RecordsError, NothingToObserve) as problem:
        row.findings.append(
            Finding(
                each.id,
                Verdict.UNPROVEN,
                problem.where or "",
                problem.message,
                problem.repair or "make it reachable, then run `troth check`",
                each.reference,
            )
        )
    except Exception as problem:  # noqa: BLE001 - one faulty check must not hide seventy verdicts; it is named instead
        row.findings.append(
            Finding(
                each.id,
                Verdict.UNPROVEN,
                "the check itself",
                f"failed with {type(problem).__name__}",
                "report this as a fault of troth",
                each.reference,
            )
        )
    if len(row.evidence) + len(row.findings) == before and not each.may_be_silent:
        row.findings.append(
            Finding(
                each.id,
                Verdict.UNPROVEN,
                "",
                "nothing was there to look at",
                "see the page of this check",
                each.reference,
            )
        )


def _settle(rows: Iterable[_Row]) -> tuple[SentenceReport, ...]:
    """Verdicts of leaves first, then of the sums above them, whatever the order of the page."""
    by_number = {row.number: row for row in rows}
    settled: dict[str, tuple[Verdict, tuple[str, ...]]] = {}

    def settle(row: _Row) -> tuple[Verdict, tuple[str, ...]]:
        if row.number in settled:
            return settled[row.number]
        own = row.own
        outcomes: list[tuple[Verdict, tuple[str, ...]]] = [(own, (row.number,))] if own is not None else []
        for number in row.sums:
            if number in by_number:
                verdict, causes = settle(by_number[number])
                outcomes.append((verdict, causes or (number,)))
        worst = next((v for v in (Verdict.BROKEN, Verdict.UNPROVEN) if any(o[0] is v for o in outcomes)), None)
        result: tuple[Verdict, tuple[str, ...]]
        if worst is None:
            result = (Verdict.KEPT if outcomes else Verdict.UNPROVEN, ())
        else:
            causes = tuple(dict.fromkeys(cause for verdict, found in outcomes if verdict is worst for cause in found))
            result = (worst, tuple(cause for cause in causes if cause != row.number))
            if own is worst and row.sums:
                result = (worst, (row.number, *result[1]))
        settled[row.number] = result
        return result

    reports = []
    for row in by_number.values():
        verdict, caused_by = settle(row)
        reports.append(
            SentenceReport(
                row.id,
                row.number,
                row.text,
                verdict,
                caused_by,
                tuple(row.evidence),
                _ordered(row.findings),
                row.sums,
                row.line,
            )
        )
    return tuple(reports)


def _ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: finding.verdict is not Verdict.BROKEN))


def _with_those_below(policy: Policy, numbers: Sequence[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(numbers)
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting.extend(policy.by_number[each].sums)
    return found
