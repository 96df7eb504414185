"""Section 7: worlds that are kept, broken and unproven."""

from __future__ import annotations

from pathlib import Path

from tests.policies import BROKEN, KEPT, UNPROVEN, judge, policy_of, said, verdicts
from tests.sites import LocalSite, observation, serving
from troth.links.checks import CHECKS

LINKS = """
links:
  number: "7"
  title: Third-Party Links
  partners: {partners}
  sentences:
    a: Our website may contain links to third-party websites.
    b: We are not responsible for the privacy practices of these third-party websites.
    c: Please review their privacy policies before visiting third-party sites.
"""
TEA = '[{host: tea.example.org, policy: "http://tea.example.org/privacy"}]'
POLICY = policy_of(LINKS.replace("{partners}", TEA))
PAGE = '<html lang="en"><a href="https://tea.example.org/">tea</a><a href="/privacy/centre">choices</a>'


def kept_world(site: LocalSite, folder: Path):
    site.put("/", PAGE)
    site.put("/privacy", "<p>their policy, served here for both hosts</p>")
    return observation(POLICY, folder, site, "tea.example.org")


def test_links_to_named_partners_are_kept(site: LocalSite, tmp_path: Path) -> None:
    assert verdicts(CHECKS, kept_world(site, tmp_path)) == {"7a": "kept", "7b": "kept", "7c": "kept"}


def test_a_link_to_a_host_that_nobody_named_breaks_the_first_sentence_only(site: LocalSite, tmp_path: Path) -> None:
    seen = kept_world(site, tmp_path)
    site.put("/", PAGE + '<a href="https://ads.example.net/x">offer</a>')

    report = judge(CHECKS, seen)

    assert [report.of(number).verdict for number in ("7a", "7b", "7c")] == [BROKEN, KEPT, KEPT]
    assert "ads.example.net" in said(report.of("7a"))
    assert "/: leads to" in said(report.of("7a"))


def test_a_part_of_a_partners_site_is_the_partners(site: LocalSite, tmp_path: Path) -> None:
    seen = kept_world(site, tmp_path)
    site.put("/", PAGE + '<a href="https://shop.tea.example.org/">x</a>')

    assert verdicts(CHECKS, seen)["7a"] == "kept"


def test_authorities_of_the_declared_laws_may_be_linked(site: LocalSite, tmp_path: Path) -> None:
    seen = kept_world(site, tmp_path)
    seen.policy = policy_of(LINKS.replace("{partners}", TEA), laws="[uk-gdpr]")
    site.put("/", PAGE + '<a href="https://ico.org.uk/">ICO</a><a href="https://www.cac.gov.cn/">CAC</a>')

    assert verdicts(CHECKS, seen)["7a"] == "kept"


def test_a_mail_address_in_an_outgoing_link_is_broken_and_not_repeated(site: LocalSite, tmp_path: Path) -> None:
    seen = kept_world(site, tmp_path)
    site.put("/", PAGE + '<a href="https://tea.example.org/?to=ada@example.org">x</a>')

    report = judge(CHECKS, seen)

    assert report.of("7a").verdict is BROKEN
    assert "ada@" not in said(report.of("7a"))


def test_a_page_without_a_strict_referrer_policy_is_broken(site: LocalSite, tmp_path: Path) -> None:
    seen = kept_world(site, tmp_path)
    site.put("/", PAGE, headers={"Referrer-Policy": "unsafe-url"})

    assert judge(CHECKS, seen).of("7a").verdict is BROKEN


def test_pages_without_any_outgoing_link_prove_nothing(site: LocalSite, tmp_path: Path) -> None:
    seen = kept_world(site, tmp_path)
    site.put("/", "<p>no link</p>")

    assert judge(CHECKS, seen).of("7a").verdict is UNPROVEN


def test_a_frame_of_somebody_else_breaks_the_second_sentence_only(site: LocalSite, tmp_path: Path) -> None:
    seen = kept_world(site, tmp_path)
    site.put("/", PAGE + '<iframe src="https://video.example.net/1"></iframe>')

    report = judge(CHECKS, seen)

    assert [report.of(number).verdict for number in ("7a", "7b", "7c")] == [KEPT, BROKEN, KEPT]
    assert "frame from video.example.net" in said(report.of("7b"))


def test_what_is_embedded_may_be_a_recipient_of_section_4(site: LocalSite, tmp_path: Path) -> None:
    recipient = "{name: Example Video, host: video.example.net, purpose: marketing, data: [device.ip], country: DE}"
    sharing = f"sharing:\n  number: '4'\n  title: Sharing\n  text: We share.\n  recipients: [{recipient}]\n"
    seen = kept_world(site, tmp_path)
    seen.policy = policy_of(sharing + LINKS.replace("{partners}", TEA))
    site.put("/", PAGE + '<iframe src="https://video.example.net/1"></iframe>')

    assert verdicts(CHECKS, seen)["7b"] == "kept"


def test_a_partners_policy_that_is_gone_is_broken_and_a_silent_one_unproven(site: LocalSite, tmp_path: Path) -> None:
    seen = kept_world(site, tmp_path)
    del site.answers["/privacy"]
    assert judge(CHECKS, seen).of("7c").verdict is BROKEN

    silent = observation(
        policy_of(LINKS.replace("{partners}", '[{host: a.invalid, policy: "https://a.invalid/p"}]')), tmp_path, site
    )
    assert judge(CHECKS, silent).of("7c").verdict is UNPROVEN


def test_a_partner_without_an_address_of_its_policy_is_unproven(site: LocalSite, tmp_path: Path) -> None:
    seen = kept_world(site, tmp_path)
    seen.policy = policy_of(LINKS.replace("{partners}", "[{host: tea.example.org}]"))

    assert judge(CHECKS, seen).of("7c").verdict is UNPROVEN


def test_a_site_that_does_not_answer_leaves_all_three_unproven(tmp_path: Path) -> None:
    with serving() as gone:
        seen = observation(POLICY, tmp_path, gone, "tea.example.org")

    assert verdicts(CHECKS, seen) == {"7a": "unproven", "7b": "unproven", "7c": "unproven"}


def test_a_section_of_one_sentence_promises_all_three(site: LocalSite, tmp_path: Path) -> None:
    seen = kept_world(site, tmp_path)
    seen.policy = policy_of(f"links: {{number: '7', title: Links, text: Pages may link to others., partners: {TEA}}}")

    report = judge(CHECKS, seen)

    assert {evidence.check for evidence in report.of("7").evidence} == {check.id for check in CHECKS}
