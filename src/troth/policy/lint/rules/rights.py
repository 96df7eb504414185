"""Rules about section 5 as published: which rights are told, and how a request is handled."""

from __future__ import annotations

from collections.abc import Iterator

from troth.policy.law.provisions import Duty, FurtherRight, Law
from troth.policy.lint.page import Page
from troth.policy.lint.registry import Flaw, Level, rule
from troth.policy.lint.words.phrases import PERIOD
from troth.policy.lint.words.requests import ANSWERS, FEE, VERIFIES
from troth.policy.lint.words.rights import TOLD_RIGHTS
from troth.policy.vocabulary import Right


@rule("rights.missing-rights", "A right that a law gives is not told", fault=14, duty=Duty.RIGHTS)
def missing_rights(page: Page) -> Iterator[Flaw]:
    """Each right that a law of the policy gives must be told.

    Finds: a right of one of the laws that no sentence speaks of, by law: withdrawing consent, automated decisions,
    opting out of sale, limiting sensitive data, explanation, appeal, and the six of section 5.
    Does not find: a right that is told and not granted; `troth check` asks for it.
    Before: six rights, with `laws: [gdpr, ccpa, pipl]`.
    After: the same, and "You can withdraw a consent at any time", "You can opt out of the sale of your data", ...
    """
    for right, known in TOLD_RIGHTS.items():
        cited = [cite for law in page.laws_with(Duty.RIGHTS) if (cite := _article(law, right))]
        sections = ("rights",) if isinstance(right, Right) and page.within("rights") else ()
        if cited and not page.says(known.told, *sections):
            yield Flaw(
                page.place_of("rights"),
                f"nothing tells of the right: {known.name}.",
                f'Add: "{known.sentence}"',
                reference="; ".join(cited),
            )


def _article(law: Law, right: Right | FurtherRight) -> str | None:
    if isinstance(right, Right):
        return law.cite(law.rights[right].article) if right in law.rights else None
    return law.cite(law.further_rights[right].article) if right in law.further_rights else None


@rule(
    "rights.no-time-identity-fee",
    "No answer time, no identity check or no word on cost",
    fault=15,
    level=Level.WARNING,
    duty=Duty.REQUEST_HANDLING,
)
def no_time_identity_fee(page: Page) -> Iterator[Flaw]:
    """Who uses a right should know by when the answer comes, how identity is checked, and what it costs.

    Finds: rights told without an answer time, without a word on identity, or without a word on fees.
    Does not find: a time longer than the law's; `troth check` counts from the requests on file.
    Before: "You have the following rights".
    After: "We answer within one month, free of charge; we may ask you to confirm your e-mail address first".
    """
    sections = ("rights", "contact")
    if not page.within("rights"):
        return
    tells = page.within(*sections)
    lacking = {
        "by when a request is answered": (
            any(PERIOD.search(said.text) and ANSWERS.search(said.text) for said in tells),
            "We answer within one month.",
        ),
        "how the identity of who asks is checked": (
            any(VERIFIES.search(said.text) for said in tells),
            "We ask you to confirm your e-mail address first.",
        ),
        "what a request costs": (any(FEE.search(said.text) for said in tells), "It is free of charge."),
    }
    for what, (told, sentence) in lacking.items():
        if not told:
            yield Flaw(page.place_of("rights"), f"nothing says {what}.", f'Add: "{sentence}"')
