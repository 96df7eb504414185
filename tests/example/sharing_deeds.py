"""Deeds of section 4 to break: what leaves Example Company past its gate, or with a record that is not true.

Each takes a copy of the company and leaves it with exactly one fault. What is handed over past the gate is put on record
as a careless export would do it: the record and the ledger agree, and what lies in the file is wrong.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pyroaring import BitMap

from tests.example.proving import Copy, closed_port
from troth.example import providers, storage
from troth.policy.vocabulary import Circumstance, Safeguard
from troth.sharing import recording, transfers
from troth.sharing.disclosures import HeldBack
from troth.sharing.recording import Leaving
from troth.sharing.words import Form, State

HASHED = "b4a1c5a0d27bb9a2d2fda2a5fd0aef0a"


def handed_over(
    copy: Copy,
    recipient: str,
    purpose: str,
    rows: list[dict[str, Any]] | bytes,
    categories: dict[str, str],
    *,
    safeguard: Safeguard | None = None,
    reason: Circumstance = Circumstance.PROCESSOR,
) -> None:
    """Put a file into the outbox and on record, with nobody looking at what is in it."""
    data = rows if isinstance(rows, bytes) else "".join(json.dumps(row) + "\n" for row in rows).encode()
    place = f"{providers.OUTBOX}/export.jsonl"
    (copy.folder / place).write_bytes(data)
    leaving = Leaving(
        recipient, purpose, reason, safeguard, f"file:{place}", "0" * 32, Form.JSONL, data.count(b"\n"), BitMap([1, 2]),
        categories, HeldBack(), len(data), hashlib.sha256(data).digest(),
    )  # fmt: skip
    with copy.troth() as troth:
        with troth.office.deed() as tx:
            number = recording.begin(tx, troth.office, leaving)
        with troth.office.deed() as tx:
            recording.end(tx, troth.office, number, State.DONE)


def an_advertiser_is_reached(copy: Copy) -> None:
    _logged(copy, "ads.example.net")


def a_host_that_looks_like_a_recipient_s_is_reached(copy: Copy) -> None:
    _logged(copy, "pay.example.net.pictures.example")


def data_go_out_for_a_demand_that_nobody_names(copy: Copy) -> None:
    handed_over(
        copy, "Example Court", "legal", [{"total": "12"}], {"total": "transaction.purchase"},
        reason=Circumstance.LEGAL_DEMAND,
    )  # fmt: skip


def a_demand_is_widened_after_it_was_approved(copy: Copy) -> None:
    wider = {"categories": ["contact.email", "transaction.purchase"], "columns": [], "since": None, "until": None}
    copy.store("update demands set granted = ?", json.dumps(wider))


def somebody_decides_on_a_demand_alone(copy: Copy) -> None:
    copy.store("update demand_steps set staff = (select id from staff where name = 'deputy') where step = 'reviewed'")


def a_business_goes_without_a_word(copy: Copy) -> None:
    handed_over(
        copy, "Example Buyer", "business-transfer", [{"name": "Ada"}], {"name": "profile.name"},
        reason=Circumstance.BUSINESS_TRANSFER,
    )  # fmt: skip


def a_business_goes_on_the_day_on_which_people_are_told(copy: Copy) -> None:
    with copy.troth() as troth:
        number = transfers.announce(troth.office, "Example Buyer", "IE", "We are sold.").id
        transfers.freeze(troth.office, number)
    a_business_goes_without_a_word(copy)
    copy.store(
        "update transfers set state = 'exported', exported_at = frozen_at, "
        "disclosure = (select id from disclosures where recipient = 'Example Buyer')"
    )


def data_go_to_a_partner_whom_nobody_agreed_to(copy: Copy) -> None:
    handed_over(
        copy, "Example Partner", "partners", [{"email": "a@customer.example.org"}], {"email": "contact.email"},
        reason=Circumstance.CONSENT,
    )  # fmt: skip


def a_consent_to_the_newsletter_is_taken_for_one_to_a_partner(copy: Copy) -> None:
    with copy.troth() as troth:
        troth.give_consent("id=1", "marketing")
        troth.give_consent("id=2", "marketing")
    handed_over(
        copy, "Example Partner", "marketing", [{"email": "a@customer.example.org"}], {"email": "contact.email"},
        reason=Circumstance.CONSENT,
    )  # fmt: skip


def a_disclosure_is_struck_from_the_record(copy: Copy) -> None:
    handed_over(
        copy, "Example Desk", "service.provide", [{"subject": "Kettle"}], {"subject": "communication.message"},
        safeguard=Safeguard.MASKED,
    )  # fmt: skip
    copy.store("delete from disclosures where id = (select max(id) from disclosures)")


def people_are_taken_out_of_the_record(copy: Copy) -> None:
    copy.store("update disclosures set people = ?, people_count = 1 where id = 2", BitMap([1]).serialize())


def a_contract_is_thrown_away(copy: Copy) -> None:
    (copy.folder / "documents" / "contract-example-metrics.md").unlink()


def phone_numbers_go_to_support(copy: Copy) -> None:
    handed_over(
        copy, "Example Desk", "service.provide", [{"email": "a***", "phone": "***67"}],
        {"email": "contact.email", "phone": "contact.phone"}, safeguard=Safeguard.MASKED,
    )  # fmt: skip


def data_go_to_somebody_who_is_not_listed(copy: Copy) -> None:
    handed_over(copy, "Example Ghost", "service.provide", [{"subject": "Kettle"}], {"subject": "communication.message"})


def a_card_number_goes_to_payment(copy: Copy) -> None:
    row = {"person": "bcd", "token": "4242 4242 4242 4242"}
    handed_over(copy, "Example Pay", "transactions", [row], {"token": "payment.token"}, safeguard=Safeguard.TOKENS_ONLY)


def a_column_more_than_recorded_goes_to_payment(copy: Copy) -> None:
    row = {"person": "bcd", "token": "tok_a", "total": "12"}
    handed_over(copy, "Example Pay", "transactions", [row], {"token": "payment.token"}, safeguard=Safeguard.TOKENS_ONLY)


def single_rows_under_a_hash_go_to_analytics(copy: Copy) -> None:
    rows = [{"visitor": HASHED, "target": "bamboo-whisk", "people": "9", "rows": "9"}]
    handed_over(
        copy, "Example Metrics", "analytics", rows, {"visitor": "usage.interaction", "target": "usage.click"},
        safeguard=Safeguard.ANONYMISED,
    )  # fmt: skip


def two_people_are_a_group_for_analytics(copy: Copy) -> None:
    rows = [{"target": "bamboo-whisk", "people": 2, "rows": 3}]
    handed_over(copy, "Example Metrics", "analytics", rows, {"target": "usage.click"}, safeguard=Safeguard.ANONYMISED)


def a_backup_is_stored_in_clear(copy: Copy) -> None:
    rows = [{"username": "tea-lover", "bio": "Two spoons."}]
    handed_over(
        copy, "Example Storage", "service.provide", rows, {"username": "account.username", "bio": "profile.bio"},
        safeguard=Safeguard.ENCRYPTED,
    )  # fmt: skip


def a_backup_is_swapped(copy: Copy) -> None:
    (copy.folder / providers.OUTBOX / "example-storage.jsonl.age").write_bytes(b"age-encryption.org/v1\n")


def the_bucket_is_set_up(copy: Copy, **parts: Any) -> None:
    """Other answers of the stand-in, which the copy serves itself."""
    path = copy.folder / storage.STATE
    path.write_text(json.dumps(json.loads(path.read_text()) | parts))
    copy.served = True


def the_bucket_encrypts_nothing(copy: Copy) -> None:
    the_bucket_is_set_up(copy, encryption=None)


def the_bucket_is_opened_to_everybody(copy: Copy) -> None:
    the_bucket_is_set_up(copy, publicAccessBlock=None, acl=["READ"])


def the_bucket_takes_connections_in_clear(copy: Copy) -> None:
    the_bucket_is_set_up(copy, policy=None)


def the_bucket_keeps_what_was_deleted(copy: Copy) -> None:
    the_bucket_is_set_up(copy, lifecycle=None)


def the_bucket_is_moved_abroad(copy: Copy) -> None:
    the_bucket_is_set_up(copy, location="us-west-2")


def the_bucket_is_not_reached(copy: Copy) -> None:
    copy.doors[storage.HOST] = closed_port()


def the_bucket_tells_nothing(copy: Copy) -> None:
    """The key by which it is asked is one that the storage does not know any more."""
    storage.prepare(copy.folder)


def an_address_goes_to_support_in_clear(copy: Copy) -> None:
    handed_over(
        copy, "Example Desk", "service.provide", [{"email": "someone@customer.example.org"}],
        {"email": "contact.email"}, safeguard=Safeguard.MASKED,
    )  # fmt: skip


def somebody_who_left_can_still_sign_in_at_the_help_desk(copy: Copy) -> None:
    copy.rewrite("troth.toml", 'people = ["ana", "ben"]', 'people = ["ana"]')


def the_help_desk_is_not_reached(copy: Copy) -> None:
    copy.rewrite("troth.toml", f"https://{providers.DESK_HOST}/", "https://nowhere.example.invalid/")


def nothing_observes_the_traffic(copy: Copy) -> None:
    (copy.folder / providers.LOG).unlink()


def what_was_handed_over_is_fetched_away(copy: Copy) -> None:
    for path in (copy.folder / providers.OUTBOX).glob("example-*"):
        path.unlink()


def _logged(copy: Copy, host: str) -> None:
    line = json.dumps({"time": copy.now.isoformat(), "host": host, "method": "CONNECT"})
    with (copy.folder / providers.LOG).open("a") as file:
        file.write(line + "\n")
