from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy

from tests.chinook import run_script
from tests.collection import labelled
from tests.foundation.records.stores import UGLY_TABLE, WIDE_TABLE, made_url
from troth.collection import discovery, drafting
from troth.collection.ownership import Known
from troth.collection.relations import views
from troth.errors import PlaceMissing
from troth.foundation.records.ends import ends_of
from troth.foundation.records.reading import Records
from troth.policy import mapreading
from troth.policy.datamap import (
    AnyPath,
    ByIdentifier,
    ByKey,
    ByRow,
    DataMap,
    OwnRow,
    TableMap,
)

CHINOOK_PERSONAL = """
customer.firstname profile.name, customer.lastname profile.name, customer.company contact.organisation,
customer.address contact.address, customer.city contact.address, customer.state contact.address,
customer.country contact.address, customer.postalcode contact.address, customer.phone contact.phone,
customer.fax contact.fax, customer.email contact.email,
employee.lastname profile.name, employee.firstname profile.name, employee.title work.job_title,
employee.birthdate identity.birth_date, employee.hiredate work.employment, employee.address contact.address,
employee.city contact.address, employee.state contact.address, employee.country contact.address,
employee.postalcode contact.address, employee.phone contact.phone, employee.fax contact.fax,
employee.email contact.email,
invoice.invoicedate transaction.purchase, invoice.billingaddress transaction.billing_address,
invoice.billingcity transaction.billing_address, invoice.billingstate transaction.billing_address,
invoice.billingcountry transaction.billing_address, invoice.billingpostalcode transaction.billing_address,
invoice.total transaction.purchase, invoiceline.trackid transaction.purchase,
invoiceline.unitprice transaction.purchase, invoiceline.quantity transaction.purchase
"""
"""Every column of Chinook that says something of a person, and what a privacy officer would call it."""


def _plain(name: str | None) -> str:
    return (name or "").replace("_", "").lower()


def _drafted(url: str, name: str = "shop") -> DataMap:
    return mapreading.parse(drafting.draft_map(url, name=name).encode())


def _tables(datamap: DataMap) -> dict[str, TableMap]:
    return {_plain(table.name): table for table in datamap.tables()}


def _run(folder: Path, script: str) -> str:
    url = f"sqlite:///{folder / 'shop.db'}"
    run_script(url, script)
    return url


# --- Chinook, on each kind of store -----------------------------------------------------------------------------------


def test_chinook_needs_at_most_eight_questions(chinook_url: str) -> None:
    questions = _drafted(chinook_url).questions

    assert 1 <= len(questions) <= 8
    assert all(question.open for question in questions)


def test_both_person_tables_of_chinook_are_found(chinook_url: str) -> None:
    kinds = _drafted(chinook_url).people()

    assert {(_plain(kind.table), *map(_plain, kind.key)) for kind in kinds.values()} == {
        ("customer", "customerid"),
        ("employee", "employeeid"),
    }
    for kind in kinds.values():
        assert _plain(kind.identifiers["email"].column) == "email"
        assert _plain(kind.identifiers["phone"].column) == "phone"


def test_the_paths_of_chinook_are_right(chinook_url: str) -> None:
    tables = _tables(_drafted(chinook_url))

    assert tables["customer"].whose == OwnRow("shop.customer")
    assert tables["employee"].whose == OwnRow("shop.employee")
    invoice, line = tables["invoice"].whose, tables["invoiceline"].whose
    assert isinstance(invoice, ByKey)
    assert ([_plain(each) for each in invoice.columns], invoice.person) == (["customerid"], "shop.customer")
    assert isinstance(line, ByRow)
    assert ([_plain(each) for each in line.columns], _plain(line.table)) == (["invoiceid"], "invoice")


