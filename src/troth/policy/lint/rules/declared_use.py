"""Rules about declared uses: each purpose with its data and exactly one ground."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from troth.policy.lint.declarations import periods_of, uses_of
from troth.policy.lint.page import Page, Place, listed, place
from troth.policy.lint.registry import OWN_WORD, Flaw, Level, gdpr, rule
from troth.policy.vocabulary import CATEGORIES, LegalBasis, expand


@rule(
    "use.purpose-without-basis",
    "A use has no legal basis",
    under=gdpr("Art. 6(1)"),
    rests_on=OWN_WORD,
    reads_words=False,
)
def purpose_without_basis(page: Page) -> Iterator[Flaw]:
    """Each use of data rests on exactly one ground.

    Finds: a declared use without `basis:`.
    Does not find: a ground that does not fit.
    Before: `{purpose: marketing, data: [contact.email]}`.
    After: `{purpose: marketing, data: [contact.email], basis: consent}`.
    """
    for sentence, use in uses_of(page.policy):
        if use.basis is None:
            choices = ", ".join(LegalBasis)
            yield Flaw(place(sentence), f"the purpose {use.purpose} has no basis.", f"Add `basis:`, one of {choices}.")


@rule("use.two-bases", "One use rests on two grounds", under=gdpr("Art. 6(1)"), rests_on=OWN_WORD, reads_words=False)
def two_bases(page: Page) -> Iterator[Flaw]:
    """The same data for the same purpose rest on one ground; who takes two can never honour a refusal.

    Finds: a (category, purpose) that is declared twice with different grounds.
    Does not find: one purpose on different grounds for different data, which is allowed.
    Before: marketing with contact.email by consent and again by legitimate-interests.
    After: one of them.
    """
    grounds: dict[tuple[str, str], LegalBasis] = {}
    told: set[tuple[str, Place]] = set()
    for use in page.policy.uses:
        if use.basis is None:
            continue
        where = Place(use.clause_id, use.number, use.line)
        first = grounds.setdefault((use.purpose, use.category), use.basis)
        if first != use.basis and (use.purpose, where) not in told:
            told.add((use.purpose, where))
            yield Flaw(
                where,
                f"{use.purpose} uses {use.category} by {use.basis} here and by {first} elsewhere.",
                "Keep one ground.",
            )


@rule(
    "use.purpose-undeclared",
    "A purpose is named that no use declares",
    under=gdpr("Art. 5(1)(b)"),
    rests_on=OWN_WORD,
    reads_words=False,
)
def purpose_undeclared(page: Page) -> Iterator[Flaw]:
    """A recipient, a cookie or a sentence may name only purposes that some use declares.

    Finds: a purpose at a recipient, a cookie item, a balance test or in `names_purposes`, without a declared use.
    Does not find: a declared purpose that the words do not tell.
    Before: a cookie with `purpose: advertising`, and no such use.
    After: the use declared in section 2, or the purpose taken out.
    """
    declared = set(page.policy.purposes)
    for sentence in page.policy.sentences:
        meaning = sentence.meaning
        named = [
            *meaning.names_purposes,
            *(recipient.purpose for recipient in meaning.recipients),
            *(item.purpose for item in meaning.items),
            *meaning.balance_tests,
        ]
        for purpose in dict.fromkeys(named):
            if purpose not in declared:
                message = f'the purpose "{purpose}" is named, and no use declares it.'
                yield Flaw(place(sentence), message, "Declare a use for it in section 2, or take it out.")


@rule(
    "use.statute-missing",
    "A legal obligation without its statute",
    under=gdpr("Art. 6(3)"),
    rests_on=OWN_WORD,
    reads_words=False,
)
def statute_missing(page: Page) -> Iterator[Flaw]:
    """Who relies on a legal obligation, or keeps data by a law's ground, names a declared statute.

    Finds: a use by legal-obligation without `statute:`; a `statute:` or `ground:` that no statute declares.
    Does not find: a statute that obliges to something else.
    Before: `{purpose: legal, ..., basis: legal-obligation}`.
    After: the same with `statute: tax-law`, and tax-law under `statutes:`.
    """
    statutes = page.policy.statutes
    known = f" Declared: {listed(statutes)}." if statutes else ""
    for sentence, use in uses_of(page.policy):
        if use.statute is not None and use.statute not in statutes:
            yield Flaw(
                place(sentence),
                f'the statute "{use.statute}" is not declared.',
                f"Declare it under `statutes:`.{known}",
            )
        elif use.basis is LegalBasis.LEGAL_OBLIGATION and use.statute is None:
            yield Flaw(
                place(sentence),
                f"the purpose {use.purpose} rests on a legal obligation and names no statute.",
                "Add `statute:`.",
            )
    for clause, name, period in periods_of(page.policy):
        if period.ground is not None and period.ground not in statutes:
            message = f'the period {name} rests on "{period.ground}", which is no declared statute.'
            yield Flaw(place(clause), message, f"Declare it under `statutes:`.{known}")


@rule("use.duplicate-statute", "One statute is declared twice", rests_on=OWN_WORD, reads_words=False)
def duplicate_statute(page: Page) -> Iterator[Flaw]:
    """A statute is named by its short name, so the name stands for one law.

    Finds: two entries of `statutes:` with one name.
    Does not find: one law under two names.
    Before: tax-law twice.
    After: tax-law and accounting-law.
    """
    counted = Counter(statute.name for sentence in page.policy.sentences for statute in sentence.meaning.statutes)
    for sentence in page.policy.sentences:
        for name in {statute.name for statute in sentence.meaning.statutes if counted[statute.name] > 1}:
            yield Flaw(
                place(sentence), f'the statute "{name}" is declared {counted[name]} times.', "Give each its own name."
            )


@rule(
    "use.consent-without-opt-out",
    "Consent that cannot be withdrawn",
    under={
        **gdpr("Art. 7(3)"),
        "pipl": "Art. 15",
        "lgpd": "Art. 8 § 5",
        "india": "s. 6(4)",
        "pipeda": "Principle 4.3.8",
    },
    rests_on=OWN_WORD,
    reads_words=False,
)
def consent_without_opt_out(page: Page) -> Iterator[Flaw]:
    """A use by consent ends when the person says so; the policy must declare where.

    Finds: a use by consent without `opt_out:`, while no consent clause declares `withdraw:`.
    Does not find: an opt-out that does nothing.
    Before: `basis: consent`.
    After: `basis: consent` with `opt_out: at-once`, or `withdraw: /privacy/centre` at the ground.
    """
    if any(sentence.meaning.withdraw for sentence in page.policy.sentences):
        return
    for sentence, use in uses_of(page.policy):
        if use.basis is LegalBasis.CONSENT and use.opt_out is None:
            message = f"the purpose {use.purpose} rests on consent, and nothing declares how it is withdrawn."
            yield Flaw(place(sentence), message, "Add `opt_out: at-once` here, or `withdraw:` at the ground consent.")


@rule(
    "use.interests-without-balance-test",
    "Legitimate interests without a balance test",
    level=Level.WARNING,
    under=gdpr("Art. 6(1)(f)"),
    reads_words=False,
)
def interests_without_balance_test(page: Page) -> Iterator[Flaw]:
    """Legitimate interests carry a use only where they outweigh the person's; somebody must have weighed them.

    Finds: a use by legitimate-interests whose purpose has no entry in `balance_tests:`.
    Does not find: a test that is out of date or wrong; `troth check` looks at its review.
    Before: `basis: legitimate-interests`, and `balance_tests: {}`.
    After: `balance_tests: {fraud: {document: ..., sha256: ..., review: 12 months}}`.
    """
    tested = {purpose for sentence in page.policy.sentences for purpose in sentence.meaning.balance_tests}
    for sentence, use in uses_of(page.policy):
        if use.basis is LegalBasis.LEGITIMATE_INTERESTS and use.purpose not in tested:
            message = f"the purpose {use.purpose} rests on legitimate interests that nobody weighed."
            yield Flaw(
                place(sentence),
                message,
                f"Write the balance test and declare it: `balance_tests: {{{use.purpose}: ...}}`.",
            )


@rule("use.special-without-consent", "Special data without consent", under=gdpr("Art. 9"), reads_words=False)
def special_without_consent(page: Page) -> Iterator[Flaw]:
    """Data on health, belief, origin and the like need more than an ordinary ground.

    Finds: a category of GDPR Art. 9 in a use by contract, legitimate interests or a public task.
    Does not find: the exceptions of Art. 9(2); declare a legal obligation with its statute for those.
    Before: `{purpose: service.improve, data: [health.record], basis: legitimate-interests}`.
    After: the same by consent.
    """
    weak = {LegalBasis.CONTRACT, LegalBasis.LEGITIMATE_INTERESTS, LegalBasis.PUBLIC_TASK}
    for sentence, use in uses_of(page.policy):
        special = [name for name in expand(use.data) if CATEGORIES[name].special]
        if special and use.basis in weak:
            yield Flaw(
                place(sentence),
                f"{listed(special)} used by {use.basis}.",
                "Ask for explicit consent, or name the statute.",
            )
