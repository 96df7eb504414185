from __future__ import annotations

import logging
import statistics
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from troth.errors import TrothError
from troth.foundation import passwords, staff
from troth.foundation.keys import Keyring
from troth.foundation.roles import Role
from troth.foundation.store import Store
from troth.foundation.tables import login_failures, staff_links, staff_sessions
from troth.foundation.tables import staff as accounts
from troth.testing import FixedClock

PASSWORD = "correct horse battery staple"
HOME = "192.0.2.7"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id at its cheapest: these tests are about who gets in, not about what a guess costs."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    nobody = cheap.hash("nobody knows this one")
    monkeypatch.setattr(passwords, "_hasher", lambda: cheap)
    monkeypatch.setattr(passwords, "_NOBODY", nobody)


@pytest.fixture
def house(each_store: Store, clock: FixedClock, quick: None) -> Store:
    staff.add(each_store, "Dora", Role.DPO, now=clock.now(), password=PASSWORD)
    staff.add(each_store, "Adam", Role.ADMINISTRATOR, now=clock.now(), password=PASSWORD + "!")
    return each_store


def log_in(
    store: Store, keyring: Keyring, clock: FixedClock, name: str = "dora", password: str = PASSWORD, source: str = HOME
) -> str | None:
    return staff.log_in(store, keyring, name=name, password=password, source=source, now=clock.now())


def test_the_right_password_opens_a_session_of_that_role(house: Store, keyring: Keyring, clock: FixedClock) -> None:
    token = log_in(house, keyring, clock, name=" DORA ")
    assert token is not None
    caller = staff.caller_of(house, token, now=clock.now())
    assert caller is not None
    assert (caller.name, caller.role) == ("dora", Role.DPO)


def test_wrong_name_wrong_password_and_disabled_account_get_the_same_answer(
    house: Store, keyring: Keyring, clock: FixedClock
) -> None:
    staff.disable(house, "adam", now=clock.now())
    assert log_in(house, keyring, clock, password="wrong") is None
    assert log_in(house, keyring, clock, name="nobody") is None
    assert log_in(house, keyring, clock, name="adam", password=PASSWORD + "!") is None
    assert log_in(house, keyring, clock, name="nobody\x00\ud800" * 50, password="\ud800" * 3) is None


def test_the_store_keeps_no_token_and_no_password(house: Store, keyring: Keyring, clock: FixedClock) -> None:
    token = log_in(house, keyring, clock)
    link = staff.issue_login_link(house, "adam", now=clock.now())
    with house.reading() as tx:
        rows = [*tx.execute(select(staff_sessions)), *tx.execute(select(staff_links)), *tx.execute(select(accounts))]
        failures = repr(tx.execute(select(login_failures)).all())
    seen = repr(rows)
    assert token is not None
    assert not any(secret in seen for secret in (token, link, PASSWORD))
    assert "$argon2id$" in seen
    assert HOME not in failures


def test_every_login_gives_a_new_token(house: Store, keyring: Keyring, clock: FixedClock) -> None:
    assert log_in(house, keyring, clock) != log_in(house, keyring, clock)


def test_a_session_idles_out_after_thirty_minutes(house: Store, keyring: Keyring, clock: FixedClock) -> None:
    token = log_in(house, keyring, clock)
    assert token is not None
    clock.advance(timedelta(minutes=29, seconds=59))
    assert staff.caller_of(house, token, now=clock.now()) is not None
    clock.advance(timedelta(minutes=29, seconds=59))
    assert staff.caller_of(house, token, now=clock.now()) is not None
    clock.advance(timedelta(minutes=30))
    assert staff.caller_of(house, token, now=clock.now()) is None


def test_a_session_ends_twelve_hours_after_the_login_however_busy(
    house: Store, keyring: Keyring, clock: FixedClock
) -> None:
    token = log_in(house, keyring, clock)
    assert token is not None
    for _ in range(12 * 3):
        assert staff.caller_of(house, token, now=clock.now()) is not None
        clock.advance(timedelta(minutes=20))
    assert staff.caller_of(house, token, now=clock.now()) is None


