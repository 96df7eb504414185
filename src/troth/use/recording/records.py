"""A person's consent to one purpose as ISO/IEC TS 27560:2023 structures it: header, processing, parties, events.

Everything in it was kept when the words were said: the text agreed to, the data, the recipients, the periods. What the
policy says today is taken only for how to withdraw, the rights and the contact. Field names are those of the standard;
states and terms are IRIs of the Data Privacy Vocabulary. The person is a keyed pseudonym; who holds no key learns
nobody.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from troth.foundation.clock import stamp
from troth.foundation.ledger import leaves
from troth.foundation.people import PersonNumber
from troth.policy.model import Policy
from troth.policy.rendering.annexes import purpose_label
from troth.policy.vocabulary import BASIS_IRIS, CATEGORIES, DPV, PURPOSES, RIGHT_IRIS, Channel, LegalBasis
from troth.use.office import Office
from troth.use.tables import consent_events, consent_meanings, consent_texts
from troth.use.words import Consent

STANDARD = "ISO/IEC TS 27560:2023"
PROFILE = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"
_CONTROLLER = "controller"

_STATES = {
    Consent.GIVEN: "ConsentGiven",
    Consent.REFUSED: "ConsentRefused",
    Consent.WITHDRAWN: "ConsentWithdrawn",
    Consent.EXPIRED: "ConsentExpired",
    Consent.RENEWAL_ASKED: "ConsentRequested",
    Consent.GUARDIAN_ASKED: "ConsentRequestDeferred",
    Consent.UNKNOWN: "ConsentUnknown",
}
_RENEWED = "RenewedConsentGiven"
_BY_CONTROLLER = frozenset({Consent.EXPIRED, Consent.RENEWAL_ASKED, Consent.UNKNOWN})
_CHANNELS = {Channel.MAIL: "party_email", Channel.POST: "party_address", Channel.PHONE: "party_phone"}


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One record: the JSON of the standard, the state that counts now, and the ledger entry of its last word."""

    purpose: str
    state: Consent
    leaf: int
    json: dict[str, Any] = field(repr=False)


def state_iri(event: Consent, *, renewed: bool = False) -> str:
    """The DPV state of a word; a consent given after an earlier one is a renewed one."""
    return DPV + (_RENEWED if renewed and event is Consent.GIVEN else _STATES[event])


def of_person(
    tx: Connection, office: Office, person: PersonNumber, *, address: str = "", purpose: str | None = None
) -> tuple[ConsentRecord, ...]:
    """The record of each purpose that `person` ever spoke of, or of the one named. `address`: where consent is
    withdrawn.
    """
    query = select(consent_events).where(consent_events.c.person == person)
    if purpose is not None:
        query = query.where(consent_events.c.purpose == purpose)
    by_purpose: dict[str, list[Row[Any]]] = {}
    for row in tx.execute(query.order_by(consent_events.c.at, consent_events.c.id)):
        by_purpose.setdefault(row.purpose, []).append(row)
    return tuple(_record(tx, office, person, words, address) for words in by_purpose.values())


def _record(
    tx: Connection, office: Office, person: PersonNumber, words: Sequence[Row[Any]], address: str
) -> ConsentRecord:
    last = words[-1]
    # what counts is what was agreed to last; before any consent, what was asked
    agreed = next((row for row in reversed(words) if row.event is Consent.GIVEN), last)
    principal = leaves.pseudonym(office.keyring, person).hex()
    meaning = _meaning(tx, agreed.meaning_sha256)
    controller = _controller(office.policy, meaning)
    recipients = [
        {
            "party_id": f"recipient-{place}",
            "party_name": one["name"],
            "party_type": DPV + "Recipient",
            "party_country": one["country"],
            "pii_types": one["data"],
        }
        for place, one in enumerate(meaning.get("recipients", ()), start=1)
    ]
    known = PURPOSES.get(last.purpose)
    now = office.clock.now()
    ended = last.event is Consent.GIVEN and last.until is not None and last.until <= now
    value = {
        "schema_version": STANDARD,
        "profile": PROFILE,
        "record_id": f"urn:troth:consent:{principal}:{last.purpose}",
        "pii_principal_id": principal,
        "consent_status": DPV + _STATES[Consent.EXPIRED]
        if ended
        else state_iri(last.event, renewed=_renews(words, last)),
        "pii_processing": {
            "privacy_notice": _notice(tx, office, agreed),
            "language": agreed.language,
            "purpose": {
                "id": last.purpose,
                "label": purpose_label(last.purpose),
                "iri": known.iri if known else None,
            },
            "lawful_basis": BASIS_IRIS[LegalBasis.CONSENT],
            "pii_information": [_information(category) for category in meaning.get("data", ())],
            "pii_controllers": [_CONTROLLER],
            "collection_method": agreed.method,
            "storage_locations": sorted({controller["party_country"], *(one["party_country"] for one in recipients)}),
            "retention_period": meaning.get("retention", []),
            "jurisdiction": list(office.policy.laws),
            "recipient_third_parties": [one["party_id"] for one in recipients],
            "withdrawal_method": address or None,
            "privacy_rights": sorted({RIGHT_IRIS[s.meaning.right] for s in office.policy.sentences if s.meaning.right}),
        },
        "parties": [controller, *recipients],
        "events": [_event(words, row, principal) for row in words],
    }
    return ConsentRecord(last.purpose, Consent.EXPIRED if ended else last.event, last.leaf, value)


