"""Passkeys: what a device answers is taken when everything holds of it, and refused when one thing does not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.foundation.authenticator import PRESENT, Authenticator, coded
from troth.foundation import staff
from troth.foundation.factors import awaited, passkeys, sessions
from troth.foundation.factors.passkeys import Answer, Place
from troth.foundation.keys import Keyring
from troth.foundation.roles import Role
from troth.foundation.store import Store
from troth.foundation.tables import staff_passkeys
from troth.testing import FixedClock

HERE = Place.of("https://Privacy.Example.com/", "Example Company")


@pytest.fixture
def dora(store: Store, clock: FixedClock) -> int:
    return staff.add(store, "dora", Role.DPO, now=clock.now()).id


@pytest.fixture
def device() -> Authenticator:
    return Authenticator(HERE.host, HERE.origin)


def register(
    store: Store, keyring: Keyring, clock: FixedClock, account: int, device: Authenticator, **said: Any
) -> bool:
    with store.reading() as tx:
        offer = passkeys.offer_new(tx, keyring, HERE, account, "dora", now=clock.now())
    answer = Answer(offer.kept, device.make(offer.options, **said))
    return passkeys.add(store, keyring, HERE, account, answer, label="my device", now=clock.now())


def offered(store: Store, keyring: Keyring, clock: FixedClock, account: int | None = None) -> passkeys.Offer:
    with store.reading() as tx:
        return passkeys.offer_show(tx, keyring, HERE, account, now=clock.now())


def shown(store: Store, keyring: Keyring, clock: FixedClock, answer: Answer, account: int | None = None) -> int | None:
    with store.writing() as tx:
        return passkeys.shown(tx, keyring, HERE, account, answer, now=clock.now())


def test_a_passkey_that_was_made_signs_in_alone(
    store: Store, keyring: Keyring, clock: FixedClock, dora: int, device: Authenticator
) -> None:
    assert register(store, keyring, clock, dora, device)
    with store.reading() as tx:
        assert staff.factors_of(tx, dora) == ("passkey",)
    offer = offered(store, keyring, clock)
    with store.writing() as tx:
        answer = Answer(offer.kept, device.show(offer.options))
        account = passkeys.shown(tx, keyring, HERE, None, answer, now=clock.now())
        token = staff.begin_by_factor(tx, account or 0, "passkey", clock.now())
    assert account == dora
    caller = staff.caller_of(store, token or "", now=clock.now())
    assert caller is not None
    assert sessions.is_fresh(caller, clock.now())


def test_an_answer_is_taken_once(
    store: Store, keyring: Keyring, clock: FixedClock, dora: int, device: Authenticator
) -> None:
    assert register(store, keyring, clock, dora, device)
    offer = offered(store, keyring, clock)
    answer = Answer(offer.kept, device.show(offer.options))
    device.count += 5
    later = Answer(offer.kept, device.show(offer.options))
    assert shown(store, keyring, clock, answer) == dora
    assert shown(store, keyring, clock, answer) is None
    assert shown(store, keyring, clock, later) is None


def test_an_answer_is_taken_once_however_its_challenge_is_spelled(
    store: Store, keyring: Keyring, clock: FixedClock, dora: int, device: Authenticator
) -> None:
    assert register(store, keyring, clock, dora, device)
    offer = offered(store, keyring, clock)
    while not {"-", "_"} & set(offer.kept):  # letters that base64 writes in two ways
        offer = offered(store, keyring, clock)
    again = offer.kept.translate(str.maketrans("-_", "+/"))
    assert awaited.look(keyring, "passkey shown", again, now=clock.now()) is not None
    assert shown(store, keyring, clock, Answer(offer.kept, device.show(offer.options))) == dora
    device.count += 5
    assert shown(store, keyring, clock, Answer(again, device.show(offer.options))) is None


def test_a_challenge_ends_after_ten_minutes(
    store: Store, keyring: Keyring, clock: FixedClock, dora: int, device: Authenticator
) -> None:
    assert register(store, keyring, clock, dora, device)
    offer = offered(store, keyring, clock)
    clock.advance(awaited.LIFE)
    assert shown(store, keyring, clock, Answer(offer.kept, device.show(offer.options))) is None


@pytest.mark.parametrize(
    "said",
    [
        {"origin": "https://privacy.example.org"},
        {"origin": "http://privacy.example.com"},
        {"challenge": coded(bytes(64))},
        {"handle": b"somebody else"},
    ],
    ids=["another site", "without TLS", "another challenge", "another account"],
)
def test_an_answer_that_says_another_thing_is_refused(
    said: dict[str, Any], store: Store, keyring: Keyring, clock: FixedClock, dora: int, device: Authenticator
) -> None:
    assert register(store, keyring, clock, dora, device)
    offer = offered(store, keyring, clock)
    assert shown(store, keyring, clock, Answer(offer.kept, device.show(offer.options, **said))) is None
    again = offered(store, keyring, clock)
    assert shown(store, keyring, clock, Answer(again.kept, device.show(again.options))) == dora


def test_a_device_that_did_not_verify_the_person_is_refused(
    store: Store, keyring: Keyring, clock: FixedClock, dora: int, device: Authenticator
) -> None:
    device.flags = PRESENT
    assert not register(store, keyring, clock, dora, device)
    device.flags = PRESENT | 0x04
    assert register(store, keyring, clock, dora, device)
    device.flags = PRESENT
    offer = offered(store, keyring, clock)
    assert shown(store, keyring, clock, Answer(offer.kept, device.show(offer.options))) is None


def test_a_copy_of_a_key_whose_counter_has_not_grown_is_refused(
    store: Store, keyring: Keyring, clock: FixedClock, dora: int, device: Authenticator
) -> None:
    assert register(store, keyring, clock, dora, device)
    for expected in (dora, None):
        offer = offered(store, keyring, clock)
        assert shown(store, keyring, clock, Answer(offer.kept, device.show(offer.options))) == expected
        device.count = 0


def test_another_key_under_the_same_name_is_refused(
    store: Store, keyring: Keyring, clock: FixedClock, dora: int, device: Authenticator
) -> None:
    assert register(store, keyring, clock, dora, device)
    forged = Authenticator(HERE.host, HERE.origin, name=device.name, handle=device.handle, count=9)
    offer = offered(store, keyring, clock)
    assert shown(store, keyring, clock, Answer(offer.kept, forged.show(offer.options))) is None


def test_the_passkey_of_one_does_not_answer_for_another(
    store: Store, keyring: Keyring, clock: FixedClock, dora: int, device: Authenticator
) -> None:
    adam = staff.add(store, "adam", Role.ADMINISTRATOR, now=clock.now()).id
    own = Authenticator(HERE.host, HERE.origin)
    assert register(store, keyring, clock, dora, device)
    assert register(store, keyring, clock, adam, own)
    offer = offered(store, keyring, clock, dora)
    assert shown(store, keyring, clock, Answer(offer.kept, own.show(offer.options)), dora) is None
    assert shown(store, keyring, clock, Answer(offer.kept, own.show(offer.options)), adam) is None
    assert not passkeys.remove(store, adam, _only(store, dora), now=clock.now())
    assert passkeys.remove(store, dora, _only(store, dora), now=clock.now())


def test_a_challenge_to_make_one_is_for_its_account_and_not_for_signing_in(
    store: Store, keyring: Keyring, clock: FixedClock, dora: int, device: Authenticator
) -> None:
    with store.reading() as tx:
        offer = passkeys.offer_new(tx, keyring, HERE, dora, "dora", now=clock.now())
    answer = Answer(offer.kept, device.make(offer.options))
    adam = staff.add(store, "adam", Role.AGENT, now=clock.now()).id
    assert not passkeys.add(store, keyring, HERE, adam, answer, label="", now=clock.now())
    assert passkeys.add(store, keyring, HERE, dora, answer, label="", now=clock.now())
    assert not passkeys.add(store, keyring, HERE, dora, answer, label="", now=clock.now())
    assert shown(store, keyring, clock, Answer(offer.kept, device.show(offer.options))) is None


@pytest.mark.parametrize("kept", ["", "x", "A" * 80, "\u00e9", "====", "AAAA" * 20])
@pytest.mark.parametrize(
    "credential",
    ["", "{}", "[]", "null", '{"id": 5}', '{"id": "AA", "response": {}}', "x" * 5000, "[" * 30_000, "[" * 100_000],
)
def test_what_is_no_answer_at_all_is_refused_without_a_word(
    kept: str, credential: str, store: Store, keyring: Keyring, clock: FixedClock, dora: int
) -> None:
    answer = Answer(kept, credential)
    assert shown(store, keyring, clock, answer) is None
    assert not passkeys.add(store, keyring, HERE, dora, answer, label="", now=clock.now())


def test_the_last_moment_counts(
    store: Store, keyring: Keyring, clock: FixedClock, dora: int, device: Authenticator
) -> None:
    assert register(store, keyring, clock, dora, device)
    offer = offered(store, keyring, clock)
    clock.advance(awaited.LIFE - timedelta(seconds=1))
    assert shown(store, keyring, clock, Answer(offer.kept, device.show(offer.options))) == dora


def _only(store: Store, account: int) -> int:
    with store.reading() as tx:
        return int(tx.execute(select(staff_passkeys.c.id).where(staff_passkeys.c.staff == account)).scalar_one())


def test_of_many_answers_at_once_one_is_written_down(each_store: Store, keyring: Keyring, clock: FixedClock) -> None:
    kept, now = awaited.begin(keyring, "x", {}, now=clock.now()), clock.now()

    def answer(_: int) -> bool:
        with each_store.writing() as tx:
            return awaited.answered(tx, kept, now=now)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(answer, range(8))) == 1
    assert awaited.look(keyring, "y", kept, now=now) is None
    assert awaited.look(keyring, "x", kept, now=now) is not None
