"""What a whole request costs the company's database: at most two statements a table and one new connection.

Counted as the drivers send them, on the shop of eleven tables and on each kind of store. What only begins or ends a
transaction, or sets up a connection, is not counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Engine

from tests.rights.sampleshop import DATAMAP, World, email, found_world, tables
from tests.servers import fresh_database
from troth.foundation import people
from troth.policy.vocabulary import Right
from troth.rights import erasure, fulfilment, identity, requests
from troth.rights.requests import Intake
from troth.rights.words import Channel, ErasureState, Proof, State

SHOP = DATAMAP.partition("  help:\n")[0]
TABLES = len(tables("shop"))
NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA", "SET ")


class Sent:
    """The statements that reached the company's database, and the connections that were made to it."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.connections = 0

    def note(self, statement: str) -> None:
        if not statement.lstrip().upper().startswith(NOT_COUNTED):
            self.statements.append(" ".join(statement.split()))


@contextmanager
def sent_to(name: str) -> Iterator[Sent]:
    """Everything that drivers send to the database of that name, or file, while the block runs; troth's own apart."""
    import psycopg
    import pymysql

    sent = Sent()

    class Asking(psycopg.Cursor[Any]):
        def execute(self, query: Any, *arguments: Any, **more: Any) -> Any:
            sent.note(str(query))
            return super().execute(query, *arguments, **more)

    def connected(connection: Any, _: object) -> None:
        if isinstance(connection, psycopg.Connection):
            connection.cursor_factory = Asking
        elif isinstance(connection, pymysql.Connection):
            watched: Any = connection
            query = watched.query

            def noting(sql: Any, *more: Any) -> Any:
                sent.note(sql if isinstance(sql, str) else bytes(sql).decode())
                return query(sql, *more)

            watched.query = noting
        elif name in connection.execute("PRAGMA database_list").fetchone()[2]:
            connection.set_trace_callback(sent.note)
        else:
            return
        sent.connections += 1

    sqlalchemy.event.listen(Engine, "connect", connected)
    try:
        yield sent
    finally:
        sqlalchemy.event.remove(Engine, "connect", connected)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def counted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[World, Sent]]:
    with sent_to("company.db") as sent:
        if request.param == "sqlite":
            with found_world(tmp_path, {"shop": f"sqlite:///{tmp_path / 'company.db'}"}, datamap=SHOP) as world:
                yield world, sent
            return
        with (
            fresh_database(request.getfixturevalue(f"{request.param}_url")) as url,
            found_world(tmp_path, {"shop": url}, datamap=SHOP) as world,
        ):
            yield world, sent


def carried_out(world: World, right: Right, n: int) -> int:
    """A confirmed request of customer `n`, carried out as far as it goes without the sweep."""
    desk, person = world.desk, world.numbers[n]
    known_by = people.identifier("email", email(n), verified=True)
    with desk.office.deed() as tx:
        intake = Intake(right, Channel.TERMINAL, (known_by,), person=person, proof=Proof.OPERATOR)
        request = identity.confirm_in(tx, desk, requests.file_in(tx, desk, intake).request, person, Proof.OPERATOR)
    if right is Right.ERASURE:
        assert erasure.execute(desk, request.id).state is ErasureState.ERASED
    else:
        assert fulfilment.fulfil(desk, request.id) is State.DONE
    return request.id


@pytest.mark.parametrize("right", [Right.ERASURE, Right.ACCESS])
def test_a_request_sends_at_most_two_statements_a_table(counted: tuple[World, Sent], right: Right) -> None:
    world, sent = counted
    carried_out(world, right, 1)  # connects, and reads the catalogue
    before = sent.connections
    sent.statements.clear()
    carried_out(world, right, 2)
    assert len(sent.statements) <= 2 * TABLES, "\n".join(sent.statements)
    assert sent.statements, "nothing was counted"
    assert sent.connections - before <= 1
