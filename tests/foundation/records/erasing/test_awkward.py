"""The awkward shop: every path form and every trap, erased person by person on each kind of store."""

from __future__ import annotations

import datetime as dt
import os

import pytest
import sqlalchemy

from tests.awkward.fixtures import Awkward, awkward_on
from tests.awkward.seeding import CUSTOMERS, GUEST, PEOPLE
from tests.foundation.records.erasing.company import NOW, pseudonym
from troth.foundation.records import carrying, erasing, recounting
from troth.foundation.records.erasureplan import StepCounts
from troth.foundation.records.keys import Subject
from troth.foundation.records.reach import Reach
from troth.foundation.records.reading import Records
from troth.foundation.records.subjects import find_subjects
from troth.foundation.records.writing import Writer
from troth.policy.datamap import Place

SOME = PEOPLE if os.environ.get("SOAK") == "true" else ("customer:1", "customer:2", "staff:S-1", GUEST)
POINTERS = {"referrer_id", "address_id", "main_order_id", "ship_to", "parent_id", "reports_to", "staff_code"}


def _erasure(shop: Awkward, records: Records) -> erasing.Erasure:
    return erasing.compile(Reach.compile(shop.datamap, records.catalogue("awkward")), records.kind("awkward")[0])


def _find(shop: Awkward, records: Records, *people: str) -> tuple[Subject, ...]:
    return tuple(subject for each in people for subject in find_subjects(records, shop.datamap, shop.known_by(each)))


def _erase(shop: Awkward, *people: str, at: dt.datetime = NOW) -> tuple[StepCounts, dict[Place, int], dict[Place, int]]:
    """Erase them in one request; the counts, what is still theirs, and what dangles that did not before."""
    with shop.records() as records, Writer.of_address("awkward", shop.url) as writer:
        erasure = _erasure(shop, records)
        ask = erasing.asker(records, "awkward")
        subjects = _find(shop, records, *people)
        before = recounting.dangling(erasure, ask)
        plan = erasing.plan(erasure, subjects, ask, at=at) if len(subjects) <= carrying.FEW_PEOPLE else None
        plan = plan or erasing.plan(erasure, subjects[:1], ask, at=at)
        done = carrying.carry_out(writer, plan, subjects, "r1", at=at, pseudonym=pseudonym)
        left = recounting.recount(erasure, subjects, ask, at=at)
        after = recounting.dangling(erasure, ask)
        return done, left, {place: n for place, n in after.items() if n != before.get(place)}


def _cells(shop: Awkward) -> str:
    return "\n".join(row for name, rows in shop.snapshot().items() if name != "troth_step" for row in rows)


@pytest.mark.parametrize("person", SOME)
def test_nothing_of_the_person_is_left_and_everything_of_the_others_is(awkward: Awkward, person: str) -> None:
    kept = awkward.kept_of(person)

    _, left, dangling = _erase(awkward, person)

    cells = _cells(awkward)
    mine = {needle for needles in awkward.needles_of(person).values() for needle in needles}
    assert [needle for needle in mine - kept if needle in cells] == []
    assert [needle for needle in kept if needle not in cells] == []
    assert left == {}
    assert dangling == {}
    for other in (each for each in PEOPLE if each != person):
        theirs = {needle for place, needles in awkward.needles_of(other).items() for needle in needles}
        gone = [needle for needle in theirs if needle not in cells and repr(needle)[1:-1] not in cells]
        assert gone == [], other


@pytest.mark.parametrize("person", SOME)
def test_rows_of_others_stay_to_the_last_byte_but_for_pointers_at_rows_that_are_gone(
    awkward: Awkward,
    person: str,
) -> None:
    before = _rows(awkward)

    _erase(awkward, person)

    after = _rows(awkward)
    for name, rows in before.items():
        for key, row in rows.items():
            if person in _owners(awkward, name, row):
                continue
            now = after[name].get(key)
            assert now is not None, (name, key)
            changed = {column for column, value in row.items() if now[column] != value}
            assert changed <= POINTERS, (name, key, changed)
            assert all(now[column] is None for column in changed), (name, key)


