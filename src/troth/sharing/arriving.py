"""Take in the bundle of a business that was bought: verify all of it, then register people and choices, once.

1. It opens with the buyer's private key, and its signature is that of the key whose fingerprint the seller told.
2. Every part has the hash and the lines of the manifest, and there is no other part.
3. For every choice there is an entry of the seller's ledger that says the same, of one pseudonym a person, and its way
   leads to the signed head; so does the entry of the notice.
4. People are registered under names of the seller's: its ids mean nothing here, and its e-mail addresses join nobody.
   Choices are recorded with the time at which they were made, where they come from, and the words that were agreed to.

All of 4 is one transaction under the hash of the manifest: whatever is repeated is done once. The rows are put into a
folder before that; the buyer's own programs take them from there.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import json
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from troth.errors import PersonError, ProofInvalid, TransferRefused
from troth.foundation import age, keys, people
from troth.foundation.ledger import checkpoints, leaves, merkle
from troth.foundation.ledger.notes import PublicKey
from troth.foundation.people import Identifier, Kind
from troth.foundation.store import hold
from troth.sharing.bundles import SCHEMA, SIGNED, fingerprint
from troth.sharing.tables import transfer_imports
from troth.use import consent, objections, restrictions
from troth.use.agreements import Wording
from troth.use.stopping import suppression, tokens
from troth.use.words import Consent, Objection, Restriction, Suppression

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from troth.use.office import Office

_OURS = ("people.jsonl", "choices.jsonl", "proofs.jsonl", "checkpoint.txt")
_BESIDE = ("manifest.json", "manifest.sig")
_LARGEST = 4 * 1024**3
_LARGEST_MANIFEST = 16 * 1024**2
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,  # encrypted, packed in an unknown way, or nested too deep
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken in. `new` is false for a bundle that had been taken in before."""

    seller: str
    people: int
    choices: Mapping[str, int]
    rows: int
    new: bool
    leaf: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """One that was verified."""

    manifest: Mapping[str, Any]
    manifest_sha256: bytes
    parts: Mapping[str, bytes]

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.parts[name].splitlines()]

    @property
    def rows(self) -> int:
        return sum(each["lines"] for name, each in self.manifest["files"].items() if name.startswith("data/"))


def take_in(office: Office, data: bytes, identity: str, pinned: str, into: Path) -> Taken:
    """Verify a bundle and take it in; its rows go below the folder `into`.

    `identity` is the buyer's private key, `pinned` the fingerprint that the seller told by another way.
    Raises: KeyUnavailable, ProofInvalid, TransferRefused; StoreError. Nothing is registered then.
    """
    bundle = verified(data, identity, pinned)
    with office.store.reading() as tx:
        before = _before(tx, bundle)
    if before is not None:
        return before
    _put(bundle, into)
    with office.deed() as tx:
        hold(tx, "transfer imports")
        before = _before(tx, bundle)
        if before is not None:
            return before
        seller = bundle.manifest["seller"]
        count = _register(tx, office, bundle)
        result = {"people": bundle.manifest["people"], "choices": dict(count), "rows": bundle.rows}
        now = office.clock.now()
        body = {"manifest": bundle.manifest_sha256.hex(), "seller": pinned.lower(), **result}
        leaf = leaves.append(tx, office.keyring, "transfer.taken-in", None, body, now)
        tx.execute(
            insert(transfer_imports).values(
                manifest_sha256=bundle.manifest_sha256,
                seller=seller["name"],
                seller_key=bytes.fromhex(seller["key"]),
                at=now,
                result=json.dumps(result),
                leaf=leaf,
            )
        )
    return Taken(seller["name"], result["people"], result["choices"], result["rows"], new=True, leaf=leaf)


