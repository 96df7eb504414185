"""Sentences of many companies, each with what one rule should say of it: found, or silent."""

from __future__ import annotations

import datetime as dt

import pytest
import yaml

from troth.policy import reading
from troth.policy.lint import lint
from troth.policy.lint.page import fold
from troth.policy.lint.words.phrases import PERIOD, day_in

TODAY = dt.date(2026, 11, 22)


def found(rule: str, laws: str = "gdpr", **sections: str | dict) -> bool:
    body = {
        name: {"title": name.title(), "text": text} if isinstance(text, str) else text
        for name, text in sections.items()
    }
    head = {"troth": 1, "controller": {"name": "Example Club", "country": "IE"}, "laws": laws.split()}
    policy = reading.parse(yaml.safe_dump(head | body, sort_keys=False).encode())
    return any(finding.rule == rule for finding in lint(policy, today=TODAY))


@pytest.mark.parametrize(
    ("denial", "contradicts"),
    [
        ("We don't share your details with anybody.", True),
        ("Your information will never be disclosed to others without your permission.", True),
        ("We shall not pass your data to third parties unless required by law.", True),
        ("Nobody else gets your data.", True),
        ("We do not share your data except with the companies listed below.", False),
        ("We do not share your data with third parties other than our service providers.", False),
        ("We do not sell your data.", False),
        ("We do not sell or share your personal information.", False),
        ("We do not share your data for advertising.", False),
        ("We share your data with the following recipients only.", False),
    ],
)
def test_a_denial_of_sharing_is_held_against_what_is_shared(denial: str, contradicts: bool) -> None:
    providers = "Our service providers receive your address in order to deliver."
    sharing = {"title": "Sharing", "text": denial, "one": {"text": providers}}

    assert found("sharing.contradicts-itself", sharing=sharing) is contradicts


def test_a_denial_alone_contradicts_nothing() -> None:
    assert not found("sharing.contradicts-itself", sharing="We do not share your data with anybody.")


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("We use your data to personalise what you see.", True),
        ("Your data help us train our language models.", True),
        ("We may use tracking data for retargeting.", True),
        ("We never use your data for advertising.", False),
        ("We do not build profiles to personalise prices.", False),
        ("Adverts of others stand on our pages.", False),
    ],
)
def test_a_purpose_counts_where_it_is_told_and_not_where_it_is_denied(sentence: str, told: bool) -> None:
    use = {"title": "Use", "list": {"title": "Purposes", "a": {"text": "Deliver your order (contract)"}}}

    assert found("use.purpose-not-listed", use=use, cookies=sentence) is told


@pytest.mark.parametrize(
    ("sentence", "missing"),
    [
        ("We send news with your consent.", True),
        ("We send news with your consent, which you may withdraw by clicking the link in it.", False),
        ("We send news with your consent. Take your consent back in your account settings.", False),
        ("We never rely on consent.", False),
    ],
)
def test_who_relies_on_consent_says_how_to_withdraw_it(sentence: str, missing: bool) -> None:
    assert found("use.no-way-to-withdraw", use=sentence) is missing


@pytest.mark.parametrize(
    ("sentence", "faulty"),
    [
        ("We process data where we have legitimate interests.", True),
        ("We protect the legitimate interests of others and your legitimate interests.", True),
        ("It is in our legitimate interest to keep the site secure.", False),
        ("Our legitimate interests are network security and debt collection.", False),
        ("Stopping fraud is our legitimate interest.", False),
        ("We do not rely on legitimate interests.", False),
    ],
)
def test_legitimate_interests_are_explained(sentence: str, faulty: bool) -> None:
    assert found("use.interests-not-explained", use=sentence) is faulty


@pytest.mark.parametrize(
    ("sentence", "faulty"),
    [
        ("We rely on our legitimate interest in security.", True),
        ("If you are in the EU, we rely on our legitimate interest in security.", False),
        ("Where the GDPR applies, we rely on our legitimate interest in security.", False),
        ("We rely on your consent.", False),
    ],
)
def test_a_ground_that_china_does_not_know_is_limited_to_others(sentence: str, faulty: bool) -> None:
    assert found("use.basis-unknown-to-law", "gdpr pipl", use=sentence) is faulty


