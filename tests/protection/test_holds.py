"""Holds: what they cover stays, whatever its age and whoever asks; what they do not cover goes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.protection.keepershop import ENGINES, NOW, OFFICER, Shop, expected, found_shop, rows, url_of
from troth.errors import AccessDenied, HoldRefused, PersonUnknown, PlaceMissing, UnknownName
from troth.foundation import people
from troth.foundation.records import steps
from troth.protection import held_rows, hold_reading, holds, retention
from troth.protection.hold_reading import Hold
from troth.protection.holds import Order
from troth.protection.tables import holds as table
from troth.protection.words import HoldScope, Occasion

LATER = dt.date(2027, 6, 30)


@pytest.fixture(params=ENGINES)
def each_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    return found_shop(tmp_path, url_of(request, tmp_path, request.param))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return found_shop(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}")


def person(number: int) -> dict[str, Any]:
    return {"scope": HoldScope.PERSON, "known_by": (people.parse(f"id={number}"),)}


def order_of(**more: Any) -> Order:
    return Order(**{"owner": OFFICER, "reason": "claim of 2026", "review": LATER, **more})


def place(shop: Shop, **more: Any) -> Hold:
    with shop.keeper() as keeper:
        return holds.place(keeper, order_of(**more))


def end(shop: Shop) -> retention.Run:
    with shop.keeper() as keeper:
        return retention.run(keeper, Occasion.TERMINAL)


def test_everything_of_a_person_stays(each_shop: Shop) -> None:
    before = each_shop.all()
    place(each_shop, **person(2))

    done = end(each_shop)

    after = each_shop.all()
    for name, at in (("customers", 0), ("orders", 1), ("visits", 1), ("clicks", 0), ("pages", 0)):
        assert [row for row in after[name] if row[at] == 2] == [row for row in before[name] if row[at] == 2], name
    for name, at in (("visits", 1), ("clicks", 0), ("pages", 0)):
        assert [row for row in after[name] if row[at] != 2] == [row for row in expected()[name] if row[at] != 2], name
    assert done.left == {}


def test_a_row_stays_with_what_hangs_on_it_and_what_it_hangs_on(each_shop: Shop) -> None:
    place(each_shop, scope=HoldScope.RECORD, place="shop.orders=1")

    end(each_shop)

    after = each_shop.all()
    assert (1, 1, rows()["orders"][0][2], 100, "tok-1", "gone with the row") in after["orders"]
    assert rows()["items"][0] in after["items"]
    assert [row for row in after["orders"] if row[0] != 1] == expected()["orders"]


@pytest.mark.parametrize(
    "more",
    [
        {"scope": HoldScope.TABLE, "place": "shop.visits"},
        {"scope": HoldScope.CATEGORY, "place": "device.ip"},
        {"scope": HoldScope.CATEGORY, "place": "device.*"},
    ],
)
def test_a_table_or_whatever_has_a_category_stays(shop: Shop, more: dict[str, Any]) -> None:
    place(shop, **more)

    end(shop)

    after = shop.all()
    assert after["visits"] == sorted(rows()["visits"], key=repr)
    assert after["customers"] == sorted(rows()["customers"], key=repr)  # the account that ends has visits
    assert [row for row in after["clicks"] if row[0] != 2] == [row for row in expected()["clicks"] if row[0] != 2]


def test_what_a_hold_kept_goes_when_it_is_lifted(each_shop: Shop) -> None:
    held = place(each_shop, **person(2))
    end(each_shop)
    with each_shop.keeper() as keeper:
        holds.lift(keeper, held.id, OFFICER)

    end(each_shop)

    assert each_shop.all() == expected()
    kinds = [kind for kind in each_shop.kinds() if kind.startswith("hold.")]
    assert kinds == ["hold.placed", "hold.lifted"]


def test_a_hold_that_is_placed_while_a_part_is_under_way_keeps_the_rows_of_that_part(
    each_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part has deleted and not committed; the hold is acknowledged; the part must be undone."""
    ended, placed = steps.end, list[Hold]()

    def hold_first(*given: Any) -> None:
        ended(*given)
        if not placed:
            placed.append(place(each_shop, **person(1)))

    monkeypatch.setattr(steps, "end", hold_first)
    before = each_shop.all()

    end(each_shop)

    after = each_shop.all()
    assert placed
    for name, at in (("orders", 1), ("visits", 1), ("clicks", 0), ("pages", 0), ("reviews", 1)):
        assert [row for row in after[name] if row[at] == 1] == [row for row in before[name] if row[at] == 1], name


