"""What a person is told beside the copy of their data: GDPR Art. 15(1)(a) to (h) and (2), from the policy alone.

Everything is in the policy's own words where it has words for it: each fact carries the sentence it comes from, with
the number under which everybody quotes it. What the policy does not say is not made up here; where the law wants an
answer all the same (automated decisions), the answer says that the policy names none.

Pure: a policy goes in, facts come out. `access` reads what this person chose, and their data.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from troth.policy.law.authorities import authorities_for
from troth.policy.law.laws import laws_of
from troth.policy.law.provisions import FurtherRight
from troth.policy.model import Policy, Recipient, RetentionPeriod, Sentence
from troth.policy.periods import Duration
from troth.policy.rendering.annexes import ENDS, GROUNDS, SAFEGUARDS, country_name, purpose_label
from troth.policy.vocabulary import CATEGORIES, Channel, LegalBasis, Right, Source, expand

SOURCES = {
    Source.PROVIDED: "you gave it to us",
    Source.OBSERVED: "recorded while you used our services",
    Source.DERIVED: "worked out from other data",
    Source.RECEIVED: "received from others",
}
_STARTS = {
    "account-closed": "the account is closed",
    "order": "an order",
    "message": "a message",
    "visit": "a visit",
    "event": "the event",
}
NO_AUTOMATED_DECISIONS = (
    "Our policy names no decision with legal or similar effect that is made about you by a machine alone, profiling "
    "included (GDPR Art. 22)."
)


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of the policy as printed, and its number."""

    number: str
    text: str


@dataclass(frozen=True, slots=True)
class PurposeFact:
    """Art. 15(1)(a). One purpose on one ground, with the data used. `say` is what the person can do about it."""

    purpose: str
    label: str
    basis: LegalBasis | None
    ground: str
    categories: tuple[str, ...]
    say: str
    sentence: Quote


@dataclass(frozen=True, slots=True)
class CategoryFact:
    """Art. 15(1)(b) and (g). One kind of data that the policy says is collected, and where it comes from."""

    category: str
    label: str
    source: Source
    special: bool
    sentence: Quote


@dataclass(frozen=True, slots=True)
class RecipientFact:
    """Art. 15(1)(c) and (2). Who receives data, where they are, and how the data are protected there."""

    name: str
    country: str
    country_name: str
    abroad: bool
    purpose: str
    label: str
    categories: tuple[str, ...]
    safeguard: str
    contract_until: dt.date | None
    certificate: str
    certificate_until: dt.date | None
    sentence: Quote


@dataclass(frozen=True, slots=True)
class PeriodFact:
    """Art. 15(1)(d). How long kinds of data are kept, counted from what, and why so long."""

    id: str
    categories: tuple[str, ...]
    keep: Duration
    after: str
    words: str
    then: str
    because: str
    sentence: Quote


@dataclass(frozen=True, slots=True)
class RightFact:
    """Art. 15(1)(e). One right in the policy's words, with the articles of the laws that bind the company."""

    right: Right
    title: str
    articles: tuple[str, ...]
    sentence: Quote


@dataclass(frozen=True, slots=True)
class AuthorityFact:
    """Art. 15(1)(f). One authority that takes complaints."""

    place: str
    name: str
    website: str


@dataclass(frozen=True, slots=True)
class ContactFact:
    """One way to reach the company."""

    label: str
    text: str
    channel: Channel


@dataclass(frozen=True, slots=True)
class Facts:
    """All that Art. 15(1) and (2) ask for beside the data, as one policy answers it."""

    controller: str
    country: str
    country_name: str
    contacts: tuple[ContactFact, ...]
    policy_title: str
    policy_sha256: str
    policy_updated: dt.date | None
    laws: tuple[str, ...]
    purposes: tuple[PurposeFact, ...]
    categories: tuple[CategoryFact, ...]
    circumstances: tuple[Quote, ...]
    recipients: tuple[RecipientFact, ...]
    periods: tuple[PeriodFact, ...]
    rights: tuple[RightFact, ...]
    withdrawal: Quote | None
    complaint: Quote | None
    authorities: tuple[AuthorityFact, ...]
    automated_decisions: str

    def period_of(self, category: str) -> PeriodFact | None:
        """The first period that covers a category."""
        return next((period for period in self.periods if category in period.categories), None)

    def category(self, category: str) -> CategoryFact | None:
        return next((fact for fact in self.categories if fact.category == category), None)

    @property
    def transfers(self) -> tuple[RecipientFact, ...]:
        """The recipients outside the company's own country (Art. 15(2))."""
        return tuple(recipient for recipient in self.recipients if recipient.abroad)


def facts_of(policy: Policy) -> Facts:
    """What `policy` answers to Art. 15(1) and (2), in the order of its page."""
    home = policy.controller.country
    withdrawal = next((s for s in policy.sentences if s.meaning.withdraw is not None), None)
    complaint = next((s for s in policy.sentences if s.meaning.complaint == "authority"), None)
    return Facts(
        controller=policy.controller.name,
        country=home,
        country_name=country_name(home),
        contacts=tuple(_contacts(policy)),
        policy_title=policy.title,
        policy_sha256=policy.sha256,
        policy_updated=policy.last_updated,
        laws=tuple(law.name for law in laws_of(policy.laws)),
        purposes=tuple(_purposes(policy)),
        categories=tuple(_categories(policy)),
        circumstances=tuple(_quote(s) for s in policy.sentences if s.meaning.circumstance is not None),
        recipients=tuple(_recipient(policy, sentence, each) for sentence, each in policy.recipients),
        periods=tuple(_period(policy, id_, period) for id_, period in policy.periods.items()),
        rights=tuple(_rights(policy)),
        withdrawal=None if withdrawal is None else _quote(withdrawal),
        complaint=None if complaint is None else _quote(complaint),
        authorities=tuple(AuthorityFact(a.country, a.name, a.website) for a in authorities_for([home], policy.laws)),
        automated_decisions=NO_AUTOMATED_DECISIONS,
    )


