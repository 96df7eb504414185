"""What worlds that nobody thought of have shown, each in the smallest world in which it shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.foundation.records.erasing.company import ENGINES, Company, Make, new_url
from troth.errors import ErasureRefused
from troth.foundation.records import copying

PERSON = "    person: {customer: {table: users, key: id, identifiers: {email: email}}}\n    tables:\n"
USERS = "create table users (id int primary key, email varchar(80));\n"
PEOPLE = "insert into users (id, email) values (1, 'ann@example.org'), (2, 'bob@example.org');\n"
OWN = "      users: {whose: {person: customer}, columns: {email: contact.email}}\n"


@pytest.fixture(params=ENGINES)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    maker = Make(request.param, new_url(request, tmp_path, request.param))
    yield maker
    maker.close()


def _erased(company: Company, who: str = "1") -> None:
    """They are erased: nothing of theirs left, nothing dangling."""
    people = company.find(who)
    company.erase(people)
    assert company.recount(people) == {}
    assert company.dangling() == {}


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

    _erased(company)

    assert company.rows("visits") == [(1, None, "[redacted]"), (2, 2, "of bob")]
    assert company.rows("words") == [(1, 1, "[redacted]"), (2, 2, "to bob")]


def test_a_mailbox_of_two_people_of_one_kind_does_not_lead_to_somebody_of_another(make: Make) -> None:
    company = make(
        "create table users (id int primary key, email varchar(80));\ncreate table staff (id int primary key, email varchar(80));\n"
        "insert into users values (1, 'home@example.org'), (2, 'bob@example.org');\n"
        "insert into staff values (11, 'home@example.org'), (12, 'HOME@example.org'), (13, 'bob@example.org');\n",
        """    person:
      customer: {table: users, key: id, identifiers: {email: email}}
      staff: {table: staff, key: id, identifiers: {email: email}}
    tables:
      users: {whose: {person: customer}, columns: {email: contact.email}}
      staff: {whose: {person: staff}, columns: {email: contact.email}}
""",
    )

    assert [each.key for each in company.find("shop.staff:11")] == [(11,)]
    assert [each.key for each in company.find("shop.staff:13")] == [(2,), (13,)]


def test_letters_of_every_alphabet_are_evened_out(make: Make) -> None:
    company = make(
        USERS
        + "create table mails (id int primary key, receiver varchar(80));\n"
        + "insert into users values (1, 'zoë@example.org'), (2, 'ZOE@example.org');\n"
        "insert into mails values (1, 'ZOË@EXAMPLE.ORG'), (2, 'zoe@example.org'), (3, ' Zoë @Example.org'), (4, null);\n",
        PERSON
        + OWN
        + "      mails: {whose: {match: receiver, identifier: email}, columns: {receiver: contact.email}}\n",
    )

    _erased(company)

    assert [row[0] for row in company.rows("mails")] == [2, 4]


def test_a_text_that_is_no_text_is_nobodys_address(tmp_path: Path) -> None:
    make = Make("sqlite", f"sqlite:///{tmp_path / 'shop.db'}")
    (tmp_path / "shop.db").touch()
    company = make(
        USERS + "create table mails (id int primary key, receiver text);\n" + PEOPLE
        + "insert into mails values (1, cast(x'ff41' as text)), (2, 'ANN@example.org');\n",
        PERSON + OWN + "      mails: {whose: {match: receiver, identifier: email}, columns: {receiver: contact.email}}\n",
    )  # fmt: skip

    _erased(company)

    assert company.ask("select id from mails") == [(1,)]
    make.close()


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

    _erased(company)

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


def test_an_apostrophe_is_part_of_an_address_and_not_of_its_quotes(make: Make) -> None:
    company = make(
        USERS + "create table notes (id int primary key, user_id int, body varchar(200));\n"
        + "insert into users values (1, 'o''neil@example.org');\n"
        "insert into notes values (1, 1, 'o''neil@example.org wrote to ''bob@example.org'' and d''arc@example.org');\n",
        PERSON + OWN + "      notes: {whose: user_id, columns: {body: {data: communication.message, others: redact}}}\n",
    )  # fmt: skip

    parts = copying.rows_of(company.records, company.reach, company.find("1"))
    copied = [list(rows) for table, _, _, rows in parts if table.name == "notes"]

    told = "o'neil@example.org wrote to '[of another person]' and [of another person]"
    assert [tuple(row) for row in copied[0]] == [(1, 1, told)]


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

    _erased(company, "a")

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

    _erased(company)

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

    _erased(company)

    assert company.ask("select id, friend from users order by id") == [(2, None), (3, "2")]


def test_a_mailbox_of_two_people_leads_to_no_guests_orders_either(make: Make) -> None:
    company = make(
        "create table users (id int primary key, email varchar(80));\ncreate table staff (id int primary key, email varchar(80));\n"
        "create table orders (id int primary key, guest varchar(80));\n"
        "insert into users values (1, 'home@example.org');\n"
        "insert into staff values (11, 'home@example.org'), (12, 'home@example.org'), (13, 'guest@example.org');\n"
        "insert into orders values (1, 'home@example.org'), (2, 'guest@example.org');\n",
        """    person:
      customer: {table: users, key: id, identifiers: {email: email}}
      staff: {table: staff, key: id, identifiers: {email: email}}
    tables:
      users: {whose: {person: customer}, columns: {email: contact.email}}
      staff: {whose: {person: staff}, columns: {email: contact.email}}
      orders: {whose: {match: guest, identifier: email, person: customer}, columns: {guest: contact.email}}
