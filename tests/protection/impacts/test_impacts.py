"""Impact assessments: which uses need one, the register, and worlds that are kept, broken and unproven."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from sqlalchemy import select
from typer.testing import CliRunner

from tests.policies import EXAMPLE, example, policy_of, said
from tests.protection.registers import POLICY, Desk
from tests.stores import fresh_store
from troth.errors import TrothError, UnknownName
from troth.foundation import keys
from troth.foundation.attestations.reading import EMPTY
from troth.foundation.keys import Keyring
from troth.foundation.ledger.tables import ledger_leaves
from troth.protection.checks.impacts import impact_unassessed
from troth.protection.impacts import commands, criteria, register
from troth.protection.impacts.criteria import Criterion
from troth.protection.impacts.register import Weighed
from troth.protection.impacts.words import Residual

REVIEW = dt.date(2027, 11, 1)


def uses(*data: str, purpose: str = "research") -> list[Criterion]:
    policy = policy_of(
        f"""
        use:
          number: "2"
          title: Use
          text: We use data.
          uses: [{{purpose: {purpose}, data: [{", ".join(data)}], basis: consent}}]
        """
    )
    [judged] = criteria.judge(policy)
    return list(judged.met)


@pytest.mark.parametrize(
    ("purpose", "data", "met"),
    [
        ("research", ["contact.email"], []),
        ("personalisation", ["contact.email"], [Criterion.EVALUATION]),
        ("analytics", ["usage.click"], [Criterion.MONITORING]),
        ("support", ["communication.message"], [Criterion.SENSITIVE]),
        ("research", ["health.record"], [Criterion.SENSITIVE]),
        ("research", ["work.salary"], [Criterion.VULNERABLE]),
        ("security", ["biometric.template"], [Criterion.SENSITIVE, Criterion.NEW_TECHNOLOGY]),
        ("fraud", ["device.ip"], [Criterion.EVALUATION, Criterion.REFUSAL]),
        ("research", ["location.precise"], [Criterion.MONITORING, Criterion.SENSITIVE]),
    ],
)
def test_what_speaks_for_an_assessment(purpose: str, data: list[str], met: list[Criterion]) -> None:
    assert uses(*data, purpose=purpose) == met


def test_two_criteria_are_enough_and_many_people_are_one() -> None:
    policy = example()
    few = {each.purpose for each in criteria.judge(policy, 2_000) if each.needed}
    many = {each.purpose for each in criteria.judge(policy, criteria.LARGE_SCALE) if each.needed}
    assert few == {"fraud", "terms"}
    assert {"analytics", "service.improve", "service.provide"} <= many


def assess(desk: Desk, **other: object) -> None:
    facts = {"purpose": "fraud", "document": desk.paper("impact.md"), "owner": "dpo", "review": REVIEW}
    with desk.store.writing() as tx:
        register.add(tx, desk.keyring, POLICY, desk.folder, Weighed(**{**facts, **other}), desk.now)


def test_an_assessed_use_is_kept(desk: Desk) -> None:
    assess(desk)
    assert desk.verdict(impact_unassessed) == "kept"


def edited(desk: Desk) -> None:
    desk.paper("impact.md", "Something else.\n")


def lost(desk: Desk) -> None:
    (desk.folder / "impact.md").unlink()


def overdue(desk: Desk) -> None:
    desk.clock.set("2027-11-02T00:00:00+00:00")


@pytest.mark.parametrize("fault", [edited, lost, overdue])
def test_an_assessment_that_no_longer_holds_is_unproven(desk: Desk, fault: Callable[[Desk], None]) -> None:
    assess(desk)
    fault(desk)
    assert desk.verdict(impact_unassessed) == "unproven"


def test_a_use_that_nobody_assessed_or_that_stays_a_high_risk_is_broken(desk: Desk) -> None:
    assert desk.verdict(impact_unassessed) == "broken"
    assert "may keep people from a service" in said(desk.report(impact_unassessed))
    assess(desk, residual=Residual.HIGH)
    assert desk.verdict(impact_unassessed) == "broken"
    assess(desk)
    assert desk.verdict(impact_unassessed) == "kept"


@pytest.mark.parametrize("column", ["residual = 'acceptable'", "residual = 'acceptable', review = '2090-01-01'"])
def test_an_assessment_that_the_ledger_tells_otherwise_is_broken(desk: Desk, column: str) -> None:
    assess(desk, residual=Residual.HIGH)
    desk.sql(f"update impact_assessments set {column}")
    assert desk.verdict(impact_unassessed) == "broken"
    assert "is not what its entry in the ledger says" in said(desk.report(impact_unassessed))


def test_an_empty_document_is_no_assessment(desk: Desk) -> None:
    assess(desk)
    desk.sql(f"update impact_assessments set sha256 = '{EMPTY}'")
    desk.paper("impact.md", "")
    assert "is empty" in said(desk.report(impact_unassessed))


def test_without_a_store_it_is_unproven(desk: Desk) -> None:
    assert desk.verdict(impact_unassessed, store=False) == "unproven"


@pytest.mark.parametrize(
    ("other", "error", "told"),
    [
        ({"purpose": "fraudd"}, UnknownName, 'Did you mean "fraud"'),
        ({"document": "none.md"}, TrothError, "no such document"),
        ({"review": dt.date(2026, 1, 1)}, TrothError, "cannot hold until"),
        ({"owner": "nobody"}, UnknownName, "no role and no account"),
    ],
)
def test_what_cannot_be_recorded_is_refused(
    desk: Desk, other: dict[str, object], error: type[TrothError], told: str
) -> None:
    with pytest.raises(error, match=told):
        assess(desk, **other)
    with desk.store.reading() as tx:
        assert tx.execute(select(ledger_leaves.c.id)).all() == []


def test_the_command_lists_what_is_needed_and_records_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "troth.toml").write_text('[store]\nurl = "sqlite:///troth.db"\n')
    (tmp_path / "policy.yaml").write_bytes(EXAMPLE.read_bytes())
    (tmp_path / "impact.md").write_text("Written down.\n")
    with fresh_store(tmp_path) as store:
        keys.confirm(store, Keyring.create(tmp_path))
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.add_typer(commands.assessment, name="assessment")

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["assessment", *arguments])
        return done.exit_code, done.stdout

    code, listed = run("list", "--format", "json")
    assert code == 1
    assert [each["purpose"] for each in json.loads(listed)["purposes"] if each["needed"]] == ["fraud", "terms"]
    for purpose in ("fraud", "terms"):
        assert run("add", purpose, "--document", "impact.md", "--review", "2027-11-01")[0] == 0
    code, listed = run("list")
    assert code == 0
    assert "assessed, review by 2027-11-01" in listed


def test_data_from_elsewhere_are_matched_though_the_clause_around_says_their_source() -> None:
    policy = policy_of(
        """
        collection:
          number: "1"
          title: Collection
          text: We collect data.
          given:
            {number: "1.1", title: Given, text: You give it., source: provided, mail: {text: E., data: [contact.email]}}
          had:
            {number: "1.2", title: Had, text: Others do., source: received, name: {text: N., data: [profile.name]}}
        use:
          number: "2"
          title: Use
          text: We use data.
          uses: [{purpose: research, data: [contact.email, profile.name], basis: consent}]
        """
    )
    [judged] = criteria.judge(policy)
    assert judged.met == (Criterion.MATCHING,)
