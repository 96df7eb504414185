"""One signing key takes over from another: who trusts the one before finds the next, and it signs nothing any more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests.foundation.ledger import independent, worlds
from troth.errors import ProofInvalid, StoreError
from troth.foundation import keys
from troth.foundation.keys import Keyring
from troth.foundation.ledger import checkpoints, leaves, lineage, receipts
from troth.foundation.ledger.checkpoints import Checkpoint
from troth.foundation.ledger.exports import export, verify_export
from troth.foundation.ledger.newest import verify_newest
from troth.foundation.ledger.notes import PublicKey
from troth.foundation.ledger.receipts import Receipt, find_receipt, verify_receipt
from troth.foundation.ledger.sequencer import Sequencer, sequence_once
from troth.foundation.ledger.tables import ledger_checkpoints, ledger_handovers, ledger_leaves, ledger_state
from troth.foundation.ledger.verification import verify
from troth.foundation.store import Store


def turned(keyring: Keyring) -> tuple[Keyring, Keyring]:
    """The key in the middle of a turn, and as it is afterwards."""
    text = keyring.turned()
    return Keyring.from_text(text, where="here"), Keyring.from_text(keys.handed_over(text), where="here")


def public(store: Store, keyring: Keyring) -> PublicKey:
    return PublicKey.of(keyring, checkpoints.claimed(worlds.note(store)).origin)


def findings(store: Store, *known: PublicKey, outside: tuple[str, ...] = ()) -> list[str]:
    return [str(each) for each in verify(store, known=known, outside=outside).findings]


def test_one_head_is_signed_by_both_and_who_trusts_the_one_before_follows(each_store: Store, keyring: Keyring) -> None:
    middle, after = turned(keyring)
    worlds.fill(each_store, keyring, 300, batch=150)
    old, kept = public(each_store, keyring), worlds.note(each_store)
    worlds.wait(each_store, keyring, 5)

    Sequencer(each_store, middle).pass_on()
    worlds.fill(each_store, after, 20, start=500)

    new = public(each_store, after)
    with each_store.reading() as tx:
        line = lineage.load(tx, paths=True)
    assert line.keys == (old, new)
    assert [(each["from"], each["until"], each["vouched_for"]) for each in line.spans] == [
        (1, 306, None),
        (306, None, True),
    ]
    [handed] = line.handovers
    assert len(checkpoints.notes.split(handed.note)[1]) == 2
    assert json.loads(handed.entry)["body"] == {"before": old.text, "after": new.text}
    assert lineage.read(handed.note, handed.entry, handed.path) == handed
    for known in (old, new):
        assert findings(each_store, known, outside=(kept, handed.note)) == []
    assert verify(each_store, keyring=after).findings == []
    assert verify(each_store, keyring=middle).findings == []
    assert verify_newest(each_store, keyring=after)[0].findings == []
    assert findings(each_store, public(each_store, turned(keyring)[1])) == [
        "the head of size 326: no key that is trusted has signed the note"
    ]


def test_the_key_before_signs_nothing_after_it_and_a_head_of_its_own_is_found(
    each_store: Store, keyring: Keyring
) -> None:
    middle, after = turned(keyring)
    worlds.fill(each_store, keyring, 10)
    old = public(each_store, keyring)
    stolen = Sequencer(each_store, keyring)
    Sequencer(each_store, middle).pass_on()
    worlds.wait(each_store, after, 1)

    with pytest.raises(StoreError, match=r"has handed over, and [0-9a-f]{8} is in force"):
        stolen.once()
    worlds.sequence(each_store, after)

    head = checkpoints.claimed(worlds.note(each_store))
    forged = checkpoints.sign(head, keyring)
    assert findings(each_store, old, public(each_store, after), outside=(forged,)) == [
        "the checkpoint of size 12 kept outside: it is signed by a key that had handed over at 11"
    ]
    other = checkpoints.sign(Checkpoint(head.origin, 5, bytes(32)), keyring)  # for before: only the tree decides
    assert findings(each_store, old, outside=(other,)) == [
        "the checkpoint of size 5 kept outside: entries 0 to 4 are not those that it was signed for"
    ]
    with each_store.writing() as tx:
        tx.execute(update(ledger_checkpoints).where(ledger_checkpoints.c.size == head.size).values(note=forged))
    assert "had handed over at 11" in findings(each_store, old)[0]
    assert "no key that is trusted" in findings(each_store, public(each_store, after))[0]
    assert not verify_newest(each_store, keyring=keyring)[0].holds


@pytest.mark.parametrize("change", ["row gone", "row moved", "keys cut", "only the new key", "another entry"])
def test_a_hand_over_that_was_tampered_with_is_found(store: Store, keyring: Keyring, change: str) -> None:
    middle, after = turned(keyring)
    worlds.fill(store, keyring, 10)
    old = public(store, keyring)
    Sequencer(store, middle).pass_on()
    worlds.fill(store, after, 3, start=100)
    assert findings(store, old) == []
    with store.writing() as tx:
        match change:
            case "row gone":
                tx.execute(ledger_handovers.delete())
            case "row moved":
                tx.execute(update(ledger_handovers).values(size=10))
            case "keys cut":
                tx.execute(update(ledger_state).values(keys=old.text))
            case "only the new key":
                head = tx.execute(select(ledger_checkpoints).where(ledger_checkpoints.c.size == 11)).one()
                note = checkpoints.sign(checkpoints.claimed(head.note), after)
                tx.execute(update(ledger_checkpoints).where(ledger_checkpoints.c.size == 11).values(note=note))
            case "another entry":
                content = tx.execute(select(ledger_leaves.c.content).where(ledger_leaves.c.id == 11)).scalar_one()
                said = content.replace(b"key.handed-over", b"key.replaced")
                tx.execute(update(ledger_leaves).where(ledger_leaves.c.id == 11).values(content=said))
    assert findings(store, old)
    assert findings(store, public(store, after)) or change == "keys cut"


def test_the_middle_key_signs_as_the_one_before_until_a_batch_takes_all_that_waits(
    store: Store, keyring: Keyring
) -> None:
    middle, after = turned(keyring)
    worlds.fill(store, keyring, 3)
    worlds.wait(store, keyring, 5)
    sequencer = Sequencer(store, middle)

    sizes = []
    while (batch := sequencer.once(2)) is not None:
        sizes.append(batch.count)

    assert sizes == [2, 2, 2]  # the last: one that waited, and the hand-over
    assert findings(store, public(store, keyring)) == []
    assert verify(store, keyring=after).findings == []
    assert sequence_once(store, middle) is None


def test_a_receipt_leads_from_the_key_before_to_the_one_that_signs_it(store: Store, keyring: Keyring) -> None:
    middle, after = turned(keyring)
    worlds.fill(store, keyring, 10)
    with store.reading() as tx:
        early = find_receipt(tx, 3)
    Sequencer(store, middle).pass_on()
    later, last = turned(after)
    Sequencer(store, later).pass_on()
    with store.reading() as tx:
        found = find_receipt(tx, 3)
    assert early is not None
    assert found is not None
    old, new = public(store, keyring), public(store, last)

    assert verify_receipt(Receipt.read(json.dumps(early.json)), [old]).size == 10  # with the key that was in force
    again = Receipt.read(json.dumps(found.json))
    assert found.key == new.text
    assert len(again.handovers) == 2
    for known in (old, public(store, after), new):
        assert verify_receipt(again, [known]).size == 12
    bare = found.json
    del bare["handovers"]
    with pytest.raises(ProofInvalid, match="no key that is trusted"):
        verify_receipt(Receipt.read(json.dumps(bare)), [old])
    forged = found.json
    forged["handovers"][0]["checkpoint"] = checkpoints.sign(checkpoints.claimed(found.checkpoint), keyring)
    with pytest.raises(ProofInvalid):
        Receipt.read(json.dumps(forged))


def test_an_export_shows_every_key_and_a_foreign_verifier_follows(
    store: Store, keyring: Keyring, tmp_path: Path
) -> None:
    middle, after = turned(keyring)
    worlds.fill(store, keyring, 300)
    old, kept = public(store, keyring), worlds.note(store)
    Sequencer(store, middle).pass_on()
    worlds.fill(store, after, 20, start=400)
    new = public(store, after)

    export(store, tmp_path / "evidence")

    folder = tmp_path / "evidence"
    assert (folder / "key").read_text().splitlines() == [old.text, new.text]
    assert [each["until"] for each in json.loads((folder / "keys.json").read_text())["keys"]] == [301, None]
    # who knows nothing of troth, and was told the first key alone
    entry = independent.open_proof((folder / "handover" / "1").read_text(), old.text)
    told = json.loads(entry)["body"]["after"]
    assert independent.open_proof((folder / "handover" / "1").read_text(), told) == entry
    assert len(independent.open_export(folder, told)) == 321
    for known in ([old], [new], []):
        assert verify_export(folder, known, [kept]).findings == []
    assert not verify_export(folder, [public(store, turned(keyring)[1])]).holds

    forged = checkpoints.sign(checkpoints.claimed((folder / "checkpoint").read_text()), keyring)
    (folder / "checkpoint").write_text(forged)
    assert "had handed over" in str(verify_export(folder, [old]).findings[0])
    (folder / "handover" / "1").unlink()
    assert not verify_export(folder, [new]).holds


def test_a_lost_key_is_replaced_and_the_verification_says_so(
    each_store: Store, keyring: Keyring, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Keyring.create(tmp_path / "other")
    worlds.fill(each_store, keyring, 6, start=1)  # none of them sealed
    old, kept = public(each_store, keyring), worlds.note(each_store)

    Sequencer(each_store, other, replacing=True).pass_on()

    outcome = verify(each_store, keyring=other, outside=[kept])
    assert outcome.findings == []
    assert outcome.notes == ["from size 7 on another key signs, and the key before does not say so: it was lost"]
    assert findings(each_store, old) == ["the head of size 7: no key that is trusted has signed the note"]
    export(each_store, tmp_path / "evidence")
    assert verify_export(tmp_path / "evidence", [public(each_store, other)], [kept]).findings == []
    assert not verify_export(tmp_path / "evidence", [old]).holds
    with each_store.reading() as tx:
        found = receipts.find_receipt(tx, 1)
    assert found is not None
    assert found.handovers == ()


def test_what_is_no_hand_over_is_refused(store: Store, keyring: Keyring) -> None:
    with store.writing() as tx:
        leaves.append(tx, keyring, "key.handed-over", None, {"before": "x", "after": 7}, worlds.NOON)
    worlds.sequence(store, keyring)
    with store.writing() as tx:
        tx.execute(ledger_handovers.insert().values(size=1))
    assert (
        findings(store)[0]
        == "the keys that the ledger names: the entry before 1 is no hand-over from one key to another"
    )
