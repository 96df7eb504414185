"""The newsletter through a real mail server: signed, with the way out, stopped by one click and not by a look."""

from __future__ import annotations

import email
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import dkim
import httpx
import pytest
from aiosmtpd.controller import Controller

from troth.entrypoints import demonstration
from troth.example.company import Company
from troth.example.shop import carrier, newsletter
from troth.example.shop.database import open_database
from troth.example.shop.post import Post
from troth.example.shop.promises import LETTER_DATA, MARKETING
from troth.example.shop.tables import users
from troth.policy.settings import Settings
from troth.policy.usesettings import MarketingSettings
from troth.testing import FixedClock
from troth.use import letter_reading

ONE_CLICK = "List-Unsubscribe=One-Click"


class Mailboxes:
    """Takes every letter, as the mail server of its readers."""

    def __init__(self) -> None:
        self.letters: dict[str, bytes] = {}

    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:
        self.letters[envelope.rcpt_tos[0]] = envelope.content  # type: ignore[attr-defined]
        return "250 OK"


@pytest.fixture
def mailboxes() -> Iterator[tuple[Mailboxes, int]]:
    boxes = Mailboxes()
    port = demonstration.free_port()
    controller = Controller(boxes, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield boxes, port
    finally:
        controller.stop()


@pytest.fixture
def company(tmp_path: Path) -> Iterator[tuple[Company, FixedClock]]:
    """A small company of its own, served on sockets: what happens here is seen nowhere else."""
    clock = FixedClock()
    port = demonstration.free_port()
    with demonstration.running(port=port, people=40, folder=tmp_path / "company", clock=clock) as (made, _):
        clock.advance(timedelta(hours=1))
        yield made, clock


def address_in(letter: EmailMessage) -> str:
    """What a mail program takes for one click: both headers, and the web address between the brackets."""
    assert letter["List-Unsubscribe-Post"] == ONE_CLICK
    return str(letter["List-Unsubscribe"]).strip("<>")


def test_a_mail_program_ends_marketing_with_one_click_and_a_look_does_not(
    company: tuple[Company, FixedClock], mailboxes: tuple[Mailboxes, int]
) -> None:
    made, clock = company
    boxes, port = mailboxes
    key = carrier.make_key()
    engine = open_database(made.shop_url)
    post = Post(carrier.by_smtp("127.0.0.1", port, key=key, now=clock.now))
    try:
        with made.open(clock) as troth:
            with engine.begin() as tx:
                readers = {row.email: row.id for row in tx.execute(users.select().where(users.c.closed_at.is_(None)))}
            wanting = {
                address for address, number in readers.items() if troth.may(f"id={number}", MARKETING, LETTER_DATA)
            }
            sent = newsletter.send(
                engine, troth, post, campaign="smtp", subject="New teas", body="Come.", now=clock.now()
            )
            assert sent == len(wanting) > 5
            assert set(boxes.letters) == wanting, "exactly those whom troth permits"

            reader, other = sorted(wanting)[:2]
            raw = boxes.letters[reader]
            letter = email.message_from_bytes(raw, policy=SMTP)
            assert dkim.verify(raw, dnsfunc=lambda *_, **__: f"v=DKIM1; k=rsa; p={key.public}".encode())
            url = address_in(letter)
            assert reader not in url
            with httpx.Client(timeout=60) as program:
                assert program.get(url).status_code == 200
                assert program.head(url).status_code in (200, 405)
                assert troth.may_mail(reader, MARKETING)
                answer = program.post(
                    url, content=ONE_CLICK, headers={"content-type": "application/x-www-form-urlencoded"}
                )
                assert (answer.status_code, answer.history) == (200, [])

            assert not troth.may_mail(reader, MARKETING)
            assert not troth.may(f"id={readers[reader]}", MARKETING, LETTER_DATA)
            assert troth.may_mail(other, MARKETING)
            boxes.letters.clear()
            clock.advance(timedelta(seconds=1))
            assert (
                newsletter.send(engine, troth, post, campaign="next", subject="More", body="Come.", now=clock.now())
                == len(wanting) - 1
            )
            assert set(boxes.letters) == wanting - {reader}
    finally:
        engine.dispose()


def written(tmp_path: Path, key: carrier.Key | None, **headers: str | None) -> letter_reading.Letter:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "shop@example.com", "reader@example.com", "News"
    found = {
        "List-Unsubscribe": "<https://shop.example.com/privacy/centre/mail/" + "A" * 90 + ">",
        "List-Unsubscribe-Post": ONE_CLICK,
    } | headers
    for name, value in found.items():
        if value is not None:
            letter[name] = value
    letter.set_content("Tea.")
    (tmp_path / "letter.eml").write_bytes(carrier.written(letter, now=datetime(2026, 11, 22, tzinfo=UTC), key=key))
    return letter_reading.read(tmp_path / "letter.eml", None if key is None else key.public)


def test_a_sound_letter_is_read_as_one(tmp_path: Path) -> None:
    found = written(tmp_path, carrier.make_key())
    assert (found.one_click, found.holds, found.sent) == (True, True, datetime(2026, 11, 22, tzinfo=UTC))
    assert found.stops.startswith("https://shop.example.com/privacy/centre/mail/")
    assert set(letter_reading.BOTH) <= found.signed


def test_what_is_missing_or_encoded_or_not_signed_shows(tmp_path: Path) -> None:
    assert not written(tmp_path, None, **{"List-Unsubscribe-Post": None}).one_click
    assert not written(tmp_path, None, **{"List-Unsubscribe": "<mailto:stop@example.com>"}).stops
    assert written(tmp_path, None).signed == frozenset()
    raw = (tmp_path / "letter.eml").read_bytes()
    encoded = raw.replace(b"<https://shop", b"=?utf-8?q?=3Chttps=3A//shop")
    (tmp_path / "letter.eml").write_bytes(encoded)
    assert letter_reading.read(tmp_path / "letter.eml", None).stops == ""
    for content in (b"", b"\0\1\2"):
        (tmp_path / "letter.eml").write_bytes(content)
        with pytest.raises(letter_reading.Unreadable):
            letter_reading.read(tmp_path / "letter.eml", None)
    with pytest.raises(letter_reading.Unreadable):
        letter_reading.read(tmp_path / "missing.eml", None)


@pytest.mark.parametrize(
    ("change", "verdict", "words"),
    [
        (lambda raw: raw, "kept", "both headers"),
        (lambda raw: raw.replace(b"Subject: News", b"Subject: Other"), "broken", "does not hold"),
        (
            lambda raw: raw.replace(b"list-unsubscribe-post;", b"x-nothing;").replace(b":list-unsubscribe-post", b""),
            "broken",
            "does not cover",
        ),
        (lambda raw: raw.replace(b"22 Nov 2026", b"22 Sep 2026"), "unproven", "is of 2026-09-22"),
        (lambda raw: raw.replace(b"List-Unsubscribe-Post: ", b"X-Post: "), "broken", "no List-Unsubscribe-Post"),
        (lambda _: b"", "unproven", "no letter"),
    ],
    ids=["kept", "altered", "unsigned", "old", "bare", "empty"],
)
def test_the_check_of_the_letter_has_three_answers(tmp_path: Path, change, verdict: str, words: str) -> None:
    from tests.policies import example
    from troth.foundation.observation import Observation
    from troth.foundation.proof import run_checks
    from troth.use.checks.letters import letter_without_way_out

    key = carrier.make_key()
    written(tmp_path, key)
    file = tmp_path / "letter.eml"
    file.write_bytes(change(file.read_bytes()))
    seen = Observation(example(), FixedClock("2026-11-23T00:00:00+00:00").now(), tmp_path)
    seen.settings = Settings(marketing=MarketingSettings(sample="letter.eml", dkim_key=key.public))
    found = run_checks(seen.policy, [letter_without_way_out], seen).of("2.1c")
    told = " ".join([*(each.detail for each in found.evidence), *(each.message for each in found.findings)])
    assert (found.verdict.value, words in told) == (verdict, True), told
    assert "reader@" not in told


def test_no_letter_named_and_no_key_named_leave_it_unproven(tmp_path: Path) -> None:
    from tests.policies import example
    from troth.foundation.observation import Observation
    from troth.foundation.proof import run_checks
    from troth.use.checks.letters import letter_without_way_out

    written(tmp_path, carrier.make_key())
    for marketing in (MarketingSettings(), MarketingSettings(sample="letter.eml")):
        seen = Observation(
            example(), FixedClock("2026-11-23T00:00:00+00:00").now(), tmp_path, settings=Settings(marketing=marketing)
        )
        assert run_checks(seen.policy, [letter_without_way_out], seen).of("2.1c").verdict.value == "unproven"
