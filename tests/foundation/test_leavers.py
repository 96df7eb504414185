"""Accounts held against the list of those who work here."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from troth.errors import TrothError, UnreadableFile
from troth.foundation import leavers, staff
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.roles import Role
from troth.foundation.store import Store
from troth.foundation.tables import staff_comparisons
from troth.testing import FixedClock


@pytest.fixture
def house(store: Store, clock: FixedClock) -> Store:
    for name in ("dora", "ann", "ben", "zoë"):
        staff.add(store, name, Role.AGENT, now=clock.now())
    staff.disable(store, "ben", now=clock.now())
    return store


def gone(store: Store, clock: FixedClock, text: str) -> list[str]:
    found = leavers.compare(store, text.encode(), where="people.csv", now=clock.now())
    return [each.name for each in found.gone]


def test_an_open_account_that_is_on_no_list_is_found_and_a_closed_one_is_not(house: Store, clock: FixedClock) -> None:
    assert gone(house, clock, "name\ndora\n Zoe\u0308 \n") == ["ann"]


@pytest.mark.parametrize(
    "text",
    [
        "name\ndora\nann\nzoë\nnobody\n",
        "\ufeffName,Team\r\nDORA,a\r\nAnn,b\r\nZOË,c\r\n",
        'id,login,active\n1,dora,yes\n2,ann,\n3,"zoë",TRUE\n',
    ],
)
def test_a_list_is_read_however_it_is_written(text: str, house: Store, clock: FixedClock) -> None:
    assert gone(house, clock, text) == []


def test_who_is_listed_as_inactive_has_left(house: Store, clock: FixedClock) -> None:
    assert gone(house, clock, "username,active\ndora,no\nann,yes\nzoë,left\n") == ["dora", "zoë"]


def test_the_comparison_is_recorded_without_a_name(house: Store, clock: FixedClock) -> None:
    gone(house, clock, "name\ndora\nzoë\n")
    with house.reading() as tx:
        row = tx.execute(select(staff_comparisons)).one()
        content = tx.execute(select(ledger_leaves.c.content).where(ledger_leaves.c.id == row.leaf)).scalar_one()
        numbers = [each.id for each in staff.list_(tx) if each.name == "ann"]
    assert (row.listed, row.accounts, json.loads(row.gone)) == (2, 3, numbers)
    assert json.loads(content)["body"]["gone"] == numbers
    assert b"ann" not in content


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no column says how they sign in"),
        (b"person\ndora\n", "no column says how they sign in"),
        (b"name\n", "names nobody"),
        (b"name,active\ndora,no\n", "names nobody"),
        (b"name\ndora\n\xff\n", "people.csv:3: not UTF-8"),
        (b'name\n"dora\n', "not CSV"),
        (b"\x00\x01", "no column"),
    ],
)
def test_what_is_no_list_changes_nothing(content: bytes, told: str, house: Store, clock: FixedClock) -> None:
    with pytest.raises((UnreadableFile, TrothError), match=told):
        leavers.compare(house, content, where="people.csv", now=clock.now())
    with house.reading() as tx:
        assert tx.execute(select(staff_comparisons)).first() is None
