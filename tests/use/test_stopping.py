"""Marketing is stopped at any time: from a letter with one click, from its page, by an address, without login."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Iterator

import httpx
import pytest
from starlette.requests import Request

from tests.use.company import Company
from tests.use.served import ADDRESS, Served, hidden_token, path_in, serve
from troth.errors import PersonError, TrothError, UnknownName
from troth.foundation.tables import identifiers
from troth.foundation.web.pages import Ask, Frame, Site
from troth.policy.settings import MailSettings
from troth.use.decision import Reason
from troth.use.stopping import centre as stopping
from troth.use.stopping import suppression, tokens, unsubscribe
from troth.use.stopping.tokens import Stop
from troth.use.tables import consent_events, suppressions
from troth.use.words import Consent

EMAIL = "ada-91f0@customer.example"
CENTRE = "/privacy/centre"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def served(company: Company) -> Iterator[Served]:
    company.troth.register(id="17", email=EMAIL)
    company.troth.give_consent("id=17", "marketing")
    with serve(company) as running:
        yield running


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    """A mail program: no cookies, no login."""
    with served.browser() as found:
        yield found


def way_out(company: Company, person: object = None, purpose: str = "marketing") -> str:
    """The path in the header of a letter."""
    found = company.troth.unsubscribe_headers(person or {"id": "17", "email": EMAIL}, purpose)
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = re.fullmatch(rf"<{re.escape(ADDRESS)}(\S+)>", found["List-Unsubscribe"])
    assert path
    return path[1]


def wanted(company: Company, purpose: str = "marketing") -> bool:
    return bool(company.troth.may("id=17", purpose, "contact.email"))


# --- one click ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coding", ["urlencoded", "multipart"])
def test_one_post_without_cookies_stops_at_once_and_repeated_it_is_the_same(
    served: Served, client: httpx.Client, coding: str
) -> None:
    path = way_out(served.company)
    sent = {"data": ONE_CLICK} if coding == "urlencoded" else {"files": {"List-Unsubscribe": (None, "One-Click")}}
    assert wanted(served.company)

    first, second = client.post(path, **sent), client.post(path, **sent)

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.text == second.text
    assert "set-cookie" not in first.headers
    assert not wanted(served.company)
    assert not served.company.troth.may_mail(EMAIL, "marketing")
    words = [row.event for row in served.company.rows(consent_events)]
    assert words == [Consent.GIVEN, Consent.WITHDRAWN]
    assert served.company.count(suppressions) == 1


def test_to_look_changes_nothing(served: Served, client: httpx.Client) -> None:
    path = way_out(served.company)
    before = len(served.company.leaves())

    for method in ("GET", "HEAD"):
        assert client.request(method, path).status_code in (200, 405)
    page = client.get(path)

    assert "Stop these letters" in page.text
    assert 'data-state="sent"' in page.text
    assert wanted(served.company)
    assert len(served.company.leaves()) == before


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("", "application/x-www-form-urlencoded"),
        ("List-Unsubscribe=", "application/x-www-form-urlencoded"),
        ("List-Unsubscribe=one-click", "application/x-www-form-urlencoded"),
        ("list-unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        ('{"List-Unsubscribe": "One-Click"}', "application/json"),
        ("x" * 20_000, "application/x-www-form-urlencoded"),
        ("--b\r\nbroken", "multipart/form-data; boundary=b"),
        ("nothing", "multipart/form-data"),
    ],
)
def test_a_post_that_is_no_one_click_stops_nothing(served: Served, client: httpx.Client, body: str, kind: str) -> None:
    answer = client.post(way_out(served.company), content=body, headers={"content-type": kind})
    assert answer.status_code == 400
    assert wanted(served.company)


def test_a_link_says_nothing_and_cannot_be_made_or_bent(served: Served, client: httpx.Client) -> None:
    path = way_out(served.company)
    token = path.rpartition("/")[2]
    assert token != way_out(served.company).rpartition("/")[2]
    raw = base64.urlsafe_b64decode(token + "==")
    for secret in (b"marketing", EMAIL.encode(), b"17"):
        assert secret not in raw
    chance, refused = random.Random(3), 0
    for _ in range(2000):
        place = chance.randrange(len(token))
        bent = token[:place] + chance.choice("abcXYZ019-_") + token[place + 1 :]
        if bent != token and tokens.read(served.company.office.keyring, bent) is None:
            refused += 1
        else:
            assert base64.urlsafe_b64decode(bent + "==") == raw
    assert refused > 1700
    assert client.post(f"{CENTRE}/mail/{'A' * 60}", data=ONE_CLICK).status_code == 404
    assert client.get(f"{CENTRE}/mail/{'A' * 60}").status_code == 404
    assert wanted(served.company)


def test_it_stops_only_its_own_purpose_and_its_own_person(served: Served, client: httpx.Client) -> None:
    troth = served.company.troth
    troth.register(id="18", email="bob@customer.example")
    for person in ("id=17", "id=18"):
        troth.give_consent(person, "marketing")
        troth.give_consent(person, "analytics")
    client.post(way_out(served.company), data=ONE_CLICK)
    assert not wanted(served.company)
    assert troth.may("id=17", "analytics", "usage.page")
    assert troth.may("id=18", "marketing", "contact.email")
    assert troth.may_mail("bob@customer.example", "marketing")


def test_marketing_that_rests_on_no_consent_is_objected_to(served: Served, client: httpx.Client) -> None:
    client.post(way_out(served.company, "id=17", "marketing.post"), data=ONE_CLICK)
    decision = served.company.troth.may("id=17", "marketing.post", "contact.address")
    assert (bool(decision), decision.reason) == (False, Reason.OBJECTION_STANDS)


def test_it_works_for_somebody_who_was_erased_and_the_wish_outlives_them(served: Served, client: httpx.Client) -> None:
    path, company = way_out(served.company), served.company
    with company.office.store.writing() as tx:  # what an erasure leaves: a number to which nothing leads
        tx.execute(identifiers.delete())
    words = len(company.rows(consent_events))

    assert client.post(path, data=ONE_CLICK).status_code == 200

    assert len(company.rows(consent_events)) == words
    company.troth.register(id="99", email=EMAIL)
    assert company.troth.may_mail(EMAIL, "marketing").reason is Reason.OBJECTION_STANDS
    assert EMAIL not in json.dumps([str(row) for row in company.rows(suppressions)])


def test_headers_are_for_what_can_be_stopped_and_for_known_people(company: Company) -> None:
    company.troth.register(id="17")
    for purpose, words in (("service.provide", "nothing that one can stop"), ("newsletters", "not a purpose")):
        with pytest.raises(UnknownName, match=words):
            company.troth.unsubscribe_headers("id=17", purpose)
    with pytest.raises(PersonError):
        company.troth.unsubscribe_headers("id=404", "marketing")


# --- the page -----------------------------------------------------------------------------------------------------


def test_the_page_has_one_button_and_says_when_it_is_done(served: Served, client: httpx.Client) -> None:
    path = way_out(served.company)
    page = client.get(path)
    assert len(re.findall(r"<button", page.text)) == 1

    done = client.post(f"{path}/stop", data={"form_token": hidden_token(page.text)})

    assert done.status_code == 303
    assert 'data-state="stopped"' in client.get(done.headers["location"]).text
    assert not wanted(served.company)


def test_the_button_of_another_site_does_nothing(served: Served, client: httpx.Client) -> None:
    path = way_out(served.company)
    token = hidden_token(client.get(path).text)
    assert client.post(f"{path}/stop").status_code == 403
    foreign = client.post(f"{path}/stop", data={"form_token": token}, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert wanted(served.company)


def test_known_and_unknown_addresses_get_the_same_answer_and_the_same_letter(
    served: Served, client: httpx.Client
) -> None:
    answers = []
    for count, address in enumerate((EMAIL, "stranger@nowhere.example"), start=1):
        token = hidden_token(client.get(f"{CENTRE}/mail").text)
        answers.append(client.post(f"{CENTRE}/mail", data={"form_token": token, "email": address}))
        assert served.wait_for_letter(count).to == address
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].text == answers[1].text
    known, unknown = served.letters
    hidden = re.compile(r"/mail/\S+")
    assert hidden.sub("", known.text) == hidden.sub("", unknown.text)
    assert known.subject == unknown.subject
    assert len(path_in(known)) == len(path_in(unknown))


def test_an_address_without_an_account_stops_letters_to_itself(served: Served, client: httpx.Client) -> None:
    address = "stranger@nowhere.example"
    token = hidden_token(client.get(f"{CENTRE}/mail").text)
    client.post(f"{CENTRE}/mail", data={"form_token": token, "email": address})
    path = path_in(served.wait_for_letter())

    assert client.post(path, data=ONE_CLICK).status_code == 200

    decision = served.company.troth.may_mail(address, "marketing")
    assert decision.reason is Reason.OBJECTION_STANDS
    assert not served.company.troth.may_mail(address, "marketing.post")


def test_by_an_address_all_marketing_of_its_person_stops_and_nothing_else(served: Served, client: httpx.Client) -> None:
    troth = served.company.troth
    troth.give_consent("id=17", "analytics")
    token = hidden_token(client.get(f"{CENTRE}/mail").text)
    client.post(f"{CENTRE}/mail", data={"form_token": token, "email": EMAIL})
    client.post(path_in(served.wait_for_letter()), data=ONE_CLICK)
    assert not wanted(served.company)
    assert not troth.may("id=17", "marketing.post", "contact.address")
    assert troth.may("id=17", "analytics", "usage.page")


def test_one_address_gets_one_such_letter_a_day(served: Served, client: httpx.Client) -> None:
    for _ in range(4):
        token = hidden_token(client.get(f"{CENTRE}/mail").text)
        client.post(f"{CENTRE}/mail", data={"form_token": token, "email": EMAIL})
    served.wait_for_letter()
    assert len(served.letters) == 1


def test_whose_address_it_is_is_looked_up_apart_from_the_answer(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    monkeypatch.setattr(stopping.MailPages, "_send_link", lambda _, address: looked.append(address))
    site = Site(secret=b"x", clock=served.company.clock, packages=("troth.use",))
    request = Request({"type": "http", "method": "POST", "path": f"{CENTRE}/mail", "headers": []})
    pages = stopping.MailPages(served.company.troth.lease, MailSettings(), ADDRESS, CENTRE)

    answer = pages.send(Ask(site, request, {"email": EMAIL}, served.company.clock.now(), Frame("Example", "x", ())))

    assert answer.background is None
    assert looked == []
    assert site.afterwards.settle()
    assert looked == [EMAIL]


def test_one_network_cannot_have_letters_sent_to_everybody(served: Served, client: httpx.Client) -> None:
    token = hidden_token(client.get(f"{CENTRE}/mail").text)
    asked = [{"form_token": token, "email": f"stranger-{n}@nowhere.example"} for n in range(40)]
    codes = [client.post(f"{CENTRE}/mail", data=each).status_code for each in asked]
    sent = stopping.SOURCE_LIMIT.free
    assert codes == [200] * sent + [429] * (40 - sent)
    served.wait_for_letter(sent)
    assert len(served.letters) == sent


def test_what_is_no_address_is_told_at_the_field(client: httpx.Client) -> None:
    token = hidden_token(client.get(f"{CENTRE}/mail").text)
    answer = client.post(f"{CENTRE}/mail", data={"form_token": token, "email": "no address"})
    assert (answer.status_code, 'aria-invalid="true"' in answer.text) == (422, True)


# --- the list -----------------------------------------------------------------------------------------------------


def test_the_later_word_counts_between_the_list_and_a_consent(company_on_each: Company) -> None:
    troth, clock = company_on_each.troth, company_on_each.clock
    troth.register(id="17", email=EMAIL)
    troth.give_consent("id=17", "marketing")
    assert troth.may_mail(EMAIL.upper(), "marketing")

    assert troth.suppress([f" {EMAIL.upper()} ", "list@nowhere.example"], "marketing", source="old-crm") == (2, 0)
    assert troth.suppress([EMAIL, "list@nowhere.example"], "marketing", source="old-crm") == (0, 2)
    assert not troth.may_mail(EMAIL, "marketing")
    assert not troth.may("id=17", "marketing", "contact.email"), "who is known is refused as a person too"

    from datetime import timedelta

    clock.advance(timedelta(minutes=1))
    troth.give_consent("id=17", "marketing")
    assert troth.may_mail(EMAIL, "marketing")
    assert not troth.may_mail("list@nowhere.example", "marketing")


def test_a_list_with_a_fault_is_not_brought_at_all(company: Company) -> None:
    with pytest.raises(PersonError):
        company.troth.suppress(["one@nowhere.example", "no address"], "*", source="old-crm")
    with pytest.raises(TrothError, match="source"):
        company.troth.suppress(["one@nowhere.example"], "*", source="somebody@nowhere.example")
    assert company.count(suppressions) == 0


def test_the_terminal_brings_a_list_and_names_the_line_that_is_no_address(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    import typer
    from typer.testing import CliRunner

    from troth.use.stopping import commands

    app = typer.Typer()
    app.command("suppress")(commands.suppress)
    monkeypatch.chdir(company.folder)
    monkeypatch.setenv("STORE_URL", company.environ["STORE_URL"])
    words = ["-", "--source", "robinson"]
    lines = "one@nowhere.example\n\ntwo@nowhere.example\n"

    done = CliRunner().invoke(app, words, input=lines)
    assert done.stdout == "2 addresses get no mail from now on; 0 did not before\n"
    again = CliRunner().invoke(app, [*words, "--format", "json"], input=lines)
    assert json.loads(again.stdout) == {"schema": 1, "purpose": "*", "source": "robinson", "new": 0, "known": 2}
    wrong = CliRunner().invoke(app, words, input="three@nowhere.example\nfour\n")
    assert isinstance(wrong.exception, PersonError)
    assert (wrong.exception.where, company.count(suppressions)) == ("line 2", 2)
    assert isinstance(CliRunner().invoke(app, [*words, "--purpose", "fraudulent"], input=lines).exception, UnknownName)


def test_every_entry_of_the_list_has_its_entry_in_the_ledger(company: Company) -> None:
    company.troth.suppress(["one@nowhere.example"], "*", source="old-crm")
    [row] = company.rows(suppressions)
    leaf = next(each for each in company.leaves() if each.id == row.leaf)
    body = json.loads(leaf.content)["body"]
    assert (leaf.kind, body["reason"], body["source"]) == ("no-mail.listed", "imported", "old-crm")
    assert b"nowhere" not in leaf.content


def test_an_unreadable_store_is_a_no(company: Company) -> None:
    company.troth.register(id="17", email=EMAIL)
    company.troth.give_consent("id=17", "marketing")
    company.office.store.close()
    (company.folder / "troth.sqlite3").unlink()
    assert not company.troth.may_mail(EMAIL, "marketing")


def test_what_a_probe_stops_starts_again_by_itself_and_was_nobody_real(company: Company) -> None:
    from datetime import timedelta

    hashed = tokens.address_hash(company.office.keyring, "probe@nowhere.example")
    stop = Stop("marketing", None, hashed, probe=True)
    assert unsubscribe.stop(company.office, stop, method="one-click").stopped
    with company.office.store.reading() as tx:
        assert suppression.is_suppressed(tx, company.office, hashed, "marketing")
    company.clock.advance(timedelta(minutes=2))
    with company.office.store.reading() as tx:
        assert not unsubscribe.look(tx, company.office, stop).stopped