def _notice(tx: Connection, office: Office, agreed: Row[Any]) -> dict[str, Any]:
    """The exact words, their hash, and the version of the policy that they stood in."""
    text = None
    if agreed.text_sha256 is not None:
        query = select(consent_texts.c.text).where(consent_texts.c.sha256 == agreed.text_sha256)
        text = tx.execute(query).scalar_one_or_none()
    return {
        "title": office.policy.title,
        "text": text,
        "text_sha256": None if agreed.text_sha256 is None else agreed.text_sha256.hex(),
        "meaning_sha256": None if agreed.meaning_sha256 is None else agreed.meaning_sha256.hex(),
        "sentence": agreed.number,
        "clause": agreed.clause,
        "version": agreed.policy_sha256.hex(),
        "updated": None if agreed.policy_updated is None else agreed.policy_updated.isoformat(),
    }


def _event(words: Sequence[Row[Any]], row: Row[Any], principal: str) -> dict[str, Any]:
    ends: datetime | None = row.until if row.event is Consent.GIVEN else None
    found: dict[str, Any] = {
        "event_time": stamp(row.at),
        "recorded_time": stamp(row.recorded_at),
        "validity_duration": None if ends is None else f"until {stamp(ends)}",
        "entity_id": _CONTROLLER if row.event in _BY_CONTROLLER else principal,
        "event_type": None if row.event in _BY_CONTROLLER else DPV + "ExpressedConsent",
        "event_state": state_iri(row.event, renewed=_renews(words, row)),
        "method": row.method,
        "language": row.language,
        "text_sha256": None if row.text_sha256 is None else row.text_sha256.hex(),
    }
    if row.guardian is not None:
        found |= {"entity_id": f"guardian-{row.guardian.hex()}", "on_behalf_of": principal}
    if row.source is not None:
        found["provenance"] = {
            "source": row.source,
            "file_sha256": None if row.source_sha256 is None else row.source_sha256.hex(),
            "line": row.source_line,
            "evidence": "the controller's own record, brought along; troth did not witness it",
        }
    return found


def _renews(words: Sequence[Row[Any]], row: Row[Any]) -> bool:
    return any(other.event is Consent.GIVEN for other in words[: words.index(row)])


def _information(category: str) -> dict[str, Any]:
    known = CATEGORIES.get(category)
    return {
        "pii_type": category,
        "label": known.label if known else category,
        "iri": known.iri if known else None,
        "special_pii_category": bool(known and known.special),
    }


def _meaning(tx: Connection, sha256: bytes | None) -> dict[str, Any]:
    """What was agreed to, as it was kept; empty where that was not on record."""
    if sha256 is None:
        return {}
    query = select(consent_meanings.c.meaning).where(consent_meanings.c.sha256 == sha256)
    found = tx.execute(query).scalar_one_or_none()
    return {} if found is None else dict(json.loads(found))


def _controller(policy: Policy, meaning: dict[str, Any]) -> dict[str, Any]:
    """Who decides: as at the time of the agreement by name, with the ways to reach them that the policy names now."""
    named = meaning.get("controller") or {"name": policy.controller.name, "country": policy.controller.country}
    party: dict[str, Any] = {
        "party_id": _CONTROLLER,
        "party_name": named["name"],
        "party_type": DPV + "DataController",
        "party_country": named["country"],
    }
    for clause in policy.clauses():
        place = _CHANNELS.get(clause.meaning.channel) if clause.meaning.channel is not None else None
        if place is not None and clause.text:
            party.setdefault(place, clause.text)
    party["party_contact"] = party.get("party_email") or party.get("party_address")
    return party
