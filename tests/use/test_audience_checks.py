"""The bitmaps behind audiences against everybody's words, and the purposes that programs ask for."""

from __future__ import annotations

import pytest
from pyroaring import BitMap

from tests.shopworld import World, before, founded, served, world
from tests.sites import site
from troth.use.audience import Audience
from troth.use.checks import audiences
from troth.use.tables import audience_planes

__all__ = ["before", "founded", "served", "site", "world"]


def differs(world: World, number: str = "2.1c") -> tuple[str, str]:
    return world.own(number, audiences.audience_differs)


def keep(world: World) -> None:
    with world.troth() as troth:
        Audience(troth.office).rebuild()


def change(world: World, plane: str) -> None:
    """Somebody writes to the store past troth: the first 5 people change sides."""
    with world.troth() as troth, troth.office.store.writing() as tx:
        where = audience_planes.c.name == plane
        bits = BitMap.deserialize(tx.execute(audience_planes.select().where(where)).one().bits)
        tx.execute(audience_planes.update().where(where).values(bits=(bits ^ BitMap([1, 2, 3, 4, 5])).serialize()))


def test_bitmaps_that_are_what_people_said_are_kept_also_after_later_words(world: World) -> None:
    assert differs(world)[0] == "kept"
    keep(world)
    verdict, told = differs(world)
    assert (verdict, "the bitmaps are what" in told) == ("kept", True)
    with world.troth() as troth:
        troth.give_consent("id=3", "marketing")
        troth.withdraw_consent("id=4", "marketing")
        troth.object_to("id=5", "*")
        troth.restrict("id=6")
        troth.register(id="9999")
    assert differs(world)[0] == differs(world, "2.2a")[0] == "kept"


@pytest.mark.parametrize(
    ("plane", "turned", "still"),
    [
        ("given marketing", "2.1c", "2.2a"),
        ("withdrawn marketing", "2.1c", "2.2a"),
        ("restricted", "2.2a", "2.1c"),
        ("known", "2.2a", "2.1c"),
    ],
)
def test_a_bitmap_that_was_changed_turns_its_own_sentence(world: World, plane: str, turned: str, still: str) -> None:
    keep(world)
    change(world, plane)

    verdict, told = differs(world, turned)
    assert verdict == "broken"
    assert f"audiences, {plane}" in told
    assert "troth audience" in told
    assert differs(world, still)[0] == "kept"


def test_a_word_written_past_troth_shows(world: World) -> None:
    keep(world)
    with world.troth() as troth, troth.office.store.writing() as tx:
        tx.exec_driver_sql(
            "UPDATE consent_events SET event = 'withdrawn' WHERE purpose = 'marketing' AND event = 'given'"
        )
    assert differs(world)[0] == "broken"


@pytest.mark.parametrize(
    ("number", "which"), [("2.1c", audiences.audience_differs), ("2", audiences.undeclared_purpose_asked)]
)
def test_without_the_store_nothing_is_proven(world: World, number: str, which: object) -> None:
    (world.folder / "troth.sqlite3").unlink()
    assert world.own(number, which)[0] == "unproven"  # type: ignore[arg-type]


def test_a_program_that_asks_for_an_undeclared_purpose_is_named(world: World) -> None:
    assert world.own("2", audiences.undeclared_purpose_asked)[0] == "kept"
    with world.troth() as troth:
        for _ in range(3):
            assert not troth.may("id=1", "profiling", "contact.email")
        assert not troth.may("id=1", "canary@example.org", "contact.email")
    verdict, told = world.own("2", audiences.undeclared_purpose_asked)
    assert verdict == "broken"
    assert "purpose profiling" in told
    assert "3 times" in told
    assert "canary" not in told
