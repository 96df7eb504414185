"""What the map says to shred stays where it is, and nobody opens it any more: on SQLite and on PostgreSQL."""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from tests.killing import every_commit, mortal
from tests.policies import BROKEN, KEPT, judge, policy_of, said
from tests.rights.sealedshop import KEYS, MAP, MESSAGES, PEOPLE, SOAK, Message, Purchase, User, World, found_world
from tests.servers import fresh_database
from troth.errors import ErasureRefused
from troth.foundation import people, staff
from troth.foundation.ledger.tables import ledger_leaves, person_keys
from troth.foundation.observation import Observation
from troth.foundation.roles import Role
from troth.policy.vocabulary import Right
from troth.protection import holds
from troth.protection.holds import Order
from troth.protection.sealed_fields import of
from troth.protection.words import HoldScope
from troth.rights import erasure
from troth.rights.checks.erasures import CHECKS
from troth.rights.desk import Desk
from troth.rights.restoring import guarding
from troth.rights.words import ErasureState

KEPT_TOO = """\
      orders:
        whose: user_id
        columns: {note: communication.message}
        on_erasure:
          keep: [id, placed_at, note]
          ground: tax-law
          until: placed_at + 10 years
          change: {user_id: null}
"""
RIGHTS = policy_of(
    """
    rights:
      number: "5"
      title: User Rights
      text: "You have the following rights:"
      erasure: {number: "5.3", title: Deletion, text: You may have your data deleted., right: erasure}
    """
)


@pytest.fixture(params=["sqlite", "postgresql"])
def each_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        own, shop = None, f"sqlite:///{tmp_path / 'shop.db'}"
        if request.param == "postgresql":
            server = request.getfixturevalue("postgresql_url")
            own, shop = (stack.enter_context(fresh_database(server)) for _ in range(2))
        yield stack.enter_context(found_world(tmp_path, own, shop))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with found_world(tmp_path, None, f"sqlite:///{tmp_path / 'shop.db'}") as world:
        yield world


def test_the_row_stays_as_it_was_sealed_and_nobody_opens_it(each_world: World) -> None:
    world = each_world
    _, _, body = world.stored(7)
    assert world.bodies()[7] == "what 7 said of tea"
    request = world.ask(7)

    erasure.execute(world.desk, request)
    with Session(world.engine) as session, pytest.raises(StatementError, match="was destroyed"):
        session.execute(update(MESSAGES).where(MESSAGES.c.id == 8).values(body=of(7, "one more")))
    assert erasure.prove(world.desk, request).state is ErasureState.PROVEN

    assert world.stored(7) == (None, "[redacted]", body), "it stays, and leads to nobody"
    read = world.bodies()
    assert read.pop(7) is None, "at once, though this process had the key in memory"
    assert read == {n: f"what {n} said of tea" for n in range(1, PEOPLE + 1) if n != 7}
    assert world.key(body).wrapped is None
    kinds = [leaf.kind for leaf in world.company.leaves()]
    order = [kinds.index(kind) for kind in ("erasure.intent", "key.destroyed", "erasure.erased", "erasure.proven")]
    assert order == sorted(order)


def test_what_stands_there_unsealed_goes(each_world: World) -> None:
    each_world.run("insert into messages (id, user_id, title, body) values (100, 7, 'x', 'never sealed at all')")
    each_world.run("insert into messages (id, user_id, title, body) values (101, 7, 'x', 'trt1 begins so, in clear')")

    assert each_world.erase(7) is ErasureState.PROVEN

    assert each_world.stored(100).body is None
    assert each_world.stored(101).body is None


def test_the_plan_says_that_it_stays_why_and_what_becomes_of_it(world: World) -> None:
    plan = erasure.plan_for(world.desk, erasure.subjects_of(world.desk, world.ask(7)))

    words = plan.words()

    assert "1 row changed (user_id becomes null; title becomes redact; body becomes unreadable)" in words
    assert "What is sealed in messages.body stays, and nobody can open it" in words
    assert "(GDPR Art. 17(1))" in words
    assert world.bodies()[7] == "what 7 said of tea", "a plan destroys nothing"


