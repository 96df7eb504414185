"""Section 4: worlds that are broken and unproven; kept where a page can show it."""

from __future__ import annotations

import hashlib
from hashlib import sha256
from pathlib import Path

from tests.policies import BROKEN, KEPT, UNPROVEN, example, judge, policy_of, said, verdicts
from tests.sites import LocalSite, observation, serving
from tests.stores import fresh_store
from troth.sharing.checks import CHECKS
from troth.sharing.checks.papers import CHECKS as PAPERS

PAPER = b"A made-up contract.\n"
HASH = hashlib.sha256(PAPER).hexdigest()


def sharing(contract: str = "", certificate: str = "", name: str = "Example Pay"):
    contract = contract or f"{{document: documents/pay.md, sha256: {HASH}, until: 2027-03-31}}"
    certificate = certificate or "{kind: PCI DSS AoC, until: 2027-01-31}"
    papers = f"contract: {contract}, certificate: {certificate}"
    return policy_of(
        f"""
        sharing:
          number: "4"
          title: Information Sharing
          text: We do not share without consent or law.
          circumstances:
            number: "4.1"
            title: Cases
            text: "We may share:"
            providers: {{label: Service Providers, text: With vendors, circumstance: processor}}
            legal: {{label: Law, text: When required by law, circumstance: legal-demand}}
            transfer: {{label: Transfer, text: In case of merger, circumstance: business-transfer}}
            consent: {{label: Consent, text: When you consent, circumstance: consent}}
          processors:
            number: "4.2"
            title: Third Parties
            text: "We work with:"
            columns: [Type, Purpose, Protection]
            payment:
              cells: [Payment Processor, Process payments, Complies with PCI DSS standards]
              safeguard: tokens-only
              recipients:
                - {{name: {name}, host: pay.example.net, purpose: transactions, data: [payment.token],
                    country: DE, {papers}}}
        """
    )


def papers(folder: Path, data: bytes = PAPER) -> Path:
    (folder / "documents").mkdir(exist_ok=True)
    (folder / "documents" / "pay.md").write_bytes(data)
    return folder


def test_standing_contracts_are_evidence_and_the_sentence_stays_unproven_until_something_was_shared(
    tmp_path: Path,
) -> None:
    seen = observation(sharing(), papers(tmp_path))
    with fresh_store(tmp_path) as seen.store:
        sentence = judge(CHECKS, seen).of("4.1a")

    assert sentence.verdict is UNPROVEN
    assert [evidence.grade for evidence in sentence.evidence] == ["attested"]
    assert "nothing has been shared with a declared recipient yet" in said(sentence)


def test_a_recipient_without_a_contract_is_broken(tmp_path: Path) -> None:
    sentence = judge(CHECKS, observation(sharing(contract="null"), tmp_path)).of("4.1a")

    assert sentence.verdict is BROKEN
    assert "Example Pay: no contract" in said(sentence)


def test_a_contract_that_is_gone_altered_or_over_is_broken(tmp_path: Path) -> None:
    assert "is not there" in said(judge(CHECKS, observation(sharing(), tmp_path)).of("4.1a"))

    altered = judge(CHECKS, observation(sharing(), papers(tmp_path, b"other"))).of("4.1a")
    assert "hash differs" in said(altered)

    nothing = sharing(contract=f"{{document: documents/pay.md, sha256: {sha256().hexdigest()}, until: 2027-11-21}}")
    assert "is an empty file" in said(judge(CHECKS, observation(nothing, papers(tmp_path, b""))).of("4.1a"))

    over = sharing(contract=f"{{document: documents/pay.md, sha256: {HASH}, until: 2026-11-21}}")
    assert "ended on 2026-11-21" in said(judge(CHECKS, observation(over, papers(tmp_path))).of("4.1a"))


def test_a_contract_counts_on_its_last_day(tmp_path: Path) -> None:
    last = sharing(contract=f"{{document: documents/pay.md, sha256: {HASH}, until: 2026-11-22}}")

    assert judge(CHECKS, observation(last, papers(tmp_path))).of("4.1a").verdict is UNPROVEN


