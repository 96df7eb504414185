from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy

from tests.chinook import run_script
from tests.servers import fresh_database
from troth.collection.drift import find_drift
from troth.collection.grants import READER, WRITER, rights_of, statements
from troth.errors import StoreUnreachable, UnknownName
from troth.foundation.records import carrying, erasing
from troth.foundation.records.keys import Subject
from troth.foundation.records.reach import Reach
from troth.foundation.records.reading import Records
from troth.foundation.records.writing import Writer
from troth.policy import mapreading
from troth.policy.datamap import DataMap, Place, StoreKind

NOW = dt.datetime(2026, 11, 28, tzinfo=dt.UTC)
SHOP = """create table users (id int primary key, email varchar(80), phone varchar(40), secret varchar(40));
create table orders (id int primary key, user_id int, placed_at timestamp null, total int, note varchar(40));
create table products (id int primary key, title varchar(80));
create table messages (id int primary key, sender_id int, recipient_id int, body varchar(80));
"""
MAP = """
troth: 1
stores:
  shop:
    connect: ${SHOP_DATABASE_URL}
    person: {customer: {table: users, key: id, identifiers: {email: email}}}
    tables:
      users:
        whose: {person: customer}
        columns: {email: contact.email, phone: contact.phone, secret: {scan: no, why: sealed by the app}}
      orders:
        whose: user_id
        on_erasure: {keep: [id, placed_at, total], ground: tax-law, until: placed_at + 10 years, change: {user_id: null, note: null}}
      products: {personal: no}
      messages:
        whose:
          sender: {by: sender_id, on_erasure: {change: {sender_id: null, body: redact}}}
          recipient: {by: recipient_id, on_erasure: {change: {recipient_id: null}}}
        delete: never
"""
AS_READER = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql"}


def _datamap() -> DataMap:
    return mapreading.parse(MAP.encode())


def _statements(url: str, kind: StoreKind) -> str:
    database = sqlalchemy.make_url(url).database or ""
    with Records.of_address("shop", url) as records:
        return statements(rights_of(_datamap(), "shop", kind, database, records.catalogue("shop")))


def _granted(url: str, kind: StoreKind, password: str = "p") -> tuple[str, str]:
    """Run the statements on the store as its administrator; the URLs of both roles."""
    script = _statements(url, kind)
    drop = f"drop role if exists {READER}, {WRITER};" if kind is StoreKind.POSTGRESQL else ""
    if kind is StoreKind.MARIADB:
        drop = f"drop user if exists {READER}, {WRITER};\n"
        script = script.replace(" REQUIRE SSL", "")  # the test speaks without TLS
    run_script(url, f"{drop}\n{script}")
    word = "alter role {} password 'p';" if kind is StoreKind.POSTGRESQL else "alter user {} identified by 'p';\n"
    run_script(url, "".join(word.format(role) for role in (READER, WRITER)))
    address = sqlalchemy.make_url(url)
    first, second = (
        address.set(username=role, password=password).render_as_string(hide_password=False) for role in (READER, WRITER)
    )
    return first, second


def _refused(url: str, statement: str) -> bool:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
    except sqlalchemy.exc.DBAPIError:
        return True
    return False


@pytest.fixture(params=[StoreKind.POSTGRESQL, StoreKind.MARIADB])
def granted(request: pytest.FixtureRequest) -> object:
    kind: StoreKind = request.param
    with fresh_database(request.getfixturevalue(f"{kind.value}_url")) as url:
        run_script(url, SHOP)
        yield _granted(url, kind)
        owned = "drop owned by {0}; drop role {0};" if kind is StoreKind.POSTGRESQL else "drop user {0};\n"
        run_script(url, "".join(owned.format(role) for role in (READER, WRITER)))


def test_the_reader_can_do_all_that_looking_needs(granted: tuple[str, str]) -> None:
    datamap = _datamap()

    with Records.open(datamap, {"SHOP_DATABASE_URL": granted[0]}) as records:
        assert set(records.catalogue("shop").tables) == {"users", "orders", "products", "messages"}
        assert find_drift(datamap, records) == ()
        assert records.count(Place("shop", "users")) == 0
        assert records.oldest(Place("shop", "orders", "placed_at")) is None


def test_the_reader_cannot_see_what_the_map_closes(granted: tuple[str, str]) -> None:
    with Records.open(_datamap(), {"SHOP_DATABASE_URL": granted[0]}) as records:
        columns = records.catalogue("shop").table("users").columns
        if "secret" in columns:  # MariaDB does not even show it
            with pytest.raises(StoreUnreachable, match="may not read that"):
                records.sample(Place("shop", "users", "secret"))
    assert _refused(granted[0], "select secret from users")


