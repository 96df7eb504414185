from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import select, text

from tests.policies import example
from troth.errors import AccessDenied, TrothError, UnknownName
from troth.foundation import staff
from troth.foundation.attestations import reading, register
from troth.foundation.attestations.reading import Attested
from troth.foundation.attestations.register import Statement
from troth.foundation.attestations.tables import attestations
from troth.foundation.keys import Keyring
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.observation import Observation
from troth.foundation.proof import Grade, Saw, Verdict
from troth.foundation.roles import Role
from troth.foundation.store import Store
from troth.testing import FixedClock

POLICY = example()
UNTIL = dt.date(2027, 3, 31)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "company"
    (home / "documents").mkdir(parents=True)
    (home / "documents" / "disks.md").write_text("All volumes are encrypted.\n")
    return home


def attest(store: Store, keyring: Keyring, folder: Path, now: dt.datetime, **other: object) -> Attested:
    facts = {
        "about": "disk-encryption",
        "statement": "All volumes are encrypted.",
        "owner": "dpo",
        "document": "documents/disks.md",
        "until": UNTIL,
    }
    with store.writing() as tx:
        return register.attest(tx, keyring, POLICY, folder, Statement(**{**facts, **other}), now)


def look(store: Store | None, folder: Path, now: dt.datetime, *abouts: str) -> Saw:
    seen = Observation(POLICY, now, folder, store=store)
    return reading.look(seen, abouts or ("disk-encryption",), what="that the disks are encrypted")


def test_what_is_attested_is_evidence_of_that_grade_until_its_day(
    each_store: Store, keyring: Keyring, folder: Path, clock: FixedClock
) -> None:
    attest(each_store, keyring, folder, clock.now())

    saw = look(each_store, folder, clock.now())

    assert (saw.verdict, saw.grade) == (Verdict.KEPT, Grade.ATTESTED)
    assert "dpo attests it until 2027-03-31" in saw.detail
    assert saw.max_age is not None
    assert clock.now() + saw.max_age == dt.datetime(2027, 4, 1, tzinfo=dt.UTC)


def test_its_entry_in_the_ledger_holds_hashes_and_no_words(
    store: Store, keyring: Keyring, folder: Path, clock: FixedClock
) -> None:
    staff.add(store, "dora", Role.DPO, now=clock.now())
    attest(store, keyring, folder, clock.now(), owner="dora")

    with store.reading() as tx:
        entries = select(ledger_leaves.c.content).where(ledger_leaves.c.kind == "attestation.made")
        content = tx.execute(entries).scalar_one()
    assert b"disk-encryption" in content
    assert not [word for word in (b"dora", b"volumes", b"disks.md") if word in content]


@pytest.mark.parametrize("fault", ["expired", "document altered", "document gone", "withdrawn", "no store"])
def test_what_no_longer_holds_is_unproven_and_never_kept_or_broken(
    fault: str, store: Store, keyring: Keyring, folder: Path, clock: FixedClock
) -> None:
    made = attest(store, keyring, folder, clock.now())
    if fault == "expired":
        clock.set("2027-04-01T00:00:00+00:00")
    elif fault == "document altered":
        (folder / "documents" / "disks.md").write_text("Most volumes are encrypted.\n")
    elif fault == "document gone":
        (folder / "documents" / "disks.md").unlink()
    elif fault == "withdrawn":
        with store.writing() as tx:
            register.withdraw(tx, keyring, made.id, clock.now())

    saw = look(None if fault == "no store" else store, folder, clock.now())

    assert saw.verdict is Verdict.UNPROVEN
    assert saw.repair


@pytest.mark.parametrize("fault", ["until", "taken back", "copied", "empty", "left"])
def test_what_nobody_stands_by_is_unproven(
    fault: str, store: Store, keyring: Keyring, folder: Path, clock: FixedClock
) -> None:
    staff.add(store, "dora", Role.DPO, now=clock.now())
    made = attest(store, keyring, folder, clock.now(), owner="dora")
    assert look(store, folder, clock.now()).verdict is Verdict.KEPT
    if fault == "left":
        staff.disable(store, "dora", now=clock.now())
    elif fault == "taken back":
        with store.writing() as tx:
            register.withdraw(tx, keyring, made.id, clock.now())
    elif fault == "empty":
        (folder / "documents" / "disks.md").write_bytes(b"")
    by_hand = {
        "until": "update attestations set until = '2029-01-01'",
        "taken back": "update attestations set withdrawn_at = null",
        "copied": "update attestations set about = 'patches'",
        "empty": f"update attestations set sha256 = '{reading.EMPTY}'",
    }
    with store.writing() as tx:
        tx.execute(text(by_hand.get(fault, "select 1")))

    saw = look(store, folder, clock.now(), "disk-encryption", "patches")

    assert saw.verdict is Verdict.UNPROVEN
    told = {"empty": "is empty", "left": "is closed", "taken back": "was withdrawn"}
    assert told.get(fault, "is not what its entry in the ledger says") in saw.detail


