"""Fifty things that go wrong, and not one yes: what cannot be read, told or understood is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.use.company import Company
from troth.errors import TrothError
from troth.foundation import people
from troth.foundation.keys import Keyring
from troth.use import lease

MAIL = ("marketing", "contact.email")
Fault = Callable[[Company], None]


class Ahead:
    """The monotonic clock after the lease has ended."""

    def __init__(self) -> None:
        self.by = 0.0

    def __call__(self) -> float:
        from time import monotonic

        return monotonic() + self.by


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Ahead:
    clock = Ahead()
    monkeypatch.setattr(lease, "monotonic", clock)
    return clock


def store_of(company: Company) -> Path:
    return company.folder / "troth.sqlite3"


def _sql(*statements: str) -> Fault:
    def act(company: Company) -> None:
        with company.office.store.writing() as tx:
            for statement in statements:
                tx.execute(text(statement))

    return act


def _bytes(change: Callable[[bytes], bytes]) -> Fault:
    def act(company: Company) -> None:
        company.office.store.settle()
        store_of(company).write_bytes(change(store_of(company).read_bytes()))

    return act


def _gone(company: Company) -> None:
    store_of(company).unlink()


def _moved(company: Company) -> None:
    store_of(company).rename(company.folder / "elsewhere")


def _a_folder(company: Company) -> None:
    store_of(company).unlink()
    store_of(company).mkdir()


def _another_store(company: Company) -> None:
    _gone(company)
    for end in ("-wal", "-shm"):
        (company.folder / f"troth.sqlite3{end}").unlink(missing_ok=True)
    store_of(company).touch()


def _another_key(company: Company) -> None:
    (company.folder / "troth.key").unlink()
    object.__setattr__(company.office, "keyring", Keyring.create(company.folder))
    company.troth.lease.adopt(company.office)


def _ambiguous(company: Company) -> None:
    _sql("UPDATE identifiers SET strong = false")(company)
    with company.office.deed() as tx:
        people.register(tx, company.office.keyring, [people.parse("id=99")], company.clock.now())
    with company.office.deed() as tx:
        row = "INSERT INTO identifiers (kind, hash, person, strong, since) SELECT kind, hash, 2, false, since FROM identifiers WHERE person = 1"
        tx.execute(text(row))


def _retired(company: Company) -> None:
    with company.office.deed() as tx:
        people.retire(tx, company.office.keyring, people.parse("id=17"), company.clock.now())


def _policy(change: Callable[[str], str]) -> Fault:
    """Another policy is put down and read; where it cannot be read the old one stays, and the consent goes."""

    def act(company: Company) -> None:
        file = company.folder / "policy.yaml"
        file.write_text(change(file.read_text()))
        try:
            company.troth.reload()
        except TrothError:
            company.troth.withdraw_consent("id=17", "marketing")

    return act


def _file_mode(company: Company) -> None:
    if os.geteuid() == 0:
        _moved(company)
    else:
        store_of(company).chmod(0)


def _closed(company: Company) -> None:
    company.troth.close()
    _moved(company)


TABLES = ("identifiers", "consent_events", "objections", "restrictions")
FAULTS: dict[str, Fault] = {
    **{f"no table {name}": _sql(f"ALTER TABLE {name} RENAME TO hidden") for name in TABLES},
    "no column person": _sql("ALTER TABLE consent_events RENAME COLUMN person TO who"),
    "no column event": _sql("ALTER TABLE consent_events RENAME COLUMN event TO what"),
    "no column at": _sql("ALTER TABLE consent_events RENAME COLUMN at TO since"),
    "no column ground": _sql("ALTER TABLE restrictions RENAME COLUMN ground TO cause"),
    "an unknown word": _sql("UPDATE consent_events SET event = 'perhaps'"),
    "an empty word": _sql("UPDATE consent_events SET event = ''"),
    "no such purpose": _sql("UPDATE consent_events SET purpose = 'x'"),
    "another's consent": _sql("INSERT INTO people SELECT 7, zeroblob(16), created_at FROM people LIMIT 1", "UPDATE consent_events SET person = 7"),
    "no identifier": _sql("DELETE FROM identifiers"),
    "another hash": _sql("UPDATE identifiers SET hash = zeroblob(16)"),
    "withdrawn past troth": _sql("UPDATE consent_events SET event = 'withdrawn'"),
    "refused past troth": _sql("UPDATE consent_events SET event = 'refused'"),
    "expired past troth": _sql("UPDATE consent_events SET event = 'expired'"),
    "forgotten past troth": _sql("DELETE FROM consent_events"),
    "gone": _gone,
    "moved": _moved,
    "a folder": _a_folder,
    "empty": _bytes(lambda _: b""),
    "cut after the head": _bytes(lambda whole: whole[:100]),
    "cut in half": _bytes(lambda whole: whole[: len(whole) // 2 // 4096 * 4096]),
    "a page cut": _bytes(lambda whole: whole[:5000]),
    "no head": _bytes(lambda whole: b"\0" * 100 + whole[100:]),
    "noise": _bytes(lambda whole: os.urandom(len(whole))),
    "all zero": _bytes(lambda whole: b"\0" * len(whole)),
    "text": _bytes(lambda _: b"this is no store\n" * 100),
    "another store": _another_store,
    "another key": _another_key,
    "ambiguous": _ambiguous,
    "retired": _retired,
    "unreadable": _file_mode,
    "closed": _closed,
    "withdrawn": lambda company: company.troth.withdraw_consent("id=17", "marketing") and None,
    "restricted": lambda company: company.troth.restrict("id=17") and None,
    "objected": lambda company: company.troth.object_to("id=17", "*") and None,
    "policy gone": _policy(lambda _: ""),
    "policy no YAML": _policy(lambda _: "troth: [1\n"),
    "policy cut": _policy(lambda whole: whole[: len(whole) // 2]),
    "policy of another version": _policy(lambda whole: whole.replace("troth: 1", "troth: 9")),
    "purpose no longer declared": _policy(lambda whole: whole.replace("purpose: marketing,", "purpose: letters,")),
    "data no longer declared": _policy(lambda whole: whole.replace("[contact.email, profile.name], basis: consent", "[profile.name], basis: consent")),
    "ground no longer settled": _policy(lambda whole: whole.replace("profile.name], basis: consent", "profile.name]")),
    "a ground that is none": _policy(lambda whole: whole.replace("basis: consent", "basis: hope")),
    "a second ground": _policy(
        lambda whole: whole.replace(
            "uses: [{purpose: marketing, data: [contact.email, profile.name], basis: consent}]",
            "uses: [{purpose: marketing, data: [contact.email, profile.name], basis: consent},\n"
            "        {purpose: marketing, data: [contact.email]}]",
        )
    ),
}  # fmt: skip


NAMING = (FAULTS["another hash"], FAULTS["another key"], FAULTS["ambiguous"])


def test_there_are_as_many_faults_as_are_promised() -> None:
    from tests.integrations.test_clients import NO_ANSWERS

    assert len(FAULTS) + len(NO_ANSWERS) >= 50
    assert len(FAULTS) >= 45


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_whatever_goes_wrong_nothing_is_permitted(fault: Fault, company: Company, ended: Ahead) -> None:
    company.troth.register(id="17")
    company.troth.give_consent("id=17", "marketing")
    assert company.troth.may("id=17", *MAIL), "the world before is one in which it is permitted"

    fault(company)
    ended.by = 2 * lease.LEASE_S

    for person in ("id=17", {"id": "17"}):
        for data in ("contact.email", ["contact.email"], ["profile.name", "contact.email"]):
            for recipient in (None, "Example Mail"):
                assert not company.troth.may(person, "marketing", data, recipient)
    try:
        answers: list[Any] = company.troth.permitted(*MAIL, ["id=17"])
    except (TrothError, OSError):
        answers = []
    assert answers == []
    try:
        numbers = len(company.troth.audience(*MAIL))
    except (TrothError, OSError):
        numbers = 0
    # An audience is numbers: it is no less right for being led to by another name.
    assert numbers == (0 if fault not in NAMING else 1)


def test_a_store_of_nobody_is_not_made_by_asking(company: Company, ended: Ahead) -> None:
    company.troth.register(id="17")
    _moved(company)
    ended.by = 2 * lease.LEASE_S
    assert not company.troth.may("id=17", "unheard-of", "contact.email")
    assert not store_of(company).exists()