@pytest.mark.parametrize(
    ("sentence", "missing"),
    [
        ("We retain data as long as necessary.", True),
        ("We retain data for as long as permitted by law.", True),
        ("We store data for a reasonable period.", True),
        ("We delete all data 30 days after your last visit.", False),
        ("We keep your data until you close your account.", False),
        ("All data are erased after twenty-four (24) months.", False),
        ("Data are held as long as you have an account with us.", False),
    ],
)
def test_a_period_or_a_criterion_is_a_period_and_necessity_is_none(sentence: str, missing: bool) -> None:
    assert found("protection.no-period", protection=sentence) is missing


def test_a_kind_of_data_that_no_period_speaks_of_is_named() -> None:
    collection = {
        "title": "Collection",
        "one": {"label": "Account Information", "text": "Your name"},
        "two": {"label": "Usage Data", "text": "Your clicks"},
    }
    assert found("protection.no-period", collection=collection, protection="We keep accounts for 2 years.")
    assert not found(
        "protection.no-period", collection=collection, protection="We keep accounts and usage for 2 years."
    )
    assert not found("protection.no-period", collection=collection, protection="We keep all data for 2 years.")


@pytest.mark.parametrize(
    ("cell", "unnamed"),
    [
        ("Hosting Provider", True),
        ("Customer Support Tools", True),
        ("CRM", True),
        ("Hosting by Harbour Cloud", False),
        ("Example Pay GmbH", False),
        ("Payments (pay.harbour.io)", False),
    ],
)
def test_a_recipient_is_named_by_a_name_a_form_of_company_or_an_address(cell: str, unnamed: bool) -> None:
    sharing = {
        "title": "Sharing",
        "text": "These help us.",
        "columns": ["Who", "Why"],
        "one": {"cells": [cell, "Helps us"]},
    }

    assert found("sharing.recipients-unnamed", sharing=sharing) is unnamed


def test_a_link_to_a_list_of_recipients_names_them() -> None:
    text = "Our providers help us. The list of our sub-processors is at https://club.troth/list."
    assert not found("sharing.recipients-unnamed", sharing=text)
    assert found("sharing.recipients-unnamed", sharing="Our providers help us.")


@pytest.mark.parametrize(
    ("sentence", "silent"),
    [
        ("Our servers are in Ireland.", True),
        ("Data may be transferred to the United States under standard contractual clauses and other countries.", False),
        ("Your data never leave the European Union.", False),
        ("We store data only within the UK.", False),
        ("We use an adequacy decision for each transfer.", False),
    ],
)
def test_transfers_are_told_or_denied(sentence: str, silent: bool) -> None:
    assert found("sharing.transfers-unmentioned", sharing=sentence) is silent


def test_a_transfer_without_a_safeguard_is_a_warning() -> None:
    assert found("sharing.transfers-unmentioned", sharing="Data may be processed outside the EU.")


@pytest.mark.parametrize(
    ("sentence", "faulty"),
    [
        ("We de-identify each visitor by hashing the e-mail address.", True),
        ("User profiles are anonymised.", True),
        ("We aggregate the behaviour of users into anonymous totals.", False),
        ("Pseudonyms of users are not called anonymous.", False),
        ("You can browse anonymously.", False),
    ],
)
def test_what_is_about_one_person_is_not_anonymous(sentence: str, faulty: bool) -> None:
    assert found("sharing.anonymous-not", sharing=sentence) is faulty


@pytest.mark.parametrize(
    ("sentence", "faulty"),
    [
        ("We use analytics cookies. Change your browser settings to refuse.", True),
        ("We use performance cookies.", True),
        ("We use analytics cookies only after you agree.", False),
        ("We ask for your consent to marketing cookies.", False),
        ("We set one cookie while you are signed in.", False),
    ],
)
def test_optional_cookies_need_a_choice_that_is_not_the_browsers(sentence: str, faulty: bool) -> None:
    assert found("cookies.browser-settings-only", cookies=sentence) is faulty


@pytest.mark.parametrize(
    ("sentence", "faulty"),
    [
        ("We will post any changes on this page.", True),
        ("Please review this policy periodically.", True),
        ("Changes are published on our website and mailed to you by e-mail.", False),
        ("We tell you of changes when you next log in.", False),
        ("We have never changed.", True),
    ],
)
def test_posting_alone_tells_nobody(sentence: str, faulty: bool) -> None:
    assert found("updates.posting-only", updates=sentence) is faulty


@pytest.mark.parametrize(
    "text",
    [
        "TBD",
        "[Your Company]",
        "{{ address }}",
        "<insert name>",
        "+1 XXX XXX",
        "Address: ......",
        "to be completed",
        "____",
    ],
)
def test_a_gap_is_a_placeholder(text: str) -> None:
    assert found("contact.placeholder", contact=f"Write to us: {text}")


