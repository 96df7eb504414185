"""The record of processing says what Art. 30 asks for, follows policy and map, and names what nobody declared."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.entrypoints.ropa.records import MAP, POLICY, SAID, activity, record
from troth.entrypoints.ropa.facts import Facts
from troth.entrypoints.ropa.record import Field
from troth.policy import reading, retention
from troth.policy.recordkeeping import RecordSettings
from troth.policy.vocabulary import Right
from troth.protection.impacts.reading import Assessment
from troth.protection.impacts.words import Residual
from troth.protection.run_reading import RunSeen

EXAMPLE = record()
NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)


def test_each_family_of_purposes_is_one_activity() -> None:
    found = EXAMPLE

    assert [each.id for each in found.activities] == [
        "service", "transactions", "notices", "marketing", "analytics", "research", "fraud", "security", "legal", "terms",
    ]  # fmt: skip
    assert [each.id for each in activity(found, "service").purposes] == ["service.provide", "service.improve"]


def test_an_activity_says_ground_law_and_balance_test() -> None:
    found = EXAMPLE

    assert activity(found, "legal").purposes[0].law == "Example Tax Records Act, Art. 12"
    assert activity(found, "fraud").purposes[0].balance == "documents/balance-fraud.md"
    assert activity(found, "marketing").purposes[0].basis == "consent"


def test_persons_and_stores_come_from_the_map() -> None:
    found = activity(EXAMPLE, "transactions")

    assert found.persons == ("customer",)
    assert "orders" in {each.table for each in found.stores}
    assert "access_log" not in {each.table for each in found.stores}


def test_sources_are_those_of_the_clause_around() -> None:
    assert dict(activity(EXAMPLE, "security").sources) == {
        "provided": ("account.username",),
        "observed": ("device.ip", "usage.visit_time", "usage.page"),
    }


def test_recipients_are_those_of_the_purpose_and_transfers_only_those_outside() -> None:
    found = EXAMPLE

    assert [each.name for each in activity(found, "service").recipients] == ["Example Storage", "Example Desk"]
    assert [(each.onward or each.recipient, each.country) for each in activity(found, "service").transfers] == [
        ("Example Storage", "SG"),
        ("Example Disks", "SG"),
        ("Example Desk", "US"),
    ]
    assert activity(found, "transactions").transfers == ()


def test_rights_follow_the_ground() -> None:
    found = EXAMPLE

    assert Right.OBJECTION in activity(found, "fraud").rights
    assert Right.OBJECTION not in activity(found, "transactions").rights
    assert Right.PORTABILITY in activity(found, "transactions").rights
    assert Right.PORTABILITY not in activity(found, "legal").rights
    assert activity(found, "marketing").withdrawal
    assert not activity(found, "transactions").withdrawal


def test_a_changed_period_changes_the_record() -> None:
    before = EXAMPLE
    after = record(("after: visit, keep: 90 days", "after: visit, keep: 30 days"))

    assert {each.keep for each in activity(before, "security").limits} == {"30 days", "90 days"}
    assert {each.keep for each in activity(after, "security").limits} == {"30 days"}
    assert after.executed.mark != before.executed.mark


def test_time_limits_are_the_rules_that_are_carried_out() -> None:
    """The policy says 10 years for orders; a law that demands 12 wins, and the record has what is done."""
    found = record(("review: 2027-10-01, keep: 10 years", "review: 2027-10-01, keep: 12 years"))

    assert {each.keep for each in activity(found, "legal").limits} == {"12 years"}


@pytest.mark.parametrize(("same", "rules"), [(True, None), (False, "ab" * 32)])
def test_it_says_whether_the_last_run_carried_these_rules_out(same: bool, rules: str | None) -> None:
    own = retention.sha256(retention.rules(reading.parse(POLICY.encode())))
    run = RunSeen("retention-1", rules or own, NOW, NOW, None)

    assert record(facts=Facts(run=run)).executed.same is same


def test_a_new_column_brings_its_store() -> None:
    more = MAP.replace(
        "          created_at: account.username ",
        "          seen_from: device.ip\n          created_at: account.username ",
    )
    assert more != MAP

    assert "users" not in {each.table for each in activity(EXAMPLE, "fraud").stores if each.table == "users"}
    assert "users" in {each.table for each in activity(record(datamap=more), "fraud").stores}


def test_the_whole_example_has_only_the_gaps_of_its_contacts() -> None:
    found = EXAMPLE

    assert {(gap.field, gap.activity) for gap in found.gaps if gap.field is not Field.ASSESSMENT} == {
        (Field.CONTACT, None)
    }
    assert {gap.activity for gap in found.gaps if gap.field is Field.ASSESSMENT} == {"fraud", "terms"}
    assert all(gap.line for gap in found.gaps)


def test_an_assessment_on_record_closes_its_gap() -> None:
    done = Assessment(1, "fraud", "documents/impact-fraud.md", "0" * 64, "dpo", Residual.ACCEPTABLE, NOW, NOW.date())

    found = record(facts=Facts(assessments={"fraud": done}))

    assert found.missing(Field.ASSESSMENT, "fraud") == ()
    assert activity(found, "fraud").assessments[0].document == "documents/impact-fraud.md"
    assert found.missing(Field.ASSESSMENT, "terms")


@pytest.mark.parametrize(
    ("before", "after", "field", "where"),
    [
        ("basis: legal-obligation, statute: tax-law}", "basis: legal-obligation}", Field.PURPOSES, "legal"),
        ("        fraud:\n          document:", "        other:\n          document:", Field.PURPOSES, "fraud"),
        ("data: [contact.email, profile.name]\n      basis: consent", "data: [contact.email, profile.name]", Field.PURPOSES, "marketing"),
        ("after: visit, keep: 90 days", "after: visit, keep: 90 days", None, None),
        ("    right: objection\n", "", Field.RIGHTS, "fraud"),
        ("data: [device.ip, usage.visit_time, usage.page], after", "data: [usage.visit_time, usage.page], after", Field.LIMITS, "fraud"),
        ("data: [device.ip, usage.visit_time, usage.page]\n", "data: [usage.visit_time, usage.page]\n", Field.SOURCES, "security"),
        ("          transfer: {ground: standard-clauses, until: 2028-12-31}\n", "", Field.TRANSFERS, "service"),
        ("transfer: {ground: standard-clauses, until: 2028-12-31}", "transfer: {ground: derogation}", Field.TRANSFERS, "service"),
        ("data: [contact.email, profile.name]\n      basis", "data: [contact.email, health.record]\n      basis", Field.SPECIAL, "marketing"),
        ("data: [contact.email, profile.name]\n      basis", "data: [contact.email, identity.passport]\n      basis", Field.STORES, "marketing"),
    ],
)  # fmt: skip
def test_what_is_not_declared_is_a_gap_of_its_place(
    before: str, after: str, field: Field | None, where: str | None
) -> None:
    found = record((before, after))

    new = [gap for gap in found.gaps if gap not in EXAMPLE.gaps and gap.field is not Field.CONTACT]
    if field is None:
        assert new == []
    else:
        assert (field, where) in {(gap.field, gap.activity) for gap in new}
        assert all(gap.repair and gap.where for gap in new)


def test_a_contract_that_is_missing_or_over_is_a_gap() -> None:
    later = record(today=dt.date(2029, 1, 1))
    paper = "          contract: {document: documents/contract-example-pay.md"

    assert "ended on 2028-12-31" in later.missing(Field.RECIPIENTS, "transactions")[0].message
    assert "no contract" in record((paper, "          #")).missing(Field.RECIPIENTS, "transactions")[0].message


def test_without_a_map_the_record_says_so_and_where() -> None:
    found = record(datamap=None)

    assert found.missing(Field.STORES)[0].where == "datamap.yaml"
    assert all(each.stores == () for each in found.activities)


def test_what_the_settings_do_not_say_is_a_gap_of_the_settings() -> None:
    found = record(said=RecordSettings())

    gaps = {gap.field for gap in found.gaps if gap.file == "troth.toml"}
    assert gaps == {Field.REPRESENTATIVE, Field.JOINT, Field.KEEPER, Field.CONTROLLERS, Field.DECISIONS}
    assert {gap.where for gap in found.gaps if gap.file == "troth.toml"} == {"troth.toml:7"}


def test_a_company_inside_the_area_needs_no_representative() -> None:
    said = SAID.model_copy(update={"representative": None})

    assert record(said=said).missing(Field.REPRESENTATIVE)
    inside = record(("country: CN, languages", "country: IE, languages"), said=said)
    assert inside.missing(Field.REPRESENTATIVE) == ()
    assert inside.controller.representative == "not needed: established in the European Economic Area"


def test_joint_controllers_and_automated_decisions_stand_at_their_purposes() -> None:
    said = SAID.model_copy(
        update={
            "joint_controllers": RecordSettings.model_validate(
                {"joint_controllers": [{"name": "Partner", "contact": "p@example.org", "purposes": ["fraud"]}]}
            ).joint_controllers,
            "automated_decisions": {"fraud": "holds back large orders until a person has looked"},
        }
    )

    found = record(said=said)

    assert [each.name for each in activity(found, "fraud").joint or ()] == ["Partner"]
    assert activity(found, "marketing").joint == ()
    assert activity(found, "fraud").decisions == ("holds back large orders until a person has looked",)
    assert activity(found, "marketing").decisions == ()
