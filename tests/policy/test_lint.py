from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import troth.example
from troth.policy import documents, reading
from troth.policy.law.laws import law
from troth.policy.law.table import known_laws
from troth.policy.lint import RULES, Level, LintFinding, lint
from troth.policy.lint.linting import has_errors
from troth.policy.model import Policy

EXAMPLE = Path(troth.example.__file__).with_name("policy.yaml")
WORLDS = Path(__file__).with_name("worlds")
TODAY = dt.date(2026, 11, 22)
ALL_FAULTS = set(range(1, 20))
WORD_RULES = {rule.id for rule in RULES if rule.reads_words}

FAULTS_OF_THE_EXAMPLE = {
    (1, "sharing.contradicts-itself", "4"),
    (2, "use.purpose-not-listed", "2"),
    (2, "use.purpose-not-listed", "6.1d"),
    (3, "use.basis-not-mapped", "2.2"),
    (4, "use.no-way-to-withdraw", "2.2a"),
    (5, "use.interests-not-explained", "2.2d"),
    (6, "use.basis-unknown-to-law", "2.2d"),
    (7, "protection.no-period", "3.2a"),
    (8, "sharing.recipients-unnamed", "4.2"),
    (9, "sharing.transfers-unmentioned", "4"),
    (10, "policy.silent-on-automated-decisions", "2"),
    (10, "policy.silent-on-children", "1"),
    (10, "policy.silent-on-obligatory-data", "1"),
    (10, "policy.silent-on-sources", "1"),
    (11, "cookies.browser-settings-only", "6.2a"),
    (12, "sharing.anonymous-not", "4.2.2"),
    (13, "updates.posting-only", "8b"),
    (14, "rights.missing-rights", "5"),
    (15, "rights.no-time-identity-fee", "5"),
    (16, "contact.controller-unnamed", "9"),
    (16, "contact.representative-missing", "9"),
    (16, "contact.reserved-domain", "9.1a"),
    (16, "contact.placeholder", "9.1b"),
    (16, "contact.placeholder", "9.1c"),
    (16, "contact.reserved-domain", "9.1d"),
    (17, "updates.stale", "8.1a"),
    (18, "contact.authority-unnamed", "9.2"),
    (19, "sharing.sale-statement-missing", "4"),
    (19, "sharing.sale-statement-missing", "5"),
}


@pytest.fixture(scope="module")
def example() -> Policy:
    return reading.read(EXAMPLE)


def world(name: str, **replaced: str) -> Policy:
    text = (WORLDS / name).read_text(encoding="utf-8")
    for old, new in replaced.items():
        text = text.replace(old.replace("_", "."), new)
    return reading.parse(text.encode(), name)


def serious(findings: tuple[LintFinding, ...]) -> list[LintFinding]:
    return [finding for finding in findings if finding.level is not Level.NOTE]


def test_the_nineteen_known_faults_of_the_example_are_found_each_where_it_stands(example: Policy) -> None:
    found = {(finding.fault, finding.rule, finding.number) for finding in lint(example, today=TODAY) if finding.fault}

    assert found == FAULTS_OF_THE_EXAMPLE
    assert {fault for fault, _, _ in found} == ALL_FAULTS


def test_every_finding_names_line_clause_article_and_repair(example: Policy) -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    for finding in lint(example, today=TODAY):
        name = finding.clause.rpartition(".")[2]
        assert name == "policy" or f"{name}:" in lines[finding.line - 1], finding
        assert finding.reference
        assert finding.message
        assert finding.repair


def test_the_example_fails_and_the_mended_copy_passes(example: Policy) -> None:
    assert has_errors(lint(example, today=TODAY))
    assert not has_errors(lint(world("mended.yaml", example_com="example-company.troth"), today=TODAY))


def test_a_mended_copy_of_the_example_has_no_error_and_no_warning() -> None:
    mended = world("mended.yaml", example_com="example-company.troth")

    assert serious(lint(mended, today=TODAY)) == []