def test_the_links_of_chinook_are_links(chinook_url: str) -> None:
    links = {
        (_plain(place.table), _plain(place.column)): column.link
        for place, column in _drafted(chinook_url).columns()
        if column.link
    }

    assert links == {
        ("customer", "supportrepid"): "shop.employee",
        ("employee", "reportsto"): "shop.employee",
    }


def test_the_personal_columns_of_chinook_have_their_category(chinook_url: str) -> None:
    expected = dict(line.split() for line in CHINOOK_PERSONAL.replace("\n", " ").split(",") if line.strip())
    found = {
        f"{_plain(place.table)}.{_plain(place.column)}": column.category
        for place, column in _drafted(chinook_url).columns()
        if column.category
    }

    right = sum(found.get(place) == category for place, category in expected.items())
    assert right / len(expected) >= 0.95, {place: found.get(place) for place in expected}
    assert set(found) <= set(expected), "nothing else is called personal"


def test_music_is_not_personal(chinook_url: str) -> None:
    tables = _tables(_drafted(chinook_url))

    assert [name for name, table in tables.items() if not table.personal] == [
        "album", "artist", "genre", "mediatype", "playlist", "playlisttrack", "track",
    ]  # fmt: skip


def test_the_draft_of_chinook_holds_no_value(chinook_url: str) -> None:
    text = drafting.draft_map(chinook_url, name="shop")

    for value in ("luisg", "Gonçalves", "Edmonton", "3923-5555", "70174", "Adams"):
        assert value not in text
    assert "troth:troth" not in text
    password = sqlalchemy.make_url(chinook_url).password
    assert not password or password not in text


# --- what a draft says ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", labelled.names())
def test_a_draft_reads_back_without_faults_whatever_the_schema(name: str) -> None:
    schema = labelled.load(name)
    seen = views(schema.catalogue)
    findings: dict[str, list[discovery.ColumnFinding]] = {table: [] for table in seen}
    for finding in discovery.judge(schema.catalogue, {}, seen):
        findings[finding.place.table].append(finding)

    text = drafting.write_draft(Known(name, seen, findings, ()), "sqlite:///x.db")

    datamap = mapreading.parse(text.encode())
    assert {table.name for table in datamap.tables()} == set(schema.catalogue.tables)
    assert len(datamap.questions) <= 8


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb"])
def test_hostile_names_read_back(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> None:
    url = made_url(request, tmp_path, engine)

    tables = {table.name for table in _drafted(url).tables()}

    assert {UGLY_TABLE, WIDE_TABLE, "users", "visits"} <= tables


@pytest.mark.parametrize(
    "column",
    [
        *("e-mail", "e mail", "E > Mail", "e,mail", 'e"mail', "e.mail", "#email", "x: email", "email\n", "null email"),
        *("'email", "email{", "[email", "*email", "&email", "émail email", "email\t", "%email", "@email", "`email"),
    ],
)
def test_whatever_a_column_is_called_it_reads_back(tmp_path: Path, column: str) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    metadata = sqlalchemy.MetaData()
    quoted = sqlalchemy.quoted_name
    users = sqlalchemy.Table(
        "users",
        metadata,
        sqlalchemy.Column(quoted(f"{column} id", quote=True), sqlalchemy.Integer, primary_key=True),
        sqlalchemy.Column(quoted(column, quote=True), sqlalchemy.String(80)),
        sqlalchemy.Column("password", sqlalchemy.String(80)),
    )
    sqlalchemy.Table(
        quoted(f"{column} orders", quote=True),
        metadata,
        sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True),
        sqlalchemy.Column(quoted(f"{column} user", quote=True), sqlalchemy.ForeignKey(users.c[f"{column} id"])),
    )
    metadata.create_all(sqlalchemy.create_engine(url))

    datamap = _drafted(url)

    kind = next(iter(datamap.people().values()))
    assert kind.key == (f"{column} id",)
    assert column in {identifier.column for identifier in kind.identifiers.values()}
    whose = datamap.stores["shop"].tables[f"{column} orders"].whose
    assert isinstance(whose, ByKey)
    assert whose.columns == (f"{column} user",)


