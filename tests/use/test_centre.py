"""The privacy centre, over real HTTP and without scripts: only the person gets in, and each choice is one button."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from tests.use.company import POLICY, Company, found_company
from tests.use.served import Served, hidden_token, path_in, serve
from troth.use import entrance
from troth.use.tables import centre_links, centre_sessions

EMAIL = "ada-91f0@customer.example"
CENTRE = "/privacy/centre"


@pytest.fixture
def served(company: Company) -> Iterator[Served]:
    company.troth.register(id="17", email=EMAIL)
    with serve(company) as running:
        yield running


@pytest.fixture
def browser(served: Served) -> Iterator[httpx.Client]:
    with served.browser() as client:
        yield client


def _post(browser: httpx.Client, path: str, page: str | None = None, **fields: str) -> httpx.Response:
    """Send a form as the browser would after reading the page at `page`."""
    token = hidden_token(browser.get(page or CENTRE).text)
    return browser.post(path, data={"form_token": token, **fields})


def _sign_in(served: Served, browser: httpx.Client) -> None:
    with served.app() as app:
        path = app.post("/v1/centre-links", json={"person": "id=17"}).json()["url"].partition("example.com")[2]
    assert _post(browser, path, path).status_code == 303


def _rows(page: str) -> dict[str, tuple[str, str, str]]:
    """Each line of the table: sentence -> (now, since, button)."""
    found = {}
    for row in re.findall(r'<tr role="row">\s*(<td.*?)</tr>', page, re.DOTALL):
        sentence = html.unescape(re.search(r"<b>(.*?)</b>", row)[1])
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
        found[sentence] = (cells[1], cells[2], re.search(r"<button[^>]*>(.*?)</button>", row)[1])
    return found


def test_a_stranger_sees_the_way_in_and_nothing_of_anybody(browser: httpx.Client) -> None:
    page = browser.get(CENTRE)

    assert page.status_code == 200
    assert "Send me a link" in page.text
    assert "We would like to" not in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text


def test_a_person_gets_in_by_a_link_to_the_address_on_file(served: Served, browser: httpx.Client) -> None:
    sent = _post(browser, f"{CENTRE}/link", email=f"  {EMAIL.upper()} ")
    assert sent.status_code == 200
    letter = served.wait_for_letter()
    assert letter.to == EMAIL
    assert EMAIL not in repr(letter)

    followed = browser.get(path_in(letter))
    assert "We would like to" not in followed.text
    assert served.company.count(centre_sessions) == 0, "to follow a link changes nothing"
    entered = _post(browser, path_in(letter), path_in(letter))
    assert (entered.status_code, entered.headers["location"]) == (303, CENTRE)
    assert "httponly" in entered.headers["set-cookie"].lower()
    assert "samesite=lax" in entered.headers["set-cookie"].lower()

    page = browser.get(CENTRE).text
    assert f"Signed in as {EMAIL}" in page
    assert "We would like to" in page


def test_the_table_tells_every_purpose_one_has_a_say_in(served: Served, browser: httpx.Client) -> None:
    served.company.troth.give_consent("id=17", "marketing")
    _sign_in(served, browser)

    assert _rows(browser.get(CENTRE).text) == {
        "We send you the newsletter.": ("yes", "November 22, 2026", "Withdraw"),
        "We measure how pages are used.": ("no", "never asked", "Allow"),
        "We stop fraud.": ("yes", "never objected", "Object"),
        "We ask the public.": ("yes", "never objected", "Object"),
        "We post catalogues.": ("yes", "never objected", "Object"),
        "We also improve.": ("no", "never asked", "Allow"),
    }


@pytest.mark.parametrize(
    ("purpose", "data", "first", "then"),
    [
        ("marketing", "contact.email", "allow", "refuse"),
        ("analytics", "usage.page", "allow", "refuse"),
        ("improve", "usage.page", "allow", "refuse"),
        ("fraud", "device.ip", "refuse", "allow"),
        ("marketing.post", "contact.address", "refuse", "allow"),
    ],
)
def test_each_choice_is_one_button_there_and_one_back(
    served: Served, browser: httpx.Client, purpose: str, data: str, first: str, then: str
) -> None:
    _sign_in(served, browser)
    troth = served.company.troth

    for word in (first, then, first):
        done = _post(browser, f"{CENTRE}/choice", purpose=purpose, word=word)
        assert done.status_code == 303
        assert bool(troth.may("id=17", purpose, data)) is (word == "allow")
        assert 'class="done"' in browser.get(done.headers["location"]).text


def test_allowing_marketing_again_ends_an_objection_that_was_raised_elsewhere(
    served: Served, browser: httpx.Client
) -> None:
    troth = served.company.troth
    troth.give_consent("id=17", "marketing")
    troth.object_to("id=17", "*")
    _sign_in(served, browser)
    assert _rows(browser.get(CENTRE).text)["We send you the newsletter."][0] == "no"

    _post(browser, f"{CENTRE}/choice", purpose="marketing", word="allow")

    assert troth.may("id=17", "marketing", "contact.email")
    assert not troth.may("id=17", "fraud", "device.ip")


def test_use_is_paused_and_unlocked_by_one_button_each(served: Served, browser: httpx.Client) -> None:
    _sign_in(served, browser)

    _post(browser, f"{CENTRE}/pause", word="pause")
    assert "Your data is <b>locked</b>" in browser.get(CENTRE).text
    assert served.company.troth.may("id=17", "service.provide", "contact.email").reason == "restricted"
    _post(browser, f"{CENTRE}/pause", word="resume")

    assert "locked</b>" not in browser.get(CENTRE).text
    assert served.company.troth.may("id=17", "service.provide", "contact.email")


def test_a_link_works_once_and_not_after_its_time(served: Served, browser: httpx.Client) -> None:
    _post(browser, f"{CENTRE}/link", email=EMAIL)
    _post(browser, f"{CENTRE}/link", email=EMAIL)
    first, second = path_in(served.wait_for_letter(1)), path_in(served.wait_for_letter(2))
    assert _post(browser, first, first).status_code == 303

    with served.browser() as another:
        again = _post(another, first, CENTRE)
        assert (again.status_code, "used already" in again.text) == (410, True)
        assert another.get(first).status_code == 410
        served.company.clock.advance(entrance.LINK_LIFE)
        assert _post(another, second, CENTRE).status_code == 410
        assert "We would like to" not in another.get(CENTRE).text


def test_the_company_s_own_software_hands_its_customer_over(served: Served, browser: httpx.Client) -> None:
    address = served.company.troth.centre_link("id=17")
    path = address.removeprefix("https://shop.example.com")

    assert _post(browser, path, path).status_code == 303
    assert "Signed in" in browser.get(CENTRE).text


def test_entering_again_ends_the_session_before(served: Served, browser: httpx.Client) -> None:
    _sign_in(served, browser)
    before = browser.cookies["privacy_session"]

    _sign_in(served, browser)

    assert browser.cookies["privacy_session"] != before
    assert served.company.count(centre_sessions) == 1


@pytest.mark.parametrize("token", ["x", "A" * 43, "%2e%2e%2f", "é" * 30])
def test_a_made_up_link_opens_nothing(browser: httpx.Client, token: str) -> None:
    assert browser.get(f"{CENTRE}/enter/{token}").status_code in (307, 404, 410)


def test_known_and_unknown_addresses_are_answered_alike(served: Served, browser: httpx.Client) -> None:
    known = _post(browser, f"{CENTRE}/link", email=EMAIL)
    unknown = _post(browser, f"{CENTRE}/link", email="nobody-91f0@customer.example")

    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    assert set(known.headers) == set(unknown.headers)
    served.wait_for_letter()
    assert [letter.to for letter in served.letters] == [EMAIL]


def test_who_it_is_is_looked_up_only_after_the_answer_has_gone(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr(entrance, "link_by_mail", lambda *_: looked.append("up"))  # and finds nobody
    from troth.foundation.clock import SystemClock
    from troth.foundation.web.pages import Ask, Frame, Site
    from troth.use.centre import Centre

    site = Site(secret=b"x", clock=SystemClock(), packages=("troth.use",))
    request = httpx_request_of(f"{CENTRE}/link")
    centre = Centre(served.company.troth.lease, served.company.troth.instance.settings.mail, "https://shop.example.com")

    centre.ask_for_link(
        Ask(site, request, {"email": EMAIL}, served.company.clock.now(), Frame("Example", "Privacy", ()))
    )

    assert looked == []
    assert site.afterwards.settle()
    assert looked == ["up"]


def httpx_request_of(path: str) -> object:
    from starlette.requests import Request

    return Request(
        {
            "type": "http",
            "method": "POST",
            "path": path,
            "headers": [],
            "query_string": b"",
            "scheme": "http",
            "server": ("x", 80),
        }
    )


def test_nobody_is_flooded_with_links(served: Served, browser: httpx.Client) -> None:
    for _ in range(entrance.MOST_MAILS + 3):
        _post(browser, f"{CENTRE}/link", email=EMAIL)
    served.wait_for_letter(entrance.MOST_MAILS)
    served.company.clock.advance(entrance.LINK_LIFE)

    assert len(served.letters) == entrance.MOST_MAILS
    _post(browser, f"{CENTRE}/link", email=EMAIL)
    served.wait_for_letter(entrance.MOST_MAILS + 1)


def test_what_is_no_address_is_shown_again_with_what_is_wrong(browser: httpx.Client) -> None:
    again = _post(browser, f"{CENTRE}/link", email='"><script>alert(1)</script>')

    assert again.status_code == 422
    assert "This is not an e-mail address" in again.text
    assert "<script>alert" not in again.text
    assert "&lt;script&gt;" in again.text


@pytest.mark.parametrize("path", ["/choice", "/pause", "/leave", "/link"])
def test_no_form_of_another_site_changes_anything(served: Served, browser: httpx.Client, path: str) -> None:
    _sign_in(served, browser)
    token = hidden_token(browser.get(CENTRE).text)
    fields = {"purpose": "marketing", "word": "allow", "email": EMAIL}
    before = len(served.company.leaves())

    assert browser.post(CENTRE + path, data=fields).status_code == 403
    assert browser.post(CENTRE + path, data={**fields, "form_token": "forged"}).status_code == 403
    foreign = {"Origin": "https://evil.example"}
    assert browser.post(CENTRE + path, data={**fields, "form_token": token}, headers=foreign).status_code == 403
    assert browser.get(CENTRE + path).status_code in (404, 405)
    assert len(served.company.leaves()) == before
    assert "Signed in" in browser.get(CENTRE).text


def test_without_a_session_no_choice_is_taken(served: Served, browser: httpx.Client) -> None:
    refused = _post(browser, f"{CENTRE}/choice", purpose="marketing", word="allow")

    assert refused.status_code == 403
    assert served.company.leaves() == []


def test_a_choice_that_is_none_is_told_and_nothing_done(served: Served, browser: httpx.Client) -> None:
    _sign_in(served, browser)
    before = len(served.company.leaves())

    assert _post(browser, f"{CENTRE}/choice", purpose="marketing", word="perhaps").status_code == 422
    for purpose in ("unheard-of", "service.provide", "", "<b>"):
        for word in ("allow", "refuse"):
            assert _post(browser, f"{CENTRE}/choice", purpose=purpose, word=word).status_code == 404
    assert len(served.company.leaves()) == before


def test_a_session_ends_with_silence_with_time_and_with_leaving(served: Served, browser: httpx.Client) -> None:
    clock = served.company.clock
    _sign_in(served, browser)
    for _ in range(3):
        clock.advance(timedelta(minutes=20))
        assert "Signed in" in browser.get(CENTRE).text
    clock.advance(entrance.IDLE)
    assert "Signed in" not in browser.get(CENTRE).text

    _sign_in(served, browser)
    for _ in range(36):
        clock.advance(timedelta(minutes=20))
        last = browser.get(CENTRE).text
    assert "Signed in" not in last

    _sign_in(served, browser)
    cookie = browser.cookies["privacy_session"]
    assert _post(browser, f"{CENTRE}/leave").status_code == 303
    with served.browser() as thief:
        thief.cookies.set("privacy_session", cookie)
        assert "Signed in" not in thief.get(CENTRE).text


def test_tokens_are_kept_as_hashes_and_the_address_sealed(
    served: Served, browser: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _post(browser, f"{CENTRE}/link", email=EMAIL)
    path = path_in(served.wait_for_letter())
    _post(browser, path, path)

    stored = b"".join(file.read_bytes() for file in served.company.folder.glob("troth.sqlite3*"))
    for secret in (EMAIL, path.rsplit("/", 1)[1], browser.cookies["privacy_session"]):
        assert secret.encode() not in stored
    assert EMAIL not in "".join(record.getMessage() for record in caplog.records if not record.name.startswith("http"))
    assert served.company.rows(centre_links)[0].used_at == served.company.clock.now()


def test_a_hostile_policy_is_shown_as_text(tmp_path_factory: pytest.TempPathFactory) -> None:
    hostile = POLICY.replace("We send you the newsletter.", "'We <script>alert(1)</script> send.'")
    with found_company(tmp_path_factory.mktemp("hostile"), policy=hostile) as company:
        company.troth.register(id="17")
        with serve(company) as served, served.browser() as browser:
            _sign_in(served, browser)
            page = browser.get(CENTRE).text

    assert "<script" not in page
    assert "We &lt;script&gt;" in page


def test_a_receipt_can_be_read_and_downloaded_by_its_person_alone(served: Served, browser: httpx.Client) -> None:
    from troth.use.recording import receipts

    served.company.troth.give_consent("id=17", "marketing")
    assert browser.get(f"{CENTRE}/receipts/marketing.json").status_code == 403
    _sign_in(served, browser)
    assert f"{CENTRE}/receipts/marketing" in browser.get(CENTRE).text

    page, file = browser.get(f"{CENTRE}/receipts/marketing"), browser.get(f"{CENTRE}/receipts/marketing.json")

    assert "“We send you the newsletter.”" in page.text
    assert "you allowed it" in page.text
    assert file.headers["content-disposition"] == 'attachment; filename="consent-marketing.json"'
    found = receipts.verify(file.text, trusted=served.company.office.keyring.public_key)
    assert found.receipt["record"]["events"][0]["event_state"].endswith("#ConsentGiven")
    assert EMAIL not in file.text
    assert browser.get(f"{CENTRE}/receipts/analytics").status_code == 404, "nothing was said about it"
    assert browser.get(f"{CENTRE}/receipts/%22x").status_code == 404


def test_a_consent_that_must_be_renewed_says_why_and_is_renewed_by_one_button(
    served: Served, browser: httpx.Client
) -> None:
    served.company.troth.give_consent("id=17", "marketing")
    served.company.publish(
        POLICY.replace(
            "data: [contact.email, profile.name], basis", "data: [contact.email, profile.name, contact.phone], basis"
        )
    )
    _sign_in(served, browser)
    page = browser.get(CENTRE).text
    assert "What you agreed to has changed." in page

    _post(browser, f"{CENTRE}/choice", purpose="marketing", word="allow")

    assert served.company.troth.may("id=17", "marketing", "contact.phone")
    assert "What you agreed to has changed." not in browser.get(CENTRE).text


def test_to_withdraw_takes_no_more_steps_than_to_give(served: Served, browser: httpx.Client) -> None:
    """Counted as a browser counts: pages loaded and forms sent, from the same beginning, to the end of each choice."""
    _sign_in(served, browser)

    def steps(sentence: str, until: bool) -> int:
        count = 0
        while True:
            page = browser.get(CENTRE).text
            count += 1
            if (_rows(page)[sentence][0] == "yes") is until:
                return count
            row = page[page.index(sentence) :]
            form = row[row.index("<form") : row.index("</form>")]
            fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
            answer = browser.post(re.search(r'action="([^"]+)"', form)[1], data=fields)
            assert answer.status_code == 303
            count += 1

    sentence = "We send you the newsletter."
    give = steps(sentence, until=True)
    withdraw = steps(sentence, until=False)
    assert withdraw <= give == 3


def test_allowing_it_in_the_centre_takes_the_address_off_the_list(served: Served, browser: httpx.Client) -> None:
    troth = served.company.troth
    troth.suppress([EMAIL], "*", source="old-crm")
    served.company.clock.advance(timedelta(minutes=1))
    _post(browser, f"{CENTRE}/link", email=EMAIL)
    link = path_in(served.wait_for_letter())
    _post(browser, link, link)

    _post(browser, f"{CENTRE}/choice", purpose="marketing", word="allow")

    assert troth.may_mail(EMAIL, "marketing")
