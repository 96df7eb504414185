"""Deeds of Example Company to break, one function each: in its stores and papers, behind everybody's back.

Each takes a copy of the company and leaves it with exactly one fault.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import sqlite3
from contextlib import closing

from tests.example.proving import PEOPLE, Copy
from troth.example.company import HOST
from troth.example.shop.tables import metadata
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves
from troth.foundation.ledger.sequencer import sequence_all
from troth.foundation.store import Store
from troth.policy import reading
from troth.protection.breaches import register as breaches
from troth.updates import versions

OBJECTING = tuple(range(3, PEOPLE, PEOPLE // 12))
RESTRICTED = tuple(range(5, PEOPLE, PEOPLE // 6))


def ordered_by(copy: Copy, people: tuple[int, ...]) -> tuple[int, int]:
    """(person, order) of the first of these people whose account is open and who has ordered."""
    listed = ", ".join(map(str, people))
    query = (
        "select user_id, orders.id from orders join users on users.id = user_id "
        f"where closed_at is null and user_id in ({listed}) order by user_id, orders.id limit 1"
    )
    person, order = copy.shop(query)[0]
    return int(person), int(order)


def new_order(copy: Copy, person: int, at: str) -> None:
    names = [column.name for column in metadata.tables["orders"].columns if column.name not in ("id", "user_id")]
    listed = ", ".join(names)
    values = ", ".join("?" if name == "placed_at" else name for name in names)
    copy.shop(f"insert into orders (user_id, {listed}) select ?, {values} from orders order by id limit 1", person, at)


# --- what is collected --------------------------------------------------------------------------------------------------


def birthdays_are_stored(copy: Copy) -> None:
    copy.shop("alter table users add column birthday text")
    copy.shop("update users set birthday = (1950 + id % 50) || '-0' || (1 + id % 9) || '-1' || (id % 10)")


def user_agents_are_stored(copy: Copy) -> None:
    copy.shop("alter table visits add column user_agent text")
    copy.shop("update visits set user_agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:' || (90 + id % 50) || '.0) Gecko'")


def a_biography_is_bought(copy: Copy) -> None:
    copy.rewrite("datamap.yaml", "bio: profile.bio", "bio: {data: profile.bio, source: received}")


def a_password_is_plain(copy: Copy) -> None:
    copy.shop("update users set password_hash = 'correct-horse' where id = 8")


def a_picture_is_of_nobody(copy: Copy) -> None:
    copy.shop("update profiles set user_id = 999999 where user_id = 9")


def a_card_stands_in_a_letter(copy: Copy) -> None:
    copy.shop("update messages set body = 'take my card, 4242 4242 4242 4242, and thanks' where id = 6")


def a_card_stands_in_a_log(copy: Copy) -> None:
    line = {"time": copy.now.isoformat(), "host": "updates.example.net", "note": "card 4242 4242 4242 4242"}
    with (copy.folder / "egress.log").open("a") as file:
        file.write(json.dumps(line) + "\n")


def nobody_thinks_of_the_recipient(copy: Copy) -> None:
    text = (copy.folder / "datamap.yaml").read_text()
    begin = text.index("        whose:\n          sender:")
    end = text.index("        columns:\n", begin)
    copy.rewrite("datamap.yaml", text[begin:end], "        whose: sender_id\n")
    copy.rewrite("datamap.yaml", "body: {data: communication.message, others: redact}", "body: communication.message")


def the_device_is_not_stored(copy: Copy) -> None:
    copy.shop("alter table visits drop column device_type")


def an_address_is_logged(copy: Copy) -> None:
    copy.shop("update access_log set page = '/reset?email=someone@example.org' where id = 12")


def a_place_is_exact(copy: Copy) -> None:
    copy.shop("update visits set region = '48.2082' where id = (select min(id) from visits where region is not null)")


def a_click_is_recorded_without_consent(copy: Copy) -> None:
    counted = "select user_id from click_events union select user_id from searches"
    person = copy.shop(f"select min(id) from users where closed_at is null and id not in ({counted})")[0][0]
    at = copy.ago(days=2)
    copy.shop("insert into click_events (user_id, at, kind, target) values (?, ?, 'open-product', 'tea')", person, at)


# --- how it is used -----------------------------------------------------------------------------------------------------


def a_newsletter_comes_after_the_withdrawal(copy: Copy) -> None:
    person = copy.shop(
        "select user_id from newsletter_sends join users on users.id = user_id where closed_at is null "
        "order by newsletter_sends.sent_at desc, user_id limit 1"
    )[0][0]
    with copy.troth() as troth:
        troth.withdraw_consents([(f"id={person}", "marketing", copy.now - dt.timedelta(hours=9))])
    copy.shop(
        "insert into newsletter_sends (user_id, campaign, stop_key, sent_at) values (?, 'autumn', 'made-up', ?)",
        person,
        copy.ago(hours=8),
    )


def a_table_is_used_for_an_undeclared_purpose(copy: Copy) -> None:
    copy.rewrite("datamap.yaml", "uses: {purpose: fraud, at: at}", "uses: {purpose: profiling, at: at}")


def the_words_agreed_to_are_altered(copy: Copy) -> None:
    copy.store("update consent_texts set text = text || ' and to our friends'")


def an_entry_of_the_ledger_is_altered(copy: Copy) -> None:
    altered = 'cast(replace(cast(content as text), \'"purpose":"\', \'"purpose":"x\') as blob)'
    first = "(select min(id) from ledger_leaves where kind = 'consent.given')"
    copy.store(f"update ledger_leaves set content = {altered} where id = {first}")


def an_entry_of_the_ledger_waits(copy: Copy) -> None:
    keyring = Keyring.load(copy.folder, copy.environ)
    with Store.open(f"sqlite:///{copy.folder / 'troth.sqlite3'}") as store, store.writing() as tx:
        leaves.append(tx, keyring, "policy.read", None, {}, copy.now - dt.timedelta(seconds=11))


def an_order_comes_long_after_the_account_was_closed(copy: Copy) -> None:
    person = copy.shop("select min(id) from users where closed_at is not null")[0][0]
    closed = copy.ago(days=20)
    copy.shop("update users set closed_at = ? where id = ?", closed, person)
    copy.shop("update profiles set closed_at = ? where user_id = ?", closed, person)
    new_order(copy, person, copy.ago(days=1))


def a_duty_has_no_law(copy: Copy) -> None:
    copy.rewrite("datamap.yaml", "on_erasure: {keep: all, ground: tax-law", "on_erasure: {keep: all, ground: tea-law")


def a_balance_test_is_edited(copy: Copy) -> None:
    with (copy.folder / "documents" / "balance-fraud.md").open("a") as file:
        file.write("\nand everybody agreed.\n")


def the_law_is_not_looked_at_again(copy: Copy) -> None:
    republish(copy, "review: 2027-10-01", "review: 2026-10-01")


# --- how it is protected ------------------------------------------------------------------------------------------------


def the_shop_is_open_to_all_users_of_the_machine(copy: Copy) -> None:
    (copy.folder / "shop.sqlite3").chmod(0o644)


def the_store_is_open_to_all_users_of_the_machine(copy: Copy) -> None:
    (copy.folder / "troth.sqlite3").chmod(0o644)


def the_key_is_open_to_all_users_of_the_machine(copy: Copy) -> None:
    (copy.folder / "troth.key").chmod(0o644)


def a_password_alone_opens_peoples_data(copy: Copy) -> None:
    with closing(sqlite3.connect(copy.folder / "troth.sqlite3")) as store, store:
        store.execute("update staff set password = 'a hash' where role = 'dpo'")


def somebody_who_left_has_an_account(copy: Copy) -> None:
    with closing(sqlite3.connect(copy.folder / "troth.sqlite3")) as store, store:
        store.execute("update staff_comparisons set gone = (select json_array(id) from staff where role = 'dpo')")


def the_key_of_the_site_is_open_to_all_users_of_the_machine(copy: Copy) -> None:
    (copy.folder / "shop.pem").chmod(0o644)


def the_last_backup_is_old(copy: Copy) -> None:
    long_ago = (copy.now - dt.timedelta(days=9)).timestamp()
    for path in (copy.folder / "backups").iterdir():
        os.utime(path, (long_ago, long_ago))


def the_backups_are_gone(copy: Copy) -> None:
    shutil.rmtree(copy.folder / "backups")


def a_database_answers_to_everybody(copy: Copy) -> None:
    _open_port(copy, 5432)


def a_remote_shell_answers_to_everybody(copy: Copy) -> None:
    _open_port(copy, 22)


def _open_port(copy: Copy, port: int) -> None:
    """Behind it answers what answers at the site; that something does is the fault."""
    text = (copy.folder / "troth.toml").read_text()
    found = re.search(rf'^"{re.escape(HOST)}" = "(.*)"$', text, re.MULTILINE)
    assert found is not None
    copy.rewrite("troth.toml", f'"{HOST}:{port}" = "127.0.0.1:1"', f'"{HOST}:{port}" = "{found[1]}"')


def a_row_outlives_its_period(copy: Copy) -> None:
    copy.shop("update access_log set at = ? where id = 3", copy.ago(days=91))


def the_keeper_stops(copy: Copy) -> None:
    copy.store("update retention_runs set begun_at = ?, due_at = ?", copy.ago(days=9), copy.ago(days=8))


def a_run_never_ends(copy: Copy) -> None:
    copy.store(
        "insert into retention_runs (name, state, occasion, rules_sha256, map_sha256, plan_sha256, plan, asked_at, "
        "begun_at) select 'retention-2', 'begun', occasion, rules_sha256, map_sha256, plan_sha256, plan, ?, ? "
        "from retention_runs",
        copy.ago(days=2),
        copy.ago(days=2),
    )


def a_hold_is_forgotten(copy: Copy) -> None:
    copy.store("update holds set review = '2020-05-01'")


def nobody_answers_for_a_hold(copy: Copy) -> None:
    copy.store("update holds set owner = null")


def a_training_is_struck_from_the_register(copy: Copy) -> None:
    copy.store("delete from trainings")


def the_officers_training_has_run_out(copy: Copy) -> None:
    long_ago, lately = copy.ago(days=400), copy.ago(days=35)
    copy.store("update trainings set passed_at = ?, until = ?", long_ago, lately)
    copy.store("update staff set cleared_until = ?, created_at = ?", lately, long_ago)


def somebody_without_training_is_let_in(copy: Copy) -> None:
    copy.store(
        "insert into staff (name, role, created_at, cleared_until) values ('temp', 'agent', ?, ?)",
        copy.ago(days=1),
        copy.ago(days=-100),
    )


def a_hole_is_left_open(copy: Copy) -> None:
    copy.store("update audit_findings set first_seen = ? where name = 'EXAMPLE-2026-0017'", copy.ago(days=15))


def nobody_scans_any_more(copy: Copy) -> None:
    copy.store("update audit_scans set scanned_at = ?", copy.ago(days=370))


def a_hole_is_struck_from_the_register(copy: Copy) -> None:
    copy.store("delete from audit_findings where name = 'EXAMPLE-2026-0017'")


def why_a_hole_is_none_is_struck(copy: Copy) -> None:
    copy.store("update audit_findings set accepted = null, first_seen = ?", copy.ago(days=15))


def an_impact_assessment_is_struck(copy: Copy) -> None:
    copy.store("delete from impact_assessments where purpose = 'fraud'")


def a_high_risk_is_left(copy: Copy) -> None:
    copy.store("update impact_assessments set residual = 'high' where purpose = 'terms'")


def a_breach_is_told_to_nobody(copy: Copy) -> None:
    """Entered by the deed itself, four days ago, and then forgotten."""
    long_ago = copy.now - dt.timedelta(days=4)
    keyring = Keyring.load(copy.folder, copy.environ)
    opening = breaches.Opening(long_ago, "A list of customers went to the wrong supplier.")
    with Store.open(f"sqlite:///{copy.folder / 'troth.sqlite3'}") as store:
        with store.writing() as tx:
            breaches.open_(tx, keyring, ("gdpr",), opening, long_ago)
        sequence_all(store, keyring, copy.clock, host=HOST)


def a_breach_is_struck_from_the_register(copy: Copy) -> None:
    a_breach_is_told_to_nobody(copy)
    copy.store("delete from breach_acts")
    copy.store("delete from breaches")


def the_minutes_are_edited(copy: Copy) -> None:
    with (copy.folder / "documents" / "minutes-no-transfer.md").open("a") as file:
        file.write("\nbut for one shop.\n")


def an_attestation_has_run_out(copy: Copy) -> None:
    copy.store("update attestations set until = '2026-11-21' where about = 'business-transfer'")


def the_report_of_the_restore_is_edited(copy: Copy) -> None:
    with (copy.folder / "documents" / "restore.md").open("a") as file:
        file.write("\nThe second try failed.\n")


def nobody_says_any_more_that_updates_are_put_in(copy: Copy) -> None:
    copy.store("update attestations set until = '2026-11-21' where about = 'patches'")


def the_report_of_the_test_is_lost(copy: Copy) -> None:
    (copy.folder / "documents" / "pentest.md").unlink()


def an_impact_assessment_is_edited(copy: Copy) -> None:
    with (copy.folder / "documents" / "impact-fraud.md").open("a") as file:
        file.write("\nand it never hurt anybody.\n")


# --- who receives it, and rights ----------------------------------------------------------------------------------------


def a_contract_is_edited(copy: Copy) -> None:
    with (copy.folder / "documents" / "contract-example-desk.md").open("a") as file:
        file.write("\nThe processor may do as it likes.\n")


def data_are_used_during_a_restriction(copy: Copy) -> None:
    new_order(copy, ordered_by(copy, RESTRICTED)[0], copy.ago(minutes=30))


def data_are_used_after_an_objection(copy: Copy) -> None:
    order = ordered_by(copy, OBJECTING)[1]
    copy.shop(
        "insert into fraud_checks (order_id, at, outcome, reason) select ?, ?, outcome, reason from fraud_checks limit 1",
        order,
        copy.ago(minutes=30),
    )


# --- changes of the policy ----------------------------------------------------------------------------------------------


def the_policy_is_edited_silently(copy: Copy) -> None:
    copy.rewrite("policy.yaml", "Sharing with vendors who help us", "Sharing with anybody who helps us")
    copy.served = True


def a_published_version_is_altered(copy: Copy) -> None:
    copy.store("update policy_versions set bytes = cast(bytes || x'0a' as blob)")


def a_version_is_swapped(copy: Copy) -> None:
    copy.store("update policy_versions set sha256 = ?, bytes = ?", "0" * 64, b"troth: 1\n")


def the_policy_holds_before_it_was_written(copy: Copy) -> None:
    republish(
        copy,
        'text: "January 9, 2024", effective: 2024-01-09',
        'text: "January 8, 2024", effective: 2024-01-08',
    )


def a_longer_period_is_posted_as_editorial(copy: Copy) -> None:
    """Put past `publish`, which would have refused it: it holds, by its own date, without the promised notice."""
    copy.rewrite("policy.yaml", "after: visit, keep: 90 days", "after: visit, keep: 6 months")
    copy.rewrite(
        "policy.yaml", 'text: "January 9, 2024", effective: 2024-01-09', 'text: "March 1, 2024", effective: 2024-03-01'
    )
    data = (copy.folder / "policy.yaml").read_bytes()
    copy.store(
        "insert into policy_versions (number, file, bytes, sha256, published_at, effective, updated, material, changes) "
        "select 2, file, ?, ?, ?, '2024-03-01', updated, 0, '[]' from policy_versions where number = 1",
        data,
        reading.parse(data).sha256,
        f"{copy.now:%Y-%m-%d %H:%M:%S.%f}",
    )
    keyring = Keyring.load(copy.folder, copy.environ)
    body = {"version": 2, "policy": reading.parse(data).sha256, "effective": "2024-03-01", "material": False}
    with Store.open(f"sqlite:///{copy.folder / 'troth.sqlite3'}") as store:
        with store.writing() as tx:
            leaves.append(tx, keyring, "policy.published", None, body, copy.now)
        sequence_all(store, keyring, copy.clock, host=HOST)
    copy.served = True


def republish(copy: Copy, before: str, after: str) -> None:
    """Change the policy as `troth policy publish` does, and serve it."""
    copy.rewrite("policy.yaml", before, after)
    data = (copy.folder / "policy.yaml").read_bytes()
    with closing(Store.open(f"sqlite:///{copy.folder / 'troth.sqlite3'}")) as store:
        versions.publish(store, Keyring.load(copy.folder, {}), data, reading.parse(data, "policy.yaml"), copy.now)
    copy.served = True


# --- questions ---------------------------------------------------------------------------------------------------------


def a_job_asks_for_an_undeclared_purpose(copy: Copy) -> None:
    with copy.troth() as troth:
        troth.may("id=1", "profiling", "contact.email")


def a_question_names_no_purpose_at_all(copy: Copy) -> None:
    """A program passes a person's address where the purpose belongs; it is refused, and not written down."""
    with copy.troth() as troth:
        troth.may("id=1", "a.reader@example.org", "contact.email")


