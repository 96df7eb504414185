"""The verdicts of Example Company: a committed table, and what each of them must show."""

from __future__ import annotations

import csv
import inspect
from pathlib import Path

import pytest

from tests.example.proving import PEOPLE, Copy, RunningCompany, company_running, seen_of
from tests.policies import said
from troth.foundation.proof import Check, Report, SentenceReport, Verdict
from troth.sections import CHECKS

TABLE = Path(__file__).with_name("expected-verdicts.csv")
PLACEHOLDERS = ("9.1a", "9.1b", "9.1c", "9.1d")
AGE = "8.1a"


def table() -> dict[str, str]:
    with TABLE.open(newline="") as file:
        return {row["number"]: row["verdict"] for row in csv.DictReader(file)}


def verdicts(report: Report) -> dict[str, str]:
    return {each.number: each.verdict.value for each in report.sentences}


def looks_at_something(check: Check) -> bool:
    """Whether a check observes anything yet; one that does not says so on its page."""
    return "What it proves: nothing yet" not in (inspect.getdoc(check.look) or "")


def was_looked_at(sentence: SentenceReport) -> bool:
    """Whether a check saw something of this very sentence: evidence for it, or a fact that breaks it.

    Not counted: sums of others, and sentences of which a check only says that it could see nothing.
    """
    return bool(sentence.evidence) or any(finding.verdict is Verdict.BROKEN for finding in sentence.findings)


def test_the_verdict_of_every_sentence_is_the_one_in_the_committed_table(running_company: RunningCompany) -> None:
    assert verdicts(running_company.before) == table()
    assert len(table()) == 71


def test_at_least_thirty_five_sentences_are_looked_at(running_company: RunningCompany) -> None:
    real = {check.id for check in CHECKS if looks_at_something(check)}
    looked_at = [each for each in running_company.before.sentences if was_looked_at(each)]

    assert len(looked_at) >= 35
    for sentence in looked_at:
        assert {evidence.check for evidence in sentence.evidence} <= real
        assert {finding.check for finding in sentence.findings if finding.verdict is Verdict.BROKEN} <= real


def test_nothing_is_kept_without_evidence_or_kept_sentences_below(running_company: RunningCompany) -> None:
    for sentence in running_company.before.sentences:
        if sentence.verdict is Verdict.KEPT:
            below = [running_company.before.of(number) for number in sentence.sums]
            assert sentence.evidence or below, sentence.number
            assert all(each.verdict is Verdict.KEPT for each in below), sentence.number


def test_every_sentence_that_is_not_kept_shows_its_repair_or_names_the_sentence_that_does(
    running_company: RunningCompany,
) -> None:
    report = running_company.before
    for sentence in report.sentences:
        if sentence.verdict is Verdict.KEPT:
            continue
        shown = sentence.findings or [
            finding for number in sentence.caused_by for finding in report.of(number).findings
        ]
        assert shown, sentence.number
        assert all(finding.repair and finding.message for finding in shown), sentence.number


def test_placeholders_the_reserved_domain_and_the_age_of_the_policy_are_broken(
    running_company: RunningCompany,
) -> None:
    report = running_company.before
    words = {number: report.of(number).findings[0].message for number in (*PLACEHOLDERS, AGE)}

    assert all(report.of(number).verdict is Verdict.BROKEN for number in words)
    assert "reserved for examples" in words["9.1a"]
    assert '"to be filled"' in words["9.1b"]
    assert "letters where digits belong" in words["9.1c"]
    assert "reserved for examples" in words["9.1d"]
    assert "more than 12 months ago" in words[AGE]
    assert report.of("0").caused_by == (AGE, *PLACEHOLDERS)
    assert report.of("9").caused_by == PLACEHOLDERS


def test_a_second_check_says_the_same_and_so_does_one_of_a_copy(running_company: RunningCompany, copy: Copy) -> None:
    assert seen_of(copy.check()) == seen_of(running_company.before)


def test_no_value_of_a_person_stands_in_the_report(running_company: RunningCompany, copy: Copy) -> None:
    told = "\n".join(said(sentence) for sentence in running_company.before.sentences)
    values = {
        str(value)
        for row in copy.shop("select username, email, phone, name, billing_name from users "
                             "join profiles on profiles.user_id = users.id left join orders on orders.user_id = users.id")
        for value in row
        if value is not None
    }  # fmt: skip

    assert len(values) > PEOPLE
    assert not [value for value in values if value in told]


@pytest.mark.parametrize("people", [PEOPLE])
def test_the_shop_on_postgresql_gives_the_same_table(postgresql_database: str, tmp_path: Path, people: int) -> None:
    with company_running(tmp_path, shop_url=postgresql_database, people=people) as running:
        assert verdicts(running.before) == table()
