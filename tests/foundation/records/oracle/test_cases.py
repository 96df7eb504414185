"""What worlds that nobody thought of have shown, each in the smallest world in which it shows."""

from __future__ import annotations

import pytest
import sqlalchemy

from tests.foundation.records.erasing.company import Make
from tests.foundation.records.oracle.cases import OWN, PEOPLE, PERSON, USERS, erased
from troth.errors import ErasureRefused


def test_rows_are_changed_before_the_store_takes_the_pointer_away_that_leads_to_them(make: Make) -> None:
    company = make(
        USERS
        + "create table visits (id int primary key, user_id int, body varchar(80) not null, foreign key (user_id) "
        "references users (id) on delete set null);\n"
        "create table words (id int primary key, visit_id int, body varchar(80));\n"
        + PEOPLE
        + "insert into visits values (1, 1, 'of ann'), (2, 2, 'of bob');\n"
        "insert into words values (1, 1, 'to ann'), (2, 2, 'to bob');\n",
        PERSON
        + OWN
        + "      visits: {whose: user_id, on_erasure: {change: {body: redact}}}\n"
        + "      words: {whose: visit_id > visits, on_erasure: {change: {body: redact}}}\n",
    )

    erased(company)

    assert company.rows("visits") == [(1, None, "[redacted]"), (2, 2, "of bob")]
    assert company.rows("words") == [(1, 1, "[redacted]"), (2, 2, "to bob")]


NUMBERED = {
    "sqlite": "integer primary key autoincrement", "postgresql": "serial primary key",
    "mariadb": "int auto_increment primary key",
}  # fmt: skip


@pytest.mark.parametrize("numbered", [False, True], ids=["", "numbered"])
@pytest.mark.parametrize("rule", ["", ", foreign key (friend) references users (id)"], ids=["link", "rule"])
def test_a_stand_in_that_must_point_at_somebody_points_at_itself(make: Make, rule: str, numbered: bool) -> None:
    key = NUMBERED[make.engine] if numbered else "int primary key"
    company = make(
        f"create table users (id {key}, email varchar(80), friend int not null{rule});\n"
        "insert into users (id, email, friend) values (1, 'ann@example.org', 1), (2, 'bob@example.org', 1);\n"
        + ("select setval('users_id_seq', 2);\n" if numbered and make.engine == "postgresql" else ""),
        PERSON
        + "      users: {whose: {person: customer}, columns: {email: contact.email, friend: {link: customer}}}\n",
    )

    erased(company)

    assert company.rows("users") == [(2, "bob@example.org", 3), (3, None, 3)]


def test_a_stand_in_that_must_point_at_somebody_of_another_kind_is_refused(make: Make) -> None:
    company = make(
        USERS + "create table staff (id int primary key, email varchar(80), client int not null, boss int not null);\n"
        + PEOPLE + "insert into staff values (11, 'cy@example.org', 1, 11), (12, 'dee@example.org', 2, 11);\n",
        """    person:
      customer: {table: users, key: id, identifiers: {email: email}}
      staff: {table: staff, key: id, identifiers: {email: email}}
    tables:
      users: {whose: {person: customer}, columns: {email: contact.email}}
      staff:
        whose: {person: staff}
        columns: {email: contact.email, client: {link: customer}, boss: {link: staff}}
""",
    )  # fmt: skip

    with pytest.raises(ErasureRefused, match=r"staff\.client: a stand-in of staff must point at shop\.customer"):
        company.plan(company.find("shop.staff:11"))


def test_rows_that_the_store_takes_with_rows_of_the_same_table_are_counted(make: Make) -> None:
    company = make(
        USERS
        + "create table folders (id int primary key, user_id int, parent int, foreign key (parent) references folders (id) "
        "on delete cascade);\n" + PEOPLE + "insert into folders values (1, 1, null), (2, 1, 1), (3, 1, 2), (4, 2, null);\n",
        PERSON + OWN + "      folders: {whose: user_id}\n",
    )  # fmt: skip

    done = company.erase(company.find("1"))

    assert done.erased == {"users": 1, "folders": 3}
    assert company.rows("folders") == [(4, 2, None)]


@pytest.mark.parametrize("rule", ["", " not null"])
def test_what_only_the_key_of_a_row_may_be_is_told_when_planning(make: Make, rule: str) -> None:
    company = make(
        "create table users (id varchar(20) primary key, email varchar(80));\n"
        f"create table notes (id int primary key, user_id varchar(20){rule}, foreign key (user_id) references users (id));\n"
        "insert into users values ('a', 'ann@example.org');\ninsert into notes values (1, 'a');\n",
        PERSON + OWN + "      notes: {whose: user_id, on_erasure: {change: {user_id: redact}}}\n",
    )
    if rule:
        with pytest.raises(
            ErasureRefused, match=r"notes\.user_id: redact does not fit: only the key of a row of users"
        ):
            company.plan(company.find("a"))
        return

    erased(company, "a")

    assert company.rows("notes") == [(1, None)]


