"""A backup from before, put back after: whoever was erased goes again, and nobody else."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests.rights.sampleshop import (
    STORES,
    World,
    differences,
    email,
    expected_without,
    found_world,
    run,
    sqlite_urls,
    stand_in_of,
)
from troth.errors import MapUnapproved, StoreError
from troth.foundation import tombstone_file
from troth.foundation.ledger import leaves, personkeys
from troth.foundation.ledger.tables import person_keys
from troth.foundation.ledger.words import KeyUse
from troth.foundation.tables import identifiers
from troth.rights import erasure
from troth.rights.desk import Desk
from troth.rights.restoring import guarding
from troth.rights.tables import tombstones
from troth.rights.words import ErasureState

SOAK = os.environ.get("SOAK") == "true"
GONE = list(range(2, 201 if SOAK else 21, 2))
NOTHING = {store: {} for store in STORES}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with found_world(tmp_path, sqlite_urls(tmp_path), people_=GONE[-1] + 1) as world:
        yield world


def back_up(world: World, stores: tuple[str, ...] = STORES) -> None:
    for store in stores:
        path = world.company.folder / f"{store}.db"
        shutil.copy(path, path.with_suffix(".backup"))


def restore(world: World, stores: tuple[str, ...] = STORES) -> None:
    world.desk.close()
    for store in stores:
        path = world.company.folder / f"{store}.db"
        for extra in ("-wal", "-shm"):
            path.with_name(path.name + extra).unlink(missing_ok=True)
        shutil.copy(path.with_suffix(".backup"), path)


def erase(world: World, *numbers: int) -> None:
    for n in numbers:
        request = world.request(n)
        erasure.execute(world.desk, request.id)
        assert erasure.prove(world.desk, request.id).state is ErasureState.PROVEN


def there(world: World, n: int) -> bool:
    return email(n) in str(world.snapshot())


def test_of_everybody_erased_since_the_backup_nobody_comes_back_and_their_neighbours_stay(world: World) -> None:
    before = world.snapshot()
    back_up(world)
    erase(world, *GONE)
    restore(world)
    assert all(there(world, n) for n in GONE)

    guarded = guarding.guard(world.desk)

    after = world.snapshot()
    assert guarded.clean
    assert (guarded.remembered, len(guarded.again)) == (len(GONE), len(GONE))
    assert differences(expected_without(before, GONE, stand_in_of(after)), after) == NOTHING
    assert not any(there(world, n) for n in GONE)
    again = guarding.guard(world.desk)
    assert (again.back, again.again) == ((), ()), "a second guard has nothing to do"
    assert guarding.guard(world.desk, act=False).clean


@pytest.mark.parametrize("store", STORES)
def test_one_store_alone_may_have_been_restored(world: World, store: str) -> None:
    back_up(world, (store,))
    erase(world, 2)
    restore(world, (store,))

    guarded = guarding.guard(world.desk)

    assert guarded.clean
    assert {each.store for each in guarded.back} == {store}
    assert not there(world, 2)


def test_the_key_of_what_was_sealed_about_somebody_erased_is_destroyed_again(world: World) -> None:
    office = world.desk.office
    request = world.request(2)
    assert request.person is not None
    called = leaves.pseudonym(office.keyring, request.person)
    mine = person_keys.c.person == called
    with world.store.writing() as tx:
        personkeys.key_for(tx, office.keyring, called, KeyUse.CONTENT, office.clock.now())
        kept = tx.execute(select(person_keys).where(mine)).one()._mapping
    erasure.execute(world.desk, request.id)
    assert erasure.prove(world.desk, request.id).state is ErasureState.PROVEN
    with world.store.writing() as tx:
        tx.execute(update(person_keys).where(mine).values(wrapped=kept["wrapped"], destroyed_at=None))
    assert guarding.guard(world.desk, act=False).keys == 0

    assert guarding.guard(world.desk).keys == 1

    with world.store.reading() as tx:
        assert personkeys.find_key(tx, office.keyring, called, KeyUse.CONTENT) is None
    assert guarding.guard(world.desk).keys == 0


def test_an_erasure_that_was_under_way_when_the_backup_came_back_goes_on(world: World) -> None:
    back_up(world)
    request = world.request(2)
    erasure.execute(world.desk, request.id)
    restore(world)

    assert guarding.guard(world.desk).clean
    assert not there(world, 2)
    with world.store.reading() as tx:
        found = erasure.find(tx, request.id)
    assert found is not None
    assert found.state is ErasureState.PROVEN


def test_a_newcomer_with_a_recycled_address_or_number_is_left_alone(world: World) -> None:
    erase(world, 2, 4)
    run(
        world.urls["shop"],
        f"insert into customer values (902, '{email(2)}', 'New Person', '2026-12-24 10:00:00', null)",
        "insert into customer values (4, 'new@person.example.org', 'Other Person', '2026-12-24 10:00:00', null)",
    )
    run(world.urls["news"], f"insert into reader values ('{email(2)}', 'hats', '2026-12-24 10:00:00')")
    before = world.snapshot()

    guarded = guarding.guard(world.desk)

    assert (guarded.back, guarded.again, guarded.newcomers) == ((), (), 3)
    assert world.snapshot() == before


def test_a_key_that_came_back_alone_nobody_knows_when_is_for_a_person_to_decide(world: World) -> None:
    erase(world, 2)
    run(world.urls["shop"], "insert into customer values (2, 'other@person.example.org', 'Who Knows', null, null)")
    before = world.snapshot()

    guarded = guarding.guard(world.desk)

    assert [(each.kind, each.table, each.n) for each in guarded.unclear] == [("shop.customer", "customer", 1)]
    assert not guarded.clean
    assert world.snapshot() == before


def test_rows_on_the_key_of_somebody_who_has_no_row_go_too(world: World) -> None:
    erase(world, 2)
    run(world.urls["shop"], "pragma foreign_keys = off", "insert into login values (999, 2, '2026-01-01 00:00:00')")

    guarded = guarding.guard(world.desk)

    assert [(each.table, each.n) for each in guarded.back] == [("login", 1)]
    assert 999 not in {row[0] for row in world.snapshot()["shop"]["login"]}


def test_what_came_by_an_import_with_its_old_date_is_erased_again(world: World) -> None:
    erase(world, 2)
    run(
        world.urls["shop"],
        f"insert into customer values (950, '{email(2)}', 'Given2 Family2', '2025-01-01 00:00:00', null)",
    )

    assert guarding.guard(world.desk).clean
    assert not there(world, 2)


def test_nothing_is_done_without_an_approved_map_and_nothing_is_hidden(world: World) -> None:
    back_up(world)
    erase(world, 2)
    restore(world)
    path = world.company.folder / "datamap.yaml"
    path.write_text(path.read_text() + "# changed\n")
    changed = Desk.of(world.desk.office, world.desk.instance)
    with pytest.raises(MapUnapproved):
        guarding.guard(changed)
    assert sum(each.n for each in guarding.guard(changed, act=False).back) > 0
    changed.close()


# --- troth's own store put back too ---------------------------------------------------------------------------------


def back_up_own(world: World) -> None:
    assert world.store.path is not None
    with sqlite3.connect(world.store.path) as source, sqlite3.connect(world.company.folder / "own.backup") as copy:
        source.backup(copy)


def restore_own(world: World) -> None:
    """Put troth's own store back under the open one: the next connection sees that it is another file."""
    assert world.store.path is not None
    world.store.close()
    for extra in ("-wal", "-shm"):
        world.store.path.with_name(world.store.path.name + extra).unlink(missing_ok=True)
    shutil.copy(world.company.folder / "own.backup", world.store.path)


