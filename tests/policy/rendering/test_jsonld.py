"""The policy as linked data: it expands offline, and every declared use, period and recipient is in the graph."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest
import rdflib
from rdflib.namespace import RDF

from tests.policy.rendering.worlds import example, policy, quoted
from troth.policy.rendering.html import render_html
from troth.policy.rendering.jsonld import RELEASE, embedded, render_jsonld
from troth.policy.vocabulary import PURPOSES

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # rdflib's own use of it

ADDRESS = "https://shop.example.com/privacy"
DPV = rdflib.Namespace("https://w3id.org/dpv#")
GDPR = rdflib.Namespace("https://w3id.org/dpv/legal/eu/gdpr#")
PD = rdflib.Namespace("https://w3id.org/dpv/pd#")
SCHEMA = rdflib.Namespace("https://schema.org/")
DCT = rdflib.Namespace("http://purl.org/dc/terms/")
PAGE = rdflib.URIRef(ADDRESS)


def graph_of(text: str) -> rdflib.Graph:
    return rdflib.Graph().parse(data=text, format="json-ld")


@cache
def graph() -> rdflib.Graph:
    return graph_of(render_jsonld(example(), base=ADDRESS))


def at(fragment: str) -> rdflib.URIRef:
    return rdflib.URIRef(f"{ADDRESS}#{fragment}")


def test_the_page_is_a_privacy_notice_of_the_release_it_names() -> None:
    kinds = set(graph().objects(PAGE, RDF.type))

    assert kinds == {SCHEMA.WebPage, SCHEMA.DigitalDocument, DPV.PrivacyNotice}
    assert graph().value(PAGE, DCT.conformsTo) == rdflib.URIRef(RELEASE)
    assert str(graph().value(PAGE, SCHEMA.dateModified)) == "2024-01-09"


def test_each_use_is_a_process_with_purpose_data_ground_and_sentence() -> None:
    process = at("process-2.1c-marketing-consent")

    declared = {(use.number, use.purpose, use.basis) for use in example().uses}
    assert len(set(graph().objects(PAGE, DPV.hasProcess))) == len(declared)
    assert (process, RDF.type, DPV.Process) in graph()
    assert set(graph().objects(process, DPV.hasPurpose)) == {DPV.DirectMarketing}
    assert set(graph().objects(process, DPV.hasPersonalData)) == {PD.EmailAddress, PD.Name}
    assert set(graph().objects(process, DPV.hasLegalBasis)) == {GDPR["A6-1-a"]}
    assert set(graph().objects(process, DCT.source)) == {at("s2.1c")}


def test_recipients_periods_measures_and_rights_are_in_the_graph() -> None:
    process = at("process-2.1b-transactions-contract")
    storage = at("storage-protection.retention.usage")
    length = graph().value(graph().value(storage, DPV.hasDuration), RDF.value)

    assert set(graph().objects(process, DPV.hasRecipient)) == {at("recipient-4.2.1-Example%20Pay")}
    assert str(length) == "P1Y1M"  # P13M, in the reader's words
    assert (storage, RDF.type, DPV.StorageDuration) in graph()
    assert (at("s5.3"), RDF.type, GDPR.A17) in graph()
    assert len(set(graph().objects(PAGE, DPV.hasRight))) == 6
    assert (at("s3.1a"), RDF.type, DPV.EncryptionInTransfer) in graph()


def test_the_graph_is_whole_without_an_address_too() -> None:
    named = graph_of(render_jsonld(example()))

    assert len(named) == len(graph())
    assert {str(subject)[:14] for subject in named.subjects() if isinstance(subject, rdflib.URIRef)} == {
        "ni:///sha-256;"
    }


def test_every_term_is_of_a_vocabulary_that_the_context_names() -> None:
    spaces = tuple(json.loads(render_jsonld(example()))["@context"].values())

    assert [term for term in graph().predicates() if not str(term).startswith(spaces)] == []


def test_a_use_without_ground_says_none() -> None:
    said = policy("use: {a: {text: Why., purpose: marketing, data: [contact.email]}}\n")

    found = graph_of(render_jsonld(said, base=ADDRESS))
    assert (at("process-1a-marketing-unstated"), RDF.type, DPV.Process) in found
    assert list(found.objects(None, DPV.hasLegalBasis)) == []


def test_a_purpose_of_the_company_s_own_is_described_and_not_given_a_name_of_dpv() -> None:
    said = policy("use: {a: {text: Why., purpose: tea tasting, data: [contact.email], basis: consent}}\n")

    found = graph_of(render_jsonld(said, base=ADDRESS))
    assert (at("purpose-tea%20tasting"), RDF.type, DPV.Purpose) in found


@pytest.mark.parametrize(
    ("keep", "written"),
    [("72 hours", "PT72H"), ("30 days", "P30D"), ("2 weeks", "P14D"), ("1 month", "P1M"), ("10 years", "P10Y")],
)
def test_periods_are_written_as_durations_of_xml_schema(keep: str, written: str) -> None:
    said = policy(f"protection: {{title: T, periods: {{u: {{data: [usage.*], after: visit, keep: {keep}}}}}}}\n")

    assert f'"@value": "{written}"' in render_jsonld(said)


def test_the_graph_inside_a_page_is_the_same_and_can_t_end_its_element() -> None:
    words = quoted("</script><script>alert(1)</script> <!-- & \u2028")
    said = policy(f"use: {{a: {{text: {words}, purpose: marketing, data: [contact.email]}}}}\n")

    text = embedded(said)
    inside = re.search(r'<script type="application/ld\+json">(.*?)</script>', render_html(said), re.DOTALL)

    assert not re.search("[<>&\u2028]", text)
    assert inside is not None
    assert inside[1] == text
    assert json.loads(text)["dpv:hasProcess"][0]["dct:description"].startswith("</script>")


def test_all_purposes_of_the_vocabulary_have_a_term_of_dpv() -> None:
    assert [purpose.id for purpose in PURPOSES.values() if not purpose.iri.startswith(str(DPV))] == []
