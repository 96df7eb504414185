"""How observations become verdicts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from troth.errors import NetworkUnreachable, StoreUnreachable
from troth.foundation.observation import Observation
from troth.foundation.proof import Check, Grade, Report, Saw, Verdict, broken, check, kept, run_checks, unproven
from troth.policy import reading
from troth.policy.model import Sentence

NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)
POLICY = reading.parse(
    b"troth: 1\nlead: We care.\ncontroller: {name: X, country: DE}\n"
    b"use: {title: Use, text: We use., a: {text: One.}, b: {text: Two.}}\n"
    b"links: {title: Links, sentences: {a: Out., b: There.}}\n"
)


def looking(
    number: str, *saws: Saw | Exception, age: dt.timedelta = dt.timedelta(days=1), may_be_silent: bool = False
) -> Check:
    @check(
        id=f"use.made-up-{number}",
        promise="one sentence",
        applies=lambda sentence, _: sentence.number == number,
        reference="none",
        grade=Grade.MEASURED,
        max_age=age,
        may_be_silent=may_be_silent,
    )
    def made(_seen: Observation, _sentence: Sentence) -> Iterator[Saw]:
        for saw in saws:
            if isinstance(saw, Exception):
                raise saw
            yield saw

    return made


def judge(*checks: Check, tmp_path=None) -> Report:
    return run_checks(POLICY, checks, Observation(POLICY, NOW, tmp_path))


GOOD = kept("somewhere", "fine")
BAD = broken("somewhere", "bad", repair="mend it")
UNSEEN = unproven("somewhere", "unseen", repair="look")


def test_a_sentence_that_nothing_looks_at_is_unproven() -> None:
    report = judge()

    assert {sentence.verdict for sentence in report.sentences} == {Verdict.UNPROVEN}


@pytest.mark.parametrize(
    ("saws", "verdict"),
    [
        ((GOOD,), Verdict.KEPT),
        ((BAD,), Verdict.BROKEN),
        ((UNSEEN,), Verdict.UNPROVEN),
        ((), Verdict.UNPROVEN),
        ((GOOD, UNSEEN), Verdict.UNPROVEN),
        ((GOOD, BAD, UNSEEN), Verdict.BROKEN),
        ((NetworkUnreachable(where="host"),), Verdict.UNPROVEN),
        ((StoreUnreachable(where="shop"),), Verdict.UNPROVEN),
        ((GOOD, ZeroDivisionError()), Verdict.UNPROVEN),
        ((BAD, ZeroDivisionError()), Verdict.BROKEN),
    ],
)
def test_the_worst_that_was_seen_decides(saws: tuple[Saw | Exception, ...], verdict: Verdict) -> None:
    assert judge(looking("1a", *saws)).of("1a").verdict is verdict


def test_a_check_that_may_be_silent_adds_nothing_when_it_is() -> None:
    silent = looking("1a", may_be_silent=True)

    assert judge(silent, looking("1a", GOOD)).of("1a").verdict is Verdict.KEPT
    assert judge(silent).of("1a").verdict is Verdict.UNPROVEN
    assert judge(looking("1a", BAD, may_be_silent=True), looking("1a", GOOD)).of("1a").verdict is Verdict.BROKEN


def test_a_check_that_fails_is_named_and_hides_no_other() -> None:
    report = judge(looking("1a", ZeroDivisionError("secret value")), looking("1b", GOOD))

    finding = report.of("1a").findings[0]
    assert (finding.check, finding.message) == ("use.made-up-1a", "failed with ZeroDivisionError")
    assert report.of("1b").verdict is Verdict.KEPT


def test_a_sum_turns_with_the_sentences_below_and_names_them() -> None:
    report = judge(looking("1a", GOOD), looking("1b", BAD), looking("2a", GOOD), looking("2b", UNSEEN))

    assert report.of("1").verdict is Verdict.BROKEN
    assert report.of("1").caused_by == ("1b",)
    assert report.of("0").verdict is Verdict.BROKEN
    assert report.of("0").caused_by == ("1b",)
    assert report.of("1b").caused_by == ()


def test_a_sum_is_kept_only_when_all_below_are() -> None:
    checks = [looking(number, GOOD) for number in ("1a", "1b", "2a", "2b")]

    assert judge(*checks).of("0").verdict is Verdict.KEPT
    assert judge(*checks[:-1]).of("0").verdict is Verdict.UNPROVEN
    assert judge(*checks[:-1]).of("0").caused_by == ("2b",)


def test_a_sum_with_observations_of_its_own_is_named_itself() -> None:
    report = judge(looking("1", BAD), looking("1a", GOOD), looking("1b", GOOD))

    assert report.of("1").verdict is Verdict.BROKEN
    assert report.of("0").caused_by == ("1",)
    assert report.of("1a").verdict is Verdict.KEPT


def test_one_sentence_can_be_asked_for_with_those_it_sums_up() -> None:
    report = run_checks(POLICY, [looking("1a", GOOD), looking("1b", GOOD)], Observation(POLICY, NOW, None), only=["1"])

    assert [sentence.number for sentence in report.sentences] == ["1", "1a", "1b"]
    assert report.of("1").verdict is Verdict.KEPT


def test_evidence_past_its_age_speaks_no_longer() -> None:
    report = judge(looking("1a", GOOD), looking("1b", GOOD, age=dt.timedelta(days=400)))

    later = report.as_of(NOW + dt.timedelta(days=2))

    assert later.of("1a").verdict is Verdict.UNPROVEN
    assert later.of("1b").verdict is Verdict.KEPT
    assert later.of("1").caused_by == ("1a",)
    assert "older than its age limit" in later.of("1a").findings[0].message
    assert report.as_of(NOW + dt.timedelta(hours=23)) == report


def test_evidence_from_a_day_to_come_speaks_not_yet() -> None:
    report = judge(looking("1a", GOOD))

    assert report.as_of(NOW - dt.timedelta(hours=1)) == report
    earlier = report.as_of(NOW - dt.timedelta(days=2))
    assert earlier.of("1a").verdict is Verdict.UNPROVEN
    assert "still to come" in earlier.of("1a").findings[0].message


def test_every_finding_has_its_repair() -> None:
    report = judge(looking("1a", BAD), looking("1b", NetworkUnreachable(where="host")), looking("2a"))

    assert all(finding.repair for sentence in report.sentences for finding in sentence.findings)


def test_what_is_looked_at_once_is_the_same_for_all() -> None:
    seen = Observation(POLICY, NOW, None)
    calls = []

    def failing() -> None:
        calls.append(1)
        raise NetworkUnreachable(where="host")

    for _ in range(2):
        with pytest.raises(NetworkUnreachable):
            seen.once("page", failing)
    assert len(calls) == 1
