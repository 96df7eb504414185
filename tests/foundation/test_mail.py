from __future__ import annotations

import email
import email.policy
import logging
import ssl
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session
from sqlalchemy import select

from tests.killing import after_commit, before_commit, mortal
from tests.servers import _free_port as free_port
from tests.stores import fresh_store
from troth.errors import StoreConflict, StoreError, TrothError
from troth.foundation import mail
from troth.foundation.keys import Keyring
from troth.foundation.mail import Letter, MailState
from troth.foundation.store import Store
from troth.foundation.tables import outbox
from troth.policy.settings import MailSettings
from troth.testing import FixedClock

MOMENTS = (before_commit, after_commit)
LETTER = Letter("needle@customer.example", "Your copy is ready", "Grüße,\nplease sign in.", "request 2026-000412")


@dataclass
class Postbox:
    """A mail server's keeper that takes everything, unless told how to answer."""

    answer: str | None = None
    at_recipient: str | None = None
    taken: list[tuple[Envelope, EmailMessage]] = field(default_factory=list)
    tries: int = 0
    secured: list[bool] = field(default_factory=list)

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.at_recipient is not None:
            self.tries += 1
            return self.at_recipient
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Session, envelope: Envelope) -> str:
        self.tries += 1
        if self.answer is not None:
            return self.answer
        message = email.message_from_bytes(envelope.content or b"", policy=email.policy.SMTP)
        assert isinstance(message, EmailMessage)
        self.taken.append((envelope, message))
        self.secured.append(session.ssl is not None)
        return "250 OK"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trust(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    return tmp_path / "authority.pem"


def certificate(authority: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@contextmanager
def running(postbox: Postbox, **options: Any) -> Iterator[int]:
    port = free_port()
    controller = Controller(postbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def settings(postbox: Postbox) -> Iterator[MailSettings]:
    with running(postbox) as port:
        yield MailSettings(server="localhost", port=port, security="none", sender="privacy@shop.example")


def put(store: Store, keyring: Keyring, clock: FixedClock, letter: Letter = LETTER) -> MailState:
    with store.writing() as tx:
        return mail.queue(tx, keyring, letter, clock.now())


def states(store: Store, reference: str = LETTER.reference) -> list[tuple[MailState, int | None]]:
    with store.reading() as tx:
        return list(mail.states_of(tx, reference))


def raw(store: Store) -> str:
    with store.reading() as tx:
        return repr(tx.execute(select(outbox)).all())


def test_a_queued_letter_arrives_whole_once(
    each_store: Store, keyring: Keyring, clock: FixedClock, settings: MailSettings, postbox: Postbox
) -> None:
    assert put(each_store, keyring, clock) is MailState.WAITING
    assert mail.deliver(each_store, keyring, settings, clock=clock) == mail.Delivery(sent=1)
    assert mail.deliver(each_store, keyring, settings, clock=clock) == mail.Delivery()
    [(envelope, message)] = postbox.taken
    assert envelope.rcpt_tos == ["needle@customer.example"]
    assert message["To"] == "needle@customer.example"
    assert message["From"] == "privacy@shop.example"
    assert message["Subject"] == "Your copy is ready"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@shop.example>")
    assert message["Date"].datetime == clock.now()
    assert message.get_content().replace("\r\n", "\n") == "Grüße,\nplease sign in.\n"
    assert states(each_store) == [(MailState.SENT, 250)]


def test_a_letter_of_an_undone_transaction_is_never_sent(
    store: Store, keyring: Keyring, clock: FixedClock, settings: MailSettings
) -> None:
    with pytest.raises(ZeroDivisionError), store.writing() as tx:  # noqa: PT012 - the block is the promise
        mail.queue(tx, keyring, LETTER, clock.now())
        raise ZeroDivisionError
    assert mail.deliver(store, keyring, settings, clock=clock) == mail.Delivery()


def test_the_outbox_shows_nothing_of_a_letter_and_keeps_nothing_of_a_sent_one(
    store: Store, keyring: Keyring, clock: FixedClock, settings: MailSettings
) -> None:
    put(store, keyring, clock)
    assert not any(word in raw(store) for word in ("needle", "copy is ready", "please sign in"))
    mail.deliver(store, keyring, settings, clock=clock)
    with store.reading() as tx:
        assert tx.execute(select(outbox.c.sealed)).scalar_one() is None


def test_a_letter_of_one_name_is_queued_once_however_often_it_is_asked_for(
    each_store: Store, keyring: Keyring, clock: FixedClock, settings: MailSettings
) -> None:
    letter = Letter(LETTER.to, LETTER.subject, LETTER.text, LETTER.reference, once="ready 2026-000412")
    assert put(each_store, keyring, clock, letter) is MailState.WAITING
    assert put(each_store, keyring, clock, letter) is MailState.WAITING
    mail.deliver(each_store, keyring, settings, clock=clock)
    assert put(each_store, keyring, clock, letter) is MailState.SENT
    assert len(states(each_store)) == 1


def test_an_address_gets_at_most_its_share_of_a_day(store: Store, keyring: Keyring, clock: FixedClock) -> None:
    got = [put(store, keyring, clock, Letter("Needle@customer.EXAMPLE", "s", "t", "r")) for _ in range(mail.MOST_A_DAY)]
    assert set(got) == {MailState.WAITING}
    assert put(store, keyring, clock) is MailState.WITHHELD
    assert put(store, keyring, clock, Letter("other@customer.example", "s", "t", "r")) is MailState.WAITING
    clock.advance(timedelta(days=1))
    assert put(store, keyring, clock) is MailState.WAITING


@pytest.mark.parametrize(("reply", "code"), [("550 no such mailbox needle@customer.example", 550), ("554 spam", 554)])
@pytest.mark.parametrize("place", ["answer", "at_recipient"])
def test_a_refusal_for_good_bounces_and_the_log_names_the_request_only(
    store: Store,
    keyring: Keyring,
    clock: FixedClock,
    settings: MailSettings,
    postbox: Postbox,
    caplog: pytest.LogCaptureFixture,
    reply: str,
    code: int,
    place: str,
) -> None:
    setattr(postbox, place, reply)
    put(store, keyring, clock)
    with caplog.at_level(logging.DEBUG, logger="troth"):
        assert mail.deliver(store, keyring, settings, clock=clock) == mail.Delivery(bounced=1)
    assert states(store) == [(MailState.BOUNCED, code)]
    assert f"request 2026-000412: mail bounced ({code})" in caplog.text
    assert "needle" not in caplog.text


def test_a_server_that_is_busy_is_tried_again_at_growing_distances_for_five_days(
    store: Store, keyring: Keyring, clock: FixedClock, settings: MailSettings, postbox: Postbox
) -> None:
    postbox.answer = "451 try later"
    put(store, keyring, clock)
    began, at = clock.now(), []
    while mail.deliver(store, keyring, settings, clock=clock).failed == 0:
        if postbox.tries > len(at):
            at.append(clock.now())
        clock.advance(timedelta(minutes=30))
    assert postbox.tries > 10
    gaps = [later - earlier for earlier, later in pairwise(at)]
    assert gaps == sorted(gaps)
    assert max(gaps) <= timedelta(hours=4, minutes=30)
    assert timedelta(days=5) <= clock.now() - began <= timedelta(days=5, hours=5)
    assert states(store) == [(MailState.FAILED, 451)]


def test_a_server_that_is_away_costs_no_letter(
    store: Store, keyring: Keyring, clock: FixedClock, postbox: Postbox
) -> None:
    put(store, keyring, clock)
    away = MailSettings(server="localhost", port=free_port(), security="none")
    assert mail.deliver(store, keyring, away, clock=clock) == mail.Delivery(waiting=1)
    clock.advance(timedelta(minutes=1))
    with running(postbox) as port:
        back = MailSettings(server="localhost", port=port, security="none")
        assert mail.deliver(store, keyring, back, clock=clock) == mail.Delivery(sent=1)


def test_a_connection_that_breaks_after_the_first_letter_loses_none_and_doubles_none(
    store: Store, keyring: Keyring, clock: FixedClock, settings: MailSettings, postbox: Postbox
) -> None:
    for number in range(3):
        put(store, keyring, clock, Letter(f"p{number}@customer.example", "s", "t", "r"))
    taken = postbox.handle_DATA

    async def once(server: Any, session: Session, envelope: Envelope) -> str:
        said = await taken(server, session, envelope)
        if len(postbox.taken) == 1:
            server.transport.pause_reading()
            server.loop.call_later(0.01, server.transport.close)
        return said

    postbox.handle_DATA = once  # type: ignore[method-assign]
    first = mail.deliver(store, keyring, settings, clock=clock)
    assert first.sent == 1
    assert first.waiting == 2
    clock.advance(timedelta(minutes=1))
    assert mail.deliver(store, keyring, settings, clock=clock).sent == 2
    assert sorted(envelope.rcpt_tos[0] for envelope, _ in postbox.taken) == [f"p{n}@customer.example" for n in range(3)]


def test_a_process_that_died_while_sending_leaves_a_letter_that_comes_back(
    each_store: Store, keyring: Keyring, clock: FixedClock, settings: MailSettings
) -> None:
    put(each_store, keyring, clock)
    assert len(mail._claim(each_store, clock.now(), 10)) == 1
    assert mail.deliver(each_store, keyring, settings, clock=clock) == mail.Delivery()
    clock.advance(timedelta(minutes=10))
    assert mail.deliver(each_store, keyring, settings, clock=clock) == mail.Delivery(sent=1)


def test_a_slow_server_is_left_before_another_process_could_take_the_letters_for_lost(
    store: Store, keyring: Keyring, clock: FixedClock, settings: MailSettings, postbox: Postbox
) -> None:
    for number in range(4):
        put(store, keyring, clock, Letter(f"p{number}@customer.example", "s", "t", "r"))
    taken = postbox.handle_DATA

    async def slowly(server: Any, session: Session, envelope: Envelope) -> str:
        clock.advance(timedelta(minutes=3))
        return await taken(server, session, envelope)

    postbox.handle_DATA = slowly  # type: ignore[method-assign]
    assert mail.deliver(store, keyring, settings, clock=clock) == mail.Delivery(sent=2, waiting=2)
    clock.advance(timedelta(minutes=1))
    assert mail.deliver(store, keyring, settings, clock=clock) == mail.Delivery(sent=2)
    assert sorted(envelope.rcpt_tos[0] for envelope, _ in postbox.taken) == [f"p{n}@customer.example" for n in range(4)]


def deliver_in_another_process(arguments: dict[str, Any]) -> None:
    """One run of `deliver`, at the time that it is told."""
    clock = FixedClock(arguments["now"])
    keyring = Keyring.load(Path(arguments["key"]), {})
    settings = MailSettings(server="localhost", port=arguments["port"], security="none", sender="troth@shop.example")
    with Store.open(arguments["store"]) as store:
        mail.deliver(store, keyring, settings, clock=clock)


def test_killed_at_any_commit_every_letter_arrives_and_one_sent_twice_has_one_id(
    tmp_path: Path, clock: FixedClock
) -> None:
    """Killed between sending and noting it, a letter is sent again; both copies carry one Message-ID."""
    keyring = Keyring.create(tmp_path)
    letters = [f"p{number}@customer.example" for number in range(3)]
    twice = 0
    with mortal(deliver_in_another_process) as process:
        for number, death in enumerate(deaths := [moment(n) for n in (1, 2, 3, 4) for moment in MOMENTS]):
            folder = tmp_path / str(number)
            folder.mkdir()
            postbox = Postbox()
            with fresh_store(folder) as store, running(postbox) as port:
                for address in letters:
                    put(store, keyring, clock, Letter(address, "s", "t", "r"))
                url = f"sqlite:///{store.path}"
                order = {"key": str(tmp_path), "port": port, "store": url, "now": clock.now().isoformat()}
                assert process.live(order, die=death).killed
                later = clock.now() + timedelta(minutes=11)
                assert process.live(order | {"now": later.isoformat()}).done
                assert {state for state, _ in states(store, "r")} == {MailState.SENT}
            arrived = [envelope.rcpt_tos[0] for envelope, _ in postbox.taken]
            assert set(arrived) == set(letters)
            assert len(arrived) <= len(letters) + 1
            assert len({message["Message-ID"] for _, message in postbox.taken}) == len(letters)
            twice += len(arrived) > len(letters)
    assert 0 < twice < len(deaths)


def test_without_a_server_all_waits(store: Store, keyring: Keyring, clock: FixedClock) -> None:
    put(store, keyring, clock)
    assert mail.deliver(store, keyring, MailSettings(), clock=clock) == mail.Delivery()
    assert states(store) == [(MailState.WAITING, None)]


def test_a_letter_sealed_with_another_key_waits_and_does_not_stop_the_others(
    store: Store, keyring: Keyring, clock: FixedClock, settings: MailSettings, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    put(store, Keyring.create(tmp_path / "other"), clock, Letter("a@customer.example", "s", "t", "other"))
    put(store, keyring, clock)
    assert mail.deliver(store, keyring, settings, clock=clock) == mail.Delivery(sent=1, waiting=1)


# --- TLS --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_goes_over_verified_tls(
    store: Store,
    keyring: Keyring,
    clock: FixedClock,
    authority: trustme.CA,
    trust: Path,
    postbox: Postbox,
    security: str,
) -> None:
    context = certificate(authority)
    options = {"ssl_context": context} if security == "tls" else {"tls_context": context, "require_starttls": True}
    put(store, keyring, clock)
    with running(postbox, server_hostname="localhost", **options) as port:
        settings = MailSettings(server="localhost", port=port, security=security)
        assert mail.deliver(store, keyring, settings, clock=clock) == mail.Delivery(waiting=1), "an unknown authority"
        clock.advance(timedelta(hours=1))
        assert mail.deliver(store, keyring, settings, clock=clock, trust=trust) == mail.Delivery(sent=1)
    if security == "starttls":
        assert postbox.secured == [True]


def test_a_certificate_for_another_host_gets_no_mail(
    store: Store, keyring: Keyring, clock: FixedClock, authority: trustme.CA, trust: Path, postbox: Postbox
) -> None:
    put(store, keyring, clock)
    with running(postbox, tls_context=certificate(authority, "other.example"), require_starttls=True) as port:
        settings = MailSettings(server="localhost", port=port, security="starttls")
        assert mail.deliver(store, keyring, settings, clock=clock, trust=trust) == mail.Delivery(waiting=1)
    assert postbox.taken == []


def test_a_server_that_takes_starttls_away_gets_no_mail(
    store: Store, keyring: Keyring, clock: FixedClock, settings: MailSettings, postbox: Postbox
) -> None:
    put(store, keyring, clock)
    asked = settings.model_copy(update={"security": "starttls"})
    assert mail.deliver(store, keyring, asked, clock=clock) == mail.Delivery(waiting=1)
    assert postbox.taken == []


def test_mail_without_tls_does_not_leave_the_machine(store: Store, keyring: Keyring, clock: FixedClock) -> None:
    put(store, keyring, clock)
    for server in ("mail.shop.example", "192.0.2.1"):
        with pytest.raises(TrothError, match="without TLS"):
            mail.deliver(store, keyring, MailSettings(server=server, security="none"), clock=clock)


def test_a_server_that_wants_a_password_gets_it_over_tls(
    store: Store,
    keyring: Keyring,
    clock: FixedClock,
    authority: trustme.CA,
    trust: Path,
    postbox: Postbox,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == b"SECRET")

    put(store, keyring, clock)
    options = {
        "tls_context": certificate(authority),
        "require_starttls": True,
        "authenticator": check,
        "auth_required": True,
    }
    with running(postbox, **options) as port, caplog.at_level(logging.DEBUG, logger="troth"):
        settings = MailSettings(server="localhost", port=port, security="starttls", user="troth", password="wrong")
        assert mail.deliver(store, keyring, settings, clock=clock, trust=trust) == mail.Delivery(waiting=1)
        clock.advance(timedelta(minutes=1))
        right = settings.model_copy(update={"password": "SECRET"})
        assert mail.deliver(store, keyring, right, clock=clock, trust=trust) == mail.Delivery(sent=1)
    assert "SECRET" not in caplog.text


def test_why_a_server_cannot_be_used_is_told_with_what_to_mend(
    store: Store, keyring: Keyring, clock: FixedClock, postbox: Postbox, caplog: pytest.LogCaptureFixture
) -> None:
    put(store, keyring, clock)
    mail.deliver(store, keyring, MailSettings(server="localhost", port=free_port(), security="none"), clock=clock)
    assert "nothing answers at [mail] server and port" in caplog.text
    with running(postbox) as port:
        clock.advance(timedelta(minutes=1))
        mail.deliver(store, keyring, MailSettings(server="localhost", port=port), clock=clock)
    assert "it offers no STARTTLS" in caplog.text


# --- what is refused ----------------------------------------------------------------------------------------------

BAD_ADDRESSES = ["", "needle", "needle@", "@customer.example", "needle@customer.example\r\nBcc: x@customer.example"]
BAD_ADDRESSES += [
    "needle@customer.example, x@customer.example",
    "Needle <needle@customer.example>",
    "needle@a b.example",
]
BAD_ADDRESSES += [
    "needle\n@customer.example",
    "needle@customer.example\x00",
    "n" * 300 + "@customer.example",
    "needle@" + "a" * 70 + ".example",
]


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_what_is_not_one_address_is_refused_without_being_repeated(
    store: Store, keyring: Keyring, clock: FixedClock, address: str
) -> None:
    with pytest.raises(TrothError) as caught:
        put(store, keyring, clock, Letter(address, "s", "t", "request 1"))
    told = "".join(traceback.format_exception_only(caught.value))
    assert "needle" not in told.lower()
    assert "request 1" in told


@pytest.mark.parametrize("subject", ["", " ", "a\r\nBcc: x@customer.example", "a\nb", "a\x00b"])
def test_a_subject_of_several_lines_is_refused(store: Store, keyring: Keyring, clock: FixedClock, subject: str) -> None:
    with pytest.raises(TrothError, match="one line"):
        put(store, keyring, clock, Letter(LETTER.to, subject, "t", "r"))


def test_text_that_looks_like_headers_stays_text(
    store: Store, keyring: Keyring, clock: FixedClock, settings: MailSettings, postbox: Postbox
) -> None:
    put(
        store,
        keyring,
        clock,
        Letter(
            "bücher@bücher.example".replace("bücher@", "buch@"),
            "Über 1 € = 😀",
            "Bcc: x@customer.example\r\n.\r\nRSET\n",
            "r",
        ),
    )
    mail.deliver(store, keyring, settings, clock=clock)
    [(envelope, message)] = postbox.taken
    assert envelope.rcpt_tos == ["buch@xn--bcher-kva.example"]
    assert message["Bcc"] is None
    assert message["Subject"] == "Über 1 € = 😀"
    assert message.get_content().replace("\r\n", "\n") == "Bcc: x@customer.example\n.\nRSET\n"


def test_nothing_is_sent_inside_a_write_transaction(
    store: Store, keyring: Keyring, clock: FixedClock, settings: MailSettings
) -> None:
    with store.writing(), pytest.raises(StoreError, match="inside a write transaction"):
        mail.deliver(store, keyring, settings, clock=clock)


def test_a_letter_shows_nothing_in_a_repr() -> None:
    assert "needle" not in repr(LETTER)
    assert "copy" not in repr(LETTER)


def test_two_letters_of_one_name_at_once_are_one(each_store: Store, keyring: Keyring, clock: FixedClock) -> None:
    from concurrent.futures import ThreadPoolExecutor

    letters = [Letter(f"p{n % 2}@customer.example", "s", "t", "r", once="one") for n in range(8)]

    def attempt(letter: Letter) -> None:
        try:
            put(each_store, keyring, clock, letter)
        except StoreConflict:
            return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(attempt, letters))
    assert len(states(each_store, "r")) == 1