def test_two_people_in_a_row_become_roles_with_a_question(tmp_path: Path) -> None:
    url = _run(
        tmp_path,
        """create table users (id integer primary key, email text, password text);
create table messages (id integer primary key, sender_id int not null references users,
  recipient_id int references users, body text);
create table friendships (user_id int references users, friend_id int references users,
  primary key (user_id, friend_id));
""",
    )

    datamap = _drafted(url)

    messages, friendships = (datamap.stores["shop"].tables[name] for name in ("messages", "friendships"))
    assert set(messages.roles) == {"sender", "recipient"}
    assert set(friendships.roles) == {"user", "friend"}
    assert messages.columns["body"].others == "redact"
    assert any("Several people share these rows" in question.ask for question in datamap.questions)


def test_a_likely_key_is_believed_when_values_agree_and_asked_about(tmp_path: Path) -> None:
    url = _run(
        tmp_path,
        """create table users (id integer primary key, email text, password text);
create table orders (id integer primary key, user_id int, total int);
create table visits (id integer primary key, user_id int, at datetime);
insert into users select value, 'p' || value || '@example.org', 'x' from generate_series(1, 50);
insert into orders select value, value % 50 + 1, 7 from generate_series(1, 200);
insert into visits select value, value + 100000, '2026-01-01' from generate_series(1, 200);
""".replace("generate_series(1, 50)", _series(50)).replace("generate_series(1, 200)", _series(200)),
    )

    text = drafting.draft_map(url, name="shop")
    datamap = mapreading.parse(text.encode())

    assert datamap.stores["shop"].tables["orders"].whose == ByKey(("user_id",), "shop.user")
    assert "by its name, and 100% of 200 values are there; no foreign key says so" in text
    assert datamap.stores["shop"].tables["visits"].whose is None, "values that are no users' keys lead to nobody"
    asked = [question for question in datamap.questions if "No foreign key says so" in question.ask]
    assert [question.about for question in asked] == ["orders.user_id"]


def test_a_likely_key_may_be_a_number_here_and_a_text_there(tmp_path: Path) -> None:
    url = _run(
        tmp_path,
        f"""create table users (id integer primary key, email text, password text);
create table orders (id integer primary key, user_id text, total int);
insert into users select value, 'p' || value || '@example.org', 'x' from {_series(50)};
insert into orders select value, cast(value % 50 + 1 as text), 7 from {_series(100)};
""",
    )

    assert _drafted(url).stores["shop"].tables["orders"].whose == ByKey(("user_id",), "shop.user")


def test_orders_of_guests_are_theirs_by_their_address(tmp_path: Path) -> None:
    url = _run(
        tmp_path,
        """create table users (id integer primary key, email text, password text);
create table orders (id integer primary key, user_id int references users, guest_email text, total int);
""",
    )

    whose = _drafted(url).stores["shop"].tables["orders"].whose

    assert isinstance(whose, AnyPath)
    assert whose.paths[0] == ByKey(("user_id",), "shop.user")
    assert isinstance(whose.paths[1], ByIdentifier)
    assert whose.paths[1].column == "guest_email"


def test_rows_that_several_people_point_at_are_shared(tmp_path: Path) -> None:
    url = _run(
        tmp_path,
        """create table address (id integer primary key, street text, phone text);
create table customer (id integer primary key, email text, address_id int references address);
""",
    )

    address = _drafted(url).stores["shop"].tables["address"]

    assert address.shared
    assert address.whose == ByRow(("id",), "customer", ("address_id",))


def test_data_of_nobody_in_particular_is_asked_about(tmp_path: Path) -> None:
    url = _run(
        tmp_path,
        """create table users (id integer primary key, email text, password text);
create table bus_lines (id integer primary key, route text, driver_name text, driver_phone text);
""",
    )

    datamap = _drafted(url)

    lines = datamap.stores["shop"].tables["bus_lines"]
    assert (lines.personal, lines.whose) == (True, None)
    assert any(question.about == "bus_lines" for question in datamap.questions)


