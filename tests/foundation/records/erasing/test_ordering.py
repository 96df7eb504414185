"""The order of statements, held against random webs of tables: no path lost, no rule in the way."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from troth.foundation.records.ordering import ROWS, Action, Deed, Order, Pointer, Work, put_in_order

TABLES = ("a", "b", "c", "d", "e")


@st.composite
def works(draw: st.DrawFn) -> Work:
    """Tables that go or change, found through each other and pointing at each other in any way."""
    reads: dict[Action, dict[str, frozenset[str]]] = {}
    writes: dict[Action, frozenset[str]] = {}
    pointers = []
    for name in TABLES:
        found = {name: frozenset(draw(st.sets(st.sampled_from(["x", "y", ROWS]), max_size=2)))}
        for other in draw(st.sets(st.sampled_from(TABLES), max_size=2)):
            if other != name:
                found[other] = frozenset(draw(st.sets(st.sampled_from(["x", "y"]), min_size=1)))
        for deed in draw(st.sets(st.sampled_from([Deed.DELETE, Deed.CHANGE]), min_size=1)):
            reads[Action(name, deed)] = found
            writes[Action(name, deed)] = (
                frozenset(draw(st.sets(st.sampled_from(["x", "y"])))) if deed is Deed.CHANGE else frozenset()
            )
        for target in draw(st.sets(st.sampled_from(TABLES), max_size=2)):
            column = draw(st.sampled_from(["x", "y"]))
            pointers.append(
                Pointer(name, (column,), target, ("id",), nullable=draw(st.booleans()), deferrable=draw(st.booleans()))
            )
    gatherable = frozenset(draw(st.sets(st.sampled_from(TABLES), min_size=3)))
    return Work(reads, writes, tuple(pointers), gatherable)


def _written(order: Order, work: Work, action: Action) -> set[str]:
    cutting = action.deed is Deed.CUT or (action.deed is Deed.CHANGE and action.table in order.joined)
    cut = {name for pointer in order.cut if pointer.table == action.table for name in pointer.columns}
    return set(work.writes.get(action, ())) | (cut if cutting else set())


@given(works(), st.data())
@settings(max_examples=80, deadline=None)
def test_no_path_is_lost_and_no_rule_stands_in_the_way(work: Work, data: st.DataObject) -> None:
    forced = data.draw(st.lists(st.sampled_from(work.pointers), max_size=2)) if work.pointers else []

    free = [pointer for pointer in work.pointers if pointer.nullable and pointer not in forced]
    by_store = data.draw(st.sets(st.sampled_from(free), max_size=2)) if free else set()
    work = replace(work, pointers=tuple(pointer for pointer in work.pointers if pointer not in by_store))

    order = put_in_order(work, [pointer for pointer in forced if pointer.nullable], by_store)

    if order.stuck or order.lost:
        assert order.actions == ()
        return
    at = {action: number for number, action in enumerate(order.actions)}
    assert set(at) >= set(work.writes), "an action was left out"
    for reader, read in work.reads.items():
        if reader.table in order.gathered:
            continue
        for other in order.actions:
            if other == reader or at[other] > at[reader]:
                continue
            for each in by_store if other.deed is Deed.DELETE else ():
                lost = set(each.columns) & read.get(each.table, frozenset())
                assert each.target != other.table or not lost, f"{other} makes the store hide rows from {reader}"
            if other.table not in read:
                continue
            assert not _written(order, work, other) & read[other.table], f"{other} hides rows from {reader}"
            hides = other.deed is Deed.DELETE and (other.table != reader.table or ROWS in read[other.table])
            assert not hides, f"{other} takes rows away that lead {reader}"
    for pointer in work.pointers:
        goes = Action(pointer.target, Deed.DELETE)
        if goes not in at or pointer in order.deferred or pointer.table == pointer.target:
            continue
        before = [action for action in order.actions[: at[goes]] if action.table == pointer.table]
        if pointer in order.cut:
            assert any(action.deed is not Deed.DELETE for action in before), f"{pointer} is not cut in time"
        elif Action(pointer.table, Deed.DELETE) in at:
            assert any(action.deed is Deed.DELETE for action in before), f"{pointer} is in the way"


@given(works())
@settings(max_examples=20, deadline=None)
def test_the_same_work_has_the_same_order(work: Work) -> None:
    assert put_in_order(work) == put_in_order(work)


def test_a_table_takes_one_update() -> None:
    change, delete = Action("orders", Deed.CHANGE), Action("addresses", Deed.DELETE)
    to_address = Pointer("orders", ("address_id",), "addresses", ("id",), nullable=True)
    own = {"orders": frozenset({"user_id"})}
    work = Work(
        {change: own, delete: {"addresses": frozenset({"user_id"})}},
        {change: frozenset({"user_id"}), delete: frozenset()},
        (to_address,),
    )

    order = put_in_order(work, [to_address])

    assert order.actions == (change, delete)
    assert order.joined == {"orders"}


def test_what_cannot_be_ordered_names_the_rules_that_stand_against_each_other() -> None:
    a, b = Action("a", Deed.DELETE), Action("b", Deed.DELETE)
    to_b = Pointer("a", ("b_id",), "b", ("id",), nullable=False, name="a_to_b")
    to_a = Pointer("b", ("a_id",), "a", ("id",), nullable=False, name="b_to_a")
    nothing: dict[str, frozenset[str]] = {}

    order = put_in_order(Work({a: nothing, b: nothing}, {a: frozenset(), b: frozenset()}, (to_b, to_a)))

    assert {pointer.name for pointer in order.stuck} == {"a_to_b", "b_to_a"}
