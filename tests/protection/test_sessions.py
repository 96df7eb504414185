"""3.1a: how everybody is connected to a store, not only troth; seen on real servers, judged for other machines by rule."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy

from tests.policies import policy_of, said
from tests.servers import Server, fresh_database, mariadb_server
from tests.shopworld import own_verdict
from troth.foundation.observation import Observation
from troth.foundation.proof import run_checks
from troth.foundation.records.access import LinkKind, LinkSeen, SessionsSeen
from troth.foundation.records.reading import Records
from troth.policy import mapreading
from troth.protection.checks.transmission import unencrypted_link

POLICY = policy_of(
    """
    protection:
      number: "3"
      title: Protection
      tls: {text: Use TLS, measure: tls, hosts: [shop.example.com]}
    """
)
MAP = b"""
troth: 1
stores:
  shop:
    connect: ${SHOP}
    person: {customer: {table: users, key: id}}
    tables: {users: {whose: {person: customer}, columns: {id: no}}}
"""


def judged(records: Records) -> tuple[str, str]:
    datamap = mapreading.parse(MAP, "datamap.yaml")
    seen = Observation(POLICY, datetime.now(UTC), Path(), datamap=datamap, records=records)
    found = run_checks(POLICY, [unencrypted_link], seen).of("3a")
    return own_verdict(found), said(found)


@contextmanager
def looking(url: str) -> Iterator[Records]:
    with Records.open(mapreading.parse(MAP, "datamap.yaml"), {"SHOP": url}) as records:
        yield records


@contextmanager
def connected(url: str) -> Iterator[sqlalchemy.Connection]:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("select 1")
        yield connection
    engine.dispose()


# --- what a server tells ----------------------------------------------------------------------------------------------


def test_every_connection_to_the_store_is_counted_and_those_of_this_machine_are_not_held_against_it(
    postgresql_database: str,
) -> None:
    with looking(postgresql_database) as records, connected(postgresql_database), connected(postgresql_database):
        found = records.sessions("shop")

        assert found == SessionsSeen(3, {}, all_seen=True, only_here=True)
        assert judged(records)[0] == "kept"


def test_postgresql_shows_the_connections_of_others_to_few(postgresql_database: str) -> None:
    """What a role without `pg_read_all_stats` may not see is known not to have been seen."""
    name, word = f"low_{secrets.token_hex(4)}", secrets.token_hex(8)
    low = sqlalchemy.make_url(postgresql_database).set(username=name, password=word)
    with connected(postgresql_database) as admin:
        admin.exec_driver_sql(f"create role {name} login password '{word}'")
        try:
            with looking(low.render_as_string(hide_password=False)) as records:
                assert records.sessions("shop") == SessionsSeen(2, {}, all_seen=False, only_here=True)
                admin.exec_driver_sql(f"grant pg_read_all_stats to {name}")
            with looking(low.render_as_string(hide_password=False)) as records:
                assert records.sessions("shop").all_seen
        finally:
            admin.exec_driver_sql(f"drop role {name}")


def test_mariadb_shows_nothing_where_its_performance_schema_is_off(mariadb_database: str) -> None:
    with looking(mariadb_database) as records:
        assert records.sessions("shop") == SessionsSeen(0, {}, all_seen=False, only_here=True)
        assert judged(records)[0] == "kept"


def test_mariadb_shows_who_is_connected_to_those_who_may_ask() -> None:
    with (
        mariadb_server("--performance-schema=ON") as server,
        fresh_database(server.url) as url,
        connected(url) as admin,
    ):
        name, word = f"low{secrets.token_hex(4)}", secrets.token_hex(8)
        admin.exec_driver_sql(f"create user {name}@'127.0.0.1' identified by '{word}'")
        admin.exec_driver_sql(f"grant select on {sqlalchemy.make_url(url).database}.* to {name}@'127.0.0.1'")
        low = sqlalchemy.make_url(url).set(username=name, password=word).render_as_string(hide_password=False)
        with looking(url) as records:
            assert records.sessions("shop") == SessionsSeen(2, {}, all_seen=True, only_here=True)
        with looking(low) as records:
            assert not records.sessions("shop").all_seen


def test_a_file_has_no_connections(tmp_path: Path) -> None:
    (tmp_path / "shop.db").touch()

    with looking(f"sqlite:///{tmp_path / 'shop.db'}") as records:
        assert records.sessions("shop") == SessionsSeen(0, {}, all_seen=True, only_here=True)


# --- the rule ---------------------------------------------------------------------------------------------------------

NEAR = LinkSeen(LinkKind.PLAIN, local=True)
FAR = LinkSeen(LinkKind.TLS, "TLSv1.3", verified=True)
STRICT = LinkSeen(LinkKind.TLS, "TLSv1.3", verified=True, required=True)
ALL = SessionsSeen(9, {}, all_seen=True, only_here=False)
SOME = SessionsSeen(9, {}, all_seen=False, only_here=False)


@pytest.mark.parametrize(
    ("link", "sessions", "verdict", "words"),
    [
        (FAR, ALL, "kept", "reached by TLSv1.3"),
        (FAR, SOME, "unproven", "how other programs connect to it may not be seen"),
        (NEAR, SOME, "unproven", "how other programs connect to it may not be seen"),
        (STRICT, SOME, "kept", "reached by TLSv1.3"),
        (NEAR, SessionsSeen(9, {}, all_seen=False, only_here=True), "kept", "reached on this machine only"),
        (NEAR, SessionsSeen(9, {"reports": 2, "app": 1}, all_seen=True, only_here=False), "broken", "3 connections of other machines in clear (app, reports)"),
        (STRICT, SessionsSeen(9, {"app": 1}, all_seen=False, only_here=False), "broken", "1 connection of other machines in clear (app)"),
    ],
)  # fmt: skip
def test_nobody_comes_from_another_machine_in_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: LinkSeen, sessions: SessionsSeen, verdict: str, words: str
) -> None:
    """No other machine is at hand in a test: what its server would tell is given to the rule."""
    monkeypatch.setattr(Records, "link", lambda *_: link)
    monkeypatch.setattr(Records, "sessions", lambda *_: sessions)

    with looking("postgresql://shop.invalid/shop") as records:
        told = judged(records)

    assert told[0] == verdict
    assert words in told[1]


def test_an_address_counts_as_elsewhere_unless_it_is_this_machine_s(postgresql_running: Server) -> None:
    """The server's own rule, asked of made-up addresses: the statement with a table in the place of its views."""
    from troth.foundation.records.postgresql import _SESSIONS

    told = """(select * from (values
      (1, 'app', '192.0.2.7'::inet, 'client backend'), (2, 'app', '127.0.0.9'::inet, 'client backend'),
      (3, 'app', '::1'::inet, 'client backend'), (4, 'app', null::inet, 'client backend'),
      (5, 'copy', '192.0.2.8'::inet, 'walsender'), (6, 'safe', '192.0.2.9'::inet, 'client backend'),
      (7, 'ticket', '192.0.2.9'::inet, 'client backend'), (8, 'app', '192.0.2.7'::inet, 'parallel worker'))
      v(pid, usename, client_addr, backend_type), (select current_database() as datname) d)"""
    ssl = "(values (1, false), (5, false), (6, true), (7, false)) s(pid, ssl)"
    gss = "(values (7, true)) g(pid, encrypted)"
    statement = (
        _SESSIONS.replace("pg_stat_activity a", f"{told} a")
        .replace("pg_stat_ssl s", ssl)
        .replace("pg_stat_gssapi g", gss)
    )
    with connected(postgresql_running.url) as connection:
        rows = connection.exec_driver_sql(statement).all()

    assert len(rows) == 7
    assert sorted(role for role, clear, _ in rows if clear) == ["app", "copy"]