def test_on_its_last_day_it_still_holds(store: Store, keyring: Keyring, folder: Path, clock: FixedClock) -> None:
    attest(store, keyring, folder, clock.now())
    clock.set("2027-03-31T23:59:59+00:00")
    assert look(store, folder, clock.now()).verdict is Verdict.KEPT


def test_the_later_word_counts_also_where_the_earlier_held_longer(
    store: Store, keyring: Keyring, folder: Path, clock: FixedClock
) -> None:
    attest(store, keyring, folder, clock.now())
    attest(store, keyring, folder, clock.now(), until=dt.date(2026, 12, 1))
    clock.set("2026-12-02T00:00:00+00:00")
    assert look(store, folder, clock.now()).verdict is Verdict.UNPROVEN


def test_a_sentence_is_named_by_number_or_id_and_either_subject_will_do(
    store: Store, keyring: Keyring, folder: Path, clock: FixedClock
) -> None:
    made = attest(store, keyring, folder, clock.now(), about="3.1e")

    assert made.about == "protection.measures.infrastructure"
    saw = look(store, folder, clock.now(), "disk-encryption", "protection.measures.infrastructure")
    assert saw.verdict is Verdict.KEPT
    assert look(store, folder, clock.now(), "disk-encryption").verdict is Verdict.UNPROVEN


@pytest.mark.parametrize(
    ("other", "error", "told"),
    [
        ({"about": "disk-encription"}, UnknownName, 'Did you mean "disk-encryption"'),
        ({"about": "3.1ee"}, UnknownName, 'Did you mean "3.1e"'),
        ({"owner": "dpa"}, UnknownName, 'Did you mean "dpo"'),
        ({"statement": "  "}, TrothError, "says something"),
        ({"document": "documents/none.md"}, TrothError, "no such document"),
        ({"document": "documents"}, TrothError, "no such document"),
        ({"document": "../outside.md"}, TrothError, "does not stand below"),
        ({"until": dt.date(2026, 11, 21)}, TrothError, "from 2026-11-22"),
        ({"until": dt.date(2036, 1, 1)}, TrothError, "cannot hold until that day"),
    ],
)
def test_what_cannot_be_attested_is_refused_and_leaves_nothing(
    other: dict[str, object],
    error: type[TrothError],
    told: str,
    store: Store,
    keyring: Keyring,
    folder: Path,
    clock: FixedClock,
) -> None:
    (folder.parent / "outside.md").write_text("not ours")
    with pytest.raises(error, match=told):
        attest(store, keyring, folder, clock.now(), **other)
    with store.reading() as tx:
        assert tx.execute(select(attestations.c.id)).all() == []
        assert tx.execute(select(ledger_leaves.c.id)).all() == []


def test_an_account_that_is_closed_answers_for_nothing(
    store: Store, keyring: Keyring, folder: Path, clock: FixedClock
) -> None:
    staff.add(store, "dora", Role.DPO, now=clock.now())
    staff.disable(store, "dora", now=clock.now())
    with pytest.raises(AccessDenied):
        attest(store, keyring, folder, clock.now(), owner="dora")


def test_taking_back_twice_is_one_entry_and_an_unknown_number_is_told(
    store: Store, keyring: Keyring, folder: Path, clock: FixedClock
) -> None:
    made = attest(store, keyring, folder, clock.now())
    for _ in range(2):
        with store.writing() as tx:
            register.withdraw(tx, keyring, made.id, clock.now())
    with pytest.raises(UnknownName, match="number 99"), store.writing() as tx:
        register.withdraw(tx, keyring, 99, clock.now())
    with store.reading() as tx:
        kinds = [row.kind for row in tx.execute(select(ledger_leaves.c.kind))]
    assert kinds == ["attestation.made", "attestation.withdrawn"]
