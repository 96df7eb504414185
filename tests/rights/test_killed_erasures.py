"""Processes that erase are killed with SIGKILL, on PostgreSQL, MariaDB and SQLite at once, and started again.

At any moment a person is whole and pending, or gone and done; never is part of them gone without an erasure that is
under way. Afterwards the stores hold exactly what they held before, less what was to go, and the counts of the
receipts are those of the rows that really went.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
import sqlalchemy

from tests.killing import Mortal, after_seconds, every_commit, mortal, seeded
from tests.rights.sampleshop import (
    Snapshot,
    World,
    differences,
    environ_of,
    expected_without,
    found_world,
    stand_in_of,
)
from tests.servers import fresh_database
from troth.foundation import staff
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.roles import Role
from troth.protection import holds
from troth.protection.holds import Order
from troth.protection.words import HoldScope
from troth.rights import erasure
from troth.rights.desk import Desk
from troth.rights.words import ErasureState

SOAK = os.environ.get("SOAK") == "true"
KILLS = 200 if SOAK else 12
PEOPLE = 700 if SOAK else 100


def erase(arguments: dict[str, Any]) -> list[str]:
    """One life of a worker: take each erasure as far as it goes."""
    desk = Desk.open(arguments["folder"], arguments["environ"])
    states = []
    for request in arguments["requests"]:
        erasure.execute(desk, request)
        states.append(erasure.prove(desk, request).state.value)
    return states


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("killed")
    with ExitStack() as stack:
        urls = {
            "shop": stack.enter_context(fresh_database(request.getfixturevalue("postgresql_url"))),
            "help": stack.enter_context(fresh_database(request.getfixturevalue("mariadb_url"))),
            "news": f"sqlite:///{folder / 'news.db'}",
        }
        yield stack.enter_context(found_world(folder, urls, people_=PEOPLE))


@pytest.fixture(scope="module")
def worker() -> Iterator[Mortal]:
    with mortal(erase) as process:
        yield process


@pytest.fixture(scope="module")
def people() -> Iterator[int]:
    """The customers to erase, each with neighbours who stay."""
    return iter(range(2, PEOPLE, 2))


def ask(world: World, numbers: Sequence[int]) -> dict[str, Any]:
    environ = {**world.company.environ, **environ_of(world.urls)}
    requests = [world.request(n).id for n in numbers]
    return {"folder": str(world.company.folder), "environ": environ, "requests": requests}


def states(world: World, requests: Sequence[int]) -> list[ErasureState | None]:
    with world.store.reading() as tx:
        return [None if (found := erasure.find(tx, request)) is None else found.state for request in requests]


def none_is_half_erased(world: World, before: Snapshot, numbers: Sequence[int], requests: Sequence[int]) -> None:
    """Whoever has lost a row is known to be under way or done; whoever is done has lost them all."""
    now = world.snapshot()
    for n, state in zip(numbers, states(world, requests), strict=True):
        without = expected_without(before, [n], stand_in_of(now))
        mine = {s: {t: rows - without[s][t] for t, rows in found.items()} for s, found in before.items()}
        left = sum(len(rows & now[s][t]) for s, found in mine.items() for t, rows in found.items())
        every = sum(len(rows) for found in mine.values() for rows in found.values())
        if state is None:
            assert left == every, f"customer {n} has lost rows, and no erasure was begun"
        elif state is not ErasureState.PENDING:
            assert left == 0, f"customer {n} is said to be {state}, and {left} rows are there"


def all_is_as_it_should_be(world: World, before: Snapshot, numbers: Sequence[int], requests: Sequence[int]) -> None:
    after = world.snapshot()
    assert differences(expected_without(before, numbers, stand_in_of(after) if numbers else None), after) == {
        store: {} for store in before
    }
    assert states(world, requests) == [ErasureState.PROVEN] * len(requests)
    counted: dict[str, dict[str, int]] = {}
    with world.store.reading() as tx:
        for request in requests:
            found = erasure.find(tx, request)
            assert found is not None
            for store, counts in found.counts.items():
                for word in ("erased", "changed"):
                    for table, n in counts[word].items():
                        key = counted.setdefault(f"{store} {word}", {})
                        key[table] = key.get(table, 0) + n
        names = [erasure.find(tx, request).name for request in requests]  # type: ignore[union-attr]
        kinds = [
            row.kind for row in tx.execute(ledger_leaves.select()) if any(name in str(row.content) for name in names)
        ]
    for store, tables in before.items():
        for table, rows in tables.items():
            gone = rows - after[store][table]
            changed = len(after[store][table] - rows) - (
                1 if (store, table) == ("help", "member") and stand_in_of(before) is None else 0
            )
            assert counted.get(f"{store} erased", {}).get(table, 0) == len(gone) - changed, (store, table)
            assert counted.get(f"{store} changed", {}).get(table, 0) == changed, (store, table)
    for kind in ("erasure.intent", "erasure.erased", "erasure.proven"):
        assert kinds.count(kind) == len(requests), "each is said once in the ledger"


def test_killed_before_and_after_every_commit_it_ends_as_if_nothing_had_happened(
    world: World, worker: Mortal, people: Iterator[int]
) -> None:
    first = next(people)
    before = world.snapshot()
    whole = worker.live(ask(world, [first]))
    assert whole.error is None, whole.error
    deaths = list(every_commit(whole))
    if not SOAK:
        deaths = deaths[:: max(1, len(deaths) // 8)]
    numbers, requests = [first], []
    for death in deaths:
        n = next(people)
        arguments = ask(world, [n])
        numbers.append(n)
        requests += arguments["requests"]
        life = worker.live(arguments, die=death)
        assert life.error is None, life.error
        none_is_half_erased(world, before, numbers[1:], requests)
        lives = worker.until_done(arguments, [])
        assert lives.last.result == ["proven"]

    with world.store.reading() as tx:
        requests = [each.request for each in erasure.waiting(tx, ErasureState.PROVEN) if each.request is not None]
    all_is_as_it_should_be(world, before, numbers, requests)


def test_killed_at_random_moments_all_are_done_and_nobody_else_is_touched(
    world: World, worker: Mortal, people: Iterator[int]
) -> None:
    chosen = seeded()
    before = world.snapshot()
    first = [next(people)]
    whole = worker.live(ask(world, first))
    numbers, requests, kills, longest = list(first), [], 0, whole.seconds
    while kills < KILLS:
        some = list(itertools.islice(people, 2)) or pytest.fail("nobody is left to erase")
        arguments = ask(world, some)
        numbers += some
        requests += arguments["requests"]
        for _ in range(4):
            life = worker.live(arguments, die=after_seconds(chosen.uniform(0, longest)))
            assert life.error is None, life.error
            kills += life.killed
            none_is_half_erased(world, before, numbers[1:], requests)
            if life.done:
                longest = life.seconds
                break
        assert worker.until_done(arguments, []).last.result == ["proven"] * len(some)
    print(f"{kills} kills")  # noqa: T201 - told in the long form

    with world.store.reading() as tx:
        done = [each.request for each in erasure.waiting(tx, ErasureState.PROVEN) if each.request is not None]
    all_is_as_it_should_be(world, before, numbers, [each for each in done if each >= min(requests) - 1])


def test_killed_while_a_hold_keeps_one_order_the_rest_goes_once_and_all_of_it_afterwards(
    world: World, worker: Mortal, people: Iterator[int]
) -> None:
    before = world.snapshot()
    staff.add(world.store, "olga", Role.DPO, now=world.company.clock.now())

    def held(n: int) -> int:
        table = sqlalchemy.table("orders", sqlalchemy.column("id"), sqlalchemy.column("customer_id"))
        mine = sqlalchemy.select(sqlalchemy.func.min(table.c.id)).where(table.c.customer_id == n)
        [(order,)] = world.desk.records.execute("shop", mine)
        review = world.company.clock.now().date() + dt.timedelta(days=90)
        made = Order(HoldScope.RECORD, "olga", "a claim", review, place=f"shop.orders={order}")
        return holds.place(world.desk, made).id

    numbers, requests, placed = [next(people)], [], []
    placed.append(held(numbers[0]))
    arguments = ask(world, numbers)
    whole = worker.live(arguments)
    assert whole.error is None, whole.error
    requests += arguments["requests"]
    deaths = list(every_commit(whole))
    for death in deaths[:: max(1, len(deaths) // (len(deaths) if SOAK else 4))]:
        n = next(people)
        placed.append(held(n))
        arguments = ask(world, [n])
        numbers.append(n)
        requests += arguments["requests"]
        life = worker.live(arguments, die=death)
        assert life.error is None, life.error
        none_is_half_erased(world, before, numbers, requests)
        assert worker.until_done(arguments, []).last.result == ["pending"]

    with world.store.reading() as tx:
        found = [erasure.find(tx, request) for request in requests]
        entries = list(tx.execute(ledger_leaves.select().where(ledger_leaves.c.kind == "erasure.held")))
    assert all(each is not None and {part["n"] for part in each.held} == {1} for each in found)
    assert len(entries) == len(requests), "what is kept is said once"

    for hold in placed:
        holds.lift(world.desk, hold, "olga")
    assert worker.until_done({**arguments, "requests": requests}, []).last.result == ["proven"] * len(requests)
    all_is_as_it_should_be(world, before, numbers, requests)
