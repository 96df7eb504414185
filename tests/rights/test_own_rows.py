"""The right of access, held against the stores: rows that name a person and no path reaches, paths to others' rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.awkward.fixtures import Awkward
from tests.policies import BROKEN, KEPT, UNPROVEN, judge, policy_of, said
from tests.sites import observation
from troth.foundation.proof import SentenceReport
from troth.foundation.records.reading import Records
from troth.policy import mapreading
from troth.rights import own_rows
from troth.rights.checks.copies import CHECKS

POLICY = policy_of(
    """
    rights:
      number: "5"
      title: User Rights
      text: "You have the following right:"
      access: {number: "5.1", title: Access, text: You may see your data., right: access}
    """
)
SCHEMA = """
create table users (id integer primary key, email text, phone text, name text);
create table orders (id integer primary key, user_id integer, contact text);
create table mails (id integer primary key, recipient text, body text);
create table talk (id integer primary key, author integer, words text);
create table wares (id integer primary key, title text);
insert into users values (1, 'ada@example.org', '+49 30 111111', 'ada-l'), (2, 'bob@example.org', null, 'bobby'),
  (3, 'Cy@example.org', null, 'cyrus'), (4, null, null, null);
insert into orders values (1, 1, 'ada@example.org'), (2, 2, 'Bob@example.org'), (3, 3, null), (4, 4, null);
insert into mails values (2, 'ADA@example.org', 'hello'), (1, 'bob@example.org', 'hello'), (3, 'nobody@example.org', 'x');
insert into talk values (1, 2, 'as ada@example.org said'), (2, 1, 'nada@example.org is not me');
insert into wares values (1, 'teapot of nada@example.org');
"""
MAP = """
troth: 1
stores:
  shop:
    connect: sqlite:///shop.db
    person:
      customer: {table: users, key: id, identifiers: {email: email, phone: phone, username: name}}
    tables:
      users: {whose: {person: customer}}
      orders: {whose: user_id}
      mails: {whose: {match: recipient, identifier: email}}
      talk: {whose: author}
      wares: {personal: no, why: wares}