@pytest.mark.parametrize("rule", ["", " not null"])
def test_a_row_that_stays_lets_go_of_a_shared_row_that_goes_or_is_refused(make: Make, rule: str) -> None:
    """No rule of the store says that `address_id` points at an address, and the map says it by a path alone."""
    company = make(
        USERS.replace("email varchar(80)", "email varchar(80), address_id int")
        + "create table addresses (id int primary key, street varchar(80));\n"
        f"create table labels (id int primary key, address_id varchar(20){rule}, body varchar(80));\n"
        "insert into users values (1, 'ann@example.org', 10), (2, 'bob@example.org', 20), (3, 'cy@example.org', 20);\n"
        "insert into addresses values (10, 'of ann'), (20, 'of bob and cy');\n"
        "insert into labels values (1, '10', 'of ann'), (2, '20', 'of bob and cy');\n",
        PERSON
        + OWN
        + "      addresses: {whose: id > users.address_id, shared: by-reference}\n"
        + "      labels: {whose: address_id > addresses, on_erasure: {change: {body: redact}}}\n",
    )
    if rule:
        with pytest.raises(ErasureRefused, match="labels: rows that point at rows of addresses would point at nothing"):
            company.plan(company.find("1"))
        return

    erased(company)

    assert company.rows("addresses") == [(20, "of bob and cy")]
    assert company.rows("labels") == [(1, None, "[redacted]"), (2, "20", "of bob and cy")]


def test_a_row_that_is_kept_with_the_key_of_a_row_that_goes_is_a_contradiction(make: Make) -> None:
    company = make(
        USERS
        + "create table bills (id int primary key, user_id int, at timestamp null);\n"
        + PEOPLE
        + "insert into bills values (1, 1, '2025-01-01 00:00:00');\n",
        PERSON
        + OWN
        + "      bills: {whose: user_id, on_erasure: {keep: all, ground: tax-law, until: at + 10 years}}\n",
    )

    with pytest.raises(ErasureRefused, match=r"bills\.user_id: the row stays and points at a row of users that goes"):
        company.plan(company.find("1"))


def test_a_link_that_stands_as_text_is_cut_with_the_row_that_it_points_at(make: Make) -> None:
    company = make(
        "create table users (id int primary key, email varchar(80), friend varchar(20));\n"
        "insert into users values (1, 'ann@example.org', null), (2, 'bob@example.org', '1'), (3, 'cy@example.org', '2');\n",
        PERSON
        + "      users: {whose: {person: customer}, columns: {email: contact.email, friend: {link: customer}}}\n",
    )

    erased(company)

    assert company.ask("select id, friend from users order by id") == [(2, None), (3, "2")]


def test_a_thread_whose_member_is_nobody_is_refused_rather_than_left_pointed_at(make: Make) -> None:
    company = make(
        USERS
        + "create table threads (id int primary key);\ncreate table members (thread int, user_id int);\n"
        + PEOPLE
        + "insert into threads values (1), (2);\ninsert into members values (1, 1), (1, null), (2, 2);\n",
        PERSON
        + OWN
        + "      members: {whose: user_id}\n"
        + "      threads: {whose: {participant: {by: id > members.thread, on_erasure: delete}}, delete: with-last}\n",
    )

    with pytest.raises(ErasureRefused, match="members: rows that point at rows of threads would point at nothing"):
        company.plan(company.find("1"))
    erased(company, "2")

    assert company.rows("threads") == [(1,)]


def test_the_key_of_a_stand_in_is_written_as_the_column_has_it(make: Make) -> None:
    company = make(
        USERS.replace("email varchar(80)", "email varchar(80) not null")
        + "create table messages (id int primary key, sender varchar(20) not null, receiver varchar(20), body varchar(80));\n"
        + PEOPLE
        + "insert into messages values (1, '1', '2', 'hello'), (2, '1', null, 'hello'), (3, '2', '1', 'hello');\n",
        PERSON
        + OWN
        + """      messages:
        whose:
          sender: {by: sender, on_erasure: {change: {sender: stand-in, body: redact}}}
          receiver: {by: receiver, on_erasure: {change: {receiver: null}}}
""",
    )

    erased(company)
    assert company.rows("messages") == [(1, "3", "2", "[redacted]"), (3, "2", None, "hello")]
    company.erase(company.find("2"), "r2")

    assert company.rows("messages") == []