def test_while_a_law_keeps_something_under_the_same_key_nothing_is_changed(tmp_path: Path) -> None:
    with found_world(tmp_path, None, f"sqlite:///{tmp_path / 'shop.db'}", MAP + KEPT_TOO) as world:
        with Session(world.engine) as session:
            session.get_one(Purchase, 7).note = "for the tax office"
            session.commit()

        with pytest.raises(ErasureRefused, match=r"orders\.placed_at or note: 1 kept row with what is sealed"):
            world.erase(7)

        assert world.stored(7).user_id == 7
        assert world.bodies()[7] == "what 7 said of tea"
        assert world.erase(8) is ErasureState.PROVEN, "of whom nothing is kept sealed"


def test_while_a_hold_keeps_a_row_of_theirs_the_key_stays(world: World) -> None:
    world.run("insert into messages (id, user_id, title, body) values (100, 7, 'x', null)")
    world.seal(100, "what the claim is about")
    staff.add(world.desk.office.store, "holder", Role.DPO, now=world.now)
    order = Order(HoldScope.RECORD, "holder", "claim", dt.date(2027, 6, 1), place="shop.messages=100")
    number = holds.place(world.desk, order).id

    request = world.ask(7)
    assert erasure.execute(world.desk, request).state is ErasureState.PENDING

    assert world.stored(100).user_id == 7
    assert world.bodies_of(100) == "what the claim is about", "else the hold would keep nothing"
    holds.lift(world.desk, number, "holder")
    erasure.execute(world.desk, request)
    assert erasure.prove(world.desk, request).state is ErasureState.PROVEN
    assert world.bodies_of(100) is None


def test_somebody_elses_key_is_never_destroyed_and_what_it_closes_is_residue(world: World) -> None:
    bobs = world.stored(8).body
    world.run(f"insert into messages (id, user_id, title, body) values (100, 7, 'x', '{bobs}')")

    assert world.erase(7) is ErasureState.ERASED

    with world.desk.office.store.reading() as tx:
        [found] = erasure.waiting(tx, ErasureState.ERASED)
    assert found.residue == [{"where": "messages.body in shop", "n": 2, "why": "sealed with a key that is not theirs"}]
    assert world.key(bobs).wrapped is not None


def test_whom_troth_knew_apart_by_the_key_of_their_row_is_theirs_too(world: World) -> None:
    with Session(world.engine) as session:
        session.add(User(id=99, email="guest@customer.example.org"))
        session.flush()
        session.add(Message(id=99, user_id=99, title="x", body="of somebody registered by being sealed for"))
        session.commit()
    asked = world.file(Right.ERASURE, people.identifier("email", "guest@customer.example.org"))

    erasure.execute(world.desk, asked.id)

    assert erasure.prove(world.desk, asked.id).state is ErasureState.PROVEN
    assert world.bodies()[99] is None


def test_a_key_that_a_restore_brings_back_is_destroyed_again(world: World) -> None:
    body = world.stored(7).body
    before = world.key(body)
    assert world.erase(7) is ErasureState.PROVEN
    with world.desk.office.store.writing() as tx:
        mine = update(person_keys).where(person_keys.c.key_id == before.key_id)
        tx.execute(mine.values(wrapped=before.wrapped, destroyed_at=None))
    assert world.key(body).wrapped is not None

    guarded = guarding.guard(world.desk)

    assert guarded.keys == 1
    assert world.key(body).wrapped is None
    assert guarding.guard(world.desk).keys == 0


def test_it_dies_again_when_troths_own_store_was_put_back_whole(world: World) -> None:
    store = world.desk.office.store
    assert store.path is not None
    with sqlite3.connect(store.path) as source, sqlite3.connect(world.company.folder / "own.backup") as copy:
        source.backup(copy)
    body = world.stored(7).body
    assert world.erase(7) is ErasureState.PROVEN
    store.close()
    for extra in ("-wal", "-shm"):
        store.path.with_name(store.path.name + extra).unlink(missing_ok=True)
    shutil.copy(world.company.folder / "own.backup", store.path)
    assert world.key(body).wrapped is not None, "the backup has the key"

    assert guarding.guard(world.desk).clean

    assert world.key(body).wrapped is None


