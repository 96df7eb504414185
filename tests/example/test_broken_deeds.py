"""One deed of the running company broken: that sentence turns, the sums above name it, and nothing else turns.

Each test breaks one thing on a copy of the company and runs the whole of `troth check`, on sockets; the report is held
against the one before, sentence by sentence: verdicts, causes, what was seen and what was found.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.example import deeds, pages, sharing_deeds, use_deeds
from tests.example.pages import Spoil, at, everywhere
from tests.example.proving import SITE, Copy, RunningCompany, above, closed_port, seen_of
from troth.example.company import HOST
from troth.foundation.proof import Report, Verdict

BROKEN, UNPROVEN, KEPT = Verdict.BROKEN, Verdict.UNPROVEN, Verdict.KEPT

STORES_AND_PAPERS = [
    (deeds.a_biography_is_bought, "1", "profiles.bio in shop"),
    (deeds.birthdays_are_stored, "1.1", "users.birthday in shop"),
    (deeds.a_password_is_plain, "1.1a", "users.password_hash in shop: 1 row: the password is plain text"),
    (deeds.a_picture_is_of_nobody, "1.1b", "profiles.avatar in shop: 1 of 299 pictures lead to nobody"),
    (deeds.a_card_stands_in_a_letter, "1.1c", "messages.body in shop: the number of a payment card stands in 1 value"),
    (deeds.a_card_stands_in_a_log, "1.1c", "egress.log: the number of a payment card stands in 1 line"),
    (deeds.nobody_thinks_of_the_recipient, "1.1d", "messages.recipient_id in shop"),
    (deeds.user_agents_are_stored, "1.2", "visits.user_agent in shop"),
    (deeds.the_device_is_not_stored, "1.2a", "visits.device_type in shop"),
    (deeds.an_address_is_logged, "1.2b", "access_log.page in shop"),
    (deeds.a_place_is_exact, "1.2c", "visits.region in shop"),
    (deeds.a_click_is_recorded_without_consent, "1.2d", "click_events in shop: 1 "),
    (use_deeds.a_program_asks_for_an_undeclared_purpose, "2", "program ratings: named the purpose profiling"),
    (use_deeds.a_program_runs_for_an_undeclared_purpose, "2", "and ran on 2026-11-22"),
    (use_deeds.a_program_asks_for_more_than_its_purpose, "2.1a", "program devices: asked for contact.email"),
    (use_deeds.a_program_uses_more_than_its_purpose, "2.1a", "used device.ip for service.provide"),
    (use_deeds.a_notice_belongs_to_no_order, "2.1b", "messages about an order name none"),
    (use_deeds.an_offer_goes_out_as_a_notice, "2.1b", "template spring-offer: 1 message of it went out"),
    (use_deeds.the_newsletter_goes_out_under_an_order, "2.1b", "is marketing, and was sent as transactional"),
    (use_deeds.a_notice_advertises, "2.1b", "the message order-confirmation.eml: it has 1 line in common"),
    (use_deeds.a_notice_can_be_unsubscribed, "2.1b", "it has List-Unsubscribe, which is for mailings"),
    (deeds.a_job_asks_for_an_undeclared_purpose, "2", "purpose profiling: not declared; programs asked for it 1 time"),
    (deeds.a_question_names_no_purpose_at_all, "2", "purpose (not a name): not declared"),
    (deeds.a_newsletter_comes_after_the_withdrawal, "2.1c", "newsletter_sends in shop: 1 "),
    (deeds.the_letter_has_no_way_out, "2.1c", "the letter newsletter.eml: it has no List-Unsubscribe-Post"),
    (deeds.the_letter_is_altered_on_its_way, "2.1c", "its DKIM signature does not hold"),
    (use_deeds.addresses_stand_in_a_view, "2.1d", "visits.ip: the column is not declared for analytics"),
    (use_deeds.a_view_shows_who_they_are, "2.1d", "click_events.target: 1 value"),
    (use_deeds.two_people_are_a_group, "2.1d", "1 group of fewer than 5 people"),
    (use_deeds.a_withdrawal_does_not_reach_the_views, "2.1d", "1 person in them had not agreed"),
    (use_deeds.the_fraud_watch_reads_names, "2.1e", "used profile.name for fraud"),
    (use_deeds.the_door_watch_asks_for_addresses, "2.1e", "asked for contact.email for security"),
    (use_deeds.the_house_rules_are_kept_by_reading_phones, "2.1f", "used contact.phone for terms"),
    (use_deeds.a_program_runs_on_another_ground, "2.2", "program shelf: ran for transactions on the ground vital"),
    (use_deeds.an_account_goes_on_ordering, "2.2b", "orders in shop: 1 use for transactions"),
    (use_deeds.an_invoice_is_kept_longer_than_the_law_says, "2.2c", "kept 11 years after an erasure"),
    (use_deeds.a_balance_test_is_thrown_away, "2.2d", "balance-terms.md is not there"),
    (deeds.a_table_is_used_for_an_undeclared_purpose, "2.2", "profiling, which section 2 does not declare"),
    (deeds.the_words_agreed_to_are_altered, "2.2a", "the text agreed to is gone or was altered"),
    (deeds.what_was_agreed_to_is_altered, "2.2a", "the data and recipients agreed to are gone or were altered"),
    (deeds.an_entry_of_the_ledger_is_altered, "2.2a", "its content was changed"),
    (deeds.an_entry_of_the_ledger_waits, "2.2a", "for a place, the oldest since"),
    (deeds.an_order_comes_long_after_the_account_was_closed, "2.2b", "orders in shop: 1 use for transactions"),
    (deeds.a_duty_has_no_law, "2.2c", 'the law "tea-law" is not listed'),
    (deeds.a_balance_test_is_edited, "2.2d", "balance-fraud.md is not the recorded one"),
    (deeds.the_shop_is_open_to_all_users_of_the_machine, "3.1b", "store shop: other users of the machine"),
    (deeds.the_store_is_open_to_all_users_of_the_machine, "3.1b", "troth's own store: other users of the machine"),
    (deeds.the_key_of_the_site_is_open_to_all_users_of_the_machine, "3.1b", "shop.pem: other users of the machine"),
    (deeds.a_database_answers_to_everybody, "3.1e", "port 5432 of shop.example.com: takes connections"),
    (deeds.a_remote_shell_answers_to_everybody, "3.1e", "port 22 of shop.example.com: takes connections"),
    (deeds.the_last_backup_is_old, "3", "backups/*.age: the newest backup is of 2026-11-13"),
    (deeds.the_backups_are_gone, "3", "backups/*.age: no backup lies there"),
    (deeds.a_password_alone_opens_peoples_data, "3.1b", "a data protection officer comes in by a password alone"),
    (deeds.somebody_who_left_has_an_account, "3.1b", "is open, and was not on the list of who works here"),
    (deeds.an_impact_assessment_is_struck, "2.2d", "purpose fraud: needs an impact assessment"),
    (deeds.a_high_risk_is_left, "2.2d", "purpose terms: its assessment leaves a high risk"),
    (deeds.a_breach_is_told_to_nobody, "3", "the authority was to be told by"),
    (deeds.a_breach_is_struck_from_the_register, "3", "the ledger knows of 1 that were entered, the register of 0"),
    (deeds.a_hole_is_left_open, "3.1c", "EXAMPLE-2026-0017 (critical) is open since"),
    (deeds.nobody_scans_any_more, "3.1c", "the last scan was on"),
    (
        deeds.a_hole_is_struck_from_the_register,
        "3.1c",
        "stands in the newest output of pip-audit and not in the register",
    ),
    (deeds.why_a_hole_is_none_is_struck, "3.1c", "EXAMPLE-2026-0042 (critical) is open since"),
    (deeds.a_training_is_struck_from_the_register, "3.1d", "is cleared to see people's data, and no training"),
    (deeds.the_officers_training_has_run_out, "3.1d", "0 of 2 accounts are trained within 12 months"),
    (deeds.somebody_without_training_is_let_in, "3.1d", "account 3: is cleared to see people's data"),
    (deeds.a_row_outlives_its_period, "3.2a", "access_log in shop: 1 row older than 90 days"),
    (deeds.the_keeper_stops, "3.2a", "retention-1: the last run began on"),
    (deeds.a_run_never_ends, "3.2a", "and never ended"),
    (deeds.a_hold_is_forgotten, "2.1f", "hold 1: was to be looked at again by 2020-05-01"),
    (deeds.nobody_answers_for_a_hold, "2.1f", "hold 1: nobody answers for it"),
    (deeds.a_contract_is_edited, "4.1a", "contract-example-desk.md is not the recorded one"),
    (sharing_deeds.an_advertiser_is_reached, "4", "ads.example.net in egress.log: was reached"),
    (sharing_deeds.a_host_that_looks_like_a_recipient_s_is_reached, "4", "pay.example.net.pictures.example"),
    (sharing_deeds.data_go_out_for_a_demand_that_nobody_names, "4.1b", "none of that number is on record"),
    (sharing_deeds.a_demand_is_widened_after_it_was_approved, "4.1b", "is not what the ledger says"),
    (sharing_deeds.somebody_decides_on_a_demand_alone, "4.1b", "it was not decided by two people"),
    (sharing_deeds.a_business_goes_without_a_word, "4.1c", "no transfer that was announced and frozen"),
    (sharing_deeds.a_business_goes_on_the_day_on_which_people_are_told, "4.1c", "nothing goes before"),
    (sharing_deeds.data_go_to_a_partner_whom_nobody_agreed_to, "4.1d", "had not agreed that Example Partner gets it"),
    (sharing_deeds.a_consent_to_the_newsletter_is_taken_for_one_to_a_partner, "4.1d", "had not agreed"),
    (sharing_deeds.a_disclosure_is_struck_from_the_record, "4.1", "1 disclosure in the ledger that the record lacks"),
    (sharing_deeds.people_are_taken_out_of_the_record, "4.1", "not what its entry in the ledger says"),
    (sharing_deeds.a_contract_is_thrown_away, "4.1a", "contract-example-metrics.md is not there"),
    (sharing_deeds.phone_numbers_go_to_support, "4.1a", "contact.phone for service.provide is not declared"),
    (sharing_deeds.data_go_to_somebody_who_is_not_listed, "4.2", "Example Ghost: got data"),
    (sharing_deeds.a_card_number_goes_to_payment, "4.2.1", "card numbers stand in 1 values of token"),
    (sharing_deeds.a_column_more_than_recorded_goes_to_payment, "4.2.1", "the column total is not in its record"),
    (
        sharing_deeds.single_rows_under_a_hash_go_to_analytics,
        "4.2.2",
        "column visitor holds what is one person's alone",
    ),
    (sharing_deeds.two_people_are_a_group_for_analytics, "4.2.2", "1 of 1 lines are about fewer than 5 people"),
    (sharing_deeds.the_bucket_is_opened_to_everybody, "4.2.3", "its access list gives everybody READ"),
    (sharing_deeds.a_backup_is_stored_in_clear, "4.2.3", "it is not encrypted"),
    (sharing_deeds.a_backup_is_swapped, "4.2.3", "the file is not the one on record"),
    (sharing_deeds.the_bucket_encrypts_nothing, "4.2.3", "it does not encrypt objects by default"),
    (sharing_deeds.the_bucket_takes_connections_in_clear, "4.2.3", "its policy lets connections without TLS in"),
    (sharing_deeds.the_bucket_keeps_what_was_deleted, "4.2.3", "it keeps what was deleted or written over, for ever"),
    (sharing_deeds.the_bucket_is_moved_abroad, "4.2.3", "it stands in US, and SG is declared"),
    (sharing_deeds.an_address_goes_to_support_in_clear, "4.2.4", "1 values of email are not masked"),
    (sharing_deeds.somebody_who_left_can_still_sign_in_at_the_help_desk, "4.2.4", "1 active account of nobody"),
    (deeds.a_question_is_filed_under_somebody_else, "5.1", "support_tickets.subject in shop: 1 row that name"),
    (deeds.a_copy_is_never_made, "5.1", "said to be done, and no copy was ever made"),
    (deeds.somebody_erased_comes_back, "5.3", "users in shop: 1 person who was erased is back"),
    (deeds.an_erasure_is_never_proven, "5.3", "for erasure said to be done without proof"),
    (deeds.a_value_of_somebody_erased_is_left, "5.3", "cache.v in shop: 3 rows with a value of an erased person"),
    (deeds.data_are_used_during_a_restriction, "5.4", "orders in shop: 1 "),
    (deeds.data_are_used_after_an_objection, "5.6", "fraud_checks in shop: 1 "),
    (deeds.the_policy_is_edited_silently, "8a", "the policy file: is not version 1"),
    (deeds.a_published_version_is_altered, "8a", "version 1: its text does not have the hash"),
    (deeds.a_version_is_swapped, "8a", "the policy file: is not version 1"),
    (deeds.a_longer_period_is_posted_as_editorial, "8b", "version 2: is materially new and held from 2024-03-01"),
    (deeds.the_policy_holds_before_it_was_written, "8.1b", "holds from 2024-01-08"),
]

PAGES = [
    (at("/sign-up", '<button class="first">', '<input name="birthday">'), "1.1", 'field "birthday" on /sign-up'),
    (at("/sign-up", 'name="newsletter"', 'name="newsletter" checked'), "2.2a", 'field "newsletter" on /sign-up'),
    (pages.one_click_refused, "2.1c", "the one click of a mail program answers with status 403"),
    (pages.one_click_forgotten, "2.1c", "the page does not say that letters have stopped"),
    (pages.stopping_asks_why, "2.2a", "the page asks for 1 thing before it takes consent back"),
    (pages.open_console, "3.1b", "/console: answers a stranger without asking"),
    (pages.scripted_cookie, "3.1b", "cookie shop_form of /log-in: is set without HttpOnly"),
    (pages.endless_guessing, "3.1b", "/log-in: takes 10 wrong passwords in a row"),
    (at("/.well-known/security.txt", "Expires: 20", "Expires: 19"), "3.1e", "its security.txt ran out on"),
    (everywhere("strict-transport-security", None), "3.1a", "does not say that browsers must use TLS"),
    (everywhere("server", "nginx/1.18.0"), "3.1e", "tells strangers which version"),
    (at("/privacy", ">90 days</td>", ">9 years</td>"), "3.2b", "does not say 90 days"),
    (at("/privacy", '<code id="periods-rules">', '<code id="periods-rules">0'), "3.2b", "made from other rules"),
    (at("/privacy", ">Example Desk</td>", ">Example Ghost</td>"), "4.2", "does not name the recipient Example Desk"),
    (pages.bare_fields, "5", "of forms with no label"),
    (pages.stray_cookie, "6.1a", "sets the cookie visitor, which the policy does not name"),
    (pages.lasting_cookie, "6.1a", "the cookie shop_form stays until"),
    (pages.no_way_to_the_choice, "6.2a", "/sign-up: no link leads from here to /privacy/centre"),
    (pages.cookie_wall, "6.2b", "/: without cookies the page answers with status 403"),
    (at("/", "</main>", '<a href="https://ads.example.net/">Ads</a></main>'), "7a", "leads to ads.example.net"),
    (at("/", "</main>", '<a href="https://tea.example.org/?m=a.reader@example.org">Tea</a></main>'), "7a", "carries"),
    (everywhere("referrer-policy", "unsafe-url"), "7a", "sets no strict Referrer-Policy"),
    (at("/", "</main>", '<img src="https://pixel.example.net/1.gif" alt=""></main>'), "7b", "from pixel.example.net"),
    (at("/privacy", "Sharing with vendors who help us", "Sharing with our friends who help us"), "8a", "sentence 4.1a"),
    (at("/privacy", '<p id="s4"', '<p hidden id="s4"'), "8a", "sentence 4 "),
    (at("/privacy/versions", 'id="version-1"', 'id="version"'), "8b", "version 1 is not listed"),
    (at("/privacy", "https://www.cac.gov.cn/", "/privacy/versions"), "9.2", "no authority of the country CN"),
]  # fmt: skip

ATTESTED = [
    (deeds.the_minutes_are_edited, "4.1c", "minutes-no-transfer.md is not the attested one"),
    (deeds.an_attestation_has_run_out, "4.1c", "the attestation ended on 2026-11-21"),
    (deeds.the_report_of_the_restore_is_edited, "3", "restore.md is not the attested one"),
    (deeds.nobody_says_any_more_that_updates_are_put_in, "3.1e", "the attestation ended on 2026-11-21"),
    (deeds.the_report_of_the_test_is_lost, "3.1c", "pentest.md is not there"),
    (deeds.an_impact_assessment_is_edited, "2.2d", "impact-fraud.md is not the recorded one"),
]

UNREACHED = frozenset({"3.1e"})
"""What is looked at over TLS of the same host, and cannot be where that does not hold."""

HOSTS = [
    (pages.without_tls, "does not speak TLS 1.2 or above", UNREACHED),
    (pages.with_old_tls, "still speaks TLS 1.0, 1.1", frozenset()),
    (pages.with_ciphers_that_show_no_certificate, "takes a weak cipher where nothing better is offered", frozenset()),
    (pages.with_a_certificate_of_another_name, "its certificate does not hold", UNREACHED),
    (pages.with_a_certificate_that_ran_out, "its certificate does not hold", UNREACHED),
]


def require_one_turn(
    before: Report, after: Report, number: str, to: Verdict = BROKEN, *, unreached: frozenset[str] = frozenset()
) -> None:
    """`number` turned `to`, the sums above it name it, and of every other sentence the report says what it said.

    Those that could not be reached for the same reason are `unreached`: they turned unproven, and no further.
    """
    sums = above(before, number)
    assert before.of(number).verdict is not to, f"{number} was {to} before"
    assert after.of(number).verdict is to
    for name in sums:
        was, now = before.of(name), after.of(name)
        worse = was.verdict if was.verdict is BROKEN else to
        assert now.verdict is worse, f"{name} above {number}"
        expected = set(was.caused_by) if was.verdict is worse else set()
        assert set(now.caused_by) == (expected | {number} if worse is to else expected), f"{name} above {number}"
    told_before, told_after = seen_of(before), seen_of(after)
    elsewhere = {
        name: (told_before[name], told_after[name])
        for name in told_before
        if name not in {number, *sums, *unreached} and told_before[name] != told_after[name]
    }
    assert elsewhere == {}
    assert {name for name in unreached if after.of(name).verdict is not UNPROVEN} == set()
    assert {name for name in sums if told_before[name][2:] != told_after[name][2:]} == set()


def turns(before: Report, after: Report) -> dict[str, Verdict]:
    """The sentences with observations of their own whose verdict is another now."""
    return {
        each.number: each.verdict
        for each in after.sentences
        if each.verdict is not before.of(each.number).verdict and (not each.sums or each.findings)
    }


def told(report: Report, number: str) -> str:
    return "\n".join(f"{each.where}: {each.message}" for each in report.of(number).findings if each.verdict is BROKEN)


def _named(each: object) -> str:
    return each if isinstance(each, str) and len(each) < 6 else getattr(each, "__name__", "")


def _here(cases: list[tuple[Callable[[Copy], None], str, str]]) -> list[tuple[Callable[[Copy], None], str, str]]:
    """All of them in the long form; here two for each sentence, since each is a whole check of the company."""
    if os.environ.get("SOAK") == "true":
        return cases
    return [case for place, case in enumerate(cases) if sum(each[1] == case[1] for each in cases[:place]) < 2]


@pytest.mark.parametrize(("deed", "number", "words"), _here(STORES_AND_PAPERS), ids=_named)
def test_a_broken_deed_turns_its_sentence_alone(
    running_company: RunningCompany, copy: Copy, deed: Callable[[Copy], None], number: str, words: str
) -> None:
    deed(copy)

    after = copy.check()

    assert words in told(after, number)
    require_one_turn(running_company.before, after, number)


@pytest.mark.parametrize(("spoil", "number", "words"), PAGES, ids=_named)
def test_a_spoiled_page_turns_its_sentence_alone(
    running_company: RunningCompany, copy: Copy, spoil: Spoil, number: str, words: str
) -> None:
    copy.alter(spoil)

    after = copy.check()

    assert words in told(after, number)
    require_one_turn(running_company.before, after, number)


@pytest.mark.parametrize(("spoil", "words", "unreached"), HOSTS, ids=_named)
def test_a_host_without_sound_tls_turns_the_sentence_on_encryption_alone(
    running_company: RunningCompany,
    copy: Copy,
    spoil: Callable[[Copy, ExitStack], None],
    words: str,
    unreached: frozenset[str],
) -> None:
    with ExitStack() as stack:
        spoil(copy, stack)
        after = copy.check()

    assert words in told(after, "3.1a")
    require_one_turn(running_company.before, after, "3.1a", unreached=unreached)


def test_the_host_that_is_spoiled_has_nothing_wrong_with_it_otherwise(
    running_company: RunningCompany, copy: Copy
) -> None:
    with ExitStack() as stack:
        pages.with_sound_tls(copy, stack)
        after = copy.check()

    assert seen_of(after) == seen_of(running_company.before)


def test_a_key_that_others_may_read_is_broken_and_what_needs_the_key_is_unproven(
    running_company: RunningCompany, copy: Copy
) -> None:
    deeds.the_key_is_open_to_all_users_of_the_machine(copy)

    after = copy.check()

    assert "the key: other users of the machine may open its file" in told(after, "3.1b")
    # such a key is not used, so nobody can be told apart, and the sentences that need it say why
    assert all("others may use the key file" in after.of(each).findings[0].message for each in NEED_KEY.split())
    assert turns(running_company.before, after) == {"3.1b": BROKEN, **dict.fromkeys(NEED_KEY.split(), UNPROVEN)}


def test_every_kept_sentence_has_a_deed_that_is_broken_here(running_company: RunningCompany) -> None:
    kept = {each.number for each in running_company.before.sentences if each.verdict is KEPT}

    assert kept <= {number for _, number, _ in (*STORES_AND_PAPERS, *PAGES, *ATTESTED)} | {"3.1a"}


@pytest.mark.parametrize(("deed", "number", "words"), ATTESTED, ids=_named)
def test_what_nobody_attests_any_more_is_unproven_and_not_broken(
    running_company: RunningCompany, copy: Copy, deed: Callable[[Copy], None], number: str, words: str
) -> None:
    deed(copy)

    after = copy.check()

    assert words in "\n".join(finding.message for finding in after.of(number).findings)
    require_one_turn(running_company.before, after, number, UNPROVEN)


def test_a_law_that_nobody_looked_at_again_is_unproven_and_not_broken(
    running_company: RunningCompany, copy: Copy
) -> None:
    deeds.the_law_is_not_looked_at_again(copy)

    after = copy.check()

    assert "that day has passed" in after.of("2.2c").findings[0].message
    require_one_turn(running_company.before, after, "2.2c", UNPROVEN)


# --- probes that are stopped --------------------------------------------------------------------------------------------


def no_database(copy: Copy) -> None:
    copy.shop_url = f"sqlite:///{copy.folder / 'nowhere' / 'shop.sqlite3'}"


def no_site(copy: Copy) -> None:
    copy.doors[SITE] = closed_port()


def no_host(copy: Copy) -> None:
    copy.doors[HOST] = closed_port()


def no_key(copy: Copy) -> None:
    (copy.folder / "troth.key").unlink()


def no_store(copy: Copy) -> None:
    for part in copy.folder.glob("troth.sqlite3*"):
        part.unlink()


NEED_KEY = "1.2d 2.1c 2.1d 2.2a 5.1 5.3 5.4 5.6"
NEED_STORE = "2 2.1a 2.1b 2.1d 2.1e 2.1f 3 3.1e"
STOPPED: list[tuple[Callable[[Copy], None], str]] = [
    (no_database, "1.1 1.1a 1.1b 1.1c 1.1d 1.2 1.2a 1.2b 1.2c 1.2d 2.1b 2.1c 2.1d 2.2b 3.1a 3.1b 3.2a 5.1 5.3 5.4 5.6"),
    (no_site, "2.1c 2.2a 3.1b 3.2b 4.2 6.1a 6.2a 6.2b 7a 7b 8a 8b 8.1b 9.2"),
    (no_host, "3.1a 3.1e"),
    (no_key, NEED_KEY),
    (sharing_deeds.nothing_observes_the_traffic, "1.1c 4"),
    (sharing_deeds.the_help_desk_is_not_reached, "4.2.4"),
    (sharing_deeds.the_bucket_is_not_reached, "4.2.3"),
    (sharing_deeds.the_bucket_tells_nothing, "4.2.3"),
    (sharing_deeds.what_was_handed_over_is_fetched_away, "4.2.1 4.2.2 4.2.3 4.2.4"),
    (use_deeds.the_views_are_gone, "2.1d"),
    (
        no_store,
        f"{NEED_STORE} 1.2d 2.1c 2.2a 2.2d 3.1b 3.1c 3.1d 4.1 4.1a 4.1b 4.1c 4.1d 4.2 4.2.1 4.2.2 4.2.3 4.2.4 5.1 5.3 5.4 5.6 8a 8b 8.1b",
    ),
]


@pytest.mark.parametrize(("stop", "leaves"), STOPPED, ids=_named)
def test_a_stopped_probe_leaves_what_hangs_on_it_unproven_and_turns_nothing_else(
    running_company: RunningCompany, copy: Copy, stop: Callable[[Copy], None], leaves: str
) -> None:
    before = running_company.before
    stop(copy)

    after = copy.check()

    leaf_turns = turns(before, after).keys()
    assert leaf_turns == set(leaves.split())
    for each in after.sentences:
        was = before.of(each.number).verdict
        if each.verdict is not was:
            assert (was, each.verdict) == (KEPT, UNPROVEN), each.number
            assert each.findings or set(each.caused_by) & leaf_turns, each.number
        if each.number in leaf_turns:
            assert all(finding.repair for finding in each.findings), each.number


def test_without_database_site_and_key_what_is_judged_by_words_alone_stays_as_it_was(
    running_company: RunningCompany, copy: Copy
) -> None:
    for stop in (no_database, no_site, no_host, no_key, no_store):
        stop(copy)

    after = copy.check()

    kept = {each.number for each in after.sentences if each.verdict is KEPT}
    broken = {each.number for each in after.sentences if each.verdict is BROKEN}
    assert kept == {"2.2c"}
    assert broken == {each.number for each in running_company.before.sentences if each.verdict is BROKEN}
