"""The tables behind the words: how long, who receives, why and on what ground, who watches.

Made from what the sentences mean, for formats that may add to the published words (HTML, PDF, the web page); text and
Markdown never print them. A table without rows is left out. Names of things are English, as the vocabulary is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from troth.policy import retention
from troth.policy.model import DeclaredUse, Policy
from troth.policy.noise import Noise
from troth.policy.retention import Rule
from troth.policy.vocabulary import CATEGORIES, PURPOSES, LegalBasis, Safeguard, expand

GROUNDS = {
    LegalBasis.CONSENT: "your consent",
    LegalBasis.CONTRACT: "a contract with you",
    LegalBasis.LEGAL_OBLIGATION: "a duty under law",
    LegalBasis.LEGITIMATE_INTERESTS: "legitimate interests",
    LegalBasis.VITAL_INTERESTS: "vital interests",
    LegalBasis.PUBLIC_TASK: "a task in the public interest",
}
SAFEGUARDS = {
    Safeguard.TOKENS_ONLY: "stand-in numbers only",
    Safeguard.ANONYMISED: "made anonymous",
    Safeguard.ENCRYPTED: "encrypted",
    Safeguard.MASKED: "masked",
}
ENDS = {"delete": "deleted", "anonymise": "made anonymous", "archive": "archived"}


@dataclass(frozen=True, slots=True)
class AnnexRow:
    """One row. `number` is the sentence that it spells out ("3.2"), None where it belongs to no one sentence."""

    cells: tuple[str, ...]
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Annex:
    """One table behind the words. `id` is stable, for anchors; a cell that is a web address starts with https://.

    `mark` (an id and what stands there) says what the table was made from, where something carries that out.
    """

    id: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[AnnexRow, ...]
    mark: tuple[str, str] | None = None


def annexes(policy: Policy) -> tuple[Annex, ...]:
    """The tables that this policy's meaning fills, in a fixed order: purposes, periods, recipients, authorities."""
    return tuple(annex for annex in _all(policy) if annex.rows)


def data_label(patterns: Iterable[str]) -> str:
    """Categories and families in words: `contact.email` and `usage.*` as "E-mail address, Time of access, ..."."""
    return ", ".join(CATEGORIES[name].label for name in expand(patterns))


def purpose_label(purpose: str) -> str:
    """A purpose in words; one of the company's own is its name."""
    known = PURPOSES.get(purpose)
    return known.label if known else purpose


def _all(policy: Policy) -> Iterator[Annex]:
    yield Annex(
        "annex-purposes",
        "What we use your data for, and on what ground",
        ("Purpose", "Data", "Ground", "Sentence"),
        tuple(_purpose_rows(policy)),
    )
    yield Annex(
        "annex-periods",
        "How long we keep your data",
        ("Data", "Kept for", "Counted from", "Then", "Because", "Sentence"),
        tuple(_period_rows(policy)),
        ("periods-rules", retention.mark(retention.rules(policy))),
    )
    yield Annex(
        "annex-recipients",
        "Who receives your data",
        ("Recipient", "Country", "Purpose", "Data", "Protected by", "Sentence"),
        tuple(_recipient_rows(policy)),
    )
    yield Annex(
        "annex-authorities",
        "Where you can complain",
        ("Place", "Authority", "Address"),
        tuple(_authority_rows(policy)),
    )


def _purpose_rows(policy: Policy) -> Iterator[AnnexRow]:
    def one_use(use: DeclaredUse) -> tuple[str, str, LegalBasis | None]:
        return use.number, use.purpose, use.basis

    for (number, purpose, basis), uses in groupby(policy.uses, key=one_use):
        data = data_label(use.category for use in uses)
        ground = GROUNDS[basis] if basis is not None else "not stated"
        yield AnnexRow((purpose_label(purpose), data, ground, number), number)


def _period_rows(policy: Policy) -> Iterator[AnnexRow]:
    for rule in retention.rules(policy):
        yield AnnexRow((*_period_cells(rule, policy), rule.number), rule.number)


def _period_cells(rule: Rule, policy: Policy) -> tuple[str, ...]:
    reason = rule.why or ""
    if rule.statute is not None:
        statute = policy.statutes.get(rule.statute)
        reason = f"{statute.law}, {statute.article}" if statute else rule.statute
    started = rule.after.replace("-", " ")
    return data_label(rule.data), str(rule.keep), started, ENDS[rule.then], reason


def protected_by(safeguard: Safeguard | None, noise: Noise | None) -> str:
    """What is done to data before a recipient gets them, in words; empty for nothing."""
    if safeguard is None:
        return ""
    if noise is None:
        return SAFEGUARDS[safeguard]
    return f"{SAFEGUARDS[safeguard]}, figures with noise (epsilon {noise.epsilon:g}, {noise.budget:g} in all)"


def _recipient_rows(policy: Policy) -> Iterator[AnnexRow]:
    for sentence, recipient in policy.recipients:
        safeguard = sentence.meaning.safeguard
        yield AnnexRow(
            (
                recipient.name,
                country_name(recipient.country),
                purpose_label(recipient.purpose),
                data_label(recipient.data),
                protected_by(safeguard, sentence.meaning.noise),
                sentence.number,
            ),
            sentence.number,
        )


def _authority_rows(policy: Policy) -> Iterator[AnnexRow]:
    from troth.policy.law.authorities import authorities_for  # the tables of the law are read only where they are shown

    for authority in authorities_for([policy.controller.country], policy.laws):
        yield AnnexRow((authority.country, authority.name, authority.website))


def country_name(code: str) -> str:
    """A country by its code, in English; a code that nobody knows is given back."""
    from babel import Locale  # 20 ms that only a page with recipients pays

    return str(Locale("en").territories.get(code, code))