def test_all_of_them_are_erased_in_one_batch(awkward: Awkward) -> None:
    people = [each for each in PEOPLE if each != "customer:12"] * 3  # the same request may name somebody twice

    _, left, dangling = _erase(awkward, *people)

    cells = _cells(awkward)
    for each in set(people):
        kept = awkward.kept_of(each)
        mine = {needle for needles in awkward.needles_of(each).values() for needle in needles}
        assert [needle for needle in mine - kept if needle in cells] == [], each
    theirs = {needle for needles in awkward.needles_of("customer:12").values() for needle in needles}
    assert [needle for needle in theirs if needle not in cells and repr(needle)[1:-1] not in cells] == []
    assert left == {}
    assert dangling == {}


def test_a_batch_ends_like_the_same_people_one_by_one(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    together = awkward_on(request, tmp_path_factory.mktemp("together"), "sqlite")
    apart = awkward_on(request, tmp_path_factory.mktemp("apart"), "sqlite")

    _erase(together, *(CUSTOMERS * 5))
    with apart.records() as records, Writer.of_address("awkward", apart.url) as writer:
        erasure, ask = _erasure(apart, records), erasing.asker(records, "awkward")
        for each in CUSTOMERS:
            subjects = _find(apart, records, each)
            plan = erasing.plan(erasure, subjects, ask, at=NOW)
            carrying.carry_out(writer, plan, subjects, each, at=NOW, pseudonym=pseudonym)

    assert {**together.snapshot(), "troth_step": []} == {**apart.snapshot(), "troth_step": []}
    together.engine.dispose()
    apart.engine.dispose()


def test_at_most_two_statements_touch_a_table(awkward: Awkward) -> None:
    with awkward.records() as records:
        erasure = _erasure(awkward, records)
        tables = [action.table for action in erasure.order.actions]

        assert {name: tables.count(name) for name in tables if tables.count(name) > 2} == {}


def test_the_time_of_kept_rows_ends(awkward: Awkward) -> None:
    done, left, dangling = _erase(awkward, "customer:1", at=NOW.replace(year=2037))

    assert done.kept.get("order", 0) == 0
    assert done.erased["order"] == 3
    assert (left, dangling) == ({}, {})
    cells = _cells(awkward)
    mine = {needle for needles in awkward.needles_of("customer:1").values() for needle in needles}
    assert [needle for needle in mine if needle in cells] == []


def _rows(shop: Awkward) -> dict[str, dict[str, dict[str, object]]]:
    """Every row of every table by something that does not change."""
    found: dict[str, dict[str, dict[str, object]]] = {}
    with shop.records() as records, shop.engine.connect() as connection:
        for name, table in records.catalogue("awkward").tables.items():
            if table.kind.value != "table":
                continue
            core = records.table("awkward", name)
            rows = [dict(row) for row in connection.execute(sqlalchemy.select(core)).mappings()]
            key = table.primary_key or tuple(table.columns)
            found[name] = {repr([row[each] for each in key]): row for row in rows}
    return found


def _owners(shop: Awkward, name: str, row: dict[str, object]) -> tuple[str, ...]:
    """Whose a row is, as it was seeded; rows that troth or a trigger wrote are nobody's."""
    for seeded, owners in zip(shop.told.rows[name], shop.told.owners[name], strict=True):
        key = [
            each
            for each in ("id", "code", "tenant_id", "no", "tenant", "visit", "thread_id", "user_id")
            if each in seeded
        ]
        if name == 'sel"ect.from`x':
            key = ["O'Brien; drop table--"]
        elif name == "visits" or "id" in key:
            key = ["id"]
        if all(str(row[each]) == str(seeded[each]) for each in key):
            return owners
    return ()
