"""Rules about declared recipients and cookies: who gets what, and on what terms."""

from __future__ import annotations

from collections.abc import Iterator

from troth.policy.law.provisions import Duty
from troth.policy.lint.declarations import any_of, uses_of
from troth.policy.lint.page import Page, place
from troth.policy.lint.registry import OWN_WORD, Flaw, Level, gdpr, rule
from troth.policy.vocabulary import CookieCategory, LegalBasis, expand


@rule(
    "sharing.recipient-gets-unused",
    "A recipient gets data that its purpose does not use",
    under=gdpr("Art. 5(1)(b)"),
    rests_on=OWN_WORD,
    reads_words=False,
)
def recipient_gets_unused(page: Page) -> Iterator[Flaw]:
    """A recipient gets data for a purpose; the purpose must use them.

    Finds: a category at a recipient that no use of the recipient's purpose names.
    Does not find: data that are really sent; the gate and `troth check` do.
    Before: `{name: Example Pay, purpose: transactions, data: [profile.bio]}`.
    After: `data: [payment.token]`.
    """
    used: dict[str, list[str]] = {}
    for _, use in uses_of(page.policy):
        used.setdefault(use.purpose, []).extend(use.data)
    for sentence, recipient in page.policy.recipients:
        for pattern in recipient.data if recipient.purpose in used else ():
            if not any(any_of((pattern,), expand((known,))) for known in used[recipient.purpose]):
                message = f"{recipient.name} gets {pattern} for {recipient.purpose}, which does not use it."
                yield Flaw(place(sentence), message, "Take it out, or declare the use.")


@rule(
    "sharing.recipient-without-contract",
    "A recipient without a contract in force",
    level=Level.WARNING,
    under={**gdpr("Art. 28(3)"), "ccpa": "§ 1798.100(d)", "pipl": "Art. 21"},
    reads_words=False,
)
def recipient_without_contract(page: Page) -> Iterator[Flaw]:
    """Who handles data for the company does so by contract.

    Finds: a recipient without `contract:`; a contract or certificate whose end is past.
    Does not find: a contract that says too little.
    Before: `{name: Example Pay, ...}`.
    After: the same with `contract: {document: ..., sha256: ..., until: 2027-03-31}`.
    """
    for sentence, recipient in page.policy.recipients:
        ends = recipient.contract.until if recipient.contract else None
        certified = recipient.certificate.until if recipient.certificate else None
        if recipient.contract is None:
            yield Flaw(
                place(sentence),
                f"{recipient.name} has no contract.",
                "Add `contract: {document: ..., sha256: ..., until: ...}`.",
            )
        elif ends is not None and ends < page.today:
            yield Flaw(
                place(sentence),
                f"the contract with {recipient.name} ended {ends}.",
                "Renew it and set `until:`.",
                level=Level.ERROR,
            )
        if certified is not None and certified < page.today:
            yield Flaw(
                place(sentence),
                f"the certificate of {recipient.name} ended {certified}.",
                "Ask for the new one and set `until:`.",
            )


@rule(
    "sharing.kind-without-recipients",
    "A kind of recipient with nobody in it",
    level=Level.NOTE,
    under=gdpr("Art. 30(1)(d)"),
    rests_on=OWN_WORD,
    reads_words=False,
)
def kind_without_recipients(page: Page) -> Iterator[Flaw]:
    """A row of the table of recipients should hold the companies it stands for.

    Finds: a row of a table in section 4 without `recipients:`.
    Does not find: a company that is missing among others.
    Before: `cells: [Payment Processor, ...]`.
    After: the same with `recipients: [{name: Example Pay, ...}]`.
    """
    for clause in page.policy.clauses():
        if clause.section == "sharing" and clause.cells and not clause.meaning.recipients:
            yield Flaw(place(clause), "no company is declared for this kind of recipient.", "Add `recipients:`.")


@rule(
    "cookies.optional-without-consent",
    "An optional cookie whose purpose does not rest on consent",
    duty=Duty.COOKIE_CONSENT,
    reads_words=False,
)
def optional_without_consent(page: Page) -> Iterator[Flaw]:
    """A cookie that is not essential needs consent, so its purpose must rest on consent.

    Finds: an item of a performance, functional or marketing sentence whose purpose has uses and none by consent.
    Does not find: an item called essential that is not; `troth scan` helps there.
    Before: `{name: _stats, purpose: fraud}` under marketing cookies.
    After: the purpose analytics, by consent.
    """
    grounds: dict[str, set[LegalBasis | None]] = {}
    for _, use in uses_of(page.policy):
        grounds.setdefault(use.purpose, set()).add(use.basis)
    for sentence in page.policy.sentences:
        if sentence.meaning.category in {None, CookieCategory.ESSENTIAL}:
            continue
        for item in sentence.meaning.items:
            if LegalBasis.CONSENT not in grounds.get(item.purpose, {LegalBasis.CONSENT}):
                message = f"{item.name} is optional, and its purpose {item.purpose} does not rest on consent."
                yield Flaw(place(sentence), message, "Give the item a purpose that rests on consent.")


@rule("cookies.duplicate-item", "One cookie is declared twice", rests_on=OWN_WORD, reads_words=False)
def duplicate_item(page: Page) -> Iterator[Flaw]:
    """A name on the visitor's device stands in one category.

    Finds: the same name and kind declared in two sentences, or twice in one.
    Does not find: patterns with `*` that overlap.
    Before: `_pk_id` under essential and under performance.
    After: under performance only.
    """
    first: dict[tuple[str, str, str | None], str] = {}
    for sentence in page.policy.sentences:
        for item in sentence.meaning.items:
            key = (item.name, item.kind, item.host)
            if key in first:
                yield Flaw(place(sentence), f"{item.name} is declared in {first[key]} already.", "Keep one of the two.")
            first.setdefault(key, sentence.number)
