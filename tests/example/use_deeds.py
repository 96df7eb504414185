"""Deeds of section 2 to break: programs, messages and views of Example Company, behind everybody's back.

Each takes a copy of the company and leaves it with exactly one fault.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing, suppress

from tests.example.proving import Copy
from troth.errors import Refused, UnknownName
from troth.use.words import RunState


def ran(copy: Copy, program: str, purpose: str, data: str, state: RunState = RunState.DONE) -> None:
    """Put a run on record past troth, as a program with the store's password could."""
    copy.store(
        "insert into use_runs (program, purpose, grounds, categories, state, begun_at, ended_at, policy_sha256, leaf) "
        "select ?, ?, '[]', ?, ?, ?, ?, policy_sha256, leaf from use_runs limit 1",
        program,
        purpose,
        data,
        state.value,
        copy.ago(minutes=5),
        copy.ago(minutes=4),
    )


def a_program_asks_for_an_undeclared_purpose(copy: Copy) -> None:
    with copy.troth() as troth, suppress(UnknownName), troth.run("ratings", "profiling", "usage.click"):
        raise AssertionError("it was let run")


def a_program_runs_for_an_undeclared_purpose(copy: Copy) -> None:
    ran(copy, "ratings", "profiling", '["usage.click"]')


def a_program_asks_for_more_than_its_purpose(copy: Copy) -> None:
    with copy.troth() as troth, suppress(Refused), troth.run("devices", "service.improve", "contact.email"):
        raise AssertionError("it was let run")


def a_program_uses_more_than_its_purpose(copy: Copy) -> None:
    ran(copy, "open-questions", "service.provide", '["communication.message", "device.ip"]')


def the_fraud_watch_reads_names(copy: Copy) -> None:
    ran(copy, "fraud-watch", "fraud", '["profile.name", "transaction.purchase"]')


def the_door_watch_asks_for_addresses(copy: Copy) -> None:
    with copy.troth() as troth, suppress(Refused), troth.run("door-watch", "security", ["device.ip", "contact.email"]):
        raise AssertionError("it was let run")


def the_house_rules_are_kept_by_reading_phones(copy: Copy) -> None:
    ran(copy, "house-rules", "terms", '["communication.message", "contact.phone"]')


def a_program_runs_on_another_ground(copy: Copy) -> None:
    copy.store("update use_runs set grounds = '[\"vital-interests\"]' where program = 'shelf'")


def a_notice_belongs_to_no_order(copy: Copy) -> None:
    copy.shop("update mail_log set order_id = null where id = (select min(id) from mail_log where kind <> 'marketing')")


def an_offer_goes_out_as_a_notice(copy: Copy) -> None:
    columns = "user_id, order_id, kind, sent_at"
    copy.shop(
        f"insert into mail_log ({columns}, template) select {columns}, 'spring-offer' from mail_log "
        "where kind = 'transactional' limit 1"
    )


def the_newsletter_goes_out_under_an_order(copy: Copy) -> None:
    copy.shop(
        "update mail_log set kind = 'transactional' where id = (select min(id) from mail_log where kind = 'marketing')"
    )


def a_notice_advertises(copy: Copy) -> None:
    letter = copy.folder / "newsletter.eml"
    shared = next(line for line in letter.read_bytes().splitlines() if line.startswith(b"First flush"))
    with (copy.folder / "order-confirmation.eml").open("ab") as file:
        file.write(shared + b"\r\n")


def a_notice_can_be_unsubscribed(copy: Copy) -> None:
    file = copy.folder / "order-confirmation.eml"
    file.write_bytes(b"List-Unsubscribe: <https://shop.example.com/stop>\r\n" + file.read_bytes())


def addresses_stand_in_a_view(copy: Copy) -> None:
    view(copy, "analytics", "alter table troth_view_analytics_visits add column ip text")


def a_view_shows_who_they_are(copy: Copy) -> None:
    name = copy.shop("select username from users where closed_at is null order by id limit 1")[0][0]
    view(copy, "analytics", "update troth_view_analytics_click_events set target = ? where rowid = 1", name)


def two_people_are_a_group(copy: Copy) -> None:
    view(copy, "research", "update troth_view_research_orders_groups set people = 2 where rowid = 1")


def a_withdrawal_does_not_reach_the_views(copy: Copy) -> None:
    since = copy.ago(hours=4)
    person = copy.shop(
        "select user_id from visits where user_id not in (select user_id from click_events where at > ?) "
        "and user_id not in (select user_id from searches where at > ?) and region is not null "
        "and user_id in (select id from users where closed_at is null) order by user_id limit 1",
        since,
        since,
    )[0][0]
    with copy.troth() as troth:
        troth.withdraw_consents([(f"id={person}", "analytics", copy.now - dt.timedelta(hours=3))])


def the_views_are_gone(copy: Copy) -> None:
    (copy.folder / "views" / "analytics.db").unlink()


def an_account_goes_on_ordering(copy: Copy) -> None:
    """It was closed three weeks ago, and has ordered the day before yesterday."""
    person = copy.shop("select min(id) from users where closed_at is null")[0][0]
    columns = "placed_at, status, total_cents, billing_name, billing_address, payment_token, payment_last4"
    wanted = columns.replace("placed_at", "?")
    copy.shop(
        f"insert into orders (user_id, {columns}) select ?, {wanted} from orders order by id limit 1",
        person,
        copy.ago(days=2),
    )
    for table, key in (("users", "id"), ("profiles", "user_id")):
        copy.shop(f"update {table} set closed_at = ? where {key} = ?", copy.ago(days=21), person)


def an_invoice_is_kept_longer_than_the_law_says(copy: Copy) -> None:
    copy.rewrite(
        "datamap.yaml", "ground: tax-law, until: placed_at + 10 years", "ground: tax-law, until: placed_at + 11 years"
    )


def a_balance_test_is_thrown_away(copy: Copy) -> None:
    (copy.folder / "documents" / "balance-terms.md").unlink()


def view(copy: Copy, purpose: str, statement: str, *values: object) -> None:
    """Change the file of a purpose's views."""
    with closing(sqlite3.connect(copy.folder / "views" / f"{purpose}.db")) as there, there:
        there.execute(statement, values)
