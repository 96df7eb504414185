"""An erasure through three stores at once, from the intent to the proof, and what it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rights import sampleshop
from tests.rights.sampleshop import World, email, found_world, sqlite_urls
from troth.rights import erasure
from troth.rights.words import ErasureState


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with found_world(tmp_path, sqlite_urls(tmp_path)) as world:
        yield world


def test_a_person_is_erased_from_every_store_and_nobody_else(world: World) -> None:
    before = world.snapshot()
    request = world.request(2)

    erased = erasure.execute(world.desk, request.id)
    assert erased.state is ErasureState.ERASED
    proven = erasure.prove(world.desk, request.id)

    assert proven.state is ErasureState.PROVEN, (proven.residue, proven.weak)
    after = world.snapshot()
    for store, tables in before.items():
        for table, rows in tables.items():
            gone, new = rows - after[store][table], after[store][table] - rows
            print(store, table, len(gone), sorted(gone, key=str), sorted(new, key=str))
    print(proven)