def test_a_key_that_was_destroyed_by_hand_dies_again_too(world: World) -> None:
    before = world.key(world.stored(7).body)
    assert world.company.troth.shred_fields("id=7", KEYS)
    assert not world.company.troth.shred_fields("id=7", KEYS)
    with world.desk.office.store.writing() as tx:
        mine = update(person_keys).where(person_keys.c.key_id == before.key_id)
        tx.execute(mine.values(wrapped=before.wrapped, destroyed_at=None))

    guarded = guarding.guard(world.desk)

    assert (guarded.keys, guarded.again, guarded.clean) == (1, (), True)
    assert world.bodies()[7] is None
    assert world.stored(7).user_id == 7, "nothing else is done about them"


def test_values_that_are_not_sealed_break_the_promise(world: World) -> None:
    assert world.erase(7) is ErasureState.PROVEN

    def judged() -> Any:
        seen = Observation(
            RIGHTS, world.now, world.company.folder, datamap=world.desk.datamap, records=world.desk.records,
            store=world.desk.office.store, keyring=world.desk.office.keyring,
        )  # fmt: skip
        return judge(CHECKS, seen).of("5.3")

    assert judged().verdict is KEPT, said(judged())
    world.run("insert into messages (id, user_id, title, body) values (100, 8, 'x', 'never sealed at all')")
    assert judged().verdict is BROKEN
    assert "messages.body in shop: 1 value not sealed, and the map ends them by destroying a key" in said(judged())


# --- killed -----------------------------------------------------------------------------------------------------------


def live(arguments: dict[str, Any]) -> str:
    """One life of a worker: take the erasure to *erased*, or as far as it goes."""
    desk = Desk.open(arguments["folder"], arguments["environ"])
    done = erasure.execute(desk, arguments["request"])
    return (done if arguments["erased"] else erasure.prove(desk, arguments["request"])).state.value


def test_killed_before_and_after_every_commit_the_key_dies_with_the_erasure_and_never_before(each_world: World) -> None:
    world = each_world
    numbers = iter(range(1, PEOPLE + 1))

    def arguments(n: int) -> dict[str, Any]:
        own = {"folder": str(world.company.folder), "environ": world.company.environ}
        return {**own, "request": world.ask(n), "erased": not SOAK}

    def half(n: int, request: int, body: str) -> bool:
        with world.desk.office.store.reading() as tx:
            found = erasure.find(tx, request)
        done = found is not None and found.state is not ErasureState.PENDING
        return done != (world.key(body).wrapped is None)

    with mortal(live) as process:
        asked = arguments(next(numbers))
        whole = process.live(asked)
        assert whole.error is None, whole.error
        assert process.until_done({**asked, "erased": False}, []).last.result == "proven"
        deaths = list(every_commit(whole))
        for death in deaths if SOAK else deaths[-4:]:  # the last commit is the one that says *erased*
            n = next(numbers)
            asked, body = arguments(n), world.stored(n).body
            life = process.live(asked, die=death)
            assert life.error is None, life.error
            assert not half(n, asked["request"], body), death
            assert process.until_done({**asked, "erased": False}, []).last.result == "proven"
            assert world.stored(n) == (None, "[redacted]", body)
            assert world.key(body).wrapped is None
    erased = next(numbers) - 1
    with world.desk.office.store.reading() as tx:
        kinds = list(tx.execute(select(ledger_leaves.c.kind)).scalars())
    assert kinds.count("erasure.erased") == kinds.count("erasure.proven") == erased
    assert kinds.count("key.destroyed") == 2 * erased, "the key of their fields and that of their words, once each"
    assert world.bodies()[PEOPLE] == f"what {PEOPLE} said of tea"