def labels(categories: tuple[str, ...]) -> tuple[str, ...]:
    """Categories in words."""
    return tuple(CATEGORIES[category].label for category in categories)


def source_of(policy: Policy, category: str, declared: Source | None = None) -> Source:
    """Where data of a kind come from: as declared beside the column, else as the policy's clause or a heading over it
    says, else from the person.
    """
    if declared is not None:
        return declared
    number = policy.collected.get(category)
    sentence = policy.by_number.get(number or "")
    clause_id = sentence.clause_id if sentence is not None else ""
    while clause_id:
        clause = policy.by_id.get(clause_id)
        if clause is not None and clause.meaning.source is not None:
            return clause.meaning.source
        clause_id = clause_id.rpartition(".")[0]
    return Source.PROVIDED


def _quote(sentence: Sentence) -> Quote:
    return Quote(sentence.number, sentence.text)


def _contacts(policy: Policy) -> Iterator[ContactFact]:
    for clause in policy.clauses():
        if clause.meaning.channel is not None:
            yield ContactFact(clause.label or clause.title or "", clause.text or "", clause.meaning.channel)


def _purposes(policy: Policy) -> Iterator[PurposeFact]:
    found: dict[tuple[str, str, LegalBasis | None], list[str]] = {}
    statutes: dict[tuple[str, str, LegalBasis | None], str] = {}
    opt_outs = {use.purpose for use in policy.uses if use.opt_out}
    for use in policy.uses:
        key = (use.number, use.purpose, use.basis)
        found.setdefault(key, []).append(use.category)
        if use.statute is not None:
            statutes[key] = use.statute
    for (number, purpose, basis), categories in found.items():
        ground = GROUNDS[basis] if basis is not None else "not stated"
        statute = policy.statutes.get(statutes.get((number, purpose, basis), ""))
        if statute is not None:
            ground = f"{ground}: {statute.law}, {statute.article}"
        yield PurposeFact(
            purpose,
            purpose_label(purpose),
            basis,
            ground,
            tuple(dict.fromkeys(categories)),
            _say(basis, opt_out=purpose in opt_outs),
            _quote(policy.by_number[number]),
        )


def _say(basis: LegalBasis | None, *, opt_out: bool) -> str:
    if basis is LegalBasis.CONSENT:
        return "only while you agree; you can withdraw at any time"
    if basis in {LegalBasis.LEGITIMATE_INTERESTS, LegalBasis.PUBLIC_TASK} or opt_out:
        return "you can object"
    return ""


def _categories(policy: Policy) -> Iterator[CategoryFact]:
    for category, number in policy.collected.items():
        known = CATEGORIES[category]
        sentence = policy.by_number[number]
        yield CategoryFact(category, known.label, source_of(policy, category), known.special, _quote(sentence))


def _recipient(policy: Policy, sentence: Sentence, recipient: Recipient) -> RecipientFact:
    safeguard, contract, certificate = sentence.meaning.safeguard, recipient.contract, recipient.certificate
    return RecipientFact(
        name=recipient.name,
        country=recipient.country,
        country_name=country_name(recipient.country),
        abroad=recipient.country != policy.controller.country,
        purpose=recipient.purpose,
        label=purpose_label(recipient.purpose),
        categories=expand(recipient.data),
        safeguard=SAFEGUARDS[safeguard] if safeguard is not None else "",
        contract_until=None if contract is None else contract.until,
        certificate="" if certificate is None else certificate.kind,
        certificate_until=None if certificate is None else certificate.until,
        sentence=_quote(sentence),
    )


def _period(policy: Policy, id_: str, period: RetentionPeriod) -> PeriodFact:
    because = period.why or ""
    if period.ground is not None:
        statute = policy.statutes.get(period.ground)
        because = f"{statute.law}, {statute.article}" if statute else period.ground
    started = _STARTS.get(period.after, period.after.replace("-", " "))
    clause = policy.by_id[id_.rpartition(".")[0]]
    said = " ".join(sentence.text for sentence in clause.sentences) or clause.text or clause.title or ""
    return PeriodFact(
        id=id_,
        categories=expand(period.data),
        keep=period.keep,
        after=period.after,
        words=f"{period.keep} after {started}",
        then=ENDS[period.then],
        because=because,
        sentence=Quote(clause.number, said),
    )


def _rights(policy: Policy) -> Iterator[RightFact]:
    laws = laws_of(policy.laws)
    for sentence in policy.sentences:
        right = sentence.meaning.right
        if right is None:
            continue
        clause = policy.by_id[sentence.clause_id]
        articles = tuple(law.cite(law.rights[right].article) for law in laws if right in law.rights)
        yield RightFact(right, clause.title or clause.label or right.value, articles, _quote(sentence))


def withdrawal_articles(policy: Policy) -> tuple[str, ...]:
    """Where the laws that bind the company say that consent can be withdrawn."""
    found = ((law, law.further_rights.get(FurtherRight.WITHDRAW_CONSENT)) for law in laws_of(policy.laws))
    return tuple(law.cite(provision.article) for law, provision in found if provision is not None)