def test_what_a_law_keeps_of_a_row_that_else_goes_with_any_is_cut_like_every_kept_row(make: Make) -> None:
    company = make(
        USERS
        + "create table deals (id int primary key, seller int, buyer int, body varchar(80), at timestamp null);\n"
        + PEOPLE
        + "insert into deals values (1, 1, 2, 'hello', '2025-01-01 00:00:00'), (2, 2, 1, 'hello', '2025-01-01 00:00:00'),"
        " (3, 1, 2, 'hello', '2010-01-01 00:00:00');\n",
        PERSON
        + OWN
        + """      deals:
        whose:
          seller:
            by: seller
            on_erasure: {keep: [at, buyer], ground: tax-law, until: at + 10 years, change: {seller: null, body: redact}}
          buyer: {by: buyer, on_erasure: delete}
        delete: with-any
""",
    )

    erased(company)

    assert company.ask("select id, seller, buyer, body from deals") == [(1, None, 2, "[redacted]")]


def test_what_is_cut_of_rows_that_go_later_is_planned(make: Make) -> None:
    """An account has a last log, whose rule would take the account; the log is kept until its time is up."""
    company = make(
        "create table users (id int primary key, email varchar(80), last_log int);\n"
        "create table logs (id int primary key, user_id int, body varchar(80), at timestamp null, "
        "foreign key (user_id) references users (id));\n"
        + ("" if make.engine == "sqlite" else
           "alter table users add foreign key (last_log) references logs (id) on delete cascade;\n")
        + "insert into users values (1, 'ann@example.org', null), (2, 'bob@example.org', null);\n"
        "insert into logs values (1, 1, 'old', '2009-01-01 00:00:00'), (2, 1, 'new', '2026-01-01 00:00:00');\n"
        "update users set last_log = 1 where id = 1;\n",
        PERSON
        + OWN
        + """      logs:
        whose: user_id
        on_erasure: {keep: [at], ground: tax-law, until: at + 1 years, change: {user_id: null, body: redact}}
""",
    )  # fmt: skip

    erased(company)

    assert company.ask("select id, user_id, body from logs") == [(2, None, "[redacted]")]


@pytest.mark.parametrize("above", [1, 2])
def test_a_row_that_must_point_at_one_of_its_table_goes_or_the_plan_says_why_not(make: Make, above: int) -> None:
    company = make(
        USERS
        + "create table notes (id int primary key, user_id int, top int not null, foreign key (top) references notes (id));\n"
        + PEOPLE
        + "insert into notes values (1, 1, 1), (3, 2, 3);\n"
        + ("insert into notes values (2, 1, 1);\n" if above == 2 else ""),
        PERSON + OWN + "      notes: {whose: user_id}\n",
    )

    if make.engine == "mariadb":
        with pytest.raises(ErasureRefused, match=r"notes\.top: this store deletes no row together with the one"):
            company.plan(company.find("1"))
        return
    erased(company)

    assert company.rows("notes") == [(3, 2, 3)]


def test_a_row_that_one_role_keeps_by_law_is_not_let_go_by_another_with_a_pointer_at_nothing(make: Make) -> None:
    company = make(
        USERS
        + "create table deals (id int primary key, seller int, buyer int, at timestamp null, "
        "foreign key (buyer) references users (id));\n" + PEOPLE + "insert into deals values (1, 1, 1, '2026-01-01 00:00:00'), (2, 1, 2, '2026-01-01 00:00:00');\n",
        PERSON
        + OWN
        + """      deals:
        whose:
          seller: {by: seller, on_erasure: {keep: [at, buyer], ground: tax-law, until: at + 10 years, change: {seller: null}}}
          buyer: {by: buyer, on_erasure: delete}
""",
    )  # fmt: skip

    with pytest.raises(ErasureRefused, match="deals: rows that point at rows of users would point at nothing"):
        company.plan(company.find("1"))


def test_a_key_beyond_ascii_is_found_in_a_list_of_json_however_it_is_written_there(make: Make) -> None:
    company = make(
        USERS
        + "create table events (id int primary key, payload text);\n"
        + "insert into users (id, email) values (1, 'zoë_m@example.org'), (2, 'zoëXm@example.org');\n"
        'insert into events values (1, \'[{"id": "other"}, {"id": "zoë_m@example.org"}]\'),'
        ' (3, \'[{"id": "zoëXm@example.org"}]\'), (4, \'[{"id": "ZOË_M@example.org"}]\'), (5, \'[]\');\n',
        PERSON
        + OWN
        + '      events: {whose: {json: "payload[].id", identifier: email, person: customer}, on_erasure: delete}\n',
    )
    table = sqlalchemy.table("events", sqlalchemy.column("id"), sqlalchemy.column("payload"))
    with sqlalchemy.create_engine(company.url, poolclass=sqlalchemy.NullPool).begin() as tx:
        for id_, who in ((2, "zo\\u00eb_m@example.org"), (6, "zo\\u00ebXm@example.org")):
            tx.execute(table.insert().values(id=id_, payload=f'[{{"id": "{who}"}}, {{"id": 7}}]'))

    erased(company)

    assert [row[0] for row in company.ask("select id from events order by id")] == [3, 4, 5, 6]
