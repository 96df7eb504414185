"""Names of files lead nowhere but into the copy, and say nothing that a person typed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.rights.packaging.names import Names

SAFE = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,95}\Z")
DEVICES = {"con", "prn", "aux", "nul", "com1", "lpt9"}


def test_an_ordinary_table_keeps_its_name() -> None:
    assert Names().take("shop", "order_items", None) == "shop.order_items"
    assert Names().take("shop", "messages", "sender") == "shop.messages.sender"


@pytest.mark.parametrize(
    "table",
    [
        "../../etc/passwd", "..", "/etc/passwd", "C:\\x", "a\\..\\b", "a/b", "\x00", "a\nb", "  ", "", "名前", "a" * 500,
        "CON", "nul", "com1.txt", "-rf", ".hidden", "a:stream", 'a"b', "<script>", "%2e%2e%2f", "\u202egnp", "q?*|",
    ],
)  # fmt: skip
def test_a_hostile_name_becomes_a_harmless_one(table: str) -> None:
    name = Names().take(table, table, table)

    assert SAFE.match(name)
    assert not {"", ".", ".."} & set(name.split("."))
    assert name.split(".")[0] not in DEVICES


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), max_size=20))
def test_no_two_are_the_same_also_where_case_does_not_count(tables: list[tuple[str, str]]) -> None:
    names = Names()

    given_out = [names.take("s" + store, "t" + table) for store, table in tables]

    assert len({name.lower() for name in given_out}) == len(given_out)
    assert all(SAFE.match(name) for name in given_out)


def test_names_that_differ_in_what_is_left_out_are_told_apart() -> None:
    names = Names()

    assert [names.take("s", each) for each in ("a b", "a-b", "A/B", "a-b")] == [
        "s.a-b",
        "s.a-b-2",
        "s.a-b-3",
        "s.a-b-4",
    ]
