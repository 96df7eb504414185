"""Section 2 against what was done: every use held against what that person had said, on real stores."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import sqlite3

import pytest

from tests.policies import policy_of
from tests.shopworld import MARKER, NOW, World, before, founded, served, world
from tests.sites import LocalSite, site
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves
from troth.foundation.ledger.sequencer import sequence_all
from troth.foundation.ledger.verification import remember, verify
from troth.foundation.proof import run_checks
from troth.foundation.store import Store
from troth.policy.settings import SiteSettings
from troth.use import answering, log_reading
from troth.use.checks import balances, consents, grounds, ledgers, purposes

__all__ = ["before", "founded", "served", "site", "world"]

DAY = dt.timedelta(days=1)


def send(world: World, person: int, at: dt.datetime) -> None:
    world.sql(
        "insert into newsletter_sends (user_id, campaign, stop_key, sent_at) values (?, 'x', hex(randomblob(8)), ?)",
        person,
        f"{at:%Y-%m-%d %H:%M:%S.%f}",
    )


@pytest.fixture
def reader(world: World) -> int:
    """The number of somebody who has said nothing about letters yet, known to troth and the shop."""
    asked = {row[0] for row in world.ask("select distinct user_id from newsletter_sends")}
    with world.troth() as troth:
        free = (
            number
            for number in range(1, 121)
            if number not in asked
            and not any(c.purpose == "marketing" and c.state for c in troth.consents(f"id={number}"))
        )
        return next(free)


def judged(world: World) -> tuple[str, str]:
    return world.own("2.1c", purposes.sent_after_opt_out)


# --- 2.1c: what people can opt out of -----------------------------------------------------------------------------


def test_every_letter_of_the_example_company_went_to_somebody_who_wanted_it(world: World) -> None:
    verdict, told = judged(world)

    assert verdict == "kept"
    rows = world.ask("select count(*) from newsletter_sends")[0][0]
    assert f"newsletter_sends in shop: {rows} uses for marketing, each while that person's consent stood" in told


def test_a_letter_without_consent_is_told_with_count_and_day(world: World, reader: int) -> None:
    send(world, reader, NOW - DAY)

    verdict, told = judged(world)

    assert verdict == "broken"
    assert "1 of" in told
    assert "newest on 2026-11-21" in told
    assert "@" not in told


def test_a_letter_before_the_consent_came_too_early(world: World, reader: int) -> None:
    with world.troth() as troth:
        troth.give_consents([(f"id={reader}", "marketing", NOW - 5 * DAY)])
    send(world, reader, NOW - 4 * DAY)
    assert judged(world)[0] == "kept"

    send(world, reader, NOW - 6 * DAY)

    assert judged(world)[0] == "broken"


def test_a_letter_between_withdrawal_and_new_consent_came_at_the_wrong_time(world: World, reader: int) -> None:
    with world.troth() as troth:
        troth.give_consents([(f"id={reader}", "marketing", NOW - 9 * DAY)])
        troth.withdraw_consents([(f"id={reader}", "marketing", NOW - 6 * DAY)])
        troth.give_consents([(f"id={reader}", "marketing", NOW - 3 * DAY)])
    send(world, reader, NOW - 7 * DAY)
    send(world, reader, NOW - 2 * DAY)
    assert judged(world)[0] == "kept"

    send(world, reader, NOW - 5 * DAY)

    assert judged(world)[0] == "broken"


def test_an_objection_stops_letters_even_where_consent_stands(world: World, reader: int) -> None:
    with world.troth() as troth:
        troth.give_consents([(f"id={reader}", "marketing", NOW - 9 * DAY)])
        troth.object_to(f"id={reader}", "marketing")
    send(world, reader, NOW - DAY)
    assert judged(world)[0] == "kept"

    send(world, reader, NOW + DAY)

    assert judged(world)[0] == "broken"


def test_a_letter_after_the_consent_had_ended_came_too_late(world: World, reader: int) -> None:
    with world.troth() as troth:
        troth.give_consents([(f"id={reader}", "marketing", NOW - 9 * DAY)])
    with sqlite3.connect(world.folder / "troth.sqlite3") as store:
        ends = f"{NOW - 5 * DAY:%Y-%m-%d %H:%M:%S.%f}"
        last = "(select max(id) from consent_events)"
        store.execute(f"update consent_events set until = ? where id = {last}", (ends,))
    send(world, reader, NOW - 6 * DAY)
    assert judged(world)[0] == "kept"

    send(world, reader, NOW - 4 * DAY)

    assert judged(world)[0] == "broken"


def test_a_store_that_keeps_whole_seconds_has_a_second_of_grace(world: World, reader: int) -> None:
    given = NOW - DAY + dt.timedelta(milliseconds=700)
    with world.troth() as troth:
        troth.give_consents([(f"id={reader}", "marketing", given)])

    send(world, reader, NOW - DAY)
    assert judged(world)[0] == "kept"

    send(world, reader, NOW - DAY + dt.timedelta(milliseconds=600))
    assert judged(world)[0] == "broken"


def test_letters_to_people_whom_troth_does_not_know_had_no_consent(world: World) -> None:
    world.sql(
        "insert into users select 9001, 'nobody', 'nobody@example.org', null, password_hash, created_at, null "
        "from users where id = 1"
    )
    send(world, 9001, NOW - DAY)

    verdict, told = judged(world)

    assert verdict == "broken"
    assert "1 of them of people troth does not know" in told


def test_a_table_that_leads_to_nobody_troth_knows_proves_nothing(world: World) -> None:
    (world.folder / "troth.key").unlink()
    Keyring.create(world.folder)

    verdict, told = judged(world)

    assert verdict == "unproven"
    assert "none of them leads to anybody troth knows" in told


def test_no_letter_at_all_proves_nothing(world: World) -> None:
    world.sql("delete from newsletter_sends")

    assert judged(world)[0] == "unproven"


def test_a_map_that_names_no_table_of_letters_proves_nothing(world: World) -> None:
    world.rewrite("datamap.yaml", "uses: {purpose: marketing, at: sent_at}", "uses: {purpose: notices, at: sent_at}")

    assert judged(world)[0] == "unproven"


def test_letters_without_a_time_that_can_be_read_prove_nothing(world: World) -> None:
    world.sql("update newsletter_sends set sent_at = 'lately' where id = 1")

    verdict, told = judged(world)

    assert verdict == "unproven"
    assert "1 of" in told


def test_only_the_newest_rows_were_read_where_there_are_too_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reading, "MOST_ROWS", 20)

    verdict, told = judged(world)

    assert verdict == "unproven"
    assert "only the newest 20 rows were read" in told


def test_without_troths_store_or_key_nobody_can_say(world: World) -> None:
    with world.seen() as seen:
        seen.keyring = None
        without_key = run_checks(seen.policy, [purposes.sent_after_opt_out], seen).of("2.1c")
    with world.seen() as seen:
        seen.store = None
        without_store = run_checks(seen.policy, [purposes.sent_after_opt_out], seen).of("2.1c")

    assert [without_key.verdict.value, without_store.verdict.value] == ["unproven", "unproven"]


@pytest.mark.parametrize("whose", ["send_id > newsletter_sends", "{match: shown_to, identifier: email}"])
def test_rows_are_followed_through_other_tables_and_by_address(world: World, whose: str) -> None:
    world.sql("create table letters (id integer primary key, send_id integer, at text, shown_to text)")
    world.sql(
        "insert into letters select null, s.id, s.sent_at, u.email from newsletter_sends s "
        "join users u on u.id = s.user_id"
    )
    world.rewrite(
        "datamap.yaml",
        "      products:\n",
        f"""      letters:
        whose: {whose}
        columns: {{id: no, send_id: no, at: communication.message, shown_to: contact.email}}
        starts: {{message: at}}
        uses: {{purpose: marketing, at: at}}
      products:
