"""An objection is a state that decisions obey at once; it reaches what one may object to, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.use.company import POLICY, Company
from troth import errors
from troth.use.tables import objections


@pytest.fixture(autouse=True)
def _bob(request: pytest.FixtureRequest) -> None:
    name = "company_on_each" if "company_on_each" in request.fixturenames else "company"
    request.getfixturevalue(name).troth.register(id="17")


def test_an_objection_is_obeyed_by_the_next_decision_and_so_is_its_end(company_on_each: Company) -> None:
    troth = company_on_each.troth
    assert troth.may("id=17", "fraud", "device.ip")

    stance = troth.object_to("id=17", "fraud")
    assert (stance.objects, stance.since) == (True, company_on_each.clock.now())
    assert troth.may("id=17", "fraud", "device.ip").reason == "objection-stands"

    troth.lift_objection("id=17", "fraud")
    assert troth.may("id=17", "fraud", "device.ip")


def test_an_objection_to_marketing_stands_even_against_a_later_consent(company: Company) -> None:
    company.troth.object_to("id=17", "marketing")
    company.troth.give_consent("id=17", "marketing")

    assert company.troth.may("id=17", "marketing", "contact.email").reason == "objection-stands"


def test_an_objection_to_everything_reaches_all_one_may_object_to(company: Company) -> None:
    company.troth.object_to("id=17", "*")

    assert all(stance.objects for stance in company.troth.objections("id=17"))
    assert [stance.purpose for stance in company.troth.objections("id=17")] == [
        "marketing",
        "fraud",
        "census",
        "marketing.post",
        "improve",
    ]
    company.troth.lift_objection("id=17", "fraud")
    assert company.troth.may("id=17", "fraud", "device.ip")
    assert not company.troth.may("id=17", "census", "contact.address")
    company.troth.object_to("id=17", "*")
    assert not company.troth.may("id=17", "fraud", "device.ip")
    company.troth.lift_objection("id=17", "*")
    assert company.troth.may("id=17", "census", "contact.address")


def test_to_object_twice_is_to_object_once(company: Company) -> None:
    for purpose in ("fraud", "fraud", "*", "*", "census"):
        company.troth.object_to("id=17", purpose)
    for purpose in ("*", "*", "fraud"):
        company.troth.lift_objection("id=17", purpose)

    assert [(row.purpose, row.event) for row in company.rows(objections)] == [
        ("fraud", "raised"),
        ("*", "raised"),
        ("*", "lifted"),
    ]
    assert len(company.leaves()) == 3


@pytest.mark.parametrize(
    ("purpose", "told"),
    [
        ("service.provide", '"service.provide" rests on a ground that one cannot object to.'),
        (
            "fruad",
            (
                '"fruad" is not a purpose of this policy. '
                'Expected one of: marketing, fraud, census, marketing.post, improve. Did you mean "fraud"?'
            ),
        ),
    ],
)
def test_one_cannot_object_to_what_rests_on_another_ground(company: Company, purpose: str, told: str) -> None:
    for verb in (company.troth.object_to, company.troth.lift_objection):
        with pytest.raises(errors.UnknownName) as refused:
            verb("id=17", purpose)
        assert str(refused.value).startswith(f"policy.yaml: {told}")
    assert company.count(objections) == 0


def test_a_new_objection_counts_though_the_clock_stepped_back(company: Company) -> None:
    company.troth.object_to("id=17", "fraud")
    company.troth.lift_objection("id=17", "fraud")
    company.clock.advance(timedelta(minutes=-5))

    company.troth.object_to("id=17", "*")

    assert not company.troth.may("id=17", "fraud", "device.ip")


def test_an_objection_outlives_the_purpose_and_meets_it_again(company: Company) -> None:
    company.troth.object_to("id=17", "fraud")
    company.publish(POLICY.replace("purpose: fraud", "purpose: guard"))
    assert company.troth.may("id=17", "guard", "device.ip")

    company.publish(POLICY)

    assert company.troth.may("id=17", "fraud", "device.ip").reason == "objection-stands"
    company.publish(POLICY.replace("purpose: fraud", "purpose: guard"))
    assert not company.troth.lift_objection("id=17", "fraud").objects