def test_disabling_a_role_change_a_new_password_and_logging_out_end_sessions_at_once(
    house: Store, keyring: Keyring, clock: FixedClock
) -> None:
    for end in (
        lambda _: staff.disable(house, "adam", now=clock.now()),
        lambda _: staff.set_role(house, "dora", Role.AUDITOR, now=clock.now()),
        lambda _: staff.set_password(house, "dora", "another long password", now=clock.now()),
        lambda token: staff.log_out(house, token, now=clock.now()),
    ):
        with house.writing() as tx:
            tx.execute(accounts.update().values(disabled_at=None))
        name = "adam" if end.__code__.co_consts and "adam" in end.__code__.co_consts else "dora"
        token = staff.use_login_link(house, staff.issue_login_link(house, name, now=clock.now()), now=clock.now())
        assert token is not None
        assert staff.caller_of(house, token, now=clock.now()) is not None
        end(token)
        assert staff.caller_of(house, token, now=clock.now()) is None


def test_a_disabled_account_gets_no_link_and_an_old_link_no_session(house: Store, clock: FixedClock) -> None:
    link = staff.issue_login_link(house, "dora", now=clock.now())
    staff.disable(house, "dora", now=clock.now())
    assert staff.use_login_link(house, link, now=clock.now()) is None
    with pytest.raises(TrothError, match="disabled"):
        staff.issue_login_link(house, "dora", now=clock.now())


def test_a_link_works_once_and_for_fifteen_minutes(house: Store, clock: FixedClock) -> None:
    first = staff.issue_login_link(house, "dora", now=clock.now())
    link = staff.issue_login_link(house, "dora", now=clock.now())
    assert staff.use_login_link(house, first, now=clock.now()) is None
    with ThreadPoolExecutor(6) as pool:
        tokens = list(pool.map(lambda _: staff.use_login_link(house, link, now=clock.now()), range(6)))
    assert len([token for token in tokens if token]) == 1
    late = staff.issue_login_link(house, "dora", now=clock.now())
    clock.advance(timedelta(minutes=15))
    assert staff.use_login_link(house, late, now=clock.now()) is None
    assert staff.use_login_link(house, "no token at all'; --", now=clock.now()) is None


def test_guessing_at_one_account_is_closed_after_five_tries_and_opens_again(
    house: Store, keyring: Keyring, clock: FixedClock
) -> None:
    for number in range(5):
        assert log_in(house, keyring, clock, password="guess", source=f"192.0.2.{number}") is None
    assert log_in(house, keyring, clock) is None, "the right password while closed"
    assert log_in(house, keyring, clock, name="adam", password=PASSWORD + "!") is not None, "others are not closed out"
    clock.advance(timedelta(seconds=31))
    assert log_in(house, keyring, clock) is not None
    assert log_in(house, keyring, clock) is not None, "a success starts the count again"


def test_waiting_grows_and_never_exceeds_fifteen_minutes(house: Store, keyring: Keyring, clock: FixedClock) -> None:
    for _ in range(12):
        log_in(house, keyring, clock, password="guess", source="")
        clock.advance(timedelta(minutes=14))
    log_in(house, keyring, clock, password="guess", source="x")
    with house.reading() as tx:
        ends = tx.execute(select(login_failures.c.closed_until)).scalars().all()
    assert max(end for end in ends if end is not None) - clock.now() <= timedelta(minutes=15)
    clock.advance(timedelta(minutes=15))
    assert log_in(house, keyring, clock) is not None


def test_guessing_from_one_source_at_many_names_is_closed_after_twenty(
    house: Store, keyring: Keyring, clock: FixedClock
) -> None:
    for number in range(20):
        log_in(house, keyring, clock, name=f"name{number}", password="guess")
    assert log_in(house, keyring, clock) is None
    assert log_in(house, keyring, clock, source="198.51.100.9") is not None


def test_guesses_made_at_once_count_too(house: Store, keyring: Keyring, clock: FixedClock) -> None:
    tried: list[str] = []
    real = passwords.fits

    def watched(hashed: str | None, password: str) -> bool:
        if hashed is not None:
            tried.append(password)
        return real(hashed, password)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(12) as pool:
        patch.setattr(passwords, "fits", watched)
        list(pool.map(lambda n: log_in(house, keyring, clock, password=f"guess {n}", source=f"192.0.2.{n}"), range(24)))
    assert len(tried) == 5


