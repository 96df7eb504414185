"""Accounts that ended by their period are remembered: a restore does not bring them back unseen, nor anybody else."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from tests.protection.keepershop import NOW, OFFICER, Shop, found_shop
from troth.errors import StoreUnreachable
from troth.foundation import people, tombstone_file
from troth.foundation.records import carrying
from troth.protection import departures, holds, retention
from troth.protection.holds import Order
from troth.protection.tables import departed
from troth.protection.words import HoldScope, Occasion
from troth.rights import tombstones
from troth.rights.desk import Desk
from troth.rights.restoring import guarding
from troth.rights.tombstones import Standing
from troth.testing import FixedClock

BOB = "insert into customers values (2, 'bob@customer.example.org', '2026-10-22 06:00:00.000000')"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return found_shop(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}")


def end(shop: Shop) -> retention.Run:
    with shop.keeper() as keeper:
        return retention.run(keeper, Occasion.TERMINAL)


def met(shop: Shop) -> list[tuple[Standing, str]]:
    with shop.keeper() as keeper:
        outside = tombstone_file.read(keeper.instance.tombstone_file)
        with keeper.office.store.reading() as tx:
            tombs = tombstones.load(tx, outside)
        found = tombstones.look(keeper.records, keeper.datamap, keeper.office.keyring, tombs)
    return [(each.standing, each.table) for each in found]


def remembered(shop: Shop) -> list[Any]:
    with shop.keeper() as keeper, keeper.office.store.reading() as tx:
        return list(tx.execute(departed.select()).all())


def test_who_ended_and_is_back_after_a_restore_is_told_and_ends_again(shop: Shop) -> None:
    end(shop)
    assert met(shop) == []

    shop.sql(BOB)  # yesterday's copy is put back

    assert met(shop) == [(Standing.BACK, "customers")]
    with _desk(shop) as desk:
        guarded = guarding.guard(desk)
    assert [each.name for each in guarded.again] == ["retention-1.1+1"]
    assert guarded.clean
    assert shop.sql("select id from customers order by id") == [(1,), (3,)]


def test_what_is_remembered_is_hashes_and_stands_outside_the_store_too(shop: Shop) -> None:
    end(shop)

    rows = remembered(shop)
    assert {(row.run, row.person, row.kind) for row in rows} == {
        ("retention-1", 1, "key shop.customer"),
        ("retention-1", 1, "identifier shop.customer email"),
    }
    assert all(row.at == NOW for row in rows)
    with shop.keeper() as keeper:
        [entry] = tombstone_file.read(keeper.instance.tombstone_file)
        content = keeper.instance.tombstone_file.read_bytes()
    assert entry.name == "retention-1.1"
    assert set(entry.hashes) == {(row.kind, bytes(row.hash)) for row in rows}
    assert b"bob" not in content


def test_the_file_alone_remembers_when_troths_own_store_is_put_back_too(shop: Shop) -> None:
    end(shop)
    with shop.keeper() as keeper, keeper.office.store.writing() as tx:
        tx.execute(departed.delete())

    shop.sql(BOB)

    assert met(shop) == [(Standing.BACK, "customers")]


@pytest.mark.parametrize("committed", [False, True], ids=["before its commit", "after its commit"])
def test_a_run_that_dies_around_the_commit_remembers_whoever_is_really_gone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    begun = carrying.carry_out

    def dying(*given: Any, **more: Any) -> Any:
        if committed:
            begun(*given, **more)
        raise StoreUnreachable("the machine died", where="shop")

    monkeypatch.setattr(departures.carrying, "carry_out", dying)
    with pytest.raises(StoreUnreachable):
        end(shop)
    assert all(row.at is None for row in remembered(shop))
    assert met(shop) == [], "what is only announced says nothing about anybody"
    monkeypatch.setattr(departures.carrying, "carry_out", begun)

    end(shop)

    rows = remembered(shop)
    assert len(rows) == 2
    assert all(row.at is not None for row in rows)
    assert shop.sql("select id from customers order by id") == [(1,), (3,)]


def test_who_is_held_meanwhile_is_not_remembered(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = carrying.carry_out
    placed: list[int] = []

    def hold_first(*given: Any, **more: Any) -> Any:
        if not placed:
            with shop.keeper() as keeper:
                bob = (people.parse("id=2"),)
                order = Order(HoldScope.PERSON, OFFICER, "a claim", dt.date(2027, 6, 1), known_by=bob)
                placed.append(holds.place(keeper, order).id)
        return begun(*given, **more)

    monkeypatch.setattr(departures.carrying, "carry_out", hold_first)

    end(shop)

    assert placed
    assert remembered(shop) == []
    assert shop.sql("select id from customers order by id") == [(1,), (2,), (3,)]


def _desk(shop: Shop) -> Any:
    from contextlib import contextmanager

    @contextmanager
    def opened() -> Any:
        desk = Desk.open(shop.folder, shop.environ, FixedClock(NOW + dt.timedelta(days=1)))
        try:
            yield desk
        finally:
            desk.close()
            desk.office.store.close()

    return opened()