"""

Look = Callable[..., SentenceReport]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    def judged(*statements: str, text: str = MAP) -> SentenceReport:
        with sqlite3.connect(tmp_path / "shop.db") as connection:
            connection.executescript(SCHEMA + ";".join(statements))
        connection.close()
        datamap = mapreading.parse(text.encode())
        with Records.open(datamap, {}, base=tmp_path) as records:
            return judge(CHECKS, observation(POLICY, tmp_path, datamap=datamap, records=records)).of("5.1")

    return judged


def test_every_row_that_names_somebody_is_on_a_path_from_them(look: Look) -> None:
    sentence = look()

    assert sentence.verdict is KEPT, said(sentence)
    (evidence,) = sentence.evidence
    assert evidence.grade == "sampled"
    assert "people looked up: 3; tables searched for who they are: 5" in evidence.detail


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        (
            "create table hidden (note text); insert into hidden values ('to ada@example.org, twice')",
            "hidden.note in shop: 1 row",
        ),
        ("insert into wares values (2, 'made for bobby'), (3, 'bobby')", "wares.title in shop: 1 row"),
        ("insert into wares values (2, '+49 30 111111')", "wares.title in shop: 1 row"),
        ("insert into orders values (9, null, 'ada@example.org')", "orders.contact in shop: 1 row"),
        ("insert into orders values (9, 2, 'ada@example.org')", "orders.contact in shop: 1 row"),
        ('insert into talk values (9, 999, \'{"to": "cy@example.org"}\')', "talk.words in shop: 1 row"),
    ],
    ids=[
        "in a table without map",
        "as a user name",
        "as a phone",
        "in a row of nobody",
        "in another's row, alone",
        "in JSON",
    ],
)
def test_a_row_that_names_somebody_and_that_no_path_reaches_breaks_the_promise(
    look: Look, statement: str, place: str
) -> None:
    sentence = look(statement)

    assert sentence.verdict is BROKEN
    assert place in said(sentence)
    assert "example.org" not in said(sentence)


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ("mails: {whose: {match: recipient, identifier: email}}", "mails: {whose: id}", "mails.recipient in shop"),
        ("orders: {whose: user_id}", "orders: {whose: id}", "orders.contact in shop"),
        ("mails: {whose: {match: recipient, identifier: email}}", "mails: {whose: {match: body, identifier: email}}", "mails.recipient"),
        ("mails: {whose: {match: recipient, identifier: email}}", "mails: {whose: {match: recipient, identifier: username}}", "mails.recipient"),
        ("talk: {whose: author}", "talk: {whose: writer}", "datamap.yaml:12"),
    ],
    ids=["another column", "its own number", "another text", "another identifier", "a column that is not there"],
)  # fmt: skip
def test_a_wrong_path_in_the_map_is_seen(look: Look, right: str, wrong: str, place: str) -> None:
    assert right in MAP
    sentence = look("insert into orders values (5, 1, 'ada@example.org')", "update orders set user_id = 2 where id = 1",
                    "update orders set contact = 'bob@example.org' where id = 1",
                    text=MAP.replace(right, wrong))  # fmt: skip

    assert sentence.verdict is BROKEN
    assert place in said(sentence)


def test_a_path_to_others_rows_is_seen_though_the_others_are_not_of_the_sample(look: Look) -> None:
    many = [f"insert into users values ({at}, 'p{at}@example.org', null, null)" for at in range(10, 40)]
    sentence = look(*many, "insert into mails values (39, 'p20@example.org', '')", "insert into orders values (50, 39, null)",
                    text=MAP.replace("{whose: {match: recipient, identifier: email}}", "{whose: {any: [{match: recipient, identifier: email}, id > orders.user_id]}}"))  # fmt: skip

    assert sentence.verdict is BROKEN, said(sentence)


def test_an_identifier_of_two_accounts_tells_nobody_apart(look: Look) -> None:
    sentence = look(
        "update users set email = 'ada@example.org', name = null where id in (1, 2)",
        "update users set email = 'ada@example.org', name = null where id = 3",
    )

    assert sentence.verdict is not BROKEN


def test_a_store_that_is_not_there_leaves_it_unproven(tmp_path: Path) -> None:
    datamap = mapreading.parse(MAP.encode())
    with Records.open(datamap, {}, base=tmp_path) as records:
        sentence = judge(CHECKS, observation(POLICY, tmp_path, datamap=datamap, records=records)).of("5.1")

    assert sentence.verdict is UNPROVEN
    assert "no such file" in said(sentence)


def test_without_people_nothing_is_proven(look: Look) -> None:
    assert look("delete from users").verdict is UNPROVEN


def test_an_open_question_of_the_map_leaves_it_unproven(look: Look) -> None:
    sentence = look(text=MAP + "questions:\n  - {store: shop, about: users, ask: Who is that?}\n")

    assert sentence.verdict is UNPROVEN


def test_a_store_that_cannot_be_read_yet_leaves_it_unproven_beside_the_others(look: Look) -> None:
    cache = "  cache: {connect: redis://cache.example.org, tables: {s: {keys: 's:*', whose: unidentified}}}\n"

    assert look(text=MAP + cache).verdict is UNPROVEN


def test_what_is_too_large_is_not_searched_and_said(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_rows.look, "__kwdefaults__", {"seconds": 20.0, "rows": 3})

    sentence = look()

    assert sentence.verdict is UNPROVEN
    assert "users in shop: not searched: it has more than 3 rows" in said(sentence)


def test_when_the_time_is_over_the_rest_is_not_searched_and_said(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_rows.look, "__kwdefaults__", {"seconds": -1.0, "rows": 1000})

    assert "not searched: the time" in said(look())


def test_the_map_of_the_awkward_shop_is_right_on_each_engine(awkward_read: Awkward, tmp_path: Path) -> None:
    with awkward_read.records() as records:
        looked = own_rows.look(records, awkward_read.datamap, "awkward")

    assert (dict(looked.missed), dict(looked.strayed), dict(looked.unsearched)) == ({}, {}, {})
    assert looked.people >= 7


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ("whose: {json: body.customer.mail, identifier: email, person: customer}", "whose: {json: body.mail, identifier: email, person: customer}", "hooks.body"),
        ("whose: {match: recipient, identifier: email, person: customer}", "whose: {match: subject, identifier: email, person: customer}", "mail_log.recipient"),
    ],
)  # fmt: skip
def test_a_wrong_path_of_the_awkward_shop_is_seen_on_each_engine(
    awkward_read: Awkward, right: str, wrong: str, place: str
) -> None:
    assert right in awkward_read.text
    shop = awkward_read.mapped(awkward_read.text.replace(right, wrong))
    with shop.records() as records:
        assert own_rows.look(records, shop.datamap, "awkward").missed[place] >= 3
