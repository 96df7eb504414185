"""Write the bundle in which a business changes hands: rows, choices, and the proof of them, signed and sealed.

A zip, encrypted for the buyer's public key (`age`):

- `manifest.json`: who sells to whom, the hash and lines of every part, what was left out; canonical JSON.
- `manifest.sig`: the seller's Ed25519 signature over the line `troth transfer 1` and the manifest.
- `people.jsonl`: a number in this bundle and the identifiers, for each person who goes.
- `data/STORE.TABLE.jsonl`: rows, person by person, as in a copy: what is about others is replaced.
- `choices.jsonl`: consents with their words, objections, restrictions, addresses that get no mail.
- `proofs.jsonl`, `checkpoint.txt`: for each choice, and for the notice, the ledger's entry and its way to one signed
  head.

Who stays, who is being erased, whom troth cannot tell apart, and nobody else, is left out. Everything is read before
anything leaves.
"""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pyroaring import BitMap

from troth.errors import PersonAmbiguous, PersonError, TransferRefused
from troth.foundation import age, people
from troth.foundation.canonical import canonical_json
from troth.foundation.guards import pausing
from troth.foundation.ledger import receipts
from troth.foundation.ledger.sequencer import sequence_all
from troth.foundation.people import Identifier, Kind
from troth.foundation.records.copying import Labels, rows_of
from troth.foundation.records.keys import text_of
from troth.foundation.records.reach import Reach
from troth.foundation.records.subjects import subjects_of
from troth.policy.vocabulary import Circumstance, Safeguard
from troth.sharing import disclosures, recording, transfer_reading, transfers
from troth.sharing.answering import plain
from troth.sharing.delivery import deliver, destination_of
from troth.sharing.disclosures import Disclosure, HeldBack
from troth.sharing.recording import Leaving
from troth.sharing.spool import Spool
from troth.sharing.travelling import choices_of
from troth.sharing.words import Form

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from troth.foundation.records.keys import Subject
    from troth.sharing.transfer_reading import Transfer
    from troth.use.company import Company
    from troth.use.office import Office

SCHEMA = "troth-transfer-1"
SIGNED = b"troth transfer 1\n"
PURPOSE = "business-transfer"
"""The purpose under which what a buyer got is on record."""


@dataclass
class Part:
    """One part of the bundle while it is written."""

    file: IO[bytes]
    lines: int = 0
    size: int = 0
    hash: Any = field(default_factory=hashlib.sha256)

    def write(self, value: Any) -> None:
        """One line of JSON."""
        line = json.dumps(value, ensure_ascii=False, default=plain).encode() + b"\n"
        self.put(line)
        self.lines += 1

    def put(self, data: bytes) -> None:
        self.file.write(data)
        self.hash.update(data)
        self.size += len(data)

    @property
    def facts(self) -> dict[str, Any]:
        return {"lines": self.lines, "size": self.size, "sha256": self.hash.hexdigest()}


