"""Section 5: the door, and what was done with data after somebody said stop, on a real store of a company."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.policies import BROKEN, KEPT, UNPROVEN, judge, policy_of, said, verdicts
from tests.sites import LocalSite, observation, serving
from tests.stores import fresh_store
from troth.foundation import people
from troth.foundation.keys import Keyring
from troth.foundation.observation import Observation
from troth.foundation.proof import Verdict
from troth.foundation.records.reading import Records
from troth.policy import mapreading
from troth.rights import later_uses
from troth.rights.checks.stops import CHECKS
from troth.testing import FixedClock
from troth.use import objections, restrictions
from troth.use.office import Office

POLICY = policy_of(
    """
    use:
      number: "2"
      title: Use
      mailing:
        text: We send letters.
        uses: [{purpose: marketing, data: [contact.email], basis: consent, opt_out: at-once}]
      guarding: {text: We stop fraud., uses: [{purpose: fraud, data: [transaction.*], basis: legitimate-interests}]}
      keeping: {text: We obey laws., uses: [{purpose: legal, data: [transaction.*], basis: legal-obligation}]}
    rights:
      number: "5"
      title: User Rights
      text: "You have the following rights:"
      access: {number: "5.1", title: Access, text: You may see your data., right: access}
      restriction: {number: "5.4", title: Restriction, text: You may restrict., right: restriction}
      objection: {number: "5.6", title: Objection, text: You may object., right: objection}
    """
)
CORRECTING = policy_of(
    """
    rights:
      number: "5"
      title: User Rights
      text: "You have the following rights:"
      correction: {number: "5.2", title: Correction, text: You may correct., right: rectification}
    """
)
DATAMAP = b"""
troth: 1
stores:
  shop:
    connect: sqlite:///shop.db
    person:
      customer: {table: users, key: id, identifiers: {email: email}}
    tables:
      users: {whose: {person: customer}, columns: {id: no, email: contact.email}}
      sends:
        whose: user_id
        columns: {id: no, user_id: no, sent_at: communication.message}
        uses: {purpose: marketing, at: sent_at}
      orders: {whose: user_id, columns: {id: no, user_id: no}}
      checks:
        whose: order_id > orders
        columns: {id: no, order_id: no, at: transaction.purchase}
        uses: {purpose: fraud, at: at}
      duties: {whose: user_id, columns: {id: no, user_id: no, at: transaction.purchase}, uses: {purpose: legal, at: at}}