def test_the_mended_copy_at_a_reserved_domain_is_still_at_fault() -> None:
    found = serious(lint(world("mended.yaml"), today=TODAY))

    assert {(finding.rule, finding.number) for finding in found} == {
        ("contact.reserved-domain", "9.1a"),
        ("contact.reserved-domain", "9.1d"),
    }


def test_an_honest_policy_of_another_manner_has_no_error_and_no_warning() -> None:
    assert serious(lint(world("prose.yaml"), today=TODAY)) == []


def test_all_nineteen_faults_are_found_in_the_words_of_another_company() -> None:
    found = {finding.fault for finding in lint(world("reworded.yaml"), today=TODAY)}

    assert found >= ALL_FAULTS


def test_findings_come_in_the_order_of_the_file_and_the_same_every_time(example: Policy) -> None:
    found = lint(example, today=TODAY)

    assert [finding.line for finding in found] == sorted(finding.line for finding in found)
    assert found == lint(example, today=TODAY)
    assert len(set(found)) == len(found)


def test_findings_can_be_written_as_json(example: Policy) -> None:
    rows = json.loads(json.dumps([dataclasses.asdict(finding) for finding in lint(example, today=TODAY)]))

    assert {"rule", "clause", "line", "level", "message", "reference"} <= set(rows[0])
    assert {row["level"] for row in rows} <= {"error", "warning", "note"}


# --- words and meaning ----------------------------------------------------------------------------------------


def without_meaning(value: Any) -> Any:
    """The same file with the printed words only."""
    if not isinstance(value, dict):
        return value
    kept = {key: part for key, part in value.items() if key not in reading._MEANINGS}
    return {key: without_meaning(part) for key, part in kept.items()}


def test_rules_about_words_say_the_same_whatever_the_meaning_beside_the_words(example: Policy) -> None:
    source = documents.load(EXAMPLE.read_bytes(), "policy.yaml").value
    head = {key: source[key] for key in ("troth", "title", "lead", "controller", "laws", "rights_for")}
    sections = {key: without_meaning(part) for key, part in source.items() if key not in head}
    bare = reading.parse(yaml.safe_dump(head | sections, sort_keys=False, allow_unicode=True).encode())

    def by_words(policy: Policy) -> set[tuple[str, str, str]]:
        return {(f.rule, f.number, f.message) for f in lint(policy, today=TODAY) if f.rule in WORD_RULES}

    assert by_words(bare) == by_words(example)


def test_a_meaning_that_promises_more_than_the_words_mends_nothing(example: Policy) -> None:
    assert example.periods  # the meaning has periods for every kind of data ...
    found = {finding.rule for finding in lint(example, today=TODAY)}
    assert "protection.no-period" in found  # ... and the published words still name none
    assert example.recipients
    assert "sharing.recipients-unnamed" in found


def test_the_sentence_that_a_repair_suggests_mends_its_fault(example: Policy) -> None:
    source = documents.load(EXAMPLE.read_bytes(), "policy.yaml").value
    findings = [(f, match[1]) for f in lint(example, today=TODAY) if (match := re.search(r'Add: "([^"]+)"', f.repair))]

    assert len(findings) > 12
    for finding, sentence in findings:
        section = finding.clause.partition(".")[0]
        mended = copy.deepcopy(source)
        mended[section]["added"] = {"number": "99", "text": sentence}
        left = lint(reading.parse(yaml.safe_dump(mended, sort_keys=False).encode()), today=TODAY)
        assert (finding.rule, finding.message) not in {(f.rule, f.message) for f in left}, sentence


# --- laws -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", known_laws())
def test_under_one_law_only_that_law_is_cited(example: Policy, name: str) -> None:
    others = [law(other).short for other in known_laws() if other != name]
    found = lint(dataclasses.replace(example, laws=(name,)), today=TODAY)

    for finding in found:
        if finding.rule != "contact.law-not-listed":
            cited = [part.strip() for part in finding.reference.split(";")]
            assert not [part for part in cited if part.startswith(tuple(f"{short} " for short in others))], finding