def test_an_address_inside_a_document_is_no_path_to_its_person(tmp_path: Path) -> None:
    url = _run(
        tmp_path,
        "create table customers (id integer primary key, extra json, email text, name text);\n"
        "create table files (id integer primary key, meta json);\n"
        + "".join(
            f"""insert into customers values ({n}, '{{"mail": "x{n}@example.org"}}', 'c{n}@example.org', 'Ann Bell');\n"""
            f"""insert into files values ({n}, '{{"by": {{"mail": "c{n}@example.org"}}}}');\n"""
            for n in range(30)
        ),
    )
    drafted = _drafted(url)
    tables = _tables(drafted)

    [kind] = drafted.people().values()
    assert kind.identifiers["email"].column == "email"
    assert not list(tables["files"].paths())
    assert any("files" in question.about for question in drafted.questions)


def test_an_address_leads_to_the_kind_of_people_whose_it_is(tmp_path: Path) -> None:
    url = _run(
        tmp_path,
        "create table employees (id integer primary key, email text, name text);\n"
        "create table members (id integer primary key, email text, name text);\n"
        "create table subscribed (mail text);\ncreate table shift (mail text);\ncreate table unheard (mail text);\n"
        + "".join(
            f"insert into employees values ({n}, 'e{n}@example.org', 'Ann Bell');\n"
            f"insert into members values ({n}, 'm{n}@example.org', 'Bob Hill');\n"
            f"insert into subscribed values ('M{n}@example.org');\ninsert into shift values ('e{n}@example.org');\n"
            f"insert into unheard values ('u{n}@example.net');\n"
            for n in range(30)
        ),
    )
    tables = _tables(_drafted(url))

    led = {name: next(iter(tables[name].paths())) for name in ("subscribed", "shift", "unheard")}
    assert {name: path.person for name, path in led.items() if isinstance(path, ByIdentifier)} == {
        "subscribed": "shop.member", "shift": "shop.employee", "unheard": "shop.member",
    }  # fmt: skip


def test_a_materialised_view_is_nobodys_table_and_no_erasure_writes_into_one(postgresql_scratch: str) -> None:
    run_script(
        postgresql_scratch,
        "create table members (id int primary key, email text, name text);\n"
        "insert into members select n, 'm' || n || '@example.org', 'Ann Bell' from generate_series(1, 30) n;\n"
        "create materialized view members_by_mail as select email, id from members;\n",
    )
    text = drafting.draft_map(postgresql_scratch, name="shop", variable="SHOP")
    drafted = mapreading.parse(text.encode())
    claimed = mapreading.parse(
        re.sub(
            r"members_by_mail:\n +personal: no\n +why: .*", "members_by_mail: {whose: {by: id, person: member}}", text
        ).encode()
    )

    assert not _tables(drafted)["membersbymail"].personal
    assert "refresh it" in text
    with Records.of_address("shop", postgresql_scratch) as records:
        _, faults = ends_of(drafted, "shop", records.catalogue("shop"))
        assert faults == []
        _, [fault] = ends_of(claimed, "shop", records.catalogue("shop"))
    assert "members_by_mail: it is a materialised view" in fault


def test_what_hangs_on_rows_that_an_address_leads_to_is_theirs_too(tmp_path: Path) -> None:
    url = _run(
        tmp_path,
        "create table customers (id integer primary key, email text, name text);\n"
        "create table raffle (no integer primary key, mail text);\n"
        "create table prize (id integer primary key, raffle_no integer references raffle(no), what text);\n"
        "create table parcel (id integer primary key, prize integer references prize(id), kilos integer);\n"
        + "".join(
            f"insert into customers values ({n}, 'c{n}@example.org', 'Ann Bell');\n"
            f"insert into raffle values ({n}, 'c{n}@example.org');\n"
            for n in range(30)
        ),
    )
    tables = _tables(_drafted(url))

    [prize], [parcel] = list(tables["prize"].paths()), list(tables["parcel"].paths())
    assert isinstance(prize, ByRow)
    assert prize.table == "raffle"
    assert isinstance(parcel, ByRow)
    assert parcel.table == "prize"


