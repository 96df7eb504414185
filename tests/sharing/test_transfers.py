"""A business is sold: people are told, the policy stands still, and choices arrive at the buyer with their proof."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.foundation.ledger import independent
from tests.rights.desks import ADA, BOB, Office, found_office
from tests.use.company import Company, found_company
from troth.errors import KeyUnavailable, ProofInvalid, TransferRefused
from troth.foundation import age, keys
from troth.foundation.ledger.notes import PublicKey
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.tables import people as people_table
from troth.policy import reading
from troth.sharing import arriving, bundles, disclosures, transfer_reading, transfers
from troth.sharing.tables import transfer_imports
from troth.sharing.words import TransferState
from troth.updates import versions
from troth.use.stopping import suppression
from troth.use.tables import consent_events, objections, restrictions, suppressions

PRIVATE, PUBLIC = age.new_key()
NOTICE = "Example Company is sold to Example Buyer. You can stay behind: write to us."
MONTH = dt.timedelta(days=31)


@dataclass
class Deal:
    """A seller, and a buyer with an empty store."""

    seller: Office
    buyer: Company
    folder: Path

    def bundle(self) -> bytes:
        """Announce, wait, freeze and export; the file that the buyer gets."""
        number = transfers.announce(self.seller.desk.office, "Example Buyer", "IE", NOTICE).id
        self.seller.company.clock.advance(MONTH)
        transfers.freeze(self.seller.desk.office, number)
        bundles.export(self.seller.desk, number, self.seller.company.folder / "out.age", PUBLIC)
        return (self.seller.company.folder / "out.age").read_bytes()

    @property
    def mark(self) -> str:
        return bundles.fingerprint(self.seller.desk.office.keyring.public_key)

    def take_in(self, data: bytes, mark: str | None = None) -> arriving.Taken:
        return arriving.take_in(self.buyer.office, data, PRIVATE, mark or self.mark, self.folder / "bought")


@pytest.fixture
def deal(tmp_path: Path) -> Iterator[Deal]:
    (tmp_path / "seller").mkdir()
    (tmp_path / "buyer").mkdir()
    with found_office(tmp_path / "seller") as seller, found_company(tmp_path / "buyer") as buyer:
        troth = seller.company.troth
        troth.give_consent("id=7", "marketing")
        troth.give_consent("id=8", "marketing")
        troth.withdraw_consent("id=8", "marketing")
        troth.object_to("id=7", "fraud")
        troth.restrict("id=8")
        suppression.suppress_many(seller.desk.office, [BOB.value], "marketing", source="old-list")
        buyer.clock.advance(2 * MONTH)
        yield Deal(seller, buyer, tmp_path)


def opened(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(age.unsealed(data, PRIVATE))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def closed(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    sealing = age.Sealing(file, PUBLIC)
    with zipfile.ZipFile(sealing, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    sealing.close()
    return file.getvalue()


def signed(deal: Deal, parts: dict[str, bytes], change: Callable[[dict[str, Any]], object]) -> bytes:
    """A bundle whose manifest was changed, its hashes put right, and signed again by a seller who lies."""
    manifest = json.loads(parts["manifest.json"])
    change(manifest)
    for name, facts in manifest["files"].items():
        facts["sha256"] = hashlib.sha256(parts[name]).hexdigest()
    raw = json.dumps(manifest).encode()
    signature = deal.seller.desk.office.keyring.sign(bundles.SIGNED + raw)
    return closed({**parts, "manifest.json": raw, "manifest.sig": base64.b64encode(signature)})


def test_rows_and_choices_arrive_with_the_business(deal: Deal) -> None:
    taken = deal.take_in(deal.bundle())

    assert (taken.people, taken.rows, taken.new) == (3, 6, True)
    assert taken.choices == {"consent": 2, "objection": 1, "restriction": 1, "no-mail": 1}
    rows = {row.event.value: row for row in deal.buyer.rows(consent_events)}
    assert set(rows) == {"given", "withdrawn"}
    assert rows["given"].source == "Example Company"
    before = {row.event.value: row for row in deal.seller.company.rows(consent_events)}
    assert (rows["given"].at, rows["given"].text_sha256) == (before["given"].at, before["given"].text_sha256)
    assert [row.purpose for row in deal.buyer.rows(objections)] == ["fraud"]
    assert [row.event.value for row in deal.buyer.rows(restrictions)] == ["placed"]
    assert [row.purpose for row in deal.buyer.rows(suppressions)] == ["marketing"]
    users = [json.loads(line)["row"] for line in (deal.folder / "bought" / "shop.users.jsonl").read_text().splitlines()]
    assert [row["name"] for row in users] == ["Ada", "Bob", "Cid"]
    assert (deal.folder / "bought" / "shop.users.jsonl").stat().st_mode & 0o777 == 0o600


def test_the_choices_are_obeyed_at_the_buyer(deal: Deal) -> None:
    deal.take_in(deal.bundle())
    prefix = deal.mark[:12]
    ada, bob = {"id": f"{prefix}/shop.customer/7"}, {"id": f"{prefix}/shop.customer/8"}

    assert deal.buyer.troth.may(ada, "marketing", "contact.email")
    assert not deal.buyer.troth.may(ada, "fraud", "device.ip")
    assert not deal.buyer.troth.may(bob, "marketing", "contact.email")
    assert not deal.buyer.troth.may(bob, "fraud", "device.ip")


def test_people_of_the_seller_are_not_those_of_the_buyer_who_look_alike(deal: Deal) -> None:
    deal.buyer.troth.register(id="7", email=BOB.value)
    deal.take_in(deal.bundle())
    assert not deal.buyer.troth.may({"id": "7"}, "marketing", "contact.email")


def test_a_bundle_is_taken_in_once(deal: Deal) -> None:
    data = deal.bundle()
    first, second = deal.take_in(data), deal.take_in(data)

    assert (first.new, second.new, first.leaf) == (True, False, second.leaf)
    assert len(deal.buyer.rows(people_table)) == 3
    assert len(deal.buyer.rows(consent_events)) == 2


def test_a_crash_while_taking_in_leaves_nothing_half_done(deal: Deal, monkeypatch: pytest.MonkeyPatch) -> None:
    data = deal.bundle()

    def dies(*_: object) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(arriving.consent, "insert", dies)
        with pytest.raises(KeyboardInterrupt):
            deal.take_in(data)
    assert deal.buyer.rows(people_table) == []
    assert deal.buyer.rows(transfer_imports) == []
    assert deal.take_in(data).new


def test_the_proofs_are_verified_by_a_program_that_is_not_ours(deal: Deal) -> None:
    parts = opened(deal.bundle())
    note = parts["checkpoint.txt"].decode()
    key = PublicKey(note.split("\n")[0], deal.seller.desk.office.keyring.public_key)
    assert bundles.fingerprint(key.raw) == deal.mark
    _, size, root = independent.open_checkpoint(note, key.text)

    lines = [json.loads(line) for line in parts["proofs.jsonl"].splitlines()]
    assert len(lines) == 6
    for line in lines:
        path = [base64.b64decode(one) for one in line["path"]]
        assert independent.root_by_path(line["entry"].encode(), line["index"], size, path) == root
    signature = base64.b64decode(parts["manifest.sig"])
    assert independent.ed25519_holds(key.raw, b"troth transfer 1\n" + parts["manifest.json"], signature)


def test_a_changed_part_is_seen(deal: Deal) -> None:
    parts = opened(deal.bundle())
    for part in parts:
        for changed in (parts[part][:-2] + b"x\n", b"", parts[part] + b" x"):
            with pytest.raises(ProofInvalid):
                deal.take_in(closed({**parts, part: changed}))
    assert deal.buyer.rows(people_table) == []


def test_what_the_seller_did_not_sign_is_not_unpacked(deal: Deal, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = opened(deal.bundle())
    unpacked: list[str] = []
    read = zipfile.ZipFile.read

    def reading(archive: zipfile.ZipFile, name: str) -> bytes:
        unpacked.append(name)
        return read(archive, name)

    monkeypatch.setattr(zipfile.ZipFile, "read", reading)
    bomb = closed({**parts, "manifest.json": parts["manifest.json"] + b" ", "people.jsonl": b"0" * 2**20})
    with pytest.raises(ProofInvalid, match="signature"):
        deal.take_in(bomb)
    assert sorted(unpacked) == ["manifest.json", "manifest.sig"]
    unpacked.clear()
    with pytest.raises(ProofInvalid, match="no bundle"):
        deal.take_in(closed({**parts, "manifest.json": b" " * (16 * 2**20)}))
    assert unpacked == []


@pytest.mark.parametrize("how", ["encrypted", "packed otherwise", "damaged"])
def test_a_bundle_that_cannot_be_unpacked_is_none(deal: Deal, how: str) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("manifest.json", "manifest.sig"):
            archive.writestr(name, b"{}" * 400)
    packed = bytearray(file.getvalue())
    where = packed.index(b"PK\x01\x02")
    for head, at in ((0, 6), (where, 8)):  # the local header and the first entry of the directory
        if how == "encrypted":
            packed[head + at] |= 1
        elif how == "packed otherwise":
            packed[head + at + 2] = 97
        else:
            packed[30 + len("manifest.json") : 34 + len("manifest.json")] = b"\xff" * 4
    sealed = io.BytesIO()
    sealing = age.Sealing(sealed, PUBLIC)
    sealing.write(bytes(packed))
    sealing.close()
    with pytest.raises(ProofInvalid, match="no bundle"):
        deal.take_in(sealed.getvalue())


def test_a_missing_or_further_part_is_seen(deal: Deal) -> None:
    parts = opened(deal.bundle())
    without = {name: content for name, content in parts.items() if name != "choices.jsonl"}
    for changed in (without, {**parts, "data/../../evil": b""}, {**parts, "more.txt": b"x"}):
        with pytest.raises(ProofInvalid):
            deal.take_in(closed(changed))


def test_a_seller_who_lies_about_a_choice_is_seen_by_the_ledger(deal: Deal) -> None:
    parts = opened(deal.bundle())
    lies = [
        (b'"event": "withdrawn"', b'"event": "given"'),
        (b'"purpose": "fraud"', b'"purpose": "marketing"'),
        (b'"text": "We send', b'"text": "We may send'),
    ]
    for before, after in lies:
        assert before in parts["choices.jsonl"], before
        changed = {**parts, "choices.jsonl": parts["choices.jsonl"].replace(before, after)}
        with pytest.raises(ProofInvalid, match="not proven"):
            deal.take_in(signed(deal, changed, lambda _: None))
    swapped = {**parts, "choices.jsonl": parts["choices.jsonl"].replace(b'"person": 2, "what": "consent"', b'"person": 1, "what": "consent"')}  # fmt: skip
    with pytest.raises(ProofInvalid, match="somebody else"):
        deal.take_in(signed(deal, swapped, lambda _: None))


def test_a_name_that_leads_out_of_the_folder_is_refused(deal: Deal) -> None:
    parts = opened(deal.bundle())
    evil = {**parts, "data/../evil.jsonl": b"{}\n"}
    with pytest.raises(ProofInvalid, match="a name that it may not have"):
        deal.take_in(signed(deal, evil, lambda m: m["files"].update({"data/../evil.jsonl": {"lines": 1, "size": 3}})))


def test_another_key_or_another_reader_is_refused(deal: Deal) -> None:
    data = deal.bundle()
    with pytest.raises(ProofInvalid, match="another key"):
        deal.take_in(data, "0" * 64)
    with pytest.raises(KeyUnavailable):
        arriving.take_in(deal.buyer.office, data, age.new_key()[0], deal.mark, deal.folder / "bought")
    with pytest.raises(KeyUnavailable):
        deal.take_in(data[:-1])
    parts = opened(data)
    forged = keys.Keyring.from_text("troth-key-1:" + base64.urlsafe_b64encode(bytes(32)).decode(), where="here")
    with pytest.raises(ProofInvalid, match="signature"):
        deal.take_in(
            closed(
                {
                    **parts,
                    "manifest.sig": base64.b64encode(forged.sign(bundles.SIGNED + parts["manifest.json"])),
                }
            )
        )


def test_nothing_goes_before_the_day_without_the_freeze_or_twice(deal: Deal) -> None:
    desk, out = deal.seller.desk, deal.seller.company.folder / "out.age"
    number = transfers.announce(desk.office, "Example Buyer", "IE", NOTICE).id
    with pytest.raises(TransferRefused, match="announced"):
        bundles.export(desk, number, out, PUBLIC)
    transfers.freeze(desk.office, number)
    deal.seller.company.clock.advance(dt.timedelta(days=29))
    with pytest.raises(TransferRefused, match="notice"):
        bundles.export(desk, number, out, PUBLIC)
    assert not out.exists()
    deal.seller.company.clock.advance(dt.timedelta(days=1))
    bundles.export(desk, number, out, PUBLIC)
    with pytest.raises(TransferRefused, match="exported"):
        bundles.export(desk, number, out, PUBLIC)


def test_the_policy_stands_still_while_a_business_is_handed_over(deal: Deal) -> None:
    office = deal.seller.desk.office
    data = Path(deal.seller.desk.instance.policy_file).read_bytes()
    number = transfers.announce(office, "Example Buyer", "IE", NOTICE).id
    versions.publish(office.store, office.keyring, data, reading.parse(data), deal.seller.now)
    changed = data.replace(b"We run your account.", b"We keep your account running.")
    transfers.freeze(office, number)
    with pytest.raises(TransferRefused, match="stands still"):
        versions.publish(office.store, office.keyring, changed, reading.parse(changed), deal.seller.now)
    transfers.end(office, number)
    assert versions.publish(office.store, office.keyring, changed, reading.parse(changed), deal.seller.now).number == 2


def test_who_says_no_stays_with_all_that_is_theirs(deal: Deal) -> None:
    office = deal.seller.desk.office
    number = transfers.announce(office, "Example Buyer", "IE", NOTICE).id
    deal.seller.company.clock.advance(dt.timedelta(days=1))
    assert transfers.stay(office, number, "id=7")
    assert not transfers.stay(office, number, "id=7")
    deal.seller.company.troth.object_to("id=8", "*")
    deal.seller.company.clock.advance(MONTH)
    transfers.freeze(office, number)
    record = bundles.export(deal.seller.desk, number, deal.seller.company.folder / "out.age", PUBLIC)

    content = b"".join(opened((deal.seller.company.folder / "out.age").read_bytes()).values())
    assert ADA.value.encode() not in content
    assert BOB.value.encode() not in content
    assert b"Cid" in content
    assert (record.people, record.held_back.refused) == (0, {"stays": 2})
    with pytest.raises(TransferRefused):
        transfers.stay(office, number, {"id": "8"})


def test_who_is_being_erased_goes_nowhere(deal: Deal) -> None:
    deal.seller.company.troth.restrict("id=7", ground="erasure")
    parts = opened(deal.bundle())
    assert ADA.value.encode() not in b"".join(parts.values())
    assert json.loads(parts["manifest.json"])["left_out"] == {"being-erased": 1}


def test_somebody_who_says_no_while_it_is_written_stops_it(deal: Deal, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = bundles._Writing.manifest

    def meanwhile(writing: Any) -> bytes:
        transfers.stay(deal.seller.desk.office, 1, "id=7")
        return manifest(writing)

    monkeypatch.setattr(bundles._Writing, "manifest", meanwhile)
    with pytest.raises(TransferRefused, match="said no while it was read"):
        deal.bundle()
    assert not (deal.seller.company.folder / "out.age").exists()


def test_the_record_says_what_went(deal: Deal) -> None:
    deal.bundle()
    with deal.seller.desk.office.store.reading() as tx:
        [record] = disclosures.latest(tx)
        found = transfer_reading.find(tx, 1)
    assert found is not None
    assert (found.state, found.disclosure, record.reason.value) == (
        TransferState.EXPORTED,
        record.id,
        "business-transfer",
    )
    assert dict(found.result) | {"manifest": ""} == {
        "people": 3, "rows": 6, "choices": {"consent": 2, "objection": 1, "restriction": 1, "no-mail": 1}, "left_out": {}, "manifest": "",
    }  # fmt: skip
    kinds = [leaf.kind for leaf in deal.seller.company.rows(ledger_leaves) if leaf.kind.startswith("transfer")]
    assert kinds == ["transfer.announced", "transfer.frozen", "transfer.exported"]


def test_a_transfer_that_is_not_whole_is_refused_and_one_runs_at_a_time(deal: Deal) -> None:
    for buyer, country, notice in (("", "IE", "x"), ("B", "Eire", "x"), ("B", "IE", " ")):
        with pytest.raises(TransferRefused):
            transfers.announce(deal.seller.desk.office, buyer, country, notice)
    transfers.announce(deal.seller.desk.office, "Example Buyer", "IE", NOTICE)
    with pytest.raises(TransferRefused, match="not over yet"):
        transfers.announce(deal.seller.desk.office, "Another Buyer", "IE", NOTICE)
