"""Consent that ends: by time, by a change of what was agreed to; and asking anew for that purpose only."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.use.company import POLICY, Company, found_company
from troth.use import agreements, renewal, standing
from troth.use.tables import consent_events
from troth.use.words import Consent

LASTING = POLICY.replace(
    "data: [contact.email, profile.name], basis: consent}]",
    "data: [contact.email, profile.name], basis: consent}]\n      lasts: 13 months\n      remind: 30 days",
)
MORE_DATA = POLICY.replace(
    "data: [contact.email, profile.name], basis: consent",
    "data: [contact.email, profile.name, contact.phone], basis: consent",
)
NEW_RECIPIENT = POLICY.replace(
    "      recipients: [{name: Example Mail, purpose: marketing",
    "      recipients: [{name: Other Mail, purpose: marketing, data: [contact.email], country: DE}, {name: Example Mail, purpose: marketing",
)
ABROAD = POLICY.replace(
    "purpose: marketing, data: [contact.email], country: DE", "purpose: marketing, data: [contact.email], country: US"
)
TURNED = POLICY.replace("We send you the newsletter.", "We only send you the newsletter without asking.")
LESS_DATA = POLICY.replace(
    "data: [contact.email, profile.name], basis: consent", "data: [contact.email], basis: consent"
)
OTHER_WORDS = POLICY.replace("We send you the newsletter.", "We send you our newsletter.")
OTHER_PURPOSE = POLICY.replace(
    "data: [usage.page, usage.click], basis: consent", "data: [usage.page, usage.click, usage.search], basis: consent"
)


def state(company: Company, purpose: str = "marketing") -> Consent | None:
    return next(one.state for one in company.troth.consents("id=17") if one.purpose == purpose)


@pytest.fixture
def person(company_on_each: Company) -> Company:
    company_on_each.troth.register(id="17", email="ada@customer.example")
    return company_on_each


def test_a_consent_ends_with_its_time_and_is_obeyed_before_anything_is_written(person: Company) -> None:
    person.publish(LASTING)
    choice = person.troth.give_consent("id=17", "marketing")
    assert choice.until == person.clock.now().replace(year=2027, month=12)
    end = choice.until - person.clock.now()

    person.clock.advance(end - timedelta(seconds=1))
    with person.open_again() as again:
        assert again.may("id=17", "marketing", "contact.email")
    person.clock.advance(timedelta(seconds=1))
    with person.open_again() as again:
        assert not again.may("id=17", "marketing", "contact.email")
        assert again.permitted("marketing", "contact.email", ["id=17"]) == []
    assert state(person) is Consent.EXPIRED
    assert len(person.rows(consent_events)) == 1


def test_memory_never_outlives_the_end_of_a_consent(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    from troth.use import lease

    company.troth.register(id="17")
    company.publish(LASTING)
    company.troth.give_consent("id=17", "marketing")
    now = [1000.0]
    monkeypatch.setattr(lease, "monotonic", lambda: now[0])
    choice = company.troth.consents("id=17")[0]
    assert choice.until is not None
    company.clock.advance(choice.until - company.clock.now() - timedelta(seconds=900))
    for _ in range(1000):
        assert bool(company.troth.may("id=17", "marketing", "contact.email")) is (company.clock.now() < choice.until)
        now[0] += 0.95
        company.clock.advance(timedelta(seconds=0.95))


def test_what_ended_is_written_down_once_with_its_entry(person: Company) -> None:
    person.publish(LASTING)
    person.troth.give_consent("id=17", "marketing")
    person.clock.advance(timedelta(days=500))

    assert renewal.expire(person.office) == 1
    assert renewal.expire(person.office) == 0

    last = person.rows(consent_events)[-1]
    assert (last.event, last.method) == (Consent.EXPIRED, "end-of-time")
    assert [leaf.kind for leaf in person.leaves()][-1] == "consent.expired"
    person.troth.give_consent("id=17", "marketing")
    assert person.troth.may("id=17", "marketing", "contact.email")
    assert renewal.expire(person.office) == 0


def test_a_reminder_is_due_within_its_time_and_only_for_what_stands(person: Company) -> None:
    person.publish(LASTING)
    choice = person.troth.give_consent("id=17", "marketing")
    with person.office.store.reading() as tx:
        assert renewal.due(tx, person.office) == ()
    person.clock.advance(choice.until - person.clock.now() - timedelta(days=29))
    with person.office.store.reading() as tx:
        [ending] = renewal.due(tx, person.office)
    assert (ending.purpose, ending.until, ending.record) == ("marketing", choice.until, choice.record)
    person.troth.withdraw_consent("id=17", "marketing")
    with person.office.store.reading() as tx:
        assert renewal.due(tx, person.office) == ()


@pytest.mark.parametrize(
    "policy", [MORE_DATA, NEW_RECIPIENT, ABROAD, TURNED], ids=["data", "recipient", "country", "words"]
)
def test_a_change_of_meaning_asks_anew_before_the_policy_decides(person: Company, policy: str) -> None:
    person.troth.give_consent("id=17", "marketing")
    person.troth.give_consent("id=17", "analytics")
    before = len(person.leaves())

    person.publish(policy)

    assert not person.troth.may("id=17", "marketing", "contact.email")
    assert person.troth.may("id=17", "analytics", "usage.page"), "only that purpose"
    assert state(person) is Consent.RENEWAL_ASKED
    assert [leaf.kind for leaf in person.leaves()][before:] == ["consent.renewal-asked"]
    person.troth.give_consent("id=17", "marketing")
    assert person.troth.may("id=17", "marketing", "contact.email")
    assert renewal.ask(person.office) == (), "who has agreed to the new meaning is not asked again"


@pytest.mark.parametrize("policy", [LESS_DATA, OTHER_WORDS, OTHER_PURPOSE], ids=["less", "words", "other"])
def test_an_editorial_change_and_one_elsewhere_keep_consent(person: Company, policy: str) -> None:
    person.troth.give_consent("id=17", "marketing")
    count = len(person.rows(consent_events))

    person.publish(policy)

    assert person.troth.may("id=17", "marketing", "contact.email")
    assert len(person.rows(consent_events)) == count


def test_another_process_that_opens_with_the_new_policy_asks_too_and_nobody_is_asked_twice(person: Company) -> None:
    person.troth.give_consent("id=17", "marketing")
    (person.folder / "policy.yaml").write_text(MORE_DATA)
    with person.open_again() as first, person.open_again():
        assert not first.may("id=17", "marketing", "contact.email")
    asked = [row for row in person.rows(consent_events) if row.event is Consent.RENEWAL_ASKED]
    assert len(asked) == 1
    # the old process still decides by the old policy; what it hears meanwhile is asked about at the next look
    person.troth.give_consent("id=17", "marketing")
    with person.open_again() as second:
        assert not second.may("id=17", "marketing", "contact.email")


def test_who_withdrew_or_never_agreed_is_not_asked_anew(person: Company) -> None:
    person.troth.register(id="18")
    person.troth.give_consent("id=17", "marketing")
    person.troth.withdraw_consent("id=17", "marketing")
    person.publish(MORE_DATA)
    assert state(person) is Consent.WITHDRAWN


def test_without_a_time_no_consent_that_ends_counts(company: Company) -> None:
    company.publish(LASTING)
    company.troth.register(id="17")
    company.troth.give_consent("id=17", "marketing")
    with company.office.store.reading() as tx:
        said = standing.load(tx, 1)
    given = company.office.compiled.consent_bits["marketing"][0]
    assert not standing.word_of(company.office.compiled, said) & given
    assert standing.word_of(company.office.compiled, said, company.clock.now()) & given
    assert said.valid_until(company.clock.now()) == said.consents["marketing"].until


def test_the_general_ground_says_how_long_where_the_purpose_does_not(tmp_path) -> None:
    policy = POLICY.replace(
        "    vague:", "    ground: {text: Your consent., basis: consent, lasts: 2 years}\n    vague:"
    )
    with found_company(tmp_path, policy=policy) as company:
        terms = {
            p: w.terms.lasts for p, w in agreements.wordings(company.office.policy, company.office.compiled).items()
        }
    assert {str(lasts) for lasts in terms.values()} == {"2 years"}


def test_the_terminal_too_asks_anew_before_it_decides(person: Company) -> None:
    from troth.use.opening import open_office

    person.troth.give_consent("id=17", "marketing")
    (person.folder / "policy.yaml").write_text(MORE_DATA)

    _, office = open_office(person.folder, person.environ, person.clock)
    office.store.close()

    assert [row.event for row in person.rows(consent_events)] == [Consent.GIVEN, Consent.RENEWAL_ASKED]