def test_a_number_called_like_a_table_of_people_is_their_key_where_values_agree(tmp_path: Path) -> None:
    url = _run(
        tmp_path,
        "create table Mitglieder (Nr integer primary key, EMail text, Nachname text);\n"
        "create table antwort (id integer primary key, mitglied integer, frage integer);\n"
        "create table zaehler (id integer primary key, mitglied integer);\n"
        + "".join(
            f"insert into Mitglieder values ({n}, 'm{n}@example.org', 'Ebert');\n"
            f"insert into antwort values ({n}, {n}, 1);\n"
            f"insert into zaehler values ({n}, {n + 1000});\n"
            for n in range(30)
        ),
    )
    drafted = _drafted(url)
    tables = _tables(drafted)

    [path] = list(tables["antwort"].paths())
    assert isinstance(path, ByKey)
    assert path.columns == ("mitglied",)
    assert any("antwort.mitglied" in question.about for question in drafted.questions)
    assert not tables["zaehler"].personal


def test_a_store_without_people_asks_who_they_are(tmp_path: Path) -> None:
    url = _run(tmp_path, "create table products (id integer primary key, title text);\n")

    questions = _drafted(url).questions

    assert any("No table has people as its rows" in question.ask for question in questions)


def test_the_draft_of_the_example_shop_finds_the_paths_that_its_makers_wrote(tmp_path: Path) -> None:
    import datetime as dt
    from importlib import resources

    from troth.example.shop.database import open_database
    from troth.example.shop.seed import seed

    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = open_database(url)
    seed(engine, now=dt.datetime(2026, 11, 22, tzinfo=dt.UTC), people=60)
    engine.dispose()
    written = mapreading.parse(resources.files("troth.example").joinpath("datamap.yaml").read_bytes())

    drafted = _drafted(url).stores["shop"].tables

    for name, table in written.stores["shop"].tables.items():
        own = drafted[name]
        assert (own.personal, set(own.roles)) == (table.personal, set(table.roles)), name
        assert str(own.whose).replace("shop.user", "shop.customer") == str(table.whose), name


def test_an_empty_database_is_told_in_one_line(tmp_path: Path) -> None:
    url = _run(tmp_path, "create table t (a int);\ndrop table t;\n")

    with pytest.raises(PlaceMissing, match="shop: the database has no tables") as caught:
        drafting.draft_map(url, name="shop")

    assert "\n" not in str(caught.value)


def test_the_address_of_a_server_is_left_to_the_environment(chinook_url: str) -> None:
    text = drafting.draft_map(chinook_url, name="music")

    connect = re.search(r"connect: (.*)", text)
    assert connect
    if chinook_url.startswith("sqlite"):
        assert "chinook.sqlite" in connect[1]
    else:
        assert connect[1] == "${MUSIC_DATABASE_URL}"
    assert drafting.draft_map(chinook_url, name="music", variable="X").count("${X}") == 1


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("sqlite:///data/My Shop.sqlite", "my_shop"),
        ("postgresql://db.example.com/crm-2", "crm_2"),
        ("mysql://db.example.com/", "store"),
    ],
)
def test_a_store_is_called_after_its_database(address: str, name: str) -> None:
    assert drafting.store_name(address) == name


def _series(count: int) -> str:
    numbers = f"select 1 union all select value + 1 from s where value < {count}"
    return f"(with recursive s(value) as ({numbers}) select * from s)"
