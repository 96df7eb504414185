"""The policy as linked data: a web page that is a DPV privacy notice, with one `dpv:Process` for each declared use.

Terms are those of the W3C Data Privacy Vocabulary, release 2.3 (`dct:conformsTo` names the release by its versioned
address; the terms themselves have one namespace for all releases), beside schema.org for the page and the publisher.
The context stands inline, so that a reader fetches nothing. Every statement points at the sentence that makes it.
"""

from __future__ import annotations

import base64
import json
import re
from itertools import groupby
from typing import Any
from urllib.parse import quote

from troth.policy.model import DeclaredUse, Policy, Sentence
from troth.policy.periods import Duration
from troth.policy.rendering.annexes import purpose_label
from troth.policy.vocabulary import (
    BASIS_IRIS,
    CATEGORIES,
    DPV,
    EU_GDPR,
    PD,
    PURPOSES,
    RIGHT_IRIS,
    Channel,
    LegalBasis,
    Measure,
    expand,
)

RELEASE = "https://w3id.org/dpv/2.3"

_CONTEXT = {
    "schema": "https://schema.org/",
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dpv": DPV,
    "pd": PD,
    "eu-gdpr": EU_GDPR,
    "loc": "https://w3id.org/dpv/loc#",
}
_MEASURES = {
    Measure.TLS: "dpv:EncryptionInTransfer",
    Measure.ACCESS_CONTROL: "dpv:AccessControlMethod",
    Measure.AUDITS: "dpv:SecurityAssessment",
    Measure.TRAINING: "dpv:DataProtectionTraining",
    Measure.INFRASTRUCTURE: "dpv:SecurityMethod",
}
_CONTACTS = {
    Channel.MAIL: ("privacy", "schema:email"),
    Channel.POST: ("privacy", "schema:description"),
    Channel.PHONE: ("privacy", "schema:telephone"),
    Channel.OFFICER: ("data protection officer", "schema:description"),
}

Node = dict[str, Any]


def render_jsonld(policy: Policy, *, base: str | None = None) -> str:
    """The policy as one JSON-LD document, indented, with a line end at the end.

    `base` is the address under which the policy is published. Without it the policy is named by the hash of its file
    (RFC 6920), which is the same for the same words everywhere.
    """
    graph = document(policy, base if base is not None else _hash_name(policy))
    return json.dumps(graph, ensure_ascii=False, indent=2) + "\n"


