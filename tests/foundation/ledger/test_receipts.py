"""A receipt proves one entry offline, and an export all of them, to tools that are not ours."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.foundation.ledger import independent, worlds
from tests.foundation.ledger.worlds import NOON
from troth.errors import ProofInvalid, StoreError
from troth.foundation.keys import Keyring
from troth.foundation.ledger import checkpoints, leaves
from troth.foundation.ledger.exports import export, verify_export
from troth.foundation.ledger.findings import Finding
from troth.foundation.ledger.notes import PublicKey
from troth.foundation.ledger.receipts import Receipt, find_receipt, receipt, verify_receipt
from troth.foundation.store import Store


def key_of(store: Store, keyring: Keyring) -> PublicKey:
    return PublicKey.of(keyring, checkpoints.claimed(worlds.note(store)).origin)


def test_a_receipt_of_every_entry_verifies_by_ours_and_by_a_foreign_verifier(
    each_store: Store, keyring: Keyring
) -> None:
    ids = worlds.fill(each_store, keyring, 300, batch=130)
    key = key_of(each_store, keyring)
    contents = worlds.contents(each_store)

    for place, leaf in list(enumerate(ids))[::7] + list(enumerate(ids))[-4:]:
        found = receipt(each_store, leaf, wait_s=0)
        assert (found.index, found.entry) == (place, contents[place])
        assert verify_receipt(found, [key]).size == 300
        if place % 35 == 0 or place > 296:
            assert independent.open_proof(found.tlog_proof, key.text) == found.entry
            for text in (found.tlog_proof, json.dumps(found.json)):
                again = Receipt.read(text)
                assert (again.entry, again.index, again.path, again.checkpoint) == (
                    found.entry,
                    found.index,
                    found.path,
                    found.checkpoint,
                )


def test_no_altered_receipt_verifies(store: Store, keyring: Keyring) -> None:
    worlds.fill(store, keyring, 40)
    found = receipt(store, 17, wait_s=0)
    key = key_of(store, keyring)
    chance = random.Random(3)
    text = json.dumps(found.json, ensure_ascii=False)
    start = text.index('"key"')  # the key in it is not trusted, so it may say anything

    for _ in range(400):
        at = chance.randrange(start)
        wrong = text[:at] + chr(ord(text[at]) ^ (1 << chance.randrange(5))) + text[at + 1 :]
        try:
            altered = Receipt.read(wrong)
            head = verify_receipt(altered, [key])
        except ProofInvalid:
            continue
        assert (altered.entry, altered.index, head) == (found.entry, found.index, checkpoints.claimed(found.checkpoint))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "{" * 5000,
        "c2sp.org/tlog-proof@v1\n",
        "c2sp.org/tlog-proof@v1\nindex 1\n\n",
        '{"schema": 1, "entry": 5}',
        "x" * 300_000,
    ],
)
def test_what_is_no_receipt_is_refused(text: str) -> None:
    with pytest.raises(ProofInvalid, match="no receipt"):
        Receipt.read(text)


def test_a_receipt_waits_for_its_place_and_says_when_nobody_sequences(store: Store, keyring: Keyring) -> None:
    [leaf] = worlds.wait(store, keyring, 1)

    with store.reading() as tx:
        assert find_receipt(tx, leaf) is None
    with pytest.raises(StoreError, match="no place in the ledger after 0 s"):
        receipt(store, leaf, wait_s=0)
    with pytest.raises(StoreError, match="no leaf 99"):
        receipt(store, 99, wait_s=0)
    worlds.sequence(store, keyring)
    assert receipt(store, leaf, wait_s=0).index == 0


# --- export -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 255, 256, 257, 700])
def test_an_export_is_read_and_verified_by_a_foreign_verifier(
    store: Store, keyring: Keyring, tmp_path: Path, count: int
) -> None:
    worlds.fill(store, keyring, count, batch=300)
    folder = tmp_path / "evidence"

    head = export(store, folder)

    assert head.size == count
    key = key_of(store, keyring)
    assert (folder / "key").read_text() == f"{key.text}\n"
    assert independent.open_export(folder, key.text) == worlds.contents(store)
    assert verify_export(folder, [key], [worlds.note(store)]).findings == []


def test_an_export_of_postgresql_is_the_same(each_store: Store, keyring: Keyring, tmp_path: Path) -> None:
    worlds.fill(each_store, keyring, 60)

    export(each_store, tmp_path / "evidence")

    assert independent.open_export(tmp_path / "evidence", key_of(each_store, keyring).text) == worlds.contents(
        each_store
    )


def test_a_later_export_into_the_same_folder_goes_on(store: Store, keyring: Keyring, tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    worlds.fill(store, keyring, 200)
    export(store, folder)
    kept = (folder / "checkpoint").read_text()
    worlds.fill(store, keyring, 200, start=200)

    export(store, folder)

    key = key_of(store, keyring)
    assert verify_export(folder, [key], [kept]).holds
    assert len(independent.open_export(folder, key.text)) == 400


def test_a_folder_of_something_else_is_left_alone(store: Store, keyring: Keyring, tmp_path: Path) -> None:
    worlds.fill(store, keyring, 3)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "novel.txt").write_text("chapter one")

    with pytest.raises(StoreError, match="something else"):
        export(store, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["novel.txt"]


def test_an_export_holds_no_sealed_body_and_no_name(store: Store, keyring: Keyring, tmp_path: Path) -> None:
    with store.writing() as tx:
        leaves.append(tx, keyring, "request.received", 17, {}, NOON, sealed={"words": "Ada of Lilac Lane"})
    worlds.sequence(store, keyring)

    export(store, tmp_path / "evidence")

    every = b"".join(path.read_bytes() for path in (tmp_path / "evidence").rglob("*") if path.is_file())
    assert b"Lilac" not in every


def test_every_changed_file_of_an_export_is_found_and_located(store: Store, keyring: Keyring, tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    worlds.fill(store, keyring, 600)
    export(store, folder)
    key = key_of(store, keyring)
    chance = random.Random(5)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "README.md")
    assert len(files) == 3 + 3 + 3 + 1
    for path in files * 6:
        data = path.read_bytes()
        at = chance.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :])

        try:
            findings = verify_export(folder, [key] if path.name != "key" else []).findings
        except ProofInvalid:  # the checkpoint or the key is not even one any more
            assert path.name in {"checkpoint", "key"}
            findings = [Finding(path.name, "")]
        parts = path.relative_to(folder).parts
        if parts[0] == "tile":
            span = 256 ** (int(parts[1]) + 1) if parts[1] != "entries" else 256
            first = span * int(parts[2].removesuffix(".p"))
            assert any(one.place is not None and first <= one.place < first + span for one in findings), (
                path,
                at,
                findings,
            )
        assert findings, (path, at)
        path.write_bytes(data)
        path.rename(path.with_name("away"))
        with_missing = ProofInvalid if path.name == "checkpoint" else None
        if with_missing:
            with pytest.raises(ProofInvalid, match="no exported ledger here"):
                verify_export(folder, [key])
        elif path.name != "key":
            assert not verify_export(folder, [key]).holds
        path.with_name("away").rename(path)
    assert verify_export(folder, [key]).holds


def test_an_export_with_its_own_key_says_that_it_proves_less(store: Store, keyring: Keyring, tmp_path: Path) -> None:
    worlds.fill(store, keyring, 3)
    export(store, tmp_path / "evidence")

    outcome = verify_export(tmp_path / "evidence")

    assert outcome.holds
    assert "taken from the folder itself" in outcome.notes[0]
