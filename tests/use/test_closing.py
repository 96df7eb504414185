"""The contract ends with the account: what decisions, audiences and runs make of a closed one."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.shopworld import NOW, World, before, founded, world
from tests.use.company import POLICY, Company
from tests.use.viewing import maker, wish
from troth.errors import PersonUnknown, TrothError
from troth.use import closing
from troth.use.audience import Audience
from troth.use.tables import closings

__all__ = ["before", "founded", "world"]

LATE = """\
  grounds:
    number: "1.2"
    title: Grounds
    text: "We rely on:"
    contract: {text: A contract with you, basis: contract, closing: 14 days}
sharing:
"""
SERVICE = ("service.provide", "contact.email")
DAY = dt.timedelta(days=1)


def may(company: Company, purpose: str = "service.provide", data: str = "contact.email") -> str:
    """The decision, the audience and the bulk answers, which must agree; gives the reason.

    Asked of a process that has just begun: what one remembers ends by the machine's clock, not by the test's.
    """
    assert (len(company.troth.audience(purpose, data)) == 1) is bool(company.troth.permitted(purpose, data, ["id=17"]))
    with company.open_again() as troth:
        decision = troth.may("id=17", purpose, data)
        assert (len(troth.audience(purpose, data)) == 1) is bool(decision)
        assert (troth.permitted(purpose, data, ["id=17"]) == ["id=17"]) is bool(decision)
        assert bool(troth.may_many(["id=17"], [(purpose, data)])[0]) is bool(decision)
        return decision.reason.value


def test_a_contract_carries_uses_until_the_closing_period_is_over_and_not_a_moment_longer(company: Company) -> None:
    company.publish(POLICY.replace("sharing:\n", LATE, 1))
    company.troth.register(id="17")
    account = company.troth.close_account("id=17")
    assert account.until == company.clock.now() + 14 * DAY
    assert may(company) == "basis-applies"

    company.clock.advance(14 * DAY - dt.timedelta(seconds=1))
    assert may(company) == "basis-applies"
    company.clock.advance(dt.timedelta(seconds=1))
    assert may(company) == "contract-ended"

    assert may(company, "legal", "transaction.purchase") == "basis-applies", "a duty under law goes on"
    assert may(company, "storage") == "basis-applies"
    assert may(company, "fraud", "device.ip") == "basis-applies"


def test_without_a_period_the_contract_ends_with_the_account_and_begins_with_it_anew(company: Company) -> None:
    company.troth.register(id="17")
    company.troth.close_account("id=17")
    assert may(company) == "contract-ended"
    assert company.troth.reopen_account("id=17").closed is False
    assert may(company) == "basis-applies"
    assert [leaf.kind for leaf in company.leaves()][-2:] == ["account.closed", "account.reopened"]


def test_to_close_twice_is_to_close_once_and_what_fails_writes_nothing(company: Company) -> None:
    company.troth.register(id="17")
    company.troth.close_account("id=17")
    company.troth.close_account("id=17")
    assert company.count(closings) == 1
    with pytest.raises(PersonUnknown):
        company.troth.close_account("id=99")
    with pytest.raises(TrothError, match="in the future"):
        company.troth.reopen_account("id=17", at=company.clock.now() + DAY)
    assert company.count(closings) == 1


def test_a_kept_audience_counts_whose_time_ran_out_since(company: Company) -> None:
    company.publish(POLICY.replace("sharing:\n", LATE, 1))
    company.troth.register(id="17")
    company.troth.close_account("id=17")
    audience = Audience(company.office, company.troth.lease)
    assert len(audience.of(*SERVICE)) == 1
    company.clock.advance(15 * DAY)
    assert len(audience.of(*SERVICE)) == 0


def test_who_is_closed_in_the_company_s_table_is_closed_here_and_open_again_where_they_are(world: World) -> None:
    closed = {int(str(row[0])) for row in world.ask("select id from users where closed_at is not null")}
    assert closed
    with maker(wish(world)) as made:
        assert closing.follow(made) == len(closed)
        assert closing.follow(made) == 0
    world.now = NOW + 15 * DAY
    with world.troth() as troth:
        reasons = {who: troth.may(f"id={who}", "transactions", "contact.email").reason.value for who in (*closed, 1)}
    assert reasons == dict.fromkeys(closed, "contract-ended") | {1: reasons[1]}

    back = min(closed)
    world.sql("update users set closed_at = null where id = ?", back)
    with world.troth() as troth:
        troth.close_account("id=2")
    with maker(world) as made:
        assert closing.follow(made) == 1, "what the software itself said is left alone"
    with world.troth() as troth:
        assert troth.may(f"id={back}", "transactions", "contact.email")