""",
    )

    verdict, told = judged(world)

    assert verdict == "kept"
    assert "letters in shop" in told


def test_the_same_is_seen_on_postgresql(served: World, reader: int) -> None:
    assert judged(served)[0] == "kept"

    served.sql_served(f"update newsletter_sends set user_id = {reader} where id = 1")

    assert judged(served)[0] == "broken"


# --- purposes have one speaker each -------------------------------------------------------------------------------


def test_each_purpose_on_consent_is_answered_for_by_exactly_one_sentence(world: World) -> None:
    with world.seen() as seen:
        shares = (
            answering.opted_out_of(seen.policy),
            answering.gated(seen.policy),
            answering.of_the_ground(seen.policy),
        )

    assert shares == ({"marketing"}, {"analytics"}, frozenset())


def test_the_ground_itself_answers_for_what_no_other_sentence_does(world: World) -> None:
    world.rewrite("policy.yaml", "      opt_out: at-once\n", "")
    assert world.own("2.2a", consents.without_consent)[0] == "kept"

    with world.troth() as troth:
        person = world.ask("select user_id from newsletter_sends order by sent_at limit 1")[0][0]
        troth.withdraw_consents([(f"id={person}", "marketing", NOW.replace(year=2024))])

    assert world.own("2.2a", consents.without_consent)[0] == "broken"


# --- 2.2a: the register and the way back --------------------------------------------------------------------------


def own_store(world: World, statement: str) -> None:
    import sqlite3

    with sqlite3.connect(world.folder / "troth.sqlite3") as connection:
        connection.execute("pragma foreign_keys = off")
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("update consent_events set text_sha256 = null where id = 3", "1 consent: it is not said to which words"),
        ("delete from consent_texts", "the text agreed to is gone or was altered"),
        ("update consent_events set at = '2026-11-30 00:00:00.000000' where id = 3", "the time is after its recording"),
        ("update consent_events set leaf = 999999 where id = 3", "there is no entry in the ledger"),
        ("update consent_events set language = 'zh' where id = 3", "1 consent: is not what its entry in the ledger"),
        (
            "update consent_events set at = '2020-01-01 00:00:00.000000' where id = 3",
            "1 consent: is not what its entry",
        ),
        ("update consent_events set person = 1 - person % 2 where id = 3", "1 consent: is not what its entry"),
        ("delete from consent_events where id = 3", "1 consent: stands in the ledger, and was struck"),
    ],
)
def test_a_consent_that_cannot_be_shown_breaks_its_ground(world: World, statement: str, word: str) -> None:
    assert world.own("2.2a", consents.consent_unrecorded)[0] == "kept"

    own_store(world, statement)

    verdict, told = world.own("2.2a", consents.consent_unrecorded)
    assert verdict == "broken"
    assert word in told


def sequenced(world: World) -> Keyring:
    keyring = Keyring.load(world.folder, {})
    with Store.open(f"sqlite:///{world.folder / 'troth.sqlite3'}") as store:
        sequence_all(store, keyring)
    return keyring


def test_a_ledger_that_holds_keeps_the_ground_and_its_head_is_told(world: World) -> None:
    sequenced(world)

    verdict, told = world.own("2.2a", ledgers.ledger_broken)

    assert verdict == "kept"
    assert re.search(r"\d+ entries, verified one and all; the newest head is [0-9a-f]{16}", told)


def test_a_ledger_without_a_head_proves_nothing(world: World) -> None:
    assert world.own("2.2a", ledgers.ledger_broken)[0] == "unproven"


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("update ledger_leaves set content = x'7b7d' where id = 3", "(leaf 3): its content was changed"),
        ("delete from ledger_leaves where id = 3", "(leaf 3): is gone"),
        ("update ledger_tiles set hashes = zeroblob(32)", "findings"),
    ],
)
@pytest.mark.parametrize("most", [10_000, 1])
def test_a_ledger_that_was_tampered_with_breaks_the_ground(
    world: World, monkeypatch: pytest.MonkeyPatch, statement: str, word: str, most: int
) -> None:
    monkeypatch.setattr(ledgers, "MOST", most)
    sequenced(world)
    own_store(world, statement)

    verdict, told = world.own("2.2a", ledgers.ledger_broken)

    assert verdict == "broken"
    assert most == 1 or word in told


def test_an_entry_from_a_time_to_come_breaks_the_ground(world: World) -> None:
    keyring = sequenced(world)
    with Store.open(f"sqlite:///{world.folder / 'troth.sqlite3'}") as store:
        with store.writing() as tx:
            leaves.append(tx, keyring, "policy.read", None, {}, world.now + dt.timedelta(days=2))
        sequence_all(store, keyring)
    verdict, told = world.own("2.2a", ledgers.ledger_broken)
    assert verdict == "broken"
    assert "1 entry is dated later than today" in told


def test_an_entry_that_waits_too_long_for_its_place_breaks_the_ground(world: World) -> None:
    keyring = sequenced(world)
    for seconds, expected in ((5, "kept"), (11, "broken")):
        with Store.open(f"sqlite:///{world.folder / 'troth.sqlite3'}") as store, store.writing() as tx:
            leaves.append(tx, keyring, "policy.read", None, {}, world.now - dt.timedelta(seconds=seconds))
        assert world.own("2.2a", ledgers.ledger_broken)[0] == expected


def test_of_a_long_ledger_the_whole_must_have_been_verified_of_late(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "MOST", 1)
    keyring = sequenced(world)
    assert world.own("2.2a", ledgers.ledger_broken)[0] == "unproven"

    with Store.open(f"sqlite:///{world.folder / 'troth.sqlite3'}") as store:
        outcome = verify(store, keyring=keyring)
        for days, expected in ((8, "unproven"), (6, "kept")):
            remember(store, outcome, world.now - dt.timedelta(days=days))
            assert world.own("2.2a", ledgers.ledger_broken)[0] == expected
        outcome.add("entry 3", "is gone")
        remember(store, outcome, world.now)
        assert world.own("2.2a", ledgers.ledger_broken)[0] == "broken"


def test_no_consent_on_record_proves_nothing(world: World) -> None:
    own_store(world, "delete from consent_events")
    own_store(world, "delete from ledger_leaves")

    assert world.own("2.2a", consents.consent_unrecorded)[0] == "unproven"


GROUND = policy_of(
    """
    use:
      number: "2"
      title: Use
      consent: {text: Your consent, basis: consent, withdraw: /privacy/centre}
    """
)
CENTRE = "<html lang=en><form method=post><label>E-mail <input type=email name=email></label><button>Go</button></form>"


@pytest.mark.parametrize(
    ("html", "status", "expected"),
    [
        (CENTRE, 200, "kept"),
        ("<p>Write to us.</p>", 200, "broken"),
        ("<p>gone</p>", 404, "broken"),
        ("<p>later</p>", 503, "unproven"),
    ],
)
def test_consent_is_taken_back_on_a_page_that_answers(
    world: World, site: LocalSite, html: str, status: int, expected: str
) -> None:
    site.put("/privacy/centre", html, status=status)
    world.network, world.site = site.network(), site.settings()

    assert world.own("2.2a", consents.withdrawal_hidden)[0] == expected


def test_a_site_that_is_down_proves_nothing_about_the_way_back(world: World, site: LocalSite) -> None:
    world.network, world.site = site.network(), SiteSettings.model_validate({"url": "http://gone.test"})

    assert world.own("2.2a", consents.withdrawal_hidden)[0] == "unproven"


def test_a_policy_that_names_no_way_back_proves_nothing(world: World) -> None:
    world.rewrite("policy.yaml", "      withdraw: /privacy/centre\n", "")

    assert world.own("2.2a", consents.withdrawal_hidden)[0] == "unproven"


BOX = "<form method=post><input type=checkbox name=newsletter{}><input name=email></form>"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (BOX.format(""), "kept"),
        (BOX.format(" checked"), "broken"),
        (BOX.format(" CHECKED=checked"), "broken"),
        ("<form><input type=radio name=mail value=yes checked><input type=radio name=mail value=no></form>", "broken"),
        ("<p>no form</p>", "unproven"),
    ],
)
def test_no_box_is_ticked_before_anybody_ticks_it(world: World, site: LocalSite, html: str, expected: str) -> None:
    site.put("/sign-up", html)
    world.network = site.network()
    world.site = SiteSettings.model_validate({"url": "http://shop.example.com", "forms": {"/sign-up": {}}})

    assert world.own("2.2a", consents.ticked_beforehand)[0] == expected


def test_no_named_page_with_a_form_proves_nothing(world: World, site: LocalSite) -> None:
    world.network, world.site = site.network(), site.settings()

    assert world.own("2.2a", consents.ticked_beforehand)[0] == "unproven"


# --- 2.2, 2.2b to d: grounds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before_", "after", "word"),
    [
        ("basis: consent\n      opt_out: at-once", "opt_out: at-once", "marketing: contact.email: used on no ground"),
        (
            "data: [device.ip, usage.visit_time, usage.page, account.username], basis",
            "data: [device.ip, usage.page, account.username], basis",
            "usage.visit_time: collected (1.2b), and used for no declared purpose",
        ),
        (
            "{purpose: terms, data: [account.username, communication.message], basis: legitimate-interests}",
            "{purpose: terms, data: [account.username, communication.message], basis: public-task}",
            "public-task: used, and not listed under 2.2",
        ),
        (
            "{purpose: legal, data: [transaction.*, payment.token], basis: legal-obligation, statute: tax-law}",
            "{purpose: legal, data: [transaction.*, payment.token], basis: contract}",
            "legal-obligation: listed as a ground, and no use rests on it",
        ),
    ],
)
def test_grounds_and_uses_must_match(world: World, before_: str, after: str, word: str) -> None:
    assert world.own("2.2", grounds.ground_unsettled)[0] == "kept"

    world.rewrite("policy.yaml", before_, after)

    verdict, told = world.own("2.2", grounds.ground_unsettled)
    assert verdict == "broken"
    assert word in told


def closed_account(world: World, days: int, order: int) -> None:
    """Somebody closed their account so many days ago, and ordered so many days ago."""
    person = world.ask("select user_id from orders where user_id is not null order by id limit 1")[0][0]
    world.sql("update users set closed_at = ? where id = ?", f"{NOW - days * DAY:%Y-%m-%d %H:%M:%S.%f}", person)
    world.sql("update orders set placed_at = ? where user_id = ?", f"{NOW - order * DAY:%Y-%m-%d %H:%M:%S.%f}", person)


def closing_period(world: World, line: str) -> None:
    path = world.folder / "policy.yaml"
    path.write_text(re.sub(r"      closing: .*\n", line, path.read_text()))


@pytest.mark.parametrize(
    ("closed", "ordered", "expected"), [(20, 25, "kept"), (20, 5, "kept"), (60, 31, "kept"), (60, 29, "broken")]
)
def test_a_contract_ends_with_its_closing_period(world: World, closed: int, ordered: int, expected: str) -> None:
    closing_period(world, "      closing: 30 days\n")
    closed_account(world, closed, ordered)

    verdict, told = world.own("2.2b", grounds.after_contract_ended)

    assert verdict == expected
    assert "orders in shop" in told


def test_no_closed_account_proves_nothing_about_the_end_of_contracts(world: World) -> None:
    world.sql("update users set closed_at = null")

    assert world.own("2.2b", grounds.after_contract_ended)[0] == "unproven"


@pytest.mark.parametrize(
    ("before_", "after"),
    [
        ("uses: {purpose: transactions, at: placed_at}", "uses: {purpose: legal, at: placed_at}"),
        (
            "          closed_at: account.username\n        starts: {account-closed: closed_at}",
            "          closed_at: account.username",
        ),
    ],
)
def test_what_the_map_does_not_say_about_closing_proves_nothing(world: World, before_: str, after: str) -> None:
    closed_account(world, 20, 25)
    world.rewrite("datamap.yaml", before_, after)

    assert world.own("2.2b", grounds.after_contract_ended)[0] == "unproven"


def test_a_policy_without_a_closing_period_proves_nothing(world: World) -> None:
    closed_account(world, 20, 25)
    closing_period(world, "")

    assert world.own("2.2b", grounds.after_contract_ended)[0] == "unproven"


@pytest.mark.parametrize(
    ("name", "before_", "after", "expected"),
    [
        ("policy.yaml", ", statute: tax-law}", "}", "broken"),
        ("policy.yaml", "review: 2027-10-01", "review: 2026-10-01", "unproven"),
        ("policy.yaml", "keep: 10 years}", "keep: 6 years}", "broken"),
        ("datamap.yaml", "until: placed_at + 10 years}", "until: placed_at + 11 years}", "broken"),
        (
            "policy.yaml",
            "{name: tax-law, law: Example Tax Records Act",
            "{name: old-law, law: Example Tax Records Act",
            "broken",
        ),
    ],
)
def test_every_duty_has_its_law(world: World, name: str, before_: str, after: str, expected: str) -> None:
    assert world.own("2.2c", grounds.statute_missing)[0] == "kept"

    world.rewrite(name, before_, after)

    assert world.own("2.2c", grounds.statute_missing)[0] == expected


def test_a_missing_balance_test_is_broken_and_an_old_one_unproven(world: World) -> None:
    assert world.own("2.2d", balances.balance_untested)[0] == "kept"

    world.now = NOW + 400 * DAY
    verdict, told = world.own("2.2d", balances.balance_untested)
    assert verdict == "unproven"
    assert "looked at on" in told

    (world.folder / "documents" / "balance-terms.md").unlink()
    assert world.own("2.2d", balances.balance_untested)[0] == "broken"


def test_an_empty_balance_test_is_none(world: World) -> None:
    paper = world.folder / "documents" / "balance-terms.md"
    before = hashlib.sha256(paper.read_bytes()).hexdigest()
    paper.write_bytes(b"")
    world.rewrite("policy.yaml", before, hashlib.sha256(b"").hexdigest())

    assert "balance-terms.md is an empty file" in world.own("2.2d", balances.balance_untested)[1]


def test_a_law_to_be_looked_at_again_in_a_hundred_years_is_not_looked_at(world: World) -> None:
    world.rewrite("policy.yaml", "review: 2027-10-01", "review: 2127-10-01")

    assert world.own("2.2c", grounds.statute_missing)[0] == "unproven"


def test_a_purpose_without_a_balance_test_is_named(world: World) -> None:
    world.rewrite(
        "policy.yaml",
        "{purpose: notices, data: [contact.email, transaction.purchase], basis: contract}",
        "{purpose: notices, data: [contact.email, transaction.purchase], basis: legitimate-interests}",
    )

    verdict, told = world.own("2.2d", balances.balance_untested)

    assert verdict == "broken"
    assert "purpose notices: rests on legitimate interests, and nobody has weighed" in told


def test_no_value_of_a_person_is_told(world: World, reader: int) -> None:
    world.sql("update users set email = ? where id = ?", MARKER, reader)
    send(world, reader, NOW - DAY)

    assert MARKER not in str(world.report())