""",
    )

    assert [each.key for each in company.find("shop.staff:11")] == [(11,)]
    assert [each.key for each in company.find("shop.staff:13")] == [(), (13,)]


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
    _erased(company, "2")

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

    _erased(company)
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

    _erased(company)

    assert company.ask("select id, seller, buyer, body from deals") == [(1, None, 2, "[redacted]")]


def test_a_truth_inside_json_is_nobodys_key(make: Make) -> None:
    company = make(
        "create table users (id varchar(20) primary key, email varchar(80));\n"
        "create table events (id int primary key, body varchar(200));\ncreate table devices (id int primary key, body varchar(200));\n"
        "insert into users values ('1', 'ann@example.org'), ('true', 'bob@example.org'), ('null', 'null@example.org');\n"
        """insert into events values (1, '{"user": true}'), (2, '{"user": 1}'), (3, '{"user": "1"}'), (4, '{"user": null}');
insert into devices values (1, '{"of": [{"id": true}]}'), (2, '{"of": [{"id": 0}, {"id": 1}]}'), (3, '{"of": [{"id": null}]}');
""",
        PERSON + OWN + "      events: {whose: {json: body.user}}\n      devices: {whose: {json: 'body.of[].id'}}\n",
    )

    _erased(company)
    assert company.ask("select id from events order by id") == [(1,), (4,)]
    assert company.ask("select id from devices order by id") == [(1,), (3,)]
    company.erase(company.find("null"), "r2")

    assert company.ask("select id from events order by id") == [(1,), (4,)]
    assert company.ask("select id from devices order by id") == [(1,), (3,)]


def test_an_empty_text_where_an_address_would_stand_is_nobody_else(make: Make) -> None:
    company = make(
        USERS
        + "create table letters (id int primary key, sender int, receiver varchar(80), facts varchar(80));\n"
        + PEOPLE
        + "insert into letters values (1, 1, '', null), (2, 1, '  ', '{\"of\": null}'), (3, 1, 'bob@example.org', null),"
        ' (4, 1, null, \'{"of": ""}\'), (5, 1, null, \'{"of": 2}\');\n',
        PERSON
        + OWN
        + """      letters:
        whose:
          sender: {by: sender, on_erasure: {change: {sender: null}}}
          receiver: {match: receiver, identifier: email, on_erasure: {change: {receiver: null}}}
          about: {json: facts.of, on_erasure: {change: {facts: null}}}
""",
    )

    _erased(company)

    assert company.ask("select id, sender from letters order by id") == [(3, None), (5, None)]