def test_unknown_names_are_counted_as_known_ones_are(house: Store, keyring: Keyring, clock: FixedClock) -> None:
    for name in ("dora", "nobody"):
        for _ in range(7):
            log_in(house, keyring, clock, name=name, password="guess", source=name)
    with house.reading() as tx:
        rows = tx.execute(select(login_failures.c.tried, login_failures.c.closed_until)).all()
    closed = clock.now() + staff.ACCOUNT_LIMIT.first
    assert sorted(rows) == [(5, closed), (5, closed), (7, None), (7, None)]


def test_no_answer_is_quicker_for_a_name_that_does_not_exist(store: Store, keyring: Keyring, clock: FixedClock) -> None:
    staff.add(store, "dora", Role.DPO, now=clock.now(), password=PASSWORD)
    spent: dict[str, list[float]] = {"dora": [], "nobody": []}
    for number in range(3):
        for name, times in spent.items():
            started = time.process_time()
            log_in(store, keyring, clock, name=name, password="guess", source=str(number))
            times.append(time.process_time() - started)
    known, unknown = (statistics.median(times) for times in spent.values())
    assert 0.6 < known / unknown < 1.7


def test_a_password_is_kept_as_argon2id_with_its_price(store: Store, clock: FixedClock) -> None:
    staff.add(store, "dora", Role.DPO, now=clock.now(), password=PASSWORD)
    with store.reading() as tx:
        kept = tx.execute(select(accounts.c.password)).scalar_one()
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords._NOBODY.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert not passwords.is_old(passwords._NOBODY)
    assert not passwords.fits(passwords._NOBODY[:-1] + "A", PASSWORD)


def test_an_old_price_is_renewed_at_the_next_login(house: Store, keyring: Keyring, clock: FixedClock) -> None:
    with house.writing() as tx:
        tx.execute(
            accounts.update().values(password=PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD))
        )
    assert log_in(house, keyring, clock) is not None
    with house.reading() as tx:
        kept = tx.execute(select(accounts.c.password).where(accounts.c.name == "dora")).scalar_one()
    assert not passwords.is_old(kept)
    assert log_in(house, keyring, clock) is not None


def test_accounts_are_listed_with_role_and_state(house: Store, clock: FixedClock) -> None:
    clock.advance(timedelta(days=1))
    staff.disable(house, "Adam", now=clock.now())
    clock.advance(timedelta(days=1))
    staff.disable(house, "adam", now=clock.now())
    with house.reading() as tx:
        adam, dora = staff.list_(tx)
    assert (dora.name, dora.role, dora.disabled_at, dora.has_password) == ("dora", Role.DPO, None, True)
    assert adam.disabled_at == clock.now() - timedelta(days=1)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("dora", None),
        ("", None),
        ("a" * 121, None),
        ("a\nb", None),
        ("eve", "short"),
        ("eve is my long name", "Eve is my long name "),
    ],
)
def test_what_cannot_be_an_account_is_refused_in_one_line(
    house: Store, clock: FixedClock, name: str, password: str | None
) -> None:
    with pytest.raises(TrothError) as caught:
        staff.add(house, name, Role.AGENT, now=clock.now(), password=password)
    assert "\n" not in str(caught.value)
    if password:
        assert password not in "".join(traceback.format_exception_only(caught.value))


@pytest.mark.parametrize("act", [staff.disable, staff.issue_login_link])
def test_an_account_that_does_not_exist_is_told_with_the_repair(house: Store, clock: FixedClock, act: object) -> None:
    with pytest.raises(TrothError, match="troth staff list"):
        act(house, "nobody", now=clock.now())  # type: ignore[operator]


def test_nothing_about_logins_is_logged(
    house: Store, keyring: Keyring, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        log_in(house, keyring, clock, password="SECRET words")
        log_in(house, keyring, clock)
    assert "SECRET" not in caplog.text
    assert PASSWORD not in caplog.text


def test_an_office_behind_one_address_signs_in_as_often_as_it_likes(
    store: Store, keyring: Keyring, clock: FixedClock, quick: None
) -> None:
    staff.add(store, "dora", Role.DPO, now=clock.now(), password=PASSWORD)
    assert None not in {log_in(store, keyring, clock) for _ in range(staff.SOURCE_LIMIT.free + 5)}
    for number in range(staff.SOURCE_LIMIT.free):
        assert log_in(store, keyring, clock, name=f"nobody {number}") is None
    assert log_in(store, keyring, clock) is None
