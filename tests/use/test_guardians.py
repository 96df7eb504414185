"""A child's consent: asked for the age, not keeping it, and nothing permitted before a guardian has confirmed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from tests.policies import policy_of
from tests.use.company import Company
from tests.use.served import Served, hidden_token, path_in, serve
from troth.errors import TrothError
from troth.policy import settings
from troth.policy.usesettings import ConsentSettings
from troth.use import guardians
from troth.use.recording import records
from troth.use.tables import consent_events, guardian_links
from troth.use.words import Consent

CHILD, PARENT = "kim@customer.example", "parent-5d2a@home.example"
CENTRE = "/privacy/centre"


@pytest.fixture
def served(company: Company) -> Iterator[Served]:
    path = company.folder / "troth.toml"
    path.write_text(path.read_text() + "[consent]\nask_age = true\n")
    company.troth.instance = settings.read(company.folder, company.environ)
    company.troth.register(id="17", email=CHILD)
    with serve(company) as running:
        yield running


@pytest.fixture
def browser(served: Served) -> Iterator[httpx.Client]:
    with served.browser() as client, served.app() as app:
        path = app.post("/v1/centre-links", json={"person": "id=17"}).json()["url"].partition("example.com")[2]
        client.post(path, data={"form_token": hidden_token(client.get(path).text)})
        yield client


def wish(browser: httpx.Client, **fields: str) -> httpx.Response:
    """Press Allow, and answer the page that asks for the age."""
    token = hidden_token(browser.get(CENTRE).text)
    asked = browser.post(f"{CENTRE}/choice", data={"form_token": token, "purpose": "marketing", "word": "allow"})
    assert asked.headers["location"] == f"{CENTRE}/age/marketing"
    return browser.post(
        asked.headers["location"],
        data={"form_token": hidden_token(browser.get(asked.headers["location"]).text), **fields},
    )


def allowed(served: Served) -> bool:
    return bool(served.company.troth.may("id=17", "marketing", "contact.email"))


def test_who_is_old_enough_consents_alone_and_no_age_is_kept(served: Served, browser: httpx.Client) -> None:
    page = browser.get(f"{CENTRE}/age/marketing").text
    assert "16 or older" in page
    assert "GDPR" in page

    assert wish(browser, old_enough="yes").status_code == 303

    assert allowed(served)
    assert not any("16" in str(row.method) for row in served.company.rows(consent_events))


def test_a_guardian_confirms_by_a_link_that_works_once_and_a_look_changes_nothing(
    served: Served, browser: httpx.Client
) -> None:
    assert wish(browser, guardian=PARENT).status_code == 303
    letter = served.wait_for_letter()
    assert letter.to == PARENT
    assert CHILD not in letter.text
    assert not allowed(served)
    assert "We wait for your guardian" in browser.get(CENTRE).text

    with served.browser() as guardian:
        path = path_in(letter)
        page = guardian.get(path)
        assert "We send you the newsletter." in page.text
        assert not allowed(served)
        done = guardian.post(path, data={"form_token": hidden_token(page.text), "word": "agree"})
        assert "you agree" in done.text
        assert guardian.get(path).status_code == 410
        assert guardian.post(path, data={"form_token": hidden_token(page.text), "word": "refuse"}).status_code == 410

    assert allowed(served)
    row = served.company.rows(consent_events)[-1]
    assert row.guardian is not None
    with served.company.office.store.reading() as tx:
        [record] = records.of_person(tx, served.company.office, 1)
    last = record.json["events"][-1]
    assert last["entity_id"].startswith("guardian-")
    assert last["on_behalf_of"] == record.json["pii_principal_id"]
    assert [event["event_state"].rpartition("#")[2] for event in record.json["events"]] == [
        "ConsentRequestDeferred",
        "ConsentGiven",
    ]
    assert PARENT not in str([served.company.rows(table) for table in (consent_events, guardian_links)])


def test_a_guardian_can_refuse(served: Served, browser: httpx.Client) -> None:
    wish(browser, guardian=PARENT)
    with served.browser() as guardian:
        path = path_in(served.wait_for_letter())
        guardian.post(path, data={"form_token": hidden_token(guardian.get(path).text), "word": "refuse"})
    assert not allowed(served)
    assert served.company.rows(consent_events)[-1].event is Consent.REFUSED


@pytest.mark.parametrize("address", [CHILD, f" {CHILD.upper()}", "", "no address"])
def test_the_child_own_address_and_what_is_none_are_told_at_the_field(
    served: Served, browser: httpx.Client, address: str
) -> None:
    answer = wish(browser, guardian=address)
    assert (answer.status_code, 'aria-invalid="true"' in answer.text) == (422, True)
    assert served.company.count(consent_events) == 0
    assert served.letters == []


def test_a_link_ends_after_three_days_and_with_the_next_word_of_the_child(
    served: Served, browser: httpx.Client
) -> None:
    company = served.company
    wish(browser, guardian=PARENT)
    token = path_in(served.wait_for_letter()).rpartition("/")[2]
    company.troth.withdraw_consent("id=17", "marketing")
    assert guardians.answer(company.office, token, agrees=True) is None

    wish(browser, guardian=PARENT)
    token = path_in(served.wait_for_letter(2)).rpartition("/")[2]
    company.clock.advance(timedelta(days=3))
    assert guardians.answer(company.office, token, agrees=True) is None
    assert not allowed(served)


def test_words_that_have_changed_since_are_not_what_the_guardian_was_asked(
    served: Served, browser: httpx.Client
) -> None:
    from tests.use.company import POLICY

    wish(browser, guardian=PARENT)
    token = path_in(served.wait_for_letter()).rpartition("/")[2]
    served.company.publish(POLICY.replace("We send you the newsletter.", "We send you our newsletter."))
    assert guardians.answer(served.company.office, token, agrees=True) is None


def test_nobody_is_annoyed_by_way_of_a_child(served: Served, browser: httpx.Client) -> None:
    for _ in range(guardians.MOST_A_DAY):
        assert wish(browser, guardian=PARENT).status_code == 303
    assert wish(browser, guardian=PARENT).status_code == 429
    assert len(served.letters) == guardians.MOST_A_DAY


@pytest.mark.parametrize(
    ("laws", "override", "years"),
    [("[gdpr]", None, 16), ("[uk-gdpr]", None, 13), ("[uk-gdpr, pipl]", None, 14), ("[gdpr, india]", None, 18),
     ("[gdpr]", 13, 13), ("[fadp]", None, None)],
)  # fmt: skip
def test_the_age_is_the_highest_that_the_laws_name(laws: str, override: int | None, years: int | None) -> None:
    policy = policy_of("use: {title: Use, text: x}", laws=laws)
    age = guardians.own_consent_from(policy, ConsentSettings(age=override))
    assert (None if age is None else age.years) == years


@pytest.mark.parametrize("old_enough", [None, False])
def test_an_app_that_does_not_say_the_age_or_says_too_young_brings_no_consent(
    served: Served, *, old_enough: bool | None
) -> None:
    troth, said = served.company.troth, {"person": "id=17", "purpose": "marketing", "word": "given"}
    with pytest.raises(TrothError if old_enough is None else guardians.TooYoung, match=r"old enough|under 16 years"):
        troth.give_consent("id=17", "marketing", old_enough=old_enough)
    with served.app() as app:
        answer = app.post("/v1/consents", json=said if old_enough is None else {**said, "old_enough": old_enough})
        assert answer.status_code == (422 if old_enough is None else 403)
        assert app.post("/v1/consents", json={**said, "word": "refused"}).status_code == 201
    assert [row.event for row in served.company.rows(consent_events)] == [Consent.REFUSED]


def test_an_app_that_asked_brings_it(served: Served) -> None:
    with served.app() as app:
        said = {"person": "id=17", "purpose": "marketing", "word": "given", "old_enough": True}
        assert app.post("/v1/consents", json=said).status_code == 201
    assert allowed(served)
    served.company.troth.withdraw_consent("id=17", "marketing")
    served.company.troth.give_consent("id=17", "marketing", old_enough=True)
    assert allowed(served)


def test_where_no_age_is_asked_allow_is_one_button(company: Company) -> None:
    company.troth.register(id="17", email=CHILD)
    with serve(company) as running, running.browser() as browser, running.app() as app:
        path = app.post("/v1/centre-links", json={"person": "id=17"}).json()["url"].partition("example.com")[2]
        browser.post(path, data={"form_token": hidden_token(browser.get(path).text)})
        token = hidden_token(browser.get(CENTRE).text)
        browser.post(f"{CENTRE}/choice", data={"form_token": token, "purpose": "marketing", "word": "allow"})
        assert browser.get(f"{CENTRE}/age/marketing").status_code == 303
    assert company.troth.may("id=17", "marketing", "contact.email")
    assert re.search("consent.given", str([leaf.kind for leaf in company.leaves()]))
