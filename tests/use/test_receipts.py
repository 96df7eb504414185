"""Records by ISO/IEC TS 27560 and signed receipts: what they say was kept when it was said, and anybody can verify it."""

from __future__ import annotations

import base64
import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.use.company import POLICY, Company
from troth.errors import ProofInvalid
from troth.foundation.keys import Keyring
from troth.foundation.ledger.sequencer import Sequencer, sequence_all
from troth.use import renewal
from troth.use.recording import receipts, records

EMAIL = "ada-91f0@customer.example"
DPV = "https://w3id.org/dpv#"


@pytest.fixture
def person(company: Company) -> Company:
    company.troth.register(id="17", email=EMAIL)
    return company


def record(company: Company, purpose: str = "marketing") -> dict[str, Any]:
    with company.office.store.reading() as tx:
        [found] = records.of_person(
            tx, company.office, 1, address="https://shop.example.com/privacy/centre", purpose=purpose
        )
    return found.json


def receipt(company: Company) -> str:
    with company.office.store.reading() as tx:
        [found] = records.of_person(tx, company.office, 1, purpose="marketing")
        return receipts.written(receipts.issue(tx, company.office.keyring, found, company.clock.now()))


def states(of: dict[str, Any]) -> list[str]:
    return [event["event_state"].removeprefix(DPV) for event in of["events"]]


def test_a_record_has_every_field_the_standard_asks_for(person: Company) -> None:
    person.troth.give_consent("id=17", "marketing", method="paper")

    found = record(person)

    assert {"schema_version", "record_id", "pii_principal_id"} <= set(found)
    assert {
        "privacy_notice", "language", "purpose", "lawful_basis", "pii_information", "pii_controllers",
        "collection_method", "storage_locations", "retention_period", "jurisdiction", "recipient_third_parties",
        "withdrawal_method", "privacy_rights",
    } <= set(found["pii_processing"])  # fmt: skip
    for event in found["events"]:
        assert {"event_time", "validity_duration", "entity_id", "event_type", "event_state"} <= set(event)
    for party in found["parties"]:
        assert {"party_id", "party_name", "party_type"} <= set(party)
    processing = found["pii_processing"]
    assert processing["privacy_notice"]["text"] == "We send you the newsletter."
    assert [one["pii_type"] for one in processing["pii_information"]] == ["contact.email", "profile.name"]
    assert [party["party_name"] for party in found["parties"]] == ["Example Company", "Example Mail"]
    assert processing["lawful_basis"] == "https://w3id.org/dpv/legal/eu/gdpr#A6-1-a"
    assert processing["storage_locations"] == ["DE", "IE"]
    assert EMAIL not in json.dumps(found)


def test_every_state_has_its_own_term(person: Company) -> None:
    troth = person.troth
    for verb in (troth.give_consent, troth.withdraw_consent, troth.give_consent):
        verb("id=17", "marketing")
    assert states(record(person)) == ["ConsentGiven", "ConsentWithdrawn", "RenewedConsentGiven"]
    from troth.use import consent

    consent.refuse(person.office, "id=17", "analytics")
    assert states(record(person, "analytics")) == ["ConsentRefused"]
    assert record(person, "analytics")["consent_status"] == DPV + "ConsentRefused"


def test_a_record_tells_what_was_agreed_to_and_not_what_the_policy_says_since(person: Company) -> None:
    person.troth.give_consent("id=17", "marketing")
    before = record(person)["pii_processing"]
    person.publish(
        POLICY.replace(
            "data: [contact.email, profile.name], basis", "data: [contact.email, profile.name, contact.phone], basis"
        ).replace("We send you the newsletter.", "We call you.")
    )

    found = record(person)

    assert states(found) == ["ConsentGiven", "ConsentRequested"]
    assert found["pii_processing"]["privacy_notice"]["text"] == "We send you the newsletter."
    assert found["pii_processing"]["pii_information"] == before["pii_information"]
    assert found["events"][-1]["entity_id"] == "controller"


def test_an_expired_consent_says_so_before_it_is_written_down(person: Company) -> None:
    person.publish(
        POLICY.replace("profile.name], basis: consent}]", "profile.name], basis: consent}]\n      lasts: 1 month")
    )
    person.troth.give_consent("id=17", "marketing")
    person.clock.advance(timedelta(days=40))
    assert record(person)["consent_status"] == DPV + "ConsentExpired"
    assert states(record(person)) == ["ConsentGiven"]
    renewal.expire(person.office)
    assert states(record(person)) == ["ConsentGiven", "ConsentExpired"]


