"""While a restriction stands, data are stored and little else; each ground stands for itself."""

from __future__ import annotations

import pytest

from tests.use.company import Company
from troth import errors
from troth.use.tables import restrictions
from troth.use.words import Ground

USES = {
    "service.provide": "contact.email",
    "marketing": "contact.email",
    "fraud": "device.ip",
    "census": "contact.address",
    "storage": "contact.email",
    "legal": "transaction.purchase",
    "rescue": "contact.phone",
}


@pytest.fixture(autouse=True)
def _bob(request: pytest.FixtureRequest) -> None:
    name = "company_on_each" if "company_on_each" in request.fixturenames else "company"
    request.getfixturevalue(name).troth.register(id="17")


def test_a_restriction_stops_every_use_but_those_that_the_law_lets_pass(company_on_each: Company) -> None:
    troth = company_on_each.troth
    troth.give_consent("id=17", "marketing")
    assert all(troth.may("id=17", purpose, data) for purpose, data in USES.items())

    pause = troth.restrict("id=17")

    assert (pause.restricted, pause.grounds, pause.since) == (True, (Ground.REQUEST,), company_on_each.clock.now())
    assert {purpose for purpose, data in USES.items() if troth.may("id=17", purpose, data)} == {
        "storage",
        "legal",
        "rescue",
    }
    troth.lift_restriction("id=17")
    assert all(troth.may("id=17", purpose, data) for purpose, data in USES.items())


def test_lifting_the_person_s_own_wish_does_not_lift_that_of_an_erasure(company: Company) -> None:
    company.troth.restrict("id=17")
    company.troth.restrict("id=17", ground="erasure")

    pause = company.troth.lift_restriction("id=17")

    assert pause.grounds == (Ground.ERASURE,)
    assert not company.troth.may("id=17", "service.provide", "contact.email")
    assert not company.troth.lift_restriction("id=17", ground=Ground.ERASURE).restricted
    assert company.troth.may("id=17", "service.provide", "contact.email")


def test_to_restrict_twice_is_to_restrict_once(company: Company) -> None:
    company.troth.lift_restriction("id=17")
    for _ in range(2):
        company.troth.restrict("id=17")
    for _ in range(2):
        company.troth.lift_restriction("id=17")

    assert [row.event for row in company.rows(restrictions)] == ["placed", "lifted"]
    assert len(company.leaves()) == 2
    assert not company.troth.restriction("id=17").restricted


def test_another_ground_is_refused_with_the_nearest(company: Company) -> None:
    with pytest.raises(errors.UnknownName, match=r'Did you mean "erasure"\?'):
        company.troth.restrict("id=17", ground="erasur")
    assert company.leaves() == []
