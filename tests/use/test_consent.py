"""Consent is bound to the exact words, can always be withdrawn, and is never rewritten."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import event

from tests.use.company import POLICY, Company
from troth import errors
from troth.use import consent
from troth.use.tables import consent_events, consent_texts
from troth.use.words import Consent

WORDS = "We send you the newsletter."


@pytest.fixture(autouse=True)
def _bob(request: pytest.FixtureRequest) -> None:
    for name in ("company", "company_on_each"):
        if name in request.fixturenames:
            request.getfixturevalue(name).troth.register(id="17", email="bob@example.org")


def test_a_given_consent_permits_and_a_withdrawn_one_no_longer(company_on_each: Company) -> None:
    troth = company_on_each.troth
    assert not troth.may("id=17", "marketing", "contact.email")

    troth.give_consent("id=17", "marketing")
    assert troth.may("id=17", "marketing", "contact.email", "Example Mail").reason == "consent-given"

    troth.withdraw_consent("id=17", "marketing")
    assert troth.may("id=17", "marketing", "contact.email", "Example Mail").reason == "consent-withdrawn"


def test_the_exact_words_are_kept_once_with_their_hash_and_the_file_s(company_on_each: Company) -> None:
    company = company_on_each
    company.troth.register(id="18")

    choice = company.troth.give_consent("id=17", "marketing", method="paper")
    company.troth.give_consent("id=18", "marketing")

    [text] = company.rows(consent_texts)
    first, _ = company.rows(consent_events)
    assert (text.text, text.sha256) == (WORDS, hashlib.sha256(WORDS.encode()).digest())
    assert choice.text_sha256 == text.sha256.hex()
    assert first.policy_sha256 == hashlib.sha256(POLICY.encode()).digest()
    assert (first.clause, first.number, first.language, first.method) == ("use.purposes.mailing", "1.1b", "en", "paper")


def test_new_words_are_another_text_and_old_consents_keep_theirs(company: Company) -> None:
    old = company.troth.give_consent("id=17", "marketing")

    company.publish(POLICY.replace(WORDS, "We send you news and offers."))
    company.troth.register(id="18")
    new = company.troth.give_consent("id=18", "marketing")

    assert {row.text for row in company.rows(consent_texts)} == {WORDS, "We send you news and offers."}
    assert company.troth.consents("id=17")[0].text_sha256 == old.text_sha256 != new.text_sha256


def test_showing_tells_every_purpose_and_what_was_never_asked(company: Company) -> None:
    company.troth.give_consent("id=17", "analytics")

    choices = company.troth.consents("id=17")

    assert [(choice.purpose, choice.state) for choice in choices] == [
        ("marketing", None),
        ("analytics", Consent.GIVEN),
        ("improve", None),
    ]
    assert choices[1].given
    assert choices[1].since == company.clock.now()


@pytest.mark.parametrize(
    ("purpose", "told"),
    [
        (
            "marketting",
            (
                '"marketting" is not a purpose of this policy. '
                'Expected one of: marketing, analytics, improve. Did you mean "marketing"?'
            ),
        ),
        (
            "fraud",
            (
                '"fraud" does not rest on consent; there is nothing to consent to. '
                "Expected one of: marketing, analytics, improve."
            ),
        ),
        ("bob@example.org", "this is not a purpose of this policy. Expected one of: marketing, analytics, improve."),
    ],
)
def test_only_a_declared_purpose_that_rests_on_consent_can_be_consented_to(
    company: Company, purpose: str, told: str
) -> None:
    for verb in (company.troth.give_consent, company.troth.withdraw_consent):
        with pytest.raises(errors.UnknownName) as refused:
            verb("id=17", purpose)

        assert str(refused.value) == f"policy.yaml: {told}"
    assert company.count(consent_events) == 0
    assert company.leaves() == []


def test_who_is_unknown_consents_to_nothing(company: Company) -> None:
    with pytest.raises(errors.PersonUnknown, match=r"^nobody is known by this email\. .*register\(id="):
        company.troth.give_consent("email=eve@example.org", "marketing")
    assert company.leaves() == []


def test_to_withdraw_twice_is_to_withdraw_once(company: Company) -> None:
    company.troth.give_consent("id=17", "marketing")
    first = company.troth.withdraw_consent("id=17", "marketing")
    company.clock.advance(timedelta(hours=1))

    again = company.troth.withdraw_consent("id=17", "marketing")

    assert again == first
    assert company.count(consent_events) == 2


def test_who_never_consented_can_still_say_no_for_good(company: Company) -> None:
    company.troth.withdraw_consent("id=17", "marketing")

    company.troth.give_consent("id=17", "marketing", at=company.clock.now() - timedelta(days=30))

    assert company.troth.may("id=17", "marketing", "contact.email").reason == "consent-withdrawn"


def test_a_purpose_that_left_the_policy_can_still_be_withdrawn_from(company: Company) -> None:
    company.troth.give_consent("id=17", "marketing")
    company.publish(POLICY.replace("purpose: marketing,", "purpose: newsletter,"))

    gone = company.troth.withdraw_consent("id=17", "marketing")

    assert (gone.state, gone.declared, gone.text_sha256) == (Consent.WITHDRAWN, False, None)
    assert [choice.purpose for choice in company.troth.consents("id=17")] == [
        "newsletter",
        "analytics",
        "improve",
        "marketing",
    ]


def test_a_refusal_is_a_word_too_and_no_consent(company: Company) -> None:
    consent.refuse(company.office, "id=17", "marketing")

    assert company.troth.consents("id=17")[0].state is Consent.REFUSED
    assert company.troth.may("id=17", "marketing", "contact.email").reason == "consent-not-given"


def test_a_word_said_now_is_later_than_every_word_before_even_if_the_clock_stepped_back(company: Company) -> None:
    company.troth.give_consent("id=17", "marketing")
    company.clock.advance(timedelta(minutes=-10))

    company.troth.withdraw_consent("id=17", "marketing")

    assert company.troth.may("id=17", "marketing", "contact.email").reason == "consent-withdrawn"


def test_a_choice_in_the_future_is_refused_since_it_would_outlast_a_withdrawal(company: Company) -> None:
    with pytest.raises(errors.TrothError, match="cannot be made in the future"):
        company.troth.give_consent("id=17", "marketing", at=company.clock.now() + timedelta(seconds=6))

    a_little_ahead = company.clock.now() + timedelta(seconds=4)
    company.troth.give_consent("id=17", "marketing", at=a_little_ahead)
    company.troth.withdraw_consent("id=17", "marketing")

    assert not company.troth.may("id=17", "marketing", "contact.email")


def test_a_time_without_a_zone_is_refused(company: Company) -> None:
    with pytest.raises(errors.NaiveTimeError):
        company.troth.give_consent("id=17", "marketing", at=datetime(2026, 11, 1))


def test_an_older_word_that_arrives_late_is_kept_and_does_not_count(company: Company) -> None:
    zone = timezone(timedelta(hours=8))
    company.troth.withdraw_consent("id=17", "marketing", at=datetime(2026, 11, 20, tzinfo=UTC))

    company.troth.give_consent("id=17", "marketing", at=datetime(2026, 11, 20, 7, 59, tzinfo=zone))

    assert company.count(consent_events) == 2
    assert not company.troth.may("id=17", "marketing", "contact.email")


@pytest.mark.parametrize("method", ["", "Form", "by bob@example.org", "a" * 41, "form\n"])
def test_the_method_is_one_plain_word(company: Company, method: str) -> None:
    with pytest.raises(errors.TrothError, match="one lower-case word"):
        company.troth.give_consent("id=17", "marketing", method=method)
    assert company.leaves() == []


def test_nobody_consents_in_a_language_the_policy_is_not_printed_in(company: Company) -> None:
    with pytest.raises(errors.TrothError, match="not in this language"):
        company.troth.give_consent("id=17", "marketing", language="zh")


def test_many_choices_are_recorded_with_their_own_times_all_or_none(company_on_each: Company) -> None:
    company, now = company_on_each, company_on_each.clock.now()
    company.troth.register_many({"id": f"n{n}"} for n in range(2_500))
    said = [(f"id=n{n}", "marketing", now - timedelta(hours=n)) for n in range(2_500)]

    assert company.troth.give_consents(said) == 2_500
    assert company.troth.withdraw_consents([("id=n1", "marketing", now), ("id=n2", "marketing", None)]) == 2

    permitted = company.troth.permitted("marketing", "contact.email", [f"id=n{n}" for n in range(2_500)])
    assert (len(permitted), permitted[:2]) == (2_498, ["id=n0", "id=n3"])
    assert company.troth.consents("id=n7")[0].since == now - timedelta(hours=7)
    assert len(company.leaves()) == 2_502
    with pytest.raises(errors.PersonUnknown, match="1 of the people in this batch"):
        company.troth.give_consents([("id=n1", "analytics", now), ("id=nobody", "analytics", now)])
    with pytest.raises(errors.UnknownName):
        company.troth.give_consents([("id=n1", "analytics", now), ("id=n2", "analytic", now)])
    assert len(company.leaves()) == 2_502


def test_what_was_said_is_never_changed_or_removed(company: Company) -> None:
    statements: list[str] = []

    def listen(raw: Any, *_: object) -> None:
        raw.set_trace_callback(statements.append)  # the driver's own word: leaves go straight to it

    event.listen(company.office.store._writer, "checkout", listen)
    troth = company.troth
    for verb in (troth.give_consent, troth.withdraw_consent, troth.give_consent, troth.object_to, troth.lift_objection):
        verb("id=17", "marketing")
    troth.restrict("id=17")
    troth.lift_restriction("id=17")

    assert len([line for line in statements if line.startswith("INSERT INTO ledger_leaves")]) == 7
    assert not [
        line
        for line in statements
        if re.match(r"\s*(UPDATE|DELETE|REPLACE)|.*DO UPDATE", line, re.IGNORECASE | re.DOTALL)
    ]
