"""3.1b: passwords that stand alone, and accounts of people who have left."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.shopworld import NOW, World
from troth.foundation import leavers, staff
from troth.foundation.factors import codes
from troth.foundation.keys import Keyring
from troth.foundation.roles import Role
from troth.foundation.store import Store
from troth.protection.checks import accounts

PASSWORD = "correct horse battery staple"


def add(world: World, name: str, role: Role, *, password: str | None = PASSWORD, factor: bool = False) -> int:
    with Store.open(f"sqlite:///{world.folder / 'troth.sqlite3'}") as store:
        account = staff.add(store, name, role, now=NOW, password=password)
        if factor:
            keyring = Keyring.load(world.folder, {})
            secret = codes.secret_of(codes.enrol(store, keyring, account.id, now=NOW))
            assert codes.confirm(store, keyring, account.id, codes.code_at(secret, codes.step_at(NOW)), now=NOW)
        return account.id


def compare(world: World, *names: str, ago: timedelta = timedelta()) -> None:
    with Store.open(f"sqlite:///{world.folder / 'troth.sqlite3'}") as store:
        leavers.compare(store, "\n".join(["name", "officer", *names]).encode(), where="people.csv", now=NOW - ago)


@pytest.mark.parametrize("role", [Role.DPO, Role.AGENT])
def test_a_password_alone_before_peoples_data_breaks_the_sentence(role: Role, world: World) -> None:
    add(world, "dora", Role.DPO, factor=True)
    number = add(world, "ann", role)
    verdict, told = world.own("3.1b", accounts.password_alone)
    assert verdict == "broken"
    assert f"staff account {number}" in told
    assert "ann" not in told


def test_second_factors_and_links_keep_it(world: World) -> None:
    add(world, "dora", Role.DPO, factor=True)
    add(world, "ann", Role.AGENT, password=None)
    add(world, "adam", Role.ADMINISTRATOR)
    verdict, told = world.own("3.1b", accounts.password_alone)
    assert verdict == "kept"
    assert "3 accounts may read people's data: 1 with a second factor" in told


def test_codes_that_were_never_confirmed_are_no_factor(world: World) -> None:
    number = add(world, "dora", Role.DPO)
    with Store.open(f"sqlite:///{world.folder / 'troth.sqlite3'}") as store:
        codes.enrol(store, Keyring.load(world.folder, {}), number, now=NOW)
    assert world.own("3.1b", accounts.password_alone)[0] == "broken"


def test_a_closed_account_opens_nothing(world: World) -> None:
    add(world, "dora", Role.DPO, factor=True)
    add(world, "ann", Role.AGENT)
    with Store.open(f"sqlite:///{world.folder / 'troth.sqlite3'}") as store:
        staff.disable(store, "ann", now=NOW)
    assert world.own("3.1b", accounts.password_alone)[0] == "kept"


def test_accounts_that_are_all_on_the_list_keep_it(world: World) -> None:
    add(world, "dora", Role.DPO)
    compare(world, "dora", "others")
    assert world.own("3.1b", accounts.leaver_enters)[0] == "kept"


def test_somebody_who_left_breaks_it_until_their_account_is_closed(world: World) -> None:
    add(world, "dora", Role.DPO)
    number = add(world, "ann", Role.AGENT)
    compare(world, "dora")
    verdict, told = world.own("3.1b", accounts.leaver_enters)
    assert verdict == "broken"
    assert f"staff account {number}" in told
    with Store.open(f"sqlite:///{world.folder / 'troth.sqlite3'}") as store:
        staff.disable(store, "ann", now=NOW)
    assert world.own("3.1b", accounts.leaver_enters)[0] == "kept"


def test_the_newest_comparison_counts(world: World) -> None:
    add(world, "dora", Role.DPO)
    compare(world, "nobody")
    compare(world, "dora")
    assert world.own("3.1b", accounts.leaver_enters)[0] == "kept"


@pytest.mark.parametrize("column", ["at = '2026-11-21 00:00:00.000000'", "gone = '[]'"])
def test_a_comparison_that_the_ledger_tells_otherwise_breaks_it(column: str, world: World) -> None:
    number = add(world, "ann", Role.AGENT)
    compare(world, "dora", ago=timedelta(days=30))
    with Store.open(f"sqlite:///{world.folder / 'troth.sqlite3'}") as store, store.writing() as tx:
        tx.execute(text(f"update staff_comparisons set {column}"))
    verdict, told = world.own("3.1b", accounts.leaver_enters)
    assert verdict == "broken"
    assert "is not what its entry in the ledger says" in told
    assert f"staff account {number}" in told


@pytest.mark.parametrize("ago", [None, timedelta(days=92, seconds=1)])
def test_without_a_comparison_of_this_quarter_nobody_knows(ago: timedelta | None, world: World) -> None:
    add(world, "dora", Role.DPO)
    if ago is not None:
        compare(world, "dora", ago=ago)
    verdict, told = world.own("3.1b", accounts.leaver_enters)
    assert verdict == "unproven"
    assert "troth staff compare" in told
