"""A company with a gate: one recipient for each safeguard, 40 people, a clock that stands still."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme

from tests.stores import bring_up_to_date, write_store
from troth import application
from troth.foundation import age
from troth.foundation.keys import Keyring
from troth.foundation.ledger.tables import ledger_leaves
from troth.sharing import disclosures
from troth.sharing.disclosures import Disclosure
from troth.testing import FixedClock

PEOPLE = 40
PRIVATE, PUBLIC = age.new_key()
CONTRACT = f"contract: {{document: contract.md, sha256: {'0' * 64}, until: 2027-03-31}}"
POLICY = f"""
troth: 1
title: Privacy Policy
controller: {{name: Example Company, country: IE, time_zone: UTC}}
laws: [gdpr]
use:
  number: "2"
  title: Use
  purposes:
    number: "2.1"
    title: Purposes
    fraud: {{text: Find fraud, purpose: fraud, basis: legitimate-interests, data: [payment.token, transaction.purchase]}}
    support: {{text: Help, purpose: support, basis: contract, data: [contact.email, contact.phone, profile.name, communication.message]}}
    analytics: {{text: Analyse, purpose: analytics, basis: consent, data: [usage.page, usage.interaction, contact.email]}}
    backup: {{text: Store, purpose: storage, basis: contract, data: [profile.bio, contact.email]}}
sharing:
  number: "4"
  title: Sharing
  text: We do not share without consent or law.
  circumstances:
    number: "4.1"
    title: Cases
    text: "We may share:"
    providers: {{label: Service Providers, text: With vendors, circumstance: processor}}
  processors:
    number: "4.2"
    title: Third Parties
    text: "We work with:"
    columns: [Type, Purpose, Protection]
    payment:
      cells: [Payment, Payments, Tokens]
      safeguard: tokens-only
      recipients:
        - {{name: Example Pay, host: pay.example.net, purpose: fraud, data: [payment.token, transaction.purchase], country: DE, {CONTRACT}}}
    analytics:
      cells: [Analytics, Analysis, Anonymisation]
      safeguard: anonymised
      recipients:
        - {{name: Example Metrics, host: metrics.example.net, purpose: analytics, data: [usage.page, usage.interaction], country: IE, {CONTRACT}}}
        - {{name: Example Letters, purpose: analytics, data: [contact.email], country: IE, {CONTRACT}}}
    storage:
      cells: [Storage, Backup, Encryption]
      safeguard: encrypted
      recipients:
        - {{name: Example Storage, purpose: storage, data: [profile.bio, contact.email], country: SG, {CONTRACT}}}
    support:
      cells: [Support, Help, Masked]
      safeguard: masked
      recipients:
        - {{name: Example Desk, purpose: support, data: [contact.email, contact.phone, profile.name, communication.message], country: US, {CONTRACT}}}
        - {{name: Example Lapsed, purpose: support, data: [contact.email], country: US, contract: {{document: c.md, sha256: {"0" * 64}, until: 2026-11-21}}}}
        - {{name: Example Unsigned, purpose: support, data: [contact.email], country: US}}
"""
PAY = {"token": "payment.token", "amount": "transaction.purchase"}
METRICS = {"page": "usage.page", "at": "usage.interaction"}
DESK = {"email": "contact.email", "phone": "contact.phone", "name": "profile.name", "body": "communication.message"}


@dataclass
class GateWorld:
    """One company. `share` goes through its gate to a file, whose lines `left` gives."""

    folder: Path
    troth: application.Troth
    clock: FixedClock

    def share(self, recipient: str, purpose: str, rows: Any, columns: dict[str, str], **more: Any) -> Disclosure:
        given = {"person": "user", "to": "out.jsonl", **more}
        return self.troth.share(recipient, purpose, rows, columns=columns, **given)

    def left(self, name: str = "out.jsonl") -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    @property
    def files(self) -> set[str]:
        return {each.name for each in self.folder.iterdir() if not each.name.startswith("troth.")} - {"policy.yaml"}

    def records(self) -> tuple[Disclosure, ...]:
        with self.troth.office.store.reading() as tx:
            return disclosures.latest(tx)

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """The bodies of the ledger's entries of that kind."""
        with self.troth.office.store.reading() as tx:
            rows = tx.execute(ledger_leaves.select().where(ledger_leaves.c.kind == kind)).all()
        return [json.loads(row.content)["body"] for row in rows]

    def number(self, person: str) -> int:
        from troth.use import standing

        with self.troth.office.store.reading() as tx:
            return standing.load_person(tx, self.troth.office.keyring, person)


@contextmanager
def gate_world(
    folder: Path, *, url: str | None = None, settings: str = "", policy: str = POLICY
) -> Iterator[GateWorld]:
    (folder / "policy.yaml").write_text(policy)
    store = f'[store]\nurl = "{url}"\n' if url else ""
    (folder / "troth.toml").write_text(f'{store}{settings}\n[sharing.keys]\n"Example Storage" = "{PUBLIC}"\n')
    Keyring.create(folder)
    if url:
        bring_up_to_date(url)
    else:
        write_store(folder / "troth.sqlite3")
    clock = FixedClock()
    with application.open(folder, {}, clock) as troth:
        troth.register_many({"id": str(n), "email": f"p{n}@customer.example.org"} for n in range(1, PEOPLE + 1))
        yield GateWorld(folder, troth, clock)


@dataclass
class Receiver:
    """A recipient's host: keeps what was posted to it, and answers with `status`."""

    port: int
    status: int = 200
    got: list[bytes] = field(default_factory=list, repr=False)
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False


@contextmanager
def receiving(folder: Path, host: str) -> Iterator[Receiver]:
    """A TLS server for `host` on the loopback; the authority to trust stands in `authority.pem` of the folder."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.got.append(self.rfile.read(int(self.headers["Content-Length"])))
            if receiver.hang_up:
                self.close_connection = True
                return
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Takes)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