@pytest.mark.parametrize(
    ("more", "error", "word"),
    [
        ({"reason": " "}, HoldRefused, "says why"),
        ({"review": NOW.date()}, HoldRefused, "review"),
        ({"statute": "tea-law"}, UnknownName, "no such law"),
        ({"owner": "nobody"}, UnknownName, "no staff account"),
        ({"owner": "ed"}, AccessDenied, "may not put a legal hold"),
        ({"place": "shop.visit"}, UnknownName, 'mean "shop.visits"'),
        ({"scope": HoldScope.CATEGORY, "place": "device.nose"}, UnknownName, "no such category"),
        ({"scope": HoldScope.RECORD, "place": "shop.pages=1"}, PlaceMissing, "has none"),
        ({"scope": HoldScope.RECORD, "place": "shop.clicks=1"}, PlaceMissing, "shop.clicks=CUSTOMER_ID,NUMBER"),
        ({"scope": HoldScope.PERSON, "known_by": (people.parse("id=77"),)}, PersonUnknown, "anybody"),
    ],
)
def test_an_order_that_is_not_whole_is_refused(
    shop: Shop, more: dict[str, Any], error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        place(shop, **{"scope": HoldScope.TABLE, "place": "shop.visits", **more})

    with shop.keeper() as keeper, keeper.office.store.reading() as tx:
        assert hold_reading.every(tx) == ()
    assert "hold.placed" not in shop.kinds()


def test_lifting_needs_the_role_and_is_done_once(shop: Shop) -> None:
    held = place(shop, scope=HoldScope.TABLE, place="shop.visits")
    with shop.keeper() as keeper:
        with pytest.raises(AccessDenied):
            holds.lift(keeper, held.id, "ed")
        assert holds.lift(keeper, held.id, OFFICER).lifted_at == NOW
        with pytest.raises(HoldRefused, match="no such hold stands"):
            holds.lift(keeper, held.id, OFFICER)


def test_whom_a_hold_is_about_and_why_stands_nowhere_in_clear_and_is_wiped(shop: Shop) -> None:
    held = place(
        shop, scope=HoldScope.PERSON, known_by=(people.parse("email=ada@customer.example.org"),), reason="Ada's claim"
    )
    with shop.keeper() as keeper:
        with keeper.office.store.reading() as tx:
            assert holds.reason_of(tx, keeper, held.id) == "Ada's claim"
        assert "ada" not in repr(held).lower()
        stored = b"".join(path.read_bytes() for path in shop.folder.glob("troth.sqlite3*"))
        assert b"ada@" not in stored
        assert b"Ada's" not in stored
        holds.lift(keeper, held.id, OFFICER)
        with keeper.office.store.reading() as tx:
            assert tx.execute(table.select()).one().sealed is None
            assert holds.reason_of(tx, keeper, held.id) == ""


def test_without_holds_no_store_is_asked_about_any(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Callable[[], None]:
        raise AssertionError

    monkeypatch.setattr("troth.foundation.records.subjects._found", refuse)

    assert end(shop).left == {}


def test_who_is_held_is_looked_for_once_for_all_stores_and_all_holds(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (2, 3):
        place(shop, **person(number))
    looked_for: list[list[Any]] = []
    find_each = held_rows.find_each

    def noted(records: Any, datamap: Any, everybody: Any) -> Any:
        looked_for.append(list(everybody))
        return find_each(records, datamap, looked_for[-1])

    monkeypatch.setattr(held_rows, "find_each", noted)
    with shop.keeper() as keeper:
        now = holds.held_now(keeper)
        each = [now.held("shop", only=hold.id) for hold in now.holds]
        whole = now.held("shop")

    assert [len(held.people) for held in each] == [1, 1]
    assert {one.key for one in whole.people} == {(2,), (3,)}
    assert [len(everybody) for everybody in looked_for] == [2]
