"""troth looks by itself, and a verdict that turns reaches its owner as a real mail."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
import trustme
from aiosmtpd.controller import Controller

from troth.entrypoints import beginning, watching
from troth.foundation import mail, verdicts
from troth.foundation.attestations import register as attestations
from troth.foundation.attestations.register import Statement
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves
from troth.foundation.ledger import watching as ledger_watching
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.ledger.watching import LedgerSeen
from troth.foundation.proof import Verdict
from troth.foundation.store import Store
from troth.policy import reading, settings
from troth.policy.settings import Instance
from troth.testing import FixedClock

POLICY = """\
troth: 1
controller: {name: Made Up Company, country: DE}
laws: [gdpr]
contact: {title: Contact, phone: {label: Phone, text: "%s", channel: phone}}
"""
NUMBER = "1a"


class Received:
    def __init__(self) -> None:
        self.letters: list[Message] = []

    async def handle_DATA(self, _server, _session, envelope) -> str:
        self.letters.append(message_from_bytes(envelope.original_content))
        return "250 kept"


@pytest.fixture
def post() -> Iterator[tuple[int, Received]]:
    received = Received()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(received, hostname="127.0.0.1", port=port)
    controller.start()
    yield port, received
    controller.stop()


@pytest.fixture
def instance(tmp_path: Path, post: tuple[int, Received]) -> Instance:
    (tmp_path / "policy.yaml").write_text(POLICY % "+49 30 901820")
    (tmp_path / "troth.toml").write_text(
        f'[mail]\nserver = "127.0.0.1"\nport = {post[0]}\nsecurity = "none"\n'
        'sender = "troth@shop.example.com"\nowner = "privacy@shop.example.com"\n[schedule]\ncheck = "1 hour"\n'
    )
    for _ in beginning.begin(tmp_path, {}, database=None, policy=None):
        pass
    return settings.read(tmp_path, {})


def test_a_sentence_that_turns_is_mailed_to_the_owner_with_words_finding_and_repair(
    instance: Instance, post: tuple[int, Received]
) -> None:
    clock = FixedClock()
    watching.look(instance, clock)
    (instance.folder / "policy.yaml").write_text(POLICY % "+49-XXX-XXXX")
    clock.advance(dt.timedelta(hours=1))

    turned = watching.look(instance, clock)
    watching.send_mail(instance, clock)

    assert [(turn.number, turn.was, turn.now) for turn in turned] == [(NUMBER, Verdict.UNPROVEN, Verdict.BROKEN)]
    (letter,) = post[1].letters
    text = letter.get_payload(decode=True).decode()
    assert letter["Subject"] == "1 sentence of the privacy policy broken"
    assert letter["To"] == "privacy@shop.example.com"
    for part in ("unproven -> broken", "+49-XXX-XXXX", "repair: "):
        assert part in text


def test_what_stays_as_it_was_is_not_mailed(instance: Instance, post: tuple[int, Received]) -> None:
    clock = FixedClock()
    watching.look(instance, clock)
    clock.advance(dt.timedelta(hours=1))

    assert watching.look(instance, clock) == ()
    watching.send_mail(instance, clock)
    assert post[1].letters == []


def test_a_served_instance_checks_by_itself_at_once(instance: Instance) -> None:
    with watching.on_schedule(instance), Store.open(instance.store_url, read_only=True) as store:
        deadline = time.monotonic() + 20
        found = None
        while found is None and time.monotonic() < deadline:
            time.sleep(0.05)
            with store.reading() as tx:
                found = verdicts.latest(tx)

    assert found is not None
    assert [clause["number"] for clause in found["clauses"]] == [NUMBER]


def test_mail_is_sent_to_a_server_whose_authority_the_settings_name(instance: Instance, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    received = Received()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "troth.toml").write_text(
        f'[mail]\nserver = "localhost"\nport = {port}\nowner = "privacy@shop.example.com"\ntrust = "authority.pem"\n'
    )
    told = settings.read(tmp_path, {})
    keyring = Keyring.load(tmp_path, {})
    with Store.open(told.store_url) as store, store.writing() as tx:
        mail.queue(tx, keyring, mail.Letter("privacy@shop.example.com", "s", "t", "r"), FixedClock().now())
    controller = Controller(received, hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True)
    controller.start()
    try:
        watching.send_mail(told, FixedClock())
    finally:
        controller.stop()
    assert len(received.letters) == 1


def test_old_letters_are_forgotten_by_the_day(instance: Instance, post: tuple[int, Received]) -> None:
    clock = FixedClock()
    keyring = Keyring.load(instance.folder, {})
    with Store.open(instance.store_url) as store:
        with store.writing() as tx:
            mail.queue(tx, keyring, mail.Letter("privacy@shop.example.com", "s", "t", "r"), clock.now())
        watching.send_mail(instance, clock)
        watching.tidy(instance, clock)
        with store.reading() as tx:
            assert len(mail.states_of(tx, "r")) == 1
        clock.advance(dt.timedelta(days=401))
        watching.tidy(instance, clock)
        with store.reading() as tx:
            assert mail.states_of(tx, "r") == ()


def test_the_whole_ledger_is_verified_by_itself_and_its_outcome_kept(instance: Instance) -> None:
    clock = FixedClock(dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC))
    keyring = Keyring.load(instance.folder, instance.environ)
    with Store.open(instance.store_url) as store:
        with store.writing() as tx:
            leaves.append(tx, keyring, "demo.noted", None, {"n": 1}, clock.now())
        with watching.on_schedule(instance, clock):
            until(lambda: seen_of(store).verified_at is not None)
        assert (seen_of(store).findings, seen_of(store).verified_at) == (0, clock.now())

        with store.writing() as tx:
            tx.execute(ledger_leaves.update().values(content=b"{}"))
        clock.advance(dt.timedelta(days=1))
        with watching.on_schedule(instance, clock):
            until(lambda: seen_of(store).verified_at == clock.now())
        assert seen_of(store).findings > 0


def seen_of(store: Store) -> LedgerSeen:
    with store.reading() as tx:
        return ledger_watching.look(tx)


def until(asked: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not asked():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_owner_hears_once_of_what_ends_soon_and_again_when_more_does(
    instance: Instance, post: tuple[int, Received]
) -> None:
    clock = FixedClock()
    (instance.folder / "paper.md").write_text("Looked at.\n")

    def attest(about: str, days: int) -> None:
        until = (clock.now() + dt.timedelta(days=days)).date()
        said = Statement(about, "So it is.", "dpo", "paper.md", until)
        policy, keyring = reading.read(instance.policy_file), Keyring.load(instance.folder, {})
        with Store.open(instance.store_url) as store, store.writing() as tx:
            attestations.attest(tx, keyring, policy, instance.folder, said, clock.now())

    assert watching.remind(instance, clock) == 0
    attest("pentest", 90)
    assert watching.remind(instance, clock) == 0
    clock.advance(dt.timedelta(days=65))
    assert watching.remind(instance, clock) == 1
    assert watching.remind(instance, clock) == 1
    watching.send_mail(instance, clock)
    [letter] = post[1].letters
    assert letter["Subject"] == "1 thing that the privacy policy rests on will end soon"
    assert "attestation: pentest\n  renew: troth attest pentest" in letter.get_payload().replace("\r\n", "\n")

    attest("disk-encryption", 10)
    assert watching.remind(instance, clock) == 2
    watching.send_mail(instance, clock)
    assert [each["Subject"].split()[0] for each in post[1].letters] == ["1", "2"]


_BEGUN = """
import os, sys
from pathlib import Path
from troth.entrypoints import watching
from troth.foundation.store.schema import metadata
from troth.policy import settings

class Waiting:
    def __init__(self, store, clock, jobs): pass
    def __enter__(self):
        from troth.protection.own_periods import OWN
        print(sorted({each.table for each in OWN} - set(metadata.tables)), "sqlalchemy.orm" in sys.modules)
    def __exit__(self, *error): pass

watching.Scheduler = Waiting
with watching.on_schedule(settings.read(Path(sys.argv[1]), os.environ)):
    pass
"""


def test_what_threads_may_not_load_beside_each_other_is_there_before_the_first(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _BEGUN, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stdout == "[] True\n", done.stderr