# --- erased people ------------------------------------------------------------------------------------------------------


def a_question_is_filed_under_somebody_else(copy: Copy) -> None:
    """Its subject is the mail address of the first customer, and nothing leads from them to it."""
    copy.shop(
        "update support_tickets set subject = (select email from users order by id limit 1) where id = "
        "(select max(id) from support_tickets where user_id <> (select min(id) from users))"
    )


def the_letter_has_no_way_out(copy: Copy) -> None:
    file = copy.folder / "newsletter.eml"
    file.write_bytes(file.read_bytes().replace(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""))


def the_letter_is_altered_on_its_way(copy: Copy) -> None:
    file = copy.folder / "newsletter.eml"
    file.write_bytes(file.read_bytes().replace(b"/privacy/centre/mail/", b"/privacy/centre/gone/"))


def the_letter_is_of_last_year(copy: Copy) -> None:
    file = copy.folder / "newsletter.eml"
    file.write_bytes(re.sub(rb"Date: [^\r]+", b"Date: Mon, 03 Nov 2025 09:00:00 +0000", file.read_bytes()))


def what_was_agreed_to_is_altered(copy: Copy) -> None:
    copy.store("update consent_meanings set meaning = replace(meaning, 'profile.name', 'profile.avatar')")


def a_copy_is_never_made(copy: Copy) -> None:
    copy.store("delete from packages")


def somebody_erased_comes_back(copy: Copy) -> None:
    """A backup of one table from before the erasure is put back."""
    columns = "username, email, phone, password_hash, created_at, closed_at"
    values = "'came-back', 'came.back@customer.example.org', null, password_hash, created_at, null"
    copy.shop(f"insert into users (id, {columns}) select ?, {values} from users where id = 1", PEOPLE)


def an_erasure_is_never_proven(copy: Copy) -> None:
    copy.store("update erasures set state = 'erased', proven_at = null, begun_at = '2026-01-01 00:00:00.000000'")


def a_value_of_somebody_erased_is_left(copy: Copy) -> None:
    residue = '[{"where": "cache.v in shop", "n": 3}]'
    copy.store(f"update erasures set state = 'erased', proven_at = null, residue = '{residue}'")