def test_a_receipt_verifies_with_a_few_lines_that_are_not_ours(person: Company) -> None:
    person.troth.give_consent("id=17", "marketing")
    value = json.loads(receipt(person))

    def b64(text: str) -> bytes:
        return base64.urlsafe_b64decode(text + "==")

    body = json.dumps(value["receipt"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    signed = value["signature"]["protected"].encode() + b"." + base64.urlsafe_b64encode(body).rstrip(b"=")
    key = Ed25519PublicKey.from_public_bytes(b64(value["signature"]["public_key"]))
    key.verify(b64(value["signature"]["signature"]), signed)
    with pytest.raises(InvalidSignature):
        key.verify(b64(value["signature"]["signature"]), signed + b"A")
    assert person.office.keyring.public_key == b64(value["signature"]["public_key"])


def test_a_receipt_holds_the_proof_of_the_ledger_once_the_word_has_its_place(person: Company) -> None:
    person.troth.give_consent("id=17", "marketing")
    assert receipts.verify(receipt(person)).in_ledger is None
    sequence_all(person.office.store, person.office.keyring, person.clock, host="shop.example.com")

    found = receipts.verify(receipt(person), trusted=person.office.keyring.public_key)

    assert found.in_ledger == len(person.leaves())
    assert found.key_id == person.office.keyring.signing_id


def test_the_proof_of_another_word_is_refused(person: Company) -> None:
    person.troth.give_consent("id=17", "marketing")
    person.troth.give_consent("id=17", "analytics")
    sequence_all(person.office.store, person.office.keyring, person.clock, host="shop.example.com")
    with person.office.store.reading() as tx:
        marketing, analytics = records.of_person(tx, person.office, 1)
        forged = records.ConsentRecord(marketing.purpose, marketing.state, analytics.leaf, marketing.json)
        text = receipts.written(receipts.issue(tx, person.office.keyring, forged, person.clock.now()))
    with pytest.raises(ProofInvalid, match="another word"):
        receipts.verify(text)


def test_no_altered_receipt_passes(person: Company) -> None:
    person.troth.give_consent("id=17", "marketing")
    sequence_all(person.office.store, person.office.keyring, person.clock, host="shop.example.com")
    text = receipt(person)
    value = json.loads(text)
    receipts.verify(text)
    refused = 0
    for path in _leaves(value["receipt"]):
        altered = json.loads(text)
        _set(altered["receipt"], path)
        with pytest.raises(ProofInvalid):
            receipts.verify(json.dumps(altered))
        refused += 1
    assert refused > 50
    chance = random.Random(7)
    for _ in range(300):
        place = chance.randrange(len(text))
        other = text[:place] + chance.choice('abcXYZ019{}[]"') + text[place + 1 :]
        try:
            found = receipts.verify(other)
        except ProofInvalid:
            continue
        assert found.receipt == value["receipt"], "only blanks between the parts may differ"


def test_a_receipt_of_another_key_is_refused(person: Company) -> None:
    person.troth.give_consent("id=17", "marketing")
    with pytest.raises(ProofInvalid, match="another key"):
        receipts.verify(receipt(person), trusted=b"\1" * 32)
    for text in ("", "{}", "[]", '{"receipt": {}, "signature": {}}', "x" * 1_000_001):
        with pytest.raises(ProofInvalid, match="no consent receipt"):
            receipts.verify(text)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Any:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _leaves(each, (*path, name))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _leaves(each, (*path, place))
    else:
        yield path


def _set(value: Any, path: tuple[Any, ...]) -> None:
    for part in path[:-1]:
        value = value[part]
    value[path[-1]] = f"{value[path[-1]]}x"


def test_the_terminal_writes_and_verifies_receipts(
    person: Company, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import typer
    from typer.testing import CliRunner

    from troth.foundation.ledger.notes import PublicKey
    from troth.use.recording import commands

    app = typer.Typer()
    app.command("receipt")(commands.receipt)
    app.command("verify")(commands.verify)
    monkeypatch.chdir(person.folder)
    monkeypatch.setenv("STORE_URL", person.environ["STORE_URL"])
    person.troth.give_consent("id=17", "marketing")
    file = tmp_path / "receipt.json"

    assert CliRunner().invoke(app, ["receipt", "id=17", "--purpose", "marketing", "-o", str(file)]).exit_code == 0
    key = PublicKey.of(person.office.keyring, "shop.example.com").text
    told = CliRunner().invoke(app, ["verify", str(file), "--key", key, "--format", "json"])
    assert told.exit_code == 0
    assert json.loads(told.stdout) | {"since": ""} == {
        "schema": 1, "valid": True, "purpose": "marketing", "state": DPV + "ConsentGiven", "since": "",
        "key": person.office.keyring.signing_id, "key_compared": True, "ledger_size": None,
    }  # fmt: skip
    assert "valid  marketing: ConsentGiven" in CliRunner().invoke(app, ["verify", str(file)]).stdout

    file.write_text(file.read_text().replace("the newsletter", "everything"))
    broken = CliRunner().invoke(app, ["verify", str(file)])
    assert (broken.exit_code, "does not hold" in broken.stdout) == (1, True)
    assert EMAIL not in file.read_text()


def test_a_receipt_of_before_a_turn_and_one_of_after_it_verify_with_the_key_of_before(person: Company) -> None:
    office, store = person.office, person.office.store
    person.troth.give_consent("id=17", "marketing")
    sequence_all(store, office.keyring)
    old, before = office.keyring.public_key, receipt(person)
    text = office.keyring.turned()
    middle = Keyring.from_text(text, where="here")
    with store.reading() as tx:
        [found] = records.of_person(tx, office, 1, purpose="marketing")
        between = receipts.written(receipts.issue(tx, middle, found, person.clock.now()))
    assert json.loads(between)["receipt"]["ledger"] is None  # its head would be of the other key
    assert receipts.verify(between, trusted=middle.public_key).in_ledger is None

    Sequencer(store, middle).pass_on()

    with store.reading() as tx:
        after = receipts.written(receipts.issue(tx, middle, found, person.clock.now()))
    assert receipts.verify(before, trusted=old).in_ledger == 1
    assert receipts.verify(after, trusted=old).key_id == middle.signing_id
    assert receipts.verify(after, trusted=middle.public_key).in_ledger == 2
    with pytest.raises(ProofInvalid, match="another key"):
        receipts.verify(before, trusted=middle.public_key)
    stranger = Keyring.from_text(office.keyring.turned(), where="here").public_key
    with pytest.raises(ProofInvalid, match="another key"):
        receipts.verify(after, trusted=stranger)
