"""Carrying out: once for a request, within its limit, stopped by a guard, and beside others who go on writing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.foundation.records.erasing.company import ENGINES, NOW, Company, Make, new_url, pseudonym
from tests.foundation.records.erasing.test_erasing import MAP, SHOP
from troth.errors import ErasureRefused, IndexMissing, LimitPassed, StoreUnreachable
from troth.foundation.records import carrying, erasing, indexing
from troth.foundation.records.catalogue import Catalogue, Column, ColumnKind, ForeignKey, Index, Table, TableKind
from troth.foundation.records.indexing import Lookup
from troth.foundation.records.keys import Subject
from troth.foundation.records.prepared import Run
from troth.foundation.records.questions import Question
from troth.policy.datamap import StoreKind


@pytest.fixture(params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Company]:
    make = Make(request.param, new_url(request, tmp_path, request.param))
    yield make(SHOP, MAP)
    make.close()


class Paused(Exception):
    pass


def test_a_request_is_carried_out_once_however_often_it_comes(shop: Company) -> None:
    ann = shop.find("1")
    plan = shop.plan(ann)
    with shop.writer() as writer:
        first = carrying.carry_out(writer, plan, ann, "r1", at=NOW)
        shop.run("insert into visits values (77, 1, '192.0.2.1', null)")
        again = [carrying.carry_out(writer, plan, ann, "r1", at=NOW) for _ in range(3)]

        assert not first.resumed
        assert all(each.resumed and each == first for each in again)
        assert carrying.done_before(writer, "r1") == first
        assert carrying.done_before(writer, "r2") is None
    assert (77, 1, "192.0.2.1", None) in shop.rows("visits")


def test_statements_made_for_one_person_serve_the_next_and_remember_nobody(shop: Company) -> None:
    ann, bob = shop.find("1"), shop.find("2")
    made = erasing.compile(shop.reach, shop.kind)
    shop.erase(ann, "r1")
    assert shop.recount(ann) == {}
    shapes = len(made.prepared)
    shop.erase(bob, "r2")
    assert shop.recount(bob) == {}

    assert len(made.prepared) == shapes
    known = [*shop.reach.prepared.values(), *made.prepared.values()]
    values = {each for subject in (*ann, *bob) for found in subject.identifiers.values() for each in found}
    assert values
    assert not [value for value in values if value in repr(list(map(_inside, known)))]


def _inside(remembered: object) -> object:
    """All that a remembered statement holds, which its `repr` does not show."""
    if isinstance(remembered, Question):
        return [(made.sql, dict(made.values)) for _, made in remembered.parts]
    if isinstance(remembered, Run):
        return [(each.ready.sql, dict(each.ready.values)) for each in remembered.statements]
    return ()


def test_two_workers_with_the_same_request_do_it_once(shop: Company) -> None:
    ann = shop.find("1")
    plan = shop.plan(ann)
    done = []
    start = threading.Barrier(4)

    def work() -> None:
        with shop.writer(lock_s=20) as writer:
            start.wait()
            done.append(carrying.carry_out(writer, plan, ann, "r1", at=NOW))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(done) == 4
    assert sum(not each.resumed for each in done) == 1
    assert all(each == done[0] for each in done)


def test_more_rows_than_the_limit_and_nothing_is_changed(shop: Company) -> None:
    ann = shop.find("1")
    before = shop.everything()
    rows = shop.plan(ann).rows

    with pytest.raises(LimitPassed, match=f"more than {rows - 1} rows would be touched; nothing was changed"):
        shop.erase(ann, limit=rows - 1)
    assert shop.everything() == before
    with shop.writer() as writer:
        assert carrying.done_before(writer, "r1") is None

    assert shop.erase(ann, limit=rows).rows == rows


@pytest.mark.parametrize("call", [1, 2])
def test_a_guard_that_raises_leaves_everything_as_it_was(shop: Company, call: int) -> None:
    ann = shop.find("1")
    before = shop.everything()
    calls = []

    def guard() -> None:
        calls.append(1)
        if len(calls) == call:
            raise Paused

    with pytest.raises(Paused):
        shop.erase(ann, guard=guard)

    assert shop.everything() == before
    assert not shop.erase(ann).resumed


def test_rows_that_others_write_meanwhile_are_seen_or_stay_whole(shop: Company) -> None:
    ann = shop.find("1")
    plan = shop.plan(ann)
    stop = threading.Event()
    written: list[int] = []

    def write() -> None:  # another process of the shop, which goes on writing for Ann and for Bob
        number = 5000
        while not stop.is_set():
            number += 1
            try:
                shop.run(f"insert into messages values ({number}, {1 + number % 2}, 2, 'new')")
                written.append(number)
            except Exception:  # noqa: BLE001 - Ann is gone: her key is refused
                pass

    writing = threading.Thread(target=write)
    writing.start()
    try:
        with shop.writer(lock_s=20) as writer:
            carrying.carry_out(writer, plan, ann, "r1", at=NOW)
    finally:
        stop.set()
        writing.join()

    if shop.kind is StoreKind.SQLITE:  # it takes rows that point at nobody from whoever does not ask it to look
        with shop.writer() as writer:
            carrying.carry_out(writer, plan, ann, "r2", at=NOW)
    assert shop.recount(ann) == {}
    assert shop.dangling() == {}
    bobs = {number for number in written if 1 + number % 2 == 2}
    assert bobs <= {row[0] for row in shop.rows("messages")}


def test_a_batch_is_done_in_parts_each_with_its_own_step(shop: Company) -> None:
    people = (*shop.find("1"), *shop.find("2"), *shop.find("3"))
    plan = shop.plan(people)
    with shop.writer() as writer:
        done = carrying.carry_out_batch(writer, plan, people, "night", at=NOW, chunk=2, pseudonym=pseudonym)
        again = carrying.carry_out_batch(writer, plan, people, "night", at=NOW, chunk=2, pseudonym=pseudonym)

    assert done == again
    assert again.resumed
    assert done.erased["users"] == 3
    assert shop.ask("select step from troth_step order by step") == [("erase-1",), ("erase-2",)]
    assert shop.rows("users") == []


def test_many_people_stand_in_a_table_and_end_as_they_would_one_by_one(shop: Company) -> None:
    shop.run(*(f"insert into users values ({n}, 'u{n}@example.org', 'U', 1)" for n in range(100, 140)))
    shop.run(*(f"insert into visits values ({n}, {n}, '192.0.2.{n}', null)" for n in range(100, 140)))
    kind = shop.datamap.people()["shop.customer"]
    people = [*shop.find("1"), *(Subject(kind, (n,), {"email": (f"u{n}@example.org",)}) for n in range(100, 130))]
    plan = shop.plan(shop.find("1"))
    with shop.writer() as writer:
        done = carrying.carry_out(writer, plan, people, "r1", at=NOW, pseudonym=pseudonym)

    assert done.erased["users"] == 31
    assert [row[0] for row in shop.rows("users")] == [2, 3, *range(130, 140)]
    left = shop.ask("select user_id, ip from visits where id >= 100 order by id")
    assert left == [*[(None, "192.0.2.0")] * 30, *((n, f"192.0.2.{n}") for n in range(130, 140))]
    assert shop.dangling() == {}


def test_new_values_for_many_old_ones_come_out_of_a_table(shop: Company) -> None:
    shop.run(*(f"insert into visits values ({n}, 1, '10.0.{n % 250}.{n % 200}', null)" for n in range(100, 400)))
    company = shop.mapped(MAP.replace("ip: {generalise: network}", "ip: pseudonym"))
    ann = company.find("1")
    before = dict(company.ask("select id, ip from visits where user_id = 1"))

    company.erase(ann)

    after = dict(company.ask("select id, ip from visits where user_id is null and id <> 3"))
    assert set(after) == set(before)
    assert not set(after.values()) & set(before.values())
    assert len({(before[n], after[n]) for n in before}) == len(set(before.values())) == len(set(after.values()))


def test_freed_space_is_overwritten_on_request(shop: Company) -> None:
    ann = shop.find("1")
    plan = shop.plan(ann)
    with shop.writer() as writer:
        carrying.carry_out(writer, plan, ann, "r1", at=NOW)
        carrying.overwrite(writer, plan)

    if shop.kind is StoreKind.SQLITE:
        path = Path(shop.url.removeprefix("sqlite:///"))
        files = [each.read_bytes() for each in path.parent.iterdir()]
        assert not any(b"ann@example.org" in data or b"Needle Street" in data for data in files)
    assert shop.rows("users")[0][0] == 2


def test_the_table_of_steps_that_cannot_be_made_is_told_with_its_sql(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    make = Make("postgresql", new_url(request, tmp_path, "postgresql"))
    company = make(SHOP, MAP)
    ann = company.find("1")
    plan = company.plan(ann)
    company.run(
        "drop role if exists weak_writer",
        "create role weak_writer login password 'w'",
        "grant select, update, delete on all tables in schema public to weak_writer",
        "revoke create on schema public from public",
    )
    weak = Company(_as(company.url, "weak_writer", "w"), MAP)
    with weak.writer() as writer, pytest.raises(StoreUnreachable, match='CREATE TABLE IF NOT EXISTS "troth_step"'):
        carrying.carry_out(writer, plan, ann, "r1", at=NOW)
    weak.records.close()
    company.run("drop owned by weak_writer", "drop role weak_writer")
    make.close()


def _as(url: str, user: str, password: str) -> str:
    import sqlalchemy

    return sqlalchemy.make_url(url).set(username=user, password=password).render_as_string(hide_password=False)


# --- the index hole ---------------------------------------------------------------------------------------------------


def test_a_missing_index_is_refused_with_the_statement_that_makes_it_and_that_statement_works(shop: Company) -> None:
    ann = shop.find("1")
    erasure = erasing.compile(shop.reach, shop.kind)

    with pytest.raises(IndexMissing) as refused:
        erasing.plan(erasure, ann, erasing.asker(shop.records, "shop"), at=NOW, few_rows=0)

    statements = refused.value.statements
    assert any("visits" in statement for statement in statements)
    with shop.writer() as writer:
        carrying.build_indexes(writer, statements)
    shop.records.refresh("shop")
    again = erasing.compile(shop.reach, shop.kind)
    erasing.plan(again, ann, erasing.asker(shop.records, "shop"), at=NOW, few_rows=0)


def test_a_key_that_only_points_at_a_table_needs_an_index_as_much_as_one_on_a_path() -> None:
    def table(name: str, *keys: ForeignKey, indexes: tuple[Index, ...] = (), rows: int | None = 100_000) -> Table:
        columns = {each: Column(each, "int", ColumnKind.NUMBER, True) for each in ("id", "user_id", "session_id")}
        return Table(name, TableKind.TABLE, columns, ("id",), keys, indexes, rows, bare_name=name)

    to_session = ForeignKey(("session_id",), "sessions", ("id",), "SET NULL", "of_session")
    tables = {
        "sessions": table("sessions"),
        "events": table("events", to_session),
        "small": table("small", to_session, rows=9_999),
        "indexed": table("indexed", to_session, indexes=(Index("i", ("session_id", "id"), False, False),)),
        "partly": table("partly", to_session, indexes=(Index("i", ("session_id",), False, True),)),
        "unknown": table("unknown", to_session, rows=None),
    }
    catalogue = Catalogue("shop", tables)

    missing = indexing.find_missing(catalogue, indexing.referencing(catalogue, ["sessions"]), StoreKind.POSTGRESQL)

    assert [each.lookup.table for each in missing] == ["events", "partly", "unknown"]
    assert missing[0].statement.startswith('CREATE INDEX CONCURRENTLY "troth_events_session_id_')
    assert missing[0].statement.endswith('ON "events" ("session_id")')
    by_path = [Lookup("sessions", ("user_id",), "rows are found by it")]
    (found,) = indexing.find_missing(catalogue, by_path, StoreKind.MARIADB)
    assert found.statement.endswith("ON `sessions` (`user_id`)")
    with pytest.raises(IndexMissing, match="sessions has no index that begins with user_id"):
        indexing.refuse([found], "shop")


def test_every_reason_is_told_at_once(shop: Company) -> None:
    company = shop.mapped(
        MAP.replace("note: redact", "note: null").replace(
            "{change: {recipient_id: null}}", "{change: {recipient_id: pseudonym, body: stand-in}}"
        )
    )

    with pytest.raises(ErasureRefused) as refused:
        company.plan(company.find("1"))

    told = "\n".join(refused.value.reasons)
    assert "orders.note: null does not fit" in told
    assert "messages.body: stand-in does not fit" in told