def test_the_reader_can_change_nothing(granted: tuple[str, str]) -> None:
    for statement in (
        "delete from users",
        "update users set email = 'x'",
        "insert into products values (1, 'x')",
        "create table t (a int)",
        "drop table users",
    ):
        assert _refused(granted[0], statement), statement


def test_the_writer_can_do_what_the_map_says_and_no_more(granted: tuple[str, str]) -> None:
    allowed = (
        "delete from users",
        "update users set email = 'x'",
        "update orders set user_id = null, note = null",
        "delete from orders",
        "update messages set body = 'x', sender_id = null",
        "insert into troth_step values ('r', 's', '{}', 'now')",
        "create temporary table t (a int)",
    )
    refused = (
        "update orders set total = 0",
        "delete from messages",
        "delete from products",
        "update products set title = 'x'",
        "insert into users (id) values (1)",
        "drop table users",
        "create table t (a int)",
    )

    assert [statement for statement in allowed if _refused(granted[1], statement)] == []
    assert [statement for statement in refused if not _refused(granted[1], statement)] == []


def test_hostile_names_are_quoted(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    run_script(url, 'create table "a""b; drop table users" (id integer primary key, "c`d" text);\n')
    with Records.of_address("shop", url) as records:
        catalogue = records.catalogue("shop")

    for kind, quoted in (
        (StoreKind.POSTGRESQL, '"a""b; drop table users"'),
        (StoreKind.MARIADB, '`a"b; drop table users`'),
    ):
        assert f".{quoted} TO {READER};" in statements(rights_of(_datamap(), "shop", kind, "shop", catalogue))


def test_sqlite_gets_advice_on_its_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    run_script(url, "create table t (a int);\n")

    text = _statements(url, StoreKind.SQLITE)

    assert "chmod 640" in text
    assert "GRANT" not in text


def test_a_store_that_is_not_in_the_map_is_told_with_the_nearest(tmp_path: Path) -> None:
    with Records.of_address("shop", f"sqlite:///{tmp_path / 'shop.db'}"), pytest.raises(UnknownName) as caught:
        rights_of(_datamap(), "shap", StoreKind.SQLITE, "", None)  # type: ignore[arg-type] # it is not reached

    assert caught.value.nearest == "shop"


def test_the_writer_can_carry_out_an_erasure(granted: tuple[str, str]) -> None:
    datamap = _datamap()
    with Records.open(datamap, {"SHOP_DATABASE_URL": granted[0]}) as records:
        people = [Subject(datamap.people()["shop.customer"], (1,), {"email": ("a@example.org",)})]
        plan = erasing.plan_for(records, Reach.compile(datamap, records.catalogue("shop")), people, NOW)
        with Writer.of_address("shop", granted[1]) as writer:
            done = carrying.carry_out(writer, plan, people, "r1", at=NOW)

    assert done.erased["users"] == 0
    assert not done.resumed


def test_rows_that_move_need_the_right_to_stand_in_the_archive(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    (tmp_path / "shop.db").touch()
    run_script(url, f"{SHOP} create table old_messages (id int primary key, sender_id int, body varchar(80), at text);")
    datamap = mapreading.parse(
        MAP.replace("        delete: never\n", "        delete: never\n        archive: old_messages\n")
        .replace("      products:", "      old_messages: {whose: sender_id, starts: {archived: at}}\n      products:")
        .encode()
    )

    with Records.of_address("shop", url) as records:
        rights = rights_of(datamap, "shop", StoreKind.POSTGRESQL, "shop", records.catalogue("shop"))

    found = {each.table: (each.delete, each.add) for each in rights.writing}
    assert found["messages"] == (True, False)
    assert found["old_messages"] == (True, True)


def test_who_must_pass_row_security_gets_the_right_to(postgresql_database: str) -> None:
    run_script(postgresql_database, SHOP)
    assert "BYPASSRLS" not in _statements(postgresql_database, StoreKind.POSTGRESQL)
    run_script(postgresql_database, "alter table orders enable row level security")
    said = _statements(postgresql_database, StoreKind.POSTGRESQL)
    assert f"ALTER ROLE {READER} BYPASSRLS;" in said
    assert f"ALTER ROLE {WRITER} BYPASSRLS;" in said