@pytest.mark.parametrize(
    "text", ["Harbour Lane 5, Cork", "[see section 4](https://club.troth)", "Max Street", "a <b", "Mr. X."]
)
def test_what_is_written_out_is_no_placeholder(text: str) -> None:
    assert not found("contact.placeholder", contact=f"Write to us: {text}")


@pytest.mark.parametrize(
    ("address", "reserved"),
    [
        ("me@example.com", True), ("me@mail.example.org", True), ("me@shop.invalid", True), ("me@localhost", True),
        ("me@yourdomain.com", True), ("me@example.company", False), ("me@myexample.com", False),
        ("me@shop.test.troth", False), ("me@example.com.troth", False), ("Mail me@shop.test.", True),
        ("me@club.troth", False), ("an example.", False), ("a test.", False),
    ],
)  # fmt: skip
def test_a_reserved_domain_reaches_nobody(address: str, reserved: bool) -> None:
    assert found("contact.reserved-domain", contact=f"Write to {address}") is reserved


@pytest.mark.parametrize(
    ("sentence", "unnamed"),
    [
        ("The data controller is Harbour Choir, Cork.", False),
        ("We are Harbour Choir.", False),
        ("This site is run by Harbour Choir.", False),
        ("The controller decides about your data.", True),
        ("We are happy to hear from you.", True),
    ],
)
def test_the_controller_is_named(sentence: str, unnamed: bool) -> None:
    assert found("contact.controller-unnamed", contact=sentence) is unnamed


@pytest.mark.parametrize(
    ("sentence", "unnamed"),
    [
        ("Complain to the CNIL.", False),
        ("Complain to your authority: https://edpb.europa.eu.", False),
        ("Complain to the Datatilsynet.", False),
        ("Complain to the authority of your country.", True),
        ("Write to us.", True),
    ],
)
def test_the_authority_is_named_by_name_abbreviation_or_site(sentence: str, unnamed: bool) -> None:
    assert found("contact.authority-unnamed", contact=sentence) is unnamed


def test_a_sale_statement_that_denies_needs_no_link_and_one_that_admits_does() -> None:
    denied = "We do not sell personal information and have not in the last 12 months."
    admitted = "We sold identifiers to advertisers in the last 12 months."

    assert not found("sharing.sale-statement-missing", "ccpa", sharing=denied)
    assert found("sharing.sale-statement-missing", "ccpa", sharing=admitted)
    assert not found(
        "sharing.sale-statement-missing", "ccpa", sharing=f"{admitted} Use Your Privacy Choices to stop it."
    )
    assert found("sharing.sale-statement-missing", "ccpa", sharing="An asset sale may happen in the last 12 months.")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("January 9, 2024", "2024-01-09"), ("9 January 2024", "2024-01-09"), ("9th of Jan 2024", "2024-01-09"),
        ("2024-01-09", "2024-01-09"), ("Sept. 3rd, 2025", "2025-09-03"), ("February 30, 2024", None),
        ("09/01/2024", None), ("Section 12, 2024", None), ("Foo 9, 2024", None),
    ],
)  # fmt: skip
def test_days_are_read_as_pages_write_them(text: str, day: str | None) -> None:
    assert day_in(f"Last updated: {text}") == (dt.date.fromisoformat(day) if day else None)


@pytest.mark.parametrize(
    "text", ["13 months", "one calendar month", "thirty (30) days", "10 business days", "forty-five days", "a year"]
)
def test_lengths_of_time_are_read_as_pages_write_them(text: str) -> None:
    assert PERIOD.search(f"We answer within {text}.")


def test_typographic_signs_are_read_as_plain_ones() -> None:
    assert fold("don\u2019t \u201cshare\u201d \u2013 ever\u00a0more\n now") == 'don\'t "share" - ever more now'
    assert found("sharing.contradicts-itself", sharing="We don\u2019t share your data. Our vendors receive your data.")


def test_the_word_rules_keep_silent_on_a_language_they_do_not_read() -> None:
    german = "Wir verarbeiten Ihre Daten nur, soweit dies zur Bereitstellung unserer Dienste erforderlich ist. " * 4
    assert not found("sharing.transfers-unmentioned", sharing=german)
    assert found("policy.language-unread", sharing=german)
