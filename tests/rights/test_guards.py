from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.use.company import Company, found_company
from troth.errors import AccessDenied, MapUnapproved, TrothError, WritingPaused
from troth.foundation import staff
from troth.foundation.guards import approvals, pausing
from troth.foundation.guards.tables import map_approvals, write_pauses
from troth.foundation.roles import Role
from troth.policy.datamap import DataMap, Question, StoreKind, StoreMap

MAP = DataMap("datamap.yaml", {"shop": StoreMap("shop", StoreKind.SQLITE, "", {}, {})}, (), "a" * 64)


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    with found_company(tmp_path) as company:
        for name, role in (
            ("dora", Role.DPO),
            ("adam", Role.ADMINISTRATOR),
            ("gus", Role.AGENT),
            ("una", Role.AUDITOR),
        ):
            staff.add(company.office.store, name, role, now=company.clock.now())
        yield company


def approve(company: Company, name: str, datamap: DataMap = MAP) -> approvals.Approval:
    with company.office.store.writing() as tx:
        return approvals.approve(tx, company.office.keyring, datamap, name, company.clock.now())


def require(company: Company, datamap: DataMap = MAP) -> None:
    with company.office.store.reading() as tx:
        approvals.require_approved(tx, datamap)


def test_a_map_that_nobody_approved_is_not_acted_on(company: Company) -> None:
    with pytest.raises(MapUnapproved, match="troth map --approve"):
        require(company)


@pytest.mark.parametrize("name", ["dora", "adam"])
def test_an_approval_is_for_these_very_bytes_and_stands_in_the_ledger(company: Company, name: str) -> None:
    approve(company, name)

    require(company)
    with pytest.raises(MapUnapproved):
        require(company, replace(MAP, sha256="b" * 64))
    assert [leaf.kind for leaf in company.leaves()][-1] == "map.approved"


@pytest.mark.parametrize("name", ["gus", "una"])
def test_only_who_may_approve_approves(company: Company, name: str) -> None:
    with pytest.raises(AccessDenied, match="data protection officer"):
        approve(company, name)
    assert company.count(map_approvals) == 0


def test_a_closed_account_and_an_unknown_name_approve_nothing(company: Company) -> None:
    staff.disable(company.office.store, "dora", now=company.clock.now())

    with pytest.raises(AccessDenied):
        approve(company, "dora")
    with pytest.raises(TrothError, match="no staff account"):
        approve(company, "nobody")
    assert company.count(map_approvals) == 0


def test_to_approve_twice_is_to_approve_once(company: Company) -> None:
    first = approve(company, "dora")
    company.clock.advance(timedelta(days=1))

    assert approve(company, "dora") == first
    assert company.count(map_approvals) == 1


def test_open_questions_keep_a_map_from_being_approved_and_from_being_acted_on(company: Company) -> None:
    asking = replace(MAP, questions=(Question("shop", "users", "Whose?", None),))

    with pytest.raises(TrothError, match="questions"):
        approve(company, "dora", asking)
    approve(company, "dora")
    with pytest.raises(MapUnapproved, match="questions"):
        require(company, asking)


def test_a_pause_stops_and_lets_go_and_both_stand_in_the_ledger(company: Company) -> None:
    office = company.office
    pausing.require_running(office.store)

    with office.store.writing() as tx:
        assert pausing.pause(tx, office.keyring, company.clock.now()).paused
        pausing.pause(tx, office.keyring, company.clock.now())
    with pytest.raises(WritingPaused, match="troth resume"):
        pausing.require_running(office.store)
    with company.open_again() as other, pytest.raises(WritingPaused):
        pausing.require_running(other.office.store)
    with office.store.writing() as tx:
        assert not pausing.resume(tx, office.keyring, company.clock.now()).paused

    pausing.require_running(office.store)
    assert [leaf.kind for leaf in company.leaves()][-2:] == ["writing.paused", "writing.resumed"]
    assert company.count(write_pauses) == 2