def embedded(policy: Policy) -> str:
    """The same graph for a `<script type="application/ld+json">`: nothing in it can end the element."""
    text = json.dumps(document(policy, None), ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def document(policy: Policy, base: str | None) -> Node:
    """The graph as plain values; its own addresses start with `base`, or are relative to the page they stand in."""
    notice = _notice(policy)
    # readers differ in how they resolve against a base that is no web address, so the addresses are written out
    return {"@context": dict(_CONTEXT), **(notice if base is None else _absolute(notice, base))}


def _absolute(value: Any, base: str) -> Any:
    if isinstance(value, list):
        return [_absolute(entry, base) for entry in value]
    if not isinstance(value, dict):
        return value
    whole = {name: _absolute(entry, base) for name, entry in value.items()}
    name = whole.get("@id")
    if name is not None and (not name or name.startswith("#")):
        whole["@id"] = base + name
    return whole


def _notice(policy: Policy) -> Node:
    controller = _controller(policy)
    uses = groupby(policy.uses, key=_one_use)
    notice: Node = {
        "@id": "",
        "@type": ["schema:WebPage", "schema:DigitalDocument", "dpv:PrivacyNotice"],
        "schema:name": policy.title,
        "schema:inLanguage": policy.controller.languages[0],
        "schema:version": policy.sha256,
        "schema:publisher": controller,
        "dct:conformsTo": {"@id": RELEASE},
        "dpv:hasDataController": {"@id": controller["@id"]},
    }
    if policy.lead is not None:
        notice["schema:abstract"] = policy.lead.text
    if policy.last_updated is not None:
        notice["schema:dateModified"] = _typed(policy.last_updated.isoformat(), "xsd:date")
    if policy.effective is not None:
        notice["dct:valid"] = _typed(policy.effective.isoformat(), "xsd:date")
    lists = {
        "dpv:hasProcess": [_process(policy, key, tuple(group)) for key, group in uses],
        "dpv:hasRecipient": _recipients(policy),
        "dpv:hasStorageCondition": _storage(policy),
        "dpv:hasTechnicalOrganisationalMeasure": [
            _said(sentence, _MEASURES[sentence.meaning.measure])
            for sentence in policy.sentences
            if sentence.meaning.measure is not None
        ],
        "dpv:hasRight": [
            _said(sentence, _short(RIGHT_IRIS[sentence.meaning.right]))
            for sentence in policy.sentences
            if sentence.meaning.right is not None
        ],
    }
    return notice | {name: nodes for name, nodes in lists.items() if nodes}


def _hash_name(policy: Policy) -> str:
    digest = base64.urlsafe_b64encode(bytes.fromhex(policy.sha256)).decode().rstrip("=")
    return f"ni:///sha-256;{digest}"


def _one_use(use: DeclaredUse) -> tuple[str, str, LegalBasis | None]:
    return use.number, use.purpose, use.basis


def _process(policy: Policy, key: tuple[str, str, LegalBasis | None], uses: tuple[DeclaredUse, ...]) -> Node:
    number, purpose, basis = key
    categories = tuple(use.category for use in uses)
    node: Node = {
        "@id": _fragment("process", number, purpose, basis or "unstated"),
        "@type": "dpv:Process",
        "dct:title": purpose_label(purpose),
        "dct:source": {"@id": _fragment(f"s{number}")},
        "dct:description": policy.by_number[number].text,
        "dpv:hasPurpose": _purpose(purpose),
        "dpv:hasPersonalData": _references(CATEGORIES[category].iri for category in categories),
        "dpv:hasDataController": {"@id": "#controller"},
    }
    if basis is not None:
        node["dpv:hasLegalBasis"] = {"@id": _short(BASIS_IRIS[basis])}
    receivers = [
        {"@id": _recipient_id(sentence, recipient.name)}
        for sentence, recipient in policy.recipients
        if recipient.purpose == purpose and set(expand(recipient.data)) & set(categories)
    ]
    stored = [
        {"@id": _fragment("storage", name)}
        for name, period in policy.periods.items()
        if set(expand(period.data)) & set(categories)
    ]
    if receivers:
        node["dpv:hasRecipient"] = receivers
    if stored:
        node["dpv:hasStorageCondition"] = stored
    return node


def _purpose(purpose: str) -> Node:
    known = PURPOSES.get(purpose)
    if known is not None:
        return {"@id": _short(known.iri)}
    return {"@id": _fragment("purpose", purpose), "@type": "dpv:Purpose", "dct:title": purpose}


def _controller(policy: Policy) -> Node:
    by_id = policy.by_id
    points: list[Node] = []
    for sentence in policy.sentences:
        channel = sentence.meaning.channel
        if channel is None:
            continue
        words = by_id[sentence.clause_id].text or sentence.text
        kind, field = _CONTACTS[channel]
        mailbox = channel is Channel.OFFICER and "@" in words and " " not in words
        points.append(
            {"@type": "schema:ContactPoint", "schema:contactType": kind, "schema:email" if mailbox else field: words}
        )
    return {
        "@id": "#controller",
        "@type": ["schema:Organization", "dpv:DataController"],
        "schema:name": policy.controller.name,
        "dpv:hasCountry": _country(policy.controller.country),
    } | ({"schema:contactPoint": points} if points else {})


def _country(code: str) -> Any:
    """A country of DPV's list by its code; words that are no code stay words."""
    return {"@id": f"loc:{code}"} if re.fullmatch("[A-Z]{2}", code) else code


def _recipients(policy: Policy) -> list[Node]:
    nodes: dict[str, Node] = {}
    for sentence, recipient in policy.recipients:
        name = _recipient_id(sentence, recipient.name)
        nodes[name] = {
            "@id": name,
            "@type": ["schema:Organization", "dpv:Recipient"],
            "schema:name": recipient.name,
            "dpv:hasCountry": _country(recipient.country),
            "dct:source": {"@id": _fragment(f"s{sentence.number}")},
        }
    return list(nodes.values())


def _recipient_id(sentence: Sentence, name: str) -> str:
    return _fragment("recipient", sentence.number, name)


def _storage(policy: Policy) -> list[Node]:
    return [
        {
            "@id": _fragment("storage", name),
            "@type": "dpv:StorageDuration",
            "dpv:hasPersonalData": _references(CATEGORIES[category].iri for category in expand(period.data)),
            "dpv:hasDuration": {
                "@type": "dpv:TemporalDuration",
                "rdf:value": _typed(_iso_duration(period.keep), "xsd:duration"),
            },
            "dct:description": f"{period.keep} after: {period.after}; then: {period.then}",
        }
        for name, period in policy.periods.items()
    ]


def _said(sentence: Sentence, concept: str) -> Node:
    """One of DPV's concepts as this policy promises it."""
    return {"@id": _fragment(f"s{sentence.number}"), "@type": concept, "dct:description": sentence.text}


def _iso_duration(duration: Duration) -> str:
    """`13 months` as `P13M`, `72 hours` as `PT72H` (ISO 8601)."""
    letter = duration.unit[0].upper()
    if duration.unit == "week":  # xsd:duration has no weeks
        return f"P{duration.count * 7}D"
    return f"PT{duration.count}H" if letter == "H" else f"P{duration.count}{letter}"


def _references(iris: Any) -> list[Node]:
    return [{"@id": _short(iri)} for iri in dict.fromkeys(iris)]


def _short(iri: str) -> str:
    """An IRI of DPV with its prefix; the longest namespace wins."""
    for prefix, namespace in sorted(_CONTEXT.items(), key=lambda entry: -len(entry[1])):
        if iri.startswith(namespace):
            return f"{prefix}:{iri[len(namespace) :]}"
    return iri


def _typed(value: str, kind: str) -> Node:
    return {"@value": value, "@type": kind}


def _fragment(*parts: str) -> str:
    """A place in this document: letters, digits, dots and hyphens as they are, others percent-encoded."""
    return "#" + quote("-".join(parts), safe=".-_~")