def verified(data: bytes, identity: str, pinned: str) -> Bundle:
    """Open a bundle and verify all of it; what its signature does not vouch for is not unpacked.

    Raises: KeyUnavailable, ProofInvalid.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(age.unsealed(data, identity))) as archive:
            _require_readable(archive)
            raw, signature = (archive.read(name) for name in _BESIDE)
            manifest, key = _manifest(raw, base64.b64decode(signature, validate=True), pinned)
            parts = {name: archive.read(name) for name in archive.namelist()}
        bundle = Bundle(manifest, hashlib.sha256(raw).digest(), parts)
        _require_parts(bundle)
        _require_proofs(bundle, key)
    except _UNREADABLE:
        raise _no_bundle() from None
    return bundle


def _require_readable(archive: zipfile.ZipFile) -> None:
    """Every name once, all of it within limits, packed in the way that bundles are."""
    listed = archive.infolist()
    beside = sum(each.file_size for each in listed if each.filename in _BESIDE)
    if (
        len({each.filename for each in listed}) != len(listed)
        or any(each.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for each in listed)
        or sum(each.file_size for each in listed) > _LARGEST
        or beside > _LARGEST_MANIFEST
    ):
        raise _no_bundle()


def _manifest(raw: bytes, signature: bytes, pinned: str) -> tuple[dict[str, Any], bytes]:
    """The manifest and the key that signed it, which is the pinned one."""
    manifest = json.loads(raw)
    key = bytes.fromhex(manifest["seller"]["key"])
    if fingerprint(key) != pinned.strip().lower():
        raise ProofInvalid(
            "the bundle is signed with another key than the seller's",
            expected=f"the key with the fingerprint {pinned.strip()[:64]}",
            repair="Ask the seller again, by another way than the bundle came.",
        )
    if not keys.verify(key, signature, SIGNED + raw):
        raise ProofInvalid("the signature of the bundle does not hold")
    if manifest.get("schema") != SCHEMA:
        raise ProofInvalid("the bundle is of another form than this version reads", expected=SCHEMA)
    return manifest, key


def _require_parts(bundle: Bundle) -> None:
    files = bundle.manifest["files"]
    if set(files) | set(_BESIDE) != set(bundle.parts) or not set(_OURS) <= set(files):
        raise ProofInvalid("the bundle has other parts than its manifest says")
    for name, facts in files.items():
        if hashlib.sha256(bundle.parts[name]).hexdigest() != facts["sha256"]:
            raise ProofInvalid("a part of the bundle is not what its manifest says", where=name[:200])
        kind, _, rest = name.partition("/")
        if name not in _OURS and (kind != "data" or not rest or "/" in rest or "\\" in rest or rest.startswith(".")):
            raise ProofInvalid("a part of the bundle has a name that it may not have")


def _require_proofs(bundle: Bundle, key: bytes) -> None:
    """Every choice stands in the seller's ledger as it is told here."""
    note = bundle.parts["checkpoint.txt"].decode()
    head = checkpoints.read(note, [PublicKey(checkpoints.claimed(note).origin, key)])
    entries: dict[int, Any] = {}
    for line in bundle.lines("proofs.jsonl"):
        entry = line["entry"].encode()
        path = [base64.b64decode(one, validate=True) for one in line["path"]]
        if not merkle.verify_inclusion(merkle.leaf_hash(entry), line["index"], head.size, path, head.root):
            raise ProofInvalid("an entry is not in the seller's ledger", where=f"entry {line['leaf']}")
        entries[line["leaf"]] = json.loads(entry)
    notice = entries.get(bundle.manifest["transfer"]["leaf"])
    if notice is None or notice["kind"] != "transfer.announced":
        raise ProofInvalid("no entry of the seller's ledger says that people were told")
    named: dict[int, str] = {}
    for at, choice in enumerate(bundle.lines("choices.jsonl"), 1):
        entry = entries.get(choice["leaf"])
        fault = "no entry of the seller's ledger says it" if entry is None else _differs(choice, entry, named)
        if fault is not None:
            raise ProofInvalid(f"a choice is not proven: {fault}", where=f"choices.jsonl, line {at}")


def _differs(choice: Mapping[str, Any], entry: Mapping[str, Any], named: dict[int, str]) -> str | None:
    """How a choice differs from its entry; None when they say the same."""
    what, body = choice["what"], entry["body"]
    if entry["kind"] != f"{what}.{choice['event']}":
        return "its entry is of another kind"
    about = "ground" if what == "restriction" else "purpose"
    if body[about] != choice[about]:
        return f"its entry is about another {about}"
    if what == "no-mail":
        return None
    if dt.datetime.fromisoformat(body["at"]) != dt.datetime.fromisoformat(choice["at"]):
        return "its entry is of another time"
    if named.setdefault(choice["person"], entry["person"]) != entry["person"]:
        return "its entry is of somebody else"
    if what == "consent":
        text = None if choice["text"] is None else hashlib.sha256(choice["text"].encode()).hexdigest()
        if body["text"] is not None and body["text"] != text:
            return "its entry is about other words"
    return None