def export(company: Company, number: int, to: str | Path, key: str, by: str | None = None) -> Disclosure:
    """Write the sealed bundle of a frozen transfer to the file `to`, for the buyer's public key; gives its record.

    Raises: TransferRefused before the day, or for another policy; KeyUnavailable for what is no key; RecordsError;
    StoreError. Nothing has left then.
    """
    office = company.office
    pausing.require_running(office.store)
    age.require_key(key)
    host = urlsplit(company.instance.settings.site.url).hostname or ""
    with office.deed() as tx:
        found = transfers.require_ready(tx, office, number)
        if by is not None:
            transfers.require_account(tx, by)
    sequence_all(office.store, office.keyring, office.clock, host=host)
    destination = destination_of(Path(to), None, company.instance.folder)
    with ExitStack() as open_, Spool(destination.path) as spool:
        written = _Writing(company, found, open_)
        written.people()
        manifest = written.manifest()
        sealing = age.Sealing(spool, key)
        with zipfile.ZipFile(sealing, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, part in written.parts.items():
                part.file.seek(0)
                with archive.open(name, "w", force_zip64=True) as place:
                    while piece := part.file.read(1 << 20):
                        place.write(piece)
            archive.writestr("manifest.json", manifest)
            archive.writestr("manifest.sig", base64.b64encode(office.keyring.sign(SIGNED + manifest)))
        sealing.close()
        spool.settle()
        leaving = Leaving(
            found.buyer, PURPOSE, Circumstance.BUSINESS_TRANSFER, Safeguard.ENCRYPTED, destination.text, spool.token,
            Form.JSONL, written.rows, written.numbers, written.categories, HeldBack(refused=dict(written.left)),
            spool.size, spool.sha256,
        )  # fmt: skip
        with office.deed() as tx:
            again = transfers.require_ready(tx, office, number)
            unwilling = transfer_reading.refusing(tx, again) | transfer_reading.being_erased(tx)
            if unwilling & written.numbers:
                raise TransferRefused("somebody said no while it was read; nothing has left", repair="Export it again.")
            made = recording.begin(tx, office, leaving)
            transfers.exported_in(tx, office, found, made, written.result(hashlib.sha256(manifest).hexdigest()))
        outcome, problem = deliver(spool, destination, company.instance)
        with office.deed() as tx:
            recording.end(tx, office, made, outcome)
        if problem is not None:
            raise problem
    with office.store.reading() as tx:
        record = disclosures.find(tx, made)
    assert record is not None
    return record


class _Writing:
    """The parts of one bundle."""

    def __init__(self, company: Company, found: Transfer, open_: ExitStack) -> None:
        self.company, self.found = company, found
        self.parts: dict[str, Part] = {}
        self.numbers = BitMap()
        self.categories: dict[str, str] = {}
        self.left: Counter[str] = Counter()
        self.choices: Counter[str] = Counter()
        self.rows = self.count = 0
        self._open = open_
        self._leaves: dict[int, None] = {found.leaf: None}
        self._reaches: dict[str, Reach] = {}

    def people(self) -> None:
        """Everybody of every kind in the map, but for those who stay."""
        office, company = self.company.office, self.company
        with office.store.reading() as tx:
            staying, erased = transfer_reading.refusing(tx, self.found), transfer_reading.being_erased(tx)
        for kind in company.datamap.people().values():
            if kind.store not in company.records.stores:
                continue
            keys = list(company.records.rows(kind.store, kind.table, kind.key, order_by=kind.key))
            for start in range(0, len(keys), 500):
                for subject in subjects_of(company.records, company.datamap, kind, keys[start : start + 500]):
                    with office.store.reading() as tx:
                        self._person(tx, office, subject, staying, erased)
        self.part("people.jsonl"), self.part("choices.jsonl")
        with office.store.reading() as tx:
            self._prove(tx)

    def _person(self, tx: Connection, office: Office, subject: Subject, staying: BitMap, erased: BitMap) -> None:
        known_by = list(_known_by(subject))
        try:
            numbers = {one for each in known_by if (one := people.find(tx, office.keyring, each)) is not None}
        except PersonAmbiguous:
            numbers = {0, -1}
        if len(numbers) > 1:
            self.left["not-told-apart"] += 1
            return
        number = next(iter(numbers), None)
        if number is not None and number in staying:
            self.left["stays"] += 1
            return
        if number is not None and number in erased:
            self.left["being-erased"] += 1
            return
        self.count += 1
        known = {each.kind.value: each.value for each in known_by}
        self.part("people.jsonl").write({"person": self.count, "kind": subject.kind.id, "known_by": known})
        if number is not None:
            self.numbers.add(number)
            for choice in choices_of(tx, office, number, known_by):
                self._leaves[choice["leaf"]] = None
                self.choices[choice["what"]] += 1
                self.part("choices.jsonl").write({"person": self.count, **choice})
        self._rows(subject)

    def _rows(self, subject: Subject) -> None:
        company, store = self.company, subject.kind.store
        if store not in self._reaches:
            self._reaches[store] = Reach.compile(company.datamap, company.records.catalogue(store))
        for reached, role, names, rows in rows_of(company.records, self._reaches[store], (subject,), labels=Labels()):
            part = self.part(f"data/{store}.{reached.name}.jsonl")
            for name in names:
                category = reached.column(name).category
                if category is not None:
                    self.categories[f"{reached.name}.{name}"] = category
            for row in rows:
                self.rows += 1
                part.write({"person": self.count, "role": role, "row": dict(zip(names, row, strict=True))})

    def _prove(self, tx: Connection) -> None:
        """Each entry with its way to one signed head."""
        head: str | None = None
        for leaf in self._leaves:
            found = receipts.find_receipt(tx, leaf)
            if found is None or (head is not None and found.checkpoint != head):
                raise TransferRefused(
                    "an entry of the ledger has no proof yet; nothing has left", repair="Run `troth ledger checkpoint`."
                )
            head = found.checkpoint
            path = [base64.b64encode(one).decode() for one in found.path]
            line = {"leaf": leaf, "index": found.index, "entry": found.entry.decode(), "path": path}
            self.part("proofs.jsonl").write(line)
        assert head is not None
        self.part("checkpoint.txt").put(head.encode())

    def part(self, name: str) -> Part:
        if name not in self.parts:
            self.parts[name] = Part(self._open.enter_context(tempfile.TemporaryFile()))  # noqa: SIM115 - the stack closes it
        return self.parts[name]

    def manifest(self) -> bytes:
        """What is in it, as it is signed."""
        office, policy = self.company.office, self.company.office.policy
        return canonical_json(
            {
                "schema": SCHEMA,
                "seller": {
                    "name": policy.controller.name,
                    "country": policy.controller.country,
                    "key": office.keyring.public_key.hex(),
                },
                "buyer": {"name": self.found.buyer, "country": self.found.country},
                "transfer": {
                    "number": self.found.id,
                    "announced_at": self.found.announced_at.isoformat(),
                    "due": self.found.due.isoformat(),
                    "leaf": self.found.leaf,
                },
                "made_at": office.clock.now().isoformat(),
                "policy": policy.sha256,
                "people": self.count,
                "left_out": dict(self.left),
                "files": {name: part.facts for name, part in sorted(self.parts.items())},
            }
        )

    def result(self, manifest: str) -> dict[str, Any]:
        """What the register and the ledger keep."""
        return {
            "people": self.count,
            "rows": self.rows,
            "choices": dict(self.choices),
            "left_out": dict(self.left),
            "manifest": manifest,
        }


def fingerprint(public_key: bytes) -> str:
    """What the two sides compare by telephone: SHA-256 of the seller's public key."""
    return hashlib.sha256(public_key).hexdigest()


def _known_by(subject: Subject) -> Iterator[Identifier]:
    if subject.key:
        yield people.identifier(Kind.ID, ",".join(map(text_of, subject.key)))
    named: Mapping[str, tuple[str, ...]] = subject.identifiers
    for kind in (Kind.EMAIL, Kind.PHONE):
        for value in named.get(kind.value, ())[:1]:
            try:
                yield people.identifier(kind, value)
            except PersonError:
                continue
