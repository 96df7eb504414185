"""What worlds that nobody thought of have shown, of who is meant and whose a row is."""

from __future__ import annotations

from pathlib import Path

from tests.foundation.records.erasing.company import Make
from tests.foundation.records.oracle.cases import OWN, PEOPLE, PERSON, USERS, erased
from troth.foundation.records import copying


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

    erased(company)

    assert [row[0] for row in company.rows("mails")] == [2, 4]


def test_a_text_that_is_no_text_is_nobodys_address(tmp_path: Path) -> None:
    make = Make("sqlite", f"sqlite:///{tmp_path / 'shop.db'}")
    (tmp_path / "shop.db").touch()
    company = make(
        USERS + "create table mails (id int primary key, receiver text);\n" + PEOPLE
        + "insert into mails values (1, cast(x'ff41' as text)), (2, 'ANN@example.org');\n",
        PERSON + OWN + "      mails: {whose: {match: receiver, identifier: email}, columns: {receiver: contact.email}}\n",
    )  # fmt: skip

    erased(company)

    assert company.ask("select id from mails") == [(1,)]
    make.close()


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

    erased(company)
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

    erased(company)

    assert company.ask("select id, sender from letters order by id") == [(3, None), (5, None)]
