"""One deed broken turns the one sentence that promises it, the sums above it, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.policies import said
from tests.shopworld import MARKER, NOW, World, above

LATE = "1999-12-31 23:59:59.000000"
JUST_NOW = f"{NOW:%Y-%m-%d %H:%M:%S}.000001"


def plain_password(world: World) -> None:
    world.sql("update users set password_hash = 'hunter2' where id = 3")


def cheap_hash(world: World) -> None:
    world.sql("update users set password_hash = '$2b$04$' || substr(hex(randomblob(30)), 1, 53) where id = 3")


def undeclared_column(world: World) -> None:
    world.sql("alter table users add column birthday text")
    world.sql("update users set birthday = '1990-0' || (1 + id % 9) || '-1' || (id % 10)")


def undeclared_user_agent(world: World) -> None:
    world.sql("alter table sessions add column user_agent text")
    world.sql("update sessions set user_agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101'")


def undeclared_source(world: World) -> None:
    world.rewrite("datamap.yaml", "bio: profile.bio", "bio: {data: profile.bio, source: received}")


def column_gone(world: World) -> None:
    world.sql("alter table profiles drop column bio")


def card_in_a_letter(world: World) -> None:
    world.sql("update messages set body = 'my card is 4242 4242 4242 4242, thank you' where id = 5")


def orphaned_picture(world: World) -> None:
    world.sql("update profiles set user_id = 999999 where user_id = 7")


def nobody_rules_for_the_recipient(world: World) -> None:
    start = world.folder.joinpath("datamap.yaml").read_text()
    begin = start.index("        whose:\n          sender:")
    end = start.index("        columns:\n", begin)
    text = start[:begin] + "        whose: sender_id\n" + start[end:]
    text = text.replace("body: {data: communication.message, others: redact}", "body: communication.message")
    world.folder.joinpath("datamap.yaml").write_text(text)


def raw_device(world: World) -> None:
    world.sql("update visits set browser = 'Mozilla/5.0 (X11; Linux x86_64)' where id = 4")


def person_in_a_logged_page(world: World) -> None:
    world.sql("update access_log set page = '/reset?email=' || ? where id = 9", MARKER)


def exact_place(world: World) -> None:
    world.sql("update visits set region = '52.5163' where id = (select min(id) from visits where region is not null)")


def event_without_choice(world: World) -> None:
    world.sql("insert into click_events (user_id, at, kind, target) values (2, ?, 'open-product', 'tea')", LATE)
    world.sql("update click_events set at = '2026-11-01 00:00:00.000001' where at = ?", LATE)
    with world.troth() as troth:
        troth.withdraw_consents([("id=2", "analytics", NOW.replace(month=9))])


def send_after_withdrawal(world: World) -> None:
    reader = world.ask("select user_id from newsletter_sends order by sent_at limit 1")[0][0]
    with world.troth() as troth:
        troth.withdraw_consents([(f"id={reader}", "marketing", NOW.replace(year=2024))])


def consent_text_altered(world: World) -> None:
    _own(world, "update consent_texts set text = text || ' and more'")


def undeclared_purpose(world: World) -> None:
    world.rewrite("datamap.yaml", "uses: {purpose: fraud, at: at}", "uses: {purpose: profiling, at: at}")


def two_grounds(world: World) -> None:
    world.rewrite(
        "policy.yaml",
        "{purpose: notices, data: [contact.email, transaction.purchase], basis: contract}",
        "{purpose: notices, data: [contact.email, transaction.purchase], basis: contract}\n"
        "        - {purpose: notices, data: [contact.email], basis: consent}",
    )


def statute_unlisted(world: World) -> None:
    world.rewrite("datamap.yaml", "on_erasure: {keep: all, ground: tax-law", "on_erasure: {keep: all, ground: tea-law")


def balance_test_altered(world: World) -> None:
    path = world.folder / "documents" / "balance-fraud.md"
    path.write_text(path.read_text() + "\nand they lived happily ever after\n")


def row_past_its_period(world: World) -> None:
    world.sql("update searches set at = '2025-09-01 08:00:00.000000' where id = 1")
    with world.troth() as troth:
        person = world.ask("select user_id from searches where id = 1")[0][0]
        troth.give_consents([(f"id={person}", "analytics", NOW.replace(year=2025, month=8))])


def kind_without_a_period(world: World) -> None:
    world.rewrite("policy.yaml", "data: [device.ip, usage.visit_time, usage.page], after", "data: [device.ip], after")


def period_without_reason(world: World) -> None:
    world.rewrite("policy.yaml", ", why: to find and stop attacks}", "}")


def _own(world: World, statement: str) -> None:
    import sqlite3

    with sqlite3.connect(world.folder / "troth.sqlite3") as connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("fault", "number", "word"),
    [
        (plain_password, "1.1a", "users.password_hash in shop: 1 row: the password is plain text or a fast hash"),
        (cheap_hash, "1.1a", "below the least cost"),
        (column_gone, "1.1b", "profiles.bio in shop"),
        (orphaned_picture, "1.1b", "lead to nobody"),
        (card_in_a_letter, "1.1c", "messages.body in shop: the number of a payment card stands in 1 value"),
        (nobody_rules_for_the_recipient, "1.1d", "messages.recipient_id in shop"),
        (raw_device, "1.2a", "visits.browser in shop"),
        (person_in_a_logged_page, "1.2b", "access_log.page in shop"),
        (exact_place, "1.2c", "visits.region in shop"),
        (event_without_choice, "1.2d", "click_events in shop"),
        (send_after_withdrawal, "2.1c", "newsletter_sends in shop"),
        (consent_text_altered, "2.2a", "the text agreed to is gone or was altered"),
        (statute_unlisted, "2.2c", "tea-law"),
        (balance_test_altered, "2.2d", "balance-fraud.md"),
        (row_past_its_period, "3.2a", "searches in shop: 1 row older than 13 months; oldest from 2025-09-01"),
        (kind_without_a_period, "3.2a", "access_log in shop"),
        (period_without_reason, "3.2b", "protection.retention.access-logs"),
    ],
)
def test_one_broken_deed_turns_its_sentence_and_those_above_and_nothing_else(
    world: World, before: dict[str, str], fault: Callable[[World], None], number: str, word: str
) -> None:
    fault(world)

    report = world.report()

    after = {each.number: each.verdict.value for each in report.sentences}
    turned = {each for each in after if after[each] != before[each]}
    assert after[number] == "broken", said(report.of(number))
    assert turned - above(report, number) == {number}
    assert all(number in report.of(each).caused_by for each in above(report, number))
    assert word in said(report.of(number))
    assert MARKER not in str(report)


@pytest.mark.parametrize(
    ("fault", "number", "word"),
    [
        (undeclared_column, "1.1", "users.birthday in shop"),
        (undeclared_user_agent, "1.2", "sessions.user_agent in shop"),
        (undeclared_source, "1", "profiles.bio in shop"),
        (undeclared_purpose, "2.2", "fraud_checks in shop"),
        (two_grounds, "2.2", "notices: contact.email"),
    ],
)
def test_what_is_real_and_not_declared_turns_the_sentence_that_lists_it(
    world: World, before: dict[str, str], fault: Callable[[World], None], number: str, word: str
) -> None:
    fault(world)

    report = world.report()

    after = {each.number: each.verdict.value for each in report.sentences}
    turned = {each for each in after if after[each] != before[each]}
    assert after[number] == "broken"
    assert turned <= above(report, number) | {number}
    assert word in said(report.of(number))