"""
SCHEMA = """
create table users (id integer primary key, email text);
create table sends (id integer primary key, user_id integer references users, sent_at text);
create table orders (id integer primary key, user_id integer references users);
create table checks (id integer primary key, order_id integer references orders, at text);
create table duties (id integer primary key, user_id integer references users, at text);
insert into users values (1, 'a@example.org'), (2, 'b@example.org');
insert into orders values (10, 1), (20, 2);
insert into sends values (1, 1, '2026-10-01 08:00:00'), (2, 2, '2026-11-20 08:00:00');
insert into checks values (1, 10, '2026-10-01 08:00:00'), (2, 20, '2026-11-20 08:00:00');
insert into duties values (1, 1, '2026-11-21 08:00:00');
"""
SAID = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)


@dataclass
class World:
    """A company with two customers, and troth beside it."""

    folder: Path
    office: Office
    seen: Observation

    def row(self, statement: str) -> None:
        with sqlite3.connect(self.folder / "shop.db") as connection:
            connection.execute(statement)
        connection.close()

    def person(self, number: int) -> people.Identifier:
        return people.parse(f"id={number}")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript(SCHEMA)
    connection.close()
    datamap = mapreading.parse(DATAMAP, "datamap.yaml")
    store, keyring = fresh_store(tmp_path), Keyring.create(tmp_path)
    clock = FixedClock()
    with store.writing() as tx:
        for number in (1, 2):
            people.register(tx, keyring, [people.parse(f"id={number}")], SAID)
    with Records.open(datamap, {}, base=tmp_path) as records:
        seen = observation(POLICY, tmp_path, datamap=datamap, records=records, store=store, keyring=keyring)
        yield World(tmp_path, Office.of(store, keyring, POLICY, clock), seen)
    store.close()


def test_nobody_used_it_so_nothing_is_proven(world: World) -> None:
    found = verdicts(CHECKS, world.seen)

    assert (found["5.4"], found["5.6"]) == ("unproven", "unproven")


def test_a_restriction_that_was_obeyed_is_kept(world: World) -> None:
    restrictions.place(world.office, world.person(1), at=SAID)

    report = judge(CHECKS, world.seen)

    assert report.of("5.4").verdict is KEPT
    assert {evidence.source for evidence in report.of("5.4").evidence} == {"sends in shop", "checks in shop"}
    assert report.of("5.6").verdict is UNPROVEN


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ("insert into sends values (3, 1, '2026-11-02 08:00:00')", "sends in shop"),
        ("insert into checks values (3, 10, '2026-11-02 08:00:00')", "checks in shop"),
    ],
)
def test_a_use_after_a_restriction_is_broken_and_counted(row: str, place: str, world: World) -> None:
    restrictions.place(world.office, world.person(1), at=SAID)
    world.row(row)

    sentence = judge(CHECKS, world.seen).of("5.4")

    assert sentence.verdict is BROKEN
    assert f"{place}: 1 use for" in said(sentence)


def test_a_use_that_a_law_obliges_passes_a_restriction(world: World) -> None:
    restrictions.place(world.office, world.person(1), at=SAID)
    world.row("insert into duties values (9, 1, '2026-11-05 08:00:00')")

    assert judge(CHECKS, world.seen).of("5.4").verdict is KEPT


def test_a_use_after_the_restriction_was_lifted_is_none_against_it(world: World) -> None:
    restrictions.place(world.office, world.person(1), at=SAID)
    restrictions.lift(world.office, world.person(1), at=SAID + dt.timedelta(days=2))
    world.row("insert into sends values (3, 1, '2026-11-10 08:00:00')")

    assert judge(CHECKS, world.seen).of("5.4").verdict is KEPT


def test_an_objection_that_was_obeyed_is_kept_and_one_that_was_not_is_broken(world: World) -> None:
    objections.raise_(world.office, world.person(1), "marketing", at=SAID)
    assert judge(CHECKS, world.seen).of("5.6").verdict is KEPT

    world.row("insert into sends values (3, 1, '2026-11-02 08:00:00')")
    report = judge(CHECKS, world.seen)

    assert report.of("5.6").verdict is BROKEN
    assert report.of("5.4").verdict is UNPROVEN


@pytest.mark.parametrize("deed", ["delete from {}", "update {} set at = '2020-01-01 00:00:00.000000'"])
def test_a_word_that_the_ledger_has_and_the_record_lacks_or_tells_otherwise_is_broken(deed: str, world: World) -> None:
    restrictions.place(world.office, world.person(1), at=SAID)
    objections.raise_(world.office, world.person(1), "marketing", at=SAID)
    for table in ("restrictions", "objections"):
        with world.office.store.writing() as tx:
            tx.execute(text(deed.format(table)))

    report = judge(CHECKS, world.seen)

    for number in ("5.4", "5.6"):
        assert report.of(number).verdict is BROKEN
        assert "in the ledger" in said(report.of(number))


def test_an_objection_to_one_purpose_leaves_others_alone(world: World) -> None:
    objections.raise_(world.office, world.person(1), "marketing", at=SAID)
    world.row("insert into checks values (3, 10, '2026-11-02 08:00:00')")

    assert judge(CHECKS, world.seen).of("5.6").verdict is KEPT


def test_an_objection_to_everything_covers_each_purpose_until_that_one_is_lifted(world: World) -> None:
    objections.raise_(world.office, world.person(1), "*", at=SAID)
    objections.lift(world.office, world.person(1), "fraud", at=SAID + dt.timedelta(days=1))
    world.row("insert into checks values (3, 10, '2026-11-10 08:00:00')")
    assert judge(CHECKS, world.seen).of("5.6").verdict is KEPT

    world.row("insert into sends values (3, 1, '2026-11-10 08:00:00')")
    assert judge(CHECKS, world.seen).of("5.6").verdict is BROKEN


def test_rows_that_lead_to_nobody_prove_nothing(world: World) -> None:
    restrictions.place(world.office, world.person(1), at=SAID)
    world.row("update sends set user_id = user_id + 1000")

    sentence = judge(CHECKS, world.seen).of("5.4")

    assert sentence.verdict is UNPROVEN
    assert "nobody that troth knows" in said(sentence)


@pytest.mark.parametrize("time", ["null", "''", "'last week'", "x'ff00'"])
def test_a_row_whose_time_cannot_be_read_leaves_both_rights_unproven_and_is_counted(time: str, world: World) -> None:
    restrictions.place(world.office, world.person(1), at=SAID)
    objections.raise_(world.office, world.person(1), "marketing", at=SAID)
    world.row(f"insert into sends values (3, 1, {time}), (4, 1, {time})")

    report = judge(CHECKS, world.seen)

    assert (report.of("5.4").verdict, report.of("5.6").verdict) == (UNPROVEN, UNPROVEN)
    assert "sends in shop: 2 uses for marketing of people with restrictions on record: no time" in said(
        report.of("5.4")
    )
    assert "sends in shop: 2 uses for marketing of people with objections on record: no time" in said(report.of("5.6"))


def test_a_row_without_a_time_does_not_hide_a_use_after_the_restriction(world: World) -> None:
    restrictions.place(world.office, world.person(1), at=SAID)
    world.row("insert into sends values (3, 1, null), (4, 1, '2026-11-02 08:00:00')")

    assert judge(CHECKS, world.seen).of("5.4").verdict is BROKEN


def test_a_row_without_a_time_of_somebody_who_never_said_stop_is_none_against_it(world: World) -> None:
    restrictions.place(world.office, world.person(1), at=SAID)
    world.row("insert into sends values (3, 2, null)")

    assert judge(CHECKS, world.seen).of("5.4").verdict is KEPT


def test_an_identifier_that_was_retired_still_shows_whose_the_old_rows_are(world: World) -> None:
    restrictions.place(world.office, world.person(1), at=SAID)
    world.row("insert into sends values (3, 1, '2026-11-02 08:00:00')")
    with world.office.store.writing() as tx:
        people.retire(tx, world.office.keyring, world.person(1), SAID + dt.timedelta(days=3))

    assert judge(CHECKS, world.seen).of("5.4").verdict is BROKEN


LONG = (
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 12) insert into sends select 100 + i, 2, "
)


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        # twelve rows of which ten are read: the newest go back past the restriction, or stay after it
        (LONG + "'2026-10-' || (10 + i) || ' 08:00:00' from n", KEPT),
        (LONG + "'2026-11-' || (10 + i) || ' 08:00:00' from n", UNPROVEN),
        # what is left over has no time, or what was read is not in the order of time: nobody knows what was not read
        (LONG + "case when i > 1 then '2026-10-' || (10 + i) || ' 08:00:00' end from n", UNPROVEN),
        (LONG + "case when i > 8 then 1700000000 + i else '2026-10-' || (10 + i) || ' 08:00:00' end from n", UNPROVEN),
    ],
)
def test_of_a_long_table_the_newest_rows_do_only_where_they_go_back_far_enough(
    rows: str, verdict: Verdict, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(later_uses, "MOST_ROWS", 10)
    restrictions.place(world.office, world.person(1), at=SAID)
    world.row("delete from sends")
    world.row("insert into sends values (1, 1, '2026-10-05 08:00:00')")
    world.row(rows)

    assert judge(CHECKS, world.seen).of("5.4").verdict is verdict


def test_a_table_whose_rows_cannot_be_followed_hides_no_other(world: World) -> None:
    inside_json = DATAMAP.replace(b"whose: user_id", b"whose: {json: sent_at.user}", 1)
    datamap = mapreading.parse(inside_json, "datamap.yaml")
    restrictions.place(world.office, world.person(1), at=SAID)
    world.row("insert into checks values (3, 10, '2026-11-02 08:00:00')")
    with Records.open(datamap, {}, base=world.folder) as records:
        world.seen.datamap, world.seen.records = datamap, records
        sentence = judge(CHECKS, world.seen).of("5.4")

    assert sentence.verdict is BROKEN
    assert "sends in shop: whose its rows are cannot be followed here" in said(sentence)


def test_a_table_that_is_gone_is_unproven(world: World) -> None:
    restrictions.place(world.office, world.person(1), at=SAID)
    world.row("drop table sends")

    assert judge(CHECKS, world.seen).of("5.4").verdict is UNPROVEN


@pytest.mark.parametrize("missing", ["store", "keyring", "records", "datamap"])
def test_without_what_it_looks_through_the_sentence_is_unproven(missing: str, world: World) -> None:
    restrictions.place(world.office, world.person(1), at=SAID)
    setattr(world.seen, missing, None)

    assert judge(CHECKS, world.seen).of("5.4").verdict is UNPROVEN


def test_no_finding_names_a_person(world: World) -> None:
    restrictions.place(world.office, world.person(1), at=SAID)
    world.row("insert into sends values (3, 1, '2026-11-02 08:00:00')")

    assert "example.org" not in said(judge(CHECKS, world.seen).of("5.4"))


FORM = (
    '<html lang="en"><form method="post"><label for="m">Your e-mail</label><input id="m" name="m" type="email"></form>'
)


def test_a_centre_that_anybody_can_begin_at_is_kept(site: LocalSite, tmp_path: Path) -> None:
    site.put("/privacy/centre", FORM)

    report = judge(CHECKS, observation(POLICY, tmp_path, site))

    assert [evidence.check for evidence in report.of("5").evidence] == ["rights.door-closed"]
    assert report.of("5").findings == ()


@pytest.mark.parametrize(
    ("html", "status", "word"),
    [
        (FORM, 302, "status 302"),
        (FORM, 401, "status 401"),
        (FORM, 404, "status 404"),
        ('<html lang="en"><p>Write to us.</p>', 200, "no form"),
        (FORM.replace("<label", "<span"), 200, "no label"),
        (FORM.replace('lang="en"', 'lang="fr"'), 200, "language (fr)"),
        (FORM.replace(' lang="en"', ""), 200, "language (none)"),
    ],
)
def test_a_door_that_is_shut_or_unusable_is_broken(
    html: str, status: int, word: str, site: LocalSite, tmp_path: Path
) -> None:
    site.put("/privacy/centre", html, status=status)

    sentence = judge(CHECKS, observation(POLICY, tmp_path, site)).of("5")

    assert sentence.verdict is BROKEN
    assert word in said(sentence)


def test_a_centre_that_fails_or_does_not_answer_is_unproven(site: LocalSite, tmp_path: Path) -> None:
    site.put("/privacy/centre", FORM, status=503)
    assert "5" in verdicts(CHECKS, observation(POLICY, tmp_path, site))
    assert judge(CHECKS, observation(POLICY, tmp_path, site)).of("5").verdict is UNPROVEN

    with serving() as gone:
        seen = observation(POLICY, tmp_path, gone)
    assert judge(CHECKS, seen).of("5").verdict is UNPROVEN


def test_a_right_that_nobody_rehearsed_is_unproven(tmp_path: Path) -> None:
    sentence = judge(CHECKS, observation(CORRECTING, tmp_path)).of("5.2")

    assert sentence.verdict is UNPROVEN
    assert "by hand" in said(sentence)