def test_what_nothing_observes_is_unproven_and_says_what_would_prove_it(tmp_path: Path) -> None:
    report = judge(CHECKS, observation(sharing(), papers(tmp_path)))

    for number in ("4.1b", "4.1c", "4.1d"):
        assert report.of(number).verdict is UNPROVEN
        assert all(finding.repair for finding in report.of(number).findings)


def test_a_contract_that_is_over_turns_its_sentence_and_the_sums_above_alone(tmp_path: Path) -> None:
    whole = verdicts(CHECKS, observation(sharing(), papers(tmp_path)))
    hurt = verdicts(CHECKS, observation(sharing(contract="null"), papers(tmp_path)))

    assert {number for number in whole if whole[number] != hurt[number]} == {"4.1a", "4.1", "4"}


ROW = '<table><tr id="recipient-example-pay"><td>Example Pay</td><td>Germany</td></tr>{more}</table>'


def test_the_page_that_names_every_recipient_is_kept(site: LocalSite, tmp_path: Path) -> None:
    site.put("/privacy", ROW)

    assert judge(PAPERS, observation(sharing(), papers(tmp_path), site)).of("4.2").findings == ()


def test_a_page_that_names_fewer_or_more_is_broken(site: LocalSite, tmp_path: Path) -> None:
    site.put("/privacy", "<p>We work with payment processors.</p>")
    fewer = judge(CHECKS, observation(sharing(), papers(tmp_path), site)).of("4.2")
    assert fewer.verdict is BROKEN
    assert "does not name the recipient Example Pay" in said(fewer)

    site.put("/privacy", ROW.replace("{more}", '<tr id="recipient-x"><td>Example Ads</td></tr>'))
    more = judge(CHECKS, observation(sharing(), papers(tmp_path), site)).of("4.2")
    assert more.verdict is BROKEN
    assert "Example Ads" in said(more)


def test_a_hidden_row_names_nobody(site: LocalSite, tmp_path: Path) -> None:
    site.put("/privacy", ROW.replace("<tr ", "<tr hidden "))

    assert judge(CHECKS, observation(sharing(), papers(tmp_path), site)).of("4.2").verdict is BROKEN


def test_a_page_that_does_not_answer_leaves_the_list_unproven(tmp_path: Path) -> None:
    with serving() as gone:
        seen = observation(sharing(), papers(tmp_path), gone)

    own = judge(CHECKS, seen).of("4.2")
    assert own.verdict is UNPROVEN
    assert "4.2" in own.caused_by


def test_a_promised_standard_needs_its_certificate(tmp_path: Path) -> None:
    report = judge(CHECKS, observation(sharing(certificate="null"), papers(tmp_path)))
    assert report.of("4.2.1").verdict is BROKEN
    assert "PCI DSS" in said(report.of("4.2.1"))

    over = sharing(certificate="{kind: PCI DSS AoC, until: 2026-01-31}")
    assert judge(CHECKS, observation(over, papers(tmp_path))).of("4.2.1").verdict is BROKEN

    other = sharing(certificate="{kind: ISO 27001, until: 2027-01-31}")
    assert judge(CHECKS, observation(other, papers(tmp_path))).of("4.2.1").verdict is BROKEN


def test_a_certificate_alone_does_not_keep_the_promise(tmp_path: Path) -> None:
    sentence = judge(CHECKS, observation(sharing(), papers(tmp_path))).of("4.2.1")

    assert sentence.verdict is UNPROVEN
    assert "PCI DSS AoC, until 2027-01-31" in said(sentence)


def test_every_sentence_of_the_example_has_a_check(tmp_path: Path) -> None:
    report = judge(CHECKS, observation(example(), tmp_path))

    for number in ("4.1a", "4.1b", "4.1c", "4.1d", "4.2.1", "4.2.2", "4.2.3", "4.2.4"):
        assert report.of(number).findings, number
    assert KEPT not in {report.of(number).verdict for number in ("4", "4.1", "4.2")}
