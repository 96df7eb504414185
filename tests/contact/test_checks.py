"""Section 9: worlds that are kept, broken and unproven."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.policies import BROKEN, KEPT, UNPROVEN, example, judge, policy_of, said, verdicts
from tests.sites import LocalSite, observation, serving
from tests.stores import fresh_store
from troth.contact.checks import CHECKS
from troth.foundation.attestations import register
from troth.foundation.attestations.register import Statement
from troth.foundation.keys import Keyring

WAYS = """
contact:
  number: "9"
  title: Contact
  ways:
    number: "9.1"
    title: Contact Information
    email: {{label: Email, text: {mail}, channel: mail}}
    address: {{label: Mailing Address, text: "{address}", channel: post}}
    phone: {{label: Phone, text: "{phone}", channel: phone}}
    officer: {{label: Data Protection Officer, text: {mail}, channel: officer}}
"""
GOOD = {
    "mail": "privacy@tea-house.cn",
    "address": "12 Nanjing Road, 200000 Shanghai, China",
    "phone": "+86 21 6279 0000",
}
AUTHORITY = """
contact:
  number: "9"
  title: Contact
  authority: {number: "9.2", title: Complaints, text: You may complain to the authority., complaint: authority}
"""
CAC = '<a href="https://www.cac.gov.cn/">Cyberspace Administration of China (CAC)</a>'
CNIL = '<p>In France: <a href="https://www.cnil.fr/fr/plaintes">CNIL</a></p>'


def seen_ways(folder: Path, site: LocalSite, servers: object, **changed: str):
    seen = observation(policy_of(WAYS.format(**(GOOD | changed))), folder, site)
    seen.network = site.network(mail=servers)
    return seen


def test_a_mailbox_whose_domain_takes_mail_is_kept(site: LocalSite, tmp_path: Path) -> None:
    asked: list[str] = []
    seen = seen_ways(tmp_path, site, lambda domain: asked.append(domain) or ["mx1.tea-house.cn"])

    found = verdicts(CHECKS, seen)

    assert (found["9.1a"], found["9.1d"]) == ("kept", "kept")
    assert set(asked) == {"tea-house.cn"}


def test_the_evidence_says_when_the_published_page_shows_the_mailbox(site: LocalSite, tmp_path: Path) -> None:
    site.put("/privacy", "<p>Email: privacy@tea-house.cn</p>")
    seen = seen_ways(tmp_path, site, lambda _: ["mx1"])

    assert "published page shows it" in judge(CHECKS, seen).of("9.1a").evidence[0].detail


def test_a_domain_without_mail_servers_breaks_the_mailbox(site: LocalSite, tmp_path: Path) -> None:
    found = verdicts(CHECKS, seen_ways(tmp_path, site, lambda _: []))

    assert found["9.1a"] == found["9.1d"] == "broken"


def test_a_reserved_domain_is_broken_even_where_no_network_is_at_hand(tmp_path: Path) -> None:
    report = judge(CHECKS, observation(example(), tmp_path))

    assert report.of("9.1a").verdict is BROKEN
    assert "example.com" in said(report.of("9.1a"))
    assert "troth policy publish" in said(report.of("9.1a"))


def test_without_a_resolver_a_mailbox_is_unproven(site: LocalSite, tmp_path: Path) -> None:
    seen = observation(policy_of(WAYS.format(**GOOD)), tmp_path, site)

    assert judge(CHECKS, seen).of("9.1a").verdict is UNPROVEN


def test_no_finding_tells_who_reads_the_mailbox(site: LocalSite, tmp_path: Path) -> None:
    report = judge(CHECKS, seen_ways(tmp_path, site, lambda _: [], mail="ada.lovelace@tea-house.cn"))

    assert "lovelace" not in said(report.of("9.1d"))


def test_a_whole_address_and_number_stay_unproven_until_somebody_attests_them(site: LocalSite, tmp_path: Path) -> None:
    found = verdicts(CHECKS, seen_ways(tmp_path, site, lambda _: ["mx"]))

    assert found["9.1b"] == found["9.1c"] == "unproven"


def test_an_attested_letter_and_call_are_evidence_until_their_day(site: LocalSite, tmp_path: Path) -> None:
    seen = seen_ways(tmp_path, site, lambda _: ["mx"])
    keyring = Keyring.create(tmp_path)
    (tmp_path / "log.md").write_text("The letter arrived, and somebody answered.\n")
    with fresh_store(tmp_path) as store:
        for about in ("postal-address", "9.1c"):
            told = Statement(about, "Tried.", "dpo", "log.md", seen.now.date() + timedelta(days=30))
            with store.writing() as tx:
                register.attest(tx, keyring, seen.policy, tmp_path, told, seen.now)
        seen.store = store

        report = judge(CHECKS, seen)

    assert (report.of("9.1b").verdict, report.of("9.1c").verdict) == (KEPT, KEPT)
    later = report.as_of(seen.now + timedelta(days=32))
    assert (later.of("9.1b").verdict, later.of("9.1c").verdict) == (UNPROVEN, UNPROVEN)


def test_the_example_policy_breaks_all_four_ways(tmp_path: Path) -> None:
    found = verdicts(CHECKS, observation(example(), tmp_path))

    assert {number: found[number] for number in ("9.1a", "9.1b", "9.1c", "9.1d")} == dict.fromkeys(
        ("9.1a", "9.1b", "9.1c", "9.1d"), "broken"
    )


def test_a_broken_phone_turns_nothing_but_the_phone(site: LocalSite, tmp_path: Path) -> None:
    whole = verdicts(CHECKS, seen_ways(tmp_path, site, lambda _: ["mx"]))
    hurt = verdicts(CHECKS, seen_ways(tmp_path, site, lambda _: ["mx"], phone="+86-XXX"))

    assert {number for number in whole if whole[number] != hurt[number]} == {"9.1c"}


def test_a_page_that_names_and_links_the_authorities_is_kept(site: LocalSite, tmp_path: Path) -> None:
    site.put("/privacy", CAC + CNIL)
    report = judge(CHECKS, observation(policy_of(AUTHORITY, laws="[gdpr, pipl]"), tmp_path, site))

    assert report.of("9.2").verdict is KEPT
    assert "the law gdpr: 1 of " in said(report.of("9.2"))


def test_an_authority_without_its_link_is_not_named(site: LocalSite, tmp_path: Path) -> None:
    site.put("/privacy", "<p>Cyberspace Administration of China (CAC)</p>")

    assert judge(CHECKS, observation(policy_of(AUTHORITY), tmp_path, site)).of("9.2").verdict is BROKEN


def test_a_link_without_the_name_is_not_naming(site: LocalSite, tmp_path: Path) -> None:
    site.put("/privacy", '<a href="https://www.cac.gov.cn/">here</a>')

    assert judge(CHECKS, observation(policy_of(AUTHORITY), tmp_path, site)).of("9.2").verdict is BROKEN


def test_the_authority_of_each_law_is_wanted(site: LocalSite, tmp_path: Path) -> None:
    site.put("/privacy", CAC)
    report = judge(CHECKS, observation(policy_of(AUTHORITY, laws="[pipl, uk-gdpr]"), tmp_path, site))

    assert report.of("9.2").verdict is BROKEN
    assert "uk-gdpr" in said(report.of("9.2"))
    assert "no authority of the law pipl" not in said(report.of("9.2"))


def test_a_page_that_does_not_answer_leaves_the_authority_unproven(tmp_path: Path) -> None:
    with serving() as gone:
        seen = observation(policy_of(AUTHORITY), tmp_path, gone)

    assert judge(CHECKS, seen).of("9.2").verdict is UNPROVEN


def test_without_a_network_the_authority_is_unproven(tmp_path: Path) -> None:
    assert judge(CHECKS, observation(policy_of(AUTHORITY), tmp_path)).of("9.2").verdict is UNPROVEN
