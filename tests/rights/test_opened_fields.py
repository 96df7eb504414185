"""A person's copy holds what was sealed for them as they wrote it, and nothing that was sealed for anybody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.rights.sealedshop import MAP, World, found_world
from troth.policy.vocabulary import Right
from troth.rights import access, requests


def messages(world: World, n: int) -> list[tuple[Any, ...]]:
    """Title and body of each message in the copy of customer `n`."""
    asked = world.ask(n, Right.ACCESS)
    with world.desk.office.store.reading() as tx:
        request = requests.load(tx, asked)
    for holding in access.held(world.desk, request):
        rows = list(holding.rows)
        if holding.table == "messages":
            names = [each.name for each in holding.fields]
            return [(row[names.index("title")], row[names.index("body")]) for row in rows]
    return []


def shop(folder: Path) -> str:
    return f"sqlite:///{folder / 'shop.db'}"


def test_what_was_sealed_for_them_is_read_as_they_wrote_it(tmp_path: Path) -> None:
    with found_world(tmp_path, None, shop(tmp_path)) as world:
        assert messages(world, 7) == [("about tea 7", "what 7 said of tea")]


def test_what_was_sealed_for_somebody_else_stays_closed(tmp_path: Path) -> None:
    with found_world(tmp_path, None, shop(tmp_path)) as world:
        bobs = world.stored(8).body
        world.run(f"insert into messages (id, user_id, title, body) values (100, 7, 'moved', '{bobs}')")
        world.run("insert into messages (id, user_id, title, body) values (101, 7, 'clear', 'trt1, and no key of it')")

        assert set(messages(world, 7)) == {
            ("about tea 7", "what 7 said of tea"), ("moved", bobs), ("clear", "trt1, and no key of it"),
        }  # fmt: skip


def test_other_people_are_taken_out_of_what_was_opened(tmp_path: Path) -> None:
    datamap = MAP.replace("body: communication.message", "body: {data: communication.message, others: redact}")
    with found_world(tmp_path, None, shop(tmp_path), datamap) as world:
        world.seal(7, "ask p8@customer.example.org, or me: p7@customer.example.org")

        assert messages(world, 7) == [("about tea 7", "ask [of another person], or me: p7@customer.example.org")]


def test_what_was_shredded_is_in_no_copy(tmp_path: Path) -> None:
    with found_world(tmp_path, None, shop(tmp_path)) as world:
        body = world.stored(7).body
        assert world.company.troth.shred_fields("id=7", world.keys)

        assert messages(world, 7) == [("about tea 7", body)]
