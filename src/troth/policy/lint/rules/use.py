"""Rules about section 2 as published: purposes and the grounds they rest on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from troth.policy.law.provisions import Duty
from troth.policy.lint.page import Page, Said, listed
from troth.policy.lint.registry import Flaw, Level, rule
from troth.policy.lint.words.grounds import (
    ANY_BASIS,
    BASES,
    BASES_HEADING,
    EXPLAINS_INTEREST,
    SOME_PEOPLE,
    WITHDRAW,
    YOUR_LEGITIMATE,
)
from troth.policy.lint.words.phrases import A_WAY, DENIES
from troth.policy.lint.words.purposes import CONCEPTS, CONCRETE, STATES_PURPOSE
from troth.policy.vocabulary import LegalBasis

_PROMISED_ELSEWHERE = ("use", "collection", "cookies", "sharing")


def bases_said(page: Page) -> tuple[Said, ...]:
    """The sentences that list the grounds: those under a heading or an introduction that speaks of grounds."""
    introduced = {said.place.clause for said in page.find(BASES_HEADING, "use") if not said.item}
    return tuple(
        said
        for said in page.within("use")
        if said.item
        and (
            any(BASES_HEADING.search(title) for title in said.titles[1:])
            or said.place.clause.rpartition(".")[0] in introduced
        )
    )


def purposes_said(page: Page) -> tuple[Said, ...]:
    """The closed list of purposes: the items of section 2 that are no grounds; without a list, all its sentences."""
    grounds = {said.place.clause for said in bases_said(page)}
    items = tuple(said for said in page.within("use") if said.item and said.place.clause not in grounds)
    return items or tuple(said for said in page.within("use") if said.place.clause not in grounds)


@rule(
    "use.purpose-not-listed",
    "A purpose is told elsewhere and missing from the list of purposes",
    fault=2,
    duty=Duty.PURPOSES,
)
def purpose_not_listed(page: Page) -> Iterator[Flaw]:
    """The list of purposes is closed: a purpose that another sentence tells must stand in it.

    Finds: personalisation, advertising, marketing, analysis, profiling, training of models, research or fraud told in
    an introduction, at a cookie or at a recipient, and not in the list of section 2.
    Does not find: purposes told nowhere; two wordings of one purpose that differ in meaning.
    Before: "... and provide a personalized experience", with no such item in the list.
    After: add to the list "Personalize what you see, if you agree".
    """
    listed_there = purposes_said(page)
    inside = {said.place.clause for said in listed_there}
    for name, concept in CONCEPTS.items():
        if any(concept.search(said.text) for said in listed_there):
            continue
        told = [
            said
            for said in page.find(concept, *_PROMISED_ELSEWHERE)
            if said.place.clause not in inside and _is_told_as_purpose(said, concept)
        ]
        if told:
            others = f" (also {listed(said.place.number for said in told[1:])})" if told[1:] else ""
            yield Flaw(
                told[0].place,
                f"{name} is told here as a purpose{others} and is missing from the list of purposes.",
                f'Take the word out, or add the purpose with its ground: "For {name}, if you agree (consent)".',
            )


def _is_told_as_purpose(said: Said, concept: re.Pattern[str]) -> bool:
    """Whether a sentence says that data are used for the concept, rather than that they are not."""
    if said.cells:
        return any(concept.search(cell) and not DENIES.search(cell) for cell in said.cells[1:])
    part = said.part_with(concept)
    return part is not None and not DENIES.search(part) and bool(STATES_PURPOSE.search(part))


@rule("use.basis-not-mapped", "No purpose is told with its legal basis", fault=3, duty=Duty.BASIS_OF_PURPOSES)
def basis_not_mapped(page: Page) -> Iterator[Flaw]:
    """Each purpose must be told with the ground it rests on; a list of grounds by itself tells nobody which is whose.

    Finds: purposes of section 2 without a ground beside them, where the grounds do not name the purposes either.
    Does not find: a ground that is named and wrong for the purpose.
    Before: a list of purposes, then a list of grounds.
    After: "Send you our newsletter (consent)", or "Your consent: marketing and analytics".
    """
    purposes, grounds = purposes_said(page), bases_said(page)
    if not page.within("use"):
        return
    if grounds and all(_names_purpose(said) for said in grounds):
        return
    bare = [said for said in purposes if not _names_basis(said)]
    if not bare:
        return
    if grounds or len(bare) == len(purposes):
        place = page.above(grounds[0]) if grounds else page.place_of("use")
        what = (
            f"the grounds are listed, but not which purpose of {_numbers(purposes)} rests on which."
            if grounds
            else "no legal basis is named."
        )
        yield Flaw(
            place, what, 'Name the ground at each purpose, for example: "Process your orders (contract with you)".'
        )
    else:
        for said in bare:
            yield Flaw(
                said.place,
                "this purpose is told without its legal basis.",
                'Add the ground, for example: "(your consent)".',
            )


def _names_basis(said: Said) -> bool:
    """Whether the ground stands in the sentence, or in the heading right above it."""
    above = said.titles[-1] if said.titles[1:] and said.item else ""
    return bool(ANY_BASIS.search(said.text) or (ANY_BASIS.search(above) and not BASES_HEADING.search(above)))


def _names_purpose(said: Said) -> bool:
    text = ANY_BASIS.sub(" ", said.text)
    return bool(CONCRETE.search(text) or re.search(r"\b\d\.\d", text))


def _numbers(said: tuple[Said, ...]) -> str:
    return f"{said[0].place.number} to {said[-1].place.number}" if said[1:] else said[0].place.number


def _relies_on(page: Page, basis: LegalBasis) -> tuple[Said, ...]:
    """Where section 2 says that data are used on this ground."""
    return tuple(
        said
        for said in page.find(BASES[basis], "use")
        if not (part := said.part_with(BASES[basis])) or not DENIES.search(part)
    )


@rule(
    "use.no-way-to-withdraw", "Consent is a ground, and nothing says how to withdraw it", fault=4, duty=Duty.WITHDRAWAL
)
def no_way_to_withdraw(page: Page) -> Iterator[Flaw]:
    """Who relies on consent must say that it can be withdrawn, and how.

    Finds: consent named as a ground or as a reason for sharing, with no sentence on withdrawing it, or with one that
    names no way.
    Does not find: a way that does not work, or is harder than giving was; `troth check` looks at that.
    Before: "Your explicit consent".
    After: "Your consent. You can withdraw it at any time in your privacy settings".
    """
    relying = _relies_on(page, LegalBasis.CONSENT) or page.find(BASES[LegalBasis.CONSENT], "sharing", "cookies")
    if not relying:
        return
    told = page.find(WITHDRAW)
    repair = 'Say there: "You can withdraw your consent at any time in your privacy settings or by writing to us".'
    if not told:
        yield Flaw(relying[0].place, "consent is a ground here, and no sentence says how to withdraw it.", repair)
    elif not any(A_WAY.search(said.text) for said in told):
        message = "withdrawing consent is promised, and no way to do it is named."
        yield Flaw(told[0].place, message, repair, level=Level.WARNING)


@rule(
    "use.interests-not-explained",
    "Legitimate interests are not explained, or mixed with vital ones",
    fault=5,
    duty=Duty.INTERESTS,
)
def interests_not_explained(page: Page) -> Iterator[Flaw]:
    """Who relies on legitimate interests must say which interests they are, and whose.

    Finds: the ground without a word on the interest; the interests of the *person* called legitimate interests, which
    mixes the ground of Art. 6(1)(f) with the vital interests of Art. 6(1)(d).
    Does not find: an interest that is named and does not outweigh the person's.
    Before: "Protection of your or others' legitimate interests".
    After: "Our legitimate interests: keeping the shop free of fraud".
    """
    relying = _relies_on(page, LegalBasis.LEGITIMATE_INTERESTS)
    if not relying:
        return
    repair = 'Name the interest and whose it is: "Our legitimate interest in keeping the service free of fraud".'
    mixed = (
        "the interests of the person are called legitimate interests; those are the company's or a third party's, and "
        "what protects the person is a vital interest."
    )
    if not any(EXPLAINS_INTEREST.search(said.text) or _names_purpose(said) for said in relying):
        yield Flaw(
            relying[0].place, "legitimate interests are a ground here, and nothing says which interests.", repair
        )
    for said in relying:
        if YOUR_LEGITIMATE.search(said.text):
            yield Flaw(said.place, mixed, repair)


@rule("use.basis-unknown-to-law", "A ground that one of the laws does not know", fault=6, duty=Duty.LISTED_BASES)
def basis_unknown_to_law(page: Page) -> Iterator[Flaw]:
    """A ground can carry a use only under a law that has it: PIPL Art. 13 has no legitimate interests.

    Finds: legitimate interests (or another ground) named for everybody, while a law of the policy does not list it.
    Does not find: a ground that is limited by its own sentence to people under another law.
    Before: "Protection of ... legitimate interests", with `laws: [gdpr, pipl]`.
    After: "In the EU and the UK: our legitimate interest in ...; elsewhere: your consent".
    """
    for law in page.laws_with(Duty.LISTED_BASES):
        for basis in BASES:
            if law.bases is None or basis in law.bases:
                continue
            said = next((said for said in _relies_on(page, basis) if not _limited(page, said)), None)
            if said:
                name = str(basis).replace("-", " ")
                yield Flaw(
                    said.place,
                    f'"{name}" is named as a ground for everybody; {law.short} has no such ground.',
                    'Say for whom it holds and what holds for others: "In the EU ...; elsewhere, your consent".',
                    reference=law.cite(law.duties[Duty.LISTED_BASES].article),
                )


def _limited(page: Page, said: Said) -> bool:
    """Whether the sentence, its headings or its introduction say for which people the ground holds."""
    above = page.policy.by_id.get(said.place.clause.rpartition(".")[0])
    around = above.text if above and above.text else ""
    return bool(SOME_PEOPLE.search(said.text) or SOME_PEOPLE.search(" ".join((*said.titles[1:], around))))