def _register(tx: Connection, office: Office, bundle: Bundle) -> Counter[str]:
    """People and their choices. Gives how many choices of each kind."""
    prefix = fingerprint(bytes.fromhex(bundle.manifest["seller"]["key"]))[:12]
    everyone = bundle.lines("people.jsonl")
    known = [list(_known_by(each, prefix)) for each in everyone]
    now = office.clock.now()
    numbers = people.register_many(tx, office.keyring, known, now)
    of = {each["person"]: number for each, number in zip(everyone, numbers, strict=True)}
    count: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    for at, choice in enumerate(bundle.lines("choices.jsonl"), 1):
        count[choice["what"]] += 1
        if choice["what"] == "consent":
            rows.append(_consent(tx, office, of[choice["person"]], choice, bundle, at))
        else:
            _said(tx, office, of[choice["person"]], choice, f"seller-{prefix}")
    if rows:
        consent.insert(tx, office, rows)
    return count


def _consent(  # noqa: PLR0917 - the parts of one word
    tx: Connection, office: Office, person: int, choice: Mapping[str, Any], bundle: Bundle, at: int
) -> dict[str, Any]:
    wording: Wording | None = None
    if choice["text"] is not None and choice["meaning"] is not None:
        wording = Wording(choice["purpose"], choice["text"], choice["clause"], choice["number"], choice["meaning"])
        consent.keep_wordings(tx, {wording})
    until = choice["until"]
    return consent.row_of(
        office,
        person,
        wording or choice["purpose"],
        Consent(choice["event"]),
        language=choice["language"],
        method="transfer",
        at=dt.datetime.fromisoformat(choice["at"]),
        until=None if until is None else dt.datetime.fromisoformat(until),
        source=str(bundle.manifest["seller"]["name"])[:80],
        source_sha256=bundle.manifest_sha256,
        source_line=at,
    )


def _said(tx: Connection, office: Office, person: int, choice: Mapping[str, Any], source: str) -> None:
    made = dt.datetime.fromisoformat(choice["at"])
    what, event = choice["what"], choice["event"]
    if what == "objection" and Objection(event) is Objection.RAISED:
        objections.carried_in(tx, office, person, choice["purpose"], method="transfer", at=made)
    elif what == "restriction" and Restriction(event) is Restriction.PLACED:
        restrictions.place_in(tx, office, person, ground=choice["ground"], method="transfer", at=made)
    elif what == "no-mail":
        who = people.identifier(Kind.EMAIL, choice["address"])
        hashed = tokens.hash_of(office.keyring, who)
        suppression.suppress_in(tx, office, hashed, choice["purpose"], reason=Suppression.IMPORTED, source=source)


def _known_by(each: Mapping[str, Any], prefix: str) -> list[Identifier]:
    """How somebody of the seller's is known here: by its id under the seller's name; an e-mail address finds only."""
    given = each["known_by"]
    own = f"{prefix}/{each['kind']}/{given.get('id', each['person'])}"
    found = [people.identifier(Kind.ID, own)]
    for kind in (Kind.EMAIL, Kind.PHONE):
        if kind.value in given:
            try:
                found.append(people.identifier(kind, given[kind.value]))
            except PersonError:
                continue
    return found


def _before(tx: Connection, bundle: Bundle) -> Taken | None:
    query = select(transfer_imports).where(transfer_imports.c.manifest_sha256 == bundle.manifest_sha256)
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    result = json.loads(row.result)
    return Taken(row.seller, result["people"], result["choices"], result["rows"], new=False, leaf=row.leaf)


def _put(bundle: Bundle, into: Path) -> None:
    """The rows as files that only we may read; what stands there already, the same, is let be."""
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in bundle.parts.items():
            if not name.startswith("data/"):
                continue
            part = into / f".{name.removeprefix('data/')}.part"
            part.unlink(missing_ok=True)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(into / name.removeprefix("data/"))
    except OSError as problem:
        raise TransferRefused(
            f"the rows cannot be put there: {problem.strerror}; nothing was registered", where=into.name
        ) from None


def _no_bundle() -> ProofInvalid:
    return ProofInvalid("this is no bundle of a transfer", expected="what `troth transfer export` wrote")
