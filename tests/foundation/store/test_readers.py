"""What a reader on PostgreSQL acknowledges is what it obeys: by news that say whom a change is about, or by asking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stores import fresh_store
from troth.foundation.store import Store, changes, readers
from troth.foundation.store.changes import Changes, Mark

ME = "reader"


class Noting:
    """A memory that says what it was told to obey, and whether the row of its reader had acknowledged it by then."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.obeyed: list[frozenset[int] | None] = []
        self.acknowledged: list[str] = []

    def apply(self, new: Changes) -> None:
        self.obeyed.append(new.people)
        self.acknowledged.append(applied(self.connection))

    def grant(self, until: float) -> None:
        raise AssertionError(f"not asked here: {until}")

    def revoke(self) -> None:
        raise AssertionError("not asked here")


def applied(connection: Any) -> str:
    return str(connection.execute("SELECT applied FROM store_readers WHERE id = %s", (ME,)).fetchone()[0])


def said(store: Store, *people: int, naming: bool = False) -> Mark:
    """A word of these people, written and not told to anybody."""
    with store.writing() as tx:
        changes.note(tx, people, naming=naming)
        mark = changes.mark(tx)
    assert mark is not None
    return mark


def renewed(store: Store, *told: str) -> tuple[Noting, bool, list[Mark]]:
    """A reader that was there before two words, and heard the `told` of them: what it obeyed, and whether its row says
    that it obeys both."""
    connection, other = store.own_connection(), store.own_connection()
    follower = readers.Follower.__new__(readers.Follower)
    follower._memory = memory = Noting(other)
    position = connection.execute(readers._ENTER, {"me": ME}).fetchone()[0]
    marks = [said(store, 1, 2), said(store, 3)]
    follower._news = [marks[int(each)].news if each.isdigit() else each for each in told]
    assert follower._renew(connection, ME, position) is not None
    with store.statements() as tx:
        behind = sum(tx.execute(readers._BEHIND, {"xid": str(mark.xid)}).scalar_one() for mark in marks)
    connection.execute(readers._LEAVE, {"me": ME})
    connection.close()
    other.close()
    return memory, behind == 0, marks


@pytest.fixture
def store(tmp_path: Path, postgresql_scratch: str) -> Iterator[Store]:
    with fresh_store(tmp_path, url=postgresql_scratch) as made:
        yield made


def test_whatever_was_heard_both_words_are_obeyed_and_acknowledged(store: Store) -> None:
    for told in ((), ("0",), ("1",), ("0", "1"), ("nonsense", "12 !"), ("", "1")):
        memory, acknowledged, _ = renewed(store, *told)

        assert acknowledged, told
        obeyed = frozenset[int]().union(*(people or frozenset() for people in memory.obeyed))
        assert obeyed == {1, 2, 3}, told


def test_nothing_is_acknowledged_before_it_is_obeyed(store: Store) -> None:
    late = "SELECT count(*) FROM unnest(%s::text[]) AS x WHERE NOT pg_visible_in_snapshot(x::xid8, %s::pg_snapshot)"
    for told, at_once in ((("0",), False), (("1",), False), (("0", "1"), True)):
        memory, _, marks = renewed(store, *told)

        xids = [str(mark.xid) for mark in marks]
        with store.statements() as tx:
            behind = [tx.exec_driver_sql(late, (xids, applied)).scalar_one() for applied in memory.acknowledged]
        assert memory.obeyed[0] == frozenset(n for place in told for n in ((1, 2), (3,))[int(place)])
        assert behind == ([2, 0] if at_once else [2, 2]), told


def test_news_are_short_and_only_of_people_who_are_still_found_as_before(store: Store) -> None:
    mark = said(store, 7)
    assert changes.heard(mark.news) == (mark.xid, {7})
    assert said(store, 7, naming=True).news == ""
    assert said(store, *range(2_000)).news == ""
    with store.writing() as tx:
        changes.note(tx, [1])
        changes.note(tx, [2])
        twice = changes.mark(tx)
    assert twice is not None
    assert twice.news == ""


@given(st.text(max_size=30))
def test_nonsense_on_the_channel_says_nothing(text: str) -> None:
    known = changes.heard(text)
    assert known is None or isinstance(known[0], int)
