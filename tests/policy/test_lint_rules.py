from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from troth.policy import reading
from troth.policy.law.provisions import FurtherRight
from troth.policy.lint import RULES, Level, LintFinding, lint
from troth.policy.lint.registry import OWN_WORD, rule
from troth.policy.lint.words.rights import TOLD_RIGHTS
from troth.policy.vocabulary import Right

WORLDS = Path(__file__).with_name("worlds")
TODAY = dt.date(2026, 11, 22)
IDS = [each.id for each in RULES]


def found_in(kind: str, rule_id: str) -> list[LintFinding]:
    policy = reading.read(WORLDS / kind / f"{rule_id}.yaml")
    return [finding for finding in lint(policy, today=TODAY) if finding.rule == rule_id]


@pytest.mark.parametrize("rule_id", IDS)
def test_each_rule_finds_its_fault_in_a_broken_world(rule_id: str) -> None:
    found = found_in("broken", rule_id)

    assert found
    lines = (WORLDS / "broken" / f"{rule_id}.yaml").read_text(encoding="utf-8").splitlines()
    assert all(1 <= finding.line <= len(lines) for finding in found)


@pytest.mark.parametrize("rule_id", IDS)
def test_each_rule_is_silent_in_the_mended_world(rule_id: str) -> None:
    assert found_in("mended", rule_id) == []


def test_every_world_belongs_to_a_rule() -> None:
    for kind in ("broken", "mended"):
        assert {path.stem for path in (WORLDS / kind).glob("*.yaml")} == set(IDS)


@pytest.mark.parametrize("each", RULES, ids=IDS)
def test_every_rule_has_a_page_that_says_what_it_finds_and_what_not(each: object) -> None:
    page = RULES[IDS.index(each.id)].find.__doc__ or ""

    for part in ("Finds:", "Does not find:", "Before:", "After:"):
        assert part in page
    assert page.index("Finds:") < page.index("Does not find:") < page.index("Before:") < page.index("After:")


@pytest.mark.parametrize("each", RULES, ids=IDS)
def test_every_rule_has_a_stable_id_a_title_and_something_it_rests_on(each: object) -> None:
    known = RULES[IDS.index(each.id)]

    assert re.fullmatch(r"[a-z]+\.[a-z]+(-[a-z]+)*", known.id)
    assert known.title[0].isupper()
    assert not known.title.endswith(".")
    assert known.reference


def test_the_nineteen_faults_all_have_a_rule() -> None:
    assert {known.fault for known in RULES} - {None} == set(range(1, 20))


def test_an_id_cannot_be_taken_twice_and_a_rule_must_rest_on_something() -> None:
    with pytest.raises(ValueError, match=r"two lint rules are called updates\.stale"):
        rule("updates.stale", "Again", rests_on=OWN_WORD)(lambda _: ())
    with pytest.raises(ValueError, match="rests on nothing"):
        rule("made-up.rule", "Of nothing")(lambda _: ())


def test_every_right_that_a_law_may_give_has_words_to_find_it() -> None:
    assert set(TOLD_RIGHTS) == {*Right, *FurtherRight}
    for told in TOLD_RIGHTS.values():
        assert told.told.search(told.sentence), told.sentence


def test_a_recipient_without_any_contract_is_a_warning_and_with_an_ended_one_an_error() -> None:
    text = (WORLDS / "broken" / "sharing.recipient-without-contract.yaml").read_text(encoding="utf-8")
    without = re.sub(r", contract: \{.*?\}", "", text)

    (ended,) = found_in("broken", "sharing.recipient-without-contract")
    (missing,) = [
        finding
        for finding in lint(reading.parse(without.encode()), today=TODAY)
        if finding.rule == "sharing.recipient-without-contract"
    ]

    assert (ended.level, missing.level) == (Level.ERROR, Level.WARNING)


def test_no_repair_brings_back_the_fault_it_repairs() -> None:
    """The sentences that repairs suggest are themselves free of placeholders at reserved domains."""
    for path in sorted((WORLDS / "broken").glob("*.yaml")):
        for finding in lint(reading.read(path), today=TODAY):
            assert "example.com" not in finding.repair
            assert finding.repair.endswith((".", '"', "`"))
