"""What may go wrong between troth and a store: one line each, with the repair, and never an address, user or value."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import sqlalchemy

from tests.servers import Server, fresh_database
from troth.errors import RecordsError, StoreUnreachable
from troth.foundation.records.access import Grant, LinkKind
from troth.foundation.records.connectors import address_of
from troth.foundation.records.reading import Records
from troth.foundation.records.writing import Writer
from troth.policy import mapreading
from troth.policy.datamap import Place

USERS = "users: {whose: {person: customer}, columns: {email: contact.email}}"


def _map(connect: str) -> bytes:
    return f"""
troth: 1
stores:
  shop:
    connect: {connect}
    person: {{customer: {{table: users, key: id, identifiers: {{email: email}}}}}}
    tables: {{{USERS}}}
""".encode()


def _told(address: str, *secrets: str, timeout_s: float = 2.0) -> str:
    """The message of the error that asking at `address` gives; one line, without any of `secrets`."""
    with Records.of_address("shop", address, timeout_s=timeout_s) as records, pytest.raises(RecordsError) as caught:
        records.catalogue("shop")
    text = str(caught.value)
    assert "\n" not in text
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    for secret in secrets:
        assert secret not in text
    return text


def _changed(url: str, **parts: object) -> str:
    return sqlalchemy.make_url(url).set(**parts).render_as_string(hide_password=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "mysql", "mariadb"])
def test_an_unknown_host_is_named_as_such(scheme: str) -> None:
    told = _told(f"{scheme}://app:hunter2@db.nowhere.invalid/shop", "hunter2", "app")

    assert told == "shop: the name of its host is not known. Mend the host in its connect string."


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_closed_port_is_named_as_such(scheme: str) -> None:
    told = _told(f"{scheme}://app:hunter2@127.0.0.1:1/shop", "hunter2", "127.0.0.1")

    assert told.startswith("shop: nothing answers at its address. Start the server")


def test_a_wrong_password_is_named_as_such(postgresql_url: str, mariadb_url: str) -> None:
    for url in (postgresql_url, mariadb_url):
        told = _told(_changed(url, password="hunter2"), "hunter2", "troth:")

        assert told.startswith("shop: it refuses the user name or the password.")


def test_an_unknown_user_is_not_told_apart_from_a_wrong_password(postgresql_url: str, mariadb_url: str) -> None:
    for url in (postgresql_url, mariadb_url):
        told = _told(_changed(url, username="ann.miller"), "ann.miller")

        assert told.startswith("shop: it refuses the user name or the password.")


def test_a_database_that_is_not_there_is_named_as_such(postgresql_url: str, mariadb_url: str) -> None:
    for url in (postgresql_url, mariadb_url):
        assert _told(_changed(url, database="gone"), "gone").startswith("shop: there is no database of that name")


def test_a_server_that_never_answers_is_given_up_after_the_limit() -> None:
    import socket
    import time

    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        begun = time.monotonic()
        assert "did not answer within 2 s" in _told(f"postgresql://app@127.0.0.1:{port}/shop")
        assert time.monotonic() - begun < 6


def test_a_missing_sqlite_file_is_not_made(tmp_path: Path) -> None:
    assert _told(f"sqlite:///{tmp_path}/gone.db", str(tmp_path)).startswith("shop: there is no such file.")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_database_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "picture.db").write_bytes(b"\x89PNG" * 1000)

    assert _told(f"sqlite:///{tmp_path}/picture.db").startswith("shop: the file is no SQLite database.")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("mysql://app@127.0.0.1", "names no database"),
        ("oracle://app:hunter2@127.0.0.1/x", "cannot be read yet. Expected postgresql, mysql, mariadb or sqlite."),
        ("just words", "its connect string is no address"),
        ("postgresql://app:hunter2@127.0.0.1:port/shop", "its connect string is no address"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_with_the_form(address: str, words: str) -> None:
    assert words in _told(address, "hunter2")


def test_a_variable_that_is_not_set_is_named() -> None:
    datamap = mapreading.parse(_map("${SHOP_DATABASE_URL}"))

    with Records.open(datamap, {}) as records, pytest.raises(StoreUnreachable) as caught:
        records.count(Place("shop", "users"))

    assert str(caught.value) == (
        "shop: the environment has no SHOP_DATABASE_URL, which its connect string names. Set SHOP_DATABASE_URL."
    )


def test_a_password_from_the_environment_needs_no_quoting(postgresql_url: str) -> None:
    own = sqlalchemy.make_url(postgresql_url)
    engine = sqlalchemy.create_engine(postgresql_url, poolclass=sqlalchemy.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("create role awkward login password 'p@ss:/word#%%41'")
    connect = f"'postgresql://awkward:${{PW}}@127.0.0.1:{own.port}/postgres?sslmode=disable'"

    with Records.open(mapreading.parse(_map(connect)), {"PW": "p@ss:/word#%41"}) as records:
        assert records.catalogue("shop").tables == {}
        assert "p@ss" not in repr(records)


def test_the_address_is_read_from_its_parts() -> None:
    address = address_of("mysql://app:${A}@${B}/x?ssl_ca=${C}", {"A": "s@", "B": "db.example.org", "C": "/ca"}, "shop")

    assert (address.password, address.host, address.query["ssl_ca"]) == ("s@", "db.example.org", "/ca")


def test_a_relative_file_stands_beside_the_map(tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "shop.db") as file:
        file.execute("create table users (id integer primary key, email text)")
    file.close()

    with Records.open(mapreading.parse(_map("sqlite:///shop.db")), {}, base=tmp_path) as records:
        assert records.count(Place("shop", "users")) == 0


def test_a_table_dropped_after_the_catalogue_was_read_is_told_in_one_line(records: Records, shop_url: str) -> None:
    records.catalogue("shop")
    engine = sqlalchemy.create_engine(shop_url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("drop table visits")

    with pytest.raises(RecordsError, match="shop: a table is gone") as caught:
        records.count(Place("shop", "visits"))

    assert "\n" not in str(caught.value)


def test_a_table_that_may_not_be_read_is_told_with_the_grants(postgresql_database: str) -> None:
    engine = sqlalchemy.create_engine(postgresql_database, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("create table secret (id int)")
        connection.exec_driver_sql("drop role if exists stranger")
        connection.exec_driver_sql("create role stranger login password 'x'")

    stranger = Records.of_address("shop", _changed(postgresql_database, username="stranger", password="x"))
    with (
        stranger as records,
        pytest.raises(StoreUnreachable, match=r"this user may not read that\. Run the statements of `troth grants`"),
    ):
        records.count(Place("shop", "secret"))


def test_the_mode_of_a_file_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    path.touch()
    path.chmod(0o640)

    with Records.of_address("shop", f"sqlite:///{path}") as records:
        link = records.link("shop")

    assert (link.kind, link.local) == (LinkKind.FILE, True)
    assert stat.filemode(link.mode or 0) == "?rw-r-----"


def test_rows_that_row_security_hides_are_an_error_and_never_a_gap(postgresql_database: str) -> None:
    engine = sqlalchemy.create_engine(postgresql_database, poolclass=sqlalchemy.NullPool)
    statements = (
        "create table notes (id int primary key, owner text)",
        "insert into notes values (1, 'ada'), (2, 'bob')",
        "alter table notes enable row level security",
        "create policy own on notes using (owner = current_user)",
        "drop role if exists narrow",
        "create role narrow login password 'x'",
        "grant select, update, delete on notes to narrow",
    )
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    url = _changed(postgresql_database, username="narrow", password="x")
    try:
        with Records.of_address("shop", url) as records:
            with pytest.raises(StoreUnreachable, match=r"row security keeps rows .* BYPASSRLS"):
                records.count(Place("shop", "notes"))
            assert records.catalogue("shop").tables["notes"].guarded
        with Writer.of_address("shop", url) as writer, pytest.raises(RecordsError, match="row security"):
            writer.outside(lambda connection: connection.exec_driver_sql("delete from notes"))
        with engine.begin() as connection:
            connection.exec_driver_sql("alter role narrow bypassrls")
        with Records.of_address("shop", url) as records:
            assert records.count(Place("shop", "notes")) == 2
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("drop owned by narrow; drop role narrow")


def test_a_plain_link_is_seen_as_plain(postgresql_url: str, mariadb_url: str) -> None:
    for url in (postgresql_url, mariadb_url):
        with Records.of_address("shop", url) as records:
            assert records.link("shop").kind is LinkKind.PLAIN
            assert records.link("shop").local


@pytest.mark.parametrize("fixture", ["postgresql_running", "mariadb_running"])
def test_a_protected_link_is_verified_only_when_name_and_authority_are_checked(
    request: pytest.FixtureRequest, fixture: str
) -> None:
    server: Server = request.getfixturevalue(fixture)
    if server.authority is None:
        pytest.skip("missing: postgresql with TLS")
    ways = {
        True: {"sslmode": "verify-full", "sslrootcert": str(server.authority)},
        False: {"sslmode": "require"},
    }
    if fixture == "mariadb_running":
        ways = {True: {"ssl_ca": str(server.authority)}, False: {"charset": "utf8mb4"}}

    for verified, query in ways.items():
        with Records.of_address("shop", _changed(server.url, query=query)) as records:
            link = records.link("shop")
        assert (link.kind, link.verified) == (LinkKind.TLS, verified)
        assert str(link.version).startswith("TLSv1.")


@pytest.mark.parametrize("fixture", ["postgresql_running", "mariadb_running"])
def test_a_certificate_of_a_stranger_is_refused(request: pytest.FixtureRequest, fixture: str, tmp_path: Path) -> None:
    import trustme

    server: Server = request.getfixturevalue(fixture)
    if server.authority is None:
        pytest.skip("missing: postgresql with TLS")
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    other = str(tmp_path / "other.pem")
    query = {"sslmode": "verify-full", "sslrootcert": other} if "postgresql" in fixture else {"ssl_ca": other}

    assert "no protected connection could be made" in _told(_changed(server.url, query=query), other)


def test_grants_of_postgresql_tell_who_may_do_what(postgresql_database: str) -> None:
    engine = sqlalchemy.create_engine(postgresql_database, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        for statement in (
            "create table users (id int primary key, email text)",
            "create table open_table (id int)",
            "drop role if exists analyst",
            "create role analyst",
            "grant select (id) on users to analyst",
            "grant select, update on open_table to public",
            "drop role if exists intern",
            "drop role if exists team",
            "create role team in role analyst",
            "create role intern login in role team, pg_read_all_data",
        ):
            connection.exec_driver_sql(statement)

    with Records.of_address("shop", postgresql_database) as records:
        grants = records.roles("shop")
    with engine.begin() as connection:
        for statement in ("drop role intern", "drop role team", "drop owned by analyst", "drop role analyst"):
            connection.exec_driver_sql(statement)

    assert Grant("intern", "users", "id", ("SELECT",), through="analyst") in grants
    assert Grant("intern", None, None, ("SELECT",)) in grants
    assert Grant("team", "users", "id", ("SELECT",), through="analyst") in grants
    assert Grant("analyst", "users", "id", ("SELECT",)) in grants
    assert Grant("PUBLIC", "open_table", None, ("SELECT", "UPDATE")) in grants
    assert Grant("troth", None, None, ("ALL",), grantable=True) in grants


def test_grants_of_mariadb_tell_who_may_do_what(mariadb_url: str) -> None:
    with fresh_database(mariadb_url) as url:
        name = sqlalchemy.make_url(url).database
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        with engine.begin() as connection:
            for statement in (
                "create table users (id int primary key, email text)",
                "create or replace user analyst@'%%'",
                f"grant select (id), update (email) on {name}.users to analyst@'%%'",
            ):
                connection.exec_driver_sql(statement)

        with Records.of_address("shop", url) as records:
            grants = {(grant.role, grant.table, grant.column): grant for grant in records.roles("shop")}

    assert grants["'analyst'@'%'", "users", "id"].privileges == ("SELECT",)
    assert grants["'analyst'@'%'", "users", "email"].privileges == ("UPDATE",)
    assert grants["'troth'@'127.0.0.1'", None, None].privileges == ("ALL",)


def test_sqlite_has_no_roles(tmp_path: Path) -> None:
    (tmp_path / "shop.db").touch()

    with Records.of_address("shop", f"sqlite:///{tmp_path}/shop.db") as records:
        assert records.roles("shop") == ()


def test_a_store_that_the_map_does_not_name_is_told() -> None:
    with (
        Records.of_address("shop", "sqlite:///x.db") as records,
        pytest.raises(StoreUnreachable, match=r"crm: the data map names no such SQL store\. Expected one of: shop\."),
    ):
        records.count(Place("crm", "users"))