def test_a_duty_that_no_law_of_the_policy_has_is_not_judged(example: Policy) -> None:
    under_gdpr = {finding.rule for finding in lint(dataclasses.replace(example, laws=("gdpr",)), today=TODAY)}
    under_ccpa = {finding.rule for finding in lint(dataclasses.replace(example, laws=("ccpa",)), today=TODAY)}

    assert "sharing.sale-statement-missing" not in under_gdpr
    assert "updates.stale" not in under_gdpr
    assert "use.basis-unknown-to-law" not in under_gdpr
    assert "policy.silent-on-children" not in under_gdpr
    assert "use.basis-not-mapped" not in under_ccpa
    assert "sharing.transfers-unmentioned" not in under_ccpa
    assert "sharing.sale-statement-missing" in under_ccpa


def test_a_contradiction_or_a_placeholder_is_at_fault_under_every_law(example: Policy) -> None:
    for laws in (("virginia",), ("japan",), ()):
        found = {finding.rule for finding in lint(dataclasses.replace(example, laws=laws), today=TODAY)}
        assert {"sharing.contradicts-itself", "contact.placeholder", "contact.reserved-domain"} <= found


def test_which_rights_are_missed_depends_on_the_laws(example: Policy) -> None:
    def missed(*laws: str) -> set[str]:
        found = lint(dataclasses.replace(example, laws=laws), today=TODAY)
        return {f.message.partition(": ")[2].rstrip(".") for f in found if f.rule == "rights.missing-rights"}

    assert missed("gdpr") == {"withdrawal of consent", "not being subject to automated decisions"}
    assert missed("ccpa") == {
        "opting out of sale and sharing",
        "limiting the use of sensitive data",
        "freedom from retaliation",
    }
    assert missed("virginia") == {"opting out of sale and sharing", "appeal"}
    assert "explanation of the handling rules" in missed("pipl")


# --- time -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "stale"),
    [("2025-01-08", False), ("2025-01-09", True), ("2024-01-09", False), ("2024-01-08", True)],
)
def test_the_page_is_stale_after_twelve_months_and_a_date_to_come_is_wrong(
    example: Policy, today: str, stale: bool
) -> None:
    found = lint(example, today=dt.date.fromisoformat(today))

    assert any(finding.rule == "updates.stale" for finding in found) is stale


# --- hostile and odd text ---------------------------------------------------------------------------------------


def of_text(text: str) -> Policy:
    sections = {name: {"title": "Title", "text": text} for name in ("use", "sharing", "cookies", "contact")}
    head = {"troth": 1, "controller": {"name": "A", "country": "CN"}, "laws": ["gdpr", "uk-gdpr", "ccpa", "pipl"]}
    return reading.parse(yaml.safe_dump(head | sections, allow_unicode=True).encode())


def pieces() -> Iterator[str]:
    yield from (
        "consent",
        "we do not share",
        "<",
        "[",
        "{{",
        "example.com",
        "January 32, 2024",
        "\u202e",
        "\u00e9",
        "+86",
        "12 months",
        "% s",
    )


@given(st.lists(st.one_of(st.sampled_from(sorted(pieces())), st.text(max_size=20)), max_size=20).map(" ".join))
@settings(max_examples=60)
def test_no_text_makes_a_rule_fail(text: str) -> None:
    try:
        policy = of_text(text)
    except documents.DeclarationFaults:
        return  # YAML has no room for some control characters
    for finding in lint(policy, today=TODAY):
        assert finding.line >= 1


@pytest.mark.parametrize("seed", ["a.a.a.a-", "do not ", "we share ", "{{", "_", "1 2 3 ", "third third "])
def test_a_long_hostile_text_takes_time_in_proportion(seed: str) -> None:
    import time

    def seconds(length: int) -> float:
        policy = of_text((seed * length)[:length])
        begun = time.process_time()
        lint(policy, today=TODAY)
        return time.process_time() - begun

    seconds(100)
    assert seconds(24_000) < 8 * max(seconds(6_000), 0.05)


def test_an_empty_policy_is_told_what_it_lacks() -> None:
    empty = reading.parse(b"troth: 1\ncontroller: {name: A, country: DE}\nlaws: [gdpr]\n")

    assert {"policy.section-missing", "policy.silent-on-sources"} <= {f.rule for f in lint(empty, today=TODAY)}