def test_with_the_file_of_tombstones_nobody_comes_back_when_troths_own_store_was_put_back_too(world: World) -> None:
    requests = {n: world.request(n) for n in GONE}
    before = world.snapshot()
    back_up(world)
    back_up_own(world)
    for request in requests.values():
        erasure.execute(world.desk, request.id)
        assert erasure.prove(world.desk, request.id).state is ErasureState.PROVEN
    restore(world)
    restore_own(world)
    assert all(there(world, n) for n in GONE)
    assert world.company.rows(tombstones) == [], "the store remembers nobody"

    guarded = guarding.guard(world.desk)

    after = world.snapshot()
    assert guarded.clean
    assert len(guarded.again) == len(GONE)
    assert differences(expected_without(before, GONE, stand_in_of(after)), after) == NOTHING
    assert not any(there(world, n) for n in GONE)
    numbers = {request.person for request in requests.values()}
    assert not numbers & {row.person for row in world.company.rows(identifiers)}, "nor does troth itself know them"
    again = guarding.guard(world.desk)
    assert (again.back, again.again) == ((), ()), "a second guard has nothing to do"


def test_whom_only_troths_own_store_brought_back_is_gone_from_it_again(world: World) -> None:
    request = world.request(2)
    back_up_own(world)
    erasure.execute(world.desk, request.id)
    assert erasure.prove(world.desk, request.id).state is ErasureState.PROVEN
    restore_own(world)
    assert request.person in {row.person for row in world.company.rows(identifiers)}

    assert guarding.guard(world.desk).clean

    assert request.person not in {row.person for row in world.company.rows(identifiers)}


def test_the_file_holds_hashes_alone_and_is_closed_to_others(world: World) -> None:
    erase(world, 2)
    path = world.desk.instance.tombstone_file
    text = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "example" not in text
    assert "Given2" not in text
    [entry] = tombstone_file.read(path)
    with world.store.reading() as tx:
        assert len(dict(entry.hashes)) == len({row.kind for row in tx.execute(select(tombstones))})


def test_a_line_cut_off_by_a_crash_is_passed_over_and_an_altered_one_is_not(world: World) -> None:
    erase(world, 2)
    path = world.desk.instance.tombstone_file
    whole = path.read_bytes()
    path.write_bytes(whole[:70])
    assert tombstone_file.read(path) == ()
    erase(world, 4)
    assert len(tombstone_file.read(path)) == 1

    path.write_bytes(whole.replace(b"2026-000001", b"2026-000009"))
    with pytest.raises(StoreError, match="altered"):
        tombstone_file.read(path)


def test_without_room_for_the_tombstone_nothing_is_called_proven(world: World) -> None:
    path = world.desk.instance.tombstone_file
    path.mkdir()
    request = world.request(2)
    erasure.execute(world.desk, request.id)
    with pytest.raises(StoreError, match="tombstones"):
        erasure.prove(world.desk, request.id)
    with world.store.reading() as tx:
        found = erasure.find(tx, request.id)
    assert found is not None
    assert found.state is ErasureState.ERASED
    path.rmdir()
    assert erasure.prove(world.desk, request.id).state is ErasureState.PROVEN


def test_tombstones_hold_no_identifier_in_clear(world: World) -> None:
    erase(world, 2)

    assert all(
        email(2).encode() not in bytes(row.hash) and len(row.hash) == 16 for row in world.company.rows(tombstones)
    )
    assert email(2) not in str([row.kind for row in world.company.rows(tombstones)])
