"""Second factors: codes from a telephone, recovery codes, what a session owes, and what is shown again."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from sqlalchemy import select

from troth.errors import AccessDenied, TrothError
from troth.foundation import staff, staffing
from troth.foundation.factors import codes, sessions
from troth.foundation.keys import Keyring
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.roles import Role
from troth.foundation.staff import Caller
from troth.foundation.store import Store
from troth.foundation.tables import staff_codes, staff_recovery, staff_sessions
from troth.testing import FixedClock

RFC_SECRET = b"12345678901234567890"


@pytest.fixture
def dora(store: Store, clock: FixedClock) -> staff.Account:
    return staff.add(store, "dora", Role.DPO, now=clock.now())


def enrolled(store: Store, keyring: Keyring, account: int, clock: FixedClock) -> tuple[bytes, tuple[str, ...]]:
    """The secret of an account whose codes count, and its recovery codes; the next step has begun."""
    secret = codes.secret_of(codes.enrol(store, keyring, account, now=clock.now()))
    recovery = codes.confirm(store, keyring, account, code_now(secret, clock), now=clock.now())
    assert recovery is not None
    clock.advance(timedelta(seconds=codes.STEP_S))
    return secret, recovery


def code_now(secret: bytes, clock: FixedClock, steps: int = 0) -> str:
    return codes.code_at(secret, codes.step_at(clock.now()) + steps)


def by_link(store: Store, clock: FixedClock, name: str = "dora") -> str:
    token = staff.use_login_link(store, staff.issue_login_link(store, name, now=clock.now()), now=clock.now())
    assert token is not None
    return token


def leaves(store: Store, kind: str) -> list[dict[str, object]]:
    with store.reading() as tx:
        contents = tx.execute(
            select(ledger_leaves.c.content).where(ledger_leaves.c.kind == kind).order_by(ledger_leaves.c.id)
        ).scalars()
        return [json.loads(content)["body"] for content in contents]


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_codes_are_those_of_the_standard(at: int, code: str) -> None:
    assert codes.code_at(RFC_SECRET, codes.step_at(datetime.fromtimestamp(at, UTC))) == code


def test_any_authenticator_shows_the_codes_of_the_address(
    store: Store, keyring: Keyring, dora: staff.Account, clock: FixedClock
) -> None:
    secret = codes.enrol(store, keyring, dora.id, now=clock.now())
    address = codes.address_of(secret, issuer="Example: Company", name="dora")
    theirs = pyotp.parse_uri(address)
    assert theirs.name == "dora"
    assert theirs.issuer == "Example  Company"
    assert parse_qs(urlsplit(address).query)["secret"] == [secret]
    assert codes.confirm(store, keyring, dora.id, theirs.at(clock.now()), now=clock.now()) is not None


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_is_taken_one_step_around_now_and_no_further(
    steps: int, taken: bool, store: Store, keyring: Keyring, dora: staff.Account, clock: FixedClock
) -> None:
    secret, _ = enrolled(store, keyring, dora.id, clock)
    clock.advance(timedelta(minutes=5))
    with store.writing() as tx:
        found = codes.take(tx, keyring, dora.id, code_now(secret, clock, steps), clock.now())
    assert (found == "code") is taken


def test_no_code_is_taken_twice_nor_one_older_than_the_newest_taken(
    store: Store, keyring: Keyring, dora: staff.Account, clock: FixedClock
) -> None:
    secret, _ = enrolled(store, keyring, dora.id, clock)
    used, older = code_now(secret, clock), code_now(secret, clock, -1)
    for typed, expected in ((used, "code"), (used, None), (older, None)):
        with store.writing() as tx:
            assert codes.take(tx, keyring, dora.id, typed, clock.now()) == expected


def test_of_many_at_once_with_one_code_one_is_let_in(each_store: Store, keyring: Keyring, clock: FixedClock) -> None:
    account = staff.add(each_store, "dora", Role.DPO, now=clock.now())
    secret, _ = enrolled(each_store, keyring, account.id, clock)
    code, now = code_now(secret, clock), clock.now()

    def take(_: int) -> str | None:
        with each_store.writing() as tx:
            return codes.take(tx, keyring, account.id, code, now)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(map(str, pool.map(take, range(8)))) == ["None"] * 7 + ["code"]


def test_each_recovery_code_lets_in_once(
    store: Store, keyring: Keyring, dora: staff.Account, clock: FixedClock
) -> None:
    _, recovery = enrolled(store, keyring, dora.id, clock)
    assert len(set(recovery)) == codes.RECOVERY_CODES
    for expected in ("recovery", None):
        with store.writing() as tx:
            assert codes.take(tx, keyring, dora.id, f" {recovery[0].upper()} ", clock.now()) == expected
    with store.reading() as tx:
        assert codes.recovery_left(tx, dora.id) == codes.RECOVERY_CODES - 1
    renewed = codes.renew_recovery(store, keyring, dora.id, now=clock.now())
    with store.writing() as tx:
        assert codes.take(tx, keyring, dora.id, recovery[1], clock.now()) is None
        assert codes.take(tx, keyring, dora.id, renewed[1], clock.now()) == "recovery"


def test_the_store_keeps_no_secret_and_no_recovery_code(
    store: Store, keyring: Keyring, dora: staff.Account, clock: FixedClock
) -> None:
    secret, recovery = enrolled(store, keyring, dora.id, clock)
    with store.reading() as tx:
        kept = [value for table in (staff_codes, staff_recovery) for row in tx.execute(select(table)) for value in row]
    everything = b"|".join(value for value in kept if isinstance(value, bytes)) + repr(kept).encode()
    assert secret not in everything
    assert not any(code.encode() in everything or code.replace("-", "").encode() in everything for code in recovery)


def test_the_secret_of_one_account_opens_no_other(
    store: Store, keyring: Keyring, dora: staff.Account, clock: FixedClock
) -> None:
    adam = staff.add(store, "adam", Role.AGENT, now=clock.now())
    secret, recovery = enrolled(store, keyring, dora.id, clock)
    enrolled(store, keyring, adam.id, clock)
    for typed in (code_now(secret, clock), recovery[0]):
        with store.writing() as tx:
            assert codes.take(tx, keyring, adam.id, typed, clock.now()) is None


def test_codes_count_only_once_a_first_one_was_shown(
    store: Store, keyring: Keyring, dora: staff.Account, clock: FixedClock
) -> None:
    first = codes.enrol(store, keyring, dora.id, now=clock.now())
    with store.reading() as tx:
        assert staff.factors_of(tx, dora.id) == ()
        assert codes.begun(tx, keyring, dora.id) == first
    second = codes.enrol(store, keyring, dora.id, now=clock.now())
    assert second != first
    assert codes.confirm(store, keyring, dora.id, code_now(codes.secret_of(first), clock), now=clock.now()) is None
    assert codes.confirm(store, keyring, dora.id, code_now(codes.secret_of(second), clock), now=clock.now()) is not None
    with store.reading() as tx:
        assert staff.factors_of(tx, dora.id) == ("code",)
        assert codes.begun(tx, keyring, dora.id) is None
    with pytest.raises(TrothError, match="already"):
        codes.enrol(store, keyring, dora.id, now=clock.now())


def test_a_session_that_owes_its_factor_opens_nothing_until_it_is_shown(
    store: Store, keyring: Keyring, dora: staff.Account, clock: FixedClock
) -> None:
    secret, _ = enrolled(store, keyring, dora.id, clock)
    token = by_link(store, clock)
    assert staff.caller_of(store, token, now=clock.now()) is None
    assert sessions.owing(store, token, now=clock.now()) == dora.id
    assert sessions.show(store, keyring, token, "000000", now=clock.now()) is None

    fresh = sessions.show(store, keyring, token, code_now(secret, clock), now=clock.now())

    assert fresh is not None
    assert fresh != token
    caller = staff.caller_of(store, fresh, now=clock.now())
    assert caller is not None
    assert sessions.is_fresh(caller, clock.now())
    assert staff.caller_of(store, token, now=clock.now()) is None
    assert sessions.owing(store, token, now=clock.now()) is None
    assert leaves(store, "staff.signed-in") == [{"factor": "code", "how": "link", "refused": 0, "staff": dora.id}]


def test_what_is_owed_is_waited_for_ten_minutes(
    store: Store, keyring: Keyring, dora: staff.Account, clock: FixedClock
) -> None:
    secret, _ = enrolled(store, keyring, dora.id, clock)
    token = by_link(store, clock)
    clock.advance(timedelta(minutes=10))
    assert sessions.show(store, keyring, token, code_now(secret, clock), now=clock.now()) is None


def test_a_factor_is_fresh_for_five_minutes(
    store: Store, keyring: Keyring, dora: staff.Account, clock: FixedClock
) -> None:
    secret, _ = enrolled(store, keyring, dora.id, clock)
    token = sessions.show(store, keyring, by_link(store, clock), code_now(secret, clock), now=clock.now())
    assert token is not None
    clock.advance(timedelta(minutes=5))
    caller = staff.caller_of(store, token, now=clock.now())
    assert caller is not None
    assert sessions.is_fresh(caller, clock.now())
    clock.advance(timedelta(seconds=1))
    assert not sessions.is_fresh(caller, clock.now())
    again = sessions.show(store, keyring, token, code_now(secret, clock), now=clock.now())
    assert again not in {None, token}
    caller = staff.caller_of(store, again or "", now=clock.now())
    assert caller is not None
    assert sessions.is_fresh(caller, clock.now())
    assert staff.caller_of(store, token, now=clock.now()) is None


def test_showing_a_factor_again_does_not_make_a_session_longer(
    store: Store, keyring: Keyring, dora: staff.Account, clock: FixedClock
) -> None:
    secret, _ = enrolled(store, keyring, dora.id, clock)
    token = sessions.show(store, keyring, by_link(store, clock), code_now(secret, clock), now=clock.now())
    for _ in range(36):
        clock.advance(timedelta(minutes=20))
        token = sessions.show(store, keyring, token or "", code_now(secret, clock), now=clock.now())
    assert token is None


def test_after_five_wrong_codes_the_right_one_is_refused_too_and_the_ledger_says_how_many(
    store: Store, keyring: Keyring, dora: staff.Account, clock: FixedClock
) -> None:
    secret, _ = enrolled(store, keyring, dora.id, clock)
    token = by_link(store, clock)
    for _ in range(5):
        assert sessions.show(store, keyring, token, "000000", now=clock.now()) is None
    assert sessions.show(store, keyring, token, code_now(secret, clock), now=clock.now()) is None
    assert leaves(store, "staff.factor-refused") == [{"staff": dora.id, "tries": 5}]
    clock.advance(timedelta(seconds=31))
    assert sessions.show(store, keyring, token, code_now(secret, clock), now=clock.now()) is not None


def test_staff_see_their_sessions_and_end_the_others(store: Store, dora: staff.Account, clock: FixedClock) -> None:
    here, there, elsewhere = (by_link(store, clock) for _ in range(3))
    with store.reading() as tx:
        listed = sessions.list_(tx, dora.id, here, now=clock.now())
    assert [each.here for each in listed].count(True) == 1
    assert not any(token in repr(listed) for token in (here, there, elsewhere))
    other = next(each for each in listed if not each.here)
    assert sessions.end(store, dora.id, other.id, now=clock.now(), by=dora.id)
    assert not sessions.end(store, dora.id, other.id, now=clock.now(), by=dora.id)
    assert sessions.end_others(store, dora.id, here, now=clock.now()) == 1
    assert staff.caller_of(store, here, now=clock.now()) is not None
    assert staff.caller_of(store, there, now=clock.now()) is None
    assert [body["sessions"] for body in leaves(store, "staff.sessions-ended")] == [1, 1]


def test_nobody_ends_a_session_of_another_by_its_number(store: Store, dora: staff.Account, clock: FixedClock) -> None:
    adam = staff.add(store, "adam", Role.AGENT, now=clock.now())
    token = by_link(store, clock)
    with store.reading() as tx:
        [session] = sessions.list_(tx, dora.id, token, now=clock.now())
    assert not sessions.end(store, adam.id, session.id, now=clock.now(), by=adam.id)
    assert staff.caller_of(store, token, now=clock.now()) is not None


def test_every_deed_about_an_account_is_a_leaf_without_names(store: Store, keyring: Keyring, clock: FixedClock) -> None:
    now = clock.now()
    account = staff.add(store, "dora@example.org", Role.AGENT, now=now)
    by_link(store, clock, "dora@example.org")
    staff.set_role(store, "dora@example.org", Role.AUDITOR, now=now)
    staff.set_password(store, "dora@example.org", "correct horse battery", now=now)
    staff.disable(store, "dora@example.org", now=now)
    staff.disable(store, "dora@example.org", now=now)
    with store.reading() as tx:
        rows = tx.execute(select(ledger_leaves.c.kind, ledger_leaves.c.content).order_by(ledger_leaves.c.id)).all()
    assert [row.kind for row in rows] == [
        "staff.added",
        "staff.link-issued",
        "staff.signed-in",
        "staff.role",
        "staff.password",
        "staff.closed",
    ]
    assert not any(b"dora" in row.content for row in rows)
    assert leaves(store, "staff.role") == [
        {"by": None, "role": "auditor", "sessions": 1, "staff": account.id, "was": "agent"}
    ]


def test_refused_sign_ins_are_in_the_ledger_by_their_count(
    store: Store, keyring: Keyring, dora: staff.Account, clock: FixedClock
) -> None:
    for name in ("dora", "nobody"):
        for _ in range(6):
            staff.log_in(store, keyring, name=name, password="wrong", source=name, now=clock.now())
    assert leaves(store, "staff.sign-in-refused") == [{"staff": dora.id, "tries": 5}, {"staff": None, "tries": 5}]


# --- what staff may do to each other's accounts ----------------------------------------------------------------


@pytest.fixture
def people(store: Store, clock: FixedClock, dora: staff.Account) -> dict[Role, Caller]:
    made = {role: staff.add(store, f"a {role}", role, now=clock.now()) for role in Role if role is not Role.DPO}
    return {role: Caller(each.id, each.name, each.role) for role, each in {**made, Role.DPO: dora}.items()}


def test_an_administrator_can_neither_make_nor_enter_an_account_that_reads_peoples_data(
    store: Store, clock: FixedClock, people: dict[Role, Caller]
) -> None:
    adam, now = people[Role.ADMINISTRATOR], clock.now()
    for role in (Role.DPO, Role.AGENT, Role.AUDITOR):
        other = people[role].id
        for deed in (
            lambda role=role: staffing.add(store, adam, "new", role, now=now),
            lambda other=other: staffing.link(store, adam, other, now=now),
            lambda other=other: staffing.reset_factors(store, adam, other, now=now),
            lambda other=other: staffing.set_role(store, adam, other, Role.ADMINISTRATOR, now=now),
        ):
            with pytest.raises(AccessDenied, match="more than yours"):
                deed()
    helper = staffing.add(store, adam, "helper", Role.ADMINISTRATOR, now=now)
    with pytest.raises(AccessDenied, match="more than yours"):
        staffing.set_role(store, adam, helper.id, Role.DPO, now=now)
    assert staffing.close(store, adam, people[Role.AGENT].id, now=now).disabled_at == now


def test_nobody_changes_their_own_role_or_closes_their_own_account(
    store: Store, clock: FixedClock, people: dict[Role, Caller]
) -> None:
    dora, now = people[Role.DPO], clock.now()
    with pytest.raises(AccessDenied, match="your own"):
        staffing.set_role(store, dora, dora.id, Role.ADMINISTRATOR, now=now)
    with pytest.raises(AccessDenied, match="your own"):
        staffing.close(store, dora, dora.id, now=now)


@pytest.mark.parametrize("role", [Role.AGENT, Role.AUDITOR])
def test_agents_and_auditors_change_no_account(
    role: Role, store: Store, clock: FixedClock, people: dict[Role, Caller]
) -> None:
    one, other, now = people[role], people[Role.ADMINISTRATOR].id, clock.now()
    for deed in (
        lambda: staffing.add(store, one, "new", role, now=now),
        lambda: staffing.link(store, one, other, now=now),
        lambda: staffing.close(store, one, other, now=now),
        lambda: staffing.end_sessions(store, one, other, now=now),
    ):
        with pytest.raises(AccessDenied, match="role may not"):
            deed()


def test_lost_factors_are_taken_away_with_the_sessions(
    store: Store, keyring: Keyring, clock: FixedClock, people: dict[Role, Caller]
) -> None:
    dora, agent = people[Role.DPO], people[Role.AGENT]
    enrolled(store, keyring, agent.id, clock)
    assert staffing.reset_factors(store, dora, agent.id, now=clock.now())
    assert not staffing.reset_factors(store, dora, agent.id, now=clock.now())
    with store.reading() as tx:
        assert staff.factors_of(tx, agent.id) == ()
        assert tx.execute(select(staff_recovery)).first() is None
        assert tx.execute(select(staff_sessions).where(staff_sessions.c.staff == agent.id)).first() is None
    assert leaves(store, "staff.factor-removed")[0]["by"] == dora.id
